#include "versions/plan.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <limits>
#include <optional>

#include "versions/error.h"
#include "versions/words.h"

namespace belay::versions {
namespace {

[[noreturn]] void refuse(std::string_view target, std::string_view why, std::string next) {
  throw Error(ErrorCode::bad_target, fmt::format("`{}` cannot be the target: {}", target, why)).next(std::move(next));
}

/// N of `+N` or `-N`. A number too large for us is as good as the largest one: both lead too far.
std::optional<std::size_t> read_count(std::string_view target, char sign) {
  if (target.size() < 2 || target.front() != sign || leading(target.substr(1), is_digit).size() + 1 != target.size()) {
    return std::nullopt;
  }
  std::size_t count = std::numeric_limits<std::size_t>::max();
  std::from_chars(target.data() + 1, target.data() + target.size(), count);
  return count;
}

[[noreturn]] void refuse_several(const Graph& graph, const std::vector<std::size_t>& heads) {
  std::vector<std::string_view> ids;
  ids.reserve(heads.size());
  for (const std::size_t head : heads) ids.emplace_back(graph.scripts()[head].id.text);
  throw Error(ErrorCode::several_heads, fmt::format("there are {} heads: {}", heads.size(), fmt::join(ids, ", ")))
      .next(fmt::format("belay merge -m \"…\" {}, or belay upgrade heads", fmt::join(ids, " ")));
}

/// The only head, or nothing where there are no scripts.
std::vector<std::size_t> only_head(const Graph& graph) {
  std::vector<std::size_t> heads = graph.heads();
  if (heads.size() > 1) refuse_several(graph, heads);
  return heads;
}

std::vector<const Script*> pending(const Graph& graph, const std::vector<bool>& applied,
                                   const std::vector<std::size_t>& targets) {
  const std::vector<bool> needed = graph.ancestors(targets);
  std::vector<const Script*> revisions;
  for (std::size_t i = 0; i < graph.size(); ++i) {
    if (needed[i] && !applied[i]) revisions.push_back(&graph.scripts()[i]);
  }
  return revisions;
}

std::vector<const Script*> next_pending(const Graph& graph, const std::vector<bool>& applied, std::string_view target,
                                        std::size_t count) {
  auto revisions = pending(graph, applied, only_head(graph));
  if (count == 0) refuse(target, "it asks for nothing", "belay upgrade +1");
  if (count > revisions.size()) {
    refuse(target, fmt::format("{} pending up to the head", revisions.size()), "belay upgrade head");
  }
  revisions.resize(count);
  return revisions;
}

std::vector<const Script*> upgrades(const Graph& graph, const std::vector<bool>& applied, std::string_view target) {
  if (target == "head") return pending(graph, applied, only_head(graph));
  if (target == "heads") return pending(graph, applied, graph.heads());
  if (const auto count = read_count(target, '+')) return next_pending(graph, applied, target, *count);
  if (target == "base" || target.starts_with('-')) {
    refuse(target, "it lies behind, not ahead", fmt::format("belay downgrade {}", target));
  }
  return pending(graph, applied, {graph.resolve(target)});
}

/// What is both applied and in `chosen`, newest first.
std::vector<const Script*> newest_first(const Graph& graph, const std::vector<bool>& applied,
                                        const std::vector<bool>& chosen) {
  std::vector<const Script*> revisions;
  for (std::size_t i = graph.size(); i-- > 0;) {
    if (applied[i] && chosen[i]) revisions.push_back(&graph.scripts()[i]);
  }
  return revisions;
}

std::vector<const Script*> all_applied(const Graph& graph, const std::vector<bool>& applied) {
  return newest_first(graph, applied, applied);
}

std::vector<const Script*> last_applied(const Graph& graph, const std::vector<bool>& applied, std::string_view target,
                                        std::size_t count) {
  auto revisions = all_applied(graph, applied);
  if (count == 0) refuse(target, "it asks for nothing", "belay downgrade -1");
  if (count > revisions.size()) {
    refuse(target, fmt::format("{} applied", revisions.size()), "belay downgrade base");
  }
  revisions.resize(count);
  return revisions;
}

std::vector<const Script*> downgrades(const Graph& graph, const std::vector<bool>& applied, std::string_view target) {
  if (target == "base") return all_applied(graph, applied);
  if (const auto count = read_count(target, '-')) return last_applied(graph, applied, target, *count);
  if (target == "head" || target == "heads" || target.starts_with('+')) {
    refuse(target, "it lies ahead, not behind", fmt::format("belay upgrade {}", target));
  }
  const std::size_t position = graph.resolve(target);
  if (!applied[position]) refuse(target, "it is not applied", fmt::format("belay upgrade {}", target));
  std::vector<bool> above = graph.descendants({position});
  above[position] = false;
  return newest_first(graph, applied, above);
}

void check_reversible(const Script& script) {
  if (script.down && !script.irreversible) return;
  const std::string why = script.irreversible ? fmt::format("is irreversible: {}", *script.irreversible)
                                              : std::string("has no `-- migrate:down` section");
  throw Error(ErrorCode::irreversible, fmt::format("the revision `{}` {}", script.id.text, why))
      .at(script.file)
      .next("write a `-- migrate:down` section, or stamp the revision you want with `belay stamp`");
}

}  // namespace

Plan plan_upgrade(const Graph& graph, const std::vector<bool>& applied, std::string_view target) {
  return {Direction::up, upgrades(graph, applied, target)};
}

Plan plan_downgrade(const Graph& graph, const std::vector<bool>& applied, std::string_view target) {
  Plan plan{Direction::down, downgrades(graph, applied, target)};
  for (const Script* script : plan.revisions) check_reversible(*script);
  return plan;
}

std::vector<bool> revisions_at(const Graph& graph, const std::vector<std::string>& targets) {
  std::vector<std::size_t> positions;
  for (const auto& target : targets) {
    if (target == "base") continue;
    if (target == "head" || target == "heads") {
      const auto heads = graph.heads();
      positions.insert(positions.end(), heads.begin(), heads.end());
    } else {
      positions.push_back(graph.resolve(target));
    }
  }
  return graph.ancestors(positions);
}

}  // namespace belay::versions

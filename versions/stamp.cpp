#include "versions/stamp.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>

namespace belay::versions {
namespace {

/// Nothing when no script has this id.
std::optional<std::size_t> position_of(const Graph& graph, const RevisionId& id) {
  const Script* script = graph.find(id);
  if (script == nullptr) return std::nullopt;
  return static_cast<std::size_t>(script - graph.scripts().data());
}

void compare(const Graph& graph, const std::vector<bool>& is_applied, const Stamp& stamp, std::vector<Drift>& drift) {
  const std::string& id = stamp.revision.text;
  const auto position = position_of(graph, stamp.revision);
  if (!position) {
    drift.push_back({Drift::Kind::missing, stamp.revision, {}, fmt::format("`{}` is applied, but has no script", id)});
    return;
  }
  const Script& script = graph.scripts()[*position];
  if (script.digest != stamp.digest) {
    drift.push_back({Drift::Kind::edited, stamp.revision, script.file,
                     fmt::format("the SQL of `{}` was edited after it had been applied", id)});
  }
  for (const std::size_t parent : graph.parents(*position)) {
    if (is_applied[parent]) continue;
    drift.push_back({Drift::Kind::parent_unapplied, stamp.revision, script.file,
                     fmt::format("`{}` is applied, but its parent `{}` is not", id, graph.scripts()[parent].id.text)});
  }
}

}  // namespace

std::vector<Drift> find_drift(const Graph& graph, const std::vector<Stamp>& stamps) {
  const std::vector<bool> is_applied = applied(graph, stamps);
  std::vector<Drift> drift;
  for (const Stamp& stamp : stamps) compare(graph, is_applied, stamp, drift);
  return drift;
}

std::vector<bool> applied(const Graph& graph, const std::vector<Stamp>& stamps) {
  std::vector<bool> result(graph.size());
  for (const Stamp& stamp : stamps) {
    if (const auto position = position_of(graph, stamp.revision)) result[*position] = true;
  }
  return result;
}

std::vector<RevisionId> current(const Graph& graph, const std::vector<Stamp>& stamps) {
  const std::vector<bool> is_applied = applied(graph, stamps);
  const auto stands = [&is_applied](std::size_t position) { return is_applied[position]; };
  std::vector<RevisionId> ids;
  for (std::size_t i = 0; i < graph.size(); ++i) {
    if (is_applied[i] && std::ranges::none_of(graph.children(i), stands)) ids.push_back(graph.scripts()[i].id);
  }
  for (const Stamp& stamp : stamps) {
    if (graph.find(stamp.revision) == nullptr) ids.push_back(stamp.revision);
  }
  return ids;
}

}  // namespace belay::versions

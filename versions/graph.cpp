#include "versions/graph.h"

#include <fmt/format.h>

#include <algorithm>
#include <cassert>
#include <functional>
#include <queue>
#include <utility>

#include "versions/error.h"
#include "versions/spelling.h"

namespace belay::versions {
namespace {

using Positions = std::vector<std::size_t>;
using Index = std::unordered_map<RevisionId, std::size_t>;

constexpr std::size_t named_max = 10;

Index index_by_id(const std::vector<Script>& scripts) {
  Index index;
  index.reserve(scripts.size());
  for (std::size_t i = 0; i < scripts.size(); ++i) {
    const auto [other, is_new] = index.emplace(scripts[i].id, i);
    if (is_new) continue;
    throw Error(ErrorCode::duplicate_revision, fmt::format("the revision `{}` is already in {}", scripts[i].id.text,
                                                           scripts[other->second].file.string()))
        .at(scripts[i].file)
        .next("give one of the two another id");
  }
  return index;
}

std::string nearest_id(const std::vector<Script>& scripts, std::string_view word) {
  std::vector<std::string_view> ids;
  ids.reserve(scripts.size());
  for (const Script& script : scripts) ids.emplace_back(script.id.text);
  return nearest(word, ids);
}

std::string suggestion(const std::string& id, const char* otherwise) {
  return id.empty() ? otherwise : fmt::format("did you mean `{}`?", id);
}

Positions find_parents(const std::vector<Script>& scripts, const Index& index, const Script& script) {
  Positions parents;
  parents.reserve(script.parents.size());
  for (const RevisionId& parent : script.parents) {
    const auto found = index.find(parent);
    if (found == index.end()) {
      throw Error(ErrorCode::missing_parent,
                  fmt::format("no script has the id `{}`, which is a parent of `{}`", parent.text, script.id.text))
          .at(script.file)
          .next(suggestion(nearest_id(scripts, parent.text), "restore the missing script, or correct `-- parents:`"));
    }
    parents.push_back(found->second);
  }
  return parents;
}

std::vector<Positions> reverse(const std::vector<Positions>& parents) {
  std::vector<Positions> children(parents.size());
  for (std::size_t i = 0; i < parents.size(); ++i) {
    for (const std::size_t parent : parents[i]) children[parent].push_back(i);
  }
  return children;
}

/// Kahn's algorithm: of the revisions whose parents are all placed, the first one given is next. What is left out lies
/// on a cycle or behind one.
Positions sort(const std::vector<Positions>& parents) {
  const std::vector<Positions> children = reverse(parents);
  Positions waiting_for(parents.size());
  std::priority_queue<std::size_t, Positions, std::greater<>> ready;
  for (std::size_t i = 0; i < parents.size(); ++i) {
    waiting_for[i] = parents[i].size();
    if (waiting_for[i] == 0) ready.push(i);
  }
  Positions order;
  order.reserve(parents.size());
  while (!ready.empty()) {
    order.push_back(ready.top());
    ready.pop();
    for (const std::size_t child : children[order.back()]) {
      if (--waiting_for[child] == 0) ready.push(child);
    }
  }
  return order;
}

/// From a revision that was not sorted, each step to a parent that was not sorted either leads round a cycle at last.
Positions find_cycle(const std::vector<Positions>& parents, const Positions& sorted) {
  std::vector<bool> unsorted(parents.size(), true);
  for (const std::size_t i : sorted) unsorted[i] = false;
  const auto is_unsorted = [&unsorted](std::size_t i) { return unsorted[i]; };
  std::vector<bool> seen(parents.size());
  Positions path;
  std::size_t at = static_cast<std::size_t>(std::ranges::find(unsorted, true) - unsorted.begin());
  while (!seen[at]) {
    seen[at] = true;
    path.push_back(at);
    at = *std::ranges::find_if(parents[at], is_unsorted);
  }
  path.erase(path.begin(), std::ranges::find(path, at));
  return path;
}

[[noreturn]] void refuse_cycle(const std::vector<Script>& scripts, const Positions& cycle) {
  std::string names;
  for (std::size_t i = 0; i < std::min(cycle.size(), named_max); ++i) names += scripts[cycle[i]].id.text + " → ";
  if (cycle.size() > named_max) names += fmt::format("{} more → ", cycle.size() - named_max);
  const Script& first = scripts[cycle.front()];
  throw Error(ErrorCode::cycle, fmt::format("`{}` is its own ancestor: {}{} (each followed by its parent)",
                                            first.id.text, names, first.id.text))
      .at(first.file)
      .next("correct `-- parents:` in one of them");
}

std::vector<bool> reachable(Positions from, const std::vector<Positions>& edges) {
  std::vector<bool> reached(edges.size());
  while (!from.empty()) {
    const std::size_t at = from.back();
    from.pop_back();
    if (reached[at]) continue;
    reached[at] = true;
    from.insert(from.end(), edges[at].begin(), edges[at].end());
  }
  return reached;
}

}  // namespace

Graph::Graph(std::vector<Script> scripts) : positions_(index_by_id(scripts)) {
  std::vector<Positions> parents;
  parents.reserve(scripts.size());
  for (const Script& script : scripts) parents.push_back(find_parents(scripts, positions_, script));
  const Positions order = sort(parents);
  if (order.size() != scripts.size()) refuse_cycle(scripts, find_cycle(parents, order));

  Positions position(order.size());
  for (std::size_t i = 0; i < order.size(); ++i) position[order[i]] = i;
  for (auto& [id, at] : positions_) at = position[at];
  scripts_.reserve(order.size());
  parents_.reserve(order.size());
  for (const std::size_t given : order) {
    for (std::size_t& parent : parents[given]) parent = position[parent];
    parents_.push_back(std::move(parents[given]));
    scripts_.push_back(std::move(scripts[given]));
  }
  children_ = reverse(parents_);
}

const Script* Graph::find(const RevisionId& id) const {
  const auto found = positions_.find(id);
  return found == positions_.end() ? nullptr : &scripts_[found->second];
}

std::size_t Graph::resolve(std::string_view id_or_prefix) const {
  const auto exact = positions_.find(RevisionId{std::string(id_or_prefix)});
  if (exact != positions_.end()) return exact->second;
  Positions fitting;
  for (std::size_t i = 0; i < size() && !id_or_prefix.empty(); ++i) {
    if (scripts_[i].id.text.starts_with(id_or_prefix)) fitting.push_back(i);
  }
  if (fitting.size() == 1) return fitting.front();
  if (fitting.empty()) {
    throw Error(ErrorCode::unknown_revision, fmt::format("there is no revision `{}`", id_or_prefix))
        .next(suggestion(nearest_id(scripts_, id_or_prefix), "see `belay history`"));
  }
  std::string names;
  for (std::size_t i = 0; i < std::min(fitting.size(), named_max); ++i) {
    names += (i == 0 ? "" : ", ") + scripts_[fitting[i]].id.text;
  }
  if (fitting.size() > named_max) names += fmt::format(" and {} more", fitting.size() - named_max);
  throw Error(ErrorCode::ambiguous_revision, fmt::format("`{}` may be any of {}", id_or_prefix, names))
      .next("write more of the id");
}

std::size_t Graph::position(const RevisionId& id) const {
  const auto found = positions_.find(id);
  assert(found != positions_.end());
  return found->second;
}

void Graph::complete() {
  for (Script& script : scripts_)
    if (!script.whole) script = whole(script);
}

std::vector<std::size_t> Graph::heads() const {
  Positions heads;
  for (std::size_t i = 0; i < size(); ++i) {
    if (children_[i].empty()) heads.push_back(i);
  }
  return heads;
}

std::vector<bool> Graph::ancestors(const std::vector<std::size_t>& from) const {
  return reachable(from, parents_);
}

std::vector<bool> Graph::descendants(const std::vector<std::size_t>& from) const {
  return reachable(from, children_);
}

}  // namespace belay::versions

#include "engine/planned.h"

#include <algorithm>
#include <unordered_map>

namespace belay::engine {
namespace {

std::vector<journal::PlannedStatement> planned(const std::vector<versions::Statement>& statements) {
  std::vector<journal::PlannedStatement> result;
  result.reserve(statements.size());
  for (const auto& [text, line] : statements) result.push_back({.text = text, .line = line});
  return result;
}

journal::PlannedStep planned(const versions::Step& step) {
  journal::PlannedStep result{.name = step.name,
                              .statements = planned(step.statements),
                              .transactional = step.transactional,
                              .repeatable = step.repeatable,
                              .batch_rows = 0,
                              .batch_table = {},
                              .batch_column = {},
                              .rebuild_table = {},
                              .rebuild_from = {},
                              .rebuild_to = {}};
  if (step.batch) {
    result.batch_rows = step.batch->rows;
    result.batch_table = step.batch->table;
    result.batch_column = step.batch->column;
  }
  if (step.rebuild) {
    result.rebuild_table = step.rebuild->table;
    result.rebuild_from = step.rebuild->from;
    result.rebuild_to = step.rebuild->to;
  }
  return result;
}

}  // namespace

journal::PlannedRevision planned(const versions::Script& script, journal::Action action) {
  if (!script.whole) return planned(versions::whole(script), action);
  journal::PlannedRevision result;
  result.revision = script.id.text;
  result.action = action;
  result.message = script.message;
  result.digest = script.digest;
  result.file = script.file.string();
  if (action == journal::Action::up) {
    for (const auto& step : script.up) result.steps.push_back(planned(step));
    result.verify = planned(script.verify);
  }
  if (action == journal::Action::down && script.down)
    for (const auto& step : *script.down) result.steps.push_back(planned(step));
  return result;
}

journal::PlannedRevision planned_hook(const std::string& name, const std::vector<versions::Statement>& statements) {
  journal::PlannedRevision result;
  result.revision = name;
  result.action = journal::Action::hook;
  result.message = "hook";
  result.file = name;
  for (const auto& statement : statements)
    result.steps.push_back(planned(
        versions::Step{.name = {}, .line = statement.line, .statements = {statement}, .batch = {}, .rebuild = {}}));
  return result;
}

std::vector<journal::PlannedRevision> planned(const versions::Plan& plan) {
  const auto action = plan.direction == versions::Direction::up ? journal::Action::up : journal::Action::down;
  std::vector<journal::PlannedRevision> result;
  result.reserve(plan.revisions.size());
  for (const auto* script : plan.revisions) result.push_back(planned(*script, action));
  return result;
}

const char* what_is_done(const std::vector<journal::PlannedRevision>& plan) {
  const auto any = [&plan](journal::Action action) {
    return std::ranges::any_of(plan, [action](const auto& revision) { return revision.action == action; });
  };
  using enum journal::Action;
  return (any(down) || any(unstamp)) && !any(up) && !any(stamp) ? "taken back" : "applied";
}

journal::PlannedRevision planned_unstamp(const versions::Stamp& stamp) {
  journal::PlannedRevision result;
  result.revision = stamp.revision.text;
  result.action = journal::Action::unstamp;
  result.message = stamp.message;
  return result;
}

std::vector<journal::PlannedRevision> planned_stamps(const versions::Graph& graph,
                                                     const std::vector<versions::Stamp>& stamps,
                                                     const std::vector<bool>& applied) {
  std::vector<journal::PlannedRevision> plan;
  std::unordered_map<versions::RevisionId, std::string> digests;
  for (const auto& stamp : stamps) {
    digests.emplace(stamp.revision, stamp.digest);
    if (graph.find(stamp.revision) && applied[graph.position(stamp.revision)]) continue;
    plan.push_back(planned_unstamp(stamp));
  }
  std::reverse(plan.begin(), plan.end());  // Newest first, as a downgrade would.
  for (std::size_t i = 0; i < graph.size(); ++i) {
    const auto& script = graph.scripts()[i];
    const auto stamped = digests.find(script.id);
    if (applied[i] && (stamped == digests.end() || stamped->second != script.digest))
      plan.push_back(planned(script, journal::Action::stamp));
  }
  return plan;
}

}  // namespace belay::engine

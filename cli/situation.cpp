#include "cli/situation.h"

#include <fmt/format.h>

#include "cli/result.h"

namespace belay::cli {

std::string_view state_of(const recovery::Situation& situation) {
  if (!situation.consistent()) return "inconsistent";
  return situation.interrupted ? "interrupted" : "clean";
}

const recovery::Situation::Way& way(const recovery::Situation::Interrupted& interrupted, recovery::Policy policy) {
  return policy == recovery::Policy::forward ? interrupted.forward : interrupted.back;
}

const char* flag_of(recovery::Policy policy) {
  return policy == recovery::Policy::forward ? "--forward" : "--back";
}

bool was_going_down(const recovery::Situation::Interrupted& interrupted) {
  const std::string_view command = interrupted.run.command;
  return command.starts_with("downgrade") || command.starts_with("rollback");
}

std::string settling_command(const recovery::Situation::Interrupted& interrupted, recovery::Policy policy) {
  return was_going_down(interrupted) ? fmt::format("belay recover {}", flag_of(policy)) : "belay migrate";
}

std::string labelled(std::string_view label, std::string_view text) {
  return fmt::format("{:<10} {}", label, text);
}

Json running_json(const recovery::Situation& situation) {
  if (!situation.running) return nullptr;
  return {{"pid", situation.running->pid},
          {"host", situation.running->host},
          {"since", situation.running->since},
          {"command", situation.running->command}};
}

Json interrupted_json(const recovery::Situation& situation) {
  if (!situation.interrupted) return nullptr;
  return {{"run", situation.interrupted->run.run.value},
          {"command", situation.interrupted->run.command},
          {"started_at", situation.interrupted->run.started_at},
          {"verdict", std::string(recovery::name_of(situation.interrupted->verdict))},
          {"description", situation.interrupted->description}};
}

Json problems_json(const recovery::Situation& situation) {
  Json problems = Json::array();
  if (situation.problem)
    problems.push_back(
        {{"kind", "journal"}, {"where", situation.problem->file()}, {"message", situation.problem->what()}});
  for (const auto& drift : situation.drift)
    problems.push_back({{"kind", drift.kind == versions::Drift::Kind::edited ? "edited" : "missing"},
                        {"where", drift.file.empty() ? drift.revision.text : drift.file.string()},
                        {"message", drift.message}});
  return problems;
}

Json undoable_json(const std::vector<recovery::UndoableRun>& runs) {
  Json json = Json::array();
  for (const auto& run : runs) {
    Json revisions = Json::array();
    for (const auto& done : run.revisions)
      revisions.push_back(
          {{"revision", done.revision.text}, {"direction", std::string(journal::name_of(done.action))}});
    json.push_back({{"run", run.run.value},
                    {"command", run.command},
                    {"started_at", run.started_at},
                    {"ended_at", run.ended_at},
                    {"revisions", revisions},
                    {"image_bytes", run.image_bytes}});
  }
  return json;
}

std::string describe(const recovery::UndoableRun& run) {
  return fmt::format("run {} ({}, {})", run.run.value, run.command, revisions_text(run.revisions.size()));
}

void print_running(Terminal& terminal, const recovery::Situation& situation) {
  if (!situation.running) return;
  terminal.data(
      labelled("running", fmt::format("{} by pid {} on {} since {}", situation.running->command, situation.running->pid,
                                      situation.running->host, situation.running->since)));
}

void print_problems(Terminal& terminal, const recovery::Situation& situation) {
  if (situation.problem) {
    terminal.data(labelled("problem", situation.problem->what()));
    terminal.data(labelled("next", situation.problem->next()));
  }
  for (const auto& drift : situation.drift)
    terminal.data(labelled(
        "problem", fmt::format("{} {}", drift.message, drift.file.empty() ? "" : "(" + drift.file.string() + ")")));
}

}  // namespace belay::cli

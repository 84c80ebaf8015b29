#include <fmt/format.h>

#include <algorithm>
#include <string>
#include <unordered_set>
#include <utility>

#include "cli/commands.h"
#include "cli/consent.h"
#include "cli/json.h"
#include "cli/result.h"
#include "cli/situation.h"

namespace belay::cli {
namespace {

using journal::Action;
using recovery::Policy;
using recovery::Situation;
using recovery::UndoPlan;

bool takes_away(Action action) {
  return action == Action::down || action == Action::unstamp;
}

// --- A look ---

Policy opposite(Policy policy) {
  return policy == Policy::forward ? Policy::back : Policy::forward;
}

/// The command to type; nothing when there is nothing to do.
std::string next_of(const Situation& situation, Policy policy) {
  if (situation.problem) return situation.problem->next();
  if (!situation.interrupted || situation.running) return "";
  const auto& chosen = way(*situation.interrupted, policy);
  const auto& other = way(*situation.interrupted, opposite(policy));
  const auto settle = settling_command(*situation.interrupted, policy);
  std::string text = chosen.obstacle                          ? chosen.obstacle->next()
                     : policy == Policy::forward              ? settle + " finishes it"
                     : was_going_down(*situation.interrupted) ? settle + " takes it back"
                                                              : settle + " takes it back, then begins anew";
  if (!chosen.obstacle && !other.obstacle && chosen.would != other.would)
    text += fmt::format("; or belay recover {}", flag_of(opposite(policy)));
  return text;
}

int exit_of(const Situation& situation, Policy policy) {
  if (!situation.consistent()) return exit_integrity;
  const bool undecided = situation.interrupted && way(*situation.interrupted, policy).obstacle;
  return undecided ? exit_undecided : exit_done;
}

Json way_json(const Situation& situation, Policy policy) {
  if (!situation.interrupted) return nullptr;
  const auto& found = way(*situation.interrupted, policy);
  return {{"would", found.would}, {"obstacle", found.obstacle ? Json(found.obstacle->what()) : Json(nullptr)}};
}

Json look_json(Context& context, const Situation& situation, Policy policy) {
  Json json{{"database", hide_secrets(context.config().database)},
            {"state", std::string(state_of(situation))},
            {"run", nullptr},
            {"verdict", nullptr},
            {"interrupted", interrupted_json(situation)},
            {"evidence", Json::array()},
            {"forward", way_json(situation, Policy::forward)},
            {"back", way_json(situation, Policy::back)},
            {"undoable", undoable_json(situation.undoable)},
            {"written_since", situation.written_since},
            {"running", running_json(situation)},
            {"problems", problems_json(situation)},
            {"next", next_of(situation, policy)}};
  if (situation.interrupted) {
    json["run"] = situation.interrupted->run.run.value;
    json["verdict"] = json["interrupted"]["verdict"];
    json["evidence"] = situation.interrupted->evidence;
  }
  return json;
}

void print_way(Terminal& terminal, const char* label, const Situation::Way& way) {
  terminal.data(labelled(label, way.would));
  if (way.obstacle) terminal.data(labelled("", fmt::format("refused: {}", way.obstacle->what())));
}

void print_interrupted(Terminal& terminal, const Situation::Interrupted& interrupted) {
  const auto& run = interrupted.run;
  terminal.data(labelled("left", interrupted.description));
  terminal.data(labelled("begun", fmt::format("{} by {}@{}, pid {}", run.started_at, run.user, run.host, run.pid)));
  terminal.data(labelled("verdict", recovery::name_of(interrupted.verdict)));
  const char* label = "evidence";
  for (const auto& line : interrupted.evidence) terminal.data(labelled(std::exchange(label, ""), line));
  print_way(terminal, "forward", interrupted.forward);
  print_way(terminal, "back", interrupted.back);
}

void print_undoable(Terminal& terminal, const Situation& situation) {
  constexpr std::size_t shown_max = 10;
  const char* label = "undo";
  for (std::size_t i = 0; i < std::min(situation.undoable.size(), shown_max); ++i) {
    const auto& run = situation.undoable[i];
    terminal.data(
        labelled(std::exchange(label, ""), fmt::format("{} of {}: belay recover undo-run{}", describe(run),
                                                       run.ended_at, i == 0 ? "" : fmt::format(" {}", run.run.value))));
  }
  if (situation.undoable.size() > shown_max)
    terminal.data(labelled("", fmt::format("… and {} more", situation.undoable.size() - shown_max)));
  if (situation.written_since && !situation.undoable.empty())
    terminal.data(labelled("", "only with --discard-later-writes: nothing proves that nobody else has written since"));
}

void print_look(Context& context, const Situation& situation, Policy policy) {
  auto& terminal = context.terminal();
  const std::string state(state_of(situation));
  terminal.data(labelled("database", hide_secrets(context.config().database)));
  terminal.data(labelled("state", terminal.paint(state == "clean" ? Color::green : Color::red, state)));
  print_running(terminal, situation);
  if (situation.interrupted) print_interrupted(terminal, *situation.interrupted);
  if (situation.consistent() && !situation.interrupted && !situation.running)
    terminal.data(labelled("left", "nothing: no run was interrupted"));
  print_problems(terminal, situation);
  const std::string next = next_of(situation, policy);
  if (!next.empty() && !situation.problem) terminal.data(labelled("next", next));
  print_undoable(terminal, situation);
}

int look(Context& context) {
  auto& migrator = context.migrator();
  const Situation situation = migrator.look();
  const Policy policy = migrator.settings().policy;
  if (context.terminal().json())
    context.terminal().data(dump(look_json(context, situation, policy)));
  else
    print_look(context, situation, policy);
  return exit_of(situation, policy);
}

// --- Doing it ---

/// What was written by others is not the command's own to destroy.
void ask_to_discard(Context& context, const std::string& what) {
  ask_for_word(context, what + " also takes back what others have written since; a copy of the database is kept.",
               "discard", "writes of others would be discarded, and that was not confirmed");
}

int settle(Context& context, Policy policy) {
  auto& migrator = context.migrator();
  const bool discard = context.options().discard_later_writes;
  if (discard && migrator.look().interrupted) ask_to_discard(context, "This");
  const auto report = migrator.recover(policy, discard, context.command_line());
  if (!report.recovered) return finish(context, report, "nothing to recover: ");
  if (policy == Policy::forward) after_migrate(context, report);
  return finish(context, report,
                fmt::format("run {} {}; ", report.recovered->run.value,
                            report.recovered->direction == Policy::forward ? "went on to its end" : "was taken back"));
}

// --- undo-run ---

/// Whether nothing would be applied any more.
bool empties(const Situation& situation, const UndoPlan& plan) {
  std::unordered_set<std::string> applied;
  for (const auto& stamp : situation.stamps) applied.insert(stamp.revision.text);
  for (const auto& [revision, action] : plan.revisions) {
    if (takes_away(action))
      applied.erase(revision.text);
    else
      applied.insert(revision.text);
  }
  return applied.empty();
}

std::string message_of(Context& context, const versions::RevisionId& revision) {
  const auto* script = context.migrator().graph().find(revision);
  return script ? script->message : "(no script)";
}

std::string line_of(Context& context, const versions::RevisionId& revision, Action action) {
  return fmt::format("  {} {}  {}", takes_away(action) ? "-" : "+", revision.text, message_of(context, revision));
}

Json plan_json(Context& context, const UndoPlan& plan) {
  Json json = Json::array();
  for (const auto& [revision, action] : plan.revisions)
    json.push_back({{"revision", revision.text},
                    {"direction", std::string(journal::name_of(action))},
                    {"message", message_of(context, revision)}});
  return json;
}

std::vector<std::string> lines_of(Context& context, const UndoPlan& plan) {
  std::vector<std::string> lines;
  for (const auto& run : plan.runs) lines.push_back(fmt::format("{} of {}", describe(run), run.ended_at));
  for (const auto& [revision, action] : plan.revisions) lines.push_back(line_of(context, revision, action));
  lines.push_back(plan.obstacle ? fmt::format("not proven: {}", plan.obstacle->what())
                                : "proven: nobody else has written since");
  return lines;
}

int show_plan(Context& context, const Situation& situation, const UndoPlan& plan) {
  auto& terminal = context.terminal();
  if (terminal.json()) {
    Json json = dry_run_json(situation);
    json["runs"] = undoable_json(plan.runs);
    json["plan"] = plan_json(context, plan);
    json["proven"] = !plan.obstacle;
    json["obstacle"] = plan.obstacle ? Json(plan.obstacle->what()) : Json(nullptr);
    terminal.data(dump(json));
    return exit_done;
  }
  for (const auto& line : lines_of(context, plan)) terminal.data(line);
  terminal.data(fmt::format("{} would be taken back{}; the database is at {}, and nothing was changed",
                            plan.runs.size() == 1 ? "1 run" : fmt::format("{} runs", plan.runs.size()),
                            plan.obstacle ? " with --discard-later-writes" : "", joined(situation.current)));
  return exit_done;
}

/// The images go with what they take back: nothing brings it to life again.
void ask_to_undo(Context& context, const UndoPlan& plan) {
  auto& terminal = context.terminal();
  if (!context.options().yes && terminal.can_ask())
    for (const auto& line : lines_of(context, plan)) terminal.note(line);
  if (context.options().discard_later_writes) return ask_to_discard(context, "Taking this back");
  ask_for_yes(context, "Take this back? What it has written is gone then.",
              "taking a run back destroys what it has written, and was not confirmed");
}

}  // namespace

int recover(Context& context) {
  const auto& options = context.options();
  if (options.dry_run || (!options.forward && !options.back)) return look(context);
  return settle(context, options.forward ? Policy::forward : Policy::back);
}

int undo_run(Context& context) {
  const auto& options = context.options();
  if (options.forward || options.back)
    throw Error(exit_usage, "usage", "--forward and --back are of belay recover alone",
                "belay recover undo-run --help");
  auto& migrator = context.migrator();
  const Situation situation = migrator.look();
  const std::optional back_to = options.run == 0 ? std::nullopt : std::optional(journal::RunId{options.run});
  const UndoPlan plan = migrator.plan_undo(situation, back_to);
  if (context.config().is_protected && empties(situation, plan)) refuse_protected("taking back every revision");
  if (options.dry_run) return show_plan(context, situation, plan);
  if (plan.obstacle && !options.discard_later_writes) throw recovery::Error(*plan.obstacle);
  ask_to_undo(context, plan);

  const auto report = migrator.undo_run(
      {.back_to = back_to, .newest = plan.runs.at(0).run, .discard_later_writes = options.discard_later_writes},
      context.command_line());
  for (const auto& done : report.revisions) context.terminal().say(line_of(context, done.revision, done.action));
  const auto count = plan.runs.size();
  return finish(context, report,
                count == 1 ? fmt::format("{} was taken back; ", describe(plan.runs[0]))
                           : fmt::format("{} runs were taken back; ", count));
}

}  // namespace belay::cli

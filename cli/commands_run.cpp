#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <string>

#include "cli/commands.h"
#include "cli/consent.h"
#include "cli/json.h"
#include "cli/pending_hazards.h"
#include "cli/plan_sql.h"
#include "cli/result.h"
#include "engine/error.h"
#include "engine/planned.h"
#include "recovery/backup_before.h"

namespace belay::cli {
namespace {

using journal::Action;
using Plan = std::vector<journal::PlannedRevision>;

int finish(Context& context, const recovery::Report& report) {
  const auto count = report.revisions.size();
  return finish(context, report, count == 0 ? "nothing to do: " : revisions_text(count) + "; ");
}

/// Runs, with the command hooks around it when there is something to run.
template <typename Pending, typename Run>
int run(Context& context, Pending pending, Run go) {
  const bool something_to_do = !context.hooks().around() || pending();
  if (something_to_do) context.hooks().before_migrate();
  const recovery::Report report = go();
  after_migrate(context, report);
  return finish(context, report);
}

// --- --dry-run and --sql ---

Json plan_json(const Plan& plan) {
  Json json = Json::array();
  for (const auto& revision : plan) {
    std::size_t statements = 0;
    for (const auto& step : revision.steps) statements += step.statements.size();
    json.push_back({{"revision", revision.revision},
                    {"direction", std::string(journal::name_of(revision.action))},
                    {"message", revision.message},
                    {"statements", statements}});
  }
  return json;
}

/// Why a backup would be made first; nothing when none would be.
std::optional<std::string> backup_reason(Context& context, const recovery::Situation& situation, const Plan& plan) {
  if (!situation.exists) return std::nullopt;
  return recovery::backup_reason(context.migrator().settings().backup_before, plan);
}

int show_plan(Context& context, const recovery::Situation& situation, const Plan& plan) {
  auto& terminal = context.terminal();
  if (situation.problem) throw recovery::Error(*situation.problem);
  if (situation.interrupted) terminal.warn(situation.interrupted->description);
  if (context.options().sql) {
    print_sql(terminal, sql_of(plan, context.migrator().settings()));
    return exit_done;
  }
  const auto hazards = pending_hazards(context, situation, plan);
  if (!hazards.not_tried.empty()) terminal.warn(hazards.not_tried + "; hazards from there on are not known");
  if (terminal.json()) {
    Json json = dry_run_json(situation);
    json["plan"] = plan_json(plan);
    json["hazards"] = to_json(hazards);
    if (!hazards.not_tried.empty()) json["not_tried"] = hazards.not_tried;
    json["backup_first"] = backup_reason(context, situation, plan).has_value();
    terminal.data(dump(json));
    return exit_done;
  }
  if (const auto why = backup_reason(context, situation, plan))
    terminal.data(fmt::format("  a backup would be made first: {}", *why));
  for (const auto& revision : plan) {
    const bool down = revision.action == Action::down || revision.action == Action::unstamp;
    terminal.data(fmt::format("  {} {}  {}", down ? "-" : "+", revision.revision, revision.message));
    for (const auto& line : hazard_lines(hazards, revision.revision)) terminal.data(line);
  }
  terminal.data(fmt::format("{} would be run; the database is at {}, and nothing was changed",
                            revisions_text(plan.size()), joined(situation.current)));
  return exit_done;
}

bool only_shows(const Options& options) {
  return options.dry_run || options.sql;
}

// --- The commands ---

int go_up(Context& context, const std::string& target) {
  auto& migrator = context.migrator();
  if (only_shows(context.options())) {
    const auto situation = migrator.look();
    return show_plan(context, situation, engine::planned(migrator.plan_upgrade(situation, target)));
  }
  return run(
      context, [&] { return !migrator.plan_upgrade(migrator.look(), target).revisions.empty(); },
      [&] { return migrator.upgrade(target, context.command_line()); });
}

/// `belay migrate`, which other runs go on with, would go up again, and the same words may go down further.
void say_what_follows_down(engine::Error& error) {
  using enum engine::ErrorCode;
  if (error.code() == interrupted && error.is_unfinished())
    error.next("belay recover --forward goes on from there");
  else if (error.code() == interrupted)
    error.next("belay status shows how far it came");
  else if (error.next().empty() && (error.code() == statement_failed || error.code() == constraint_violated))
    error.next("correct the script or the data; belay status shows how far it came");
}

int go_down(Context& context, const std::string& target) {
  auto& migrator = context.migrator();
  const auto plan_now = [&](const recovery::Situation& situation) {
    return migrator.plan_downgrade(situation, target).revisions;
  };
  if (context.config().is_protected) {
    const auto situation = migrator.look();
    if (target == "base" || plan_now(situation).size() == situation.stamps.size())
      refuse_protected("downgrade to base");
  }
  if (only_shows(context.options())) {
    const auto situation = migrator.look();
    return show_plan(context, situation, engine::planned(migrator.plan_downgrade(situation, target)));
  }
  const auto go = [&] {
    try {
      return migrator.downgrade(target, context.command_line());
    } catch (engine::Error& error) {
      say_what_follows_down(error);
      throw;
    }
  };
  return run(
      context, [&] { return !plan_now(migrator.look()).empty(); }, go);
}

const std::string& only_target(const Options& options, const std::string& otherwise) {
  if (options.revisions.size() > 1)
    throw Error(exit_usage, "usage", "one revision at a time, please", "belay history shows the revisions there are");
  return options.revisions.empty() ? otherwise : options.revisions.front();
}

}  // namespace

int migrate(Context& context) {
  const auto& options = context.options();
  if (options.steps > 0) return go_up(context, fmt::format("+{}", options.steps));
  return go_up(context, options.to.empty() ? "head" : options.to);
}

int upgrade(Context& context) {
  return go_up(context, only_target(context.options(), "head"));
}

int downgrade(Context& context) {
  return go_down(context, only_target(context.options(), ""));
}

int rollback(Context& context) {
  const auto& options = context.options();
  return go_down(context, fmt::format("-{}", std::max<std::int64_t>(1, options.steps)));
}

int stamp(Context& context) {
  const auto& options = context.options();
  if (context.config().is_protected) refuse_protected("stamp");
  auto& migrator = context.migrator();
  const auto situation = migrator.look();
  const auto plan = migrator.plan_stamp(situation, options.revisions);
  if (only_shows(options)) return show_plan(context, situation, plan);
  if (!plan.empty())
    ask_for_yes(context,
                fmt::format("Record {} as where {} is, without running anything?", fmt::join(options.revisions, " "),
                            context.config().database),
                "stamp changes what belay believes, and was not confirmed");
  return finish(context, migrator.stamp(options.revisions, context.command_line()));
}

}  // namespace belay::cli

#include <fmt/format.h>

#include <algorithm>

#include "cli/commands.h"
#include "cli/consent.h"
#include "cli/json.h"
#include "cli/plan_sql.h"
#include "cli/result.h"

namespace belay::cli {
namespace {

using journal::Action;
using recovery::ResetPlan;
using recovery::Situation;

/// What happens, a line each, up to a screenful of the parts that may be long.
class Summary {
 public:
  Summary(const Situation& situation, const ResetPlan& plan, const std::string& database) {
    say(fmt::format("database   {}, at {}", database, joined(situation.current)));
    if (situation.interrupted) say("left       " + situation.interrupted->description + "; that is settled first");
    say(fmt::format("down       {} by down sections", revisions_text(count(plan, Action::down))));
    if (!plan.dropped.empty() || !plan.why_dropped.empty())
      say(fmt::format("drop       {}{}", objects_text(plan.dropped.size()),
                      plan.why_dropped.empty() ? "" : ", because " + plan.why_dropped));
    list("unknown    no applied revision makes these; they are dropped, too:", plan.unknown);
    say(fmt::format("up         {}", revisions_text(count(plan, Action::up))));
    say(situation.exists ? "backup     of all there is, first" : "backup     none: there is no database");
  }

  [[nodiscard]] const std::vector<std::string>& lines() const { return lines_; }

 private:
  static std::size_t count(const ResetPlan& plan, Action action) {
    return static_cast<std::size_t>(
        std::ranges::count_if(plan.run, [action](const auto& revision) { return revision.action == action; }));
  }
  static std::string objects_text(std::size_t count) {
    return fmt::format("{} {}", count, count == 1 ? "object" : "objects");
  }
  void say(std::string line) { lines_.push_back(std::move(line)); }
  void list(const char* heading, const std::vector<std::string>& objects) {
    if (!objects.empty()) say(heading);
    for (const auto& object : objects) say("             " + object);
  }

  std::vector<std::string> lines_;
};

Json plan_json(const ResetPlan& plan) {
  Json json = Json::array();
  for (const auto& revision : plan.run) {
    if (!journal::is_of_revision(revision.action)) continue;
    json.push_back({{"revision", revision.revision},
                    {"direction", std::string(journal::name_of(revision.action))},
                    {"message", revision.message}});
  }
  return json;
}

/// The hooks are in the plan already.
std::string sql_of_run(const ResetPlan& plan, recovery::Settings settings) {
  for (auto* hooks : {&settings.before_run, &settings.after_run, &settings.before_each, &settings.after_each})
    hooks->clear();
  return sql_of(plan.run, settings);
}

int show(Context& context, const Situation& situation, const ResetPlan& plan, const Summary& summary) {
  auto& terminal = context.terminal();
  if (context.options().sql) {
    print_sql(terminal, sql_of_run(plan, context.migrator().settings()));
    return exit_done;
  }
  if (terminal.json()) {
    Json json = dry_run_json(situation);
    json["plan"] = plan_json(plan);
    json["dropped"] = plan.dropped;
    json["unknown"] = plan.unknown;
    json["why_dropped"] = plan.why_dropped;
    terminal.data(dump(json));
    return exit_done;
  }
  for (const auto& line : summary.lines()) terminal.data(line);
  terminal.data("nothing was changed");
  return exit_done;
}

void ask(Context& context, const Summary& summary) {
  auto& terminal = context.terminal();
  if (!context.options().yes && terminal.can_ask())
    for (const auto& line : summary.lines()) terminal.note(line);
  const std::string name = context.migrator().places().url.path;
  ask_for_word(context, "This takes every row of " + hide_secrets(context.config().database) + ".",
               std::filesystem::path(name).filename().string(),
               "reset takes everything that is in the database, and was not confirmed");
}

}  // namespace

int reset(Context& context) {
  if (context.config().is_protected) refuse_protected("reset");
  auto& migrator = context.migrator();
  const auto situation = migrator.look();
  const auto plan = migrator.plan_reset(situation);
  const Summary summary(situation, plan, hide_secrets(context.config().database));
  const auto& options = context.options();
  if (options.dry_run || options.sql) return show(context, situation, plan, summary);

  const bool something_to_do = !plan.run.empty();
  if (situation.exists && something_to_do) ask(context, summary);
  recovery::ResetRequest request;
  if (!options.yes && !situation.interrupted) request.agreed = plan.unknown;
  if (something_to_do) context.hooks().before_migrate();
  const auto report = migrator.reset(request, context.command_line());
  after_migrate(context, report);
  return finish(context, report,
                report.revisions.empty() ? "nothing to do: " : revisions_text(report.revisions.size()) + "; ");
}

}  // namespace belay::cli

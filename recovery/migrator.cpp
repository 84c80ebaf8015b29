#include "recovery/migrator.h"

#include <fmt/format.h>
#include <pwd.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <future>
#include <unordered_set>
#include <utility>

#include "engine/planned.h"
#include "recovery/backup_before.h"
#include "recovery/restore.h"
#include "recovery/version.h"
#include "versions/error.h"

namespace belay::recovery {
namespace {

using journal::Action;
using journal::PlannedRevision;

std::string user_name() {
  const passwd* user = getpwuid(geteuid());
  return user ? user->pw_name : std::to_string(geteuid());
}

/// Passes everything on, and notes what was done.
class Recorder final : public engine::Observer {
 public:
  Recorder(engine::Observer& observer, Report& report) : observer_(observer), report_(report) {}

  void message(std::string_view line) override { observer_.message(line); }
  void run_began(std::size_t count) override { observer_.run_began(count); }
  void revision_began(const PlannedRevision& revision) override { observer_.revision_began(revision); }
  void statement_began(engine::Connection& connection, const engine::ScriptStatement& statement) override {
    observer_.statement_began(connection, statement);
  }
  void statement_ended() override { observer_.statement_ended(); }
  void batch_advanced(std::int64_t done, std::int64_t total) override { observer_.batch_advanced(done, total); }
  void copy_advanced(std::string_view what, std::int64_t done, std::int64_t total) override {
    observer_.copy_advanced(what, done, total);
  }
  void backed_up(std::string_view id, std::string_view why) override {
    report_.backup = id;
    observer_.backed_up(id, why);
  }
  void revision_committed(const PlannedRevision& revision, std::chrono::milliseconds took) override {
    if (is_of_revision(revision.action)) report_.revisions.push_back({{revision.revision}, revision.action, took});
    observer_.revision_committed(revision, took);
  }

 private:
  engine::Observer& observer_;
  Report& report_;
};

void append_steps(PlannedRevision& revision, const std::vector<SqlHook>& hooks) {
  for (const auto& hook : hooks) {
    auto steps = engine::planned_hook(hook.name, hook.statements).steps;
    for (auto& step : steps) step.name = hook.name;
    revision.steps.insert(revision.steps.end(), steps.begin(), steps.end());
  }
}

std::vector<PlannedRevision> planned_hooks(const std::vector<SqlHook>& hooks) {
  std::vector<PlannedRevision> plan;
  plan.reserve(hooks.size());
  for (const auto& hook : hooks) plan.push_back(engine::planned_hook(hook.name, hook.statements));
  return plan;
}

Error drift_error(const versions::Drift& drift, const std::vector<versions::RevisionId>& current) {
  std::string heads;
  for (const auto& id : current) heads += " " + id.text;
  const bool edited = drift.kind == versions::Drift::Kind::edited;
  const std::string next = edited ? "put the script back as it was; or, if the edit is right and the database needs "
                                    "nothing, accept it with: belay stamp" +
                                        heads
                                  : "put the script back (git log --diff-filter=D shows who removed it), or tell belay "
                                    "what is applied: belay stamp REV";
  return Error(ErrorCode::drift, drift.message).at(drift.file.string()).next(next);
}

Error interrupted_run() {
  return Error(ErrorCode::not_applicable, "a run was interrupted, and has to be settled before runs are taken back")
      .next("belay recover");
}

void require_newest(const UndoRequest& request, const RunsToUndo& runs) {
  if (request.newest && *request.newest != runs.newest)
    throw Error(ErrorCode::not_applicable,
                fmt::format("run {} has ended meanwhile, after run {}", runs.newest.value, request.newest->value))
        .next("look again: belay recover");
}

void require_agreement(const ResetRequest& request, const ResetPlan& plan) {
  if (!request.agreed) return;
  for (const auto& object : plan.unknown)
    if (std::ranges::find(*request.agreed, object) == request.agreed->end())
      throw Error(ErrorCode::not_applicable, fmt::format("{} has come meanwhile, and would be dropped, too", object))
          .next("look again: belay reset --dry-run");
}

/// What stamps have gone, newest first, and what have come.
void note_difference(Report& report, const std::vector<versions::Stamp>& before,
                     const std::vector<versions::Stamp>& after) {
  const auto ids = [](const auto& stamps) {
    std::unordered_set<versions::RevisionId> result;
    for (const auto& stamp : stamps) result.insert(stamp.revision);
    return result;
  };
  const auto had = ids(before);
  const auto has = ids(after);
  for (auto stamp = before.rbegin(); stamp != before.rend(); ++stamp)
    if (!has.contains(stamp->revision))
      report.revisions.push_back({.revision = stamp->revision, .action = Action::down});
  for (const auto& stamp : after)
    if (!had.contains(stamp.revision)) report.revisions.push_back({.revision = stamp.revision, .action = Action::up});
}

}  // namespace

Migrator::Migrator(Settings settings, engine::Observer& observer, std::stop_token stop)
    : settings_(std::move(settings)), places_(settings_), observer_(observer), stop_(std::move(stop)) {}

const versions::Graph& Migrator::graph() {
  overview();
  graph_->complete();
  return *graph_;
}

const versions::Graph& Migrator::overview() {
  if (graph_) return *graph_;
  scripts_.emplace(places_.scripts, places_.versions);
  return graph_.emplace(versions::load_scripts(places_.versions, *scripts_));
}

Situation Migrator::look(Ahead ahead) {
  // A thread of its own where there can be one. What is wrong with the scripts comes before what is wrong elsewhere.
  auto scripts = std::async([this]() -> const versions::Graph& { return overview(); });
  try {
    return recovery::look(
        settings_, places_, [&]() -> const versions::Graph& { return scripts.get(); }, stop_, ahead);
  } catch (...) {
    if (scripts.valid()) scripts.get();
    throw;
  }
}

// --- Planning ---

versions::Plan Migrator::plan_upgrade(const Situation& situation, std::string_view to) {
  return versions::plan_upgrade(overview(), situation.applied, to);
}

versions::Plan Migrator::plan_downgrade(const Situation& situation, std::string_view to) {
  return versions::plan_downgrade(overview(), situation.applied, to);
}

std::vector<PlannedRevision> Migrator::plan_stamp(const Situation& situation, const std::vector<std::string>& to) {
  return engine::planned_stamps(overview(), situation.stamps, versions::revisions_at(overview(), to));
}

void Migrator::add_hooks(PlannedRevision& revision) const {
  const auto own = std::exchange(revision.steps, {});
  append_steps(revision, settings_.before_each);
  revision.steps.insert(revision.steps.end(), own.begin(), own.end());
  append_steps(revision, settings_.after_each);
}

std::vector<PlannedRevision> Migrator::with_hooks(std::vector<PlannedRevision> plan) const {
  for (auto& revision : plan) add_hooks(revision);
  auto whole = planned_hooks(settings_.before_run);
  std::move(plan.begin(), plan.end(), std::back_inserter(whole));
  const auto last = planned_hooks(settings_.after_run);
  whole.insert(whole.end(), last.begin(), last.end());
  return whole;
}

// --- Writing ---

Report Migrator::upgrade(std::string_view to, const std::string& command) {
  return run(command, /*heed_drift=*/true, [&](const Situation& situation) {
    auto plan = engine::planned(plan_upgrade(situation, to));
    return plan.empty() ? plan : with_hooks(std::move(plan));
  });
}

Report Migrator::downgrade(std::string_view to, const std::string& command) {
  return run(command, /*heed_drift=*/true, [&](const Situation& situation) {
    auto plan = engine::planned(plan_downgrade(situation, to));
    return plan.empty() ? plan : with_hooks(std::move(plan));
  });
}

Report Migrator::stamp(const std::vector<std::string>& to, const std::string& command) {
  return run(command, /*heed_drift=*/false, [&](const Situation& situation) { return plan_stamp(situation, to); });
}

void Migrator::heed(const Situation& situation, bool heed_drift) const {
  if (situation.problem && (heed_drift || situation.problem->code() != ErrorCode::drift))
    throw Error(*situation.problem);
  if (heed_drift && !situation.drift.empty()) throw drift_error(situation.drift.front(), situation.current);
}

Report Migrator::run(const std::string& command, bool heed_drift, const MakePlan& make_plan) {
  Report report;
  const Situation before = look(Ahead::no);
  report.from = before.current;
  if (before.problem || !before.interrupted) heed(before, heed_drift);  // Before anything is made.
  if (!before.interrupted) {
    if (!before.running && make_plan(before).empty()) {  // The usual case: nothing is opened for writing.
      report.to = report.from;
      return report;
    }
  }

  Target target(settings_, command, stop_);
  Recorder recorder(observer_, report);
  const auto options = executor_options(target);
  report.recovered = guarded(target, {.policy = settings_.policy}, options, recorder, stop_, [&] {
    Situation now;
    fill(now, overview(), target.versions().stamps());
    heed(now, heed_drift);
    auto plan = make_plan(now);
    if (plan.empty()) return;
    if (const auto why = backup_reason(settings_.backup_before, plan))
      back_up(target.connection(), places_, settings_, {.reason = "auto", .current = current_texts()}, *why, recorder,
              stop_);
    engine::Executor(target.parts(), recorder, options, stop_).start(run_begin(command, now.current), std::move(plan));
  });
  report.to = versions::current(overview(), target.versions().stamps());
  scripts_->save(graph_->scripts());
  return report;
}

// --- From the beginning ---

ResetPlan Migrator::plan_reset(const Situation& situation) {
  heed(situation, /*heed_drift=*/false);
  if (!situation.exists) return plan_reset(situation, nullptr, {});
  const auto live = engine::connect(places_.url, {.lock_timeout = settings_.lock_timeout, .read_only = true});
  return plan_reset(situation, live.get(), {});
}

ResetPlan Migrator::plan_reset(const Situation& situation, engine::Connection* live, std::set<std::string> failed) {
  return recovery::plan_reset({.url = places_.url,
                               .version_table = settings_.version_table,
                               .ignored = settings_.ignored,
                               .graph = graph(),
                               .situation = situation,
                               .add_hooks = [this](auto& revision) { add_hooks(revision); },
                               .live = live,
                               .failed = std::move(failed),
                               .before_run = planned_hooks(settings_.before_run),
                               .after_run = planned_hooks(settings_.after_run),
                               .stop = stop_});
}

Report Migrator::reset(const ResetRequest& request, const std::string& command) {
  Report report;
  const Situation before = look(Ahead::no);
  report.from = report.to = before.current;
  const bool nothing_to_do = plan_reset(before).run.empty();  // Refuses before anything is made.
  if (nothing_to_do && !before.interrupted && !before.running) return report;

  Target target(settings_, command, stop_);
  Recorder recorder(observer_, report);
  const auto options = executor_options(target);
  report.recovered = guarded(target, {.policy = settings_.policy}, options, recorder, stop_,
                             [&] { reset_once(target, request, command, recorder); });
  report.to = current(target.versions().stamps());
  return report;
}

void Migrator::reset_once(Target& target, const ResetRequest& request, const std::string& command,
                          engine::Observer& observer) {
  const auto options = executor_options(target);
  for (std::set<std::string> failed;;) {
    Situation now;
    fill(now, graph(), target.versions().stamps());
    const ResetPlan plan = plan_reset(now, &target.connection(), failed);
    if (plan.run.empty()) return;
    if (failed.empty()) {
      require_agreement(request, plan);
      back_up(target.connection(), places_, settings_, {.reason = "before reset", .current = current_texts()}, "reset",
              observer, stop_);
    }
    try {
      engine::Executor(target.parts(), observer, options, stop_).start(run_begin(command, now.current), plan.run);
      return;
    } catch (const engine::Error& error) {
      const engine::Error left = mended(target, error, options, observer);
      const auto id = failed_down(plan, left, target.versions().stamps());
      if (left.is_unfinished() || !id) throw left;
      failed.insert(*id);
      observer.message(fmt::format("the down section of revision {} failed ({}): what is left is dropped instead", *id,
                                   left.what()));
    }
  }
}

CheckReport Migrator::check(const CheckRequest& request) {
  return recovery::check(settings_, places_, request, observer_, stop_);
}

/// For BackupRequest.
std::function<std::vector<std::string>(const std::vector<versions::Stamp>&)> Migrator::current_texts() {
  return [this](const auto& stamps) { return versions::texts(versions::current(overview(), stamps)); };
}

journal::RunBegin Migrator::run_begin(const std::string& command,
                                      const std::vector<versions::RevisionId>& current) const {
  const auto self = this_process(command);
  journal::RunBegin begin;
  begin.command = command;
  begin.host = self.host;
  begin.pid = self.pid;
  begin.user = user_name();
  begin.version = version;
  begin.from = versions::texts(current);
  return begin;
}

// --- Taking back ---

Report Migrator::recover(Policy policy, bool discard_later_writes, const std::string& command) {
  Report report;
  const Situation before = look(Ahead::no);
  report.from = report.to = before.current;
  if (before.problem) throw Error(*before.problem);
  if (!before.interrupted && !before.running) return report;

  Target target(settings_, command, stop_);
  Recorder recorder(observer_, report);
  const auto stamps = target.versions().stamps();
  const Settling how{.policy = policy, .asked = true, .discard_later_writes = discard_later_writes};
  report.recovered = restart(target, how, executor_options(target), recorder, stop_);
  const auto left = target.versions().stamps();
  if (report.recovered && report.recovered->direction == Policy::back) note_difference(report, stamps, left);
  report.to = versions::current(overview(), left);
  return report;
}

Report Migrator::undo_run(const UndoRequest& request, const std::string& command) {
  plan_undo(look(Ahead::no), request.back_to);  // Refuses before anything is made.
  Report report;
  Target target(settings_, command, stop_);
  if (target.journal().open_run()) throw interrupted_run();
  const auto options = executor_options(target);
  const auto stamps = target.versions().stamps();
  report.from = versions::current(overview(), stamps);
  guarded(target, {}, options, observer_, stop_, [&] {
    const auto runs = runs_to_undo(target.journal(), target.connection(), request.back_to);
    require_newest(request, runs);
    take_back_runs(target, runs, request.discard_later_writes, run_begin(command, report.from), options, observer_);
  });
  const auto left = target.versions().stamps();
  note_difference(report, stamps, left);
  report.to = versions::current(overview(), left);
  return report;
}

UndoPlan Migrator::plan_undo(const Situation& situation, std::optional<journal::RunId> back_to) {
  if (situation.problem) throw Error(*situation.problem);
  if (situation.interrupted) throw interrupted_run();
  if (!std::filesystem::exists(places_.journal)) throw nothing_to_take_back("nothing has been run");

  const auto connection = engine::connect(places_.url, {.lock_timeout = settings_.lock_timeout, .read_only = true});
  const auto journal = journal::Journal::open(places_.journal, journal::Journal::Access::read);
  const auto chosen = runs_to_undo(journal, *connection, back_to);
  UndoPlan plan{
      .runs = undoable_runs(journal, *connection), .revisions = chosen.revisions, .obstacle = obstacle(chosen)};
  std::erase_if(plan.runs, [&](const UndoableRun& run) { return run.run < chosen.oldest; });
  return plan;
}

Report Migrator::restore(const Backup& backup, const std::string& command) {
  const auto& manifest = backup.manifest;
  Target target(settings_, command, stop_, {.database_id = manifest.database_id, .last_lsn = manifest.last_lsn});
  const auto stamps = target.is_readable() ? target.versions().stamps() : std::vector<versions::Stamp>();
  Report report;
  report.from = current(stamps);
  recovery::restore(target, backup, run_begin(command, report.from), executor_options(target), observer_, stop_);
  const auto left = target.versions().stamps();
  note_difference(report, stamps, left);
  report.to = current(left);
  return report;
}

/// On a bad day the scripts may be as broken as the database: then the newest stamp has to do.
std::vector<versions::RevisionId> Migrator::current(const std::vector<versions::Stamp>& stamps) {
  try {
    return versions::current(overview(), stamps);
  } catch (const versions::Error&) {
    return stamps.empty() ? std::vector<versions::RevisionId>() : std::vector{stamps.back().revision};
  }
}

engine::Executor::Options Migrator::executor_options(Target& target) {
  return {.atomic = settings_.atomic,
          .group = !settings_.hooks_between,
          .applied_by = user_name() + "@" + this_process("").host,
          .retention = settings_.retention,
          .current = [this, &target] { return versions::texts(current(target.versions().stamps())); },
          .adopting =
              [this, &target](const PlannedRevision& planned) {
                require_unchanged_schema(target, settings_.ignored, planned);
              }};
}

}  // namespace belay::recovery

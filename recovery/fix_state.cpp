#include "recovery/fix_state.h"

#include <fmt/format.h>

#include <filesystem>
#include <system_error>
#include <utility>

#include "recovery/backup_before.h"
#include "recovery/migrator.h"
#include "recovery/restart.h"

namespace belay::recovery {
namespace {

namespace fs = std::filesystem;
using journal::Action;
using journal::PlannedRevision;

constexpr const char* superseded = "fix-state has taken the database as it is instead";

/// The digest is what restart compares the schema with before it carries this out.
PlannedRevision planned_adoption(const Findings& findings, const journal::Journal& journal) {
  PlannedRevision planned;
  planned.revision = journal.database_id();
  planned.action = Action::adopt;
  planned.message = "take the database as it is";
  planned.digest = findings.live.fingerprint();
  return planned;
}

}  // namespace

FixState::FixState(const Settings& settings, const Places& places, const versions::Graph& graph, FixRequest request,
                   std::stop_token stop)
    : settings_(settings), places_(places), graph_(graph), request_(std::move(request)), stop_(std::move(stop)) {}

std::optional<RevisionSet> FixState::asked() const {
  if (request_.to.empty()) return std::nullopt;
  return versions::revisions_at(graph_, {request_.to});
}

Proposal FixState::look() {
  require_nobody_at_work(places_);
  findings_ = find_out(settings_, places_, stop_);
  return propose();
}

Proposal FixState::look(Target& target) {
  findings_ = find_out(target, settings_.ignored);
  return propose();
}

Proposal FixState::propose() {
  const auto revisions = asked();
  if (findings_.has_run_to_settle()) return recovery::propose(findings_, {}, graph_, revisions);
  const ProofRequest request{.like = places_.url,
                             .version_table = settings_.version_table,
                             .ignored = settings_.ignored,
                             .candidates = candidates(findings_, graph_),
                             .asked = revisions};
  const auto fingerprint = findings_.live.fingerprint();
  if (proven_ != fingerprint || tried_ != request.candidates) {
    proof_ = prove(findings_.live, graph_, request, stop_);
    proven_ = fingerprint;
    tried_ = request.candidates;
  }
  return recovery::propose(findings_, proof_, graph_, revisions);
}

// --- 2 and 3 ---

std::optional<std::string> FixState::make_ready(const std::string& command, engine::Observer& observer) {
  make_journal_folder(places_);
  const auto lock = journal::ProcessLock::acquire(places_.lock, this_process(command), settings_.lock_timeout, stop_);
  findings_ = find_out(settings_, places_, stop_);
  const Proposal proposal = propose();
  if (proposal.refusal) throw Error(*proposal.refusal);
  if (proposal.nothing_to_do()) return std::nullopt;
  auto backup = back_up(observer);
  if (!proposal.finishes_own_run) replace_journal(proposal);
  return backup;
}

std::optional<std::string> FixState::back_up(engine::Observer& observer) {
  if (!findings_.exists || !request_.backup) return std::nullopt;
  const auto connection = engine::connect(places_.url, {.lock_timeout = settings_.lock_timeout, .read_only = true});
  connection->stop_on(stop_);
  const auto current = [this](const std::vector<versions::Stamp>& stamps) {
    return versions::texts(versions::current(graph_, stamps));
  };
  const auto backup =
      recovery::back_up(*connection, places_, settings_, {.reason = "before fix-state", .current = current},
                        "before fix-state", observer, stop_);
  return backup ? std::optional(backup->manifest.id) : std::nullopt;
}

/// The new one has the id that the database has, so that its backups stay its own, and numbers go on behind the last
/// that it knows. Crash in between: a database without a journal.
void FixState::replace_journal(const Proposal& proposal) {
  if (proposal.journal == Proposal::Journal::keep) return;
  if (proposal.journal == Proposal::Journal::set_aside) set_aside_journal(places_);
  const auto& state = findings_.state;
  const auto& known = findings_.journal.database_id;
  const std::string id = state ? state->database_id : known.empty() ? new_database_id() : known;
  journal::Journal::create(places_.journal, id, state ? state->last_lsn : journal::Lsn{});
  has_new_journal_ = true;
}

// --- 5 to 7 ---

void FixState::carry_out(Target& target, const Proposal& proposal, journal::RunBegin run,
                         engine::Executor::Options options, engine::Observer& observer) {
  auto& journal = target.journal();
  std::vector<PlannedRevision> plan{planned_adoption(findings_, journal)};
  plan.insert(plan.end(), proposal.plan.begin(), proposal.plan.end());
  for (std::size_t i = 0; i < plan.size(); ++i) plan[i].ordinal = i;
  options.atomic = true;
  engine::Executor executor(target.parts(), observer, options, stop_);
  if (!journal.open_run()) return executor.start(std::move(run), std::move(plan));

  run.started_at = options.now();
  run.atomic = true;
  const journal::RunEnd end{.run = {},
                            .outcome = journal::Outcome::closed_back,
                            .ended_at = run.started_at,
                            .to = run.from,
                            .error = superseded};
  journal.supersede(closing_of(findings_.journal.analysis, journal, superseded), end, std::move(run), plan);
  executor.resume(plan, {});
}

void require_unchanged_schema(Target& target, const std::vector<std::string>& ignored, const PlannedRevision& planned) {
  if (live_schema(target.connection(), target.versions().name(), ignored).fingerprint() == planned.digest) return;
  throw engine::Error(engine::ErrorCode::verification_failed, "the schema was changed while fix-state was at work")
      .next("belay recover fix-state looks again");
}

// --- The front door ---

Proposal Migrator::plan_fix_state(const FixRequest& request) {
  return FixState(settings_, places_, graph(), request, stop_).look();
}

Report Migrator::fix_state(const FixRequest& request, const std::string& command) {
  FixState fix(settings_, places_, graph(), request, stop_);
  const Proposal before = fix.look();
  if (before.refusal) throw Error(*before.refusal);
  Report report;
  report.from = report.to = versions::current(graph(), fix.findings().stamps);
  if (before.nothing_to_do()) return report;

  report.backup = fix.make_ready(command, observer_);
  Target target(settings_, command, stop_);
  const auto options = executor_options(target);
  if (target.journal().open_run() && fix.findings().has_own_run())
    report.recovered = restart(target, {.policy = Policy::forward}, options, observer_, stop_);
  const Proposal proposal = fix.look(target);
  if (proposal.refusal) throw Error(*proposal.refusal);
  if (proposal.writes || fix.has_new_journal()) {
    const auto current = versions::current(graph(), fix.findings().stamps);
    fix.carry_out(target, proposal, run_begin(command, current), options, observer_);
    for (const auto& planned : proposal.plan) report.revisions.push_back({{planned.revision}, planned.action});
  }
  report.to = versions::current(graph(), target.versions().stamps());
  return report;
}

}  // namespace belay::recovery

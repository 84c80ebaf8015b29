#include "engine/executor.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

#include "engine/batch.h"
#include "engine/planned.h"
#include "engine/rebuild_guard.h"

namespace belay::engine {
namespace {

using std::chrono::duration_cast;
using std::chrono::milliseconds;
using std::chrono::steady_clock;

milliseconds since(steady_clock::time_point start) {
  return duration_cast<milliseconds>(steady_clock::now() - start);
}

/// Where the run leaves the target is written down, so that a later process knows.
void settle(const Transaction::Target& target, Observer& observer) {
  ImagesToJournal images(target.journal);
  try {
    target.connection.settle(images);
  } catch (const Error& unsettled) {
    observer.message(fmt::format("the run cannot be taken back later: {}", unsettled.what()));
  }
}

}  // namespace

/// Revisions that share a transaction.
struct Executor::Group {
  struct Done {
    std::size_t ordinal;
    milliseconds took;
  };
  explicit Group(const Transaction::Target& target) : transaction(target) {}

  Transaction transaction;
  std::vector<Done> done;
  steady_clock::time_point start = steady_clock::now();
  /// Of `done`, from where on all or nothing commits: a hook, and the unstamps right behind it.
  std::optional<std::size_t> unit;
};

Executor::Executor(Transaction::Target target, Observer& observer, Options options, std::stop_token stop)
    : target_(target), observer_(observer), options_(std::move(options)), stop_(std::move(stop)) {}

Executor::~Executor() = default;

void Executor::start(journal::RunBegin run, std::vector<journal::PlannedRevision> plan) {
  if (options_.atomic) refuse_what_cannot_be_atomic(plan);
  for (const auto& revision : plan) refuse_mixed_steps(revision);
  run.started_at = options_.now();
  run.atomic = options_.atomic;
  for (std::size_t i = 0; i < plan.size(); ++i) plan[i].ordinal = i;
  target_.journal.begin(std::move(run), plan);
  resume(plan, {});
}

void Executor::resume(const Plan& plan, const Position& from, std::optional<StepAlone::Open> open) {
  open_ = std::move(open);
  observer_.run_began(plan.size() - from.revision);
  if (from.revision > 0) committed_ = from.revision - 1;
  if (from.step > 0 || !from.after.empty()) half_way_ = from.revision;
  try {
    carry_out(plan, from);
  } catch (Error& error) {
    stop_run(plan, error);
  }
  end(journal::Outcome::done, "");
}

void Executor::refuse_what_cannot_be_atomic(const Plan& plan) const {
  for (const auto& revision : plan)
    if (!fits_one_transaction(revision))
      throw Error(ErrorCode::refused_statement,
                  fmt::format("revision {} has a step that commits by itself (batch or transaction:off), so the run "
                              "cannot be all or nothing",
                              revision.revision))
          .next("run it without --atomic")
          .at(revision.file, revision.steps.at(0).statements.at(0).line, "");
}

/// A step with a VACUUM commits statement by statement and is run again as a whole after a crash.
void Executor::refuse_mixed_steps(const journal::PlannedRevision& revision) const {
  const auto standalone = [this](const auto& statement) { return target_.connection.standalone(statement.text); };
  for (const auto& step : revision.steps) {
    const auto& statements = step.statements;
    const auto alone = std::find_if(statements.begin(), statements.end(), standalone);
    if (alone == statements.end() || step.repeatable) continue;
    if (std::all_of(statements.begin(), statements.end(), standalone)) continue;
    throw Error(ErrorCode::refused_statement,
                "no transaction can hold this statement, and beside others in one step it would leave them half done")
        .next("give it a step of its own, marked transaction:off")
        .at(revision.file, alone->line, alone->text);
  }
}

void Executor::carry_out(const Plan& plan, const Position& from) {
  for (std::size_t i = from.revision; i < plan.size(); ++i) {
    if (half_way_ != i && fits_one_transaction(plan[i])) {
      run_in_group(plan, i);
      continue;
    }
    commit_group(plan);
    run_by_itself(plan[i], half_way_ == i ? from : Position{.revision = i, .step = 0, .after = {}});
  }
  commit_group(plan);
}

void Executor::end(journal::Outcome outcome, const std::string& error) {
  end_run(target_, outcome, error, options_, observer_);
}

/// Closes the run after an error, unless only restart may: a part of a revision is committed, or perhaps a group is.
void Executor::stop_run(const Plan& plan, Error& error) {
  group_.reset();
  if (error.code() == ErrorCode::outcome_unknown) throw;
  error.state(state_after(plan));
  if (half_way_ || open_) {
    if (!open_) settle(target_, observer_);  // Whoever closes a WAL last empties it: the next run could prove nothing.
    target_.journal.flush();
    error.unfinished().next("belay status shows it; the next belay migrate goes on from there");
    throw;
  }
  end(error.code() == ErrorCode::interrupted ? journal::Outcome::interrupted : journal::Outcome::failed, error.what());
  throw;
}

std::string Executor::state_after(const Plan& plan) const {
  if (half_way_)
    return fmt::format("revision {} is {} in part; the run stays open, and the next one goes on with it",
                       plan[*half_way_].revision, what_is_done(plan));
  if (!committed_) return "as before the run: nothing of it is applied";
  return fmt::format("{} of {} revisions of this run are {}, the last one is {}; nothing is half done", *committed_ + 1,
                     plan.size(), what_is_done(plan), plan[*committed_].revision);
}

bool Executor::fits_one_transaction(const journal::PlannedRevision& revision) const {
  if (!target_.connection.capabilities().savepoints || !target_.connection.capabilities().transactional_ddl)
    return false;
  for (const auto& step : revision.steps)
    if (!step.transactional || step.batch_rows > 0) return false;
  return true;
}

// --- Revisions that share a transaction ---

void Executor::run_in_group(const Plan& plan, std::size_t ordinal) {
  const auto& revision = plan[ordinal];
  const auto start = steady_clock::now();
  const bool joined = group_ && group_->unit && revision.action == journal::Action::unstamp;
  if (!joined) announce(plan, revision);
  if (!group_) group_ = std::make_unique<Group>(target_);
  if (!joined) group_->unit.reset();
  if (revision.action == journal::Action::hook) group_->unit = group_->done.size();
  try {
    run_in_savepoint(revision);
  } catch (const Error& error) {
    leave_group(plan, revision, error);
    throw;
  }
  group_->done.push_back({ordinal, since(start)});
  const bool unit_goes_on =
      group_->unit && ordinal + 1 < plan.size() && plan[ordinal + 1].action == journal::Action::unstamp;
  if (options_.atomic || unit_goes_on) return;
  if (!options_.group || since(group_->start) >= options_.group_time || target_.connection.crowded())
    commit_group(plan);
}

/// Before the transaction begins, so that a hook of the observer can use the database.
void Executor::announce(const Plan& plan, const journal::PlannedRevision& revision) {
  try {
    observer_.revision_began(revision);
  } catch (const Error&) {
    if (!options_.atomic) commit_group(plan);
    throw;
  }
}

void Executor::run_in_savepoint(const journal::PlannedRevision& revision) {
  const auto start = steady_clock::now();
  target_.connection.reset_session();
  target_.connection.savepoint();
  for (std::size_t step = 0; step < revision.steps.size(); ++step) run_step(group_->transaction, revision, step);
  complete(group_->transaction, revision, since(start));
  target_.connection.release_savepoint();
}

/// A revision of the group has failed: it leaves nothing, and those before it commit.
void Executor::leave_group(const Plan& plan, const journal::PlannedRevision& failed, const Error& error) {
  const bool splits_unit = group_->unit && *group_->unit < group_->done.size();
  if (splits_unit)
    group_->done.erase(group_->done.begin() + static_cast<std::ptrdiff_t>(*group_->unit), group_->done.end());
  const bool keep_others = !options_.atomic && !group_->done.empty();
  if (keep_others && !splits_unit && target_.connection.in_transaction()) {
    target_.connection.rollback_to_savepoint();
    group_->transaction.promise(journal::RevisionRollback{.ordinal = failed.ordinal, .reason = error.what()});
    commit_group(plan);
    return;
  }
  const auto others = std::move(group_->done);
  group_->transaction.rollback(error.what());
  group_.reset();
  // Some errors make the database roll back the whole transaction. The others are run again, so that the outcome does
  // not depend on who shared a transaction with whom; not when the user wants to stop.
  if (!keep_others || error.code() == ErrorCode::interrupted) return;
  for (const auto& other : others) run_in_group(plan, other.ordinal);
  commit_group(plan);
}

void Executor::commit_group(const Plan& plan) {
  if (!group_) return;
  const auto group = std::move(group_);
  group->transaction.commit();
  if (group->done.empty()) return;
  committed_ = group->done.back().ordinal;  // All of them, also where the observer stops the run at the first.
  for (const auto& [ordinal, took] : group->done) observer_.revision_committed(plan[ordinal], took);
}

// --- Revisions that commit in several parts ---

void Executor::run_by_itself(const journal::PlannedRevision& revision, const Position& from) {
  const auto start = steady_clock::now();
  observer_.revision_began(revision);
  target_.connection.reset_session();
  prepare_again(revision, from.step);
  std::optional<Transaction> transaction;
  try {
    run_steps(transaction, revision, from);
    if (!transaction) transaction.emplace(target_);
    complete(*transaction, revision, since(start));
  } catch (const Error& error) {
    if (transaction) transaction->rollback(error.what());
    throw;
  }
  transaction->commit();
  half_way_.reset();
  committed_ = revision.ordinal;
  observer_.revision_committed(revision, since(start));
}

/// What the steps that are done have set on the connection of the process that was killed.
void Executor::prepare_again(const journal::PlannedRevision& revision, std::size_t steps) {
  for (std::size_t i = 0; i < steps; ++i)
    for (const auto& statement : revision.steps[i].statements)
      if (target_.connection.prepares(statement.text)) run_statement(revision.file, statement);
}

void Executor::run_steps(std::optional<Transaction>& transaction, const journal::PlannedRevision& revision,
                         const Position& from) {
  for (std::size_t i = from.step; i < revision.steps.size(); ++i) {
    const auto& step = revision.steps[i];
    if (step.transactional && step.batch_rows == 0) {
      if (!transaction) transaction.emplace(target_);
      run_step(*transaction, revision, i);
      continue;
    }
    commit_part(transaction, revision);
    if (step.batch_rows > 0)
      run_batch(revision, i, i == from.step ? from.after : "");
    else
      run_outside(revision, i);
  }
}

void Executor::commit_part(std::optional<Transaction>& transaction, const journal::PlannedRevision& revision) {
  if (!transaction) return;
  target_.connection.check_constraints();
  transaction->commit();
  half_way_ = revision.ordinal;
  transaction.reset();
}

void Executor::run_outside(const journal::PlannedRevision& revision, std::size_t step) {
  for (const auto& statement : revision.steps[step].statements)
    if (target_.connection.standalone(statement.text)) return run_alone(revision, step);
  Transaction transaction(target_);
  run_step(transaction, revision, step);
  target_.connection.check_constraints();
  transaction.commit();
  half_way_ = revision.ordinal;
}

void Executor::run_alone(const journal::PlannedRevision& revision, std::size_t step) {
  StepAlone alone(target_, journal::StepBegin{.ordinal = revision.ordinal, .step = step, .slice = {}}, open_);
  open_ = alone.open();
  const auto before = std::exchange(half_way_, revision.ordinal);  // Whatever happens from here on, restart must know.
  const bool images = target_.connection.capabilities().images;
  const auto& statements = revision.steps[step].statements;
  for (std::size_t i = 0; i < statements.size(); ++i) {
    try {
      run_statement(revision.file, statements[i]);
    } catch (const Error& error) {
      if (images ? untouched(target_.connection, alone.open()) : i == 0) {
        alone.drop(error.what());
        open_.reset();
        half_way_ = before;
      }
      throw;
    }
  }
  alone.commit();
  open_.reset();
}

void Executor::run_batch(const journal::PlannedRevision& revision, std::size_t step, std::string after) {
  const auto& statement = revision.steps[step].statements.at(0);
  try {
    BatchWalk walk(target_.connection, revision.steps[step], std::move(after));
    while (const auto slice = walk.next()) {
      Transaction transaction(target_);
      const journal::Slice ends{to_literal(slice->low), to_literal(slice->high)};
      transaction.promise(journal::StepBegin{.ordinal = revision.ordinal, .step = step, .slice = ends});
      run_statement(revision.file, statement, std::array{Parameter{":lo", slice->low}, Parameter{":hi", slice->high}});
      target_.connection.check_constraints();
      transaction.commit();
      half_way_ = revision.ordinal;
      observer_.batch_advanced(walk.done(), walk.total());
    }
  } catch (Error& error) {
    error.at(revision.file, statement.line, statement.text);
    throw;
  }
}

// --- What both have in common ---

void Executor::run_step(Transaction& transaction, const journal::PlannedRevision& revision, std::size_t step) {
  transaction.promise(journal::StepBegin{.ordinal = revision.ordinal, .step = step, .slice = {}});
  const auto& name = revision.steps[step].name;
  const std::string& file = name.ends_with(".sql") ? name : revision.file;  // A hook's step is named after its file.
  std::optional<RebuildGuard> guard;
  if (revision.steps[step].is_rebuild())
    guard.emplace(target_.connection, revision, revision.steps[step], RebuildGuard::Scope::all);
  for (const auto& statement : revision.steps[step].statements) run_statement(file, statement);
  if (guard) guard->check();
}

void Executor::run_statement(const std::string& file, const journal::PlannedStatement& statement,
                             std::span<const Parameter> parameters) {
  const ScriptStatement script{statement.text, file, statement.line};
  observer_.statement_began(target_.connection, script);
  try {
    target_.connection.run(script, parameters);
  } catch (...) {
    observer_.statement_ended();
    throw;
  }
  observer_.statement_ended();
}

void Executor::verify(const journal::PlannedRevision& revision) {
  for (const auto& query : revision.verify) {
    const auto rows = target_.connection.ask({query.text, revision.file, query.line});
    for (const auto& row : rows)
      if (row.empty() || !is_true(row[0]))
        throw Error(ErrorCode::verification_failed,
                    fmt::format("verification failed: the query gave {}", row.empty() ? "nothing" : to_literal(row[0])))
            .at(revision.file, query.line, query.text);
  }
}

/// The last part of a revision: its checks and its stamp, in the transaction that makes it applied.
void Executor::complete(Transaction& transaction, const journal::PlannedRevision& revision, milliseconds took) {
  verify(revision);
  try {
    target_.connection.check_constraints();
  } catch (Error& error) {
    if (!revision.steps.empty()) error.at(revision.file, revision.steps[0].statements.at(0).line, "");
    throw;
  }
  using journal::Action;
  transaction.promise(journal::StampBegin{.ordinal = revision.ordinal});
  if (revision.action == Action::adopt) {
    if (options_.adopting) options_.adopting(revision);
    target_.versions.set_database_id(target_.journal.database_id());
  }
  if (revision.action == Action::down || revision.action == Action::unstamp)
    target_.versions.remove({revision.revision});
  if (revision.action == Action::up || revision.action == Action::stamp)
    target_.versions.write({.revision = {revision.revision},
                            .message = revision.message,
                            .digest = revision.digest,
                            .applied_at = options_.now(),
                            .execution_ms = took.count(),
                            .applied_by = options_.applied_by,
                            .lsn = transaction.lsn().value});
}

void end_run(const Transaction::Target& target, journal::Outcome outcome, const std::string& error,
             const Executor::Options& options, Observer& observer) {
  journal::RunEnd end{.run = {}, .outcome = outcome, .ended_at = options.now(), .to = {}, .error = error};
  if (options.current) end.to = options.current();
  settle(target, observer);
  target.journal.end(std::move(end), options.retention);
}

}  // namespace belay::engine

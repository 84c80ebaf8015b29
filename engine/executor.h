#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "engine/clock.h"
#include "engine/observer.h"
#include "engine/transaction.h"
#include "journal/journal.h"

namespace belay::engine {

/// Where in a plan to go on.
struct Position {
  std::size_t revision = 0;  ///< Its ordinal.
  std::size_t step = 0;      ///< The first step that is not done.
  std::string after;         ///< In a batch step: the last key that is done, as an SQL literal; empty before the first.

  friend bool operator==(const Position&, const Position&) = default;
};

/// The forward path: carries out a plan, promise before act, commit by commit (docs/recovery.md). It undoes nothing but
/// what the database's own rollback takes back.
///
/// Group commit: revisions that fit into one transaction share one, each in a savepoint. The group commits when it has
/// taken `group_time`, outgrows the database's memory, is followed by a revision that needs its own commits, or ends. A
/// revision that fails is rolled back alone, what stood before it in the group commits, and the run stops there: the
/// same as with a transaction for each, at a fraction of the syncs.
///
/// Unstamps right behind a hook commit with it, whatever a group's bounds say, and the observer is not asked before
/// them: what a hook drops and what the version table says of it are one.
class Executor {
 public:
  struct Options {
    bool atomic = false;  ///< The whole plan is one transaction: all or nothing.
    bool group = true;    ///< False: each revision commits by itself, so that hooks run between them.
    std::chrono::milliseconds group_time{200};
    std::string applied_by;
    journal::Journal::Retention retention{};
    std::function<std::string()> now = utc_now;
    std::function<std::vector<std::string>()> current;  ///< The current revisions, for RunEnd; may be left out.
    /// Told of an `adopt` in its transaction, before anything that counts is written: may throw Error. May be left out.
    std::function<void(const journal::PlannedRevision&)> adopting;
  };

  /// @param target, observer  must outlive this.
  Executor(Transaction::Target target, Observer& observer, Options options, std::stop_token stop);
  ~Executor();

  /// Begins a run, carries out the plan and ends the run.
  /// @throws Error. The run is closed, and the database as before the revision that failed (before the run, if
  ///         `atomic`), unless the error `is_unfinished()` or its code is `outcome_unknown`: then it stays open, for
  ///         restart to settle.
  void start(journal::RunBegin run, std::vector<journal::PlannedRevision> plan);

  /// Goes on with the open run and ends it. Errors as for `start`.
  /// @param open  the step at `from`, which is carried on: whatever of it has happened, it is run (once more).
  void resume(const std::vector<journal::PlannedRevision>& plan, const Position& from,
              std::optional<StepAlone::Open> open = {});

 private:
  using Plan = std::vector<journal::PlannedRevision>;
  struct Group;

  void refuse_what_cannot_be_atomic(const Plan& plan) const;
  void refuse_mixed_steps(const journal::PlannedRevision& revision) const;
  void carry_out(const Plan& plan, const Position& from);
  void end(journal::Outcome outcome, const std::string& error);
  [[noreturn]] void stop_run(const Plan& plan, Error& error);
  [[nodiscard]] std::string state_after(const Plan& plan) const;

  [[nodiscard]] bool fits_one_transaction(const journal::PlannedRevision& revision) const;
  void run_in_group(const Plan& plan, std::size_t ordinal);
  void announce(const Plan& plan, const journal::PlannedRevision& revision);
  void run_in_savepoint(const journal::PlannedRevision& revision);
  void leave_group(const Plan& plan, const journal::PlannedRevision& failed, const Error& error);
  void commit_group(const Plan& plan);

  void run_by_itself(const journal::PlannedRevision& revision, const Position& from);
  void prepare_again(const journal::PlannedRevision& revision, std::size_t steps);
  void run_steps(std::optional<Transaction>& transaction, const journal::PlannedRevision& revision,
                 const Position& from);
  void run_outside(const journal::PlannedRevision& revision, std::size_t step);
  void run_alone(const journal::PlannedRevision& revision, std::size_t step);
  void run_batch(const journal::PlannedRevision& revision, std::size_t step, std::string after);
  void commit_part(std::optional<Transaction>& transaction, const journal::PlannedRevision& revision);

  void run_step(Transaction& transaction, const journal::PlannedRevision& revision, std::size_t step);
  void run_statement(const std::string& file, const journal::PlannedStatement& statement,
                     std::span<const Parameter> parameters = {});
  void verify(const journal::PlannedRevision& revision);
  void complete(Transaction& transaction, const journal::PlannedRevision& revision, std::chrono::milliseconds took);

  Transaction::Target target_;
  Observer& observer_;
  Options options_;
  std::stop_token stop_;
  std::unique_ptr<Group> group_;
  std::optional<StepAlone::Open> open_;   ///< The step to be carried on, until it is.
  std::optional<std::size_t> half_way_;   ///< The revision of which a part is committed.
  std::optional<std::size_t> committed_;  ///< The last revision that is committed as a whole.
};

/// Closes the open run: what is committed is brought to where it stays, and the journal is told where that leaves the
/// target (invariant I3), so that the last footprint stands right before RunEnd. What stands in the way of that is a
/// message and no error: the data is committed.
void end_run(const Transaction::Target& target, journal::Outcome outcome, const std::string& error,
             const Executor::Options& options, Observer& observer);

}  // namespace belay::engine

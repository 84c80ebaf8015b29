#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "journal/record.h"

namespace belay::journal {

/// Reads records in their order and holds them to the grammar of docs/journal-format.md:
///
///     log          = { run } [ open run ]
///     run          = RunBegin, planned × PlannedRevision, { transaction | undo | Footprint }, RunEnd
///     transaction  = TransactionBegin, { StepBegin | StampBegin | RevisionRollback | Footprint },
///                    ( TransactionCommit | TransactionRollback )
///     undo         = UndoBegin, { Footprint }, UndoEnd
///
/// A crash ends the log anywhere behind a plan, and restart closes what is open before it writes anything else: so an
/// open run, transaction or undo is right at the end of the log and nowhere else.
class Grammar {
 public:
  /// @throws Error `damaged`, with the LSN, for a record that cannot stand here.
  void accept(Lsn lsn, const Record& record);

  /// The log ends here. @throws Error `damaged` within a plan: it is written in one piece with its RunBegin.
  void finish() const;

  /// The state behind the last record that was accepted.
  [[nodiscard]] std::optional<RunId> open_run() const { return in_run_ ? std::optional(run_) : std::nullopt; }
  [[nodiscard]] std::optional<Lsn> open_transaction() const {
    return transaction_ ? std::optional(transaction_) : std::nullopt;
  }
  [[nodiscard]] std::optional<Lsn> open_undo() const { return undo_ ? std::optional(undo_) : std::nullopt; }
  /// The TransactionBegin of the newest transaction in force: of the last TransactionCommit, or what the last UndoEnd
  /// left in force, which may be none. Nothing before the first of either.
  [[nodiscard]] std::optional<Lsn> last_commit() const { return last_commit_; }
  /// The last UndoEnd that is done, or none.
  [[nodiscard]] Lsn last_undo() const { return last_undo_; }

 private:
  void take(const RunBegin& record);
  void take(const PlannedRevision& record);
  void take(const TransactionBegin& record);
  void take(const StepBegin& record);
  void take(const StampBegin& record);
  void take(const RevisionRollback& record);
  void take(const TransactionCommit& record);
  void take(const TransactionRollback& record);
  void take(const RunEnd& record);
  void take(const Footprint& record) const;
  void take(const UndoBegin& record);
  void take(const UndoEnd& record);

  void require(bool holds, const char* rule) const;
  void require_in_run() const;
  void require_between_transactions() const;
  void require_planned(std::uint64_t ordinal) const;
  void close_transaction(Lsn begin);

  Lsn lsn_;
  RunId run_;  ///< The last one seen.
  bool in_run_ = false;
  std::uint64_t planned_ = 0;
  std::vector<std::uint64_t> steps_;  ///< How many each planned revision has.
  Lsn transaction_;
  Lsn undo_;
  Lsn undo_leaves_;  ///< UndoBegin.previous of `undo_`.
  std::optional<Lsn> last_commit_;
  Lsn last_undo_;
};

}  // namespace belay::journal

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
///     run          = RunBegin, planned × PlannedRevision, { transaction }, RunEnd
///     transaction  = TransactionBegin, { StepBegin | StampBegin | RevisionRollback },
///                    ( TransactionCommit | TransactionRollback )
///
/// A crash ends the log anywhere behind a plan, and restart closes the open transaction before it writes anything else:
/// so an open run or transaction is right at the end of the log and nowhere else.
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
  /// The TransactionBegin of the last TransactionCommit, or none.
  [[nodiscard]] Lsn last_commit() const { return last_commit_; }

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

  void require(bool holds, const char* rule) const;
  void require_between_transactions() const;
  void require_planned(std::uint64_t ordinal) const;
  void close_transaction(Lsn begin);

  Lsn lsn_;
  RunId run_;  ///< The last one seen.
  bool in_run_ = false;
  std::uint64_t planned_ = 0;
  std::vector<std::uint64_t> steps_;  ///< How many each planned revision has.
  Lsn transaction_;
  Lsn last_commit_;
};

}  // namespace belay::journal

#include "journal/grammar.h"

#include "journal/error.h"

namespace belay::journal {

void Grammar::accept(Lsn lsn, const Record& record) {
  lsn_ = lsn;
  std::visit([this](const auto& fields) { take(fields); }, record);
}

void Grammar::finish() const {
  require(steps_.size() == planned_, "the log ends within a plan");
}

void Grammar::take(const RunBegin& record) {
  require(!in_run_, "a run begins within a run");
  require(record.run.value == run_.value + 1 || (!run_ && record.run), "a run has a number out of order");
  run_ = record.run;
  in_run_ = true;
  planned_ = record.planned;
  steps_.clear();
}

void Grammar::take(const PlannedRevision& record) {
  require(in_run_ && steps_.size() < planned_, "a planned revision stands outside a plan");
  require(record.ordinal == steps_.size(), "a planned revision has an ordinal out of order");
  steps_.push_back(record.steps.size());
}

void Grammar::take(const TransactionBegin& record) {
  require_between_transactions();
  require(record.previous < lsn_, "a transaction names a later one as the previous one");
  transaction_ = lsn_;
}

void Grammar::take(const StepBegin& record) {
  require_planned(record.ordinal);
  require(record.step < steps_[record.ordinal], "a step begins that the plan does not have");
}

void Grammar::take(const StampBegin& record) {
  require_planned(record.ordinal);
}

void Grammar::take(const RevisionRollback& record) {
  require_planned(record.ordinal);
}

void Grammar::take(const TransactionCommit& record) {
  close_transaction(record.begin);
  last_commit_ = record.begin;
}

void Grammar::take(const TransactionRollback& record) {
  close_transaction(record.begin);
}

void Grammar::take(const RunEnd& record) {
  require_between_transactions();
  require(record.run == run_, "a run's end has another run's number");
  in_run_ = false;
}

void Grammar::take(const Footprint& /*record*/) const {
  require_in_run();
}

void Grammar::take(const UndoBegin& record) {
  require_between_transactions();
  require(record.first && record.first < lsn_, "an undo begins with a transaction that is not before it");
  require(record.previous < record.first, "an undo leaves a transaction in force that it takes back");
  undo_ = lsn_;
  undo_leaves_ = record.previous;
}

void Grammar::take(const UndoEnd& record) {
  require(undo_ && record.begin == undo_, "an undo's end does not match its beginning");
  require(!record.done || record.last_commit == undo_leaves_, "an undo leaves another transaction than it was to");
  require(record.done || !last_commit_ || record.last_commit == *last_commit_, "an abandoned undo took effect");
  if (record.done) last_undo_ = lsn_;
  last_commit_ = record.last_commit;
  undo_ = {};
}

void Grammar::require(bool holds, const char* rule) const {
  if (!holds) throw Error(ErrorCode::damaged, rule, {}, lsn_);
}

void Grammar::require_in_run() const {
  require(in_run_, "a record stands outside a run");
  require(steps_.size() == planned_, "a plan is not complete");
}

void Grammar::require_between_transactions() const {
  require_in_run();
  require(!transaction_, "the transaction before this record was never closed");
  require(!undo_, "the undo before this record was never closed");
}

void Grammar::require_planned(std::uint64_t ordinal) const {
  require(static_cast<bool>(transaction_), "an intent stands outside a transaction");
  require(ordinal < steps_.size(), "an intent is for a revision that is not planned");
}

void Grammar::close_transaction(Lsn begin) {
  require(transaction_ && begin == transaction_, "a transaction's end does not match its beginning");
  transaction_ = {};
}

}  // namespace belay::journal

#include "engine/transaction.h"

#include <utility>

namespace belay::engine {
namespace {

journal::Lsn append_begin(Transaction::Target& target) {
  return target.journal.append(journal::TransactionBegin{.previous = target.journal.last_commit()});
}

/// belay's tables come with the first transaction, so that a first migration that fails leaves nothing at all.
void prepare_tables(Transaction::Target& target) {
  if (!target.versions.state() || !target.connection.has_table(target.versions.name()))
    target.versions.create(target.journal.database_id());
}

}  // namespace

Transaction::Transaction(Target target) : target_(target) {
  target_.connection.begin();
  try {
    prepare_tables(target_);
    lsn_ = append_begin(target_);
  } catch (...) {
    target_.connection.rollback();
    throw;
  }
}

Transaction::~Transaction() {
  if (!open_) return;
  try {
    rollback("abandoned");
  } catch (...) {  // Only memory can be short here, and then nothing of this transaction reaches the journal.
  }
}

void Transaction::commit() {
  target_.versions.set_last_lsn(lsn_);
  target_.journal.flush();  // J1: the promise is durable before the target can keep any of it.
  try {
    target_.connection.commit();  // In doubt from here …
  } catch (const Error& error) {
    if (error.code() == ErrorCode::outcome_unknown)
      open_ = false;  // Neither a commit nor a rollback may be written: only a fresh restart can tell.
    else
      rollback(error.what());
    throw;
  }
  open_ = false;  // … to here.
  target_.journal.append(journal::TransactionCommit{.begin = lsn_});
}

void Transaction::rollback(const std::string& reason) {
  if (!std::exchange(open_, false)) return;  // Its commit has failed, and that has rolled it back.
  target_.connection.rollback();
  target_.journal.append(journal::TransactionRollback{.begin = lsn_, .reason = reason});
}

journal::Lsn Transaction::begin_alone(Target& target, const journal::StepBegin& step) {
  if (!target.versions.state()) {
    Transaction tables(target);
    tables.commit();
  }
  const journal::Lsn lsn = append_begin(target);
  target.journal.append(step);
  target.journal.flush();
  return lsn;
}

void Transaction::end_alone(Target& target, journal::Lsn lsn) {
  target.connection.begin();
  try {
    target.versions.set_last_lsn(lsn);
    target.connection.commit();
  } catch (...) {
    target.connection.rollback();
    throw;
  }
  target.journal.append(journal::TransactionCommit{.begin = lsn});
}

}  // namespace belay::engine

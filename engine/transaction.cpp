#include "engine/transaction.h"

#include <variant>

namespace belay::engine {
namespace {

journal::Lsn append_begin(journal::Journal& journal) {
  return journal.append(journal::TransactionBegin{.previous = journal.last_commit()});
}

bool has_tables(const Transaction::Target& target) {
  return target.versions.state() && target.connection.has_table(target.versions.name());
}

/// Where the target stood before the undo that nothing has been committed after (invariant I4).
std::optional<std::string> state_to_outgrow(const journal::Journal& journal) {
  if (journal.last_undo() <= journal.last_commit()) return std::nullopt;
  const auto end = journal.record(journal.last_undo());
  const auto begin = end ? journal.record(std::get<journal::UndoEnd>(*end).begin) : std::nullopt;
  return begin ? std::optional(std::get<journal::UndoBegin>(*begin).state) : std::nullopt;
}

/// Invariants T1, and J1 and I1 where no images are kept: with images `seal` sees to them, within the COMMIT.
void commit_as(const Transaction::Target& target, journal::Lsn lsn) {
  target.versions.set_last_lsn(lsn);
  if (!target.connection.capabilities().images) target.journal.flush();
  target.connection.commit();  // In doubt until it returns.
}

}  // namespace

void ImagesToJournal::seal(const std::string& before, const std::string& after) {
  journal_.append(journal::Footprint{.before = before, .after = after});
  journal_.flush();
}

// --- Transaction ---

Transaction::Transaction(Target target) : target_(target), images_(target.journal) {
  target_.connection.capture(&images_);
  try {
    target_.connection.begin();
    lsn_ = append_begin(target_.journal);  // Before anything is written, so that each image has its transaction.
    prepare();
  } catch (const Error& error) {
    rollback(error.what());
    throw;
  } catch (...) {  // The journal has failed, and takes no record of it.
    target_.connection.rollback();
    close();
    throw;
  }
}

/// belay's tables come with the first transaction, so that a first migration that fails leaves nothing at all.
void Transaction::prepare() {
  if (const auto state = state_to_outgrow(target_.journal)) target_.connection.outgrow(*state);
  if (!has_tables(target_)) target_.versions.create(target_.journal.database_id());
}

Transaction::~Transaction() {
  if (!open_) return;
  try {
    rollback("abandoned");
  } catch (...) {  // The journal has failed, and then nothing of this transaction counts there.
  }
}

void Transaction::commit() {
  try {
    commit_as(target_, lsn_);
  } catch (const Error& error) {
    if (error.code() == ErrorCode::outcome_unknown)
      close();  // Neither a commit nor a rollback may be written: only a fresh restart can tell (U1).
    else
      rollback(error.what());
    throw;
  }
  close();
  target_.journal.append(journal::TransactionCommit{.begin = lsn_});
}

void Transaction::rollback(const std::string& reason) {
  if (!open_) return;  // Its commit has failed, and that has rolled it back.
  target_.connection.rollback();
  close();
  if (lsn_) target_.journal.append(journal::TransactionRollback{.begin = lsn_, .reason = reason});
}

void Transaction::close() {
  open_ = false;
  target_.connection.capture(nullptr);
}

// --- StepAlone ---

StepAlone::StepAlone(Transaction::Target target, const journal::Record& promise, const std::optional<Open>& open)
    : target_(target), images_(target.journal) {
  if (open) {
    open_ = *open;
    target_.journal.carry_on(open_.lsn);
  } else {
    begin();
  }
  target_.journal.append(promise);
  target_.journal.flush();
  target_.connection.capture(&images_);
}

StepAlone::~StepAlone() {
  target_.connection.capture(nullptr);
}

void StepAlone::begin() {
  if (!has_tables(target_) || state_to_outgrow(target_.journal)) {
    Transaction tables(target_);
    tables.commit();
  }
  const bool images = target_.connection.capabilities().images;
  if (images) open_.before = target_.connection.footprint();
  open_.lsn = append_begin(target_.journal);
  if (images) target_.journal.append(journal::Footprint{.before = open_.before, .after = open_.before});
}

void StepAlone::drop(const std::string& reason) {
  target_.journal.append(journal::TransactionRollback{.begin = open_.lsn, .reason = reason});
}

void StepAlone::commit() {
  target_.connection.begin();
  try {
    commit_as(target_, open_.lsn);
  } catch (const Error& error) {
    if (error.code() != ErrorCode::outcome_unknown) target_.connection.rollback();
    throw;
  } catch (...) {
    target_.connection.rollback();
    throw;
  }
  target_.journal.append(journal::TransactionCommit{.begin = open_.lsn});
}

bool untouched(Connection& connection, const StepAlone::Open& open) {
  if (open.before.empty()) return false;
  try {
    return connection.follows(connection.footprint(), open.before);
  } catch (const Error&) {  // What cannot be read is not known; restart looks again.
    return false;
  }
}

}  // namespace belay::engine

#include "recovery/analysis.h"

#include <algorithm>
#include <utility>
#include <variant>

namespace belay::recovery {
namespace {

/// Folds the records of the open run into an Analysis, one at a time.
class Fold {
 public:
  explicit Fold(Analysis& analysis) : analysis_(analysis) {}

  void operator()(const journal::Journal::Entry& entry) {
    lsn_ = entry.lsn;
    std::visit(*this, entry.record);
    analysis_.read_to = lsn_;
  }

  void operator()(const journal::RunBegin& run) {
    analysis_ = {};
    analysis_.run = run;
  }
  void operator()(const journal::PlannedRevision& revision) { analysis_.plan.push_back(revision); }
  void operator()(const journal::TransactionBegin&) {
    analysis_.transaction.emplace();
    analysis_.transaction->lsn = lsn_;
    analysis_.transaction->after = analysis_.position;
    analysis_.taken_back = false;
  }
  void operator()(const journal::StepBegin& step) {
    auto& transaction = *analysis_.transaction;
    if (step.slice)
      transaction.after = {.revision = step.ordinal, .step = step.step, .after = step.slice->high};
    else
      transaction.after = {.revision = step.ordinal, .step = step.step + 1, .after = {}};
    if (!analysis_.plan.at(step.ordinal).steps.at(step.step).transactional) transaction.outside_step = step.step;
    transaction.slice = step.slice.has_value();
    transaction.is_void = false;
  }
  void operator()(const journal::StampBegin& stamp) {
    analysis_.transaction->after = {.revision = stamp.ordinal + 1, .step = 0, .after = {}};
  }
  /// Of a group, one revision; of a step outside a transaction, that step.
  void operator()(const journal::RevisionRollback& rollback) {
    auto& transaction = *analysis_.transaction;
    transaction.after = {.revision = rollback.ordinal, .step = 0, .after = {}};
    if (rollback.ordinal == analysis_.position.revision) transaction.after = analysis_.position;
    transaction.is_void = transaction.outside_step.has_value();
  }
  void operator()(const journal::Footprint& footprint) {
    auto& transaction = analysis_.transaction;
    if (transaction && transaction->before.empty()) transaction->before = footprint.before;
  }
  void operator()(const journal::TransactionCommit&) {
    const auto transaction = *std::exchange(analysis_.transaction, std::nullopt);
    analysis_.position = transaction.after;
    if (transaction.is_void) analysis_.leftover = transaction.lsn;
    if (!half_applied(transaction.after)) {
      analysis_.part.reset();
      analysis_.sliced = false;
      return;
    }
    if (!analysis_.part) analysis_.part = transaction.lsn;
    analysis_.sliced = analysis_.sliced || transaction.slice;
  }
  void operator()(const journal::TransactionRollback&) { analysis_.transaction.reset(); }
  void operator()(const journal::UndoBegin& intent) { analysis_.undo = {lsn_, intent}; }
  void operator()(const journal::UndoEnd& end) {
    const auto undo = *std::exchange(analysis_.undo, std::nullopt);
    if (!end.done) return;
    analysis_.taken_back = true;
    analysis_.leftover.reset();  // It was the newest transaction.
    if (!analysis_.part || undo.intent.first > *analysis_.part) return;
    analysis_.part.reset();
    analysis_.sliced = false;
    analysis_.position = {.revision = analysis_.position.revision, .step = 0, .after = {}};
  }
  void operator()(const journal::RunEnd&) { analysis_ = {}; }

 private:
  Analysis& analysis_;
  journal::Lsn lsn_;
};

Tail tail_of(const Analysis& analysis, const engine::Connection* connection) {
  if (!analysis.run) return Tail::closed;
  if (taking_over(analysis)) return Tail::taking_over;
  if (analysis.undo) return Tail::undoing;
  if (!analysis.transaction) return Tail::between;
  if (!analysis.transaction->outside_step || !connection) return Tail::inside;

  const auto& revision = analysis.plan.at(analysis.position.revision);
  const auto& step = revision.steps.at(*analysis.transaction->outside_step);
  const auto any_of = [&](auto property) {
    return std::any_of(step.statements.begin(), step.statements.end(), property);
  };
  if (!any_of([&](const auto& statement) { return connection->standalone(statement.text); })) return Tail::inside;
  const bool unrepeatable = any_of([&](const auto& statement) { return !connection->repeatable(statement.text); });
  if (step.repeatable || !unrepeatable) return Tail::alone;
  return analysis.transaction->before.empty() ? Tail::alone_blind : Tail::alone_once;
}

}  // namespace

bool taking_over(const Analysis& analysis) {
  return !analysis.plan.empty() && takes_over(analysis.plan[0].action) && analysis.position.revision == 0;
}

bool half_applied(const engine::Position& position) {
  return position.step > 0 || !position.after.empty();
}

Analysis analyse(const journal::Journal& journal, const std::function<void(const journal::Journal::Entry&)>& also) {
  Analysis analysis;
  analysis.read_to = {journal.checkpoint().value - 1};
  analyse_further(analysis, journal, also);
  return analysis;
}

void analyse_further(Analysis& analysis, const journal::Journal& journal,
                     const std::function<void(const journal::Journal::Entry&)>& also) {
  Fold fold(analysis);
  journal.scan({analysis.read_to.value + 1}, [&](const journal::Journal::Entry& entry) {
    fold(entry);
    if (also) also(entry);
    return true;
  });
}

std::optional<journal::Record> closing_of(const Analysis& analysis, const journal::Journal& journal,
                                          const std::string& reason) {
  if (analysis.transaction) return journal::TransactionRollback{.begin = analysis.transaction->lsn, .reason = reason};
  if (analysis.undo)
    return journal::UndoEnd{.begin = analysis.undo->lsn, .done = false, .last_commit = journal.last_commit()};
  return std::nullopt;
}

Evidence examine(const Analysis& analysis, const journal::Journal& journal,
                 const std::optional<engine::TargetState>& target, const engine::Connection* connection) {
  Evidence evidence;
  evidence.tail = tail_of(analysis, connection);
  evidence.journal_last_commit = journal.last_commit();
  if (target) evidence.target_last_lsn = target->last_lsn;

  evidence.level = evidence.tail == Tail::taking_over ? Level::level : Level::elsewhere;
  if (target && target->database_id != journal.database_id()) return evidence;
  if (evidence.target_last_lsn == evidence.journal_last_commit) evidence.level = Level::level;
  if (analysis.transaction && evidence.target_last_lsn == analysis.transaction->lsn) evidence.level = Level::at;
  if (analysis.undo && evidence.target_last_lsn == analysis.undo->intent.previous) evidence.level = Level::at;
  return evidence;
}

}  // namespace belay::recovery

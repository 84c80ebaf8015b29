#include "recovery/restart.h"

#include <fmt/format.h>

#include <algorithm>
#include <cassert>
#include <utility>

#include "engine/planned.h"
#include "recovery/backup_file.h"
#include "recovery/restore.h"
#include "recovery/undo.h"

namespace belay::recovery {
namespace {

using journal::Lsn;
using journal::Outcome;

std::string step_text(const Analysis& analysis) {
  const auto& revision = analysis.plan.at(analysis.position.revision);
  return fmt::format("{} of revision {}", revision.steps.at(*analysis.transaction->outside_step).statements.at(0).text,
                     revision.revision);
}

/// Brings what a run has left to its end, step by step. After each the journal is read on: what this process has just
/// written, and what another would find if this one died here, are looked at by the same code.
class Restart {
 public:
  Restart(Target& target, const Settling& how, const engine::Executor::Options& options, engine::Observer& observer)
      : target_(target), how_(how), options_(options), observer_(observer), analysis_(analyse(target.journal())) {}

  [[nodiscard]] const Analysis& analysis() const { return analysis_; }

  /// @throws Error `foreign`, `in_doubt` where nothing may be done.
  Verdict verdict();

  /// Brings the open transaction or undo to its end.
  /// @returns the step that is to be carried on instead.
  std::optional<engine::StepAlone::Open> account_for(Verdict verdict);

  [[nodiscard]] Policy direction() const;
  void go_on(std::optional<engine::StepAlone::Open> open, const std::stop_token& stop);
  void take_back_loose_end();
  void close(Outcome outcome, const std::string& error) {
    engine::end_run(target_.parts(), outcome, error, options_, observer_);
  }

 private:
  void write();
  void write(const journal::Record& record);
  void close_step(const std::string& reason);
  void end_undo();
  void settle();
  void take_back_from(Lsn first);
  void restore_again(const std::stop_token& stop);

  Target& target_;
  Settling how_;
  const engine::Executor::Options& options_;
  engine::Observer& observer_;
  Analysis analysis_;
};

Verdict Restart::verdict() {
  const auto state = target_.versions().state();
  const auto evidence = examine(analysis_, target_.journal(), state, &target_.connection());
  if (evidence.verdict() == Verdict::refuse) throw foreign(evidence, target_.journal(), state);
  if (evidence.verdict() == Verdict::in_doubt) throw in_doubt(analysis_);
  return evidence.verdict();
}

void Restart::write() {
  target_.journal().flush();
  analyse_further(analysis_, target_.journal());
}

void Restart::write(const journal::Record& record) {
  target_.journal().append(record);
  write();
}

std::optional<engine::StepAlone::Open> Restart::account_for(Verdict verdict) {
  const auto& transaction = analysis_.transaction;
  switch (verdict) {
    case Verdict::redo:
      // Whoever was killed may not have synced its commit: SQLite has read it from the kernel.
      sync_beside(target_.places().url.path);
      write(journal::TransactionCommit{.begin = transaction->lsn});
      break;
    case Verdict::drop:
      write(journal::TransactionRollback{.begin = transaction->lsn, .reason = "interrupted; rolled back by restart"});
      break;
    case Verdict::repeat:
      if (how_.policy == Policy::forward && !transaction->before.empty()) {
        analysis_.position = {.revision = analysis_.position.revision, .step = *transaction->outside_step, .after = {}};
        return engine::StepAlone::Open{transaction->lsn, transaction->before};
      }
      close_step(how_.policy == Policy::forward ? "interrupted; repeated by restart"
                                                : "interrupted; taken back by restart");
      break;
    case Verdict::undo:
      analysis_.undo ? end_undo() : close_step("interrupted; taken back by restart");
      break;
    case Verdict::take_over:
      if (transaction)
        write(journal::TransactionRollback{.begin = transaction->lsn, .reason = "interrupted; done again by restart"});
      break;
    case Verdict::undone:
      write(
          journal::UndoEnd{.begin = analysis_.undo->lsn, .done = true, .last_commit = analysis_.undo->intent.previous});
      break;
    default:
      break;
  }
  return std::nullopt;
}

/// A step outside a transaction that may have happened, and is not to count. Where it did, its transaction commits in
/// the target as a void one, so that `last_lsn` can tell later whether it was taken back.
void Restart::close_step(const std::string& reason) {
  const engine::StepAlone::Open open{analysis_.transaction->lsn, analysis_.transaction->before};
  if (open.before.empty() || untouched(target_.connection(), open))
    return write(journal::TransactionRollback{.begin = open.lsn, .reason = reason});
  auto found = in_force_since(target_.journal(), target_.connection(), open.lsn);
  found.count_open();
  const auto scope = scope_of(std::move(found), target_.journal(), target_.connection(), open.lsn);
  if (scope.gap && !how_.discard_later_writes) throw with_choices(foreign_writes(scope));
  const journal::RevisionRollback is_void{.ordinal = analysis_.position.revision, .reason = reason};
  engine::StepAlone(target_.parts(), is_void, open).commit();
  write();
}

void Restart::end_undo() {
  const Lsn begin = analysis_.undo->lsn;
  try {
    finish_undo(target_, *analysis_.undo, how_.discard_later_writes, observer_);
  } catch (const Error& error) {
    const bool hopeless = error.code() == ErrorCode::foreign_writes || error.code() == ErrorCode::no_images;
    if (!hopeless || !how_.asked || how_.policy == Policy::back) throw with_choices(error);
    abandon_undo(target_, begin);  // The verdict has found it level, and nothing has been changed since.
  }
  write();
}

/// A WAL that a crash has left, or a busy moment, is brought into the database first: whoever closes the database would
/// do that later, and then nothing would prove any more that nobody has written.
void Restart::settle() {
  engine::ImagesToJournal images(target_.journal());
  try {
    target_.connection().settle(images);
  } catch (const engine::Error&) {  // What stands in the way of this stands in the way of the undo, which says so.
    return;
  }
}

void Restart::take_back_from(Lsn first) {
  settle();
  try {
    take_back(target_, scope_of(target_.journal(), target_.connection(), first), how_.discard_later_writes, observer_);
  } catch (const Error& error) {
    throw with_choices(error);
  }
  write();
}

void Restart::take_back_loose_end() {
  if (const auto first = analysis_.loose_end()) take_back_from(*first);
}

/// Whether the run is carried on or closed. One that has been taking back is not begun again, unless that was only a
/// step; and one without a plan had nothing else to do.
Policy Restart::direction() const {
  if (taking_over(analysis_)) return Policy::forward;  // What it found may be forgotten already.
  const bool over = analysis_.plan.empty() || (analysis_.taken_back && !half_applied(analysis_.position));
  return over ? Policy::back : how_.policy;
}

void Restart::go_on(std::optional<engine::StepAlone::Open> open, const std::stop_token& stop) {
  if (analysis_.leftover) take_back_from(*analysis_.leftover);
  if (taking_over(analysis_)) {
    if (analysis_.plan[0].action == journal::Action::restore) return restore_again(stop);
    require_as_adopted(target_, analysis_.plan[0]);
  }
  auto as_begun = options_;
  as_begun.atomic = analysis_.run->atomic;
  engine::Executor(target_.parts(), observer_, as_begun, stop)
      .resume(analysis_.plan, analysis_.position, std::move(open));
}

void Restart::restore_again(const std::stop_token& stop) {
  finish_restore(target_, analysis_.plan[0], observer_, stop);
  close(Outcome::done, "");
}

std::string done_so_far(const Analysis& analysis, Verdict verdict) {
  // A commit that only lacks its acknowledgement counts.
  const auto& position = verdict == Verdict::redo ? analysis.transaction->after : analysis.position;
  const auto revisions = [&](std::size_t end) {
    const auto first = analysis.plan.begin();
    return std::count_if(first, first + static_cast<std::ptrdiff_t>(end),
                         [](const auto& planned) { return is_of_revision(planned.action); });
  };
  std::string text = fmt::format("{} of {} revisions were {}", revisions(position.revision),
                                 revisions(analysis.plan.size()), engine::what_is_done(analysis.plan));
  if (half_applied(position)) text += fmt::format(", and {} in part", analysis.plan.at(position.revision).revision);
  return text;
}

const char* what_follows(const Analysis& analysis, Policy direction) {
  if (taking_over(analysis)) return "; carrying it out again";
  if (direction == Policy::forward) return "; going on with the rest";
  return analysis.loose_end() ? "; taking that part back" : "; staying there";
}

/// To be called in the handler of the obstacle.
engine::Error blocked(engine::Error error, const std::string& why, const std::string& next) {
  error.state(error.state() + "; it was not taken back: " + why).blocked_by(std::current_exception());
  if (!next.empty()) error.next(next);
  return error;
}

engine::Error taken_back(const engine::Error& error, const Analysis& analysis) {
  engine::Error mended(error.code(), error.what());
  mended.at(error.file(), error.line(), error.statement());
  mended.state(fmt::format("revision {} was taken back: the database is as before it",
                           analysis.plan.at(analysis.position.revision).revision));
  return mended;
}

}  // namespace

Error in_doubt(const Analysis& analysis) {
  return Error(ErrorCode::in_doubt,
               fmt::format("run {} was interrupted in a step outside a transaction, and nothing tells whether it "
                           "happened: {}",
                           analysis.run->run.value, step_text(analysis)))
      .at(analysis.plan.at(analysis.position.revision).file)
      .next("look whether it happened; if the step may run twice, mark it repeatable:yes");
}

Error with_choices(Error error) {
  if (error.code() == ErrorCode::no_images)
    return Error(ErrorCode::in_doubt,
                 fmt::format("a part of the interrupted revision is committed, and cannot be taken back: {}",
                             error.what()))
        .at(error.file())
        .next("belay recover --forward goes on from there");
  if (error.code() == ErrorCode::foreign_writes && error.next().empty())
    error.next(
        "belay recover --forward goes on and keeps everything; belay recover --back --discard-later-writes takes back "
        "what others have written as well, and keeps a copy of the database as it is");
  return error;
}

std::string describe(const Analysis& analysis, Verdict verdict) {
  std::string what = fmt::format("run {} ({}) was interrupted", analysis.run->run.value, analysis.run->command);
  if (analysis.undo) return what + " while it was taking back what had been committed";
  if (analysis.plan.empty()) return what + (analysis.taken_back ? " at its end" : " at its beginning");
  if (verdict == Verdict::take_over) return what + " before it had any effect";
  what += ": " + done_so_far(analysis, verdict);
  switch (verdict) {
    case Verdict::in_doubt:
      return what + "; its last step may have happened or not";
    case Verdict::refuse:
      return what + "; journal and database do not fit";
    default:
      return what;
  }
}

std::optional<Recovered> restart(Target& target, const Settling& how, const engine::Executor::Options& options,
                                 engine::Observer& observer, const std::stop_token& stop) {
  Restart restart(target, how, options, observer);
  const Verdict verdict = restart.verdict();
  if (verdict == Verdict::nothing) return std::nullopt;
  const std::string what = describe(restart.analysis(), verdict);
  const bool undoing = restart.analysis().undo.has_value();
  if (undoing) observer.message(what + "; finishing that");

  Recovered recovered{restart.analysis().run->run, verdict, Policy::back};
  auto open = restart.account_for(verdict);
  recovered.direction = restart.direction();
  if (!undoing) observer.message(what + what_follows(restart.analysis(), recovered.direction));
  if (recovered.direction == Policy::back) {
    restart.take_back_loose_end();
    const bool undo_run = restart.analysis().plan.empty() && restart.analysis().taken_back;
    restart.close(undo_run ? Outcome::done : Outcome::closed_back, undo_run ? "" : "interrupted");
    return recovered;
  }
  try {
    restart.go_on(std::move(open), stop);
  } catch (const engine::Error& error) {
    throw mended(target, error, options, observer);
  }
  return recovered;
}

engine::Error mended(Target& target, const engine::Error& error, const engine::Executor::Options& options,
                     engine::Observer& observer) {
  if (!error.is_unfinished()) return error;
  assert(error.code() != engine::ErrorCode::outcome_unknown);  // U1: the executor throws it as it is.
  const bool interrupted = error.code() == engine::ErrorCode::interrupted;
  try {
    Restart restart(target, {.policy = Policy::back}, options, observer);
    restart.account_for(restart.verdict());
    if (interrupted && restart.analysis().sliced) return error;
    restart.take_back_loose_end();
    auto result = taken_back(error, restart.analysis());
    restart.close(interrupted ? Outcome::interrupted : Outcome::failed, error.what());
    return result;
  } catch (const Error& obstacle) {
    return blocked(error, obstacle.what(), obstacle.next());
  } catch (const engine::Error& obstacle) {
    return blocked(error, obstacle.what(), obstacle.next());
  } catch (const journal::Error& obstacle) {
    return blocked(error, obstacle.what(), "");
  }
}

}  // namespace belay::recovery

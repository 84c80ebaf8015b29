#pragma once

#include <optional>
#include <stop_token>
#include <string>

#include "engine/executor.h"
#include "engine/observer.h"
#include "recovery/settings.h"
#include "recovery/target.h"
#include "recovery/verdict.h"

namespace belay::recovery {

/// What restart did about an interrupted run.
struct Recovered {
  journal::RunId run;
  Verdict verdict = Verdict::nothing;
  Policy direction = Policy::forward;  ///< As it truly went.
};

/// What an interrupted run left, as a sentence for a person.
std::string describe(const Analysis& analysis, Verdict verdict);

/// Why an interrupted step is left to a person.
Error in_doubt(const Analysis& analysis);
/// What keeps an interrupted run from going back, with what its reader can do about it.
Error with_choices(Error error);

/// How an interrupted run is to be settled.
struct Settling {
  Policy policy = Policy::forward;
  bool asked = false;  ///< A person has chosen the policy for this run, having seen what it left.
  bool discard_later_writes = false;
};

/// Restart (docs/recovery.md): brings a database whose last run was interrupted to a state that is before or after each
/// of its revisions, by itself. With nothing to do it is one read.
///
///   analysis   `analyse` the journal from its checkpoint
///   evidence   `examine` its tail beside `last_lsn`
///   verdict    `judge`: the decision table
///   redo       the acknowledgement that is missing, or the rollback that nobody wrote down
///   undo       an undo that was interrupted is finished; what may have happened of a step that may not be repeated is
///              taken back; so is, by policy, the revision that is applied in part (`take_back`)
///   settle     go on from the first step that is not done, or close the run
///
/// May itself be killed at any point: nothing that it writes down is durable before the target has taken the step that
/// it speaks of, or it speaks of what is so already.
/// @returns nothing when there was nothing to do.
/// @throws Error `foreign`, `in_doubt`, `foreign_writes`; what Executor::resume throws, mended.
std::optional<Recovered> restart(Target& target, const Settling& how, const engine::Executor::Options& options,
                                 engine::Observer& observer, const std::stop_token& stop);

/// After a run of this process that failed: if it left a revision applied in part, that is taken back, by the same code
/// as after a crash, and the run is closed. Not where batch slices are committed and the user has interrupted: those
/// are gone on with. Not after `outcome_unknown` (U1).
/// @returns the error to throw: with the state as it is now, and no longer `unfinished`; or with what stands in the
/// way.
engine::Error mended(Target& target, const engine::Error& error, const engine::Executor::Options& options,
                     engine::Observer& observer);

/// Runs `forward` on a database that is known to be whole, and leaves it so: what every writing command calls, once.
template <typename Forward>
std::optional<Recovered> guarded(Target& target, const Settling& how, const engine::Executor::Options& options,
                                 engine::Observer& observer, const std::stop_token& stop, Forward forward) {
  try {
    auto recovered = restart(target, how, options, observer, stop);
    try {
      forward();
    } catch (const engine::Error& error) {
      throw mended(target, error, options, observer);
    }
    return recovered;
  } catch (journal::Error& error) {
    error.set_in_run();
    throw;
  }
}

}  // namespace belay::recovery

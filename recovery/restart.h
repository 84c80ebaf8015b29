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
  Policy direction = Policy::forward;
};

/// What an interrupted run left, as a sentence for a person.
std::string describe(const Analysis& analysis, Verdict verdict);

/// Restart (docs/recovery.md): brings a database whose last run was interrupted to a state that is before or after each
/// of its revisions, by itself. With nothing to do it is one read.
///
///   analysis   `analyse` the journal from its checkpoint
///   evidence   `examine` its tail beside `last_lsn`
///   verdict    `judge`: the decision table
///   redo       the acknowledgement that is missing, or the rollback that nobody wrote down
///   settle     go on from the first step that is not done, or close the run
///
/// May itself be killed at any point: nothing that it appends is durable before the target has taken the step that it
/// speaks of, or it speaks of what is so already.
/// @returns nothing when there was nothing to do.
/// @throws Error `foreign`, `in_doubt`; what Executor::resume throws.
std::optional<Recovered> restart(Target& target, Policy policy, const engine::Executor::Options& options,
                                 engine::Observer& observer, const std::stop_token& stop);

/// Runs `forward` on a database that is known to be whole: what every writing command calls, once.
template <typename Forward>
std::optional<Recovered> guarded(Target& target, Policy policy, const engine::Executor::Options& options,
                                 engine::Observer& observer, const std::stop_token& stop, Forward forward) {
  auto recovered = restart(target, policy, options, observer, stop);
  forward();
  return recovered;
}

}  // namespace belay::recovery

#pragma once

#include <optional>
#include <string>
#include <vector>

#include "engine/connection.h"
#include "journal/journal.h"
#include "recovery/in_force.h"
#include "recovery/undo.h"

namespace belay::recovery {

/// A finished run whose effects are in the database, with the before-images that take them back.
struct UndoableRun {
  journal::RunId run;
  std::string command;
  std::string started_at;  ///< UTC, ISO 8601.
  std::string ended_at;
  std::vector<Completed> revisions;  ///< As the run did them, in its order.
  std::uint64_t image_bytes = 0;     ///< As stored.
};

/// Newest first. Reads of each such run its plan, and of one that did not succeed its records.
std::vector<UndoableRun> undoable_runs(const journal::Journal& journal, const engine::Connection& connection);

/// Whether others have written, or may have, since the newest run ended. Reads the last records of runs.
bool written_since(const journal::Journal& journal, engine::Connection& connection);

/// What an undo of finished runs would take back.
struct RunsToUndo {
  Scope scope;
  journal::RunId oldest;
  journal::RunId newest;
  /// What becomes of the revisions: those that were brought about go `down`, newest first, or come back `up`.
  std::vector<Completed> revisions;
};

/// @param back_to  the oldest of the runs; without it the newest that has anything in force.
/// @throws Error `not_applicable`, `no_images`.
RunsToUndo runs_to_undo(const journal::Journal& journal, engine::Connection& connection,
                        std::optional<journal::RunId> back_to);

/// There is nothing to take back, and why.
Error nothing_to_take_back(const std::string& why);
/// Why they are not taken back unless later writes are discarded; nothing when it is proven that there are none.
std::optional<Error> obstacle(const RunsToUndo& runs);

/// Takes them back, all at once, in a run of its own without a plan. A refusal leaves that run closed as failed.
/// @throws as `take_back`.
void take_back_runs(Target& target, const RunsToUndo& runs, bool discard_later_writes, journal::RunBegin run,
                    const engine::Executor::Options& options, engine::Observer& observer);

}  // namespace belay::recovery

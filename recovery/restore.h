#pragma once

#include <stop_token>

#include "engine/executor.h"
#include "recovery/backup.h"
#include "recovery/target.h"

namespace belay::recovery {

// Putting a backup in the place of the database (docs/recovery.md):
//
//   1. keep      what is there becomes a backup of its own; what is too damaged for that is kept as it is
//   2. unpack    the backup, read and verified completely, becomes a plain database beside the target
//   3. intent    RunBegin, with the backup in the plan; where a run is open that could not be finished, it is closed in
//                the same commit. TransactionBegin
//   4. prepare   the plain database gets this journal's database_id, and as its last_lsn that TransactionBegin
//   5. replace   the target's content, all of it or nothing (Connection::replace_with); a target that no connection can
//                be had to is replaced as a file. Commit point
//   6. end       TransactionCommit, RunEnd
//
// Crash before 3: as before, and a backup more. From 3 to 5: `taking_over`; restart does it all again, so that what
// others wrote meanwhile is kept too. Behind 5: `last_lsn` is the open transaction; restart writes 6.

/// Restores in a run of its own.
/// @throws Error `backup_damaged`, engine::Error `busy` (while others use the database), `no_space`, `unavailable`:
///         nothing is changed, and the run is closed. Where it has closed another run, it stays open, and the next one
///         goes on with it.
void restore(Target& target, const Backup& backup, journal::RunBegin run, const engine::Executor::Options& options,
             engine::Observer& observer, const std::stop_token& stop);

/// Carries the open run out again, up to its TransactionCommit; closes nothing.
/// @param planned  the first of its plan.
/// @throws Error `no_backup`, `backup_damaged` when the backup is no longer what was planned.
void finish_restore(Target& target, const journal::PlannedRevision& planned, engine::Observer& observer,
                    const std::stop_token& stop);

/// A database that is to be taken over by a run that was interrupted must still have the schema that this was decided
/// by.
/// @param planned  the first of the plan; its digest is the schema's fingerprint.
/// @throws Error `foreign`.
void require_as_adopted(Target& target, const journal::PlannedRevision& planned);

/// A backup by its id, or the path of a file. `newest`, or nothing, is the newest one of this database, but for those
/// that restores have made of what they replaced; when that is damaged, no older one is taken instead.
/// @throws Error `no_backup`, `backup_damaged`, `newer_backup`.
Backup find_for_restore(const Places& places, const std::string& id);

}  // namespace belay::recovery

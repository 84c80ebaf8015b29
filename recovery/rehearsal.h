#pragma once

#include "engine/before_images.h"
#include "engine/observer.h"
#include "recovery/backup.h"
#include "recovery/target.h"

namespace belay::recovery {

/// Before an undo that discards what others have written: their writes are kept, and it is found out whether what
/// before-images and their writes make together is a sound database. Changes nothing of the target.
///
///   1. backup  of the target, reason `before undo` (take_backup): crash behind its commit point leaves one too many
///   2. trial   the undo, on the database that comes out of it, page for page the same; a scratch file
///
/// @param what  `expected` is empty: the copy is not where the target is.
/// @param previous  what `last_lsn` must be then.
/// @returns the backup.
/// @throws Error `foreign_writes` when the result would be damaged; engine::Error `no_space`, …
Backup rehearse(Target& target, const engine::Restoration& what, journal::Lsn previous, engine::Observer& observer);

}  // namespace belay::recovery

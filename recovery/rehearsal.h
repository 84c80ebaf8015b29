#pragma once

#include <filesystem>

#include "engine/before_images.h"
#include "recovery/target.h"

namespace belay::recovery {

/// Before an undo that discards what others have written: their writes are kept, and it is found out whether what
/// before-images and their writes make together is a sound database. Changes nothing of the target.
///
///   1. copy    the target, place by place, to `backups/before-undo-<time>-run<N>.db` in the journal's folder: written
///              aside, checked, renamed, the folder synced. Commit point: the rename. A crash before it leaves a file
///              whose name begins with `undo.new`, which the next Target removes; behind it, a copy too many.
///   2. trial   the undo, on a copy of that copy, which is removed again.
///
/// @param what  `expected` is empty: the copy is not where the target is.
/// @param previous  what `last_lsn` must be then.
/// @param run  for the copy's name.
/// @returns the copy.
/// @throws Error `foreign_writes` when the result would be damaged; engine::Error `no_space`, …
std::filesystem::path rehearse(Target& target, const engine::Restoration& what, journal::Lsn previous,
                               journal::RunId run);

/// Removes what a rehearsal that was killed has left.
void discard_scratch(const std::filesystem::path& journal_folder) noexcept;

}  // namespace belay::recovery

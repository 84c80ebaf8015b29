#pragma once

#include <vector>

#include "versions/schema/rename.h"
#include "versions/schema/rename_hints.h"
#include "versions/schema/schema.h"

namespace belay::versions::schema {

/// Those that apply: the old name is there and goes, the new one is not there and comes. Others of a file are passed
/// over: they have been applied, or there was nothing to rename.
/// @throws Error `malformed` where hints of a file contradict each other or the file; `bad_name` for a word that does
///         not apply, with the nearest name that is there.
Renames renames_that_apply(const std::vector<RenameHint>& hints, const Schema& current, const Schema& desired);

/// What may be a rename that nobody has told: a column that goes beside one that comes in the same table, a table that
/// goes beside one that comes and has half of its columns. The most likely first; a name may be in several.
Renames suspected_renames(const Schema& current, const Schema& desired, const Renames& renames);

}  // namespace belay::versions::schema

#pragma once

#include "versions/schema/rename.h"
#include "versions/schema/schema.h"

namespace belay::versions::schema {

/// Two schemas without what their difference can neither touch nor be touched by.
struct Relevant {
  Schema from;
  Schema to;
  /// Views and triggers that were left out, and the tables they name. One that does not fit its tables (SQLite lets
  /// that be) still matters: the database refuses every rename while it is there.
  Schema readers;
};

/// Leaves out tables that are the same in both (with their indexes), refer to no table that is not, and are named by no
/// view and no trigger that is there; of these, those that are the same and name nothing that changes. What a database
/// does to the rest it does without them, so planning costs in proportion to the difference, and not to the schema.
/// @param beside  what is in neither, and will be there: what its views and triggers name is kept.
/// @param all_readers  keep every view and every trigger, and what they name.
Relevant relevant_part(const Schema& from, const Schema& to, const Renames& renames, const Schema& beside = {},
                       bool all_readers = false);

}  // namespace belay::versions::schema

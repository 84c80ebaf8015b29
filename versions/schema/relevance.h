#pragma once

#include "versions/schema/rename.h"
#include "versions/schema/schema.h"

namespace belay::versions::schema {

/// Two schemas without what their difference can neither touch nor be touched by.
struct Relevant {
  Schema from;
  Schema to;
};

/// Leaves out tables that are the same in both (with their indexes), refer to no table that is not, and are named by no
/// view and no trigger: what a database does to the rest it does without them. So planning costs in proportion to the
/// difference, and not to the schema.
Relevant relevant_part(const Schema& from, const Schema& to, const Renames& renames);

}  // namespace belay::versions::schema

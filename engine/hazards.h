#pragma once

#include <stop_token>
#include <string>
#include <vector>

#include "engine/connection.h"
#include "versions/schema/hazard.h"
#include "versions/schema/rename.h"
#include "versions/schema/schema.h"

namespace belay::engine {

/// What is going to change.
struct SchemaChange {
  const versions::schema::Schema& from;
  const versions::schema::Schema& to;
  const versions::schema::Renames& renames;
  std::vector<std::string> rebuilt;  ///< Tables that are copied, by their new names.
};

/// The hazards of a change, counted on the rows that are there. Only reads.
/// @param live  a database whose schema is `change.from`. Null when there is none: then every table counts as empty.
/// @throws Error `interrupted`, `busy`, …
std::vector<versions::schema::Hazard> find_hazards(const SchemaChange& change, Connection* live);

}  // namespace belay::engine

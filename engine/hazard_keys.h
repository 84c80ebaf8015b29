#pragma once

#include <string>
#include <vector>

#include "engine/hazard_probes.h"
#include "engine/hazard_rows.h"
#include "versions/schema/schema.h"

namespace belay::engine {

/// The indexes of a table in a schema.
using Indexes = std::vector<const versions::schema::Index*>;

/// What has to be different in each row, or to be computed of it: a primary key, a UNIQUE, an index.
/// @param rebuilt  all indexes are made anew, and not only new ones.
std::vector<versions::schema::Hazard> key_hazards(const TablePair& pair, const Indexes& before, const Indexes& after,
                                                  RowQuestions& questions, bool rebuilt);

/// Whether a foreign key may refer to these columns: a primary key or unique, of all rows, by the columns' own
/// collations.
bool is_parent_key(const versions::schema::Table& table, const Indexes& indexes,
                   const std::vector<std::string>& columns);

}  // namespace belay::engine

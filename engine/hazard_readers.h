#pragma once

#include <vector>

#include "engine/hazard_references.h"
#include "engine/hazards.h"

namespace belay::engine {

/// What is not called, or not there, what it was: tables, columns and views, each with the views and triggers of the
/// new schema that still name it.
std::vector<versions::schema::Hazard> reader_hazards(const SchemaChange& change, const TablesOf& before,
                                                     const TablesOf& after);

}  // namespace belay::engine

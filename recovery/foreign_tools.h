#pragma once

#include <string>
#include <vector>

#include "engine/connection.h"
#include "versions/schema/schema.h"

namespace belay::recovery {

// What other migration tools have left in a database. Their tables are read and never written: what they say is
// evidence for fix-state and no more, and they are no part of the schema.

/// The bookkeeping table of one tool, and what it says.
struct ForeignTool {
  std::string tool;                  ///< `Alembic`, `golang-migrate`, …
  std::string table;                 ///< As the database has it.
  std::vector<std::string> applied;  ///< Every version it calls applied, in its order; or only where it is.
  bool only_current = false;         ///< `applied` is where it is, and what came before is not told.
  std::vector<std::string> doubted;  ///< Versions that failed, or were interrupted: applied or not.
};

/// The bookkeeping tables of Alembic, dbmate, golang-migrate, goose, Flyway, sqlx and Diesel, known by their name and
/// their columns: what only shares a name with one is an ordinary table.
/// @throws engine::Error
std::vector<ForeignTool> find_foreign_tools(engine::Connection& connection);

/// `Alembic is at 3f2a` and the like, as a sentence for a person.
std::string describe(const ForeignTool& tool);

/// What does not count as the schema of a database: belay's own tables, those of other tools.
std::vector<std::string> tables_left_out(engine::Connection& connection, const std::string& version_table);

/// The schema of a live database, as scripts can make it.
/// @param ignored  Settings::ignored; none where it matters that nothing at all has changed.
/// @throws engine::Error
versions::schema::Schema live_schema(engine::Connection& connection, const std::string& version_table,
                                     const std::vector<std::string>& ignored = {});

}  // namespace belay::recovery

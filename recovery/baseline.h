#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "engine/connection.h"
#include "versions/schema/schema.h"
#include "versions/script.h"

namespace belay::recovery {

/// SQL that makes a schema from nothing, and SQL that takes it down again.
struct SchemaSql {
  std::vector<std::string> up;    ///< Each object as the database keeps its SQL: byte for byte.
  std::vector<std::string> down;  ///< In the opposite order.
};

/// In an order that a person can follow, and that needs nothing before it is there: tables, those that others refer to
/// first; virtual tables; indexes; views, those that others read first; triggers.
SchemaSql sql_of(const versions::schema::Schema& schema);

/// What the header of a script says.
struct ScriptHeader {
  std::string id;
  std::string message;
  std::string created;  ///< UTC, ISO 8601.
  std::string author;   ///< May be empty.
};

/// A script without a parent whose up section makes this schema, and whose down section drops it.
std::string baseline_script(const versions::schema::Schema& schema, const ScriptHeader& header);

/// That a script makes exactly this schema from nothing, and its down section nothing of it; found out on a scratch
/// database.
/// @throws Error `unknown_schema` with what differs or cannot be made.
void prove_baseline(const versions::Script& script, const versions::schema::Schema& schema,
                    const engine::DatabaseUrl& like, const std::string& version_table,
                    const std::vector<std::string>& ignored = {});

/// What a baseline is made with.
struct Baseline {
  std::string text;      ///< Of the script to be written; empty when one is there already.
  std::string existing;  ///< The id of the only script, which makes just this schema: a baseline that was cut short.
};

}  // namespace belay::recovery

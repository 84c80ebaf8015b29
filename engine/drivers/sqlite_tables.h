#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "engine/connection.h"

struct sqlite3;

namespace belay::engine::drivers {

/// Of a scratch database, which is opened for the sake of its schema: the small pieces that SQLite allocates for a
/// statement come from memory of the connection's own (2 MB). A third less time for a schema of a thousand tables.
void sqlite_expect_schemas(sqlite3* database);

/// Of a connection that is about to close: the last one to close brings the WAL into the database and removes it,
/// whether that succeeds or not, and nothing proves afterwards that nobody has written. `settle` does it where it may
/// be done.
void sqlite_leave_wal_alone(sqlite3* database);

/// Of the database's own, not a TEMP one; in any case of its letters.
bool sqlite_has_table(Connection& connection, std::string_view name);

/// What `sqlite_sequence` has for a table (https://www.sqlite.org/autoinc.html). That table comes with the first
/// AUTOINCREMENT, and anybody may write into it.
std::optional<std::int64_t> sqlite_sequence_of(Connection& connection, std::string_view table);

}  // namespace belay::engine::drivers

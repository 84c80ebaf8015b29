#pragma once

#include <span>

#include "engine/connection.h"
#include "engine/value.h"

struct sqlite3_stmt;

namespace belay::engine::drivers {

/// Binds those of the parameters that the statement names.
/// @throws Error `statement_failed` for a value that is too large for SQLite.
void bind_all(sqlite3_stmt* statement, std::span<const Parameter> parameters);

/// The row that the statement is at.
Row row_of(sqlite3_stmt* statement);

}  // namespace belay::engine::drivers

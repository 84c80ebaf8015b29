#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "engine/connection.h"

namespace belay::engine::drivers {

/// Of the database's own, not a TEMP one; in any case of its letters.
bool sqlite_has_table(Connection& connection, std::string_view name);

/// What `sqlite_sequence` has for a table (https://www.sqlite.org/autoinc.html). That table comes with the first
/// AUTOINCREMENT, and anybody may write into it.
std::optional<std::int64_t> sqlite_sequence_of(Connection& connection, std::string_view table);

}  // namespace belay::engine::drivers

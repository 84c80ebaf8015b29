#pragma once

#include <string>
#include <vector>

#include "engine/connection.h"

namespace belay::engine::drivers {

/// Looks at where a database is or is to be, before SQLite does: its own word for all that can be wrong there is
/// "unable to open database file".
/// @throws Error `unavailable` for a folder in its place, a missing folder, and a missing file when `read_only`;
///         `read_only` for a folder in which SQLite could not make its journal.
void check_place(const std::string& path, bool read_only);

/// Which processes that we may look at have this file open, other than this one.
std::vector<User> users_of(const std::string& path);

/// The same for the end of a sentence: ` (process 4711, …)`, or nothing.
std::string users_text(const std::string& path);

}  // namespace belay::engine::drivers

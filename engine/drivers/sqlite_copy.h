#pragma once

#include <string>

struct sqlite3;

namespace belay::engine::drivers {

/// Copies the database page by page with SQLite's backup API (https://www.sqlite.org/backup.html), so that a page of
/// the copy has the number that it has in the original. Written aside, synced by SQLite, renamed, the folder synced: a
/// crash leaves no copy, or a whole one, and perhaps a `.new` file that the next copy of that name replaces.
/// @param path  must not be there.
/// @throws Error `no_space`, `unavailable`, `busy`.
void copy_database(sqlite3* database, const std::string& path);

}  // namespace belay::engine::drivers

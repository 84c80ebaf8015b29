#pragma once

#include <functional>
#include <string>

#include "engine/connection.h"

struct sqlite3;

namespace belay::engine::drivers {

/// Copies the database page by page with SQLite's backup API (https://www.sqlite.org/backup.html), so that a page of
/// the copy has the number that it has in the original. In WAL mode one read transaction holds one snapshot, and the
/// application goes on. Otherwise groups of pages are read without a lock in between; SQLite begins anew when somebody
/// has written, and from the fourth time on a read transaction keeps writers waiting.
/// @param path  see Connection::copy_to.
/// @param progress  called after each group; what it throws ends the copy.
void copy_database(sqlite3* database, const std::string& path, const CopyProgress& progress);

/// What `replace_database` needs of the connection whose database it replaces.
struct Replaced {
  Connection& connection;
  sqlite3* database;
  std::function<void()> reopen;  ///< Closes the connection, and opens it again.
};

/// The other way round (Connection::replace_with).
///
///   1. sizes   WAL mode does not take pages of another size: it is left, which only the last connection can
///   2. copy    in one exclusive transaction. Commit point: its commit; SQLite's own journal, or WAL, makes it all or
///              nothing, and its change counter goes on, so that idle connections drop their caches
///   3. reopen  a connection clings to the text encoding that it saw first
///   4. mode    a database in rollback mode takes its mode from the content; one in WAL mode has to leave it, unless
///              others have it open
void replace_database(const Replaced& what, const std::string& path, const CopyProgress& progress);

}  // namespace belay::engine::drivers

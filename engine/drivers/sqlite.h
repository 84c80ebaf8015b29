#pragma once

#include <memory>
#include <string>

#include "engine/connection.h"

namespace belay::engine::drivers {

/// The path of a database that is in no file. DatabaseUrl::parse lets nobody name it.
inline constexpr const char* in_memory = ":memory:";

/// Opens a SQLite database (https://www.sqlite.org), made when it is missing and not `read_only`.
///
/// Durability: `synchronous=EXTRA`, because FULL does not sync the unlink of the rollback journal, which is the commit
/// (https://www.sqlite.org/pragma.html#pragma_synchronous); in WAL mode EXTRA is FULL. Foreign keys are off, because
/// the DROP TABLE of a table rebuild would delete the child rows; check_constraints() makes up for it.
std::unique_ptr<Connection> open_sqlite(const std::string& path, const ConnectionOptions& options);

/// For a program that has its process, and so SQLite, to itself: SQLite stops counting its memory, which takes a lock
/// for each allocation (https://www.sqlite.org/c3ref/c_config_covering_index_scan.html#sqliteconfigmemstatus). To be
/// called before the first connection; afterwards it does nothing.
void have_sqlite_alone();

}  // namespace belay::engine::drivers

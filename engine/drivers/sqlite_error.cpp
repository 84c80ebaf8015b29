#include "engine/drivers/sqlite_error.h"

#include <fmt/format.h>
#include <sqlite3.h>

namespace belay::engine::drivers {

Error sqlite_error(int code, const std::string& message, const std::string& path, std::chrono::milliseconds waited) {
  switch (code & 0xff) {
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
      return Error(ErrorCode::busy, fmt::format("another connection has kept {} locked for {} s", path,
                                                static_cast<double>(waited.count()) / 1000))
          .at(path, 0, "")
          .next("find who has the database open (fuser, lsof), or give a longer --lock-timeout");
    case SQLITE_FULL:
      return Error(ErrorCode::no_space, "no space for " + path + ": " + message).next("free some space");
    case SQLITE_NOTADB:
      return {ErrorCode::not_a_database, path + " is not a SQLite database (or it is encrypted)"};
    case SQLITE_READONLY:
      return {ErrorCode::read_only, path + " cannot be written: " + message};
    case SQLITE_CORRUPT:
    case SQLITE_IOERR:
    case SQLITE_CANTOPEN:
    case SQLITE_PERM:
      return {ErrorCode::unavailable, path + " cannot be used: " + message};
    default:
      return {ErrorCode::statement_failed, message};
  }
}

}  // namespace belay::engine::drivers

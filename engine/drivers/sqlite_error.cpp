#include "engine/drivers/sqlite_error.h"

#include <fmt/format.h>
#include <sqlite3.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace belay::engine::drivers {
namespace {

Error no_space(const std::string& path, const std::string& message) {
  return Error(ErrorCode::no_space, "no space for " + path + ": " + message).next("free some space");
}

/// SQLite calls a full disk a full disk only where it writes pages, and not where it makes its -wal and -shm. A
/// read-only file system is one it does not tell at all.
Error unusable(const std::string& path, const std::string& message, int system_error) {
  if (system_error == ENOSPC || system_error == EDQUOT || system_error == EFBIG)
    return no_space(path, fmt::format("{} ({})", message, std::strerror(system_error)));
  if (access(path.c_str(), W_OK) != 0 && errno == EROFS)
    return {ErrorCode::read_only, path + " cannot be written: its file system is read-only"};
  return {ErrorCode::unavailable, path + " cannot be used: " + message};
}

}  // namespace

Error sqlite_error(int code, const std::string& message, const std::string& path, std::chrono::milliseconds waited,
                   int system_error) {
  switch (code & 0xff) {
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
      return Error(ErrorCode::busy, fmt::format("another connection has kept {} locked for {} s", path,
                                                static_cast<double>(waited.count()) / 1000))
          .at(path, 0, "")
          .next("find who has the database open (fuser, lsof), or give a longer --lock-timeout");
    case SQLITE_FULL:
      return no_space(path, message);
    case SQLITE_NOTADB:
      return {ErrorCode::not_a_database, path + " is not a SQLite database (or it is encrypted)"};
    case SQLITE_READONLY:
      return {ErrorCode::read_only, path + " cannot be written: " + message};
    case SQLITE_IOERR:
    case SQLITE_CANTOPEN:
      return unusable(path, message, system_error);
    case SQLITE_CORRUPT:
    case SQLITE_PERM:
      return {ErrorCode::unavailable, path + " cannot be used: " + message};
    default:
      return {ErrorCode::statement_failed, message};
  }
}

}  // namespace belay::engine::drivers

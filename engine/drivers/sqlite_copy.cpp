#include "engine/drivers/sqlite_copy.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sqlite3.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <memory>
#include <system_error>

#include "engine/drivers/hot_journal.h"
#include "engine/error.h"

namespace belay::engine::drivers {
namespace {

constexpr int pages_at_once = 1024;

struct Close {
  void operator()(sqlite3* database) const { sqlite3_close_v2(database); }
};

void require(int code, const std::string& path) {
  if (code == SQLITE_OK || code == SQLITE_DONE) return;
  const int kind = code & 0xff;
  const ErrorCode reason = kind == SQLITE_FULL                            ? ErrorCode::no_space
                           : kind == SQLITE_BUSY || kind == SQLITE_LOCKED ? ErrorCode::busy
                                                                          : ErrorCode::unavailable;
  throw Error(reason, fmt::format("the database cannot be copied to {}: {}", path, sqlite3_errstr(code)));
}

void copy_pages(sqlite3* from, const std::string& path) {
  sqlite3* handle = nullptr;
  const int opened = sqlite3_open_v2(path.c_str(), &handle, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, nullptr);
  const std::unique_ptr<sqlite3, Close> to(handle);
  require(opened, path);
  require(sqlite3_exec(handle, "PRAGMA synchronous = FULL", nullptr, nullptr, nullptr), path);
  sqlite3_backup* const backup = sqlite3_backup_init(handle, "main", from, "main");
  if (backup == nullptr) require(sqlite3_errcode(handle), path);
  int code = SQLITE_OK;
  while (code == SQLITE_OK) code = sqlite3_backup_step(backup, pages_at_once);
  const int finished = sqlite3_backup_finish(backup);
  require(code, path);
  require(finished, path);
}

void remove_aside(const std::string& aside) {
  for (const char* suffix : {"", "-journal", "-wal", "-shm"}) ::unlink((aside + suffix).c_str());
}

}  // namespace

void copy_database(sqlite3* database, const std::string& path) {
  const std::string aside = path + ".new";
  remove_aside(aside);
  try {
    copy_pages(database, aside);
    if (::renameat2(AT_FDCWD, aside.c_str(), AT_FDCWD, path.c_str(), RENAME_NOREPLACE) != 0)
      throw Error(ErrorCode::unavailable,
                  fmt::format("the copy cannot get its name {}: {}", path, std::generic_category().message(errno)));
    sync_folder_of(path);
  } catch (...) {
    remove_aside(aside);
    throw;
  }
}

}  // namespace belay::engine::drivers

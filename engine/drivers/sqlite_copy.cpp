#include "engine/drivers/sqlite_copy.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sqlite3.h>
#include <unistd.h>

#include <cerrno>
#include <memory>
#include <optional>
#include <system_error>

#include "engine/error.h"

namespace belay::engine::drivers {
namespace {

/// A few milliseconds of work: so long a writer waits at most.
constexpr int pages_at_once = 1024;
constexpr int restarts_max = 3;

struct Close {
  void operator()(sqlite3* database) const { sqlite3_close_v2(database); }
};
struct Finish {
  void operator()(sqlite3_backup* backup) const { sqlite3_backup_finish(backup); }
};
using Database = std::unique_ptr<sqlite3, Close>;
using Backup = std::unique_ptr<sqlite3_backup, Finish>;

/// Where a result code becomes an exception.
/// @param database  where it happened; SQLite calls a full disk an I/O error where it does not write a page.
[[noreturn]] void fail(int code, const std::string& doing, sqlite3* database = nullptr) {
  const int kind = code & 0xff;
  const int told = database != nullptr ? sqlite3_system_errno(database) : 0;
  const int cause = kind != SQLITE_IOERR ? 0 : told != 0 ? told : errno;  // A backup's step tells its handle nothing.
  const bool is_full = kind == SQLITE_FULL || cause == ENOSPC || cause == EDQUOT || cause == EFBIG;
  const ErrorCode reason = is_full                                        ? ErrorCode::no_space
                           : kind == SQLITE_BUSY || kind == SQLITE_LOCKED ? ErrorCode::busy
                           : kind == SQLITE_NOTADB                        ? ErrorCode::not_a_database
                                                                          : ErrorCode::unavailable;
  Error error(reason, fmt::format("{}: {}", doing, sqlite3_errstr(code)));
  if (reason == ErrorCode::busy) error.next("find who has the database open (fuser, lsof), then try again");
  if (reason == ErrorCode::no_space) error.next("free some space");
  throw Error(error);
}

void run(sqlite3* database, const char* sql, const std::string& doing) {
  if (const int code = sqlite3_exec(database, sql, nullptr, nullptr, nullptr); code != SQLITE_OK)
    fail(code, doing, database);
}

Database open(const std::string& path, const std::string& doing) {
  sqlite3* handle = nullptr;
  const int code = sqlite3_open_v2(path.c_str(), &handle, SQLITE_OPEN_READWRITE, nullptr);
  Database database(handle);
  if (code != SQLITE_OK) fail(code, doing);
  return database;
}

Backup start(sqlite3* to, sqlite3* from, const std::string& doing) {
  Backup backup(sqlite3_backup_init(to, "main", from, "main"));
  if (!backup) fail(sqlite3_errcode(to), doing);
  return backup;
}

std::int64_t pages_done(const Backup& backup) {
  return std::int64_t{sqlite3_backup_pagecount(backup.get())} - sqlite3_backup_remaining(backup.get());
}

void tell(const CopyProgress& progress, const Backup& backup) {
  if (progress) progress(pages_done(backup), sqlite3_backup_pagecount(backup.get()));
}

/// A read transaction, as long as it lives.
class Snapshot {
 public:
  Snapshot(sqlite3* database, const std::string& doing) : database_(database) {
    run(database, "BEGIN; SELECT 1 FROM sqlite_schema", doing);
  }
  ~Snapshot() { sqlite3_exec(database_, "ROLLBACK", nullptr, nullptr, nullptr); }
  Snapshot(const Snapshot&) = delete;
  Snapshot& operator=(const Snapshot&) = delete;

 private:
  sqlite3* database_;
};

std::string ask(sqlite3* database, const char* sql, const std::string& doing) {
  std::string answer;
  const auto take = [](void* result, int /*columns*/, char** values, char** /*names*/) {
    if (values[0] != nullptr) *static_cast<std::string*>(result) = values[0];
    return 0;
  };
  const int code = sqlite3_exec(database, sql, take, &answer, nullptr);
  if (code != SQLITE_OK) fail(code, doing);
  return answer;
}

bool in_wal_mode(sqlite3* database, const std::string& doing) {
  return ask(database, "PRAGMA main.journal_mode", doing) == "wal";
}

/// What is not there is made, and nothing else.
void create(const std::string& path) {
  const int descriptor = ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0666);
  if (descriptor < 0) {
    const auto error = std::error_code(errno, std::generic_category());
    throw Error(error == std::errc::no_space_on_device ? ErrorCode::no_space : ErrorCode::unavailable,
                fmt::format("{} cannot be made: {}", path, error.message()));
  }
  ::close(descriptor);
}

/// @returns whether all pages are there.
bool copy_group(const Backup& backup, sqlite3* to, const std::string& doing) {
  const int code = sqlite3_backup_step(backup.get(), pages_at_once);
  if (code == SQLITE_DONE) return true;
  if (code != SQLITE_OK) fail(code, doing, to);
  return false;
}

void copy_pages(sqlite3* from, const std::string& path, const CopyProgress& progress) {
  const std::string doing = "the database cannot be copied to " + path;
  const Database to = open(path, doing);
  run(to.get(), "PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF", doing);  // It is whole, or removed.
  std::optional<Snapshot> snapshot;
  if (in_wal_mode(from, doing)) snapshot.emplace(from, doing);
  const Backup backup = start(to.get(), from, doing);
  int restarts = 0;
  for (std::int64_t before = 0; !copy_group(backup, to.get(), doing); before = pages_done(backup)) {
    if (pages_done(backup) <= before && ++restarts == restarts_max) snapshot.emplace(from, doing);
    tell(progress, backup);
  }
  tell(progress, backup);
}

void remove_copy(const std::string& path) {
  for (const char* suffix : {"", "-journal", "-wal", "-shm"}) ::unlink((path + suffix).c_str());
}

}  // namespace

void copy_database(sqlite3* database, const std::string& path, const CopyProgress& progress) {
  create(path);
  try {
    copy_pages(database, path, progress);
  } catch (...) {
    remove_copy(path);
    throw;
  }
}

namespace {

/// Invariant U1.
[[noreturn]] void fail_in_doubt(const std::string& what) {
  throw Error(ErrorCode::outcome_unknown, what)
      .state("unknown until the next run decides it from the files")
      .next("check the disk, then run the command again");
}

[[noreturn]] void fail_to_replace(int code, bool at_commit, const std::string& doing) {
  if (!at_commit || (code & 0xff) != SQLITE_IOERR) fail(code, doing);
  fail_in_doubt(fmt::format("{}: the commit answered with an I/O error ({}): it may have happened, or not", doing,
                            sqlite3_errstr(code)));
}

/// Until the last group, which commits, an error rolls back: the transaction ends with the Backup.
void replace_pages(sqlite3* to, sqlite3* from, const std::string& doing, const CopyProgress& progress) {
  const Snapshot snapshot(from, doing);
  const Backup backup = start(to, from, doing);
  int pages = 0;  // None at first: takes the locks, and counts.
  bool last = false;
  for (;;) {
    const int code = sqlite3_backup_step(backup.get(), pages);
    if (code != SQLITE_OK && code != SQLITE_DONE) fail_to_replace(code, last, doing);
    tell(progress, backup);
    if (code == SQLITE_DONE) return;
    last = sqlite3_backup_remaining(backup.get()) <= pages_at_once;
    pages = last ? -1 : pages_at_once;
  }
}

/// The content is in place: who has the database open only keeps it in WAL mode.
void leave_wal_mode(Connection& connection) {
  try {
    connection.query("PRAGMA journal_mode = DELETE");
  } catch (const Error& error) {
    if (error.code() != ErrorCode::busy) throw;
  }
}

}  // namespace

void replace_database(const Replaced& what, const std::string& path, const CopyProgress& progress) {
  const std::string own = sqlite3_db_filename(what.database, "main");
  const std::string doing = fmt::format("{} cannot be replaced by {}", own, path);
  const bool was_wal = in_wal_mode(what.database, doing);
  bool becomes_wal = false;
  {
    const Database from = open(path, doing);
    becomes_wal = in_wal_mode(from.get(), doing);
    constexpr const char* page_size = "PRAGMA main.page_size";
    if (was_wal && ask(what.database, page_size, doing) != ask(from.get(), page_size, doing))
      what.connection.query("PRAGMA journal_mode = DELETE");
    replace_pages(what.database, from.get(), doing, progress);
  }
  try {
    what.reopen();
    if (was_wal && !becomes_wal) leave_wal_mode(what.connection);
  } catch (const Error& error) {
    fail_in_doubt(fmt::format("{} was replaced, and cannot be used now: {}", own, error.what()));
  }
}

}  // namespace belay::engine::drivers

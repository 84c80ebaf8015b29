#pragma once

#include <exception>
#include <memory>

#include "engine/drivers/sqlite_capture.h"

namespace belay::engine::drivers {

/// SQLite's own VFS with one connection's files watched (https://www.sqlite.org/vfs.html): what SQLite does to them is
/// told to a SqliteCapture first. Each connection has its own, so that nothing has to be found out about who is
/// writing.
///
/// An exception of the capture becomes an I/O error for SQLite, which then rolls its transaction back; it waits here
/// for `rethrow`.
class SqliteVfs {
 public:
  /// @throws Error `not_understood` when the process has replaced SQLite's default VFS: what it does to the files
  ///         (encryption, another place) is not known, so no image of them would be right.
  SqliteVfs();
  ~SqliteVfs();
  SqliteVfs(const SqliteVfs&) = delete;
  SqliteVfs& operator=(const SqliteVfs&) = delete;

  /// For sqlite3_open_v2. This has to outlive the connection.
  [[nodiscard]] const char* name() const;
  [[nodiscard]] SqliteCapture& capture() { return capture_; }

  /// Throws what a call of the capture has thrown since the last time; nothing if none has.
  void rethrow();

 private:
  struct File;
  struct Methods;
  struct Registration;

  SqliteCapture capture_;
  File* wal_ = nullptr;  ///< While it is open.
  std::exception_ptr error_;
  bool must_fail_ = false;  ///< SQLite has not been told of `error_` yet.
  std::unique_ptr<Registration> registration_;
};

}  // namespace belay::engine::drivers

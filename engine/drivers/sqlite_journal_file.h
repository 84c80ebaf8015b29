#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

struct sqlite3_file;

namespace belay::engine::drivers {

/// SQLite's rollback journal, written and read in large pieces: SQLite itself takes three calls for each page, each
/// way.
///
/// What it appends waits here until it syncs, or the buffer is full. That changes nothing for whoever plays the journal
/// back: SQLite writes no page of the database before it has synced the page's record, so that what a killed process
/// had waiting here is of pages that are as they were. A write that fails keeps what waits, and it is read from here: a
/// rollback in this process finds every record, also on a full disk.
///
/// What was read ahead cannot grow old: SQLite closes the file whenever it lets the database's lock go (pager_unlock).
class SqliteJournalFile {
 public:
  /// @param file  open, and of the VFS below; has to outlive this.
  explicit SqliteJournalFile(sqlite3_file* file) : file_(file) {}

  // As sqlite3_io_methods has them, with SQLite's result codes.

  int read(void* to, int size, std::int64_t offset);
  int write(const void* from, int size, std::int64_t offset);
  int truncate(std::int64_t size);
  int size(std::int64_t* size);
  int sync(int flags);
  /// Writes what waits.
  int flush();

 private:
  [[nodiscard]] std::int64_t end() const { return waiting_at_ + static_cast<std::int64_t>(waiting_.size()); }
  bool read_ahead(int size, std::int64_t offset);

  sqlite3_file* file_;
  std::string waiting_;
  std::int64_t waiting_at_ = 0;
  std::string ahead_;
  std::int64_t ahead_at_ = 0;
  std::int64_t read_to_ = -1;  ///< Where the last read ended.
};

}  // namespace belay::engine::drivers

#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

struct sqlite3_file;

namespace belay::engine::drivers {

/// SQLite's rollback journal, or its WAL, written and read in large pieces: SQLite itself takes two or three calls for
/// each page, each way.
///
/// What it appends waits here until it syncs, or the buffer is full. That changes nothing for whoever plays the journal
/// back: SQLite writes no page of the database before it has synced the page's record, so that what a killed process
/// had waiting here is of pages that are as they were. Nor for whoever reads the WAL: what waits is of a transaction
/// that has not committed. A write that fails keeps what waits, and it is read from here: a rollback in this process
/// finds every record, also on a full disk.
class SqliteJournalFile {
 public:
  /// @param file  open, and of the VFS below; has to outlive this.
  /// @param reads_ahead  not for the WAL, which others write to while it is open. A rollback journal that was read
  ///                     ahead cannot grow old: SQLite closes it whenever it lets the database's lock go
  ///                     (pager_unlock).
  SqliteJournalFile(sqlite3_file* file, bool reads_ahead) : file_(file), reads_ahead_(reads_ahead) {}

  // As sqlite3_io_methods has them, with SQLite's result codes.

  int read(void* to, int size, std::int64_t offset);
  int write(const void* from, int size, std::int64_t offset);
  int truncate(std::int64_t size);
  int size(std::int64_t* size);
  int sync(int flags);
  /// Writes what waits.
  int flush();
  /// Drops it: the transaction was rolled back.
  void discard() { waiting_.clear(); }

 private:
  [[nodiscard]] std::int64_t end() const { return waiting_at_ + static_cast<std::int64_t>(waiting_.size()); }
  bool read_ahead(int size, std::int64_t offset);

  sqlite3_file* file_;
  bool reads_ahead_;
  std::string waiting_;
  std::int64_t waiting_at_ = 0;
  std::string ahead_;
  std::int64_t ahead_at_ = 0;
  std::int64_t read_to_ = -1;  ///< Where the last read ended.
};

}  // namespace belay::engine::drivers

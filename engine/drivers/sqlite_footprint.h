#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace belay::engine::drivers {

/// Where the files of a SQLite database stand: what tells whether anybody has written since. Its text is what the
/// journal keeps and a person reads, as evidence.
///
/// Sources: https://www.sqlite.org/fileformat2.html (the header), https://www.sqlite.org/walformat.html.
struct SqliteFootprint {
  std::uint32_t page_size = 0;  ///< Bytes; 0 while the database is empty.
  std::uint32_t pages = 0;      ///< Of the database, with what only the WAL holds.
  std::uint32_t counter = 0;    ///< The file change counter: one more with each commit of a rollback-journal mode.
  std::uint32_t schema = 0;     ///< The schema cookie: one more with each change of the schema.
  bool wal = false;             ///< The database is in WAL mode.
  std::uint32_t frames = 0;     ///< Committed frames in the WAL.
  std::uint64_t salt = 0;       ///< Of the WAL's header: another one with each restart of the WAL.
  std::string modified{};       ///< When the main file was written last: seconds and nanoseconds since 1970.

  [[nodiscard]] std::string text() const;
  /// @throws Error `foreign_writes` for what no `text` gives: it proves nothing.
  static SqliteFootprint parse(std::string_view text);

  friend bool operator==(const SqliteFootprint&, const SqliteFootprint&) = default;
};

/// Whether nobody can have committed between a transaction that ended with `end` and one that found `next`.
///
/// With a rollback journal every commit counts `counter` up. In WAL mode every commit adds frames, and a WAL begins
/// anew only with another salt. Once a checkpoint has emptied the WAL, `counter` says nothing (a commit in WAL mode
/// need not write page 1): then the main file must not have been written either, to the precision of the file system's
/// clock.
bool nobody_wrote_between(const SqliteFootprint& end, const SqliteFootprint& next);

}  // namespace belay::engine::drivers

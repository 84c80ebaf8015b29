#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace belay::engine::drivers {

/// Writes a SQLite rollback journal (https://www.sqlite.org/fileformat2.html#rollbackjournal) from before-images. Under
/// its name beside a database that nobody has locked it is a hot journal: whoever opens the database next, SQLite
/// itself puts the pages and the size back, and again if it is interrupted.
///
///   constructor  opens `app.db-journal.new`; what a crash left under that name is overwritten
///   add          a record for each page, the first one of a page counts
///   publish      header, fsync, rename to `app.db-journal`, fsync of the folder. Commit point: the rename
///
/// A crash before `publish` leaves the `.new` file, which the next HotJournal or its `discard` removes.
class HotJournal {
 public:
  /// What the database is to be afterwards, in pages of the journal's own size: it need not be the database's, as long
  /// as it divides it.
  struct Size {
    std::uint32_t page_size = 0;
    std::uint32_t pages = 0;
  };

  /// @throws Error `no_space`, `unavailable`; so do all members.
  HotJournal(const std::string& database, Size size);
  ~HotJournal();
  HotJournal(const HotJournal&) = delete;
  HotJournal& operator=(const HotJournal&) = delete;

  /// The old content of the database from a byte offset on. What lies behind the old end is passed over; so is a piece
  /// of a page that has been added.
  /// @throws Error `not_understood` for a piece of any other page.
  void add(std::uint64_t offset, std::string_view content);

  /// The caller holds the database's exclusive lock until this has returned.
  void publish();

  /// Whether the page at this offset has been added, or lies behind the old end.
  [[nodiscard]] bool has(std::uint64_t offset) const {
    return offset / size_.page_size >= size_.pages || added_[offset / size_.page_size];
  }

  /// Before one that is found is played back: whoever published it may have been killed before the folder was synced.
  /// A power cut could then take the name away, and leave half of the pages put back.
  /// @returns whether the name is durable, as far as that can be had: who may not read the folder cannot sync it.
  static bool keep_name(const char* journal) noexcept;

  /// Removes what a crash has left aside.
  static void discard(const std::string& database);

 private:
  void write_out();
  void write_at(std::uint64_t offset, std::string_view bytes) const;

  std::string database_;
  std::string aside_;
  Size size_;
  int descriptor_ = -1;
  std::uint32_t records_ = 0;
  std::vector<bool> added_;  ///< By page.
  std::string buffer_;
  std::uint64_t written_;  ///< Where `buffer_` belongs.
};

}  // namespace belay::engine::drivers

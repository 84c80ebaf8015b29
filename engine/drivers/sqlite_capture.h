#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/before_images.h"
#include "engine/drivers/sqlite_footprint.h"

namespace belay::engine::drivers {

/// A file that SQLite has open, read past SQLite.
class StoredFile {
 public:
  StoredFile() = default;
  StoredFile(const StoredFile&) = delete;
  StoredFile& operator=(const StoredFile&) = delete;
  virtual ~StoredFile() = default;

  [[nodiscard]] virtual std::uint64_t size() const = 0;
  /// What lies behind the end reads as zeros.
  virtual void read(std::uint64_t offset, char* to, std::size_t size) const = 0;
};

/// The WAL as this connection's transaction found it: which frame holds the newest committed content of a page.
class WalIndex {
 public:
  /// What the shared wal-index says of the WAL (https://www.sqlite.org/walformat.html#the_wal_index_header).
  struct Header {
    std::uint32_t page_size = 0;
    std::uint32_t frames = 0;  ///< Committed.
    std::uint32_t pages = 0;   ///< Of the database.
    std::uint64_t salt = 0;
  };
  static constexpr std::size_t header_size = 48;

  static Header read_header(const volatile void* shared);

  /// Takes up the frames that were committed since the last call.
  void refresh(const StoredFile& wal, const Header& header);
  /// The WAL begins anew: everything in it has been copied into the main file.
  void restart() { *this = {}; }

  /// The newest frame of a page, from 1; 0 when the WAL has none.
  [[nodiscard]] std::uint32_t frame_of(std::uint32_t page) const;
  [[nodiscard]] std::uint32_t page_size() const { return header_.page_size; }

  /// Where the content of a frame is in the file.
  static std::uint64_t content_of(std::uint32_t frame, std::uint32_t page_size);

 private:
  static constexpr std::size_t pages_per_chunk = 1024;
  using Chunk = std::array<std::uint32_t, pages_per_chunk>;

  Header header_;
  std::vector<std::unique_ptr<Chunk>> frames_;  ///< By page; memory for those parts of the database that the WAL has.
};

/// Takes the before-images of what our own connection writes, by watching its files (docs/recovery.md, invariant I1).
/// The VFS calls the members before it carries out what they are named after.
///
///   rollback journal  the main file is overwritten in place: the old page is read there. Sealed when SQLite syncs the
///                     main file, before it deletes its journal, which is its commit point. SQLite's journal would not
///                     do for the images: of a page that an earlier transaction has freed it has what the cache made of
///                     it, and the file has what it was.
///   WAL               frames name the pages: the old page is its newest committed frame, else in the main file. No
///                     checkpointer can overwrite that one: what it writes are pages that have a frame. Sealed before
///                     the commit frame is written.
///
/// What a checkpoint or a hot journal's playback writes is not ours and is not taken.
class SqliteCapture {
 public:
  /// A new unit; null ends it.
  void start(BeforeImages* images);

  /// Where the files stand.
  [[nodiscard]] SqliteFootprint measure() const;
  /// Where the transaction that is watched has found them; without one, where they stand.
  [[nodiscard]] SqliteFootprint found() const { return in_unit() && stage_ != Stage::idle ? before_ : measure(); }

  /// The database's first bytes, as the next reader finds them.
  [[nodiscard]] std::string first_page(std::size_t size) const;

  /// As long as it lives, a checkpoint that empties the WAL is told to `seals`.
  class WatchCheckpoint {
   public:
    WatchCheckpoint(SqliteCapture& capture, Seals& seals) : capture_(capture) { capture_.checkpoint_seals_ = &seals; }
    ~WatchCheckpoint() { capture_.checkpoint_seals_ = nullptr; }
    WatchCheckpoint(const WatchCheckpoint&) = delete;
    WatchCheckpoint& operator=(const WatchCheckpoint&) = delete;

   private:
    SqliteCapture& capture_;
  };

  // What the VFS tells.

  void main_opened(const StoredFile* file, std::string path);
  void wal_opened(const StoredFile* file);
  void wal_closed();
  void wal_index_mapped(const volatile void* shared) { shared_ = shared; }

  /// The connection has got the right to write.
  void write_locked();
  void journal_write() { journal_written_ = true; }
  void main_write(std::uint64_t offset, std::size_t size);
  void main_truncate(std::uint64_t size);
  void main_sync();
  void wal_write(std::uint64_t offset, std::string_view bytes);
  /// Within `start` and its end: what is written is of a unit.
  [[nodiscard]] bool in_unit() const { return images_ != nullptr; }
  /// Of the commit frame only the header has come: nothing of that frame may be written yet.
  [[nodiscard]] bool awaits_content() const { return in_unit() && commit_frame_ != 0 && stage_ == Stage::writing; }
  void wal_truncate();

 private:
  enum class Stage { idle, locked, writing, sealed };

  [[nodiscard]] bool writes_in_place() const { return in_unit() && wal_ == nullptr && journal_written_; }
  void describe(const std::string& first, SqliteFootprint& footprint) const;
  void frame_header(std::uint32_t frame, std::string_view bytes);
  void frame_content(std::uint32_t frame, std::uint64_t offset, std::string_view bytes);
  void take(std::uint64_t offset, std::uint64_t size);
  void take_from(std::uint64_t offset);
  void read_old(std::uint64_t offset, std::string& page) const;
  void seal(Seals& seals, const SqliteFootprint& after) const;

  std::string path_;
  const StoredFile* main_ = nullptr;
  const StoredFile* wal_ = nullptr;
  const volatile void* shared_ = nullptr;  ///< The first 32 KiB of the wal-index.
  mutable WalIndex index_;

  BeforeImages* images_ = nullptr;
  Seals* checkpoint_seals_ = nullptr;
  Stage stage_ = Stage::idle;  ///< Of the physical transaction; a unit with a VACUUM has two.
  SqliteFootprint before_;     ///< Where it found the files.
  SqliteFootprint unit_;       ///< Where the unit found them: places count its pages.
  std::vector<bool> taken_;    ///< By page.
  bool untouched_ = true;      ///< The unit has taken nothing yet.
  bool journal_written_ = false;

  SqliteFootprint written_;  ///< What the WAL is going to be.
  std::uint32_t first_page_frame_ = 0;
  std::uint32_t commit_frame_ = 0;
};

}  // namespace belay::engine::drivers

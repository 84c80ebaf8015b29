#pragma once

#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "engine/before_images.h"
#include "engine/connection.h"
#include "engine/drivers/sqlite_capture.h"

namespace belay::engine::drivers {

class HotJournal;

/// Puts a SQLite database back without writing a page of it: SQLite does, from a hot journal (docs/recovery.md, U2).
///
///   1. where the files stand is looked at under the write lock: nobody else has written, or nothing is begun
///   2. in WAL mode the WAL is emptied under the exclusive lock of the only connection; where that leaves the files is
///      told before the WAL is cut off
///   3. under the exclusive lock, where the files are going to stand is told, and the journal is published
///   4. the lock is let go, and the next reader, usually this one, has SQLite play the journal back
///
/// A crash before the rename in 3 leaves the database as it was, perhaps without its WAL; behind it, a hot journal.
class SqliteRestore {
 public:
  struct Parts {
    Connection& connection;
    SqliteCapture& capture;
    std::string path;
    std::function<void()> reopen;  ///< Closes the connection, and opens it again.
  };

  SqliteRestore(Parts parts, const Restoration& what, Seals& seals)
      : parts_(std::move(parts)), what_(what), seals_(seals), expected_(what.expected) {}

  void run();

 private:
  /// Passes on where the checkpoint leaves the files.
  class Waypoint final : public Seals {
   public:
    explicit Waypoint(SqliteRestore& restore) : restore_(restore) {}
    void seal(const std::string& before, const std::string& after) override;

   private:
    SqliteRestore& restore_;
  };

  void require_expected(const SqliteFootprint& now) const;
  SqliteFootprint stands_as_expected();
  SqliteFootprint publish_locked();
  SqliteFootprint publish_over_wal();
  void empty_wal();
  SqliteFootprint publish(const SqliteFootprint& now);
  void add_images(HotJournal& journal, const SqliteFootprint& left, const SqliteFootprint& now) const;
  void tell_when(const SqliteFootprint& left);
  std::string first_page(std::string page, const SqliteFootprint& now) const;
  [[nodiscard]] std::uint32_t smallest_page() const;

  Parts parts_;
  const Restoration& what_;
  Seals& seals_;
  std::vector<std::string> expected_;
};

}  // namespace belay::engine::drivers

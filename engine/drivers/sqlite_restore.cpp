#include "engine/drivers/sqlite_restore.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "engine/drivers/big_endian.h"
#include "engine/drivers/hot_journal.h"
#include "engine/drivers/sqlite_header.h"
#include "engine/drivers/sqlite_place.h"
#include "engine/error.h"

namespace belay::engine::drivers {
namespace {

/// Rolls back what is only begun for its lock.
class Locked {
 public:
  Locked(Connection& connection, const char* how) : connection_(connection) { connection_.query(how); }
  ~Locked() { connection_.rollback(); }
  Locked(const Locked&) = delete;
  Locked& operator=(const Locked&) = delete;

 private:
  Connection& connection_;
};

/// Page 1 of a database in which nothing has ever been made, as SQLite makes it: what a database that was an empty file
/// is put back to. The empty file itself would let its counter start at 1 again.
std::string empty_page(std::string page) {
  const std::uint32_t usable =
      static_cast<std::uint32_t>(page.size()) - static_cast<unsigned char>(page[header::reserved]);
  const bool auto_vacuum = big_endian(page, header::largest_root) != 0;
  std::fill(page.begin() + header::pages, page.end(), '\0');
  set_big_endian(page, header::pages, 1);
  set_big_endian(page, header::largest_root, auto_vacuum ? 1 : 0);
  set_big_endian(page, header::version, 3040001);
  page[header::size] = 13;  // An empty leaf of a table's B-tree: its cells would begin at the page's end.
  page[header::size + 5] = static_cast<char>(usable >> 8U & 0xFFU);
  page[header::size + 6] = static_cast<char>(usable & 0xFFU);
  return page;
}

}  // namespace

void SqliteRestore::run() {
  HotJournal::discard(parts_.path);
  const bool wal = stands_as_expected().wal;
  const auto left = wal ? publish_over_wal() : publish_locked();
  if (parts_.connection.in_transaction())  // No memory for ROLLBACK: whoever holds the lock does not see the journal.
    throw Error(ErrorCode::outcome_unknown, "the undo is published, and the database could not be unlocked")
        .state("as before what is taken back, as soon as this process has ended")
        .next("run the command again");
  if (wal)
    parts_.reopen();
  else
    parts_.connection.query("PRAGMA schema_version");  // SQLite finds the journal, and plays it back.
  if (left.wal) tell_when(left);
}

SqliteFootprint SqliteRestore::stands_as_expected() {
  const Locked locked(parts_.connection, "BEGIN IMMEDIATE");
  auto now = parts_.capture.measure();
  require_expected(now);
  return now;
}

SqliteFootprint SqliteRestore::publish_locked() {
  const Locked locked(parts_.connection, "BEGIN EXCLUSIVE");
  const auto now = parts_.capture.measure();
  require_expected(now);
  return publish(now);
}

/// In exclusive locking mode SQLite keeps the main file's exclusive lock, which it only gets as the only connection,
/// until this one is closed. It would not look for a hot journal any more, either: the next one does.
SqliteFootprint SqliteRestore::publish_over_wal() {
  parts_.connection.query("PRAGMA locking_mode = EXCLUSIVE");
  try {
    empty_wal();
    const auto now = parts_.capture.measure();
    require_expected(now);
    return publish(now);
  } catch (...) {
    parts_.connection.query("PRAGMA locking_mode = NORMAL");
    parts_.connection.query("PRAGMA schema_version");  // Lets the lock go.
    throw;
  }
}

/// An idle connection of somebody else's is enough to be in the way; beneath it no page may change.
void SqliteRestore::empty_wal() {
  Waypoint waypoint(*this);
  const SqliteCapture::WatchCheckpoint watch(parts_.capture, waypoint);
  try {
    stands_as_expected();
  } catch (const Error& error) {
    if (error.code() != ErrorCode::busy) throw;
    throw Error(ErrorCode::busy, fmt::format("{} is in WAL mode and others have it open: it cannot be put back beneath "
                                             "them{}",
                                             parts_.path, users_text(parts_.path)))
        .at(parts_.path, 0, "")
        .next("close them (fuser, lsof), then run the command again");
  }
  parts_.connection.query("PRAGMA wal_checkpoint(TRUNCATE)");
  if (parts_.capture.measure().frames > 0)
    throw Error(ErrorCode::busy, "the WAL of " + parts_.path + " could not be emptied").next("run the command again");
}

/// A WAL database without a WAL is told by the time of its last write, which is known only now. Whoever has written
/// since is found out, here or later: nothing proves then that nobody has.
void SqliteRestore::tell_when(const SqliteFootprint& left) {
  try {
    const Locked locked(parts_.connection, "BEGIN IMMEDIATE");
    auto now = parts_.capture.measure();
    if (now.frames > 0 || now.pages != left.pages || now.counter != left.counter) return;
    seals_.seal(left.text(), now.text());
  } catch (const Error&) {  // What was to be put back has been.
    return;
  }
}

void SqliteRestore::Waypoint::seal(const std::string& before, const std::string& after) {
  restore_.require_expected(SqliteFootprint::parse(before));
  restore_.seals_.seal(before, after);
  if (!restore_.expected_.empty()) restore_.expected_ = {after};
}

void SqliteRestore::require_expected(const SqliteFootprint& now) const {
  if (expected_.empty()) return;
  for (const auto& footprint : expected_)
    if (nobody_wrote_between(SqliteFootprint::parse(footprint), now)) return;
  throw Error(ErrorCode::foreign_writes, fmt::format("somebody else has written to {}: it was left at {}, and is at {}",
                                                     parts_.path, expected_.back(), now.text()));
}

/// @returns where that leaves the database, but for the time.
SqliteFootprint SqliteRestore::publish(const SqliteFootprint& now) {
  auto left = SqliteFootprint::parse(what_.parts.at(0).before);
  left.counter = now.counter + 1;
  left.modified = now.modified;
  left.frames = 0;
  left.salt = 0;
  const bool was_empty = left.pages == 0;
  if (was_empty) {
    left.pages = 1;
    left.page_size = now.page_size;
  }
  const std::uint32_t page_size = was_empty ? now.page_size : smallest_page();
  HotJournal journal(parts_.path, {.page_size = page_size, .pages = left.pages * (left.page_size / page_size)});
  if (was_empty)
    journal.add(0, first_page(empty_page(parts_.capture.first_page(page_size)), now));
  else
    add_images(journal, left, now);
  seals_.seal(now.text(), left.text());
  journal.publish();
  return left;
}

void SqliteRestore::add_images(HotJournal& journal, const SqliteFootprint& left, const SqliteFootprint& now) const {
  for (const auto& part : what_.parts) {
    part.images([&](std::uint64_t place, std::string_view content) {
      if (place == 1 && !journal.has(0))
        journal.add(0, first_page(std::string(content), now));
      else
        journal.add((place - 1) * content.size(), content);
    });
  }
  if (journal.has(0)) return;
  std::string page = parts_.capture.first_page(now.page_size);
  page[header::write_version] = page[header::read_version] = left.wal ? 2 : 1;
  journal.add(0, first_page(std::move(page), now));
}

/// The one number that does not go back: a connection that has been idle since takes its cache for fresh when it finds
/// the counter that it saw last (invariant U3).
std::string SqliteRestore::first_page(std::string page, const SqliteFootprint& now) const {
  const bool pages_valid = big_endian(page, header::counter) == big_endian(page, header::valid_for);
  set_big_endian(page, header::counter, now.counter + 1);
  if (pages_valid) set_big_endian(page, header::valid_for, now.counter + 1);
  return page;
}

/// Pages of that size make up all images, whatever a VACUUM has changed in between.
std::uint32_t SqliteRestore::smallest_page() const {
  std::uint32_t size = 65536;
  for (const auto& part : what_.parts) {
    const auto own = SqliteFootprint::parse(part.before).page_size;
    if (own != 0) size = std::min(size, own);
  }
  return size;
}

}  // namespace belay::engine::drivers

#include "engine/drivers/sqlite_journal_file.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>
#include <sqlite3.h>
#include <sys/resource.h>

#include <csignal>
#include <memory>
#include <string>

#include "tests/engine/fixture.h"

namespace belay::engine::drivers {
namespace {

constexpr const char* name = "app.db-journal";

/// A journal that SQLite's own VFS has opened.
class OpenFile {
 public:
  explicit OpenFile(const Folder& folder)
      : path_((folder / name).string()), memory_(std::make_unique<char[]>(static_cast<std::size_t>(vfs()->szOsFile))) {
    write_file(folder / "app.db", "");  // Whose mode the journal gets.
    constexpr int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_MAIN_JOURNAL;
    if (vfs()->xOpen(vfs(), path_.c_str(), get(), flags, nullptr) != SQLITE_OK) std::abort();
  }
  OpenFile(const OpenFile&) = delete;
  OpenFile& operator=(const OpenFile&) = delete;
  ~OpenFile() { get()->pMethods->xClose(get()); }
  sqlite3_file* get() { return reinterpret_cast<sqlite3_file*>(memory_.get()); }

 private:
  static sqlite3_vfs* vfs() { return sqlite3_vfs_find(nullptr); }

  std::string path_;
  std::unique_ptr<char[]> memory_;
};

std::string read(SqliteJournalFile& file, std::size_t size, std::int64_t offset) {
  std::string bytes(size, '?');
  file.read(bytes.data(), static_cast<int>(size), offset);
  return bytes;
}

int write(SqliteJournalFile& file, const std::string& bytes, std::int64_t offset) {
  return file.write(bytes.data(), static_cast<int>(bytes.size()), offset);
}

std::int64_t size_of(SqliteJournalFile& file) {
  std::int64_t size = 0;
  EXPECT_EQ(file.size(&size), SQLITE_OK);
  return size;
}

TEST(JournalFile, IsOnTheDiskOnceItIsSynced) {
  const Folder folder;
  OpenFile open(folder);
  SqliteJournalFile file(open.get(), /*reads_ahead=*/true);
  write(file, "one", 0);
  write(file, "two", 3);
  EXPECT_EQ(file.sync(SQLITE_SYNC_NORMAL), SQLITE_OK);
  EXPECT_EQ(read_file(folder / name), "onetwo");
}

TEST(JournalFile, TakesMoreThanSqliteTakesAtOnce) {
  const Folder folder;
  OpenFile open(folder);
  SqliteJournalFile file(open.get(), /*reads_ahead=*/true);
  std::string all;
  for (int i = 0; i < 100; ++i) {
    const std::string piece(4096, static_cast<char>('a' + i % 26));
    ASSERT_EQ(write(file, piece, static_cast<std::int64_t>(all.size())), SQLITE_OK);
    all += piece;
  }
  EXPECT_EQ(file.flush(), SQLITE_OK);
  EXPECT_EQ(read_file(folder / name), all);
}

/// A rollback in the process that could not write its journal needs all of it.
TEST(JournalFile, WhatAFullDiskDidNotTakeIsReadFromMemory) {
  const Folder folder;
  const int status = run_child([&] {
    std::signal(SIGXFSZ, SIG_IGN);
    const rlimit little{100, 100};
    ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &little), 0);
    OpenFile open(folder);
    SqliteJournalFile file(open.get(), /*reads_ahead=*/true);
    const std::string page(500, 'p');
    ASSERT_EQ(write(file, "head", 0), SQLITE_OK);
    ASSERT_EQ(write(file, page, 4), SQLITE_OK);
    ASSERT_NE(file.sync(SQLITE_SYNC_NORMAL), SQLITE_OK);
    ASSERT_EQ(read(file, 4, 0), "head");
    ASSERT_EQ(read(file, 500, 4), page);
    ASSERT_EQ(size_of(file), 504);
    ASSERT_NE(write(file, "elsewhere", 2000), SQLITE_OK);
    ASSERT_EQ(file.truncate(0), SQLITE_OK);
    ASSERT_EQ(size_of(file), 0);
  });
  EXPECT_EQ(status, 0);
}

/// A WAL's transaction that is rolled back.
TEST(JournalFile, WhatIsDiscardedIsNotWritten) {
  const Folder folder;
  OpenFile open(folder);
  SqliteJournalFile file(open.get(), /*reads_ahead=*/false);
  ASSERT_EQ(write(file, "committed", 0), SQLITE_OK);
  ASSERT_EQ(file.flush(), SQLITE_OK);
  ASSERT_EQ(write(file, "rolled back", 9), SQLITE_OK);
  file.discard();
  EXPECT_EQ(size_of(file), 9);
  EXPECT_EQ(file.sync(SQLITE_SYNC_NORMAL), SQLITE_OK);
  EXPECT_EQ(read_file(folder / name), "committed");
}

/// Whatever is written, read, cut off and synced in whatever order: as if each had been done at once.
RC_GTEST_PROP(JournalFile, IsAFile, ()) {
  const Folder folder;
  OpenFile open(folder);
  SqliteJournalFile file(open.get(), *rc::gen::arbitrary<bool>());
  std::string model;
  std::int64_t read_to = 0;
  const int steps = *rc::gen::inRange(1, 60);
  for (int step = 0; step < steps; ++step) {
    const auto size = static_cast<std::size_t>(*rc::gen::element(2, 4, 512, 4096, 30'000, 70'000));
    const auto end = static_cast<std::int64_t>(model.size());
    switch (*rc::gen::inRange(0, 8)) {
      case 0:
      case 1:
      case 2:
      case 3: {
        const bool appends = *rc::gen::inRange(0, 4) > 0;
        const auto at = appends ? end : *rc::gen::inRange<std::int64_t>(0, end + 1);
        const std::string bytes(size, static_cast<char>('a' + step % 26));
        RC_ASSERT(write(file, bytes, at) == SQLITE_OK);
        model.resize(std::max(model.size(), static_cast<std::size_t>(at) + size), '\0');
        model.replace(static_cast<std::size_t>(at), size, bytes);
        break;
      }
      case 4:
      case 5: {
        const auto at = *rc::gen::inRange(0, 2) > 0 ? read_to : *rc::gen::inRange<std::int64_t>(0, end + 1);
        std::string expected = at < end ? model.substr(static_cast<std::size_t>(at), size) : std::string();
        expected.resize(size, '\0');
        RC_ASSERT(read(file, size, at) == expected);
        read_to = at + static_cast<std::int64_t>(size);
        break;
      }
      case 6: {
        const auto left = *rc::gen::inRange<std::int64_t>(0, end + 1) & ~std::int64_t{1};  // 1 is 0 to SQLite's VFS.
        RC_ASSERT(file.truncate(left) == SQLITE_OK);
        model.resize(static_cast<std::size_t>(left));
        break;
      }
      default:
        RC_ASSERT(file.sync(SQLITE_SYNC_NORMAL) == SQLITE_OK);
        RC_ASSERT(read_file(folder / name) == model);
    }
    RC_ASSERT(size_of(file) == static_cast<std::int64_t>(model.size()));
  }
}

}  // namespace
}  // namespace belay::engine::drivers

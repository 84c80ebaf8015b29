#include "engine/drivers/hot_journal.h"

#include <sys/resource.h>

#include "tests/engine/fixture.h"
#include "tests/engine/raw.h"
#include "tests/recovery/death.h"
#include "tests/sanitizers.h"

namespace belay::engine {
namespace {

namespace fs = std::filesystem;
using drivers::HotJournal;
using recovery::fail_call;

class HotJournalTest : public testing::Test {
 protected:
  HotJournalTest() { engine::run(database, "CREATE TABLE t (id)"); }

  /// Publishes one of two pages, and says how that failed.
  ErrorCode failure() {
    HotJournal journal(database, {.page_size = 4096, .pages = 2});
    journal.add(0, read_file(database).substr(0, 4096));
    return code_of([&] { journal.publish(); });
  }

  Folder folder;
  const std::string database = folder / "app.db";
};

/// The name is the commit point: with it, the undo would have happened although it is said to have failed.
TEST_F(HotJournalTest, WhoseFolderCannotBeOpenedGetsNoName) {
  if (address_sanitized) GTEST_SKIP() << "UBSan looks at objects through a pipe, and no descriptor is left for one";
  const int status = run_child([&] {
    HotJournal journal(database, {.page_size = 4096, .pages = 2});
    journal.add(0, read_file(database).substr(0, 4096));
    const rlimit none{0, 0};
    setrlimit(RLIMIT_NOFILE, &none);
    EXPECT_EQ(code_of([&] { journal.publish(); }), ErrorCode::unavailable);
  });
  EXPECT_EQ(status, 0);
  EXPECT_FALSE(std::filesystem::exists(folder / "app.db-journal"));
}

TEST_F(HotJournalTest, WhatCannotBeMadeWholeGetsNoName) {
  for (const char* call : {"pwrite", "stat", "fchmod", "fsync", "rename"}) {
    fail_call({call, EIO});
    EXPECT_EQ(failure(), ErrorCode::unavailable) << call;
    EXPECT_EQ(folder.names(), std::set<std::string>{"app.db"}) << call;
  }
}

/// What the folder's sync may have lost is taken back by name.
TEST_F(HotJournalTest, NameThatMayNotBeDurableIsTakenBack) {
  fail_call({"fsync", EIO, 1});
  EXPECT_EQ(failure(), ErrorCode::unavailable);
  EXPECT_EQ(folder.names(), std::set<std::string>{"app.db"});
}

/// Nothing is put back as long as a power cut could take the journal away in the middle.
TEST_F(HotJournalTest, IsNotPlayedBackBeforeItsNameIsDurable) {
  {
    HotJournal journal(database, {.page_size = 4096, .pages = 2});
    journal.add(0, read_file(database).substr(0, 4096));
    journal.publish();
  }
  engine::run(database + "2", "CREATE TABLE t (id); CREATE TABLE u (id)");
  write_file(database, read_file(database + "2"));
  const auto before = read_file(database);
  fail_call({"fsync", EIO});
  EXPECT_EQ(code_of([&] { connect({"sqlite", database}, {}); }), ErrorCode::unavailable);
  EXPECT_TRUE(read_file(database) == before);
  connect({"sqlite", database}, {});
  EXPECT_EQ(engine::read(database, "SELECT count(*) FROM sqlite_schema"), "1");
}

TEST_F(HotJournalTest, FullDiskIsSaidToBeFull) {
  for (const int error : {ENOSPC, EDQUOT, EFBIG}) {
    fail_call({"pwrite", error});
    EXPECT_EQ(failure(), ErrorCode::no_space) << error;
  }
}

TEST_F(HotJournalTest, WritesGoOnWhereASignalCame) {
  HotJournal journal(database, {.page_size = 4096, .pages = 1});
  journal.add(0, read_file(database).substr(0, 4096));
  fail_call({"pwrite", EINTR});
  journal.publish();
  EXPECT_EQ(fs::file_size(database + "-journal"), 512U + 4096U + 8U);
}

TEST_F(HotJournalTest, WithoutItsOwnFileThereIsNone) {
  fail_call({"open", EACCES});
  EXPECT_EQ(code_of([&] { HotJournal(database, {.page_size = 4096, .pages = 1}); }), ErrorCode::unavailable);
}

TEST_F(HotJournalTest, LeftoverThatCannotBeRemovedIsInTheWay) {
  EXPECT_NO_THROW(HotJournal::discard(database));
  write_file(database + "-journal.new", "half");
  fail_call({"unlink", EACCES});
  EXPECT_EQ(code_of([&] { HotJournal::discard(database); }), ErrorCode::unavailable);
  HotJournal::discard(database);
  EXPECT_EQ(folder.names(), std::set<std::string>{"app.db"});
}

// --- Pages ---

TEST_F(HotJournalTest, FirstContentOfAPageCounts) {
  HotJournal journal(database, {.page_size = 512, .pages = 3});
  journal.add(512, std::string(1024, 'x'));
  EXPECT_FALSE(journal.has(0));
  EXPECT_TRUE(journal.has(512));
  EXPECT_TRUE(journal.has(1024));
  EXPECT_TRUE(journal.has(1536)) << "behind the old end";
  journal.add(512, std::string(100, 'y'));
  EXPECT_EQ(code_of([&] { journal.add(0, std::string(100, 'y')); }), ErrorCode::not_understood);
}

/// SQLite locks there, and has nothing in it.
TEST_F(HotJournalTest, PageOfTheLocksIsNotPutBack) {
  constexpr std::uint64_t place = std::uint64_t{1} << 30U;
  constexpr std::uint32_t page = 65536;
  HotJournal journal(database, {.page_size = page, .pages = static_cast<std::uint32_t>(place / page) + 2});
  journal.add(place, std::string(std::size_t{2} * page, 'x'));
  EXPECT_FALSE(journal.has(place));
  EXPECT_TRUE(journal.has(place + page));
}

}  // namespace
}  // namespace belay::engine

// What lies in the way of a run before it has begun.

#include "recovery/target.h"

#include <filesystem>
#include <set>

#include "tests/recovery/fixture.h"

namespace belay::recovery {
namespace {

namespace fs = std::filesystem;

class TargetTest : public ProjectTest {
 protected:
  TargetTest() { scripts(1); }
};

TEST_F(TargetTest, WhatAnEndedRestoreHasPreparedIsRemoved) {
  for (const char* name : {"app.db-restore.new", "app.db-restore.new-wal", "app.db-restore.new-journal"})
    write_file(folder / name, "half");
  upgrade();
  EXPECT_FALSE(fs::exists(folder / "app.db-restore.new"));
  EXPECT_FALSE(fs::exists(folder / "app.db-restore.new-wal"));
  EXPECT_FALSE(fs::exists(folder / "app.db-restore.new-journal"));
}

TEST_F(TargetTest, FolderInThePlaceOfAPreparedFileIsInTheWay) {
  fs::create_directory(folder / "app.db-restore.new");
  write_file(folder / "app.db-restore.new/mine", "");
  const auto error = error_of([&] { upgrade(); });
  EXPECT_EQ(error.code(), engine::ErrorCode::unavailable);
  EXPECT_NE(std::string(error.what()).find("app.db-restore.new is in the way"), std::string::npos) << error.what();
  EXPECT_TRUE(fs::exists(folder / "app.db-restore.new/mine"));
}

TEST_F(TargetTest, FileInThePlaceOfTheJournalsFolderIsInTheWay) {
  write_file(folder / "mine", "mine");
  for (const char* journal : {"mine", "mine/journal"}) {
    settings.journal = journal;
    EXPECT_EQ(code_of<journal::Error>([&] { upgrade(); }), journal::ErrorCode::unavailable) << journal;
  }
  EXPECT_EQ(read_file(folder / "mine"), "mine");
}

/// Behind the look that every command begins with.
TEST_F(TargetTest, FileThatComesInThePlaceOfTheJournalsFolderIsInTheWay) {
  write_file(folder / "mine", "mine");
  settings.journal = "mine/journal";
  const auto error = error_of<journal::Error>([&] { Target(settings, "migrate", {}); });
  EXPECT_EQ(error.code(), journal::ErrorCode::unavailable);
  EXPECT_NE(std::string(error.what()).find("the journal's folder cannot be made"), std::string::npos) << error.what();
  EXPECT_EQ(read_file(folder / "mine"), "mine");
}

TEST_F(TargetTest, JournalThatGoesMeanwhileIsMissedAndNoneIsBegun) {
  upgrade();
  const auto log = Places(settings).journal;
  fs::remove(log);
  const auto error = error_of<Error>([&] { Target(settings, "migrate", {}); });
  EXPECT_EQ(error.code(), ErrorCode::journal_lost);
  EXPECT_EQ(error.file(), log.string());
  EXPECT_FALSE(fs::exists(log));
}

/// Within one second they would have one name.
TEST_F(TargetTest, JournalsThatAreSetAsideAreAllKept) {
  const Places places(settings);
  fs::create_directories(places.folder);
  std::set<fs::path> aside;
  for (const char* content : {"first", "second", "third"}) {
    write_file(places.journal.string(), content);
    aside.insert(set_aside_journal(places));
    EXPECT_FALSE(fs::exists(places.journal));
  }
  EXPECT_EQ(aside.size(), 3U);
  for (const auto& file : aside) EXPECT_TRUE(fs::exists(file)) << file;
}

TEST_F(TargetTest, WithoutAJournalNothingIsSetAside) {
  EXPECT_EQ(set_aside_journal(Places(settings)), fs::path());
}

}  // namespace
}  // namespace belay::recovery

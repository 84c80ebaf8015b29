// Taking back finished runs, also what a down script could not bring back.

#include "recovery/finished_runs.h"
#include "tests/recovery/undo_fixture.h"

namespace belay::recovery {
namespace {

class UndoRunTest : public UndoTest {
 protected:
  /// A run for each of the small scripts up to `count`.
  void runs(int count) {
    scripts(count);
    for (int i = 1; i <= count; ++i) upgrade(fmt_id(i));
  }
  /// The runs that a look finds, newest first.
  std::string undoable() {
    std::string text;
    for (const auto& run : look().undoable) text += (text.empty() ? "" : " ") + std::to_string(run.run.value);
    return text;
  }
};

TEST_F(UndoRunTest, NewestRunIsTakenBackToTheByte) {
  runs(2);
  const auto before = contents();
  script("003", "DELETE FROM t;\nDROP TABLE t;\nCREATE TABLE u (id);\nINSERT INTO u VALUES (1), (2);");
  upgrade();
  const auto report = undo_run();
  EXPECT_EQ(text(report.revisions), "-003");
  EXPECT_EQ(report.from.at(0).text, "003");
  EXPECT_EQ(report.to.at(0).text, "002");
  EXPECT_EQ(contents(), before);
  EXPECT_EQ(journal().runs().size(), 4U);
  EXPECT_FALSE(look().interrupted);
  journal().verify();
}

TEST_F(UndoRunTest, WhatWasTakenBackCanBeAppliedAgain) {
  runs(3);
  undo_run();
  EXPECT_EQ(text(upgrade().revisions), "+003");
  expect_settled();
}

TEST_F(UndoRunTest, OneAfterTheOtherUntilNothingIsLeft) {
  std::vector<std::string> states;
  scripts(4);
  for (int i = 1; i <= 4; ++i) {
    upgrade(fmt_id(i));
    states.push_back(contents());
  }
  for (std::size_t i = 3; i > 0; --i) {
    EXPECT_EQ(text(undo_run().revisions), "-" + fmt_id(static_cast<int>(i) + 1));
    EXPECT_EQ(contents(), states.at(i - 1));
  }
  undo_run();
  EXPECT_EQ(read("SELECT count(*) FROM sqlite_schema"), "0");
  EXPECT_EQ(refused_undo(), ErrorCode::not_applicable);
  scripts(4);
  upgrade();
  expect_settled();
}

TEST_F(UndoRunTest, AllBackToARunAreTakenBackAtOnce) {
  runs(2);
  const auto before = contents();
  scripts(5);
  for (int i = 3; i <= 5; ++i) upgrade(fmt_id(i));
  EXPECT_EQ(text(undo_run({.back_to = journal::RunId{3}}).revisions), "-005 -004 -003");
  EXPECT_EQ(contents(), before);
  EXPECT_EQ(undoable(), "2 1");
}

TEST_F(UndoRunTest, DowngradeIsTakenBack) {
  runs(3);
  const auto before = contents();
  downgrade("001");
  EXPECT_EQ(text(undo_run().revisions), "+002 +003");
  EXPECT_EQ(contents(), before);
}

TEST_F(UndoRunTest, WhatRunsThemselvesTookBackIsNoDifference) {
  runs(2);
  downgrade("001");
  upgrade();
  const auto plan = plan_undo(journal::RunId{3});
  EXPECT_EQ(text(plan.revisions), "");
  EXPECT_EQ(plan.runs.size(), 2U);
  EXPECT_EQ(text(undo_run({.back_to = journal::RunId{2}}).revisions), "-002");
}

TEST_F(UndoRunTest, StampsAreTakenBack) {
  runs(1);
  scripts(3);
  stamp({"head"});
  EXPECT_EQ(text(undo_run().revisions), "-003 -002");
  EXPECT_EQ(applied(), "001");
}

TEST_F(UndoRunTest, WhatARunAppliedBeforeItFailedIsTakenBack) {
  runs(1);
  const auto before = contents();
  scripts(3);
  script("004", half + failure);
  failed_upgrade();
  const auto found = look().undoable;
  EXPECT_EQ(text(found.at(0).revisions), "+002 +003");
  EXPECT_EQ(text(undo_run().revisions), "-003 -002");
  EXPECT_EQ(contents(), before);
}

TEST_F(UndoRunTest, WhatNoTransactionCanHoldIsTakenBack) {
  runs(2);
  const auto before = contents();
  script("003",
         "-- migrate:step v transaction:off\nPRAGMA page_size = 16384;\nVACUUM;\n-- migrate:step w transaction:off\n"
         "PRAGMA journal_mode = WAL;\n-- migrate:step i\nINSERT INTO t VALUES (3);");
  upgrade();
  EXPECT_EQ(read("PRAGMA page_size; PRAGMA journal_mode"), "16384\nwal");
  undo_run();
  EXPECT_EQ(contents(), before);
}

TEST_F(UndoRunTest, WalDatabaseGoesBackRunByRun) {
  run("PRAGMA journal_mode = WAL");
  runs(4);
  undo_run();
  EXPECT_EQ(applied(), "001 002 003");
  EXPECT_EQ(text(undo_run({.back_to = journal::RunId{2}}).revisions), "-003 -002");
  EXPECT_EQ(read("SELECT count(*) FROM t; PRAGMA journal_mode"), "0\nwal");
  upgrade();
  expect_settled();
}

TEST_F(UndoRunTest, ApplicationThatStaysConnectedSeesWhatIsThere) {
  runs(2);
  engine::Raw idle(folder / "app.db");
  EXPECT_EQ(idle.read("SELECT group_concat(id) FROM t"), "2");
  scripts(3);
  upgrade();
  EXPECT_EQ(idle.read("SELECT group_concat(id) FROM t"), "2,3");
  undo_run();
  EXPECT_EQ(idle.read("SELECT group_concat(id) FROM t"), "2");
  script("003", "ALTER TABLE t RENAME TO other;\nINSERT INTO other VALUES (30);");
  upgrade();
  EXPECT_EQ(idle.read("SELECT group_concat(id) FROM other"), "2,30");
}

// --- What is shown before ---

TEST_F(UndoRunTest, LookAndPlanSayWhatCouldBeTakenBackAndWriteNothing) {
  runs(3);
  const auto log = read_file(folder / "app.db-belay/journal.lmdb");
  const auto situation = look();
  ASSERT_EQ(situation.undoable.size(), 3U);
  EXPECT_EQ(situation.undoable[0].command, "upgrade");
  EXPECT_EQ(text(situation.undoable[0].revisions), "+003");
  EXPECT_GT(situation.undoable[0].image_bytes, 0U);
  EXPECT_FALSE(situation.undoable[0].ended_at.empty());
  EXPECT_FALSE(situation.written_since);
  const auto plan = plan_undo(journal::RunId{2});
  EXPECT_EQ(text(plan.revisions), "-003 -002");
  EXPECT_EQ(plan.runs.size(), 2U);
  EXPECT_FALSE(plan.obstacle);
  EXPECT_EQ(read_file(folder / "app.db-belay/journal.lmdb"), log);
}

TEST_F(UndoRunTest, NothingToTakeBackIsSaid) {
  EXPECT_EQ(refused_undo(), ErrorCode::not_applicable);
  runs(1);
  EXPECT_EQ(refused_undo({.back_to = journal::RunId{9}}), ErrorCode::not_applicable);
  undo_run();
  EXPECT_EQ(refused_undo({.back_to = journal::RunId{1}}), ErrorCode::not_applicable);
  EXPECT_EQ(refused_undo({.back_to = journal::RunId{2}}), ErrorCode::not_applicable);
  EXPECT_EQ(undoable(), "");
}

/// Killed before its run began.
TEST_F(UndoRunTest, JournalWithoutARunHasNothingToTakeBack) {
  { const Target target(settings, "upgrade", {}); }
  EXPECT_TRUE(journal().runs().empty());
  const auto error = error_of<Error>([&] { undo_run(); });
  EXPECT_EQ(error.code(), ErrorCode::not_applicable);
  EXPECT_STREQ(error.what(), "there is nothing to take back: nothing has been run");
}

TEST_F(UndoRunTest, RunThatCommittedNothingLeavesNothingToTakeBack) {
  script("001", failure);
  failed_upgrade();
  const auto connection = engine::connect(Places(settings).url, {.lock_timeout = {}, .read_only = true});
  EXPECT_TRUE(written_since(journal(), *connection));  // Nothing proves the contrary.
  const auto error = error_of<Error>([&] { undo_run(); });
  EXPECT_EQ(error.code(), ErrorCode::not_applicable);
  EXPECT_STREQ(error.what(), "there is nothing to take back: no run has anything in force");
}

TEST_F(UndoRunTest, RunThatWasTakenBackBeforeALaterOneIsNotTakenBackWithThat) {
  runs(2);
  undo_run();
  upgrade();
  const auto error = error_of<Error>([&] { undo_run({.back_to = journal::RunId{2}}); });
  EXPECT_EQ(error.code(), ErrorCode::not_applicable);
  EXPECT_STREQ(error.what(),
               "there is nothing to take back: nothing of run 2 is in force: it committed nothing, or was taken back");
  EXPECT_EQ(applied(), "001 002");
}

TEST_F(UndoRunTest, OtherRunThanTheOneThatWasShownIsNotTakenBack) {
  runs(2);
  EXPECT_EQ(refused_undo({.newest = journal::RunId{1}}), ErrorCode::not_applicable);
  EXPECT_EQ(applied(), "001 002");
  undo_run({.newest = journal::RunId{2}});
  EXPECT_EQ(applied(), "001");
}

TEST_F(UndoRunTest, InterruptedRunHasToBeSettledFirst) {
  runs(1);
  scripts(3);
  upgrade_until("began 002");
  EXPECT_EQ(refused_undo(), ErrorCode::not_applicable);
  EXPECT_TRUE(journal().open_run());
}

TEST_F(UndoRunTest, ImagesThatAreNoLongerKeptAreNamed) {
  settings.retention.bytes = 250'000;  // Room for one of the two large runs.
  script(
      "001",
      "CREATE TABLE t (v BLOB);\nINSERT INTO t WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i "
      "< 200) SELECT randomblob(1000) FROM n;");
  upgrade();
  for (const char* id : {"002", "003"}) {
    script(id, "UPDATE t SET v = randomblob(1000);");
    upgrade();
  }
  EXPECT_EQ(undoable(), "3");
  EXPECT_EQ(refused_undo({.back_to = journal::RunId{1}}), ErrorCode::no_images);
  undo_run();
  EXPECT_EQ(refused_undo(), ErrorCode::no_images);
  EXPECT_EQ(applied(), "001 002");
}

// --- Beside others ---

TEST_F(UndoRunTest, WritesOfOthersAreNotDestroyed) {
  runs(2);
  run("INSERT INTO t VALUES (77)");
  EXPECT_TRUE(look().written_since);
  const auto before = contents();
  ASSERT_TRUE(plan_undo().obstacle);
  const auto error = error_of<Error>([&] { undo_run(); });
  EXPECT_EQ(error.code(), ErrorCode::foreign_writes);
  EXPECT_NE(std::string(error.what()).find("counter="), std::string::npos) << error.what();
  EXPECT_EQ(contents(), before);
  EXPECT_EQ(journal().runs().size(), 2U);
}

TEST_F(UndoRunTest, WritesOfOthersBetweenTwoRunsAreNotDestroyed) {
  runs(2);
  run("INSERT INTO t VALUES (77)");
  scripts(3);
  upgrade();
  EXPECT_FALSE(look().written_since);
  EXPECT_EQ(refused_undo({.back_to = journal::RunId{2}}), ErrorCode::foreign_writes);
  EXPECT_EQ(text(undo_run().revisions), "-003");
  EXPECT_EQ(read("SELECT group_concat(id) FROM t"), "2,77");
  EXPECT_EQ(refused_undo(), ErrorCode::foreign_writes);
}

TEST_F(UndoRunTest, DiscardingKeepsACopyOfWhatOthersWrote) {
  runs(2);
  run("INSERT INTO t VALUES (77)");
  EXPECT_EQ(text(undo_run({.discard_later_writes = true}).revisions), "-002");
  EXPECT_EQ(read("SELECT count(*) FROM t; PRAGMA integrity_check"), "0\nok");
  ASSERT_EQ(copies().size(), 1U);
  EXPECT_EQ(engine::read(copies().at(0), "SELECT group_concat(id) FROM t"), "2,77");
  // What others wrote beyond the pages that came back is still there: older runs stay refused.
  EXPECT_EQ(refused_undo(), ErrorCode::foreign_writes);
  upgrade();
  expect_settled();
}

/// The row that comes back with its page would be missing in the index, whose page nobody brings back.
TEST_F(UndoRunTest, WritesThatAreEntangledWithTheRunAreNotDiscarded) {
  script("001",
         "CREATE TABLE t (id INTEGER PRIMARY KEY, v TEXT, w);\nCREATE INDEX tv ON t (v);\nINSERT INTO t (id, v) WITH "
         "RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 2000) SELECT i, hex(i) FROM n;");
  upgrade();
  script("002", "UPDATE t SET w = 1 WHERE id = 1000;");
  upgrade();
  run("DELETE FROM t WHERE id = 1000");
  const auto before = contents();
  const auto error = error_of<Error>([&] { undo_run({.discard_later_writes = true}); });
  EXPECT_EQ(error.code(), ErrorCode::foreign_writes);
  EXPECT_NE(error.next().find("backup"), std::string::npos) << error.next();
  EXPECT_EQ(contents(), before);
  EXPECT_EQ(copies().size(), 1U);
  EXPECT_FALSE(journal().open_run());
  expect_settled();
}

TEST_F(UndoRunTest, OtherConnectionOfAWalDatabaseIsInTheWayAsLongAsItIsThere) {
  run("PRAGMA journal_mode = WAL");
  runs(2);
  std::optional<engine::Raw> other(folder / "app.db");
  EXPECT_EQ(other->read("SELECT count(*) FROM t"), "1");
  EXPECT_EQ(code_of<engine::Error>([&] { undo_run(); }), engine::ErrorCode::busy);
  EXPECT_EQ(other->read("SELECT count(*) FROM t; PRAGMA journal_mode"), "1\nwal");
  EXPECT_FALSE(journal().open_run());
  EXPECT_EQ(last_run(), "RunBegin UndoBegin UndoEnd RunEnd");
  other.reset();
  EXPECT_EQ(text(undo_run().revisions), "-002");
  scripts(3);
  upgrade();
  expect_settled();
}

}  // namespace
}  // namespace belay::recovery

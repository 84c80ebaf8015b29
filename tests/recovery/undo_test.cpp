// Taking back what a revision has committed before it failed, or was interrupted, half way.

#include "recovery/undo.h"

#include "tests/recovery/undo_fixture.h"

namespace belay::recovery {
namespace {

// --- At once, in the process in which it failed ---

TEST_F(UndoTest, RevisionThatFailsHalfWayIsTakenBackAtOnce) {
  scripts(1);
  upgrade();
  const auto before = contents();
  script("002", half + failure);
  const auto error = failed_upgrade();
  EXPECT_EQ(error.code(), engine::ErrorCode::statement_failed);
  EXPECT_FALSE(error.is_unfinished());
  EXPECT_EQ(error.line(), 8);
  EXPECT_EQ(error.state(), "revision 002 was taken back: the database is as before it");
  EXPECT_EQ(contents(), before);
  EXPECT_FALSE(journal().open_run());
  script("002", half);
  EXPECT_EQ(text(upgrade().revisions), "+002");
  expect_settled();
}

TEST_F(UndoTest, RevisionsBeforeTheOneThatFailedStay) {
  scripts(3);
  script("004", half + failure);
  failed_upgrade();
  EXPECT_EQ(applied(), "001 002 003");
  EXPECT_EQ(read("SELECT group_concat(id, ' ') FROM t"), "2 3");
}

TEST_F(UndoTest, FirstRevisionThatFailsHalfWayLeavesAnEmptyDatabase) {
  script("001", "CREATE TABLE t (id);\n-- migrate:step a transaction:off\n" + failure);
  EXPECT_FALSE(failed_upgrade().is_unfinished());
  EXPECT_EQ(read("SELECT count(*) FROM sqlite_schema"), "0");
  script("001", "CREATE TABLE t (id);");
  upgrade();
  expect_settled();
}

TEST_F(UndoTest, WalDatabaseIsTakenBackAndStaysOne) {
  run("PRAGMA journal_mode = WAL");
  scripts(2);
  upgrade();
  script("003", half + failure);
  EXPECT_FALSE(failed_upgrade().is_unfinished());
  EXPECT_EQ(read("SELECT group_concat(id) FROM t; PRAGMA journal_mode"), "2\nwal");
  script("003", half);
  upgrade();
  expect_settled();
}

TEST_F(UndoTest, WhatNoTransactionCanHoldIsTakenBackToo) {
  scripts(2);
  upgrade();
  const auto before = contents();
  script("003",
         "-- migrate:step w transaction:off\nPRAGMA page_size = 8192;\nVACUUM;\nPRAGMA journal_mode = WAL;\n"
         "-- migrate:step b\nDROP TABLE t;\n" +
             failure);
  EXPECT_FALSE(failed_upgrade().is_unfinished());
  EXPECT_EQ(contents(), before);
}

/// Of a step of several statements that commit by themselves, the second fails.
TEST_F(UndoTest, StepThatFailsInItsMiddleIsTakenBack) {
  scripts(2);
  upgrade();
  const auto before = contents();
  script("003", "-- migrate:step w transaction:off repeatable:yes\nVACUUM;\nDROP TABLE t;\n" + failure);
  EXPECT_FALSE(failed_upgrade().is_unfinished());
  EXPECT_EQ(contents(), before);
  EXPECT_EQ(last_run(),
            "RunBegin PlannedRevision TransactionBegin Footprint StepBegin Footprint*2 RevisionRollback Footprint "
            "TransactionCommit UndoBegin Footprint UndoEnd RunEnd");
}

TEST_F(UndoTest, SliceThatFailsTakesBackTheSlicesBeforeIt) {
  scripts(9);
  upgrade();
  const auto before = contents();
  script("010",
         "-- migrate:step b batch:2 over:t.id\nUPDATE t SET id = CASE id WHEN 7 THEN NULL ELSE id + 100 END "
         "WHERE id BETWEEN :lo AND :hi AND id < 100;\n-- migrate:step c\n" +
             failure);
  EXPECT_FALSE(failed_upgrade().is_unfinished());
  EXPECT_EQ(contents(), before);
}

// --- Stopped by the user ---

class StoppedTest : public UndoTest {
 protected:
  /// Upgrades until this word is heard, and then wants to stop.
  engine::Error stopped_upgrade(const std::string& word) {
    std::stop_source stop;
    listener.at[word] = [&] { stop.request_stop(); };
    return error_of<engine::Error>([&] { Migrator(settings, listener, stop.get_token()).upgrade(); });
  }
};

TEST_F(StoppedTest, StoppedHalfWayItIsTakenBack) {
  scripts(1);
  upgrade();
  const auto before = contents();
  script("002", half);
  std::stop_source stop;
  int statements = 0;
  listener.at_statement = [&](auto&) { ++statements == 3 ? stop.request_stop() : false; };
  const auto error = error_of<engine::Error>([&] { Migrator(settings, listener, stop.get_token()).upgrade(); });
  EXPECT_EQ(error.code(), engine::ErrorCode::interrupted);
  EXPECT_FALSE(error.is_unfinished());
  EXPECT_EQ(contents(), before);
  EXPECT_FALSE(journal().open_run());
}

TEST_F(StoppedTest, StoppedBetweenTwoSlicesItIsGoneOnWith) {
  scripts(9);
  upgrade();
  run("ALTER TABLE t ADD COLUMN n INTEGER DEFAULT 0");
  script("010", "-- migrate:step b batch:2 over:t.id\nUPDATE t SET n = n + 1 WHERE id BETWEEN :lo AND :hi;");
  EXPECT_TRUE(stopped_upgrade("batch 4/8").is_unfinished());
  EXPECT_EQ(read("SELECT sum(n) FROM t"), "4");
  EXPECT_TRUE(upgrade().recovered);
  EXPECT_EQ(read("SELECT sum(n) FROM t"), "8");
  expect_settled();
}

// The process that was stopped closed the database, which emptied the WAL, and nothing proved any more that only belay
// had written.
TEST_F(StoppedTest, StoppedBetweenTwoSlicesInWalModeItCanStillBeTakenBack) {
  run("PRAGMA journal_mode = WAL");
  scripts(9);
  upgrade();
  run("ALTER TABLE t ADD COLUMN n INTEGER DEFAULT 0");
  script("010", "-- migrate:step b batch:2 over:t.id\nUPDATE t SET n = n + 1 WHERE id BETWEEN :lo AND :hi;");
  EXPECT_TRUE(stopped_upgrade("batch 4/8").is_unfinished());
  EXPECT_NO_THROW(migrator(listener).recover(Policy::back));
  EXPECT_EQ(read("SELECT sum(n) FROM t"), "0");
}

// --- What may stand in the way ---

class BesideOthersTest : public UndoTest {
 protected:
  /// The second revision fails half way, and somebody writes between two of its transactions.
  void fail_beside_a_writer() {
    script("001", "CREATE TABLE t (id INTEGER PRIMARY KEY);\nINSERT INTO t VALUES (1), (2);");
    upgrade();
    script("002",
           "-- migrate:step b batch:1 over:t.id\nUPDATE t SET id = id + 10 WHERE id BETWEEN :lo AND :hi AND id < 10;\n"
           "-- migrate:step c\n" +
               failure);
    listener.at["batch 1/2"] = [&] { run("INSERT INTO t VALUES (77)"); };
    const auto error = failed_upgrade();
    EXPECT_EQ(error.code(), engine::ErrorCode::statement_failed);
    EXPECT_TRUE(error.is_unfinished());
    EXPECT_TRUE(error.obstacle());
    EXPECT_NE(error.state().find("not taken back"), std::string::npos) << error.state();
    EXPECT_NE(error.next().find("--discard-later-writes"), std::string::npos) << error.next();
    EXPECT_EQ(rows(), "11 12 77");
  }
  [[nodiscard]] std::string rows() const {
    return read("SELECT group_concat(id, ' ') FROM (SELECT id FROM t ORDER BY id)");
  }
};

TEST_F(BesideOthersTest, WritesOfOthersAreNotDestroyed) {
  fail_beside_a_writer();
  settings.policy = Policy::back;
  EXPECT_EQ(code_of<Error>([&] { upgrade(); }), ErrorCode::foreign_writes);
  EXPECT_EQ(code_of<Error>([&] { recover(Policy::back); }), ErrorCode::foreign_writes);
  EXPECT_EQ(rows(), "11 12 77");
  const auto found = look().interrupted;
  ASSERT_TRUE(found);
  EXPECT_FALSE(found->forward.obstacle);
  ASSERT_TRUE(found->back.obstacle);
  EXPECT_EQ(found->back.obstacle->code(), ErrorCode::foreign_writes);
  EXPECT_TRUE(copies().empty());
}

TEST_F(BesideOthersTest, ForwardGoesOnWhereItFailed) {
  fail_beside_a_writer();
  run("CREATE TABLE nowhere (id)");
  const auto report = recover(Policy::forward);
  ASSERT_TRUE(report.recovered);
  EXPECT_EQ(report.recovered->direction, Policy::forward);
  EXPECT_EQ(rows(), "11 12 77");
  expect_settled();
}

TEST_F(BesideOthersTest, DiscardingTakesBackTheirWritesAsWellAndKeepsACopy) {
  fail_beside_a_writer();
  const auto report = recover(Policy::back, true);
  ASSERT_TRUE(report.recovered);
  EXPECT_EQ(report.recovered->direction, Policy::back);
  EXPECT_EQ(rows(), "1 2");
  ASSERT_EQ(copies().size(), 1U);
  EXPECT_EQ(engine::read(copies().at(0), "SELECT count(*) FROM t WHERE id = 77; PRAGMA integrity_check"), "1\nok");
  script("002", "CREATE TABLE u (id);");
  upgrade();
  expect_settled();
}

/// Idle it does no harm with a rollback journal; while it reads, nothing may change beneath it.
TEST_F(UndoTest, ReaderPutsTheUndoOff) {
  scripts(1);
  upgrade();
  const auto before = contents();
  script("002", half + failure);
  std::optional<engine::Raw> reader;
  int statements = 0;
  listener.at_statement = [&](auto&) {
    if (++statements != 4) return;
    reader.emplace(folder / "app.db");
    reader->run("BEGIN; SELECT * FROM t");
  };
  const auto error = failed_upgrade();
  EXPECT_TRUE(error.is_unfinished());
  EXPECT_EQ(reader->read("SELECT count(*) FROM t"), "2");
  reader->run("COMMIT");
  EXPECT_EQ(
      last_run(),
      "RunBegin PlannedRevision TransactionBegin StepBegin Footprint TransactionCommit TransactionBegin StepBegin "
      "Footprint TransactionCommit TransactionBegin StepBegin TransactionRollback UndoBegin UndoEnd");
  EXPECT_EQ(recover(Policy::back).recovered->verdict, Verdict::settle);
  EXPECT_EQ(contents(), before);
}

TEST_F(UndoTest, RestartThatFailsHalfWayTakesBackToo) {
  scripts(1);
  upgrade();
  const auto before = contents();
  script("002", half + failure);
  upgrade_until("began 002");
  EXPECT_EQ(failed_upgrade().state(), "revision 002 was taken back: the database is as before it");
  EXPECT_EQ(contents(), before);
  EXPECT_FALSE(journal().open_run());
}

TEST_F(UndoTest, RecoverWithNothingInterruptedDoesNothing) {
  scripts(2);
  upgrade();
  const auto log = read_file(folder / "app.db-belay/journal.lmdb");
  EXPECT_FALSE(recover(Policy::back).recovered);
  EXPECT_EQ(read_file(folder / "app.db-belay/journal.lmdb"), log);
}

}  // namespace
}  // namespace belay::recovery

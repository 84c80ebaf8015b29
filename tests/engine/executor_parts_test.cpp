// Revisions that commit in several parts, and commits that do not succeed.

#include <thread>

#include "engine/executor.h"
#include "tests/engine/executor_fixture.h"

namespace belay::engine {
namespace {

const char* const ten_rows =
    "CREATE TABLE t (id INTEGER PRIMARY KEY, v);\n"
    "INSERT INTO t WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 10) SELECT i, 0 FROM n;\n";

TEST_F(ExecutorTest, StepOutsideATransactionCommitsByItselfWithItsNumber) {
  carry_out({up("1", "CREATE TABLE t (id);\n-- migrate:step s transaction:off\nINSERT INTO t VALUES (1);")});
  EXPECT_EQ(
      records(),
      "RunBegin PlannedRevision TransactionBegin StepBegin Footprint TransactionCommit TransactionBegin StepBegin "
      "Footprint TransactionCommit TransactionBegin StampBegin Footprint TransactionCommit RunEnd");
  EXPECT_EQ(read("SELECT * FROM t"), "1");
  EXPECT_EQ(applied(), "1");
  EXPECT_TRUE(is_sound());
}

TEST_F(ExecutorTest, VacuumRunsAlone) {
  carry_out({up("1", ten_rows), planned_script("2", "-- migrate:up transaction:off\nVACUUM;")});
  EXPECT_EQ(applied(), "1 2");
  EXPECT_EQ(read("SELECT last_lsn FROM belay_state"), std::to_string(site().journal().last_commit().value));
  EXPECT_TRUE(is_sound());
}

TEST_F(ExecutorTest, VacuumOfANewDatabaseMakesItsTablesFirst) {
  carry_out({planned_script("1", "-- migrate:up transaction:off\nVACUUM;\nPRAGMA journal_mode = WAL;")});
  EXPECT_EQ(applied(), "1");
  EXPECT_EQ(read("PRAGMA journal_mode"), "wal");
  EXPECT_TRUE(is_sound());
}

TEST_F(ExecutorTest, VacuumInATransactionFailsWithItsPlace) {
  const auto error = failure_of({up("1", "CREATE TABLE t (id);\nVACUUM;")});
  EXPECT_EQ(error.line(), 4);
  EXPECT_EQ(tables(), "NULL");
}

TEST_F(ExecutorTest, FailingStepOutsideATransactionWithNothingBeforeItClosesTheRun) {
  const auto error =
      failure_of({planned_script("1", "-- migrate:up transaction:off\nINSERT INTO nowhere VALUES (1);")});
  EXPECT_FALSE(error.is_unfinished());
  EXPECT_EQ(error.state(), "as before the run: nothing of it is applied");
  EXPECT_FALSE(site().journal().open_run());
  EXPECT_TRUE(is_sound());
}

/// What stands before the step was committed so that the step can run: the revision is applied in part.
TEST_F(ExecutorTest, FailingStepBehindACommittedPartLeavesTheRunOpen) {
  const auto error =
      failure_of({up("1", "CREATE TABLE t (id);\n-- migrate:step s transaction:off\nINSERT INTO nowhere VALUES (1);")});
  EXPECT_TRUE(error.is_unfinished());
  EXPECT_EQ(tables(), "t");
  EXPECT_TRUE(site().journal().open_run());
  EXPECT_EQ(error.state(), "revision 1 is applied in part; the run stays open, and the next one goes on with it");
  EXPECT_TRUE(is_sound());
}

TEST_F(ExecutorTest, FailingVacuumBehindACommittedPartLeavesTheRunOpen) {
  run("CREATE TABLE held (id)");
  Raw other(folder / "app.db");
  const auto plan =
      Plan{planned_script("1", "-- migrate:up\nCREATE TABLE t (id);\n-- migrate:step s transaction:off\nVACUUM;")};
  listener.at_statement = [&](Connection&) {
    if (site().connection().in_transaction()) return;
    other.run("BEGIN IMMEDIATE");
  };
  const auto error = failure_of(plan);
  EXPECT_EQ(error.code(), ErrorCode::busy);
  EXPECT_TRUE(error.is_unfinished());
  EXPECT_TRUE(is_sound());
}

TEST_F(ExecutorTest, EmptyBatchThatIsFollowedByAFailureLeavesNothingHalfDone) {
  carry_out({up("1", "CREATE TABLE t (id INTEGER PRIMARY KEY, v);")});
  const auto error = failure_of({up("2",
                                    "-- migrate:step fill batch:5 over:t.id\nUPDATE t SET v = 1 WHERE id BETWEEN :lo "
                                    "AND :hi;\n-- migrate:step bad\nINSERT INTO nowhere VALUES (1);")});
  EXPECT_FALSE(error.is_unfinished());
  EXPECT_FALSE(site().journal().open_run());
}

/// The whole step is run again after a crash: an INSERT beside a VACUUM would run twice.
TEST_F(ExecutorTest, StepThatMixesWhatCanAndWhatCannotBeInATransactionIsRefused) {
  const auto error = failure_of(
      {up("1", "CREATE TABLE t (id);\n-- migrate:step s transaction:off\nINSERT INTO t VALUES (1);\nVACUUM;")});
  EXPECT_EQ(error.code(), ErrorCode::refused_statement);
  EXPECT_EQ(error.file() + ":" + std::to_string(error.line()), "1.sql:6");
  EXPECT_EQ(records(), "");
  EXPECT_EQ(tables(), "NULL");
}

TEST_F(ExecutorTest, StepOfSeveralStatementsThatNoTransactionCanHoldIsOneStep) {
  carry_out(
      {up("1", ten_rows),
       planned_script("2", "-- migrate:up\n-- migrate:step s transaction:off\nPRAGMA page_size = 8192;\nVACUUM;")});
  EXPECT_EQ(read("PRAGMA page_size"), "8192");
  EXPECT_EQ(applied(), "1 2");
}

TEST_F(ExecutorTest, BatchCommitsSliceBySlice) {
  carry_out({up("1", ten_rows),
             up("2", "-- migrate:step fill batch:4 over:t.id\nUPDATE t SET v = v + 1 WHERE id BETWEEN :lo AND :hi;")});
  EXPECT_EQ(read("SELECT group_concat(v, '') FROM t"), "1111111111");
  EXPECT_EQ(listener.heard, (std::vector<std::string>{"run 2", "began 1", "committed 1", "began 2", "batch 4/10",
                                                      "batch 8/10", "batch 10/10", "committed 2"}));
  EXPECT_TRUE(is_sound());
}

TEST_F(ExecutorTest, SliceThatFailsKeepsTheSlicesBeforeItAndTheRunOpen) {
  const std::string no_eight =
      "CREATE TRIGGER no BEFORE UPDATE ON t WHEN old.id = 8 BEGIN SELECT RAISE(ABORT, 'not the eighth'); END;";
  const auto error = failure_of(
      {up("1", ten_rows + no_eight),
       up("2", "-- migrate:step fill batch:4 over:t.id\nUPDATE t SET v = v + 1 WHERE id BETWEEN :lo AND :hi;")});
  EXPECT_TRUE(error.is_unfinished());
  EXPECT_EQ(error.file() + ":" + std::to_string(error.line()), "2.sql:4");
  EXPECT_EQ(read("SELECT group_concat(v, '') FROM t"), "1111000000");
  EXPECT_EQ(applied(), "1");
  EXPECT_TRUE(is_sound());
}

TEST_F(ExecutorTest, SliceThatViolatesAForeignKeyLeavesNothing) {
  const auto error =
      failure_of({up("1", std::string(ten_rows) + "CREATE TABLE c (t REFERENCES t);"),
                  up("2", "-- migrate:step fill batch:4 over:t.id\nINSERT INTO c SELECT 99 WHERE :lo < :hi;")});
  EXPECT_EQ(error.code(), ErrorCode::constraint_violated);
  EXPECT_FALSE(error.is_unfinished());
  EXPECT_EQ(read("SELECT count(*) FROM c"), "0");
}

/// In the rollback-journal modes a reader keeps the writer from committing.
TEST_F(ExecutorTest, CommitThatAReaderHoldsUpIsTakenBack) {
  run("CREATE TABLE held (id); INSERT INTO held VALUES (1), (2)");
  Raw reader(folder / "app.db");
  reader.run("BEGIN; SELECT * FROM held");
  const auto error = failure_of({up("1", "CREATE TABLE a (id);"), up("2", "CREATE TABLE b (id);")});
  EXPECT_EQ(error.code(), ErrorCode::busy);
  EXPECT_EQ(error.state(), "as before the run: nothing of it is applied");
  EXPECT_EQ(records(),
            "RunBegin PlannedRevision*2 TransactionBegin StepBegin StampBegin StepBegin StampBegin "
            "TransactionRollback RunEnd");
  EXPECT_EQ(reader.read("SELECT count(*) FROM sqlite_schema"), "1");
  reader.run("COMMIT");
  carry_out({up("1", "CREATE TABLE a (id);")});
  EXPECT_EQ(applied(), "1");
  EXPECT_TRUE(is_sound());
}

TEST_F(ExecutorTest, CommitOfAPartThatAReaderHoldsUpIsTakenBackOnce) {
  run("CREATE TABLE held (id); INSERT INTO held VALUES (1), (2)");
  Raw reader(folder / "app.db");
  reader.run("BEGIN; SELECT * FROM held");
  const auto error =
      failure_of({up("1", "CREATE TABLE a (id);\n-- migrate:step s transaction:off\nINSERT INTO a VALUES (1);")});
  EXPECT_EQ(error.code(), ErrorCode::busy);
  EXPECT_FALSE(error.is_unfinished());
  EXPECT_EQ(records(), "RunBegin PlannedRevision TransactionBegin StepBegin TransactionRollback RunEnd");
  EXPECT_TRUE(is_sound());
}

TEST_F(ExecutorTest, DatabaseThatIsLockedIsBusyAndTheRunIsClosed) {
  run("CREATE TABLE held (id)");
  Raw other(folder / "app.db");
  other.run("BEGIN IMMEDIATE");
  EXPECT_EQ(failure_of({up("1", "CREATE TABLE a (id);")}).code(), ErrorCode::busy);
  EXPECT_FALSE(site().journal().open_run());
  EXPECT_TRUE(is_sound());
}

TEST_F(ExecutorTest, ResumeGoesOnBehindTheSliceThatIsDone) {
  const Plan plan{
      up("1", ten_rows),
      up("2", "-- migrate:step fill batch:4 over:t.id\nUPDATE t SET v = v + 1 WHERE id BETWEEN :lo AND :hi;")};
  carry_out({plan[0]});
  auto second = plan;
  second[0].ordinal = 0;
  second[1].ordinal = 1;
  site().journal().begin({.command = "migrate"}, second);
  Executor(site().parts(), listener, options, {}).resume(second, {.revision = 1, .step = 0, .after = "4"});
  EXPECT_EQ(read("SELECT group_concat(v, '') FROM t"), "0000111111");
  EXPECT_EQ(applied(), "1 2");
}

}  // namespace
}  // namespace belay::engine

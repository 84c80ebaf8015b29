#include "engine/executor.h"

#include <thread>

#include "tests/engine/executor_fixture.h"

namespace belay::engine {
namespace {

const char* const create_and_fill = "CREATE TABLE t (id INTEGER PRIMARY KEY, v);\nINSERT INTO t VALUES (1, 'a');\n";

/// `count` small revisions that add a row each to `t`, which is there.
std::vector<journal::PlannedRevision> inserts(int count) {
  std::vector<journal::PlannedRevision> plan{up("1", "CREATE TABLE t (id INTEGER PRIMARY KEY);")};
  for (int i = 2; i <= count; ++i) {
    const auto id = std::to_string(i);
    plan.push_back(up(id, "INSERT INTO t VALUES (" + id + ");"));
  }
  return plan;
}

TEST_F(ExecutorTest, RevisionRunsInOneTransactionWithItsStamp) {
  carry_out({up("1", create_and_fill)});
  EXPECT_EQ(records(),
            "RunBegin PlannedRevision TransactionBegin StepBegin*2 StampBegin Footprint TransactionCommit RunEnd");
  EXPECT_EQ(read("SELECT * FROM t"), "1|a");
  EXPECT_EQ(applied(), "1");
  EXPECT_TRUE(is_sound());
}

TEST_F(ExecutorTest, StampSaysWhoWhenAndInWhichTransaction) {
  options.applied_by = "ann@host";
  carry_out({planned_script("7", "-- message: add t\n-- migrate:up\nCREATE TABLE t (id);")});
  const auto lsn = std::to_string(site().journal().last_commit().value);
  EXPECT_EQ(read("SELECT revision, message, applied_at, applied_by, lsn FROM belay_version"),
            "7|add t|2026-01-02T03:04:05Z|ann@host|" + lsn);
  EXPECT_EQ(read("SELECT last_lsn, database_id FROM belay_state"), lsn + "|the database");
}

TEST_F(ExecutorTest, TwentySmallRevisionsShareOneTransaction) {
  options.group_time = std::chrono::minutes(1);
  carry_out(inserts(20));
  EXPECT_EQ(records().find("TransactionBegin"), records().rfind("TransactionBegin"));
  EXPECT_EQ(read("SELECT count(*), count(DISTINCT lsn) FROM belay_version"), "20|1");
}

TEST_F(ExecutorTest, GroupEndsWhenItsTimeIsUp) {
  options.group_time = std::chrono::milliseconds(0);
  carry_out(inserts(3));
  EXPECT_EQ(read("SELECT count(DISTINCT lsn) FROM belay_version"), "3");
}

TEST_F(ExecutorTest, RevisionsThatMayNotShareCommitOneByOne) {
  options.group = false;
  carry_out(inserts(3));
  EXPECT_EQ(listener.heard, (std::vector<std::string>{"run 3", "began 1", "committed 1", "began 2", "committed 2",
                                                      "began 3", "committed 3"}));
  EXPECT_EQ(read("SELECT count(DISTINCT lsn) FROM belay_version"), "3");
}

TEST_F(ExecutorTest, NothingOfAGroupIsReportedBeforeItsCommit) {
  options.group_time = std::chrono::minutes(1);
  carry_out(inserts(2));
  EXPECT_EQ(listener.heard, (std::vector<std::string>{"run 2", "began 1", "began 2", "committed 1", "committed 2"}));
}

TEST_F(ExecutorTest, RevisionThatFailsInAGroupLeavesThoseBeforeIt) {
  const auto error =
      failure_of({up("1", "CREATE TABLE a (id);"), up("2", "CREATE TABLE b (id);"),
                  up("3", "CREATE TABLE c (id);\nINSERT INTO nowhere VALUES (1);"), up("4", "CREATE TABLE d (id);")});
  EXPECT_EQ(error.code(), ErrorCode::statement_failed);
  EXPECT_EQ(error.file() + ":" + std::to_string(error.line()), "3.sql:4");
  EXPECT_EQ(error.state(), "2 of 4 revisions of this run are applied, the last one is 2; nothing is half done");
  EXPECT_FALSE(error.is_unfinished());
  EXPECT_EQ(tables(), "a b");
  EXPECT_EQ(applied(), "1 2");
  EXPECT_EQ(run_end().outcome, journal::Outcome::failed);
  EXPECT_EQ(records(),
            "RunBegin PlannedRevision*4 TransactionBegin StepBegin StampBegin StepBegin StampBegin StepBegin*2 "
            "RevisionRollback Footprint TransactionCommit RunEnd");
  EXPECT_TRUE(is_sound());
}

TEST_F(ExecutorTest, FirstMigrationThatFailsLeavesNothingAtAll) {
  const auto error = failure_of({up("1", "CREATE TABLE a (id);\nINSERT INTO nowhere VALUES (1);")});
  EXPECT_EQ(error.state(), "as before the run: nothing of it is applied");
  EXPECT_EQ(read("SELECT count(*) FROM sqlite_schema"), "0");
  EXPECT_EQ(site().journal().last_commit(), journal::Lsn{});
  EXPECT_TRUE(is_sound());
  carry_out({up("1", "CREATE TABLE a (id);")});
  EXPECT_EQ(applied(), "1");
}

/// SQLite rolls the whole transaction back, not only the savepoint.
TEST_F(ExecutorTest, StatementThatRollsAllBackTakesNoOtherRevisionWithIt) {
  options.group_time = std::chrono::minutes(1);
  const auto error = failure_of({up("1", "CREATE TABLE a (id UNIQUE);"), up("2", "INSERT INTO a VALUES (1);"),
                                 up("3", "INSERT OR ROLLBACK INTO a VALUES (1);"), up("4", "CREATE TABLE d (id);")});
  EXPECT_EQ(error.code(), ErrorCode::statement_failed);
  EXPECT_EQ(error.file(), "3.sql");
  EXPECT_EQ(applied(), "1 2");
  EXPECT_EQ(read("SELECT * FROM a"), "1");
  EXPECT_EQ(error.state(), "2 of 4 revisions of this run are applied, the last one is 2; nothing is half done");
  EXPECT_TRUE(is_sound());
}

TEST_F(ExecutorTest, TriggerThatRollsAllBackTakesNoOtherRevisionWithIt) {
  options.group_time = std::chrono::minutes(1);
  const auto error = failure_of(
      {up("1",
          "CREATE TABLE a (id);\nCREATE TRIGGER no BEFORE INSERT ON a BEGIN SELECT RAISE(ROLLBACK, 'never'); END;"),
       up("2", "INSERT INTO a VALUES (1);")});
  EXPECT_STREQ(error.what(), "never");
  EXPECT_EQ(applied(), "1");
  EXPECT_TRUE(is_sound());
}

TEST_F(ExecutorTest, StatementThatTakesTooLongTakesNoOtherRevisionWithIt) {
  options.group_time = std::chrono::minutes(1);
  const std::string endless =
      "CREATE TABLE b AS WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT max(i) FROM n;";
  std::jthread clock;
  listener.at["began 2"] = [&] {
    clock = std::jthread([&](const std::stop_token& done) {
      while (!done.stop_requested()) site().connection().interrupt();
    });
  };
  const auto error = failure_of({up("1", "CREATE TABLE a (id);"), up("2", endless)});
  EXPECT_EQ(error.code(), ErrorCode::timed_out);
  clock = {};
  EXPECT_EQ(applied(), "1");
  EXPECT_EQ(tables(), "a");
  EXPECT_TRUE(is_sound());
}

TEST_F(ExecutorTest, StopInTheMiddleClosesTheRun) {
  options.group = false;
  listener.at["committed 5"] = [&] { stop.request_stop(); };
  site().connection().stop_on(stop.get_token());
  const auto error = failure_of(inserts(10));
  EXPECT_EQ(error.code(), ErrorCode::interrupted);
  EXPECT_FALSE(site().journal().open_run());
  EXPECT_EQ(run_end().outcome, journal::Outcome::interrupted);
  EXPECT_EQ(read("SELECT count(*) FROM belay_version"), "5");
}

/// The RunEnd tells where the database is: a query that must not be stopped by what stopped the run.
TEST_F(ExecutorTest, StopDoesNotStopTheQueryThatClosesTheRun) {
  options.current = [&] { return std::vector<std::string>{std::to_string(site().versions().stamps().size())}; };
  carry_out(inserts(300));
  listener.at["began more"] = [&] { stop.request_stop(); };
  site().connection().stop_on(stop.get_token());
  EXPECT_EQ(failure_of({up("more", "INSERT INTO t VALUES (301);")}).code(), ErrorCode::interrupted);
  EXPECT_FALSE(site().journal().open_run());
  EXPECT_EQ(run_end().to, std::vector<std::string>{"300"});
}

TEST_F(ExecutorTest, StopAtTheEndOfARunStillClosesItAsDone) {
  options.current = [&] { return std::vector<std::string>{std::to_string(site().versions().stamps().size())}; };
  listener.at["committed 300"] = [&] { stop.request_stop(); };
  site().connection().stop_on(stop.get_token());
  carry_out(inserts(300));
  EXPECT_EQ(run_end().outcome, journal::Outcome::done);
  EXPECT_EQ(run_end().to, std::vector<std::string>{"300"});
}

TEST_F(ExecutorTest, StopInsideAStatementLeavesTheRevisionBefore) {
  const std::string endless =
      "CREATE TABLE b AS WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT max(i) FROM n;";
  options.group = false;
  site().connection().stop_on(stop.get_token());
  std::jthread user;
  listener.at["began 2"] = [&] { user = std::jthread([&] { stop.request_stop(); }); };
  EXPECT_EQ(failure_of({up("1", "CREATE TABLE a (id);"), up("2", endless)}).code(), ErrorCode::interrupted);
  EXPECT_EQ(applied(), "1");
  EXPECT_EQ(tables(), "a");
  EXPECT_FALSE(site().journal().open_run());
}

TEST_F(ExecutorTest, VerificationThatPassesLetsTheRevisionPass) {
  carry_out(
      {planned_script("1", "-- migrate:up\nCREATE TABLE t (id);\n-- migrate:verify\nSELECT count(*) = 0 FROM t;")});
  EXPECT_EQ(applied(), "1");
}

TEST_F(ExecutorTest, VerificationThatFailsFailsTheRevision) {
  for (const std::string query : {"SELECT 0", "SELECT NULL", "SELECT 0.0", "SELECT 1 UNION ALL SELECT 0"}) {
    const auto error =
        failure_of({planned_script("1", "-- migrate:up\nCREATE TABLE t (id);\n-- migrate:verify\n" + query + ";")});
    EXPECT_EQ(error.code(), ErrorCode::verification_failed) << query;
    EXPECT_EQ(error.line(), 5) << query;
    EXPECT_EQ(tables(), "NULL") << query;
  }
}

TEST_F(ExecutorTest, VerificationThatCannotRunFailsTheRevision) {
  const auto error = failure_of(
      {planned_script("1", "-- migrate:up\nCREATE TABLE t (id);\n-- migrate:verify\nSELECT 1 FROM nowhere;")});
  EXPECT_EQ(error.code(), ErrorCode::statement_failed);
  EXPECT_EQ(tables(), "NULL");
}

TEST_F(ExecutorTest, ForeignKeyViolationFailsTheRevision) {
  const auto error = failure_of({up("1", "CREATE TABLE p (id INTEGER PRIMARY KEY);\nCREATE TABLE c (p REFERENCES p);"),
                                 up("2", "INSERT INTO c VALUES (7);")});
  EXPECT_EQ(error.code(), ErrorCode::constraint_violated);
  EXPECT_EQ(error.file(), "2.sql");
  EXPECT_EQ(applied(), "1");
  EXPECT_EQ(read("SELECT count(*) FROM c"), "0");
}

TEST_F(ExecutorTest, AtomicRunIsOneTransaction) {
  options.atomic = true;
  options.group_time = std::chrono::milliseconds(0);
  carry_out(inserts(5));
  EXPECT_EQ(read("SELECT count(*), count(DISTINCT lsn) FROM belay_version"), "5|1");
}

TEST_F(ExecutorTest, AtomicRunThatFailsLeavesNothing) {
  options.atomic = true;
  const auto error = failure_of({up("1", "CREATE TABLE a (id);"), up("2", "INSERT INTO nowhere VALUES (1);")});
  EXPECT_EQ(error.state(), "as before the run: nothing of it is applied");
  EXPECT_EQ(read("SELECT count(*) FROM sqlite_schema"), "0");
  EXPECT_EQ(run_end().outcome, journal::Outcome::failed);
  EXPECT_TRUE(is_sound());
}

TEST_F(ExecutorTest, AtomicRunThatAHookStopsLeavesNothing) {
  options.atomic = true;
  listener.at["began 2"] = [] { throw Error(ErrorCode::hook_failed, "no"); };
  const auto error = failure_of({up("1", "CREATE TABLE a (id);"), up("2", "CREATE TABLE b (id);")});
  EXPECT_EQ(error.code(), ErrorCode::hook_failed);
  EXPECT_EQ(error.state(), "as before the run: nothing of it is applied");
  EXPECT_EQ(read("SELECT count(*) FROM sqlite_schema"), "0");
  EXPECT_TRUE(is_sound());
}

TEST_F(ExecutorTest, AtomicRunWithAStepThatCommitsByItselfIsRefused) {
  options.atomic = true;
  for (const std::string marker : {"transaction:off", "batch:5 over:t.id"}) {
    const auto error =
        failure_of({up("1", create_and_fill),
                    up("2", "-- migrate:step s " + marker + "\nUPDATE t SET v = 1 WHERE id BETWEEN :lo AND :hi;")});
    EXPECT_EQ(error.code(), ErrorCode::refused_statement);
    EXPECT_EQ(error.file() + ":" + std::to_string(error.line()), "2.sql:4");
  }
  EXPECT_EQ(records(), "");
}

TEST_F(ExecutorTest, HookThatFailsBeforeARevisionStopsTheRunBeforeIt) {
  listener.at["began 2"] = [] { throw Error(ErrorCode::hook_failed, "no"); };
  const auto error = failure_of({up("1", "CREATE TABLE a (id);"), up("2", "CREATE TABLE b (id);")});
  EXPECT_EQ(error.code(), ErrorCode::hook_failed);
  EXPECT_EQ(applied(), "1");
  EXPECT_EQ(error.state(), "1 of 2 revisions of this run are applied, the last one is 1; nothing is half done");
  EXPECT_EQ(run_end().outcome, journal::Outcome::failed);
}

TEST_F(ExecutorTest, HookThatFailsAfterARevisionStopsTheRunAfterIt) {
  options.group = false;
  listener.at["committed 1"] = [] { throw Error(ErrorCode::hook_failed, "no"); };
  const auto error = failure_of({up("1", "CREATE TABLE a (id);"), up("2", "CREATE TABLE b (id);")});
  EXPECT_EQ(error.code(), ErrorCode::hook_failed);
  EXPECT_EQ(tables(), "a");
}

TEST_F(ExecutorTest, HookThatFailsAfterAGroupIsToldAllThatIsApplied) {
  options.group_time = std::chrono::minutes(1);
  listener.at["committed 1"] = [] { throw Error(ErrorCode::hook_failed, "no"); };
  const auto error = failure_of({up("1", "CREATE TABLE a (id);"), up("2", "CREATE TABLE b (id);")});
  EXPECT_EQ(applied(), "1 2");
  EXPECT_EQ(error.state(), "2 of 2 revisions of this run are applied, the last one is 2; nothing is half done");
}

TEST_F(ExecutorTest, PlanOfStampsNeedsNoStatement) {
  auto stamp = up("1", "CREATE TABLE a (id);");
  stamp.steps.clear();
  stamp.action = journal::Action::stamp;
  carry_out({stamp});
  EXPECT_EQ(records(), "RunBegin PlannedRevision TransactionBegin StampBegin Footprint TransactionCommit RunEnd");
  EXPECT_EQ(applied(), "1");
  auto unstamp = stamp;
  unstamp.action = journal::Action::unstamp;
  carry_out({unstamp});
  EXPECT_EQ(applied(), "NULL");
}

TEST_F(ExecutorTest, ScriptThatEndsTheTransactionIsRefusedBeforeItHasAnEffect) {
  for (const std::string sql : {"COMMIT", "END", "ROLLBACK", "BEGIN", "SAVEPOINT s", "RELEASE belay_revision",
                                "ROLLBACK TO belay_revision", "ATTACH 'other.db' AS o", "DETACH main"}) {
    const auto error = failure_of({up("1", "CREATE TABLE a (id);\n" + sql + ";")});
    EXPECT_EQ(error.code(), ErrorCode::refused_statement) << sql;
    EXPECT_EQ(error.line(), 4) << sql;
    EXPECT_EQ(tables(), "NULL") << sql;
  }
  EXPECT_TRUE(is_sound());
}

}  // namespace
}  // namespace belay::engine

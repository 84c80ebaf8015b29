// The suite of driver_conformance.h; the numbers are those of engine/connection.h.

#include "tests/engine/driver_conformance.h"

#include <array>
#include <thread>

namespace belay::engine {
namespace {

using std::chrono::milliseconds;

// --- 2: what commit returned from is there ---

TEST_P(DriverConformance, CommittedRowsAreSeenByANewConnection) {
  commit_all({"CREATE TABLE t (id INTEGER)", "INSERT INTO t VALUES (1), (2)"});
  EXPECT_EQ(open()->query("SELECT count(*) FROM t").at(0).at(0), Value(std::int64_t{2}));
}

TEST_P(DriverConformance, UncommittedRowsAreNotSeen) {
  commit_all({"CREATE TABLE t (id INTEGER)"});
  db().begin();
  run("INSERT INTO t VALUES (1)");
  EXPECT_EQ(open()->query("SELECT count(*) FROM t").at(0).at(0), Value(std::int64_t{0}));
}

TEST_P(DriverConformance, RollbackLeavesNothing) {
  commit_all({"CREATE TABLE t (id INTEGER)"});
  db().begin();
  run("INSERT INTO t VALUES (1)");
  EXPECT_TRUE(db().in_transaction());
  db().rollback();
  EXPECT_FALSE(db().in_transaction());
  EXPECT_EQ(count("t"), 0);
}

TEST_P(DriverConformance, RollbackTakesBackTheSchemaWhereTheDriverSaysSo) {
  if (!db().capabilities().transactional_ddl) return;
  db().begin();
  run_all({"CREATE TABLE t (id INTEGER)", "INSERT INTO t VALUES (1)"});
  db().rollback();
  EXPECT_FALSE(db().has_table("t"));
}

TEST_P(DriverConformance, ConnectionThatGoesAwayRollsBack) {
  commit_all({"CREATE TABLE t (id INTEGER)"});
  {
    const auto other = open();
    other->begin();
    other->run({"INSERT INTO t VALUES (1)", "1.sql", 1}, {});
  }
  EXPECT_EQ(count("t"), 0);
}

TEST_P(DriverConformance, RollbackWithoutATransactionIsNothing) {
  db().rollback();
  db().rollback();
  commit_all({"CREATE TABLE t (id INTEGER)"});
  EXPECT_TRUE(db().has_table("t"));
}

TEST_P(DriverConformance, SavepointTakesBackWhatCameAfterIt) {
  if (!db().capabilities().savepoints) return;
  commit_all({"CREATE TABLE t (id INTEGER)"});
  db().begin();
  db().savepoint();
  run("INSERT INTO t VALUES (1)");
  db().release_savepoint();
  db().savepoint();
  run("INSERT INTO t VALUES (2)");
  db().rollback_to_savepoint();
  db().savepoint();
  run("INSERT INTO t VALUES (3)");
  db().release_savepoint();
  db().commit();
  EXPECT_EQ(value_of("SELECT sum(id) FROM t"), Value(std::int64_t{4}));
}

// --- 3: a commit that somebody holds up ---

TEST_P(DriverConformance, WriterBesideAWriterIsBusy) {
  commit_all({"CREATE TABLE t (id INTEGER)"});
  db().begin();
  const auto other = open(milliseconds(1));
  EXPECT_EQ(code_of([&] { other->begin(); }), ErrorCode::busy);
  EXPECT_FALSE(other->in_transaction());
}

TEST_P(DriverConformance, WriterWaitsForAWriter) {
  commit_all({"CREATE TABLE t (id INTEGER)"});
  db().begin();
  const auto other = open(milliseconds(60'000));
  std::thread writer([&] {
    std::this_thread::sleep_for(milliseconds(20));
    db().commit();
  });
  other->begin();
  writer.join();
  EXPECT_TRUE(other->in_transaction());
}

TEST_P(DriverConformance, WaitingEndsOnTheStopToken) {
  db().begin();
  std::stop_source stop;
  const auto other = open(milliseconds(60'000));
  other->stop_on(stop.get_token());
  std::thread user([&] { stop.request_stop(); });
  EXPECT_EQ(code_of([&] { other->begin(); }), ErrorCode::interrupted);
  user.join();
}

// --- 4: what a script may not do ---

TEST_P(DriverConformance, ScriptMayNotControlTheTransaction) {
  db().begin();
  run("CREATE TABLE t (id INTEGER)");
  for (const char* sql : {"COMMIT", "END", "ROLLBACK", "BEGIN", "BEGIN IMMEDIATE", "SAVEPOINT s", "RELEASE s",
                          "ROLLBACK TO s", "/* ; */ commit", "END TRANSACTION"})
    EXPECT_EQ(refusal_of(sql), ErrorCode::refused_statement) << sql;
  EXPECT_TRUE(db().in_transaction());
  EXPECT_EQ(count("t"), 0);
}

TEST_P(DriverConformance, ScriptMayNotWriteBelaysTables) {
  commit_all({"CREATE TABLE belay_state (id INTEGER)", "INSERT INTO belay_state VALUES (1)"});
  db().protect({"belay_state"});
  db().begin();
  for (const char* sql :
       {"INSERT INTO belay_state VALUES (2)", "UPDATE belay_state SET id = 2", "DELETE FROM belay_state",
        "DROP TABLE belay_state", "ALTER TABLE belay_state RENAME TO x", "ALTER TABLE Belay_State ADD COLUMN x",
        "UPDATE BELAY_STATE SET id = 2", "CREATE TABLE IF NOT EXISTS belay_state (id INTEGER)",
        "CREATE TEMP TABLE belay_state (id INTEGER)", "CREATE TEMP VIEW belay_state AS SELECT 1 AS id",
        "CREATE INDEX i ON belay_state (id)", "CREATE TRIGGER r AFTER UPDATE ON belay_state BEGIN SELECT 1; END",
        "CREATE TEMP TRIGGER r AFTER UPDATE ON belay_state BEGIN SELECT 1; END"})
    EXPECT_EQ(refusal_of(sql), ErrorCode::refused_statement) << sql;
  EXPECT_EQ(value_of("SELECT id FROM belay_state"), Value(std::int64_t{1}));
}

TEST_P(DriverConformance, TriggerMayNotWriteBelaysTablesEither) {
  db().protect({"belay_state"});
  db().query("CREATE TABLE belay_state (id INTEGER)");
  db().begin();
  run_all({"CREATE TABLE t (id INTEGER)",
           "CREATE TRIGGER r AFTER INSERT ON t BEGIN INSERT INTO belay_state VALUES (new.id); END"});
  EXPECT_EQ(refusal_of("INSERT INTO t VALUES (1)"), ErrorCode::refused_statement);
}

TEST_P(DriverConformance, BelayItselfMayWriteItsTables) {
  db().protect({"belay_state"});
  db().query("CREATE TABLE belay_state (id INTEGER)");
  const std::array parameters{Parameter{":id", std::int64_t{5}}};
  db().query("INSERT INTO belay_state VALUES (:id)", parameters);
  EXPECT_EQ(value_of("SELECT id FROM belay_state"), Value(std::int64_t{5}));
}

TEST_P(DriverConformance, OneStatementIsOne) {
  for (const char* sql : {"SELECT 1; SELECT 2", "", ";", "-- nothing"})
    EXPECT_EQ(refusal_of(sql), ErrorCode::refused_statement) << sql;
}

// --- 5: what failed has no effect ---

TEST_P(DriverConformance, FailedStatementHasNoEffectOfItsOwn) {
  commit_all({"CREATE TABLE t (id INTEGER UNIQUE)"});
  db().begin();
  run("INSERT INTO t VALUES (3)");
  EXPECT_EQ(refusal_of("INSERT INTO t VALUES (1), (2), (3)"), ErrorCode::statement_failed);
  EXPECT_TRUE(db().in_transaction());
  EXPECT_EQ(count("t"), 1);
}

TEST_P(DriverConformance, ErrorNamesFileLineAndStatement) {
  const std::string sql = "CREATE TABLE t (\n  id INTEGER,\n  name TEX T NOT NUL\n)";
  const auto error = error_of([&] { db().run({sql, "versions/7.sql", 10}, {}); });
  EXPECT_EQ(error.file(), "versions/7.sql");
  EXPECT_EQ(error.line(), 12);
  EXPECT_EQ(error.statement(), sql);
}

TEST_P(DriverConformance, ErrorWhileAStatementRunsNamesItsFirstLine) {
  commit_all({"CREATE TABLE t (id INTEGER UNIQUE)"});
  const auto error = error_of([&] { db().run({"INSERT INTO t VALUES\n (1),\n (1)", "7.sql", 10}, {}); });
  EXPECT_EQ(error.line(), 10);
}

// --- 6: stopping ---

TEST_P(DriverConformance, StopInterruptsAStatement) {
  std::stop_source stop;
  db().stop_on(stop.get_token());
  std::thread user([&] { stop.request_stop(); });
  EXPECT_EQ(refusal_of(GetParam().endless), ErrorCode::interrupted);
  user.join();
}

TEST_P(DriverConformance, StopBeforeAStatementKeepsItFromRunning) {
  commit_all({"CREATE TABLE t (id INTEGER)"});
  std::stop_source stop;
  stop.request_stop();
  db().stop_on(stop.get_token());
  EXPECT_EQ(refusal_of("INSERT INTO t VALUES (1)"), ErrorCode::interrupted);
  db().stop_on({});
  EXPECT_EQ(count("t"), 0);
}

TEST_P(DriverConformance, InterruptEndsTheStatementAndNotTheNext) {
  Connection& connection = db();  // Opened by one of the two.
  std::atomic<bool> done = false;
  std::thread clock([&] {
    while (!done) connection.interrupt();
  });
  EXPECT_EQ(refusal_of(GetParam().endless), ErrorCode::timed_out);
  done = true;
  clock.join();
  commit_all({"CREATE TABLE t (id INTEGER)"});
  EXPECT_EQ(count("t"), 0);
}

// --- Values ---

TEST_P(DriverConformance, ParametersOfAllTypesComeBack) {
  const Blob blob{std::byte{0}, std::byte{255}};
  const std::array parameters{Parameter{":a", {}}, Parameter{":b", std::int64_t{-5}}, Parameter{":c", 0.1},
                              Parameter{":d", std::string("ü\0'", 4)}, Parameter{":e", blob}};
  const auto rows = db().query("SELECT :a, :b, :c, :d, :e, :b", parameters);
  EXPECT_EQ(rows.at(0), (Row{{}, std::int64_t{-5}, 0.1, std::string("ü\0'", 4), blob, std::int64_t{-5}}));
}

TEST_P(DriverConformance, ParametersOfAScriptAreBoundWhereTheyStand) {
  commit_all({"CREATE TABLE t (id INTEGER)", "INSERT INTO t VALUES (1), (2), (3), (4)"});
  const std::array slice{Parameter{":lo", std::int64_t{2}}, Parameter{":hi", std::int64_t{3}}};
  db().run({"DELETE FROM t WHERE id BETWEEN :lo AND :hi", "1.sql", 1}, slice);
  EXPECT_EQ(value_of("SELECT sum(id) FROM t"), Value(std::int64_t{5}));
}

TEST_P(DriverConformance, EmptyTextAndEmptyBlobAreNotNull) {
  const std::array parameters{Parameter{":a", std::string()}, Parameter{":b", Blob()}};
  EXPECT_EQ(db().query("SELECT :a, :b", parameters).at(0), (Row{std::string(), Blob()}));
  EXPECT_EQ(ask("SELECT '', X''").at(0), (Row{std::string(), Blob()}));
}

TEST_P(DriverConformance, QueryGivesItsRowsInOrder) {
  EXPECT_EQ(ask("SELECT 1 UNION ALL SELECT 2 UNION ALL SELECT 3").size(), 3U);
  EXPECT_EQ(ask("SELECT 1 WHERE 1 = 0").size(), 0U);
}

// --- Names ---

TEST_P(DriverConformance, QuotedNameIsThatName) {
  const std::string name = "odd \"name\" 'of' [a] table; -- ü";
  db().query("CREATE TABLE " + db().quote(name) + " (id INTEGER)");
  EXPECT_TRUE(db().has_table(name));
  EXPECT_FALSE(db().has_table("odd"));
}

TEST_P(DriverConformance, TransactionThatOutgrowsItsMemoryIsCrowded) {
  commit_all({"CREATE TABLE t (v)"});
  db().begin();
  EXPECT_FALSE(db().crowded());
  run("INSERT INTO t WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 5000) SELECT "
      "hex(randomblob(2000)) FROM n");
  EXPECT_TRUE(db().crowded());
  db().rollback();
  db().begin();
  EXPECT_FALSE(db().crowded());
}

}  // namespace
}  // namespace belay::engine

#include "engine/replay.h"

#include <gtest/gtest.h>

#include <set>
#include <stop_token>
#include <string>
#include <vector>

#include "tests/engine/fixture.h"
#include "versions/script.h"

namespace belay::engine {
namespace {

using versions::Graph;
using versions::Script;

versions::Script script(const std::string& id, const std::string& sql) {
  return versions::parse_script("-- revision: " + id + "\n-- parents: base\n-- migrate:up\n" + sql,
                                "versions/" + id + ".sql");
}

/// Scripts in a row, each the parent of the next.
Graph chain(const std::vector<std::string>& sections) {
  std::vector<Script> scripts;
  for (const auto& sql : sections) {
    scripts.push_back(script(std::to_string(1001 + scripts.size()), sql));
    if (scripts.size() > 1) scripts.back().parents = {scripts[scripts.size() - 2].id};
  }
  return Graph(std::move(scripts));
}

std::vector<bool> all(const Graph& graph) {
  return std::vector<bool>(graph.size(), true);
}

class Replaying : public testing::Test {
 protected:
  /// What there is, by name, in the order in which it was made.
  std::string names() {
    std::string text;
    for (const auto& object : scratch.schema().objects()) text += (text.empty() ? "" : " ") + object->name;
    return text;
  }
  /// Each point of the replay, and what was there.
  std::vector<std::string> points_of(const Graph& graph) {
    std::vector<std::string> points;
    replay(scratch, graph, all(graph),
           [&](const ReplayPoint& point) { points.push_back(describe(point) + ": " + names()); });
    return points;
  }

  Replay scratch{{"sqlite", "/nowhere/app.db"}, "belay_version"};
};

TEST_F(Replaying, EachPointHasItsOwnSchema) {
  const Graph graph = chain({"CREATE TABLE a (x);\nCREATE TABLE b (x);", "SELECT 1;", "DROP TABLE a;"});
  EXPECT_EQ(points_of(graph),
            (std::vector<std::string>{"base: ", "revision 1001 after step 1 of 2 (versions/1001.sql:4): a",
                                      "revision 1001: a b", "revision 1002: a b", "revision 1003: b"}));
}

TEST_F(Replaying, RevisionWithoutStepsIsAPointOfItsOwn) {
  Graph graph = chain({"CREATE TABLE a (x);"});
  Script merge = script("1002", "SELECT 1;");
  merge.up.clear();
  merge.parents = {{"1001"}};
  std::vector<Script> scripts = graph.scripts();
  scripts.push_back(merge);
  EXPECT_EQ(points_of(Graph(std::move(scripts))),
            (std::vector<std::string>{"base: ", "revision 1001: a", "revision 1002: a"}));
}

TEST_F(Replaying, OnlyWhatIsChosenIsRun) {
  const Graph graph = chain({"CREATE TABLE a (x);", "CREATE TABLE b (x);", "CREATE TABLE c (x);"});
  replay(scratch, graph, {true, true, false});
  EXPECT_EQ(names(), "a b");
}

TEST_F(Replaying, DownSectionTakesBackWhatUpHasMade) {
  const Script there = script("1001", "CREATE TABLE a (x);\n-- migrate:down\nDROP TABLE a;");
  scratch.up(there);
  EXPECT_EQ(names(), "a");
  scratch.down(there);
  EXPECT_EQ(names(), "");
  scratch.down(script("1002", "SELECT 1;"));
}

TEST_F(Replaying, StepsOutsideATransactionRunAsInARealRun) {
  scratch.up(
      script("1001",
             "CREATE TABLE a (x);\n-- migrate:step wal transaction:off\nPRAGMA journal_mode = WAL;\n"
             "-- migrate:step pack transaction:off repeatable:yes\nVACUUM;\n-- migrate:step\nCREATE TABLE b (x);"));
  EXPECT_EQ(names(), "a b");
  EXPECT_FALSE(scratch.connection().in_transaction());
}

TEST_F(Replaying, BatchStepIsOneSliceOfAllRows) {
  scratch.up(
      script("1001",
             "CREATE TABLE a (id INTEGER PRIMARY KEY, x);\nINSERT INTO a (id) VALUES (3), (5), (9);\n"
             "-- migrate:step fill batch:1 over:a.id\nUPDATE a SET x = :lo || '-' || :hi WHERE id BETWEEN :lo AND "
             ":hi;"));
  const auto rows = scratch.connection().query("SELECT DISTINCT x FROM a");
  ASSERT_EQ(rows.size(), 1U);
  EXPECT_EQ(rows[0][0], Value(std::string("3-9")));
}

TEST_F(Replaying, BatchStepOverNoRowsDoesNothing) {
  scratch.up(script("1001",
                    "CREATE TABLE a (id INTEGER PRIMARY KEY);\n-- migrate:step batch:10 over:a.id\n"
                    "INSERT INTO a VALUES (coalesce(:lo + :hi, 1));"));
  EXPECT_EQ(scratch.connection().query("SELECT 1 FROM a").size(), 0U);
}

TEST_F(Replaying, RowsThatOnlyTheRealDatabaseHasAreNotAskedFor) {
  scratch.up(
      script("1001",
             "CREATE TABLE p (id INTEGER PRIMARY KEY);\nCREATE TABLE c (p REFERENCES p);\nINSERT INTO c VALUES (7);\n"
             "-- migrate:verify\nSELECT count(*) > 0 FROM p;"));
  EXPECT_EQ(names(), "p c");
}

TEST_F(Replaying, FailureNamesItsPlaceAndLeavesTheSchemaAsItWas) {
  scratch.up(script("1001", "CREATE TABLE a (x);"));
  EXPECT_EQ(names(), "a");
  const Error error = error_of([&] { scratch.up(script("1002", "CREATE TABLE b (x);\n\nCREATE TABLE\na (y);")); });
  EXPECT_EQ(error.code(), ErrorCode::statement_failed);
  EXPECT_EQ(error.file() + ":" + std::to_string(error.line()), "versions/1002.sql:7");
  EXPECT_EQ(error.statement(), "CREATE TABLE\na (y)");
  EXPECT_EQ(error.state(), "nothing was changed: this was tried on a scratch database");
  EXPECT_EQ(names(), "a");
  scratch.up(script("1003", "CREATE TABLE c (x);"));
  EXPECT_EQ(names(), "a c");
}

TEST_F(Replaying, SchemaThatWasRolledBackIsNotTakenForTheNextOne) {
  const auto fails = script("1001", "CREATE TABLE a (x);\nSELECT nothing;");
  EXPECT_THROW(scratch.up(fails, [this](std::size_t) { EXPECT_EQ(names(), "a"); }), Error);
  scratch.up(script("1002", "CREATE TABLE b (x);"), [this](std::size_t) { EXPECT_EQ(names(), "b"); });
  EXPECT_EQ(names(), "b");
}

TEST_F(Replaying, CatalogueThatIsWrittenByHandIsReadAgain) {
  scratch.up(script("1001", "CREATE TABLE a (x);"));
  const std::string before = scratch.schema().fingerprint();
  scratch.up(script("1002",
                    "PRAGMA writable_schema = ON;\nUPDATE sqlite_schema SET sql = 'CREATE TABLE a (x NOT NULL)' WHERE "
                    "name = 'a';\nPRAGMA writable_schema = OFF;"));
  EXPECT_NE(scratch.schema().fingerprint(), before);
}

TEST_F(Replaying, ScriptsMayNotTouchBelaysOwnTablesHereEither) {
  EXPECT_EQ(code_of([&] { scratch.up(script("1001", "DROP TABLE belay_version;")); }), ErrorCode::refused_statement);
  EXPECT_EQ(code_of([&] { scratch.up(script("1001", "COMMIT;")); }), ErrorCode::refused_statement);
  scratch.up(script("1001", "CREATE TABLE a AS SELECT revision FROM belay_version;"));
}

TEST_F(Replaying, FileOfSqlMayHoldWhatTheShellPrintsOfASchema) {
  scratch.run("schema.sql", versions::split_statements("CREATE TABLE a (id INTEGER PRIMARY KEY AUTOINCREMENT);\n"
                                                       "CREATE TABLE sqlite_sequence(name,seq);\nCREATE TABLE b (x);"));
  EXPECT_EQ(names(), "a b");
}

TEST_F(Replaying, SchemaOfALiveDatabaseCanBeLoaded) {
  const auto live = connect_scratch({"sqlite", "app.db"});
  for (const char* sql : {"CREATE TABLE t (a)", "CREATE VIEW v AS SELECT b FROM u",
                          "CREATE TRIGGER r INSTEAD OF INSERT ON v BEGIN SELECT 1; END", "CREATE TABLE u (b)",
                          "CREATE INDEX i ON u (b)", "CREATE VIRTUAL TABLE f USING fts5(a)"})
    live->query(sql);
  const auto schema = introspect(*live, {});
  scratch.load(schema);
  EXPECT_EQ(scratch.schema().fingerprint(), schema.fingerprint());
}

TEST_F(Replaying, ObjectThatCannotBeLoadedIsNamed) {
  versions::schema::ObjectReader reader;
  const versions::schema::Schema schema(
      {reader.read({"table", "g", "g", "CREATE VIRTUAL TABLE g USING unheard_of(a)"})});
  const Error error = error_of([&] { scratch.load(schema); });
  EXPECT_EQ(error.file(), "virtual table g");
  EXPECT_NE(std::string(error.what()).find("unheard_of"), std::string::npos);
}

TEST_F(Replaying, EndsOnTheStopToken) {
  std::stop_source stop;
  scratch.connection().stop_on(stop.get_token());
  stop.request_stop();
  EXPECT_EQ(code_of([&] { scratch.up(script("1001", "CREATE TABLE a (x);")); }), ErrorCode::interrupted);
}

/// A table each, and every schema fingerprinted: more than what fix-state asks for.
TEST_F(Replaying, EachOfAThousandRevisionsMakesAnotherSchema) {
  std::vector<std::string> sections;
  sections.reserve(1000);
  for (int i = 0; i < 1000; ++i)
    sections.push_back("CREATE TABLE t" + std::to_string(i) +
                       " (id INTEGER PRIMARY KEY, name TEXT NOT NULL, at TEXT);");
  const Graph graph = chain(sections);
  std::set<std::string> fingerprints;
  replay(scratch, graph, all(graph), [&](const ReplayPoint&) { fingerprints.insert(scratch.schema().fingerprint()); });
  EXPECT_EQ(fingerprints.size(), 1001U);
}

}  // namespace
}  // namespace belay::engine

// diff: two schemas of four kinds of sources.

#include "tests/cli/project.h"

namespace belay::cli {
namespace {

class Diff : public Project {
 protected:
  Diff() {
    configure();
    script("1001", {.up = "CREATE TABLE rooms (id INTEGER PRIMARY KEY, code TEXT);"});
    script("1002", {.parents = "1001", .up = "CREATE INDEX by_code ON rooms (code);\nCREATE TABLE beds (id INTEGER);"});
    script("1003", {.parents = "1002", .up = "ALTER TABLE rooms ADD COLUMN floor INTEGER NOT NULL DEFAULT 0;"});
  }
};

TEST_F(Diff, NothingDiffersWhereEverythingIsApplied) {
  must({"migrate"});
  const auto before = files();
  const Outcome outcome = must({"diff"});
  EXPECT_EQ(outcome.out, "");
  EXPECT_EQ(outcome.err, "no difference between the database sqlite:app.db and the scripts up to heads\n");
  EXPECT_EQ(must({"diff", "--json"}).json().at("differences"), Json::array());
  EXPECT_EQ(run({"diff", "--exit-code"}).exit, exit_done);
  EXPECT_EQ(changed_since(before), "");
}

TEST_F(Diff, WhatIsPendingIsToldObjectByObject) {
  must({"migrate", "--to", "1001"});
  const Outcome outcome = must({"diff"});
  EXPECT_EQ(outcome.out,
            "+ table beds\n"
            "~ table rooms\n"
            "    column floor added: floor INTEGER NOT NULL DEFAULT 0\n"
            "+ index by_code\n");
  EXPECT_EQ(outcome.err, "what turns the database sqlite:app.db into the scripts up to heads:\n");
}

TEST_F(Diff, WhatWasDoneByHandIsFound) {
  must({"migrate"});
  Database(root / "app.db").run("DROP INDEX by_code; CREATE TABLE mine (x); ALTER TABLE beds RENAME id TO number");
  EXPECT_EQ(must({"diff"}).out,
            "~ table beds\n"
            "    column number removed\n"
            "    column id added: id INTEGER\n"
            "- table mine\n"
            "+ index by_code\n");
}

TEST_F(Diff, SqlOfWhatOneSideAloneHasIsShownWhereMoreIsAskedFor) {
  write("one.sql", "CREATE TABLE a (\n  x INT -- here\n);");
  EXPECT_EQ(must({"diff", "versions:base", "one.sql", "-v"}).out,
            "+ table a\n    CREATE TABLE a (\n      x INT -- here\n    )\n");
  EXPECT_EQ(must({"diff", "one.sql", "versions:base", "-v"}).out,
            "- table a\n    CREATE TABLE a (\n      x INT -- here\n    )\n");
}

TEST_F(Diff, JsonHasTheKeysOfTheContract) {
  must({"migrate", "--to", "1002"});
  Database(root / "app.db").run("DROP TABLE beds; CREATE TABLE mine (x)");
  const Json json = must({"diff", "--json"}).json();
  EXPECT_EQ(json.at("ok"), true);
  EXPECT_EQ(json.at("exit"), exit_done);
  EXPECT_EQ(json.at("differences"), Json::parse(R"([
    {"kind": "added", "object": "beds", "type": "table", "details": []},
    {"kind": "removed", "object": "mine", "type": "table", "details": []},
    {"kind": "changed", "object": "rooms", "type": "table",
     "details": ["column floor added: floor INTEGER NOT NULL DEFAULT 0"]}])"));
}

TEST_F(Diff, DifferenceIsToldByTheExitStatusWhereAsked) {
  EXPECT_EQ(run({"diff"}).exit, exit_done);
  EXPECT_EQ(run({"diff", "--exit-code"}).exit, exit_differences);
  const Outcome outcome = run({"diff", "--exit-code", "--json"});
  EXPECT_EQ(outcome.exit, exit_differences);
  EXPECT_EQ(outcome.json().at("exit"), exit_differences);
}

TEST_F(Diff, RevisionsAreComparedWithoutADatabase) {
  write("belay.toml", "");
  EXPECT_EQ(must({"diff", "versions:1001", "versions:1002"}).out, "+ table beds\n+ index by_code\n");
  EXPECT_EQ(must({"diff", "versions:head", "versions:base"}).out, "- table beds\n- table rooms\n- index by_code\n");
  EXPECT_EQ(must({"diff", "versions", "versions:head"}).out, "");
}

TEST_F(Diff, FileOfSqlIsRunOnAScratchDatabase) {
  write("schema.sql",
        "/* as it should be */ create table ROOMS (\"id\" integer, code text, floor integer default 0 not null,\n"
        "  primary key (id));\n"
        "CREATE TABLE beds (id INTEGER);\nCREATE INDEX by_code ON rooms (code ASC);\nINSERT INTO beds VALUES (1);\n");
  EXPECT_EQ(must({"diff", "versions", "schema.sql"}).out, "");
  must({"migrate"});
  EXPECT_EQ(must({"diff", "schema.sql", "db"}).out, "");
}

TEST_F(Diff, AnotherDatabaseIsNamedByItsUrl) {
  must({"migrate", "--to", "1002"});
  must({"--database", "sqlite:other.db", "migrate"});
  const std::string expected = "~ table rooms\n    column floor added: floor INTEGER NOT NULL DEFAULT 0\n";
  EXPECT_EQ(must({"diff", "db", "sqlite:other.db"}).out, expected);
  EXPECT_EQ(must({"diff", "db", "other.db"}).out, expected);
}

TEST_F(Diff, DatabaseThatIsNotThereYetIsEmptyAndIsNotMade) {
  const auto before = files();
  const Outcome outcome = must({"diff", "db", "versions:1001"});
  EXPECT_EQ(outcome.out, "+ table rooms\n");
  EXPECT_NE(outcome.err.find("(not there yet)"), std::string::npos);
  EXPECT_EQ(changed_since(before), "");
}

TEST_F(Diff, TablesOfBelayAndOfOtherToolsAreNoDifference) {
  must({"migrate"});
  Database(root / "app.db").run("CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL)");
  EXPECT_EQ(must({"diff"}).out, "");
}

TEST_F(Diff, BranchesAreComparedWithAllTheirHeads) {
  script("2001", {.parents = "1001", .up = "CREATE TABLE guests (id INTEGER);"});
  must({"upgrade", "heads"});
  EXPECT_EQ(must({"diff"}).out, "");
  EXPECT_EQ(must({"diff", "versions:1003", "versions:2001"}).exit, exit_done);
  EXPECT_EQ(refusal({"diff", "db", "versions:head"}), (Refusal{exit_refused, "several-heads"}));
}

TEST_F(Diff, SourceThatIsNotThereIsRefused) {
  EXPECT_EQ(refusal({"diff", "db", "missing.sql"}).exit, exit_missing_input);
  EXPECT_EQ(refusal({"diff", "db", "versions:77"}), (Refusal{exit_usage, "unknown-revision"}));
  EXPECT_EQ(refusal({"diff", "db", "missing.db"}).exit, exit_unavailable);
  EXPECT_EQ(refusal({"diff", "db", "version"}), (Refusal{exit_usage, "usage"}));
  EXPECT_EQ(refusal({"diff", "db", "oracle:app"}), (Refusal{exit_usage, "bad-url"}));
  EXPECT_EQ(refusal({"diff", "db", "versions", "db"}).exit, exit_usage);
}

TEST_F(Diff, SqlThatDoesNotRunIsNamedWithItsPlace) {
  write("schema.sql", "CREATE TABLE a (x);\n\nCREATE TABLE a (y);\n");
  EXPECT_EQ(refusal({"diff", "db", "schema.sql"}), (Refusal{exit_failed, "statement-failed", "schema.sql:3"}));
  write("schema.sql", "CREATE TABLE a (x);\nCREATE TABLE b ('x);\n");
  EXPECT_EQ(refusal({"diff", "db", "schema.sql"}), (Refusal{exit_config, "malformed-script", "schema.sql:2"}));
  script("1004", {.parents = "1003", .up = "CREATE TABLE rooms (x);"});
  EXPECT_EQ(refusal({"diff"}).exit, exit_failed);
}

TEST_F(Diff, FileThatIsNoDatabaseIsSaidToBeNone) {
  write("notes.db", std::string(5000, 'x'));
  EXPECT_EQ(refusal({"diff", "db", "notes.db"}), (Refusal{exit_unavailable, "not-a-database", "notes.db"}));
}

}  // namespace
}  // namespace belay::cli

// Where the rows of now are once scripts have run, by what the scripts themselves say.

#include "recovery/moved_rows.h"

#include <gtest/gtest.h>

#include <ostream>
#include <string>

#include "versions/statement.h"

namespace belay::recovery {
namespace {

using versions::schema::Rename;

struct Case {
  const char* name;
  const char* script;
  const char* tables;   ///< That are there afterwards.
  const char* renames;  ///< `t>u t.a>b`
  const char* rebuilt;
  const char* gone;
  bool written = false;  ///< The table t, or what it is called then.
};

std::ostream& operator<<(std::ostream& stream, const Case& one) {
  return stream << one.name;
}

versions::schema::Schema schema(const std::string& names) {
  versions::schema::ObjectReader reader;
  versions::schema::Schema::Objects objects;
  for (const char name : names)
    if (name != ' ')
      objects.push_back(reader.read({"table", {name}, {name}, std::string("CREATE TABLE ") + name + " (a, b)"}));
  return versions::schema::Schema(objects);
}

std::string text(const versions::schema::Renames& renames) {
  std::string text;
  for (const auto& one : renames)
    text += (text.empty() ? "" : " ") + (one.table.empty() ? "" : one.table + ".") + one.from + ">" + one.to;
  return text;
}

std::string text(const auto& names) {
  std::string text;
  for (const auto& name : names) text += (text.empty() ? "" : " ") + name;
  return text;
}

class Moved : public testing::TestWithParam<Case> {};

TEST_P(Moved, RowsAreFollowed) {
  const auto& one = GetParam();
  MovedRows moved(schema("t s"));
  moved.begin();
  for (const auto& statement : versions::split_statements(one.script)) moved.look(statement.text);
  moved.end(schema(one.tables));
  EXPECT_EQ(text(moved.renames()), one.renames);
  EXPECT_EQ(text(moved.rebuilt()), one.rebuilt);
  EXPECT_EQ(text(moved.gone()), one.gone);
  EXPECT_EQ(moved.writes("t") || moved.writes("u"), one.written);
}

INSTANTIATE_TEST_SUITE_P(
    Scripts, Moved,
    testing::Values(
        Case{"Nothing", "ALTER TABLE t ADD COLUMN c; CREATE INDEX i ON t (a); SELECT 1; garbage", "t s", "", "", ""},
        Case{"Renamed",
             "ALTER TABLE main.\"t\" RENAME TO [u]; ALTER TABLE u RENAME COLUMN a TO c;"
             "ALTER TABLE u RENAME c TO d",
             "u s", "t>u u.a>d", "", ""},
        Case{"RenamedThereAndBack", "ALTER TABLE t RENAME TO u; ALTER TABLE u RENAME TO T", "T s", "", "", ""},
        Case{"Dropped", "DROP TABLE IF EXISTS t", "s", "", "", "t"},
        Case{"DroppedAndMadeAgain", "DROP TABLE t; CREATE TABLE t (a, b); INSERT INTO t SELECT * FROM s", "t s", "", "",
             "t"},
        Case{"Rebuilt",
             "CREATE TABLE n (a, b); INSERT INTO n (a, b) SELECT a, b FROM t; DROP TABLE t;"
             "ALTER TABLE n RENAME TO t",
             "t s", "", "t", ""},
        Case{"RebuiltByPositions",
             "CREATE TABLE n (c, b); INSERT INTO n SELECT a, t.b FROM t ORDER BY rowid;"
             "DROP TABLE t; ALTER TABLE n RENAME TO t",
             "t s", "t.a>c", "t", ""},
        Case{"RebuiltByQuotedNames",
             "CREATE TABLE n (c, b); INSERT INTO n SELECT \"a\", [b] FROM `t` \"x\"; DROP TABLE t;"
             "ALTER TABLE n RENAME TO t",
             "t s", "t.a>c", "t", ""},
        Case{"RebuiltOutOfTheWay",
             "ALTER TABLE t RENAME TO o; CREATE TABLE t (a, b);"
             "INSERT INTO t SELECT * FROM o AS x; DROP TABLE o",
             "t s", "", "t", ""},
        Case{"RebuiltUnderANewName", "CREATE TABLE u AS SELECT a AS c, b FROM t; DROP TABLE t", "u s", "t>u u.a>c", "u",
             ""},
        Case{"RebuiltByWayOfATemporaryTable",
             "CREATE TEMP TABLE k AS SELECT * FROM t; DROP TABLE t; CREATE TABLE t (a, b);"
             "INSERT INTO t SELECT * FROM k",
             "t s", "", "t", ""},
        Case{"RebuiltWithNewValues",
             "CREATE TABLE n (a, b); INSERT INTO n SELECT a, coalesce(b, 0) FROM t;"
             "DROP TABLE t; ALTER TABLE n RENAME TO t",
             "t s", "", "t", "", true},
        Case{"RebuiltWithoutDoubles",
             "CREATE TABLE n (a, b); INSERT OR IGNORE INTO n SELECT * FROM t; DROP TABLE t;"
             "ALTER TABLE n RENAME TO t",
             "t s", "", "t", "", true},
        Case{"CopyOfAPart",
             "CREATE TABLE n (a, b); INSERT INTO n SELECT a, b FROM t WHERE a; DROP TABLE t;"
             "ALTER TABLE n RENAME TO t",
             "t s", "", "", "t"},
        Case{"CopyOfTwo", "CREATE TABLE u (a, b); INSERT INTO u SELECT t.a, s.b FROM t, s; DROP TABLE t", "u s", "", "",
             "t"},
        Case{"CopyOfSums", "CREATE TABLE u (a); INSERT INTO u SELECT max(a) FROM t; DROP TABLE t", "u s", "", "", "t"},
        Case{"CopyOfWhatIsDistinct", "CREATE TABLE u (a); INSERT INTO u SELECT DISTINCT a FROM t; DROP TABLE t", "u s",
             "", "", "t"},
        Case{"CopyThatIsKeptBesides", "CREATE TABLE k AS SELECT * FROM t", "t s k", "", "", ""},
        Case{"Updated", "UPDATE OR IGNORE t SET a = 1", "t s", "", "", "", true},
        Case{"UpdatedBehindDefinitions", "WITH x AS (SELECT 1) UPDATE t SET a = 1", "t s", "", "", "", true},
        Case{"UpdatedAndRenamed", "DELETE FROM t WHERE a; ALTER TABLE t RENAME TO u", "u s", "t>u", "", "", true},
        Case{"AnotherOneUpdated", "INSERT INTO s VALUES (1, 2)", "t s", "", "", ""},
        Case{"Replaced", "REPLACE INTO t VALUES (1, 2)", "t s", "", "", "", true},
        Case{"WhatIsNotThereUpdated", "UPDATE nope SET a = 1; ALTER TABLE nope RENAME TO x", "t s", "", "", ""},
        Case{"MadeOfNothing", "CREATE TABLE k AS SELECT 1; WITH x AS (SELECT 1)", "t s k", "", "", ""},
        Case{"MadeOnce",
             "CREATE TABLE IF NOT EXISTS t (c); CREATE TABLE n (a); CREATE TABLE IF NOT EXISTS n AS SELECT * FROM t;"
             "DROP TABLE t",
             "n s", "", "", "t"},
        Case{"MadeChangedAndDropped",
             "CREATE TEMPORARY TABLE n (a); ALTER TABLE n RENAME COLUMN a TO c; ALTER TABLE n RENAME TO m;"
             "DROP TABLE m",
             "t s", "", "", ""},
        Case{"ColumnRenamedThereAndBack", "ALTER TABLE t RENAME COLUMN a TO c; ALTER TABLE t RENAME COLUMN c TO A",
             "t s", "", "", ""},
        Case{"RenamedAfterItWasCopied",
             "CREATE TABLE n AS SELECT * FROM t; ALTER TABLE t RENAME TO o; ALTER TABLE n RENAME TO t; DROP TABLE o",
             "t s", "", "t", ""},
        Case{"ColumnRenamedAndCopiedUnderAThirdName",
             "ALTER TABLE t RENAME COLUMN a TO c; CREATE TABLE n AS SELECT c AS d, b FROM t; DROP TABLE t;"
             "ALTER TABLE n RENAME TO t",
             "t s", "t.a>d", "t", ""},
        Case{"UpdatedAndRebuilt",
             "UPDATE t SET a = 1; CREATE TABLE n AS SELECT * FROM t; DROP TABLE t; ALTER TABLE n RENAME TO t", "t s",
             "", "t", "", true},
        Case{"RebuiltAndUpdatedInTheCopy",
             "CREATE TABLE n (a, b); INSERT OR ABORT INTO n SELECT * FROM t; UPDATE n SET a = 1;"
             "INSERT INTO n VALUES (1, 2); DROP TABLE t; ALTER TABLE n RENAME TO t",
             "t s", "", "t", "", true},
        Case{"GoneByOtherMeans", "", "s", "", "", "t"},
        Case{"GoneByOtherMeansBehindACopy", "CREATE TABLE u AS SELECT * FROM t", "u s", "t>u", "u", ""}),
    [](const auto& one) { return std::string(one.param.name); });

TEST(MovedRows, EachScriptTellsOnlyOfItsOwnRebuilds) {
  MovedRows moved(schema("t"));
  moved.begin();
  for (const char* sql : {"CREATE TABLE n AS SELECT * FROM t", "DROP TABLE t", "ALTER TABLE n RENAME TO t"})
    moved.look(sql);
  moved.end(schema("t"));
  moved.begin();
  moved.look("ALTER TABLE t RENAME COLUMN a TO c");
  moved.end(schema("t"));
  EXPECT_EQ(text(moved.rebuilt()), "");
  EXPECT_EQ(text(moved.renames()), "t.a>c");
}

TEST(MovedRows, AVirtualTableIsFollowedAsWell) {
  const auto words = [](const std::string& name) {
    versions::schema::ObjectReader reader;
    return versions::schema::Schema(
        {reader.read({"table", name, name, "CREATE VIRTUAL TABLE " + name + " USING f(a)"})});
  };
  MovedRows moved(words("v"));
  moved.begin();
  moved.look("ALTER TABLE v RENAME TO w");
  moved.end(words("w"));
  EXPECT_EQ(text(moved.renames()), "v>w");
  EXPECT_EQ(text(moved.gone()), "");
  moved.end(words("v"));
  EXPECT_EQ(text(moved.gone()), "v");
}

}  // namespace
}  // namespace belay::recovery

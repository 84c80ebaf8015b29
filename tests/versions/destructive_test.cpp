#include "versions/destructive.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace belay::versions {
namespace {

/// What each statement takes away, `-` for nothing.
std::vector<std::string> looked(const std::vector<std::string>& statements) {
  DestructiveStatements search;
  std::vector<std::string> found;
  found.reserve(statements.size());
  for (const auto& statement : statements) found.push_back(search.look(statement).value_or("-"));
  return found;
}

std::string look(const std::string& statement) {
  return looked({statement}).at(0);
}

TEST(DestructiveTest, WhatTakesDataAwayIsFound) {
  EXPECT_EQ(look("DROP TABLE rooms"), "drops table rooms");
  EXPECT_EQ(look("drop table if exists main.Rooms"), "drops table Rooms");
  EXPECT_EQ(look("ALTER TABLE rooms DROP COLUMN code"), "drops a column of rooms");
  EXPECT_EQ(look("alter table rooms drop code"), "drops a column of rooms");
  EXPECT_EQ(look("DELETE FROM rooms WHERE id = 1"), "deletes from rooms");
  EXPECT_EQ(look("WITH old(id) AS (SELECT 1) DELETE FROM rooms WHERE id IN old"), "deletes from rooms");
}

TEST(DestructiveTest, WhatOnlyLooksLikeItIsNot) {
  EXPECT_EQ(look("DELETE FROM sqlite_sequence WHERE name = 'rooms'"), "-");
  for (const char* sql :
       {"DROP INDEX rooms_code", "DROP VIEW v", "DROP TRIGGER t", "ALTER TABLE rooms RENAME COLUMN a TO b",
        "ALTER TABLE rooms ADD COLUMN a DEFAULT 'drop table rooms'", "ALTER TABLE rooms RENAME TO drop_table",
        "INSERT INTO log VALUES ('DELETE FROM rooms')", "UPDATE rooms SET deleted = 1", "SELECT 1 -- DROP TABLE rooms",
        "WITH d AS (SELECT 'x') INSERT INTO rooms SELECT * FROM d", "EXPLAIN DELETE FROM rooms", "VACUUM", "",
        "INSERT INTO rooms SELECT \"delete\" FROM \"drop table\"", "SELECT [delete from] FROM rooms"})
    EXPECT_EQ(look(sql), "-") << sql;
}

TEST(DestructiveTest, BodyOfATriggerTakesNothingAwayByItself) {
  EXPECT_EQ(look("CREATE TRIGGER t AFTER INSERT ON a BEGIN DELETE FROM b; DELETE FROM c; END"), "-");
  EXPECT_EQ(look("CREATE TEMP TRIGGER t AFTER INSERT ON a BEGIN DELETE FROM b; END"), "-");
}

TEST(DestructiveTest, CommentsAndQuotesAreReadAsSqliteReadsThem) {
  EXPECT_EQ(look("/* gone */ DROP -- now\nTABLE /**/ \"my \"\"rooms\"\"\""), "drops table my \"rooms\"");
  EXPECT_EQ(look("DROP TABLE [my rooms]"), "drops table my rooms");
  EXPECT_EQ(look("DELETE FROM 'main' . `rooms`"), "deletes from rooms");
}

TEST(DestructiveTest, WhatThePlanHasCreatedDoesNotCount) {
  EXPECT_EQ(looked({"CREATE TABLE a (x)", "DELETE FROM A", "ALTER TABLE \"a\" DROP COLUMN x", "DROP TABLE a"}),
            (std::vector<std::string>{"-", "-", "-", "-"}));
  EXPECT_EQ(looked({"CREATE TABLE a (x)", "DROP TABLE a", "DROP TABLE a"}).at(2), "drops table a");
  EXPECT_EQ(looked({"CREATE TABLE new (x)", "DROP TABLE rooms", "ALTER TABLE new RENAME TO rooms", "DELETE FROM rooms",
                    "DELETE FROM new"}),
            (std::vector<std::string>{"-", "drops table rooms", "-", "-", "deletes from new"}));
  EXPECT_EQ(looked({"CREATE VIRTUAL TABLE f USING fts5(x)", "DROP TABLE f"}).at(1), "-");
}

/// There may be one already, with rows in it.
TEST(DestructiveTest, TableThatMayHaveBeenThereCounts) {
  EXPECT_EQ(looked({"CREATE TABLE IF NOT EXISTS a (x)", "DROP TABLE a"}).at(1), "drops table a");
  EXPECT_EQ(looked({"CREATE TEMP TABLE a (x)", "DROP TABLE a"}).at(1), "drops table a");
  EXPECT_EQ(look("DROP TABLE temp.a"), "-");
}

TEST(DestructiveTest, AnyTextIsLookedAt) {
  for (const char* sql :
       {"DROP", "DROP TABLE", "DROP TABLE IF", "DROP TABLE a.", "ALTER TABLE", "DELETE", "WITH", "WITH (((", "CREATE",
        "CREATE TABLE", "'unclosed", "DROP TABLE \"unclosed", "\"", ".", "..", "DELETE FROM \"\"", "\xff\xfe"})
    EXPECT_NO_THROW(look(sql)) << sql;
}

}  // namespace
}  // namespace belay::versions

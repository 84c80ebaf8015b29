#include "engine/introspect.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "engine/connection.h"
#include "engine/version_table.h"
#include "tests/engine/fixture.h"

namespace belay::engine {
namespace {

using versions::schema::ObjectType;
using versions::schema::Schema;

class Introspect : public testing::Test {
 protected:
  void run(const std::vector<std::string>& statements) {
    for (const auto& sql : statements) connection->query(sql);
  }
  /// `type name` of each object, in the order in which they were made.
  std::vector<std::string> objects(std::vector<std::string> left_out = {}) {
    std::vector<std::string> names;
    const Schema schema = introspect(*connection, std::move(left_out));
    for (const auto& object : schema.objects())
      names.push_back(std::string(name_of(object->type)) + " " + object->name);
    return names;
  }

  std::unique_ptr<Connection> connection = connect_scratch({"sqlite", "/nowhere/app.db"});
};

using Names = std::vector<std::string>;

TEST_F(Introspect, ScratchDatabaseIsEmptyAndTouchesNoFile) {
  EXPECT_EQ(objects(), Names{});
  EXPECT_FALSE(std::filesystem::exists("/nowhere"));
  EXPECT_FALSE(std::filesystem::exists(":memory:"));
}

TEST_F(Introspect, EveryKindOfObjectIsRead) {
  run({"CREATE TABLE t (a)", "CREATE VIEW v AS SELECT a FROM t", "CREATE INDEX i ON t (a)",
       "CREATE TRIGGER r AFTER INSERT ON t BEGIN SELECT 1; END", "CREATE TABLE u (b)"});
  EXPECT_EQ(objects(), (Names{"table t", "view v", "index i", "trigger r", "table u"}));
}

TEST_F(Introspect, WhatSqliteKeepsForItselfIsNoPartOfIt) {
  run({"CREATE TABLE t (id INTEGER PRIMARY KEY AUTOINCREMENT, a UNIQUE)", "INSERT INTO t (a) VALUES (1)", "ANALYZE"});
  EXPECT_EQ(objects(), Names{"table t"});
}

TEST_F(Introspect, TablesBehindAVirtualTableAreNoPartOfIt) {
  run({"CREATE TABLE f_notes (a)", "CREATE VIRTUAL TABLE f USING fts5(a)",
       "CREATE VIRTUAL TABLE b USING rtree(id, x, y)"});
  EXPECT_EQ(objects(), (Names{"table f_notes", "virtual table f", "virtual table b"}));
}

TEST_F(Introspect, TablesThatAreLeftOutTakeAlongWhatHangsOnThem) {
  VersionTable(*connection, "My_Versions").create("id");
  run({"CREATE TABLE alembic_version (version_num)", "CREATE INDEX i ON alembic_version (version_num)",
       "CREATE TABLE t (a)"});
  auto left_out = own_tables("my_versions");
  left_out.emplace_back("ALEMBIC_VERSION");
  EXPECT_EQ(objects(left_out), Names{"table t"});
}

TEST_F(Introspect, TableInTempIsNoPartOfIt) {
  run({"CREATE TEMP TABLE t (a)", "CREATE TEMP VIEW v AS SELECT 1"});
  EXPECT_EQ(objects(), Names{});
}

TEST_F(Introspect, TextIsKeptByteForByte) {
  const std::string sql = "CREATE TABLE t (\n  a  INT, -- größe\n  b\n)";
  run({sql});
  EXPECT_EQ(introspect(*connection, {}).find(ObjectType::table, "T")->sql, sql);
}

TEST_F(Introspect, ObjectThatIsReadAgainIsTheSame) {
  run({"CREATE TABLE t (a)"});
  Introspector introspector({});
  const Schema before = introspector.read(*connection);
  run({"CREATE TABLE u (a)"});
  const Schema after = introspector.read(*connection);
  EXPECT_EQ(before.objects().at(0), after.objects().at(0));
  EXPECT_NE(before.fingerprint(), after.fingerprint());
}

TEST_F(Introspect, FileThatIsOnlyReadIsReadAlike) {
  const Folder folder;
  const DatabaseUrl url{"sqlite", folder / "app.db"};
  connect(url, {})->query("CREATE TABLE t (a)");
  const auto reader = connect(url, {.read_only = true});
  run({"CREATE TABLE t (a)"});
  EXPECT_EQ(introspect(*reader, {}).fingerprint(), introspect(*connection, {}).fingerprint());
}

}  // namespace
}  // namespace belay::engine

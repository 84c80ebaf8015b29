#include "recovery/foreign_tools.h"

#include "tests/recovery/fixture.h"

namespace belay::recovery {
namespace {

using testing::Test;
using Texts = std::vector<std::string>;

class ForeignToolsTest : public ProjectTest {
 protected:
  std::vector<ForeignTool> found() {
    const auto connection = engine::connect(Places(settings).url, {.lock_timeout = {}, .read_only = true});
    return find_foreign_tools(*connection);
  }
  ForeignTool only() {
    auto tools = found();
    EXPECT_EQ(tools.size(), 1U);
    return tools.empty() ? ForeignTool{} : tools.front();
  }
  std::string live_objects() {
    const auto connection = engine::connect(Places(settings).url, {.lock_timeout = {}, .read_only = true});
    std::string names;
    const auto schema = live_schema(*connection, "belay_version");
    for (const auto& object : schema.objects()) names += object->name + " ";
    return names;
  }
};

TEST_F(ForeignToolsTest, AlembicIsAtItsHeads) {
  run("CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL,"
      " CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num));"
      "INSERT INTO alembic_version VALUES ('3f2a9c'), ('77b1d0')");
  const auto tool = only();
  EXPECT_EQ(tool.tool, "Alembic");
  EXPECT_EQ(tool.applied, (Texts{"3f2a9c", "77b1d0"}));
  EXPECT_TRUE(tool.only_current);
  EXPECT_EQ(describe(tool), "Alembic (alembic_version) is at 3f2a9c, 77b1d0");
}

TEST_F(ForeignToolsTest, DbmateNamesEveryVersion) {
  run("CREATE TABLE \"schema_migrations\" (version varchar(128) primary key);"
      "INSERT INTO schema_migrations VALUES ('20260102'), ('20260101')");
  const auto tool = only();
  EXPECT_EQ(tool.tool, "dbmate");
  EXPECT_EQ(tool.applied, (Texts{"20260101", "20260102"}));
  EXPECT_FALSE(tool.only_current);
}

TEST_F(ForeignToolsTest, GolangMigrateIsToldFromDbmateByItsColumns) {
  run("CREATE TABLE schema_migrations (version uint64, dirty bool); INSERT INTO schema_migrations VALUES (7, 0)");
  const auto tool = only();
  EXPECT_EQ(tool.tool, "golang-migrate");
  EXPECT_EQ(tool.applied, Texts{"7"});
  EXPECT_TRUE(tool.doubted.empty());
}

TEST_F(ForeignToolsTest, DirtyVersionOfGolangMigrateIsInDoubtAndNotApplied) {
  run("CREATE TABLE schema_migrations (version uint64, dirty bool); INSERT INTO schema_migrations VALUES (7, 1)");
  EXPECT_TRUE(only().applied.empty());
  EXPECT_EQ(only().doubted, Texts{"7"});
  EXPECT_NE(describe(only()).find("in doubt"), std::string::npos);
}

TEST_F(ForeignToolsTest, LastWordOfGooseOnAVersionCounts) {
  run("CREATE TABLE goose_db_version (id INTEGER PRIMARY KEY AUTOINCREMENT, version_id INTEGER NOT NULL,"
      " is_applied INTEGER NOT NULL, tstamp TIMESTAMP DEFAULT (datetime('now')));"
      "INSERT INTO goose_db_version (version_id, is_applied)"
      " VALUES (0, 1), (1, 1), (2, 1), (3, 1), (3, 0), (2, 0), (2, 1)");
  EXPECT_EQ(only().tool, "goose");
  EXPECT_EQ(only().applied, (Texts{"1", "2"}));
}

TEST_F(ForeignToolsTest, FailedMigrationOfFlywayIsInDoubt) {
  run("CREATE TABLE \"flyway_schema_history\" (installed_rank INT NOT NULL PRIMARY KEY, version VARCHAR(50),"
      " description VARCHAR(200) NOT NULL, type VARCHAR(20) NOT NULL, script VARCHAR(1000) NOT NULL, checksum INT,"
      " installed_by VARCHAR(100) NOT NULL, installed_on TEXT, execution_time INT NOT NULL, success BOOLEAN NOT NULL);"
      "INSERT INTO flyway_schema_history VALUES (1, '1', 'a', 'SQL', 'V1', 1, 'x', '', 1, 1),"
      " (2, NULL, 'views', 'SQL', 'R__views', 1, 'x', '', 1, 1), (3, '2', 'b', 'SQL', 'V2', 1, 'x', '', 1, 1),"
      " (4, '2', 'b', 'UNDO_SQL', 'U2', 1, 'x', '', 1, 1), (5, '3', 'c', 'SQL', 'V3', 1, 'x', '', 1, 0)");
  EXPECT_EQ(only().tool, "Flyway");
  EXPECT_EQ(only().applied, Texts{"1"});
  EXPECT_EQ(only().doubted, Texts{"3"});
}

TEST_F(ForeignToolsTest, FailedMigrationOfSqlxIsInDoubt) {
  run("CREATE TABLE _sqlx_migrations (version BIGINT PRIMARY KEY, description TEXT NOT NULL, installed_on TIMESTAMP,"
      " success BOOLEAN NOT NULL, checksum BLOB NOT NULL, execution_time BIGINT NOT NULL);"
      "INSERT INTO _sqlx_migrations VALUES (1, 'a', '', 1, x'00', 1), (2, 'b', '', 0, x'00', 1)");
  EXPECT_EQ(only().tool, "sqlx");
  EXPECT_EQ(only().applied, Texts{"1"});
  EXPECT_EQ(only().doubted, Texts{"2"});
}

TEST_F(ForeignToolsTest, TruthIsReadAsToolsWriteIt) {
  run("CREATE TABLE _sqlx_migrations (version, success, checksum); INSERT INTO _sqlx_migrations VALUES "
      "(1, 'true', ''), (2, 'False', ''), (3, '', ''), (4, NULL, ''), (5, '0', ''), (6, 1, '')");
  EXPECT_EQ(only().applied, (Texts{"1", "6"}));
  EXPECT_EQ(only().doubted, (Texts{"2", "3", "4", "5"}));
}

TEST_F(ForeignToolsTest, GolangMigrateHasAWordForNothing) {
  run("CREATE TABLE schema_migrations (version uint64, dirty bool); INSERT INTO schema_migrations VALUES (-1, 0)");
  EXPECT_EQ(describe(only()), "golang-migrate (schema_migrations) calls nothing applied");
}

TEST_F(ForeignToolsTest, ManyVersionsAreCounted) {
  run("CREATE TABLE schema_migrations (version); INSERT INTO schema_migrations VALUES (1), (2), (3), (4), (5)");
  EXPECT_EQ(describe(only()), "dbmate (schema_migrations) calls applied 1, 2, 3, 4, 5");
  run("INSERT INTO schema_migrations VALUES (6)");
  EXPECT_EQ(describe(only()), "dbmate (schema_migrations) calls 6 versions applied, up to 6");
}

TEST_F(ForeignToolsTest, DieselNamesEveryVersion) {
  run("CREATE TABLE __diesel_schema_migrations (version VARCHAR(50) PRIMARY KEY NOT NULL, run_on TIMESTAMP NOT NULL);"
      "INSERT INTO __diesel_schema_migrations VALUES ('20260101000000', ''), ('20260102000000', '')");
  EXPECT_EQ(only().tool, "Diesel");
  EXPECT_EQ(only().applied, (Texts{"20260101000000", "20260102000000"}));
}

TEST_F(ForeignToolsTest, TableThatOnlySharesTheNameIsAnOrdinaryOne) {
  run("CREATE TABLE alembic_version (id INTEGER, note TEXT); CREATE TABLE schema_migrations (name TEXT);"
      "CREATE TABLE schema_migrations_dirty (version, dirty)");
  EXPECT_TRUE(found().empty());
  EXPECT_EQ(live_objects(), "alembic_version schema_migrations schema_migrations_dirty ");
}

TEST_F(ForeignToolsTest, WhatAToolOrBelayKeepsIsNoPartOfTheSchema) {
  scripts(1);
  upgrade();
  run("CREATE TABLE Alembic_Version (version_num VARCHAR(32) NOT NULL); CREATE INDEX a ON alembic_version "
      "(version_num)");
  EXPECT_EQ(live_objects(), "t ");
}

}  // namespace
}  // namespace belay::recovery

#include "recovery/pending_hazards.h"

#include "tests/recovery/fixture.h"

namespace belay::recovery {
namespace {

/// tests/cli/dry_run_hazards_test.cpp has what is found.
class PendingHazardsTest : public ProjectTest {
 protected:
  PendingHazards find(const std::stop_token& stop = {}) {
    auto planner = migrator(listener);
    const auto situation = planner.look();
    const auto plan = engine::planned(planner.plan_upgrade(situation, "head"));
    return find_pending_hazards(plan, settings, situation.exists, stop);
  }
};

TEST_F(PendingHazardsTest, StopEndsTheTrial) {
  scripts(2);
  run("CREATE TABLE u (x)");
  std::stop_source stop;
  stop.request_stop();
  EXPECT_EQ(code_of<engine::Error>([&] { find(stop.get_token()); }), engine::ErrorCode::interrupted);
}

TEST_F(PendingHazardsTest, SchemaThatNoScratchDatabaseCanMakeIsNamed) {
  scripts(2);
  run("CREATE TABLE odd (x CHECK (x > 0)); PRAGMA writable_schema = ON; UPDATE sqlite_schema SET sql = 'CREATE TABLE "
      "odd (x CHECK (of_the_application(x)))' WHERE name = 'odd'");
  const auto found = find();
  EXPECT_NE(found.not_tried.find("(table odd:1)"), std::string::npos) << found.not_tried;
  EXPECT_TRUE(found.hazards.empty());
}

TEST_F(PendingHazardsTest, ScriptThatFailsOnlyWhereItCommitsHasNoPlace) {
  script("001",
         "CREATE VIRTUAL TABLE words USING fts5(word);\nINSERT INTO words VALUES ('a');\n"
         "UPDATE words_config SET v = 99 WHERE k = 'version';\n"
         "UPDATE words_data SET block = x'00000007' || substr(block, 5) WHERE id = 10;");
  const auto found = find();
  EXPECT_TRUE(found.not_tried.starts_with(
      "revision 001 cannot be tried on a scratch database: invalid fts5 file format (found 99,"))
      << found.not_tried;
  EXPECT_FALSE(found.not_tried.ends_with(" ()")) << found.not_tried;
}

TEST_F(PendingHazardsTest, DiskThatFailsTheTrialIsNotHeldAgainstTheScript) {
  script("001",
         "CREATE TABLE large AS WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 300)\n"
         "SELECT i, hex(zeroblob(50000)) AS bytes FROM n ORDER BY -i, bytes;");
  fail_write({.call = 1, .error = EIO, .stays = true, .path = " (deleted)"});  // Where SQLite sorts.
  const auto error = error_of<engine::Error>([&] { find(); });
  fail_write({});
  EXPECT_EQ(error.code(), engine::ErrorCode::unavailable);
  EXPECT_TRUE(find().not_tried.empty());
}

TEST_F(PendingHazardsTest, HazardOfANameBeyondAsciiIsToldOnceWhateverItIsCalledLater) {
  run("CREATE TABLE räume (größe); INSERT INTO räume VALUES (1), (1)");
  script("001", "CREATE UNIQUE INDEX once ON räume (größe);");
  script("002", "ALTER TABLE räume RENAME TO zimmer;\nALTER TABLE zimmer RENAME COLUMN größe TO fläche;");
  std::string told;
  for (const auto& found : find().hazards)
    if (found.hazard.kind == versions::schema::Hazard::Kind::data_dependent)
      told += found.revision + " " + found.hazard.table + "." + found.hazard.column + "\n";
  EXPECT_EQ(told, "001 räume.größe\n");
}

TEST_F(PendingHazardsTest, RowsOfSqlitesOwnTablesAreNobodys) {
  run("CREATE TABLE t (id INTEGER PRIMARY KEY); INSERT INTO t VALUES (7)");
  script("001", "ANALYZE;\nDELETE FROM sqlite_stat1;\nDELETE FROM t;");
  const auto found = find().hazards;
  ASSERT_EQ(found.size(), 1U);
  EXPECT_EQ(found[0].hazard.message, "the script deletes from t");
}

TEST_F(PendingHazardsTest, WhatIsNoScriptIsNotTried) {
  scripts(1);
  auto plan = engine::planned(migrator(listener).plan_upgrade(look(), "head"));
  plan.insert(plan.begin(), engine::planned_hook("before.sql", {{"SELECT nonsense", 1}}));
  EXPECT_TRUE(find_pending_hazards(plan, settings, false, {}).not_tried.empty());
}

}  // namespace
}  // namespace belay::recovery

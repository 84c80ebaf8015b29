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

TEST_F(PendingHazardsTest, WhatIsNoScriptIsNotTried) {
  scripts(1);
  auto plan = engine::planned(migrator(listener).plan_upgrade(look(), "head"));
  plan.insert(plan.begin(), engine::planned_hook("before.sql", {{"SELECT nonsense", 1}}));
  EXPECT_TRUE(find_pending_hazards(plan, settings, false, {}).not_tried.empty());
}

}  // namespace
}  // namespace belay::recovery

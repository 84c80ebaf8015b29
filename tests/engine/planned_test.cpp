#include "engine/planned.h"

#include <gtest/gtest.h>

#include "versions/graph.h"

namespace belay::engine {
namespace {

using journal::Action;

const versions::Script script = versions::parse_script(
    "-- revision: 5\n"
    "-- message: add rooms\n"
    "-- migrate:up\n"
    "CREATE TABLE rooms (id INTEGER PRIMARY KEY);\n"
    "-- migrate:step fill batch:50 over:rooms.id\n"
    "UPDATE rooms SET id = id WHERE id BETWEEN :lo AND :hi;\n"
    "-- migrate:step shrink transaction:off repeatable:yes\n"
    "VACUUM;\n"
    "-- migrate:verify\n"
    "SELECT 1;\n"
    "-- migrate:down\n"
    "DROP TABLE rooms;\n",
    "versions/5.sql");

TEST(Planned, UpHasItsStepsWithAllThatTheyNeed) {
  const auto plan = planned(script, Action::up);
  EXPECT_EQ(plan.revision, "5");
  EXPECT_EQ(plan.message, "add rooms");
  EXPECT_EQ(plan.digest, script.digest);
  EXPECT_EQ(plan.file, "versions/5.sql");
  ASSERT_EQ(plan.steps.size(), 3U);
  EXPECT_EQ(plan.steps[0].statements.at(0).text, "CREATE TABLE rooms (id INTEGER PRIMARY KEY)");
  EXPECT_EQ(plan.steps[0].statements[0].line, 4);
  EXPECT_TRUE(plan.steps[0].transactional);
  EXPECT_EQ(plan.steps[1].name, "fill");
  EXPECT_EQ(plan.steps[1].batch_rows, 50);
  EXPECT_EQ(plan.steps[1].batch_table + "." + plan.steps[1].batch_column, "rooms.id");
  EXPECT_FALSE(plan.steps[2].transactional);
  EXPECT_TRUE(plan.steps[2].repeatable);
  EXPECT_EQ(plan.verify.at(0).text, "SELECT 1");
}

TEST(Planned, DownHasItsStepsAndNoVerification) {
  const auto plan = planned(script, Action::down);
  ASSERT_EQ(plan.steps.size(), 1U);
  EXPECT_EQ(plan.steps[0].statements.at(0).text, "DROP TABLE rooms");
  EXPECT_TRUE(plan.verify.empty());
}

TEST(Planned, StampHasNoSteps) {
  for (const auto action : {Action::stamp, Action::unstamp}) {
    const auto plan = planned(script, action);
    EXPECT_TRUE(plan.steps.empty() && plan.verify.empty());
    EXPECT_EQ(plan.digest, script.digest);
  }
}

TEST(Planned, HookIsAStepForEachStatement) {
  const auto plan = planned_hook("before.sql", {{"SELECT 1", 3}, {"SELECT 2", 4}});
  EXPECT_EQ(plan.action, Action::hook);
  EXPECT_EQ(plan.file, "before.sql");
  ASSERT_EQ(plan.steps.size(), 2U);
  EXPECT_EQ(plan.steps[1].statements.at(0).line, 4);
}

TEST(Planned, PlanKeepsItsOrderAndDirection) {
  const versions::Graph graph({script});
  const auto plan = planned(versions::plan_downgrade(graph, {true}, "base"));
  ASSERT_EQ(plan.size(), 1U);
  EXPECT_EQ(plan[0].action, Action::down);
}

}  // namespace
}  // namespace belay::engine

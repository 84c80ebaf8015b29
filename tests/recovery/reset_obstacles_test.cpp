// reset: what only the rows show, what others own, and what stops it.

#include "tests/recovery/reset_fixture.h"

namespace belay::recovery {
namespace {

class ResetObstaclesTest : public ResetTest {
 protected:
  /// 002 copies from a table of somebody else's, which stays.
  void copied_from_theirs() {
    run("CREATE TABLE theirs (x); CREATE INDEX by_x ON theirs (x); INSERT INTO theirs VALUES (1)");
    settings.ignored = {"theirs"};
    scripts(1);
    script("002", "INSERT INTO t SELECT x FROM theirs;\n-- migrate:down\nDELETE FROM t;");
    upgrade();
  }
  /// The plan that is made by somebody who wants to stop when a down section is planned.
  ResetPlan plan_and_stop_at_down() {
    auto planner = migrator(listener);
    const auto situation = planner.look();
    const auto live = engine::connect(Places(settings).url, {.lock_timeout = {}, .read_only = true});
    std::stop_source stop;
    return plan_reset({.url = planner.places().url,
                       .version_table = planner.settings().version_table,
                       .ignored = planner.settings().ignored,
                       .graph = planner.graph(),
                       .situation = situation,
                       .add_hooks = [&](auto& /*revision*/) { stop.request_stop(); },
                       .live = live.get(),
                       .stop = stop.get_token()});
  }
};

// --- What only the rows show ---

TEST_F(ResetObstaclesTest, ADownSectionThatWouldLeaveOrphansIsReplacedByDrops) {
  script("001",
         "CREATE TABLE p (id INTEGER PRIMARY KEY);\nCREATE TABLE c (p REFERENCES p);\n"
         "-- migrate:down\nDROP TABLE c;\nDROP TABLE p;");
  script("002", "INSERT INTO p VALUES (1);\n-- migrate:down\nDELETE FROM p WHERE id = 1;");
  upgrade();
  run("INSERT INTO c VALUES (1)");
  EXPECT_EQ(plan().why_dropped, "");
  EXPECT_EQ(directions(reset()), "unstamp:002 unstamp:001 up:001 up:002");
  EXPECT_EQ(read("SELECT count(*) FROM c"), "0");
  EXPECT_EQ(kept("SELECT count(*) FROM c"), "1");
  expect_settled();
}

TEST_F(ResetObstaclesTest, ADownSectionThatNoRunMayHoldIsReplacedByDrops) {
  scripts(1);
  script("002", "CREATE TABLE u (x);\n-- migrate:down\n-- migrate:step s transaction:off\nDROP TABLE u;\nVACUUM;");
  upgrade();
  EXPECT_EQ(plan().why_dropped, "");
  EXPECT_EQ(directions(reset()), "unstamp:002 unstamp:001 up:001 up:002");
  EXPECT_TRUE(listener.has_heard(
      "message the down section of revision 002 failed (no transaction can hold this statement, and beside others in "
      "one step it would leave them half done): what is left is dropped instead"));
  expect_settled();
}

/// Its file is that of the down section, which has done its work.
TEST_F(ResetObstaclesTest, AnUpSectionThatFailsOnTheRowsOfOthersIsNotTakenForTheDownSection) {
  copied_from_theirs();
  run("INSERT INTO theirs VALUES (1)");
  const auto error = error_of([&] { reset(); });
  EXPECT_EQ(error.code(), engine::ErrorCode::statement_failed);
  EXPECT_EQ(error.file(), (folder / "versions/002.sql").string());
  EXPECT_EQ(applied(), "001");
  EXPECT_EQ(read("SELECT count(*) FROM t"), "0");
  EXPECT_EQ(kept("SELECT count(*) FROM t"), "1");
  EXPECT_FALSE(look().interrupted);
}

TEST_F(ResetObstaclesTest, ADownSectionWhosePartCannotBeTakenBackIsNotReplaced) {
  script("001",
         "CREATE TABLE u (x);\nCREATE TABLE t (id INTEGER);\n"
         "-- migrate:down transaction:off\nDROP TABLE t;\nCREATE UNIQUE INDEX once ON u (x);\nDROP TABLE u;");
  upgrade();
  run("INSERT INTO u VALUES (1), (1)");
  fail_write({.call = 1, .error = ENOSPC, .stays = true, .path = "app.db-journal.new"});
  const auto error = error_of([&] { reset(); });
  fail_write({});
  EXPECT_EQ(error.code(), engine::ErrorCode::statement_failed);
  EXPECT_TRUE(error.is_unfinished());
  EXPECT_TRUE(look().interrupted);
  EXPECT_EQ(schema(), "u");
  EXPECT_EQ(applied(), "001");
  migrator(listener).recover(Policy::back);
  EXPECT_EQ(schema(), "t\nu");
  EXPECT_EQ(directions(reset()), "unstamp:001 up:001");
  expect_settled();
}

// --- What others own ---

TEST_F(ResetObstaclesTest, AnIndexOfATableThatIsIgnoredStaysWithIt) {
  copied_from_theirs();
  EXPECT_TRUE(plan().unknown.empty());
  EXPECT_TRUE(plan().dropped.empty());
  reset();
  EXPECT_EQ(schema(), "by_x\nt\ntheirs");
  EXPECT_EQ(read("SELECT count(*) FROM theirs"), "1");
}

// --- Who stops it ---

/// And nothing that a script makes is called unknown for it.
TEST_F(ResetObstaclesTest, StopEndsThePlanningWhileTheScriptsAreTried) {
  mixed();
  const auto situation = look();
  std::stop_source stop;
  stop.request_stop();
  EXPECT_EQ(code_of([&] { Migrator(settings, listener, stop.get_token()).plan_reset(situation); }),
            engine::ErrorCode::interrupted);
}

/// And the down section is not called one that fails.
TEST_F(ResetObstaclesTest, StopEndsThePlanningWhileADownSectionIsTried) {
  mixed();
  EXPECT_EQ(code_of([&] { plan_and_stop_at_down(); }), engine::ErrorCode::interrupted);
}

}  // namespace
}  // namespace belay::recovery

// fix-state, killed before calls that change a file: the same command again ends where it does undisturbed, and no
// backup is lost.

#include "tests/recovery/fix_state_fixture.h"

namespace belay::recovery {
namespace {

/// All that a person can tell from outside, but for what says when and where it was written down.
class FixStateCrashTest : public FixStateFixture {
 protected:
  [[nodiscard]] std::string state() const {
    return read("SELECT type, name, sql FROM sqlite_schema WHERE name NOT LIKE '%belay%' ORDER BY name") +
           read(
               "SELECT * FROM t; SELECT * FROM u; PRAGMA journal_mode; SELECT revision, digest FROM belay_version "
               "ORDER BY rowid");
  }
  void sweep(int stride = 3) {
    remember();
    ASSERT_EQ(run_child([&] { fix(); }), 0);
    const std::string after = state();
    int kills = 0;
    put_back();
    for (int call = 1; dies_before_write(call, [&] { fix(); }); put_back(), call += stride, ++kills) {
      const auto kept = backups().size();
      if (kills % 5 == 4) dies_before_write(1 + call % 13, [&] { fix(); });
      ASSERT_NO_THROW(fix()) << "killed before write " << call;
      ASSERT_EQ(state(), after) << "killed before write " << call;
      EXPECT_GE(backups().size(), kept);
      for (const auto& backup : backups()) EXPECT_TRUE(backup.verified()) << backup.problem;
      expect_fixed("001 002 003");
      if (HasFailure()) FAIL() << "killed before write " << call;
    }
    EXPECT_GT(kills * stride, 20);
    RecordProperty("kills", kills);
  }
};

TEST_F(FixStateCrashTest, BothWaysOutOfItAreToFinishIt) {
  tables();
  upgrade("003");
  lose_journal();
  const int status = run_child([&] {
    Listener deadly;
    deadly.at["run 1"] = die;
    migrator(deadly).fix_state();
  });
  ASSERT_TRUE(was_killed(status));
  const auto found = look().interrupted;
  ASSERT_TRUE(found);
  for (const Way& way : {found->forward, found->back}) {
    EXPECT_EQ(way.would, "take the database over as was decided, if its schema is still the same");
    EXPECT_FALSE(way.obstacle);
  }
  EXPECT_TRUE(plan().finishes_own_run);
  EXPECT_FALSE(plan().nothing_to_do());
  EXPECT_EQ(fix().recovered->verdict, Verdict::take_over);
  expect_fixed("001 002 003");
}

TEST_F(FixStateCrashTest, StampsThatComeAndGo) {
  tables();
  upgrade("003");
  run("DELETE FROM belay_version WHERE revision = '002'; INSERT INTO belay_version (revision) VALUES ('009')");
  sweep();
}

TEST_F(FixStateCrashTest, DamagedJournal) {
  tables();
  upgrade("003");
  damage_journal();
  sweep();
}

TEST_F(FixStateCrashTest, NeverUsedByBelayInWalMode) {
  tables();
  upgrade("003");
  lose_everything();
  run("PRAGMA journal_mode = WAL");
  sweep();
}

TEST_F(FixStateCrashTest, InterruptedRunOfAnotherHistory) {
  tables();
  upgrade("003");
  const auto old = read_file(folder / "app.db");
  script("004",
         "CREATE INDEX u_t ON u (t);\n-- migrate:step a transaction:off\nCREATE TABLE v (id INTEGER);\n"
         "-- migrate:step b\nCREATE TABLE w (id INTEGER);");
  upgrade_until_call("after commit", 2);
  write_file(folder / "app.db", old);
  sweep();
}

}  // namespace
}  // namespace belay::recovery

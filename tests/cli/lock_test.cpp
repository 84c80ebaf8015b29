// Others who use the database at the same time.

#include <fmt/format.h>

#include <csignal>

#include "tests/cli/project.h"

namespace belay::cli {
namespace {

class Locks : public Project {
 protected:
  Locks() {
    configure();
    chain(3);
  }
  /// A run that waits in a hook until `go` is there.
  void wait_in_a_hook() const {
    configure("[hooks]\nbefore_each = \"touch begun; until [ -e go ]; do sleep 0.02; done\"\n");
  }
  [[nodiscard]] bool has_begun() const {
    return eventually([&] { return std::filesystem::exists(root / "begun"); });
  }
};

TEST_F(Locks, OfTwoRunsAtOnceOneFindsTheOthersWorkDone) {
  chain(50);
  Process first = start({"migrate"});
  Process second = start({"migrate"});
  EXPECT_EQ(first.wait().exit, exit_done);
  EXPECT_EQ(second.wait().exit, exit_done);
  EXPECT_EQ(query("SELECT count(*), count(DISTINCT id) FROM log"), "50|50");
}

TEST_F(Locks, SecondRunWaitsForTheFirst) {
  wait_in_a_hook();
  Process first = start({"migrate"});
  ASSERT_TRUE(has_begun());
  Process second = start({"migrate", "--json"});
  write("go", "");
  EXPECT_EQ(first.wait().exit, exit_done);
  const Outcome outcome = second.wait();
  EXPECT_EQ(outcome.json().at("revisions"), Json::array());
  EXPECT_EQ(logged(), "1001 1002 1003");
}

TEST_F(Locks, SecondRunThatMayNotWaitNamesTheFirst) {
  wait_in_a_hook();
  Process first = start({"migrate"});
  ASSERT_TRUE(has_begun());
  const Outcome outcome = run({"migrate", "--lock-timeout", "0", "--json"});
  EXPECT_EQ(outcome.exit, exit_busy);
  const Json error = outcome.error();
  EXPECT_EQ(error.at("kind"), "locked");
  EXPECT_NE(error.at("message").get<std::string>().find(fmt::format("{}", first.pid())), std::string::npos) << error;
  EXPECT_EQ(refusal({"migrate", "--lock-timeout", "0"}).exit, exit_busy);
  write("go", "");
  EXPECT_EQ(first.wait().exit, exit_done);
}

TEST_F(Locks, LookingNeverWaits) {
  wait_in_a_hook();
  Process first = start({"migrate"});
  ASSERT_TRUE(has_begun());
  for (const Words& words :
       {Words{"status"}, {"history"}, {"current"}, {"journal"}, {"journal", "verify"}, {"migrate", "--dry-run"}})
    EXPECT_EQ(run(words).exit, exit_done) << words[0];
  write("go", "");
  EXPECT_EQ(first.wait().exit, exit_done);
}

TEST_F(Locks, DatabaseThatAnotherProgramWritesIsBusy) {
  must({"migrate", "--steps", "1"});
  Process other = hold("BEGIN IMMEDIATE");
  for (const char* timeout : {"0", "50ms"}) {
    EXPECT_EQ(refusal({"migrate", "--lock-timeout", timeout}), (Refusal{exit_busy, "busy", "app.db"}));
  }
  EXPECT_EQ(logged(), "1001");
  other.send(SIGKILL);
  must({"migrate"});
  EXPECT_EQ(logged(), "1001 1002 1003");
}

TEST_F(Locks, DatabaseThatIsLockedForAllIsBusyForStatusToo) {
  must({"migrate", "--steps", "1"});
  const Process other = hold("BEGIN EXCLUSIVE");
  EXPECT_EQ(refusal({"status", "--lock-timeout", "0"}), (Refusal{exit_busy, "busy", "app.db"}));
  EXPECT_EQ(refusal({"migrate", "--lock-timeout", "0"}), (Refusal{exit_busy, "busy", "app.db"}));
}

/// With a rollback journal nobody may be reading when a commit writes to the file.
TEST_F(Locks, ReaderThatKeepsItsTransactionOpenMakesTheRunBusy) {
  must({"migrate", "--steps", "1"});
  Process reader = hold("BEGIN; SELECT count(*) FROM log");
  const Outcome outcome = run({"migrate", "--lock-timeout", "50ms"});
  EXPECT_EQ(outcome.exit, exit_busy) << outcome;
  EXPECT_EQ(logged(), "1001");
  reader.send(SIGKILL);
  must({"migrate"});
  EXPECT_EQ(logged(), "1001 1002 1003");
}

TEST_F(Locks, ReaderThatKeepsItsTransactionOpenDoesNotMatterInWalMode) {
  must({"migrate", "--steps", "1"});
  Database(root / "app.db").run("PRAGMA journal_mode = WAL");
  const Process reader = hold("BEGIN; SELECT count(*) FROM log");
  must({"migrate", "--lock-timeout", "0"});
  EXPECT_EQ(logged(), "1001 1002 1003");
  EXPECT_EQ(must({"status", "--json"}).json().at("state"), "clean");
}

TEST_F(Locks, RunWaitsForAnotherProgram) {
  must({"migrate", "--steps", "1"});
  Process other = hold("BEGIN IMMEDIATE");
  Process migration = start({"migrate"});
  ASSERT_TRUE(eventually([&] { return !run({"status", "--json"}).json().at("running").is_null(); }));
  other.send(SIGKILL);
  EXPECT_EQ(migration.wait().exit, exit_done);
}

TEST_F(Locks, PruningWaitsForItsTurn) {
  must({"migrate", "--steps", "1"});
  wait_in_a_hook();
  Process first = start({"migrate"});
  ASSERT_TRUE(has_begun());
  EXPECT_EQ(refusal({"journal", "prune", "--lock-timeout", "0"}).exit, exit_busy);
  write("go", "");
  EXPECT_EQ(first.wait().exit, exit_done);
}

TEST_F(Locks, LockOfAKilledRunIsGone) {
  wait_in_a_hook();
  {
    const Process killed = start({"migrate"});
    ASSERT_TRUE(has_begun());
  }
  configure();
  must({"migrate", "--lock-timeout", "0"});
  EXPECT_EQ(logged(), "1001 1002 1003");
}

}  // namespace
}  // namespace belay::cli

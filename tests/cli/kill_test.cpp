// kill -9: whatever it hits, the next run finishes, and nothing is done twice.

#include <fmt/format.h>

#include <chrono>
#include <csignal>
#include <random>
#include <thread>

#include "tests/cli/project.h"

namespace belay::cli {
namespace {

namespace fs = std::filesystem;
using std::chrono::microseconds;
using std::chrono::steady_clock;

class Kill : public Project {
 protected:
  Kill() { configure(); }

  void start_over() const {
    fs::remove(root / "app.db");
    fs::remove(root / "app.db-journal");
    fs::remove_all(root / "app.db-belay");
  }
  /// Kills a `migrate` at ten random moments, each time from an empty database, and lets the next one finish.
  void kill_ten_times(int count) const {
    const auto begin = steady_clock::now();
    must({"migrate"});
    const auto whole = std::chrono::duration_cast<microseconds>(steady_clock::now() - begin).count();
    std::mt19937 random(std::random_device{}());
    for (int i = 0; i < 10; ++i) {
      start_over();
      const auto wait = std::uniform_int_distribution<long>(0, whole)(random);
      SCOPED_TRACE(fmt::format("killed after {} of {} us", wait, whole));
      Process migration = start({"migrate"});
      std::this_thread::sleep_for(microseconds(wait));
      migration.send(SIGKILL);
      migration.wait();
      expect_finished_by_the_next_run(count);
    }
  }
  void expect_finished_by_the_next_run(int count) const {
    // What it was just starting holds its lock until that has become another program.
    EXPECT_TRUE(eventually([&] { return must({"status", "--json"}).json().at("running").is_null(); }));
    const Json status = must({"status", "--json"}).json();
    const auto before = files();
    EXPECT_EQ(must({"status", "--json"}).json(), status);
    EXPECT_EQ(changed_since(before), "");

    const Json json = must({"migrate", "--json", "--lock-timeout", "0"}).json();
    EXPECT_EQ(json.at("recovered").is_null(), status.at("state") == "clean") << json;
    if (!json.at("recovered").is_null()) {
      EXPECT_EQ(json.at("recovered").at("run"), status.at("interrupted").at("run"));
      EXPECT_EQ(json.at("recovered").at("verdict"), status.at("interrupted").at("verdict"));
      EXPECT_EQ(json.at("recovered").at("direction"), "forward");
    }
    EXPECT_EQ(json.at("to"), Json::array({std::to_string(1000 + count)}));
    EXPECT_EQ(query("SELECT count(*), count(DISTINCT id) FROM log"), fmt::format("{0}|{0}", count));
    EXPECT_EQ(must({"status", "--json"}).json().at("state"), "clean");
    must({"journal", "verify"});
  }
};

TEST_F(Kill, AtARandomMomentOfTwoHundredRevisionsIsFinishedByTheNextRun) {
  chain(200);
  kill_ten_times(200);
}

TEST_F(Kill, AtARandomMomentBetweenHooksIsFinishedByTheNextRun) {
  configure("[hooks]\nafter_each = \":\"\n");  // Each revision commits by itself.
  chain(40);
  kill_ten_times(40);
}

TEST_F(Kill, InAStatementIsReportedByStatusAndRolledBackByTheNextRun) {
  chain(1);
  script("1002", {.parents = "1001", .up = "-- migrate:step transaction:off\nINSERT INTO log VALUES (1002);"});
  const std::string endless =
      "INSERT INTO log WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1e12) SELECT i FROM "
      "n;";
  script("1003", {.parents = "1002", .up = endless});
  {
    Process migration = start({"migrate"});
    ASSERT_TRUE(eventually([&] {
      return fs::exists(root / "app.db") && query("SELECT count(*) FROM sqlite_schema WHERE name = 'log'") == "1" &&
             query("SELECT count(*) FROM log") == "2";
    }));
  }
  const Json status = must({"status", "--json"}).json();
  EXPECT_EQ(status.at("state"), "interrupted");
  EXPECT_EQ(status.at("interrupted").at("command"), "migrate");
  EXPECT_EQ(status.at("current"), Json::array({"1002"}));
  EXPECT_EQ(run({"status", "--exit-code"}).exit, exit_differences);
  const std::string out = must({"status"}).out;
  EXPECT_NE(out.find("left       run 1 (migrate) was interrupted: 2 of 3 revisions were applied\n"), std::string::npos)
      << out;
}

/// A run that was killed in its first hook: nothing of it is applied.
class KilledInAHook : public Kill {
 protected:
  void kill_in_a_hook(const std::string& more = "") const {
    configure("[hooks]\nbefore_each = \"touch begun; sleep 60\"\n" + more);
    {
      const Process migration = start({"migrate"});
      ASSERT_TRUE(eventually([&] { return fs::exists(root / "begun"); }));
    }
    configure(more);
  }
};

TEST_F(KilledInAHook, PolicyBackClosesTheRunBeforeTheNext) {
  chain(2);
  kill_in_a_hook("[recovery]\npolicy = \"back\"\n");
  const Outcome outcome = must({"migrate", "--json"});
  EXPECT_EQ(outcome.json().at("recovered"), Json::parse(R"({"run":1,"verdict":"settle","direction":"back"})"));
  EXPECT_EQ(logged(), "1001 1002");
}

TEST_F(KilledInAHook, NextRunOfAnotherKindFinishesItFirst) {
  chain(2);
  kill_in_a_hook();
  const Json json = must({"rollback", "--json"}).json();
  EXPECT_EQ(json.at("recovered").at("direction"), "forward");
  EXPECT_EQ(json.at("to"), Json::array({"1001"}));
}

TEST_F(KilledInAHook, TextSaysWhatWasRecovered) {
  chain(2);
  kill_in_a_hook();
  const Outcome outcome = must({"migrate"});
  EXPECT_EQ(outcome.err,
            "belay: run 1 (migrate) was interrupted: 0 of 2 revisions were applied; going on with the rest\n");
  EXPECT_NE(outcome.out.find("2 revisions; the database is at 1002 (head)\n"), std::string::npos) << outcome;
}

TEST_F(KilledInAHook, DryRunWarnsAndChangesNothing) {
  chain(2);
  kill_in_a_hook();
  const auto before = files();
  EXPECT_NE(must({"migrate", "--dry-run"}).err.find("run 1 (migrate) was interrupted"), std::string::npos);
  EXPECT_EQ(changed_since(before), "");
}

TEST_F(KilledInAHook, ScriptThatWasEditedMeanwhileRunsAsItWasPromised) {
  chain(2);
  kill_in_a_hook();
  script("1002", {.parents = "1001", .up = "INSERT INTO log VALUES (-1002);"});
  const Outcome outcome = run({"migrate", "--json"});
  EXPECT_EQ(outcome.exit, exit_integrity) << outcome;
  EXPECT_EQ(logged(), "1001 1002");
}

}  // namespace
}  // namespace belay::cli

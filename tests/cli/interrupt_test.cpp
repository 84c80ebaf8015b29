// SIGINT, SIGTERM and SIGHUP: the run stops at a revision, or between two slices of a batch, and says so.

#include <fmt/format.h>
#include <sys/resource.h>

#include <csignal>

#include "cli/event_loop.h"
#include "cli/failure.h"
#include "tests/cli/project.h"
#include "tests/sanitizers.h"

namespace belay::cli {
namespace {

namespace fs = std::filesystem;

/// Runs until somebody stops it.
constexpr const char* endless =
    "INSERT INTO log WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1e12) SELECT max(i) "
    "FROM n;";

class Interrupt : public Project {
 protected:
  Interrupt() {
    configure();
    chain(2);
  }
  /// 1003 commits first, so that it shows when 1004 is running; 1005 is never begun.
  void endless_statement() const {
    script("1003", {.parents = "1002", .up = "-- migrate:step transaction:off\nINSERT INTO log VALUES (1003);"});
    script("1004", {.parents = "1003", .up = "INSERT INTO log VALUES (1004);\n" + std::string(endless)});
    script("1005", {.parents = "1004", .up = "INSERT INTO log VALUES (1005);"});
  }
  void short_statement() const { script("1004", {.parents = "1003", .up = "INSERT INTO log VALUES (1004);"}); }

  [[nodiscard]] bool applied(const std::string& id) const {
    return eventually([&] {
      return fs::exists(root / "app.db") && query("SELECT count(*) FROM sqlite_schema WHERE name = 'log'") == "1" &&
             query("SELECT count(*) FROM log WHERE id = " + id) == "1";
    });
  }
  [[nodiscard]] bool there(const char* file) const {
    return eventually([&] { return fs::exists(root / file); });
  }
  void expect_clean_at(const std::string& revision) const {
    const Json status = must({"status", "--json"}).json();
    EXPECT_EQ(status.at("state"), "clean");
    EXPECT_EQ(status.at("current"), Json::array({revision}));
    EXPECT_EQ(status.at("running"), Json());
  }
};

class InterruptBy : public Interrupt, public testing::WithParamInterface<int> {};

TEST_P(InterruptBy, StopsALongStatementAtTheRevisionBeforeIt) {
  endless_statement();
  Process migration = start({"migrate", "--json"});
  ASSERT_TRUE(applied("1003"));
  migration.send(GetParam());
  const Outcome outcome = migration.wait();
  EXPECT_EQ(outcome.exit, exit_signalled + GetParam()) << outcome;
  EXPECT_EQ(outcome.error().at("kind"), "interrupted");
  EXPECT_EQ(logged(), "1001 1002 1003");
  expect_clean_at("1003");
  short_statement();
  must({"migrate", "--lock-timeout", "0"});
  EXPECT_EQ(logged(), "1001 1002 1003 1004 1005");
}

TEST_P(InterruptBy, StopsInAHook) {
  configure("[hooks]\nafter_each = \"test $BELAY_REVISION = 1001 || { touch begun; sleep 60; }\"\n");
  chain(3);
  Process migration = start({"migrate"});
  ASSERT_TRUE(there("begun"));
  migration.send(GetParam());
  const Outcome outcome = migration.wait();
  EXPECT_EQ(outcome.exit, exit_signalled + GetParam()) << outcome;
  EXPECT_EQ(logged(), "1001 1002");
  configure();
  expect_clean_at("1002");
  must({"migrate", "--lock-timeout", "0"});
  EXPECT_EQ(logged(), "1001 1002 1003");
}

INSTANTIATE_TEST_SUITE_P(Signals, InterruptBy, testing::Values(SIGINT, SIGTERM, SIGHUP),
                         [](const auto& signal) { return std::string(sigabbrev_np(signal.param)); });

TEST_F(Interrupt, SaysWhereItWasAndWhereTheDatabaseIs) {
  script("1003", {.parents = "1002",
                  .up = "INSERT INTO log VALUES (1003);\nINSERT INTO log WITH RECURSIVE n (i) AS "
                        "(SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1e12) SELECT i FROM n;"});
  must({"migrate", "--steps", "2"});
  Process migration = start({"migrate"});
  // It has outgrown SQLite's memory, so the statement is running.
  ASSERT_TRUE(eventually([&] { return fs::file_size(root / "app.db") > 1'000'000; }));
  migration.send(SIGINT);
  EXPECT_EQ(migration.wait().err,
            fmt::format("belay: interrupted\n  where      {}/versions/1003.sql:6\n  statement  INSERT INTO log WITH "
                        "RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1e12) SELECT i FROM n\n"
                        "  state      as before the run: nothing of it is applied\n"
                        "  next       belay migrate goes on from there\n",
                        root.string()));
  EXPECT_EQ(logged(), "1001 1002");
}

TEST_F(Interrupt, CtrlCReachesTheHookToo) {
  configure("[hooks]\nbefore_each = \"touch begun; sleep 60\"\n");
  Process migration = start({"migrate"});
  ASSERT_TRUE(there("begun"));
  migration.send_to_all(SIGINT);
  EXPECT_EQ(migration.wait().exit, exit_signalled + SIGINT);
  configure();
  must({"migrate"});
  EXPECT_EQ(logged(), "1001 1002");
}

TEST_F(Interrupt, HookThatEndsWellIsStillTheLastThing) {
  configure("[hooks]\nbefore_each = \"trap '' TERM; touch begun; until [ -e go ]; do sleep 0.02; done\"\n");
  Process migration = start({"migrate"});
  ASSERT_TRUE(there("begun"));
  migration.send(SIGTERM);
  write("go", "");
  EXPECT_EQ(migration.wait().exit, exit_signalled + SIGTERM);
  EXPECT_EQ(logged(), "");
}

TEST_F(Interrupt, BetweenRevisionsStopsBeforeTheNext) {
  configure("[hooks]\nafter_each = \"sleep 0.01\"\n");
  chain(200);
  Process migration = start({"migrate"});
  ASSERT_TRUE(applied("1003"));
  migration.send(SIGINT);
  EXPECT_EQ(migration.wait().exit, exit_signalled + SIGINT);
  const std::string last = query("SELECT max(id) FROM log");
  EXPECT_LT(std::stoi(last), 1200);
  expect_clean_at(last);
  configure();
  must({"migrate"});
  EXPECT_EQ(query("SELECT count(*), count(DISTINCT id) FROM log"), "200|200");
}

TEST_F(Interrupt, BatchIsResumedWhereItWas) {
  script("1003",
         {.parents = "1002",
          .up = "CREATE TABLE pace (steps INTEGER NOT NULL);\n"
                "INSERT INTO pace VALUES (1e12);\n"
                "CREATE TABLE rows (id INTEGER PRIMARY KEY, n INTEGER NOT NULL DEFAULT 0);\n"
                "INSERT INTO rows (id) WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 100) "
                "SELECT i FROM n;\n"
                "-- migrate:step count batch:2 over:rows.id\n"
                "UPDATE rows SET n = n + 1 WHERE id BETWEEN :lo AND :hi AND (:lo <= 20 OR 0 < (WITH RECURSIVE n (i) AS "
                "(SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < (SELECT steps FROM pace)) SELECT max(i) FROM n));"});
  Process migration = start({"migrate", "--json"});
  ASSERT_TRUE(eventually([&] {
    return fs::exists(root / "app.db") && query("SELECT count(*) FROM sqlite_schema WHERE name = 'rows'") == "1" &&
           query("SELECT sum(n) FROM rows") == "20";
  }));
  migration.send(SIGINT);
  const Outcome outcome = migration.wait();
  EXPECT_EQ(outcome.exit, exit_signalled + SIGINT) << outcome;
  EXPECT_EQ(query("SELECT sum(n) FROM rows WHERE id <= 20"), "20");
  EXPECT_EQ(query("SELECT sum(n) FROM rows"), "20");
  const Json status = must({"status", "--json"}).json();
  EXPECT_EQ(status.at("state"), "interrupted");
  EXPECT_EQ(status.at("current"), Json::array({"1002"}));

  Database(root / "app.db").run("UPDATE pace SET steps = 1");
  const Json json = must({"migrate", "--json"}).json();
  EXPECT_EQ(json.at("recovered").at("direction"), "forward");
  EXPECT_EQ(json.at("to"), Json::array({"1003"}));
  EXPECT_EQ(query("SELECT min(n), max(n) FROM rows"), "1|1");
}

/// It advised `belay migrate`, which would have gone up again.
TEST_F(Interrupt, WayDownIsGoneOnWithByRecover) {
  script("1003",
         {.parents = "1002",
          .up = "CREATE TABLE rows (id INTEGER PRIMARY KEY, n INTEGER NOT NULL DEFAULT 0);\n"
                "INSERT INTO rows (id) WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 100) "
                "SELECT i FROM n;\n"
                "CREATE TABLE pace (steps INTEGER NOT NULL);\n"
                "INSERT INTO pace VALUES (1e12);",
          .down = "-- migrate:step count batch:2 over:rows.id\n"
                  "UPDATE rows SET n = n + 1 WHERE id BETWEEN :lo AND :hi AND (:lo <= 20 OR 0 < (WITH RECURSIVE n (i) "
                  "AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < (SELECT steps FROM pace)) SELECT max(i) FROM "
                  "n));"});
  must({"migrate"});
  Process downgrade = start({"downgrade", "1001", "--json"});
  ASSERT_TRUE(eventually([&] { return query("SELECT sum(n) FROM rows") == "20"; }));
  downgrade.send(SIGINT);
  const Json error = downgrade.wait().error();
  EXPECT_EQ(error.at("state"),
            "revision 1003 is taken back in part; the run stays open, and the next one goes on with it");
  EXPECT_EQ(error.at("next"), "belay recover --forward goes on from there");

  const std::string out = must({"status"}).out;
  EXPECT_NE(out.find("was interrupted: 0 of 2 revisions were taken back, and 1003 in part\n"), std::string::npos)
      << out;
  EXPECT_NE(out.find("next       belay recover --forward\n"), std::string::npos) << out;
  const std::string look = must({"recover"}).out;
  EXPECT_NE(look.find("next       belay recover --forward finishes it; or belay recover --back\n"), std::string::npos)
      << look;
  Database(root / "app.db").run("UPDATE pace SET steps = 1");
  must({"recover", "--forward"});
  expect_clean_at("1001");
  EXPECT_EQ(query("SELECT min(n), max(n) FROM rows"), "1|1");
}

TEST_F(Interrupt, AtomicRunLeavesNothing) {
  script("1003", {.parents = "1002", .up = endless});
  Process migration = start({"migrate", "--atomic"});
  ASSERT_TRUE(eventually([&] { return !run({"status", "--json"}).json().at("running").is_null(); }));
  migration.send(SIGTERM);
  EXPECT_EQ(migration.wait().exit, exit_signalled + SIGTERM);
  EXPECT_EQ(logged(), "");
  script("1003", {.parents = "1002", .up = "INSERT INTO log VALUES (1003);"});
  must({"migrate"});
  EXPECT_EQ(logged(), "1001 1002 1003");
}

TEST_F(Interrupt, WaitForALockEndsAtOnce) {
  must({"migrate", "--steps", "1"});
  Process other = hold("BEGIN IMMEDIATE");
  Process migration = start({"migrate", "--lock-timeout", "10m"});
  ASSERT_TRUE(eventually([&] { return !run({"status", "--json"}).json().at("running").is_null(); }));
  migration.send(SIGINT);
  const Outcome outcome = migration.wait();
  EXPECT_EQ(outcome.exit, exit_signalled + SIGINT) << outcome;
  other.send(SIGKILL);
  must({"migrate"});
}

TEST_F(Interrupt, WaitForAnotherRunEndsAtOnce) {
  configure("[hooks]\nbefore_each = \"touch begun; sleep 60\"\n");
  Process first = start({"migrate"});
  ASSERT_TRUE(there("begun"));
  Process second = start({"migrate", "--lock-timeout", "10m"});
  EXPECT_EQ(run({"migrate", "--lock-timeout", "20ms"}).exit, exit_busy);
  second.send(SIGTERM);
  EXPECT_EQ(second.wait().exit, exit_signalled + SIGTERM);
  EXPECT_TRUE(first.running());
}

TEST_F(Interrupt, SecondSignalEndsAtOnceAndTheNextRunCompletes) {
  configure("[hooks]\nbefore_each = \"trap '' INT TERM; touch begun; sleep 60\"\n");
  Process migration = start({"migrate"});
  ASSERT_TRUE(there("begun"));
  ASSERT_TRUE(eventually([&] {
    migration.send(SIGINT);
    return !migration.running();
  }));
  EXPECT_EQ(migration.wait().signal, SIGINT);
  configure();
  EXPECT_EQ(must({"status", "--json"}).json().at("state"), "interrupted");
  must({"migrate", "--lock-timeout", "0"});
  EXPECT_EQ(logged(), "1001 1002");
}

/// Signals are heard through a pipe.
TEST(EventLoop, WithoutADescriptorLeftIsAnErrorOfItsOwn) {
  if (address_sanitized) GTEST_SKIP() << "UBSan looks at what a pointer points to through a pipe";
  rlimit usual{};
  ASSERT_EQ(getrlimit(RLIMIT_NOFILE, &usual), 0);
  const rlimit none{0, usual.rlim_max};
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &none), 0);
  EXPECT_THROW(EventLoop(), Error);
  setrlimit(RLIMIT_NOFILE, &usual);
}

}  // namespace
}  // namespace belay::cli

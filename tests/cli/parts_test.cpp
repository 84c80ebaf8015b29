// Revisions that commit in several parts: when one of them fails, or somebody stops it, the parts are taken back at
// once.

#include <fmt/format.h>

#include <csignal>

#include "tests/cli/project.h"

namespace belay::cli {
namespace {

namespace fs = std::filesystem;

/// 1001 is applied; 1002 commits its first part and then does `second`.
class Parts : public Project {
 protected:
  Parts() {
    configure();
    script("1001", {.up = "CREATE TABLE log (id INTEGER);\nINSERT INTO log VALUES (1001);"});
    must({"migrate"});
    before_ = database_bytes();
  }
  void then(const std::string& second) const {
    script("1002", {.parents = "1001",
                    .up = "-- migrate:step first transaction:off\nCREATE TABLE part (x);\n-- migrate:step off "
                          "transaction:off\nINSERT INTO log VALUES (1);\n-- migrate:step second\n" +
                          second});
  }
  [[nodiscard]] bool first_part_is_there() const {
    return eventually([&] { return query("SELECT count(*) FROM log WHERE id = 1") == "1"; });
  }
  void expect_as_before() const {
    EXPECT_EQ(database_bytes(), before_);
    const Json status = must({"status", "--json"}).json();
    EXPECT_EQ(status.at("state"), "clean");
    EXPECT_EQ(status.at("current"), Json::array({"1001"}));
    must({"journal", "verify"});
  }

  std::string before_;
};

constexpr const char* endless =
    "INSERT INTO log WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1e12) SELECT max(i) "
    "FROM n;";

TEST_F(Parts, FailingStatementTakesThePartsBackAtOnce) {
  then("INSERT INTO nowhere VALUES (1);");
  const Outcome outcome = run({"migrate", "--json"});
  EXPECT_EQ(outcome.exit, exit_failed) << outcome;
  const Json error = outcome.error();
  EXPECT_EQ(error.at("kind"), "statement-failed");
  EXPECT_EQ(error.at("statement"), "INSERT INTO nowhere VALUES (1)");
  EXPECT_NE(error.at("state").get<std::string>().find("as before"), std::string::npos) << error;
  expect_as_before();
}

TEST_F(Parts, FailureIsTakenBackWhateverThePolicy) {
  for (const char* policy : {"forward", "back"}) {
    configure(fmt::format("[recovery]\npolicy = \"{}\"\n", policy));
    then("INSERT INTO nowhere VALUES (1);");
    EXPECT_EQ(run({"migrate"}).exit, exit_failed);
    expect_as_before();
  }
  then("INSERT INTO log VALUES (2);");
  must({"migrate"});
  EXPECT_EQ(logged(), "1001 1 2");
}

TEST_F(Parts, RevisionsBeforeTheFailingOneStay) {
  script("1002", {.parents = "1001", .up = "INSERT INTO log VALUES (1002);"});
  script("1003",
         {.parents = "1002",
          .up = "-- migrate:step first transaction:off\nCREATE TABLE part (x);\n-- migrate:step\nSELECT nothing;"});
  EXPECT_EQ(run({"migrate"}).exit, exit_failed);
  EXPECT_EQ(logged(), "1001 1002");
  EXPECT_EQ(schema(), "CREATE TABLE log (id INTEGER)");
  EXPECT_EQ(must({"current", "--json"}).json().at("current"), Json::array({"1002"}));
}

TEST_F(Parts, FailedCheckTakesThePartsBack) {
  script("1002", {.parents = "1001",
                  .up = "-- migrate:step first transaction:off\nCREATE TABLE part (x);\n-- migrate:verify\nSELECT 0;"});
  EXPECT_EQ(run({"migrate", "--json"}).error().at("kind"), "verification-failed");
  expect_as_before();
}

TEST_F(Parts, FailedVacuumedRevisionIsTakenBack) {
  script("1002", {.parents = "1001",
                  .up = "-- migrate:step first transaction:off\nINSERT INTO log VALUES (1);\n-- migrate:step vacuum "
                        "transaction:off\nVACUUM;\n-- migrate:step\nSELECT nothing;"});
  EXPECT_EQ(run({"migrate"}).exit, exit_failed);
  expect_as_before();
}

TEST_F(Parts, FailedBatchIsTakenBack) {
  script("1002",
         {.parents = "1001",
          .up = "CREATE TABLE part (x INTEGER PRIMARY KEY, y);\nINSERT INTO part (x) VALUES (1), (2), (3);\n"
                "-- migrate:step fill batch:1 over:part.x\nUPDATE part SET y = json(iif(x = 3, 'no json', '1')) "
                "WHERE x BETWEEN :lo AND :hi;"});
  EXPECT_EQ(run({"migrate"}).exit, exit_failed);
  expect_as_before();
}

TEST_F(Parts, FailingRollbackTakesThePartsBack) {
  script("1002", {.parents = "1001",
                  .up = "INSERT INTO log VALUES (1002);",
                  .down = "-- migrate:step first transaction:off\nDELETE FROM log;\n-- migrate:step\nSELECT nothing;"});
  must({"migrate"});
  const std::string before = database_bytes();
  EXPECT_EQ(run({"rollback"}).exit, exit_failed);
  EXPECT_EQ(database_bytes(), before);
  EXPECT_EQ(must({"status", "--json"}).json().at("state"), "clean");
}

TEST_F(Parts, HookThatFailsBetweenThemTakesNothingWithIt) {
  then("INSERT INTO log VALUES (2);");
  configure("[hooks]\nafter_each = \"false\"\n");
  const Outcome outcome = run({"migrate", "--json"});
  EXPECT_EQ(outcome.exit, exit_failed) << outcome;
  EXPECT_EQ(logged(), "1001 1 2");
  EXPECT_EQ(must({"status", "--json"}).json().at("state"), "clean");
}

class PartsStoppedBy : public Parts, public testing::WithParamInterface<int> {};

TEST_P(PartsStoppedBy, LeaveTheDatabaseAsItWas) {
  then(endless);
  Process migration = start({"migrate", "--json"});
  ASSERT_TRUE(first_part_is_there());
  migration.send(GetParam());
  const Outcome outcome = migration.wait();
  EXPECT_EQ(outcome.exit, exit_signalled + GetParam()) << outcome;
  EXPECT_EQ(outcome.error().at("kind"), "interrupted");
  EXPECT_NE(outcome.error().at("state").get<std::string>().find("as before"), std::string::npos) << outcome;
  expect_as_before();
}
INSTANTIATE_TEST_SUITE_P(Signals, PartsStoppedBy, testing::Values(SIGINT, SIGTERM, SIGHUP));

TEST_F(Parts, KilledAreGoneOnWithByTheNextRun) {
  then(endless);
  script("1002",
         {.parents = "1001",
          .up = "-- migrate:step first transaction:off\nINSERT INTO log VALUES (1);\n-- migrate:step rows batch:1 "
                "over:log.id\nINSERT INTO log SELECT -id FROM log WHERE id BETWEEN :lo AND :hi AND id > 0;"});
  {
    const Process migration = start({"migrate"});
    ASSERT_TRUE(first_part_is_there());
  }
  const Json json = must({"migrate", "--json"}).json();
  EXPECT_EQ(json.at("to"), Json::array({"1002"}));
  EXPECT_EQ(query("SELECT group_concat(id, ' ') FROM (SELECT id FROM log ORDER BY id)"), "-1001 -1 1 1001");
}

/// An application that writes between the slices of a batch, whose last step then fails.
class PartsBesideOthers : public Parts {
 protected:
  PartsBesideOthers() {
    script("1002",
           {.parents = "1001",
            .up = "CREATE TABLE part (x INTEGER PRIMARY KEY, y);\nCREATE TABLE application (x);\nINSERT INTO part "
                  "(x) WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 3000) SELECT i "
                  "FROM n;\n-- migrate:step fill batch:2 over:part.x\nUPDATE part SET y = x WHERE x BETWEEN :lo AND "
                  ":hi;\n-- migrate:step\nSELECT nothing;"});
    Process migration = start({"migrate", "--json"});
    while (!wrote() && migration.running()) continue;  // Without a pause: the slices do not take long.
    outcome_ = migration.wait();
  }
  /// Not before the table is there.
  [[nodiscard]] bool wrote() const {
    try {
      Database(root / "app.db").run("PRAGMA busy_timeout = 200; INSERT INTO application VALUES (7)");
      return true;
    } catch (const std::exception&) {
      return false;
    }
  }
  Outcome outcome_;
};

TEST_F(PartsBesideOthers, FailureTakesNothingBackOverTheirWrites) {
  EXPECT_EQ(outcome_.exit, exit_undecided) << outcome_;
  const Json error = outcome_.error();
  EXPECT_EQ(error.at("kind"), "statement-failed");
  EXPECT_NE(error.at("state").get<std::string>().find("it was not taken back: nothing proves"), std::string::npos)
      << error;
  EXPECT_EQ(query("SELECT x FROM application"), "7");
  EXPECT_EQ(must({"status", "--json"}).json().at("state"), "interrupted");
  EXPECT_EQ(run({"recover", "--back", "--json"}).error().at("kind"), "foreign-writes");
}

TEST_F(PartsBesideOthers, TheirWritesAreDiscardedWhereThatIsSaid) {
  must({"recover", "--back", "--discard-later-writes", "--yes"});
  EXPECT_EQ(schema(), "CREATE TABLE log (id INTEGER)");
  EXPECT_EQ(must({"status", "--json"}).json().at("state"), "clean");
}

TEST_F(Parts, BusyDatabaseIsSaidSo) {
  Database(root / "app.db").run("PRAGMA journal_mode = WAL");
  Process other = hold("SELECT count(*) FROM log");
  then("SELECT nothing;");
  const Outcome outcome = run({"migrate", "--json", "--lock-timeout", "50ms"});
  EXPECT_EQ(outcome.exit, exit_busy) << outcome;
  EXPECT_EQ(must({"status", "--json"}).json().at("state"), "interrupted");
  other.send(SIGKILL);
  other.wait();
  EXPECT_EQ(must({"recover", "--back", "--json"}).json().at("recovered").at("direction"), "back");
  EXPECT_EQ(logged(), "1001");
  EXPECT_EQ(query("SELECT count(*) FROM sqlite_schema WHERE name = 'part'"), "0");
}

}  // namespace
}  // namespace belay::cli

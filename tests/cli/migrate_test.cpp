// migrate, upgrade, downgrade, rollback.

#include <fmt/format.h>

#include "tests/cli/project.h"

namespace belay::cli {
namespace {

class Migrate : public Project {
 protected:
  Migrate() { configure(); }

  /// `from`, `to` and `revisions` of what a command reports, as `1001>1003: up 1002, up 1003`.
  static std::string report(const Outcome& outcome) {
    const Json json = outcome.json();
    EXPECT_EQ(json.at("ok"), true);
    EXPECT_EQ(json.at("exit"), 0);
    EXPECT_EQ(json.at("recovered"), Json());
    std::string text = words(json.at("from")) + ">" + words(json.at("to")) + ":";
    for (const Json& done : json.at("revisions")) {
      EXPECT_GE(done.at("ms").get<int>(), 0);
      text += " " + done.at("direction").get<std::string>() + " " + done.at("revision").get<std::string>();
    }
    return text;
  }
  static std::string words(const Json& ids) {
    std::string text;
    for (const Json& id : ids) text += (text.empty() ? "" : ",") + id.get<std::string>();
    return text;
  }
};

TEST_F(Migrate, AppliesAllPendingRevisionsInOrder) {
  chain(3);
  const Outcome outcome = must({"migrate"});
  EXPECT_EQ(logged(), "1001 1002 1003");
  EXPECT_NE(outcome.out.find("  + 1002  revision 1002  "), std::string::npos) << outcome;
  EXPECT_NE(outcome.out.find("3 revisions; the database is at 1003 (head)\n"), std::string::npos) << outcome;
  EXPECT_EQ(outcome.err, "");
}

TEST_F(Migrate, StampsSayWhatWasApplied) {
  chain(2);
  must({"migrate"});
  EXPECT_EQ(
      query("SELECT revision, message, length(digest), applied_at LIKE '____-__-__T__:__:__Z', execution_ms >= 0, "
            "applied_by LIKE '%@%', lsn > 0 FROM belay_version ORDER BY revision"),
      "1001|revision 1001|64|1|1|1|1\n1002|revision 1002|64|1|1|1|1");
}

TEST_F(Migrate, DoesNothingAtHead) {
  chain(2);
  must({"migrate"});
  const auto before = files();
  EXPECT_EQ(must({"migrate"}).out, "nothing to do: the database is at 1002 (head)\n");
  EXPECT_EQ(report(must({"migrate", "--json"})), "1002>1002:");
  EXPECT_EQ(changed_since(before), "");
}

TEST_F(Migrate, WithoutScriptsThereIsNothingToDoAndNoDatabaseIsMade) {
  const auto before = files();
  EXPECT_EQ(must({"migrate"}).out, "nothing to do: the database is at base\n");
  EXPECT_EQ(changed_since(before), "");
}

TEST_F(Migrate, ReportsInJson) {
  chain(3);
  EXPECT_EQ(report(must({"migrate", "--to", "1002", "--json"})), ">1002: up 1001 up 1002");
  EXPECT_EQ(report(must({"migrate", "--json"})), "1002>1003: up 1003");
}

TEST_F(Migrate, StepsGoSoFar) {
  chain(4);
  EXPECT_EQ(report(must({"migrate", "--steps", "2", "--json"})), ">1002: up 1001 up 1002");
  EXPECT_EQ(report(must({"migrate", "--steps", "1", "--json"})), "1002>1003: up 1003");
}

TEST_F(Migrate, UpgradeTakesIdsPrefixesHeadAndSteps) {
  chain(12);
  EXPECT_EQ(report(must({"upgrade", "1001", "--json"})), ">1001: up 1001");
  EXPECT_EQ(report(must({"upgrade", "+2", "--json"})), "1001>1003: up 1002 up 1003");
  EXPECT_EQ(report(must({"upgrade", "1004", "--json"})), "1003>1004: up 1004");
  must({"upgrade", "head"});
  EXPECT_EQ(report(must({"upgrade", "--json"})), "1012>1012:");
}

TEST_F(Migrate, UpgradeTakesAnUnambiguousPrefix) {
  script("abc1", {.up = "SELECT 1;"});
  script("abd2", {.parents = "abc1", .up = "SELECT 1;"});
  EXPECT_EQ(report(must({"upgrade", "abc", "--json"})), ">abc1: up abc1");
}

TEST_F(Migrate, RollbackTakesBackOne) {
  chain(3);
  must({"migrate"});
  EXPECT_EQ(report(must({"rollback", "--json"})), "1003>1002: down 1003");
  EXPECT_EQ(logged(), "1001 1002");
  EXPECT_NE(must({"rollback"}).out.find("  - 1002  revision 1002"), std::string::npos);
}

TEST_F(Migrate, RollbackTakesStepsAndStopsAtBase) {
  chain(3);
  must({"migrate"});
  EXPECT_EQ(report(must({"rollback", "--steps", "2", "--json"})), "1003>1001: down 1003 down 1002");
  EXPECT_EQ(report(must({"rollback", "--json"})), "1001>: down 1001");
  EXPECT_EQ(schema(), "");
}

TEST_F(Migrate, DowngradeTakesIdsStepsAndBase) {
  chain(5);
  must({"migrate"});
  EXPECT_EQ(report(must({"downgrade", "-1", "--json"})), "1005>1004: down 1005");
  EXPECT_EQ(report(must({"downgrade", "1002", "--json"})), "1004>1002: down 1004 down 1003");
  EXPECT_EQ(report(must({"downgrade", "base", "--json"})), "1002>: down 1002 down 1001");
  EXPECT_EQ(must({"downgrade", "base"}).out, "nothing to do: the database is at base\n");
}

TEST_F(Migrate, SeveralHeadsAreRefusedUnlessAllAreMeant) {
  chain(1);
  script("2001", {.parents = "1001", .up = "INSERT INTO log VALUES (2001);"});
  script("2002", {.parents = "1001", .up = "INSERT INTO log VALUES (2002);"});
  EXPECT_EQ(refusal({"migrate"}), (Refusal{exit_refused, "several-heads"}));
  EXPECT_EQ(report(must({"upgrade", "2002", "--json"})), ">2002: up 1001 up 2002");
  EXPECT_EQ(report(must({"upgrade", "heads", "--json"})), "2002>2001,2002: up 2001");
}

TEST_F(Migrate, FailureKeepsWhatWasBeforeItAndSaysWhere) {
  chain(2);
  script("1003", {.parents = "1002", .up = "CREATE TABLE a (x);\nINSERT INTO nowhere VALUES (1);"});
  const Outcome outcome = run({"migrate"});
  EXPECT_EQ(outcome.exit, exit_failed) << outcome;
  EXPECT_EQ(outcome.err, fmt::format(R"(belay: no such table: nowhere
  where      {}/versions/1003.sql:6
  statement  INSERT INTO nowhere VALUES (1)
  state      2 of 3 revisions of this run are applied, the last one is 1002; nothing is half done
  next       correct the script or the data, then: belay migrate
)",
                                     root.string()));
  EXPECT_EQ(logged(), "1001 1002");
  EXPECT_EQ(schema(), "CREATE TABLE log (id INTEGER)");
  EXPECT_EQ(must({"status", "--json"}).json().at("state"), "clean");
}

/// It advised `belay migrate`, which goes up again.
TEST_F(Migrate, FailureOnTheWayDownSaysHowFarItCame) {
  chain(3);
  script("1002", {.parents = "1001", .up = "SELECT 1;", .down = "DROP TABLE nowhere;"});
  must({"migrate"});
  const Outcome outcome = run({"downgrade", "base"});
  EXPECT_EQ(outcome.exit, exit_failed) << outcome;
  EXPECT_EQ(outcome.err, fmt::format(R"(belay: no such table: nowhere
  where      {}/versions/1002.sql:7
  statement  DROP TABLE nowhere
  state      1 of 3 revisions of this run are taken back, the last one is 1003; nothing is half done
  next       correct the script or the data; belay status shows how far it came
)",
                                     root.string()));
}

TEST_F(Migrate, FailureInJsonIsOneObject) {
  script("1001", {.up = "SELECT nothing;"});
  const Outcome outcome = run({"migrate", "--json"});
  EXPECT_EQ(outcome.exit, exit_failed);
  const Json error = outcome.error();
  EXPECT_EQ(error.at("kind"), "statement-failed");
  EXPECT_EQ(error.at("file"), (root / "versions/1001.sql").string());
  EXPECT_EQ(error.at("line"), 5);
  EXPECT_EQ(error.at("statement"), "SELECT nothing");
}

TEST_F(Migrate, CorrectedScriptGoesOn) {
  chain(1);
  script("1002", {.parents = "1001", .up = "INSERT INTO logg VALUES (1002);"});
  EXPECT_EQ(run({"migrate"}).exit, exit_failed);
  script("1002", {.parents = "1001", .up = "INSERT INTO log VALUES (1002);"});
  EXPECT_EQ(report(must({"migrate", "--json"})), "1001>1002: up 1002");
}

TEST_F(Migrate, AtomicRunAppliesAll) {
  chain(3);
  must({"migrate", "--atomic"});
  EXPECT_EQ(logged(), "1001 1002 1003");
  EXPECT_EQ(query("SELECT count(DISTINCT lsn) FROM belay_version"), "1");
}

TEST_F(Migrate, AtomicRunThatFailsLeavesNothing) {
  chain(3);
  must({"migrate", "--steps", "1"});
  script("1004", {.parents = "1003", .up = "SELECT nothing;"});
  const Outcome outcome = run({"migrate", "--atomic"});
  EXPECT_EQ(outcome.exit, exit_failed);
  EXPECT_NE(outcome.err.find("\n  state      as before the run: nothing of it is applied\n"), std::string::npos)
      << outcome;
  EXPECT_EQ(logged(), "1001");
  EXPECT_EQ(outcome.out, "");
}

TEST_F(Migrate, AtomicRunRefusesWhatCannotBeAtomic) {
  script("1001", {.up = "-- migrate:step transaction:off\nVACUUM;"});
  const Outcome outcome = run({"migrate", "--atomic", "--json"});
  EXPECT_EQ(outcome.exit, exit_failed);
  EXPECT_EQ(outcome.error().at("kind"), "refused-statement");
}

TEST_F(Migrate, VerificationThatFailsTakesTheRevisionBack) {
  chain(1);
  script("1002", {.parents = "1001", .up = "INSERT INTO log VALUES (1002);\n-- migrate:verify\nSELECT 0;"});
  const Json error = run({"migrate", "--json"}).error();
  EXPECT_EQ(error.at("kind"), "verification-failed");
  EXPECT_EQ(error.at("line"), 7);
  EXPECT_EQ(logged(), "1001");
}

TEST_F(Migrate, IrreversibleRevisionIsNotTakenBack) {
  chain(1);
  write("versions/1002.sql",
        "-- parents: 1001\n-- migrate:up\nSELECT 1;\n-- migrate:down irreversible:\"names are gone\"\n");
  must({"migrate"});
  EXPECT_EQ(refusal({"rollback"}), (Refusal{exit_refused, "irreversible", "versions/1002.sql"}));
  EXPECT_NE(run({"rollback"}).err.find("names are gone"), std::string::npos);
}

TEST_F(Migrate, RevisionWithoutADownSectionIsNotTakenBack) {
  write("versions/1001.sql", "-- migrate:up\nSELECT 1;\n");
  must({"migrate"});
  EXPECT_EQ(refusal({"rollback"}).kind, "irreversible");
}

TEST_F(Migrate, ProtectedEnvironmentKeepsItsRevisions) {
  configure("protected = true\n");
  chain(2);
  must({"migrate"});
  EXPECT_EQ(refusal({"downgrade", "base"}), (Refusal{exit_refused, "protected"}));
  EXPECT_EQ(refusal({"downgrade", "base", "--yes"}), (Refusal{exit_refused, "protected"}));
  EXPECT_EQ(report(must({"rollback", "--json"})), "1002>1001: down 1002");
}

TEST_F(Migrate, ProtectedEnvironmentIsNotTakenToBaseInOtherWordsEither) {
  configure("protected = true\n");
  chain(2);
  must({"migrate"});
  EXPECT_EQ(refusal({"rollback", "--steps", "2"}), (Refusal{exit_refused, "protected"}));
  EXPECT_EQ(refusal({"downgrade", "-2"}), (Refusal{exit_refused, "protected"}));
}

TEST_F(Migrate, DatabaseIsFoundBesideTheConfigurationFromAnyFolder) {
  chain(1);
  must({"-C", root.string(), "migrate"}, {.folder = "/"});
  must({"-c", (root / "belay.toml").string(), "status"}, {.folder = "/"});
  EXPECT_EQ(logged(), "1001");
}

TEST_F(Migrate, FlagGoesBeforeVariableGoesBeforeFile) {
  chain(1);
  const std::map<std::string, std::string> variables{{"BELAY_DATABASE_URL", "sqlite:second.db"},
                                                     {"DATABASE_URL", "sqlite:third.db"}};
  must({"migrate", "--database", "sqlite:first.db"}, {.environment = variables});
  EXPECT_TRUE(std::filesystem::exists(root / "first.db"));
  must({"migrate"}, {.environment = variables});
  EXPECT_TRUE(std::filesystem::exists(root / "second.db"));
  must({"migrate"}, {.environment = {{"DATABASE_URL", "third.db"}}});
  EXPECT_TRUE(std::filesystem::exists(root / "third.db"));
  EXPECT_FALSE(std::filesystem::exists(root / "app.db"));
}

TEST_F(Migrate, EnvironmentOverridesTheTop) {
  configure("[env.production]\ndatabase = \"sqlite:${NAME:-production}.db\"\nprotected = true\n");
  chain(1);
  must({"-e", "production", "migrate"});
  EXPECT_TRUE(std::filesystem::exists(root / "production.db"));
  must({"migrate"}, {.environment = {{"BELAY_ENV", "production"}, {"NAME", "second"}}});
  EXPECT_TRUE(std::filesystem::exists(root / "second.db"));
  EXPECT_FALSE(std::filesystem::exists(root / "app.db"));
  EXPECT_EQ(refusal({"-e", "production", "downgrade", "base"}).kind, "protected");
}

TEST_F(Migrate, AnotherVersionTableIsUsedWhereOneIsNamed) {
  configure("version_table = \"schema_history\"\n");
  chain(1);
  must({"migrate"});
  EXPECT_EQ(query("SELECT revision FROM schema_history"), "1001");
  EXPECT_EQ(query("SELECT count(*) FROM sqlite_schema WHERE name = 'belay_version'"), "0");
}

TEST_F(Migrate, StatementTimeoutInterruptsWhatRunsLonger) {
  chain(1);
  script("1002",
         {.parents = "1001",
          .up = "INSERT INTO log WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1e10) "
                "SELECT max(i) FROM n;"});
  const Outcome outcome = run({"migrate", "--statement-timeout", "100ms", "--json"});
  EXPECT_EQ(outcome.exit, exit_failed);
  EXPECT_EQ(outcome.error().at("kind"), "timed-out");
  EXPECT_EQ(outcome.error().at("line"), 5);
  EXPECT_EQ(logged(), "1001");
  EXPECT_EQ(must({"status", "--json"}).json().at("state"), "clean");
}

TEST_F(Migrate, StatementTimeoutLeavesShortStatementsAlone) {
  chain(20);
  must({"migrate", "--statement-timeout", "1m"});
  EXPECT_EQ(query("SELECT count(*) FROM log"), "20");
}

}  // namespace
}  // namespace belay::cli

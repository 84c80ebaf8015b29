// Hooks: files of SQL and commands.

#include <fmt/format.h>

#include "tests/cli/project.h"

namespace belay::cli {
namespace {

class Hooks : public Project {
 protected:
  /// Writes belay.toml with these lines below `[hooks]`.
  void hooks(const std::string& lines) const { configure("[hooks]\n" + lines); }
};

TEST_F(Hooks, CommandsRunInOrderAroundTheRunAndEachRevision) {
  hooks(
      "before_migrate = \"echo before >> order\"\nafter_migrate = [\"echo after >> order\", \"echo last >> order\"]\n"
      "before_each = \"echo + $BELAY_REVISION >> order\"\nafter_each = \"echo = $BELAY_REVISION >> order\"\n");
  chain(2);
  must({"migrate"});
  EXPECT_EQ(text("order"), "before\n+ 1001\n= 1001\n+ 1002\n= 1002\nafter\nlast\n");
}

TEST_F(Hooks, CommandsKnowWhatIsDone) {
  hooks(
      "before_migrate = \"echo $BELAY_COMMAND/$BELAY_DATABASE >> order\"\n"
      "after_each = \"echo $BELAY_REVISION/$BELAY_DIRECTION/$BELAY_MESSAGE >> order\"\n");
  script("1001", {.up = "SELECT 1;", .message = "it's $HOME; `date`"});
  must({"upgrade", "+1"});
  must({"rollback"});
  EXPECT_EQ(
      text("order"),
      "upgrade +1/sqlite:app.db\n1001/up/it's $HOME; `date`\nrollback/sqlite:app.db\n1001/down/it's $HOME; `date`\n");
}

TEST_F(Hooks, CommandsRunInTheFolderOfTheConfiguration) {
  hooks("after_migrate = \"pwd > where\"\n");
  chain(1);
  must({"-c", (root / "belay.toml").string(), "migrate"}, {.folder = "/"});
  EXPECT_EQ(text("where"), root.string() + "\n");
}

TEST_F(Hooks, CommandsCanUseTheDatabase) {
  hooks("after_each = \"/usr/bin/sqlite3 app.db \\\"INSERT INTO log VALUES (-$BELAY_REVISION)\\\"\"\n");
  chain(2);
  must({"migrate"});
  EXPECT_EQ(logged(), "1001 -1001 1002 -1002");
}

TEST_F(Hooks, OutputOfCommandsStaysOutOfJson) {
  hooks("after_each = \"echo to stdout; echo to stderr >&2\"\n");
  chain(1);
  const Outcome outcome = must({"migrate", "--json"});
  EXPECT_EQ(outcome.err, "to stdout\nto stderr\n");
  EXPECT_EQ(Json::parse(outcome.out).at("ok"), true);
}

TEST_F(Hooks, CommandsFindSignalsAsAnyProgramDoes) {
  hooks("after_migrate = \"yes | head -1 > yes\"\n");  // yes is ended by SIGPIPE, or complains.
  chain(1);
  EXPECT_EQ(must({"migrate"}).err, "");
}

TEST_F(Hooks, VariablesOfTheEnvironmentDoNotHideThoseOfTheHook) {
  hooks("after_each = \"echo $BELAY_REVISION $BELAY_ENV > seen\"\n[env.test]\n");
  chain(1);
  must({"migrate"}, {.environment = {{"BELAY_REVISION", "77"}, {"BELAY_ENV", "test"}}});
  EXPECT_EQ(text("seen"), "1001 test\n");
}

TEST_F(Hooks, NothingToDoRunsNoHook) {
  hooks("before_migrate = \"echo before >> order\"\nafter_migrate = \"echo after >> order\"\n");
  chain(1);
  must({"migrate"});
  must({"migrate"});
  EXPECT_EQ(text("order"), "before\nafter\n");
}

TEST_F(Hooks, DryRunRunsNoHook) {
  hooks("before_migrate = \"touch ran\"\nbefore_each = \"touch ran\"\n");
  chain(1);
  must({"migrate", "--dry-run"});
  must({"migrate", "--sql"});
  EXPECT_FALSE(std::filesystem::exists(root / "ran"));
}

TEST_F(Hooks, FailingBeforeMigrateStopsBeforeAnythingIsDone) {
  hooks("before_migrate = \"exit 3\"\n");
  chain(1);
  EXPECT_EQ(refusal({"migrate"}), (Refusal{exit_failed, "hook-failed"}));
  EXPECT_NE(run({"migrate"}).err.find("the before_migrate hook ended with status 3: exit 3"), std::string::npos);
}

TEST_F(Hooks, FailingBeforeEachStopsBeforeThatRevision) {
  hooks("before_each = \"test $BELAY_REVISION != 1002\"\n");
  chain(3);
  const Outcome outcome = run({"migrate", "--json"});
  EXPECT_EQ(outcome.exit, exit_failed);
  EXPECT_EQ(outcome.error().at("kind"), "hook-failed");
  EXPECT_EQ(outcome.error().at("state"),
            "1 of 3 revisions of this run are applied, the last one is 1001; nothing is half done");
  EXPECT_EQ(logged(), "1001");
  EXPECT_EQ(must({"status", "--json"}).json().at("state"), "clean");
}

TEST_F(Hooks, FailingAfterEachStopsAfterThatRevision) {
  hooks("after_each = \"test $BELAY_REVISION != 1002\"\n");
  chain(3);
  EXPECT_EQ(run({"migrate"}).exit, exit_failed);
  EXPECT_EQ(logged(), "1001 1002");
}

TEST_F(Hooks, FailingAfterMigrateSaysThatTheRevisionsAreApplied) {
  hooks("after_migrate = \"false\"\n");
  chain(2);
  const Outcome outcome = run({"migrate", "--json"});
  EXPECT_EQ(outcome.exit, exit_failed);
  EXPECT_EQ(outcome.error().at("kind"), "hook-failed");
  EXPECT_EQ(outcome.error().at("state"), "the run is done; the database is at 1002 (head)");
  EXPECT_EQ(logged(), "1001 1002");
}

TEST_F(Hooks, SqlRunsInTheTransactionOfItsRevision) {
  hooks("before_each = \"before.sql\"\nafter_each = \"hooks/after.sql\"\n");
  write("before.sql", "CREATE TABLE IF NOT EXISTS log (id INTEGER);\nINSERT INTO log VALUES (-1);");
  write("hooks/after.sql", "INSERT INTO log VALUES (-2);");
  script("1001", {.up = "INSERT INTO log VALUES (1001);"});
  script("1002", {.parents = "1001", .up = "INSERT INTO log VALUES (1002); SELECT nothing;"});
  EXPECT_EQ(run({"migrate"}).exit, exit_failed);
  EXPECT_EQ(logged(), "-1 1001 -2");
}

TEST_F(Hooks, SqlRunsBeforeAndAfterTheRun) {
  hooks("before_migrate = \"before.sql\"\nafter_migrate = \"after.sql\"\n");
  write("before.sql", "CREATE TABLE log (id INTEGER);");
  write("after.sql", "INSERT INTO log VALUES (0);\nANALYZE;");
  script("1001", {.up = "INSERT INTO log VALUES (1001);"});
  const Json json = must({"migrate", "--json"}).json();
  EXPECT_EQ(json.at("revisions").size(), 1U);
  EXPECT_EQ(logged(), "1001 0");
}

TEST_F(Hooks, FailingSqlNamesItsFileAndLine) {
  hooks("after_migrate = \"after.sql\"\n");
  write("after.sql", "SELECT 1;\n\nSELECT nothing;\n");
  chain(1);
  const Outcome outcome = run({"migrate", "--json"});
  EXPECT_EQ(outcome.exit, exit_failed);
  const Json error = outcome.error();
  EXPECT_TRUE(error.at("file").get<std::string>().ends_with("after.sql")) << error;
  EXPECT_EQ(error.at("line"), 3);
  EXPECT_EQ(logged(), "1001");
}

TEST_F(Hooks, OfAnEnvironmentReplaceThoseOfTheTop) {
  configure(
      "[hooks]\nafter_migrate = \"echo top >> order\"\n[env.production.hooks]\nafter_migrate = \"echo production >> "
      "order\"\n");
  chain(1);
  must({"-e", "production", "migrate"});
  EXPECT_EQ(text("order"), "production\n");
}

}  // namespace
}  // namespace belay::cli

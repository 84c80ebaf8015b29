// Scripts and configurations that make no sense: each command says what, where and what to do, and changes nothing.

#include <sys/stat.h>

#include "tests/cli/project.h"

namespace belay::cli {
namespace {

namespace fs = std::filesystem;

/// A project that has been migrated once, so that there is something to lose.
class BadInput : public Project {
 protected:
  BadInput() {
    configure();
    chain(2);
    must({"migrate"});
  }
  /// Is it the same refusal for commands that write, that read and that need no database?
  void expect_refused(const Refusal& expected) const {
    for (const Words& words :
         {Words{"migrate"}, {"status"}, {"history", "--graph"}, {"new", "more"}, {"migrate", "--dry-run"}})
      EXPECT_EQ(refusal(words), expected) << words[0];
  }
};

class BadScript : public BadInput {};

TEST_F(BadScript, MisspeltMarkerIsRefusedWithASuggestion) {
  write("versions/1003.sql", "-- parents: 1002\n\n-- migrate:upp\nSELECT 1;\n");
  expect_refused({exit_config, "malformed-script", "versions/1003.sql:3"});
  EXPECT_NE(run({"migrate"}).err.find("migrate:up"), std::string::npos);
}

TEST_F(BadScript, MisspeltOptionIsRefused) {
  write("versions/1003.sql", "-- parents: 1002\n-- migrate:up transacton:off\nSELECT 1;\n");
  expect_refused({exit_config, "malformed-script", "versions/1003.sql:2"});
}

TEST_F(BadScript, StatementThatNeverEndsIsRefused) {
  write("versions/1003.sql", "-- parents: 1002\n-- migrate:up\nSELECT 'abc;\n");
  expect_refused({exit_config, "malformed-script", "versions/1003.sql:3"});
}

TEST_F(BadScript, TwoUpSectionsAreRefused) {
  write("versions/1003.sql", "-- parents: 1002\n-- migrate:up\nSELECT 1;\n-- migrate:up\nSELECT 2;\n");
  expect_refused({exit_config, "malformed-script", "versions/1003.sql:4"});
}

TEST_F(BadScript, BatchWithoutATableIsRefused) {
  write("versions/1003.sql", "-- parents: 1002\n-- migrate:up\n-- migrate:step batch:10\nSELECT 1;\n");
  expect_refused({exit_config, "malformed-script", "versions/1003.sql:3"});
}

TEST_F(BadScript, ScriptWithoutAnUpSectionIsRefused) {
  write("versions/1003.sql", "-- parents: 1002\nSELECT 1;\n");
  EXPECT_EQ(refusal({"migrate"}).exit, exit_config);
}

TEST_F(BadScript, ScriptThatIsNotUtf8IsRefused) {
  write("versions/1003.sql", "-- parents: 1002\n-- migrate:up\nSELECT '\xff\xfe';\n");
  expect_refused({exit_config, "malformed-script", "versions/1003.sql:3"});
}

TEST_F(BadScript, BinaryFileIsRefused) {
  write("versions/1003.sql", std::string("\0\1\2\3", 4));
  EXPECT_EQ(refusal({"migrate"}).exit, exit_config);
}

TEST_F(BadScript, MissingParentIsRefused) {
  script("1003", {.parents = "1003000", .up = "SELECT 1;"});
  expect_refused({exit_config, "missing-parent", "versions/1003.sql"});
}

TEST_F(BadScript, CycleIsRefused) {
  script("1003", {.parents = "1004", .up = "SELECT 1;"});
  script("1004", {.parents = "1003", .up = "SELECT 1;"});
  EXPECT_EQ(refusal({"migrate"}).kind, "cycle");
  EXPECT_EQ(refusal({"migrate"}).exit, exit_config);
  EXPECT_NE(refusal({"migrate"}).where, "");
}

TEST_F(BadScript, TwoScriptsOfOneIdAreRefused) {
  write("versions/another.sql", text("versions/1002.sql"));
  EXPECT_EQ(refusal({"migrate"}).kind, "duplicate-revision");
  EXPECT_EQ(refusal({"status"}).exit, exit_config);
  EXPECT_NE(refusal({"status"}).where, "");
}

TEST_F(BadScript, FolderInPlaceOfAScriptIsRefused) {
  fs::create_directory(root / "versions/1003.sql");
  expect_refused({exit_missing_input, "unreadable", "versions/1003.sql"});
}

TEST_F(BadScript, UnreadableScriptIsRefused) {
  script("1003", {.parents = "1002", .up = "SELECT 1;"});
  fs::permissions(root / "versions/1003.sql", fs::perms::none);
  give_away();
  EXPECT_EQ(refusal({"migrate"}, {.unprivileged = true}),
            (Refusal{exit_missing_input, "unreadable", "versions/1003.sql"}));
}

TEST_F(BadScript, UnreadableFolderOfScriptsIsRefused) {
  give_away();
  fs::permissions(root / "versions", fs::perms::none);
  const Outcome outcome = run({"migrate", "--json"}, {.unprivileged = true});
  fs::permissions(root / "versions", fs::perms::owner_all);
  EXPECT_EQ(outcome.exit, exit_missing_input);
  EXPECT_EQ(outcome.error().at("kind"), "unreadable");
}

TEST_F(BadScript, MissingFolderOfScriptsIsRefused) {
  fs::rename(root / "versions", root / "elsewhere");
  EXPECT_EQ(refusal({"migrate"}).exit, exit_missing_input);
  EXPECT_EQ(refusal({"status"}).kind, "unreadable");
}

TEST_F(BadScript, EditedAppliedScriptIsAnIntegrityError) {
  script("1002", {.parents = "1001", .up = "INSERT INTO log VALUES (-1002);"});
  EXPECT_EQ(refusal({"migrate"}), (Refusal{exit_integrity, "drift", "versions/1002.sql"}));
  EXPECT_EQ(refusal({"rollback"}), (Refusal{exit_integrity, "drift", "versions/1002.sql"}));
  const Outcome status = run({"status", "--json"});
  EXPECT_EQ(status.exit, exit_integrity);
  EXPECT_EQ(status.json().at("state"), "inconsistent");
  EXPECT_EQ(status.json().at("problems").at(0).at("kind"), "edited");
  EXPECT_EQ(status.json().at("problems").at(0).at("where"), (root / "versions/1002.sql").string());
}

TEST_F(BadScript, EditedCommentIsHarmless) {
  write("versions/1002.sql",
        "-- revision: 1002\n-- parents: 1001\n-- message: revision 1002\n-- migrate:up\n"
        "-- A word on it.\nINSERT INTO log VALUES (1002); -- here\n-- migrate:down\n"
        "DELETE FROM log WHERE id = 1002;\n");
  must({"migrate"});
  must({"status"});
}

TEST_F(BadScript, MissingAppliedScriptIsAnIntegrityError) {
  fs::remove(root / "versions/1002.sql");
  const Refusal refused = refusal({"migrate"});
  EXPECT_EQ(refused.exit, exit_integrity);
  EXPECT_EQ(refused.kind, "drift");
  const Json status = run({"status", "--json"}).json();
  EXPECT_EQ(status.at("problems").at(0).at("kind"), "missing");
  EXPECT_EQ(status.at("problems").at(0).at("where"), "1002");
}

TEST_F(BadScript, TransactionControlInAScriptIsRefusedAndNothingOfItStays) {
  script("1003", {.parents = "1002", .up = "CREATE TABLE a (x);\nCOMMIT;\nCREATE TABLE b (x);"});
  const Json error = run({"migrate", "--json"}).error();
  EXPECT_EQ(error.at("kind"), "refused-statement");
  EXPECT_EQ(error.at("line"), 6);
  EXPECT_EQ(schema(), "CREATE TABLE log (id INTEGER)");
}

class BadConfig : public BadInput {};

TEST_F(BadConfig, UnknownKeyIsRefusedWithTheNearest) {
  configure("\ndatabse = \"x\"\n");
  expect_refused({exit_config, "bad-config", "belay.toml:3:1"});
  EXPECT_NE(run({"config"}).err.find("did you mean `database`?"), std::string::npos);
  EXPECT_EQ(refusal({"config"}).exit, exit_config);
}

TEST_F(BadConfig, BrokenTomlIsRefused) {
  write("belay.toml", "database = \"sqlite:app.db\nversions = 1\n");
  expect_refused({exit_config, "bad-config", "belay.toml:1:26"});
}

TEST_F(BadConfig, ConfigThatIsNotUtf8IsRefused) {
  write("belay.toml", "# caf\xe9\ndatabase = \"sqlite:app.db\"\n");
  EXPECT_EQ(refusal({"migrate"}), (Refusal{exit_config, "bad-config", "belay.toml:1:6"}));
}

TEST_F(BadConfig, FolderInPlaceOfTheConfigIsRefused) {
  fs::remove(root / "belay.toml");
  fs::create_directory(root / "belay.toml");
  EXPECT_EQ(refusal({"migrate"}), (Refusal{exit_config, "bad-config", "belay.toml"}));
}

TEST_F(BadConfig, UnreadableConfigIsRefused) {
  fs::permissions(root / "belay.toml", fs::perms::none);
  give_away();
  EXPECT_EQ(refusal({"migrate"}, {.unprivileged = true}), (Refusal{exit_config, "bad-config", "belay.toml"}));
}

TEST_F(BadConfig, MissingConfigIsRefused) {
  EXPECT_EQ(refusal({"-c", "other.toml", "migrate"}), (Refusal{exit_missing_input, "missing-config", "other.toml"}));
  fs::remove(root / "belay.toml");
  EXPECT_EQ(refusal({"migrate"}), (Refusal{exit_missing_input, "missing-config"}));
  EXPECT_EQ(refusal({"status"}), (Refusal{exit_missing_input, "missing-config"}));
}

TEST_F(BadConfig, UnknownEnvironmentIsRefused) {
  configure("[env.production]\nprotected = true\n");
  EXPECT_EQ(refusal({"-e", "productoin", "migrate"}), (Refusal{exit_config, "bad-config", "belay.toml"}));
  EXPECT_NE(run({"-e", "productoin", "migrate"}).err.find("did you mean `production`?"), std::string::npos);
}

TEST_F(BadConfig, UnsetVariableIsRefused) {
  write("belay.toml", "database = \"sqlite:${APP_DATABASE}\"\n");
  EXPECT_EQ(refusal({"migrate"}), (Refusal{exit_config, "bad-config", "belay.toml:1:12"}));
}

TEST_F(BadConfig, BadUrlOfTheFileIsAnErrorOfTheConfig) {
  write("belay.toml", "database = \"oracle://db\"\n");
  EXPECT_EQ(refusal({"migrate"}).exit, exit_config);
  EXPECT_EQ(refusal({"migrate"}).kind, "bad-url");
}

TEST_F(BadConfig, BadUrlOfAFlagIsAnErrorOfTheWords) {
  EXPECT_EQ(refusal({"migrate", "--database", "oracle://db"}), (Refusal{exit_usage, "bad-url"}));
}

TEST_F(BadConfig, BadUrlOfAVariableSaysWhichVariable) {
  const Surroundings surroundings{.environment = {{"BELAY_DATABASE_URL", "oracle://db"}}};
  EXPECT_EQ(refusal({"migrate"}, surroundings), (Refusal{exit_config, "bad-url"}));
}

TEST_F(BadConfig, LogThatCannotBeWrittenIsRefused) {
  configure("[log]\nfile = \"nowhere/belay.log\"\n");
  EXPECT_EQ(refusal({"migrate"}).exit, exit_config);
}

TEST_F(BadConfig, HookThatIsNotThereIsRefused) {
  configure("[hooks]\nafter_migrate = \"hooks/after.sql\"\n");
  script("1003", {.parents = "1002", .up = "SELECT 1;"});
  EXPECT_EQ(refusal({"migrate"}), (Refusal{exit_missing_input, "missing-config", "belay.toml"}));
}

TEST_F(BadConfig, HookThatIsMalformedIsRefused) {
  configure("[hooks]\nafter_migrate = \"after.sql\"\n");
  write("after.sql", "SELECT 1;\nSELECT 'abc\n");
  script("1003", {.parents = "1002", .up = "SELECT 1;"});
  EXPECT_EQ(refusal({"migrate"}), (Refusal{exit_config, "malformed-script", "after.sql:2"}));
}

}  // namespace
}  // namespace belay::cli

// belay recover restore: what it does, says and refuses.

#include "tests/cli/project.h"

namespace belay::cli {
namespace {

namespace fs = std::filesystem;

class RestoreCommand : public Project {
 protected:
  RestoreCommand() {
    configure();
    chain(3);
    must({"migrate", "--to", "1002"});
    backup_ = must({"backup", "--json"}).json().at("id");
    must({"migrate"});
  }
  [[nodiscard]] Json restored(Words words = {}) const {
    words.insert(words.begin(), {"recover", "restore", "--json"});
    return must(words).json();
  }
  [[nodiscard]] std::string data() const { return "app.db-belay/backups/" + backup_ + ".db.zst"; }

  std::string backup_;
};

TEST_F(RestoreCommand, TakesTheNewestAndSaysWhatIsGone) {
  const Json json = restored();
  EXPECT_EQ(json.at("ok"), true);
  EXPECT_EQ(json.at("from"), Json({"1003"}));
  EXPECT_EQ(json.at("to"), Json({"1002"}));
  EXPECT_EQ(json.at("revisions").size(), 1U);
  EXPECT_EQ(json.at("revisions").at(0).at("direction"), "down");
  EXPECT_TRUE(json.at("recovered").is_null());
  EXPECT_EQ(logged(), "1001 1002");
  EXPECT_EQ(must({"migrate", "--json"}).json().at("to"), Json({"1003"}));
}

TEST_F(RestoreCommand, SaysInWordsWhatIsKeptAndWhereTheDatabaseIs) {
  const auto outcome = must({"recover", "restore", backup_});
  EXPECT_NE(outcome.out.find("the database as it was"), std::string::npos) << outcome;
  EXPECT_NE(outcome.out.find("backup " + backup_ + " is restored; the database is at 1002"), std::string::npos)
      << outcome;
}

TEST_F(RestoreCommand, ListIsThatOfTheBackups) {
  EXPECT_EQ(must({"recover", "restore", "--list", "--json"}).json(), must({"backup", "--list", "--json"}).json());
}

TEST_F(RestoreCommand, DryRunVerifiesAndChangesNothing) {
  const auto before = files();
  EXPECT_EQ(restored({"--dry-run"}).at("backup"), backup_);
  EXPECT_EQ(changed_since(before), "");
}

TEST_F(RestoreCommand, FileThatWasWrittenElsewhereIsRestored) {
  must({"backup", "-o", "elsewhere.db"});
  Database(root / "app.db").run("DELETE FROM log");
  must({"recover", "restore", "./elsewhere.db"});
  EXPECT_EQ(logged(), "1001 1002 1003");
}

TEST_F(RestoreCommand, TerminalIsAskedAndNoIsNo) {
  EXPECT_EQ(run_on_terminal({"recover", "restore"}, {.input = "n\n"}).exit, exit_refused);
  EXPECT_EQ(logged(), "1001 1002 1003");
  EXPECT_EQ(run_on_terminal({"recover", "restore"}, {.input = "y\n"}).exit, exit_done);
  EXPECT_EQ(logged(), "1001 1002");
}

TEST_F(RestoreCommand, UnknownBackupIsMissingInput) {
  EXPECT_EQ(refusal({"recover", "restore", "20200101T000000Z"}).exit, exit_missing_input);
  EXPECT_EQ(refusal({"recover", "restore", "./none.db"}).exit, exit_missing_input);
}

TEST_F(RestoreCommand, DamagedBackupIsAnIntegrityErrorAndNoOlderOneTakesItsPlace) {
  const std::string second = must({"backup", "--json"}).json().at("id");
  fs::resize_file(root / ("app.db-belay/backups/" + second + ".db.zst"), 100);
  EXPECT_EQ(refusal({"recover", "restore"}).exit, exit_integrity);
  EXPECT_EQ(refusal({"recover", "restore", second}).exit, exit_integrity);
  must({"recover", "restore", backup_});
  EXPECT_EQ(logged(), "1001 1002");
}

TEST_F(RestoreCommand, BackupOfAnotherDatabaseIsAnIntegrityError) {
  must({"migrate", "--database", "other.db"});
  must({"backup", "--database", "other.db", "-o", "other.zst"});
  EXPECT_EQ(refusal({"recover", "restore", "./other.zst"}).exit, exit_integrity);
}

TEST_F(RestoreCommand, ApplicationThatWritesIsBusy) {
  const auto application = hold("BEGIN IMMEDIATE");
  EXPECT_EQ(run({"recover", "restore", "--lock-timeout", "100ms"}).exit, exit_busy);
}

TEST_F(RestoreCommand, ApplicationThatHasItOpenIsMentioned) {
  const auto application = hold("SELECT count(*) FROM log");
  const auto outcome = must({"recover", "restore"});
  EXPECT_NE(outcome.err.find("has the database open"), std::string::npos) << outcome;
}

TEST_F(RestoreCommand, BrokenScriptsAreNoObstacle) {
  write("versions/1004.sql", "-- migrate:upp\nSELECT 1;\n");
  const auto outcome = must({"recover", "restore"});
  EXPECT_NE(outcome.out.find("the database is at 1002"), std::string::npos) << outcome;
}

TEST_F(RestoreCommand, FolderOfBackupsThatCannotBeWrittenIsSaidAndNothingIsLost) {
  give_away();
  fs::permissions(root / "app.db-belay/backups", fs::perms::owner_read | fs::perms::owner_exec);
  EXPECT_EQ(run({"recover", "restore"}, {.unprivileged = true}).exit, exit_unavailable);
  EXPECT_EQ(logged(), "1001 1002 1003");
}

TEST_F(RestoreCommand, DatabaseThatIsNoneSaysHowToBringItBack) {
  write("app.db", std::string(5000, 'x'));
  const auto error = run({"status", "--json"}).error();
  EXPECT_NE(error.at("next").get<std::string>().find("belay recover restore"), std::string::npos) << error;
  must({"recover", "restore"});
  EXPECT_EQ(logged(), "1001 1002");
}

}  // namespace
}  // namespace belay::cli

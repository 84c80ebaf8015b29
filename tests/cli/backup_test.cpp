// belay backup: what it makes, says and refuses.

#include <csignal>

#include "tests/cli/project.h"

namespace belay::cli {
namespace {

namespace fs = std::filesystem;

class BackupCommand : public Project {
 protected:
  BackupCommand() {
    configure();
    chain(2);
    must({"migrate"});
  }
  [[nodiscard]] Json made(Words words = {}) const {
    words.insert(words.begin(), {"backup", "--json"});
    return must(words).json();
  }
  [[nodiscard]] Json list() const { return must({"backup", "--list", "--json"}).json(); }
  [[nodiscard]] fs::path backups() const { return root / "app.db-belay/backups"; }
};

TEST_F(BackupCommand, MakesListsAndVerifies) {
  const Json first = made();
  EXPECT_EQ(first.at("revision"), "1002");
  EXPECT_EQ(first.at("bytes"), fs::file_size(first.at("file").get<std::string>()));
  EXPECT_EQ(first.at("sha256").get<std::string>().size(), 64U);
  const Json second = made();
  ASSERT_EQ(list().size(), 2U);
  EXPECT_EQ(list().at(0).at("id"), second.at("id"));
  EXPECT_EQ(list().at(1).at("reason"), "manual");
  const std::string table = must({"backup", "--list"}).out;
  EXPECT_NE(table.find(first.at("id").get<std::string>()), std::string::npos) << table;
  EXPECT_NE(table.find("  1002      "), std::string::npos) << table;
  EXPECT_NE(must({"backup", "--verify", "newest"}).out.find("is whole"), std::string::npos);
  EXPECT_EQ(must({"backup", "--verify", first.at("id"), "--json"}).json().at("id"), first.at("id"));
}

TEST_F(BackupCommand, PrunesToSoMany) {
  for (int i = 0; i < 4; ++i) must({"backup"});
  EXPECT_EQ(must({"backup", "--prune", "1", "--json"}).json().at("pruned").size(), 3U);
  EXPECT_EQ(list().size(), 1U);
  EXPECT_EQ(refusal({"backup", "--prune", "0"}).exit, exit_usage);
}

TEST_F(BackupCommand, WritesAPlainOrPackedFileOfOnesChoice) {
  must({"backup", "-o", "copy.db"});
  EXPECT_EQ(Database(root / "copy.db").read("SELECT count(*) FROM log"), "2");
  must({"backup", "-o", "copy.db.zst"});
  EXPECT_LT(fs::file_size(root / "copy.db.zst"), fs::file_size(root / "copy.db"));
  for (const char* file : {"copy.db", "copy.db.zst"}) {
    must({"backup", "--verify", file});
    EXPECT_EQ(refusal({"backup", "-o", file}), (Refusal{exit_refused, "file-exists"}));
  }
  EXPECT_EQ(refusal({"backup", "-o", "app.db"}).exit, exit_refused);
  EXPECT_TRUE(list().empty());
}

TEST_F(BackupCommand, DamagedBackupEndsWithFive) {
  const Json backup = made();
  const std::string file = backup.at("file");
  fs::resize_file(file, 50);
  EXPECT_EQ(run({"backup", "--verify", "newest"}).exit, exit_missing_input);
  EXPECT_EQ(refusal({"backup", "--verify", backup.at("id")}).exit, exit_integrity);
  EXPECT_EQ(list().at(0).at("state"), "unusable");
  EXPECT_NE(must({"backup", "--list"}).out.find("unusable: "), std::string::npos);
  EXPECT_EQ(refusal({"backup", "--verify", "20200101T000000Z"}).exit, exit_missing_input);
  EXPECT_EQ(refusal({"backup", "--verify", "../app"}).exit, exit_missing_input);
}

TEST_F(BackupCommand, DatabaseThatIsNotThereOrNoneIsUnavailable) {
  EXPECT_EQ(run({"backup", "--database", "none.db"}).exit, exit_unavailable);
  write("text.db", std::string(5000, 'x'));
  EXPECT_EQ(run({"backup", "--database", "text.db"}).exit, exit_unavailable);
}

TEST_F(BackupCommand, FolderThatCannotBeUsedIsUnavailable) {
  write("file", "mine");
  fs::create_symlink("nowhere", root / "dangling");
  for (const char* folder : {"file", "dangling"}) {
    configure("[backup]\ndirectory = \"" + std::string(folder) + "\"\n");
    EXPECT_EQ(refusal({"backup"}).exit, exit_unavailable) << folder;
  }
  fs::remove(root / "dangling");
  fs::create_directory(root / "locked");
  configure("[backup]\ndirectory = \"locked\"\n");
  must({"backup"});
  fs::permissions(root / "locked", fs::perms::owner_read | fs::perms::owner_exec);
  give_away();
  EXPECT_EQ(run({"backup"}, {.unprivileged = true}).exit, exit_unavailable);
  EXPECT_EQ(run({"backup", "--verify", "newest"}, {.unprivileged = true}).exit, exit_done);
  fs::permissions(root / "locked", fs::perms::owner_all);
}

TEST_F(BackupCommand, RunBesideItIsBusy) {
  Process other = start({"migrate", "--json"});
  other.wait();
  script("1003", {.parents = "1002",
                  .up = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) INSERT INTO "
                        "log SELECT i FROM n WHERE i < 0;"});
  Process run_on = start({"migrate"});
  ASSERT_TRUE(
      eventually([&] { return run({"status"}).out.find("running") != std::string::npos || !run_on.running(); }));
  EXPECT_EQ(run({"backup", "--lock-timeout", "50ms"}).exit, exit_busy);
  run_on.send(SIGKILL);
  run_on.wait();
  must({"backup"});
}

TEST_F(BackupCommand, TakenBeforeARunThatTakesDataAway) {
  script("1003", {.parents = "1002", .up = "DELETE FROM log;"});
  EXPECT_NE(must({"migrate", "--dry-run"}).out.find("a backup would be made first: 1003 deletes from log"),
            std::string::npos);
  EXPECT_TRUE(must({"migrate", "--dry-run", "--json"}).json().at("backup_first").get<bool>());
  EXPECT_TRUE(list().empty());
  const Json report = must({"migrate", "--json"}).json();
  ASSERT_EQ(list().size(), 1U);
  EXPECT_EQ(report.at("backup"), list().at(0).at("id"));
  EXPECT_EQ(list().at(0).at("reason"), "auto");
  EXPECT_EQ(must({"migrate", "--json"}).json().at("backup"), nullptr);
}

TEST_F(BackupCommand, ConfigurationSaysNever) {
  configure("[backup]\nbefore = \"never\"\n");
  must({"downgrade", "base"});
  EXPECT_FALSE(fs::exists(backups()));
}

TEST_F(BackupCommand, InterruptedBySignalLeavesNothing) {
  Database(root / "app.db")
      .run(
          "CREATE TABLE big (x); INSERT INTO big WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT "
          "i + 1 FROM n WHERE i < 60000) SELECT hex(randomblob(1000)) FROM n");
  Process backup = start({"backup"});
  ASSERT_TRUE(eventually([&] { return fs::exists(backups()) || !backup.running(); }));
  backup.send(SIGINT);
  const Outcome outcome = backup.wait();
  EXPECT_EQ(outcome.exit, 130) << outcome;
  EXPECT_TRUE(fs::is_empty(backups()));
}

}  // namespace
}  // namespace belay::cli

// Databases that cannot be used.

#include <fmt/format.h>

#include "tests/cli/project.h"

namespace belay::cli {
namespace {

namespace fs = std::filesystem;

class BadDatabase : public Project {
 protected:
  BadDatabase() {
    configure();
    chain(2);
  }
  void expect_refused(const Refusal& expected, const Surroundings& surroundings = {}) const {
    for (const Words& words : {Words{"migrate"}, {"status"}, {"history"}, {"rollback"}, {"migrate", "--dry-run"}})
      EXPECT_EQ(refusal(words, surroundings), expected) << words[0];
  }
};

TEST_F(BadDatabase, FolderInItsPlaceIsRefused) {
  fs::create_directory(root / "app.db");
  expect_refused({exit_unavailable, "unavailable", "app.db"});
}

TEST_F(BadDatabase, FileThatIsNoDatabaseIsRefused) {
  write("app.db", "A letter to the landlord, a few hundred bytes long: " + std::string(500, '.'));
  expect_refused({exit_unavailable, "not-a-database", "app.db"});
}

TEST_F(BadDatabase, MissingFolderIsRefused) {
  write("belay.toml", "database = \"sqlite:nowhere/app.db\"\n");
  EXPECT_EQ(refusal({"migrate"}), (Refusal{exit_unavailable, "unavailable", "nowhere/app.db"}));
}

TEST_F(BadDatabase, ReadOnlyFileCanBeLookedAtAndNotWritten) {
  must({"migrate", "--steps", "1"});
  fs::permissions(root / "app.db", fs::perms::owner_read);
  give_away();
  EXPECT_EQ(refusal({"migrate"}, {.unprivileged = true}), (Refusal{exit_unavailable, "read-only", "app.db"}));
  const Outcome status = run({"status", "--json"}, {.unprivileged = true});
  EXPECT_EQ(status.exit, exit_done) << status;
  EXPECT_EQ(status.json().at("current"), Json::array({"1001"}));
}

TEST_F(BadDatabase, ReadOnlyFolderCanBeLookedAtAndNotWritten) {
  fs::create_directory(root / "data");
  write("belay.toml", "database = \"sqlite:data/app.db\"\n");
  must({"migrate", "--steps", "1"});
  give_away();
  fs::permissions(root / "data", fs::perms::owner_read | fs::perms::owner_exec);
  EXPECT_EQ(refusal({"migrate"}, {.unprivileged = true}), (Refusal{exit_unavailable, "read-only", "data/app.db"}));
  const Outcome status = run({"status"}, {.unprivileged = true});
  EXPECT_EQ(status.exit, exit_done) << status;
  fs::permissions(root / "data", fs::perms::owner_all);
}

TEST_F(BadDatabase, UnreadableFileIsRefused) {
  must({"migrate", "--steps", "1"});
  fs::permissions(root / "app.db", fs::perms::none);
  give_away();
  expect_refused({exit_unavailable, "unavailable", "app.db"}, {.unprivileged = true});
}

TEST_F(BadDatabase, JournalThatCannotBeWrittenIsRefused) {
  must({"migrate", "--steps", "1"});
  give_away();
  fs::permissions(root / "app.db-belay/journal.lmdb", fs::perms::owner_read);
  EXPECT_EQ(refusal({"migrate"}, {.unprivileged = true}),
            (Refusal{exit_unavailable, "journal-unavailable", "app.db-belay/journal.lmdb"}));
}

TEST_F(BadDatabase, DatabaseOfANewerBelayIsRefused) {
  must({"migrate", "--steps", "1"});
  Database(root / "app.db").run("UPDATE belay_state SET format = format + 1");
  expect_refused({exit_integrity, "newer-format"});
}

TEST_F(BadDatabase, DatabaseThatWasRestoredFromAnOldCopyIsRefused) {
  must({"migrate", "--steps", "1"});
  fs::copy_file(root / "app.db", root / "old.db");
  must({"migrate"});
  fs::copy_file(root / "old.db", root / "app.db", fs::copy_options::overwrite_existing);
  EXPECT_EQ(refusal({"migrate"}), (Refusal{exit_integrity, "foreign-journal", "app.db-belay/journal.lmdb"}));
  EXPECT_EQ(run({"status", "--json"}).json().at("state"), "inconsistent");
}

TEST_F(BadDatabase, EmptyFileIsAnEmptyDatabase) {
  write("app.db", "");
  must({"migrate"});
  EXPECT_EQ(logged(), "1001 1002");
}

TEST_F(BadDatabase, DatabaseInWalModeIsMigrated) {
  Database(root / "app.db").run("PRAGMA journal_mode = WAL");
  must({"migrate"});
  EXPECT_EQ(logged(), "1001 1002");
  EXPECT_EQ(query("PRAGMA journal_mode"), "wal");
}

}  // namespace
}  // namespace belay::cli

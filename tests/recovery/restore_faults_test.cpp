// Restores where the system fails, or somebody else is quicker: nothing is changed, or the next run knows.

#include <fstream>
#include <nlohmann/json.hpp>

#include "recovery/backup_archive.h"
#include "tests/recovery/restore_fixture.h"

namespace belay::recovery {
namespace {

namespace fs = std::filesystem;
using Code = engine::ErrorCode;

class RestoreFaultsTest : public RestoreTest {
 protected:
  void make_unusable() const { write_file(folder / "app.db", unusable_); }
  void expect_refused(Code code) {
    EXPECT_EQ(code_of<engine::Error>([&] { restore(backup_); }), code);
    EXPECT_EQ(read_file(folder / "app.db"), unusable_);
    EXPECT_FALSE(journal().open_run());
  }
  /// Somebody puts another file in its place before it is opened again.
  void expect_unknown_when_replaced_by(const std::string& bytes) {
    make_unusable();
    listener.at["copy: checking"] = [&] { before_open("/app.db", [&] { write_file(folder / "app.db", bytes); }); };
    EXPECT_EQ(code_of<engine::Error>([&] { restore(backup_); }), Code::outcome_unknown);
    listener.at.clear();
    EXPECT_TRUE(journal().open_run());
  }
  void heal() {
    make_unusable();
    restore(backup_);
  }
  /// A database in which belay's state is this.
  [[nodiscard]] std::string database_with(const std::string& state) const {
    const auto file = folder / "other.db";
    fs::remove(file);
    engine::run(file, "CREATE TABLE belay_state (id, database_id, last_lsn, format); " + state);
    return read_file(file);
  }

  const std::string unusable_ = std::string(5000, 'x');
};

TEST_F(RestoreFaultsTest, WithoutABackupOfWhatIsThereNothingIsReplaced) {
  run("CREATE TABLE big AS WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 200) SELECT "
      "randomblob(4000) FROM n");
  const auto before = contents();
  listener.at["copy: reading back"] = [&] { fs::resize_file(scratch_in(Places(settings).backups, "packed"), 300'000); };
  EXPECT_EQ(code_of<Error>([&] { restore(backup_); }), ErrorCode::backup_damaged);
  EXPECT_TRUE(contents() == before);
  EXPECT_FALSE(journal().open_run());
  EXPECT_EQ(backups().size(), 1U);
}

// --- In the place of a file that cannot be used ---

TEST_F(RestoreFaultsTest, WhatLiesBesideItAndStaysIsNotPlayedIntoAnother) {
  make_unusable();
  write_file(folder / "app.db-wal", "frames");
  fail_write({1, EACCES, false, "/app.db-wal"});
  expect_refused(Code::unavailable);
  EXPECT_EQ(read_file(folder / "app.db-wal"), "frames");
  restore(backup_);
  expect_restored();
}

TEST_F(RestoreFaultsTest, FileThatCannotBecomeWhatItWasReplacesNothing) {
  for (const char* call : {"chmod", "chown", "rename"}) {
    make_unusable();
    fail_call({call, EIO});
    expect_refused(Code::unavailable);
  }
  restore(backup_);
  expect_restored();
}

/// Only root may give a file away.
TEST_F(RestoreFaultsTest, OwnerThatMayNotBeGivenIsNoObstacle) {
  make_unusable();
  fail_call({"chown", EPERM});
  restore(backup_);
  expect_restored();
}

TEST_F(RestoreFaultsTest, RenameThatMayNotBeDurableIsOfUnknownOutcome) {
  int unknown = 0;
  for (int call = 1; call <= 12; ++call) {
    make_unusable();
    fail_write({call, EIO, false, folder.path().string()});
    try {
      restore(backup_);
    } catch (const engine::Error& error) {
      unknown += error.code() == Code::outcome_unknown ? 1 : 0;
    }
    fail_write({});
    restore(backup_);
    ASSERT_EQ(rows(), "2") << call;
  }
  EXPECT_EQ(unknown, 2);
  expect_restored();
}

TEST_F(RestoreFaultsTest, FileThatSomebodyPutsInItsPlaceIsNotTakenForIt) {
  const auto earlier = read_file(folder / "app.db");
  expect_unknown_when_replaced_by(earlier);
  heal();
  expect_unknown_when_replaced_by("no database");
  heal();
  expect_unknown_when_replaced_by(database_with("DROP TABLE belay_state"));
  heal();
  expect_unknown_when_replaced_by(database_with("INSERT INTO belay_state VALUES (1, 'x', 7, 99)"));
  heal();
  const auto lsn = journal().last().value + 3;  // RunBegin, PlannedRevision, TransactionBegin.
  expect_unknown_when_replaced_by(
      database_with("INSERT INTO belay_state VALUES (1, 'another', " + std::to_string(lsn) + ", 1)"));
  heal();
  expect_restored();
}

// --- In the place of a file that cannot be reached ---

/// As a user who owns none of it, and may do with it what its modes say.
class UnreachableTest : public RestoreFaultsTest {
 protected:
  void expect_unreachable(Code code, fs::perms of_folder, fs::perms of_file) {
    make_unusable();
    for (const auto& entry : fs::recursive_directory_iterator(folder.path())) fs::permissions(entry, fs::perms::all);
    fs::permissions(folder / "app.db", of_file);
    fs::permissions(folder.path(), of_folder);
    const int status = run_child([&] {
      if (::geteuid() == 0) {
        ASSERT_EQ(::setresuid(65534, 65534, 65534), 0);
      }
      EXPECT_EQ(code_of<engine::Error>([&] { restore(backup_); }), code);
    });
    fs::permissions(folder.path(), fs::perms::all);
    fs::permissions(folder / "app.db", fs::perms::all);
    EXPECT_EQ(status, 0);
    EXPECT_EQ(read_file(folder / "app.db"), unusable_);
    EXPECT_EQ(backups().size(), 1U);
    EXPECT_FALSE(journal().open_run());
  }
};

TEST_F(UnreachableTest, FolderIsNotReplaced) {
  fs::remove(folder / "app.db");
  fs::create_directory(folder / "app.db");
  EXPECT_EQ(code_of<engine::Error>([&] { restore(backup_); }), Code::unavailable);
  EXPECT_TRUE(fs::is_directory(folder / "app.db"));
  EXPECT_EQ(backups().size(), 1U);
}

TEST_F(UnreachableTest, FileThatMayNotBeReadIsNotReplaced) {
  expect_unreachable(Code::unavailable, fs::perms::all, fs::perms::none);
}

TEST_F(UnreachableTest, FileInAFolderThatMayNotBeWrittenIsNotReplaced) {
  expect_unreachable(Code::read_only, static_cast<fs::perms>(0555), fs::perms::all);
}

// --- Journals and backups ---

TEST_F(RestoreFaultsTest, JournalThatFailsTooLeavesTheRunToTheNext) {
  upgrade();
  engine::Raw application(folder / "app.db");
  for (int call = 1; call <= 12; ++call) {
    application.run("BEGIN");
    application.read("SELECT count(*) FROM t");
    fail_write({call, EIO, true, "journal.lmdb"});
    EXPECT_ANY_THROW(restore(backup_)) << call;
    fail_write({});
    application.run("ROLLBACK");
    restore(backup_);
    ASSERT_EQ(rows(), "2") << call;
  }
  expect_restored();
}

TEST_F(RestoreFaultsTest, JournalOfALaterBelayIsLeft) {
  const auto log = folder / "app.db-belay/journal.lmdb";
  make_later(log);
  const auto bytes = read_file(log);
  EXPECT_EQ(code_of<journal::Error>([&] { restore(backup_); }), journal::ErrorCode::newer_format);
  EXPECT_TRUE(read_file(log) == bytes);
}

TEST_F(RestoreFaultsTest, DamagedJournalThatCannotBeSetAsideStopsIt) {
  const auto log = folder / "app.db-belay/journal.lmdb";
  damage(log, 0, 8192);
  const auto bytes = read_file(log);
  fail_call({"rename", EROFS});
  EXPECT_EQ(code_of<journal::Error>([&] { restore(backup_); }), journal::ErrorCode::unavailable);
  EXPECT_TRUE(read_file(log) == bytes);
  restore(backup_);
  expect_restored();
}

/// A backup of another id takes its name.
TEST_F(RestoreFaultsTest, InterruptedRestoreGoesOnWithNoOtherBackup) {
  upgrade();
  const auto other = take();
  restore_until("copy: restoring");
  const auto folder_of = Places(settings).backups;
  auto manifest = nlohmann::json::parse(read_file(folder_of / (other + ".json")));
  manifest["id"] = backup_;
  manifest.erase("checksum");
  manifest["checksum"] = sha256_of(manifest.dump());
  write_file(folder_of / (backup_ + ".json"), manifest.dump());
  fs::copy_file(folder_of / (other + ".db.zst"), folder_of / (backup_ + ".db.zst"),
                fs::copy_options::overwrite_existing);
  const auto error = error_of<Error>([&] { upgrade(); });
  EXPECT_EQ(error.code(), ErrorCode::backup_damaged);
  EXPECT_NE(std::string(error.what()).find("is not the backup"), std::string::npos) << error.what();
  restore(other);
  EXPECT_EQ(rows(), "2 3 4");
}

// --- Which backup ---

TEST_F(RestoreFaultsTest, InsteadOfOneThatIsDamagedNoOlderOneIsTakenUnasked) {
  const auto second = take();
  write_file(Places(settings).backups / (second + ".json"), "{");
  const auto error = error_of<Error>([&] { restore("newest"); });
  EXPECT_EQ(error.code(), ErrorCode::backup_damaged);
  EXPECT_TRUE(error.file().ends_with(second + ".json")) << error.file();
  EXPECT_EQ(backups().size(), 2U);
}

TEST_F(RestoreFaultsTest, WhatWasKeptOfADamagedDatabaseIsNotTheNewestBackup) {
  make_unusable();
  ASSERT_TRUE(keep_damaged(folder / "app.db", Places(settings).backups, {.database = folder / "app.db"}, listener));
  EXPECT_EQ(find_for_restore(Places(settings), "newest").manifest.id, backup_);
}

TEST_F(RestoreFaultsTest, WhereThereIsNothingElseWhatARestoreHasReplacedIsTheNewestBackup) {
  run("INSERT INTO t VALUES (99)");
  restore();
  fs::remove(Places(settings).backups / (backup_ + ".json"));
  restore();
  EXPECT_EQ(rows(), "2 99");
}

TEST_F(RestoreFaultsTest, FileOfAnotherNameInTheFolderOfBackupsIsWhatItsOwnManifestSays) {
  const auto folder_of = Places(settings).backups;
  const auto kept = folder_of / "kept";
  const auto error = error_of<Error>([&] { restore(kept); });
  EXPECT_EQ(error.code(), ErrorCode::no_backup);
  EXPECT_EQ(error.file(), kept.string());
  fs::rename(folder_of / (backup_ + ".db.zst"), kept);
  fs::rename(folder_of / (backup_ + ".json"), folder_of / "kept.json");
  upgrade();
  restore(kept);
  expect_restored();
}

/// Of a folder that two databases share the newest one of this is taken.
TEST_F(RestoreFaultsTest, NewestBackupIsThatOfThisDatabase) {
  run("DELETE FROM t");
  const auto connection = engine::connect(Places(settings).url, {.lock_timeout = {}, .read_only = true});
  take_backup(*connection, Places(settings).backups, {.database = folder / "other.db"}, listener);
  EXPECT_EQ(find_for_restore(Places(settings), "").manifest.id, backup_);
}

}  // namespace
}  // namespace belay::recovery

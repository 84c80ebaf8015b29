// Backups: what they hold, when they count, what stays of them when something goes wrong while they are made.

#include "tests/recovery/backup_fixture.h"

#include <sys/mount.h>
#include <sys/resource.h>

#include "recovery/backup_before.h"

namespace belay::recovery {
namespace {

TEST_F(BackupTest, HoldsTheDatabaseAndSaysSo) {
  scripts(3);
  upgrade();
  const Backup backup = take();
  EXPECT_EQ(ask(backup, "SELECT group_concat(id) FROM t"), "2,3");
  const Manifest& manifest = backup.manifest;
  EXPECT_EQ(manifest.database_id, journal().database_id());
  EXPECT_EQ(manifest.last_lsn, journal().last_commit());
  EXPECT_EQ(manifest.revisions, std::vector<std::string>{"003"});
  EXPECT_EQ(manifest.data.bytes, std::filesystem::file_size(backup.file));
  EXPECT_EQ(manifest.data.content_bytes, std::filesystem::file_size(folder / "app.db"));
  EXPECT_EQ(manifest.fingerprint.size(), 64U);
  EXPECT_EQ(manifest.journal_mode, "delete");
  EXPECT_EQ(manifest.page_size, 4096U);
  EXPECT_EQ(to_text(find_backup(backups()).manifest), to_text(manifest));
}

TEST_F(BackupTest, NeitherJournalNorBelaysOwnTablesAreNeeded) {
  make();
  const auto before = read_file(folder / "app.db");
  const Backup backup = take();
  EXPECT_EQ(backup.manifest.database_id, "");
  EXPECT_EQ(ask(backup, content), read(content));
  EXPECT_EQ(read_file(folder / "app.db"), before);
}

TEST_F(BackupTest, MissingOrDamagedJournalIsNoObstacle) {
  scripts(2);
  upgrade();
  write_file(folder / "app.db-belay/journal.lmdb", "garbage");
  EXPECT_EQ(ask(take(), "SELECT id FROM t"), "2");
  std::filesystem::remove_all(folder / "app.db-belay");
  EXPECT_EQ(ask(take(), "SELECT id FROM t"), "2");
}

TEST_F(BackupTest, WalDatabaseComesOutAsOne) {
  run("PRAGMA journal_mode = WAL");
  make();
  engine::Raw other(folder / "app.db");
  other.run("INSERT INTO t (x) VALUES ('only in the WAL')");
  const Backup backup = take();
  EXPECT_EQ(backup.manifest.journal_mode, "wal");
  EXPECT_EQ(ask(backup, content), read(content));
  EXPECT_EQ(names().size(), 2U);
}

TEST_F(BackupTest, OrphansOfTheApplicationAreBackedUp) {
  run("CREATE TABLE p (id INTEGER PRIMARY KEY); CREATE TABLE c (p REFERENCES p); INSERT INTO c VALUES (9)");
  EXPECT_EQ(ask(take(), "SELECT p FROM c"), "9");
}

TEST_F(BackupTest, NewestComesFirstAlsoWithinASecond) {
  make(1);
  std::vector<std::string> made;
  for (int i = 0; i < 12; ++i) made.insert(made.begin(), take().manifest.id);
  EXPECT_EQ(ids(), made);
  EXPECT_EQ(find_backup(backups()).manifest.id, made.front());
  EXPECT_EQ(find_backup(backups(), "").manifest.id, made.front());
}

TEST_F(BackupTest, CorruptDatabaseGivesNoBackup) {
  make(3000);
  std::string bytes = read_file(folder / "app.db");
  for (std::size_t page = 3; page < 30; ++page) bytes.replace(page * 4096, 64, 64, '\x55');
  write_file(folder / "app.db", bytes);
  const auto error = error_of<Error>([&] { take(); });
  EXPECT_EQ(error.code(), ErrorCode::database_damaged);
  EXPECT_NE(std::string(error.what()).find("integrity_check"), std::string::npos) << error.what();
  EXPECT_TRUE(names().empty());
  EXPECT_EQ(read_file(folder / "app.db"), bytes);
}

// --- What cannot be used is kept ---

TEST_F(BackupTest, DamagedFilesAreKeptAsTheyAreAndNeverRestored) {
  write_file(folder / "app.db", std::string(10000, 'x'));
  write_file(folder / "app.db-wal", "frames");
  const auto kept = keep_damaged(folder / "app.db", backups(), request("before restore"), listener);
  ASSERT_TRUE(kept);
  EXPECT_EQ(kept->manifest.others.at(0).suffix, "-wal");
  verify_backup(*kept, listener);
  EXPECT_EQ(code_of<Error>([&] { unpack(*kept, folder / "out.db", listener); }), ErrorCode::backup_damaged);
  EXPECT_EQ(code_of<Error>([&] { find_backup(backups()); }), ErrorCode::no_backup);
  EXPECT_TRUE(prune_backups(backups(), folder / "app.db", 0, Prune::all).empty());
  write_file(backups() / (kept->manifest.id + ".db-wal.zst"), "frames");
  EXPECT_EQ(code_of<Error>([&] { verify_backup(*kept, listener); }), ErrorCode::backup_damaged);
}

TEST_F(BackupTest, WalWithoutItsDatabaseIsKept) {
  write_file(folder / "app.db-wal", "frames");
  const auto kept = keep_damaged(folder / "app.db", backups(), request(), listener);
  ASSERT_TRUE(kept);
  EXPECT_EQ(kept->manifest.data.content_bytes, 0U);
  verify_backup(*kept, listener);
  std::filesystem::remove(folder / "app.db-wal");
  EXPECT_FALSE(keep_damaged(folder / "app.db", backups(), request(), listener));
}

// --- Removing ---

TEST_F(BackupTest, AutomaticPruningLeavesWhatAPersonAskedFor) {
  make(1);
  const auto manual = take("manual").manifest.id;
  std::vector<std::string> automatic;
  for (const char* reason : {"auto", "before restore", "auto", "before undo"})
    automatic.push_back(take(reason).manifest.id);
  const std::string database = folder / "app.db";
  EXPECT_TRUE(prune_backups(backups(), folder / "other.db", 1, Prune::automatic).empty()) << "another's backups";
  EXPECT_EQ(prune_backups(backups(), database, 2, Prune::automatic), (std::vector{automatic[1], automatic[0]}));
  EXPECT_EQ(prune_backups(backups(), database, 0, Prune::automatic), std::vector{automatic[2]}) << "not the newest";
  EXPECT_EQ(ids(), (std::vector{automatic[3], manual}));
  EXPECT_EQ(prune_backups(backups(), database, 1, Prune::all), std::vector{manual});
  EXPECT_EQ(names().size(), 2U);
}

TEST_F(BackupTest, WhatCannotBeReadIsNotPruned) {
  make(1);
  const Backup first = take();
  write_file(first.manifest_file, "{");
  take();
  take();
  prune_backups(backups(), folder / "app.db", 1, Prune::all);
  EXPECT_EQ(ids().size(), 2U);
  EXPECT_TRUE(std::filesystem::exists(first.file));
}

// --- Bad folders and disks ---

TEST_F(BackupTest, FolderIsMadeAndALinkToOneIsFollowed) {
  make(1);
  std::filesystem::create_directories(folder / "elsewhere");
  std::filesystem::create_symlink("elsewhere", backups());
  take();
  EXPECT_FALSE(std::filesystem::is_empty(folder / "elsewhere"));
  std::filesystem::remove(backups());
  take();
  EXPECT_EQ(ids().size(), 1U);
}

TEST_F(BackupTest, WhatIsNoFolderIsRefusedAndLeftAlone) {
  make(1);
  std::filesystem::create_symlink("nowhere", backups());
  EXPECT_EQ(code_of([&] { take(); }), engine::ErrorCode::unavailable);
  std::filesystem::remove(backups());
  write_file(backups(), "mine");
  EXPECT_EQ(code_of([&] { take(); }), engine::ErrorCode::unavailable);
  EXPECT_EQ(read_file(backups()), "mine");
}

/// Takes no privilege away from root, as permissions would.
TEST_F(BackupTest, FullOrReadOnlyFileSystemIsSaidAndEarlierBackupsStay) {
  make(20000);
  std::filesystem::create_directory(backups());
  if (::mount("none", backups().c_str(), "tmpfs", 0, "size=8m") != 0) GTEST_SKIP() << "no right to mount";
  const auto error = error_of([&] { take(); });
  EXPECT_EQ(error.code(), engine::ErrorCode::no_space);
  EXPECT_NE(std::string(error.what()).find("are free"), std::string::npos) << error.what();
  EXPECT_TRUE(names().empty());
  run("DELETE FROM t WHERE id > 100; VACUUM");
  const Backup backup = take();
  ASSERT_EQ(::mount("none", backups().c_str(), nullptr, MS_REMOUNT | MS_RDONLY, "size=8m"), 0);
  EXPECT_EQ(code_of([&] { take(); }), engine::ErrorCode::read_only);
  verify_backup(backup, listener);
  EXPECT_EQ(ask(backup, content), read(content));
  ::umount2(backups().c_str(), MNT_DETACH);
}

TEST_F(BackupTest, StopAtAnyPointRemovesWhatWasBegun) {
  make(30000);
  for (const char* when : {"copying", "packing", "reading back"}) {
    std::stop_source stop;
    struct Stopper final : engine::Observer {
      void copy_advanced(std::string_view what, std::int64_t, std::int64_t) override {
        if (what == word) source->request_stop();
      }
      std::string word;
      std::stop_source* source = nullptr;
    } stopper;
    stopper.word = when;
    stopper.source = &stop;
    const auto connection = engine::connect({"sqlite", folder / "app.db"}, {.read_only = true});
    const auto act = [&] { take_backup(*connection, backups(), request(), stopper, stop.get_token()); };
    EXPECT_EQ(code_of(act), engine::ErrorCode::interrupted) << when;
    EXPECT_TRUE(names().empty()) << when;
  }
}

/// It is unpacked in pieces of 128 KiB, and the last one may be full.
TEST_F(BackupTest, DatabaseThatFillsItsLastPieceComesBack) {
  make();
  while (std::stoul(read("PRAGMA page_count")) % 32 != 0) run("INSERT INTO t (x) VALUES (randomblob(4000))");
  EXPECT_EQ(ask(take(), content), read(content));
}

/// Not only behind the copy, which takes the longest.
TEST_F(BackupTest, StopEndsTheCopyBetweenTwoGroupsOfPages) {
  make(60000);
  std::stop_source stop;
  int groups = 0;
  listener.at["copy: copying"] = [&] {
    ++groups;
    stop.request_stop();
  };
  EXPECT_EQ(code_of([&] { take(request(), stop.get_token()); }), engine::ErrorCode::interrupted);
  EXPECT_EQ(groups, 1);
  EXPECT_TRUE(names().empty());
}

/// Names that somebody has taken meanwhile are not replaced.
TEST_F(BackupTest, FileOfOnesOwnChoiceIsNeverReplaced) {
  make(1);
  auto chosen = request();
  chosen.file = folder / "mine.db";
  const Backup plain = take(chosen);
  EXPECT_EQ(engine::read(plain.file, content), read(content));
  verify_backup(find_backup_at(chosen.file), listener);
  const auto before = read_file(chosen.file);
  EXPECT_EQ(code_of<Error>([&] { take(chosen); }), ErrorCode::not_applicable);
  EXPECT_EQ(read_file(chosen.file), before);
  chosen.file = folder / "mine.db.zst";
  EXPECT_EQ(ask(take(chosen), content), read(content));
  std::filesystem::remove(chosen.file);
  EXPECT_EQ(code_of<Error>([&] { take(chosen); }), ErrorCode::not_applicable) << "its manifest is there";
}

// --- Crashes ---

/// Before each write of a backup, of whatever library. Forks: nothing may be open here.
TEST_F(BackupTest, KilledBeforeAnyWriteLeavesLitterAtTheMost) {
  make(2000);
  const std::string first = take().manifest.id;
  const auto before = contents();
  remember();
  int call = 1;
  for (; dies_before_write(call, [&] { take(); }); put_back(), ++call) {
    for (const auto& found : list_backups(backups())) {
      EXPECT_EQ(found.problem, "") << found.id << ", killed before write " << call;
      ASSERT_NO_THROW(verify_backup(found.backup, listener)) << "killed before write " << call;
    }
    EXPECT_EQ(ids().back(), first) << call;
    EXPECT_EQ(contents(), before) << call;
    take();
    EXPECT_EQ(names().size(), 2 * ids().size()) << "litter stays after write " << call;
    if (HasFailure()) FAIL() << "killed before write " << call;
  }
  EXPECT_GT(call, 10);
}

/// A prune that is killed leaves no manifest without its data.
TEST_F(BackupTest, KilledPruneLeavesWhatVerifies) {
  make(1);
  for (int i = 0; i < 4; ++i) take();
  remember();
  int call = 1;
  const auto prune = [&] { prune_backups(backups(), folder / "app.db", 1, Prune::all); };
  for (; dies_before_write(call, prune); put_back(), ++call) {
    for (const auto& found : list_backups(backups())) EXPECT_EQ(found.problem, "") << call;
    take();
    EXPECT_EQ(names().size(), 2 * ids().size()) << "litter stays after write " << call;
  }
  EXPECT_GE(call, 9);
}

/// Each write fails once, and from then on: an error, and nothing is left of it; on a disk that then refuses even to
/// take the name back, a whole backup may be.
TEST_F(BackupTest, DiskThatFailsGivesAnErrorAndNoBackup) {
  make(500);
  const Backup first = take();
  remember();
  for (const int error : {ENOSPC, EIO})
    for (const bool stays : {false, true})
      for (int call = 1;; ++call, put_back()) {
        const int status = run_child([&] {
          fail_write({.call = call, .error = error, .stays = stays});
          const std::size_t had = ids().size();
          try {
            take();
          } catch (const engine::Error&) {
            ::_exit(stays || ids().size() == had ? 2 : 3);
          }
        });
        ASSERT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) != 3) << "write " << call << ", status " << status;
        for (const auto& found : list_backups(backups()))
          ASSERT_NO_THROW(verify_backup(found.backup, listener)) << call;
        EXPECT_EQ(find_backup(backups(), first.manifest.id).manifest.id, first.manifest.id);
        if (WEXITSTATUS(status) == 0) break;
        ASSERT_LT(call, 200);
      }
}

/// Data whose backup is being named by another process is not litter, and neither is its scratch file.
TEST_F(BackupTest, LitterIsOnlyWhatTheDeadHaveLeft) {
  make(1);
  take();
  write_file(backups() / (".belay-scratch-" + std::to_string(::getppid()) + "-copy.db"), "at work");
  write_file(backups() / ".belay-scratch-999999999-copy.db", "dead");
  write_file(backups() / "20200101T000000Z.db.zst", "no manifest");
  write_file(backups() / "notes.txt", "mine");
  discard_litter(backups());
  EXPECT_EQ(names().size(), 4U);
  EXPECT_TRUE(std::filesystem::exists(backups() / "notes.txt"));
}

// --- Replacing a database, killed and failing ---

class ReplacedTest : public BackupTest {
 protected:
  void make_both(const std::string& mode, int page_size = 4096) {
    run("PRAGMA journal_mode = " + mode);
    make(300);
    engine::run(folder / "new.db", "PRAGMA page_size = " + std::to_string(page_size) + "; PRAGMA journal_mode = " +
                                       mode + "; CREATE TABLE t (id, x); INSERT INTO t VALUES (1, 'new')");
    old_ = read(content);
    remember();
  }
  void replace() const { engine::connect({"sqlite", folder / "app.db"}, {})->replace_with(folder / "new.db"); }
  /// Before or after, whole.
  [[nodiscard]] bool is_new() const {
    const auto now = read(content);
    EXPECT_EQ(read("PRAGMA integrity_check"), "ok");
    EXPECT_TRUE(now == old_ || now == "1|3") << now;
    return now == "1|3";
  }
  void sweep() {
    int call = 1;
    bool was_new = false;
    for (; dies_before_write(call, [&] { replace(); }); put_back(), ++call) {
      was_new = is_new() || was_new;
      replace();
      ASSERT_TRUE(is_new()) << "killed before write " << call;
    }
    EXPECT_GT(call, 5);
    EXPECT_TRUE(was_new) << "no death was behind the commit";
  }
  std::string old_;
};

TEST_F(ReplacedTest, KilledBeforeAnyWriteIsBeforeOrAfter) {
  make_both("DELETE");
  sweep();
}
TEST_F(ReplacedTest, KilledBeforeAnyWriteInWalModeIsBeforeOrAfter) {
  make_both("WAL");
  sweep();
}
TEST_F(ReplacedTest, KilledBeforeAnyWriteWithOtherPagesIsBeforeOrAfter) {
  make_both("DELETE", 1024);
  sweep();
}

/// Said to be done only when it is; unknown only around the commit.
TEST_F(ReplacedTest, DiskThatFailsNeverPassesForSuccess) {
  make_both("DELETE");
  int unknown = 0;
  for (int call = 1;; ++call, put_back()) {
    const int status = run_child([&] {
      fail_write({.call = call, .error = EIO, .stays = false, .path = ""});
      try {
        replace();
      } catch (const engine::Error& error) {
        ::_exit(error.code() == engine::ErrorCode::outcome_unknown ? 3 : 2);
      }
    });
    ASSERT_TRUE(WIFEXITED(status)) << call;
    const bool now_new = is_new();
    EXPECT_FALSE(WEXITSTATUS(status) == 2 && now_new) << "write " << call << " failed, and nothing was changed";
    if (WEXITSTATUS(status) == 3) ++unknown;
    if (WEXITSTATUS(status) != 0) continue;
    EXPECT_TRUE(now_new) << "write " << call << " failed, and was called a success";
    break;
  }
  EXPECT_GT(unknown, 0);
}

// --- Before a run ---

class BackupBeforeTest : public BackupTest {
 protected:
  [[nodiscard]] std::vector<FoundBackup> taken() const { return list_backups(folder / "app.db-belay/backups"); }
};

TEST_F(BackupBeforeTest, RunThatTakesDataAwayIsBackedUpFirst) {
  scripts(2);
  upgrade();
  EXPECT_TRUE(taken().empty());
  script("003", "DELETE FROM t;");
  const Report report = upgrade();
  ASSERT_EQ(taken().size(), 1U);
  EXPECT_EQ(report.backup, taken().at(0).id);
  EXPECT_EQ(taken().at(0).backup.manifest.reason, "auto");
  EXPECT_EQ(taken().at(0).backup.manifest.revisions, std::vector<std::string>{"002"});
  EXPECT_EQ(ask(taken().at(0).backup, "SELECT id FROM t"), "2");
  expect_settled();
}

TEST_F(BackupBeforeTest, SettingsSayWhen) {
  scripts(2);
  settings.backup_before = BackupBefore::always;
  upgrade();
  EXPECT_TRUE(taken().empty()) << "there was nothing to back up";
  scripts(3);
  upgrade();
  EXPECT_EQ(taken().size(), 1U);
  settings.backup_before = BackupBefore::never;
  downgrade("base");
  EXPECT_EQ(taken().size(), 1U);
}

TEST_F(BackupBeforeTest, OnlySoManyAreKept) {
  scripts(1);
  settings.backup_before = BackupBefore::always;
  settings.keep_backups = 2;
  upgrade();
  for (int i = 2; i <= 6; ++i) {
    scripts(i);
    upgrade();
  }
  EXPECT_EQ(taken().size(), 2U);
}

TEST_F(BackupBeforeTest, RunIsNotBegunWithoutItsBackup) {
  scripts(2);
  upgrade();
  write_file(folder / "app.db-belay/backups", "in the way");
  EXPECT_EQ(code_of([&] { downgrade("base"); }), engine::ErrorCode::unavailable);
  EXPECT_EQ(applied(), "001 002");
  EXPECT_EQ(journal().runs().size(), 1U);
  std::filesystem::remove(folder / "app.db-belay/backups");
  downgrade("base");
  EXPECT_EQ(applied(), "NULL");
}

}  // namespace
}  // namespace belay::recovery

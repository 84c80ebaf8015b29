// Backups put back in the place of the database, whatever has become of that and of its journal; killed anywhere.

#include <sys/stat.h>

#include "tests/recovery/restore_fixture.h"

namespace belay::recovery {
namespace {

namespace fs = std::filesystem;

TEST_F(RestoreTest, DatabaseIsAsItWasAndGoesOnFromThere) {
  upgrade();
  const auto report = restore();
  EXPECT_EQ(text(report.revisions), "-004 -003");
  EXPECT_EQ(report.to, std::vector<versions::RevisionId>{{"002"}});
  expect_restored();
}

TEST_F(RestoreTest, WhatItReplacesIsKept) {
  run("INSERT INTO t VALUES (99)");
  restore(backup_);
  ASSERT_EQ(backups().size(), 2U);
  EXPECT_EQ(backups()[0].backup.manifest.reason, "before restore");
  restore(backups()[0].id);
  EXPECT_EQ(rows(), "2 99");
}

TEST_F(RestoreTest, WhatARestoreHasReplacedIsNotTheNewestThatIsWanted) {
  run("DELETE FROM t");
  restore();
  run("INSERT INTO t VALUES (5)");
  restore();
  EXPECT_EQ(rows(), "2");
  EXPECT_EQ(backups().size(), 3U);
}

TEST_F(RestoreTest, IdleConnectionOfTheApplicationSeesTheRestoredRows) {
  upgrade();
  engine::Raw application(folder / "app.db");
  EXPECT_EQ(application.read("SELECT count(*) FROM t"), "3");
  restore();
  EXPECT_EQ(application.read("SELECT count(*) FROM t"), "1");
}

TEST_F(RestoreTest, ApplicationInATransactionIsBusy) {
  upgrade();
  engine::Raw application(folder / "app.db");
  application.run("BEGIN IMMEDIATE");
  EXPECT_EQ(code_of<engine::Error>([&] { restore(backup_); }), engine::ErrorCode::busy);
  application.run("ROLLBACK");
  EXPECT_EQ(rows(), "2 3 4");
  expect_settled();
}

TEST_F(RestoreTest, ReaderThatKeepsItsTransactionOpenIsBusyAndTheRunIsClosed) {
  upgrade();
  engine::Raw application(folder / "app.db");
  application.run("BEGIN");
  application.read("SELECT count(*) FROM t");
  EXPECT_EQ(code_of<engine::Error>([&] { restore(backup_); }), engine::ErrorCode::busy);
  application.run("ROLLBACK");
  EXPECT_EQ(rows(), "2 3 4");
  EXPECT_FALSE(journal().open_run());
  expect_settled();
}

TEST_F(RestoreTest, MissingDatabaseComesBack) {
  fs::remove(folder / "app.db");
  restore();
  expect_restored();
}

TEST_F(RestoreTest, MissingDatabaseComesBackWithoutScriptsThatCanBeRead) {
  fs::remove(folder / "app.db");
  write_file(folder / "versions/003.sql", "this is no script\n");
  const auto report = restore();
  EXPECT_TRUE(report.from.empty());
  EXPECT_EQ(report.to, std::vector<versions::RevisionId>{{"002"}});
  scripts(4);
  expect_restored();
}

TEST_F(RestoreTest, FileThatIsNoDatabaseIsKeptAndReplaced) {
  write_file(folder / "app.db", std::string(5000, 'x'));
  fs::permissions(folder / "app.db", fs::perms::owner_read | fs::perms::owner_write | fs::perms::group_read);
  restore();
  ASSERT_EQ(backups().size(), 2U);
  EXPECT_EQ(backups()[0].backup.manifest.state, Manifest::State::damaged);
  EXPECT_EQ(fs::status(folder / "app.db").permissions(),
            fs::perms::owner_read | fs::perms::owner_write | fs::perms::group_read);
  expect_restored();
}

TEST_F(RestoreTest, DatabaseWithADamagedHeaderIsReplaced) {
  damage(folder / "app.db", 16, 84);
  restore();
  EXPECT_EQ(backups()[0].backup.manifest.state, Manifest::State::damaged);
  expect_restored();
}

TEST_F(RestoreTest, DatabaseInWhichBelaysTableIsAnotherIsReplaced) {
  run("DROP TABLE belay_state; CREATE TABLE belay_state (mine)");
  restore();
  EXPECT_EQ(backups()[0].backup.manifest.state, Manifest::State::damaged);
  expect_restored();
}

TEST_F(RestoreTest, DatabaseWithADamagedSchemaIsReplaced) {
  damage(folder / "app.db", 100, 3000);
  restore();
  EXPECT_EQ(backups()[0].backup.manifest.state, Manifest::State::damaged);
  expect_restored();
}

TEST_F(RestoreTest, DatabaseWithADamagedTableIsReplaced) {
  run("CREATE TABLE more AS WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 2000) "
      "SELECT i, 'some words' AS words FROM n");
  damage(folder / "app.db", fs::file_size(folder / "app.db") - 9000, 8000);
  restore();
  EXPECT_EQ(backups()[0].backup.manifest.state, Manifest::State::damaged);
  expect_restored();
}

TEST_F(RestoreTest, StaleLogBesideADamagedDatabaseIsNotPlayedIntoTheNewOne) {
  write_file(folder / "app.db", std::string(5000, 'x'));
  write_file(folder / "app.db-wal", std::string(5000, 'y'));
  write_file(folder / "app.db-journal", std::string(5000, 'z'));
  restore();
  EXPECT_EQ(backups()[0].backup.manifest.others.size(), 2U);
  expect_restored();
}

TEST_F(RestoreTest, ProcessThatHasADamagedFileOpenIsNoticed) {
  write_file(folder / "app.db", std::string(5000, 'x'));
  const pid_t application = ::fork();
  if (application == 0) {
    const int file = ::open((folder / "app.db").c_str(), O_RDONLY);
    ::pause();
    ::_exit(file);
  }
  while (engine::users(Places(settings).url).empty()) ::usleep(1000);
  EXPECT_EQ(code_of<engine::Error>([&] { restore(backup_); }), engine::ErrorCode::busy);
  ::kill(application, SIGKILL);
  engine::wait_for(application);
  EXPECT_EQ(read_file(folder / "app.db"), std::string(5000, 'x'));
  restore(backup_);
  expect_restored();
}

TEST_F(RestoreTest, MissingJournalIsBegunAnewBehindTheOldOne) {
  upgrade();
  const auto last = journal().last_commit();
  fs::remove(folder / "app.db-belay/journal.lmdb");
  restore();
  EXPECT_GT(journal().runs().front().first, last);
  expect_restored();
}

TEST_F(RestoreTest, DamagedJournalIsSetAside) {
  upgrade();
  damage(folder / "app.db-belay/journal.lmdb", 0, 8192);
  restore();
  bool aside = false;
  for (const auto& entry : fs::directory_iterator(folder / "app.db-belay"))
    aside |= entry.path().filename().string().starts_with("journal.lmdb.set-aside-");
  EXPECT_TRUE(aside);
  expect_restored();
}

TEST_F(RestoreTest, MissingDatabaseAndJournalComeBack) {
  fs::remove(folder / "app.db");
  fs::remove(folder / "app.db-belay/journal.lmdb");
  restore();
  expect_restored();
}

TEST_F(RestoreTest, BackupFromBeforeBelayIsTakenIn) {
  fs::remove_all(folder / "app.db-belay");
  fs::remove(folder / "app.db");
  run("CREATE TABLE t (id INTEGER PRIMARY KEY); INSERT INTO t VALUES (7)");
  const auto first = take();
  run("DELETE FROM t");
  restore(first);
  EXPECT_EQ(rows(), "7");
  EXPECT_EQ(read("SELECT count(*) FROM belay_version"), "0");
  EXPECT_EQ(evidence().verdict(), Verdict::nothing);
}

TEST_F(RestoreTest, BackupOfAnotherDatabaseIsRefused) {
  const fs::path other = folder / "other";
  fs::create_directory(other);
  auto own = settings;
  settings.database = "other.db";
  upgrade();
  const auto connection = engine::connect(Places(settings).url, {});
  take_backup(*connection, other, {.database = folder / "other.db"}, listener);  // May have the id of the own one.
  const auto foreign = take_backup(*connection, other, {.database = folder / "other.db"}, listener);
  ASSERT_NE(foreign.manifest.id, backup_);
  settings = own;
  const auto before = read_file(folder / "app.db");
  fs::copy(other, folder / "app.db-belay/backups", fs::copy_options::recursive | fs::copy_options::skip_existing);
  EXPECT_EQ(code_of<Error>([&] { restore(foreign.file.string()); }), ErrorCode::no_backup);
  EXPECT_EQ(code_of<Error>([&] { restore(foreign.manifest.id); }), ErrorCode::foreign);
  EXPECT_EQ(read_file(folder / "app.db"), before);
}

TEST_F(RestoreTest, DamagedBackupIsRefusedBeforeAnythingIsTouched) {
  upgrade();
  const auto before = read_file(folder / "app.db");
  const auto runs = journal().runs().size();
  const auto file = folder / "app.db-belay/backups" / (backup_ + ".db.zst");
  damage(file, fs::file_size(file) / 2, 4);
  EXPECT_EQ(code_of<Error>([&] { restore(backup_); }), ErrorCode::backup_damaged);
  EXPECT_EQ(read_file(folder / "app.db"), before);
  EXPECT_EQ(journal().runs().size(), runs);
}

TEST_F(RestoreTest, OtherPageSizeIsNoObstacle) {
  for (const char* mode : {"delete", "wal"}) {
    run(std::string("PRAGMA journal_mode = delete; PRAGMA page_size = 16384; VACUUM; PRAGMA journal_mode = ") + mode);
    restore(backup_);
    EXPECT_EQ(read("PRAGMA page_size"), "4096") << mode;
    EXPECT_EQ(rows(), "2");
  }
  expect_restored();
}

TEST_F(RestoreTest, JournalModeIsThatOfTheBackup) {
  run("PRAGMA journal_mode = wal");
  const auto in_wal = take();
  run("PRAGMA journal_mode = delete");
  restore(in_wal);
  EXPECT_EQ(read("PRAGMA journal_mode"), "wal");
  restore(backup_);
  EXPECT_EQ(read("PRAGMA journal_mode"), "delete");
  expect_restored();
}

// --- With what an interrupted run left ---

TEST_F(RestoreTest, InterruptedRunIsClosedWithIt) {
  script("003", half);
  upgrade_until_call("before commit", 2);
  ASSERT_TRUE(look().interrupted);
  restore(backup_);
  EXPECT_EQ(applied(), "001 002");
  EXPECT_EQ(rows(), "2");
  EXPECT_EQ(evidence().verdict(), Verdict::nothing);
  EXPECT_FALSE(look().interrupted);
}

TEST_F(RestoreTest, UndoThatIsOpenIsClosedWithIt) {
  upgrade();
  run_child([&] {
    auto log = journal::Journal::open(folder / "app.db-belay/journal.lmdb", journal::Journal::Access::write);
    const auto first = log.runs().back();
    log.begin({.command = "recover undo-run"}, {});
    log.append(
        journal::UndoBegin{.first = log.last_commit(), .previous = {first.first.value - 1}, .state = "somewhere"});
    log.flush();
    die();
  });
  restore(backup_);
  expect_restored();
}

TEST_F(RestoreTest, RunsBeforeItCanNoLongerBeTakenBack) {
  upgrade();
  restore(backup_);
  EXPECT_TRUE(look().undoable.empty());
  EXPECT_EQ(refused_undo(), ErrorCode::no_images);
  EXPECT_EQ(rows(), "2");
}

TEST_F(RestoreTest, RunsBehindItCan) {
  upgrade();
  restore(backup_);
  upgrade("003");
  ASSERT_EQ(look().undoable.size(), 1U);
  undo_run();
  expect_restored();
}

TEST_F(RestoreTest, BesideAReaderItTakesThePlaceOfAnInterruptedRunAndIsCarriedOutByTheNext) {
  script("003", half);
  upgrade_until_call("before commit", 2);
  engine::Raw application(folder / "app.db");
  application.run("BEGIN; SELECT * FROM t");
  EXPECT_EQ(code_of<engine::Error>([&] { restore(backup_); }), engine::ErrorCode::busy);
  EXPECT_TRUE(journal().open_run());
  EXPECT_EQ(evidence().verdict(), Verdict::take_over);
  application.run("ROLLBACK");
  upgrade("002");
  EXPECT_EQ(applied(), "001 002");
  EXPECT_EQ(rows(), "2");
  EXPECT_EQ(evidence().verdict(), Verdict::nothing);
}

// --- On a disk that fails ---

// What failed right after the commit was once taken for a restore that had not happened: journal and database did not
// fit any more.
TEST_F(RestoreTest, InWalModeAWriteThatFailsLeavesWhatTheNextRunMends) {
  run("PRAGMA journal_mode = WAL");
  upgrade();
  const auto before = rows();
  int call = 0;
  for (bool failed = true; failed;) {
    const int status = run_child([&] {
      fail_write({.call = call + 1, .error = EIO});
      try {
        restore(backup_);
      } catch (const std::runtime_error&) {
        ::_exit(2);
      }
    });
    failed = ++call < 60 || status != 0;
    ASSERT_NO_THROW(migrator(listener).recover(Policy::forward)) << "write " << call;
    ASSERT_TRUE(rows() == "2" || rows() == before) << rows();
    upgrade();
    ASSERT_EQ(rows(), before);
    expect_settled();
  }
  EXPECT_GT(call, 60);
}

// --- Killed ---

TEST_F(RestoreTest, KilledBeforeItIsWrittenDownIsAsBefore) {
  upgrade();
  restore_until("copy: packing");
  EXPECT_FALSE(look().interrupted);
  EXPECT_EQ(rows(), "2 3 4");
  restore(backup_);
  expect_restored();
}

TEST_F(RestoreTest, KilledWhileItReplacesIsCarriedOutByTheNextRun) {
  upgrade();
  restore_until("copy: restoring");
  EXPECT_EQ(evidence().verdict(), Verdict::take_over);
  ASSERT_TRUE(look().interrupted);
  EXPECT_NE(look().interrupted->forward.would.find("restore backup " + backup_), std::string::npos);
  const auto report = upgrade("002");
  ASSERT_TRUE(report.recovered);
  EXPECT_EQ(report.recovered->direction, Policy::forward);
  expect_restored();
}

TEST_F(RestoreTest, WhatOthersWriteAfterTheKillIsKept) {
  upgrade();
  restore_until("copy: restoring");
  run("INSERT INTO t VALUES (77)");
  upgrade("002");
  EXPECT_EQ(rows(), "2");
  restore(backups()[0].id);
  EXPECT_EQ(rows(), "2 3 4 77");
}

TEST_F(RestoreTest, KilledRestoreWhoseBackupIsGoneSaysSoAndAnotherOneTakesItsPlace) {
  upgrade();
  const auto second = take();
  restore_until("copy: restoring");
  fs::remove(folder / "app.db-belay/backups" / (backup_ + ".json"));
  EXPECT_EQ(code_of<Error>([&] { upgrade(); }), ErrorCode::no_backup);
  EXPECT_EQ(rows(), "2 3 4");
  restore(second);
  EXPECT_EQ(rows(), "2 3 4");
  expect_settled();
}

TEST_F(RestoreTest, KilledInsteadOfAnInterruptedRunIsStillCarriedOut) {
  script("003", half);
  upgrade_until_call("before commit", 2);
  restore_until("copy: restoring");
  EXPECT_EQ(evidence().verdict(), Verdict::take_over);
  upgrade("002");
  EXPECT_EQ(applied(), "001 002");
  EXPECT_EQ(rows(), "2");
}

}  // namespace
}  // namespace belay::recovery

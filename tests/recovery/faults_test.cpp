// Disks that fail: the run says so and never that it succeeded, and the next one ends where an undisturbed one does.

#include <sys/mount.h>
#include <sys/resource.h>

#include "tests/recovery/fixture.h"

namespace belay::recovery {
namespace {

class FaultsTest : public ProjectTest {
 protected:
  enum Ending { succeeded = 0, failed = 2 };

  /// How an upgrade on such a disk ends: with an error of ours, or done. Anything else is not for a process to end
  /// with.
  Ending upgrade_with(const Fault& fault) {
    const int status = run_child([&] {
      fail_write(fault);
      try {
        upgrade();
      } catch (const engine::Error&) {
        ::_exit(failed);
      } catch (const journal::Error&) {
        ::_exit(failed);
      }
    });
    EXPECT_TRUE(WIFEXITED(status) && (WEXITSTATUS(status) == succeeded || WEXITSTATUS(status) == failed)) << status;
    return static_cast<Ending>(WEXITSTATUS(status));
  }
  void start_anew() const {
    std::filesystem::remove(folder / "app.db");
    std::filesystem::remove_all(folder / "app.db-belay");
  }

  /// Lets each write of an upgrade fail in turn. @param second  what the second script does.
  void sweep(int error, bool stays, const std::string& path = "", const std::string& second = "") {
    scripts(3);
    if (!second.empty()) script("002", second);
    int failures = 0;
    int in_a_row = 0;
    for (int call = 1; in_a_row < 5; ++call, start_anew()) {  // The last calls may fail without harm.
      const auto ending = upgrade_with({call, error, stays, path});
      if (ending == succeeded) {
        ASSERT_EQ(applied(), "001 002 003") << "write " << call << " failed, and was called a success";
      }
      failures += ending == failed ? 1 : 0;
      in_a_row = ending == failed ? 0 : in_a_row + 1;
      ASSERT_NO_THROW(upgrade()) << "write " << call << " failed";
      EXPECT_EQ(read("SELECT group_concat(id, ' ') FROM t"), "2 3") << "write " << call << " failed";
      EXPECT_EQ(applied(), "001 002 003");
      expect_settled();
      if (HasFailure()) FAIL() << "write " << call << " failed";
    }
    EXPECT_GT(failures, 3);
  }
};

TEST_F(FaultsTest, WriteToTheDatabaseThatFailsOnce) {
  sweep(EIO, false, "/app.db");
}
TEST_F(FaultsTest, WriteToSqlitesJournalThatFailsOnce) {
  sweep(EIO, false, "app.db-journal");
}

/// Its journal had been unlinked, so that it had committed; it was written off, and nothing could be taken back any
/// more.
TEST_F(FaultsTest, SyncOfTheFolderThatFailsOnceBehindAVacuum) {
  settings.policy = Policy::back;
  sweep(ENOSPC, false, folder.path().string(), "INSERT INTO t VALUES (2);\n-- migrate:step v transaction:off\nVACUUM;");
}

/// When its header cannot be written LMDB writes the old number back, and not the old trees: the check of the journal's
/// pages once called that damaged for ever.
TEST_F(FaultsTest, WriteToTheJournalThatFailsOnce) {
  sweep(EIO, false, "journal.lmdb");
}

TEST_F(FaultsTest, DiskThatFailsFromAWriteOn) {
  sweep(EIO, true);
}
TEST_F(FaultsTest, DiskThatIsFullFromAWriteOn) {
  sweep(ENOSPC, true);
}

/// Before-images of such a transaction are written while it is still at work.
TEST_F(FaultsTest, JournalThatIsFullInALargeTransactionTakesItBack) {
  script(
      "001",
      "CREATE TABLE t (v BLOB);\nINSERT INTO t WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i "
      "< 5000) SELECT randomblob(4000) FROM n;");
  upgrade();
  const auto before = contents();
  script("002", "UPDATE t SET v = randomblob(4000);");
  for (const int call : {2, 6, 10, 14, 18}) {
    EXPECT_EQ(upgrade_with({call, ENOSPC, true, "journal.lmdb"}), failed) << call;
    EXPECT_EQ(read("PRAGMA integrity_check"), "ok");
    EXPECT_TRUE(contents() == before) << call;
    EXPECT_EQ(applied(), "001");
  }
  upgrade();
  EXPECT_EQ(applied(), "001 002");
  journal().verify();
}

/// A limit on the size of files stands for a disk that is full where it may not be mounted.
TEST_F(FaultsTest, DatabaseThatMayNotGrowIsUnharmedAndTheNextRunSucceeds) {
  scripts(1);
  upgrade();
  script("002",
         "INSERT INTO t WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 100000) SELECT i "
         "FROM n;");
  const int status = run_child([&] {
    ::signal(SIGXFSZ, SIG_IGN);
    const rlimit limit{300'000, 300'000};
    ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &limit), 0);
    const auto code = code_of<engine::Error>([&] { upgrade(); });
    EXPECT_TRUE(code == engine::ErrorCode::no_space || code == engine::ErrorCode::unavailable ||
                code == engine::ErrorCode::outcome_unknown);
  });
  EXPECT_EQ(status, 0);
  EXPECT_EQ(read("PRAGMA integrity_check"), "ok");
  EXPECT_EQ(read("SELECT count(*) FROM t"), "0");
  upgrade();
  EXPECT_EQ(read("SELECT count(*) FROM t"), "100000");
  expect_settled();
}

/// A file system of 400 KiB. Root may mount one; others make room for themselves in a user namespace where they may.
TEST_F(FaultsTest, FullFileSystemIsNamedAndTheNextRunSucceeds) {
  const auto mounted = folder / "small";
  std::filesystem::create_directory(mounted);
  if (::mount("tmpfs", mounted.c_str(), "tmpfs", 0, "size=400k") != 0)
    GTEST_SKIP() << "a file system cannot be mounted here; the limit on the size of files is tested instead";
  settings.database = "small/app.db";
  scripts(1);
  upgrade();
  script("002",
         "INSERT INTO t WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 100000) SELECT i "
         "FROM n;");
  EXPECT_EQ(code_of<engine::Error>([&] { upgrade(); }), engine::ErrorCode::no_space);
  EXPECT_EQ(engine::read(mounted / "app.db", "SELECT count(*) FROM t; PRAGMA integrity_check"), "0\nok");
  ASSERT_EQ(::mount("tmpfs", mounted.c_str(), "tmpfs", MS_REMOUNT, "size=20m"), 0);
  upgrade();
  EXPECT_EQ(engine::read(mounted / "app.db", "SELECT count(*) FROM t"), "100000");
  ::umount(mounted.c_str());
}

}  // namespace
}  // namespace belay::recovery

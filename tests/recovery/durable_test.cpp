// What has to be on the disk before what. A kill does not show it, because the kernel keeps what was not synced; a
// power cut does. So the order of the calls is looked at. Each of these was a bug that the fault laboratory has found.

#include <algorithm>

#include "tests/recovery/backup_fixture.h"

namespace belay::recovery {
namespace {

class DurableTest : public BackupTest {
 protected:
  using Calls = std::vector<Call>;
  using At = Calls::const_iterator;

  /// The calls that it makes for the folder and what is in it.
  Calls calls_of(const std::function<void()>& action) const {
    Calls calls;
    hear_calls([&](const Call& call) {
      if (call.path.starts_with(folder.path().string())) calls.push_back(call);
    });
    action();
    hear_calls({});
    return calls;
  }

  static bool syncs(const Call& call) { return call.name == "fsync" || call.name == "fdatasync"; }
  static bool writes(const Call& call) { return call.name.find("write") != std::string::npos; }
  static bool cuts(const Call& call) { return call.name.starts_with("ftruncate"); }
  static bool renames(const Call& call) { return call.name.starts_with("rename"); }
  static bool removes(const Call& call) { return call.name == "remove" || call.name == "unlink"; }

  /// The first such call for a file whose path ends so.
  static At first(At from, const Calls& calls, bool (*is_such)(const Call&), const std::string& path) {
    return std::find_if(from, calls.end(),
                        [&](const Call& call) { return is_such(call) && call.path.ends_with(path); });
  }
};

/// SQLite does not sync a WAL that it empties, and the journal said that it was empty: after a power cut its old frames
/// contradicted the journal, or came back over an undo.
TEST_F(DurableTest, WalThatIsEmptiedIsSyncedBeforeTheJournalSaysSo) {
  run("PRAGMA journal_mode = WAL");
  scripts(2);
  const auto calls = calls_of([&] { upgrade(); });
  const auto emptied = first(calls.begin(), calls, cuts, "app.db-wal");
  ASSERT_NE(emptied, calls.end());
  EXPECT_LT(first(emptied, calls, syncs, "app.db-wal"), first(emptied, calls, writes, "journal.lmdb"));
}

/// Whoever has emptied it may have failed to sync that, or was killed before: its old frames came back over an undo.
TEST_F(DurableTest, WalThatIsFoundEmptyIsSyncedBeforeAnUndoHasItsName) {
  run("PRAGMA journal_mode = WAL");
  scripts(2);
  upgrade();
  const auto calls = calls_of([&] { migrator(listener).undo_run({}); });
  const auto named = first(calls.begin(), calls, renames, "app.db-journal.new");
  ASSERT_NE(named, calls.end());
  EXPECT_LT(first(calls.begin(), calls, syncs, "app.db-wal"), named);
}

/// Who was killed had not synced its commit, and restart, which read it from the kernel's cache, acknowledged it.
TEST_F(DurableTest, WalWithACommitIsSyncedBeforeRestartAcknowledgesIt) {
  run("PRAGMA journal_mode = WAL");
  scripts(3);
  settings.hooks_between = true;
  upgrade_until_call("after commit");
  const auto calls = calls_of([&] { upgrade(); });
  const auto acknowledged = first(calls.begin(), calls, writes, "journal.lmdb");
  ASSERT_NE(acknowledged, calls.end());
  EXPECT_LT(first(calls.begin(), calls, syncs, "app.db-wal"), acknowledged);
}

/// The same with a rollback journal, whose removal is the commit.
TEST_F(DurableTest, FolderWithoutSqlitesJournalIsSyncedBeforeRestartAcknowledgesTheCommit) {
  scripts(1);
  upgrade_until_call("after commit");
  const auto calls = calls_of([&] { upgrade(); });
  const auto acknowledged = first(calls.begin(), calls, writes, "journal.lmdb");
  ASSERT_NE(acknowledged, calls.end());
  EXPECT_LT(first(calls.begin(), calls, syncs, folder.path().string()), acknowledged);
}

/// The header was written before the seal. Over the rest of an earlier attempt, which has the same content in the same
/// place, it alone made a commit that the journal knew nothing of.
TEST_F(DurableTest, HeaderOfACommitFrameIsWrittenBehindTheSealWithItsContent) {
  constexpr std::size_t frame_size = 24 + 4096;
  run("PRAGMA journal_mode = WAL");
  scripts(2);
  settings.hooks_between = true;
  const auto calls = calls_of([&] { upgrade(); });
  int commit_frames = 0;
  for (const auto& call : calls) {
    constexpr std::size_t wal_header_size = 32;
    if (!writes(call) || !call.path.ends_with("app.db-wal") || call.bytes.size() == wal_header_size) continue;
    for (std::size_t at = 0; at < call.bytes.size(); at += frame_size) {
      // The size of the database is in the header of a commit frame only.
      if (call.bytes.substr(at + 4, 4) == std::string(4, '\0')) continue;
      ++commit_frames;
      EXPECT_LE(at + frame_size, call.bytes.size()) << "its content is not written with it";
    }
  }
  EXPECT_EQ(commit_frames, 2);
}

/// It was removed behind the sync that makes the backup's name durable, so that a power cut could bring it back.
TEST_F(DurableTest, UnpackedCopyOfABackupIsGoneBeforeTheBackupHasItsName) {
  make();
  const auto calls = calls_of([&] { take(); });
  const auto removed = first(calls.begin(), calls, removes, "copy.db");
  const auto named = first(calls.begin(), calls, renames, "");
  ASSERT_NE(named, calls.end());
  EXPECT_LT(removed, named);
}

/// Only SQLite's sync of the folder above made the name of the journal's folder durable, by the way.
TEST_F(DurableTest, FolderOfANewJournalHasADurableNameBeforeTheJournalHasOne) {
  std::filesystem::create_directory(folder / "new");
  const auto calls = calls_of([&] { journal::Journal::create(folder / "new/journal.lmdb", "id"); });
  const auto named = first(calls.begin(), calls, renames, "journal.lmdb.new");
  ASSERT_NE(named, calls.end());
  EXPECT_LT(first(calls.begin(), calls, syncs, folder.path().string()), named);
}

/// Killed between the two, it left a journal whose name nobody synced any more. After a power cut the database was one
/// that belay had written to, without a journal.
TEST_F(DurableTest, JournalWhoseCreatorWasKilledHasADurableNameBeforeItIsWrittenTo) {
  std::filesystem::create_directory(folder / "new");
  const auto file = folder / "new/journal.lmdb";
  const int status = run_child([&] {
    hear_calls([](const Call& call) {
      if (syncs(call) && call.path.ends_with("/new")) die();
    });
    journal::Journal::create(file, "id");
  });
  ASSERT_TRUE(was_killed(status));
  ASSERT_TRUE(std::filesystem::exists(file));
  const auto calls = calls_of([&] { journal::Journal::open(file, journal::Journal::Access::write).begin({}, {}); });
  const auto written = first(calls.begin(), calls, writes, "journal.lmdb");
  ASSERT_NE(written, calls.end());
  EXPECT_LT(first(calls.begin(), calls, syncs, "/new"), written);
}

/// Killed between the two, it left a hot journal whose name nobody synced before SQLite played it back: a power cut
/// took it away, and half of the pages had been put back.
TEST_F(DurableTest, HotJournalOfAKilledUndoHasADurableNameBeforeItIsPlayedBack) {
  scripts(2);
  upgrade();
  const int status = run_child([&] {
    bool is_named = false;
    hear_calls([&](const Call& call) {
      if (is_named && syncs(call) && call.path == folder.path().string()) die();
      is_named = is_named || (renames(call) && call.path.ends_with("app.db-journal.new"));
    });
    migrator(listener).undo_run({});
  });
  ASSERT_TRUE(was_killed(status));
  ASSERT_TRUE(std::filesystem::exists(folder / "app.db-journal"));
  const auto calls = calls_of([&] { upgrade("001"); });
  const auto put_back = first(calls.begin(), calls, writes, "app.db");
  ASSERT_NE(put_back, calls.end());
  EXPECT_LT(first(calls.begin(), calls, syncs, folder.path().string()), put_back);
}

}  // namespace
}  // namespace belay::recovery

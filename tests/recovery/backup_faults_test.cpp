// Backups while something else happens to them, or to the folder they are in.

#include <dirent.h>
#include <dlfcn.h>
#include <openssl/evp.h>
#include <unistd.h>
#include <zstd.h>

#include <fstream>
#include <new>
#include <utility>

#include "recovery/backup_archive.h"
#include "tests/recovery/backup_fixture.h"

namespace belay::recovery {
namespace {

namespace fs = std::filesystem;
using Code = engine::ErrorCode;

class BackupFaultsTest : public BackupTest {
 protected:
  /// Does this to the file of that name as soon as a part of it has been read back.
  void while_it_is_read_back(const std::string& name, const std::function<void(const fs::path&)>& act) {
    listener.at["copy: reading back"] = [this, name, act, done = false]() mutable {
      if (!std::exchange(done, true)) act(scratch_in(backups(), name));
    };
  }
  std::string leaves_nothing_behind(const BackupRequest& what) {
    const auto error = error_of<Error>([&] { take(what); });
    EXPECT_EQ(error.code(), ErrorCode::backup_damaged);
    EXPECT_TRUE(names().empty());
    return error.what();
  }
};

// --- A disk that does not give back what it was given ---

TEST_F(BackupFaultsTest, BackupThatIsReadBackDifferentlyDoesNotCount) {
  make(8000);
  while_it_is_read_back("packed", [](const fs::path& file) {
    std::fstream stream(file, std::ios::in | std::ios::out | std::ios::binary);
    stream.seekp(-100, std::ios::end).write("changed on the disk", 19);
  });
  leaves_nothing_behind(request());
}

TEST_F(BackupFaultsTest, BackupThatGrowsWhileItIsReadBackDoesNotCount) {
  make(8000);
  while_it_is_read_back("packed", [](const fs::path& file) { std::ofstream(file, std::ios::app) << "more"; });
  const auto what = leaves_nothing_behind(request());
  EXPECT_NE(what.find("it grows"), std::string::npos) << what;
}

TEST_F(BackupFaultsTest, PlainBackupThatShrinksWhileItIsReadBackDoesNotCount) {
  make(8000);
  fs::create_directory(backups());
  auto chosen = request();
  chosen.file = backups() / "mine.db";
  while_it_is_read_back("copy.db", [](const fs::path& file) { fs::resize_file(file, 300'000); });
  const auto what = leaves_nothing_behind(chosen);
  EXPECT_NE(what.find("bytes and had"), std::string::npos) << what;
}

TEST_F(BackupFaultsTest, BackupThatIsCutShortBeforeItIsReadBackDoesNotCount) {
  make(1);
  before_open("-packed", [this] {    // To write it.
    before_open("-packed", [this] {  // To read it back.
      fs::resize_file(scratch_in(backups(), "packed"), 40);
    });
  });
  const auto what = leaves_nothing_behind(request());
  EXPECT_NE(what.find("it has 40 bytes and had"), std::string::npos) << what;
}

// --- Names that come up meanwhile ---

TEST_F(BackupFaultsTest, NameThatComesUpMeanwhileIsNotReplaced) {
  make(1);
  for (const int after : {0, 1}) {  // The data's, the manifest's.
    fail_call({"renameat2", EEXIST, after});
    const auto error = error_of([&] { take(); });
    EXPECT_NE(std::string(error.what()).find("has come up meanwhile"), std::string::npos) << error.what();
    EXPECT_TRUE(names().empty());
  }
}

TEST_F(BackupFaultsTest, ChosenNameThatComesUpMeanwhileIsNotReplaced) {
  make(1);
  fs::create_directory(backups());
  auto chosen = request();
  chosen.file = backups() / "mine.db";
  for (const int after : {0, 1}) {
    fail_call({"renameat2", EEXIST, after});
    EXPECT_EQ(code_of<Error>([&] { take(chosen); }), ErrorCode::not_applicable);
    EXPECT_TRUE(names().empty());
  }
}

// --- Memory ---

TEST_F(BackupFaultsTest, WithoutMemoryThereIsNoBackup) {
  make(1);
  const Backup good = take();
  for (const char* call : {"ZSTD_createCCtx", "ZSTD_createDCtx"}) {
    fail_call({.name = call});
    EXPECT_THROW(take(), std::bad_alloc) << call;
  }
  fail_call({.name = "ZSTD_CCtx_setParameter"});
  EXPECT_THROW(take(), std::runtime_error);
  fail_call({.name = "EVP_MD_CTX_new"});
  EXPECT_THROW(sha256_of("bytes"), std::bad_alloc);
  EXPECT_EQ(ids(), std::vector{good.manifest.id});
  EXPECT_EQ(names().size(), 2U);
}

// --- Stops ---

TEST_F(BackupFaultsTest, StopEndsAVerificationAndLeavesNothingBehind) {
  make(1);
  const Backup backup = take();
  std::stop_source stop;
  stop.request_stop();
  EXPECT_EQ(code_of([&] { verify_backup(backup, listener, stop.get_token()); }), Code::interrupted);
  EXPECT_EQ(names().size(), 2U);
  verify_backup(backup, listener);
}

// --- Folders ---

TEST_F(BackupFaultsTest, NewestOfADatabaseIsNotThatOfAnotherInTheSameFolder) {
  make(1);
  const Backup mine = take();
  auto of_another = request();
  of_another.database = folder / "other.db";
  const Backup another = take(of_another);
  EXPECT_EQ(find_backup(backups(), "newest", folder / "app.db").manifest.id, mine.manifest.id);
  EXPECT_EQ(find_backup(backups(), "newest", folder / "other.db").manifest.id, another.manifest.id);
  EXPECT_EQ(code_of<Error>([&] { find_backup(backups(), "newest", folder / "third.db"); }), ErrorCode::no_backup);
}

TEST_F(BackupFaultsTest, DataThatCannotBeLookedAtIsNotTakenForGood) {
  make(1);
  const Backup backup = take();
  fail_call({"lstat", EIO});
  const auto error = error_of<Error>([&] { verify_backup(backup, listener); });
  EXPECT_NE(std::string(error.what()).find("cannot be looked at"), std::string::npos) << error.what();
  verify_backup(backup, listener);
}

TEST_F(BackupFaultsTest, BackupInAFolderThatCannotBeWrittenIsVerifiedElsewhere) {
  make(1);
  const Backup backup = take();
  std::size_t files = 0;
  listener.at["copy: checking"] = [&] { files = names().size(); };
  verify_backup(backup, listener);
  EXPECT_EQ(files, 3U);
  fail_call({"access", EROFS});
  verify_backup(backup, listener);
  EXPECT_EQ(files, 2U);
}

/// The space for SQLite's own files beside it: the backup is not blamed.
TEST_F(BackupFaultsTest, DiskThatIsFullWhileABackupIsCheckedIsNoDamage) {
  run("PRAGMA journal_mode = WAL");
  make(1);
  const Backup backup = take();
  fail_write({1, ENOSPC, true, "-shm"});
  EXPECT_EQ(code_of([&] { verify_backup(backup, listener); }), Code::no_space);
  fail_write({});
  verify_backup(backup, listener);
}

TEST_F(BackupFaultsTest, ManifestThatCannotBeRemovedKeepsItsData) {
  make(1);
  for (int i = 0; i < 3; ++i) take();
  fail_call({"unlink", EIO});
  EXPECT_EQ(code_of([&] { prune_backups(backups(), folder / "app.db", 1, Prune::all); }), Code::unavailable);
  EXPECT_EQ(names().size(), 6U);
}

TEST_F(BackupFaultsTest, FolderThatCannotBeReadIsNotOneWithoutBackups) {
  make(1);
  EXPECT_TRUE(list_backups(backups()).empty());
  for (int i = 0; i < 3; ++i) take();
  for (const int entry : {0, 3, 8}) {
    fail_call({"readdir", EIO, entry});
    EXPECT_EQ(code_of([&] { list_backups(backups()); }), Code::unavailable) << entry;
    fail_call({"readdir", EIO, entry});
    EXPECT_EQ(code_of([&] { find_backup(backups()); }), Code::unavailable) << entry;
  }
  fail_call({});
  EXPECT_EQ(code_of([&] { list_backups(backups() / names().front()); }), Code::unavailable);
  EXPECT_EQ(list_backups(backups()).size(), 3U);
}

TEST_F(BackupFaultsTest, PruneThatFailsIsSaidAndTheRunGoesOn) {
  settings.backup_before = BackupBefore::always;
  settings.keep_backups = 1;
  for (int i = 1; i <= 3; ++i) {
    scripts(i);
    upgrade();
  }
  scripts(4);
  fail_write({1, EIO, false, ".json"});
  upgrade();
  const auto is_told = [](const std::string& word) { return word.starts_with("message old backups could not be"); };
  EXPECT_TRUE(std::any_of(listener.heard.begin(), listener.heard.end(), is_told));
  EXPECT_EQ(applied(), "001 002 003 004");
}

// --- Litter ---

TEST_F(BackupFaultsTest, LitterIsWhatBelongsToNoBackup) {
  fs::create_directory(backups());
  const std::string id = "20200101T000000Z";
  for (const char* suffix : {".db.zst", ".db-wal.zst", ".db-journal.zst"})
    write_file(backups() / (id + suffix), "data");
  for (const auto& process : {std::to_string(::getpid()), std::string("nobody"), std::string("0")})
    write_file(backups() / (".belay-scratch-" + process + "-copy.db"), "scratch");
  const std::vector<std::string> others{id, id + "-x.db.zst", id + ".db.txt", "notes.json"};
  for (const auto& name : others) write_file(backups() / name, "mine");
  discard_litter(backups());
  EXPECT_EQ(names(), others);
}

/// Another user's process may not be sent a signal, and is there all the same.
TEST_F(BackupFaultsTest, ScratchFileOfAnotherUsersProcessStays) {
  fs::create_directory(backups());
  write_file(backups() / ".belay-scratch-1-copy.db", "at work");
  const bool is_root = ::geteuid() == 0;
  if (is_root) {
    fs::permissions(folder.path(), fs::perms::all);
    fs::permissions(backups(), fs::perms::all);
    ASSERT_EQ(::setresuid(65534, 65534, 0), 0);
  }
  discard_scratch(backups());
  if (is_root) {
    ASSERT_EQ(::setresuid(0, 0, 0), 0);
  }
  EXPECT_EQ(names().size(), 1U);
}

// --- Ids ---

TEST(BackupIdTest, IsReadStrictly) {
  BackupId id;
  ASSERT_TRUE(BackupId::parse("20261122T125453Z", id));
  EXPECT_EQ(id.number, 1U);
  ASSERT_TRUE(BackupId::parse("20261122T125453Z-12", id));
  EXPECT_EQ(id.number, 12U);
  EXPECT_EQ(id.text(), "20261122T125453Z-12");
  for (const char* text : {"", "20261122T125453", "20261122X125453Z", "20261122T125453X", "2026x122T125453Z",
                           "20261122T12x453Z", "20261122T125453Z_2", "20261122T125453Z-", "20261122T125453Z-1",
                           "20261122T125453Z-02", "20261122T125453Z-x", "20261122T125453Z-1234567"})
    EXPECT_FALSE(BackupId::parse(text, id)) << text;
}

}  // namespace
}  // namespace belay::recovery

// What is missing, for `fail_call`: libraries are found through the dynamic linker.

// NOLINTBEGIN(bugprone-macro-parentheses): types and lists cannot have them.

#define BELAY_FAILING(result, name, failure, parameters, arguments)                             \
  extern "C" result name parameters {                                                           \
    static const auto real = reinterpret_cast<result(*) parameters>(::dlsym(RTLD_NEXT, #name)); \
    return belay::recovery::call_fails(#name) ? failure : real arguments;                       \
  }

BELAY_FAILING(EVP_MD_CTX*, EVP_MD_CTX_new, nullptr, (), ())
BELAY_FAILING(ZSTD_CCtx*, ZSTD_createCCtx, nullptr, (), ())
BELAY_FAILING(ZSTD_DCtx*, ZSTD_createDCtx, nullptr, (), ())
BELAY_FAILING(dirent*, readdir, nullptr, (DIR * folder), (folder))
BELAY_FAILING(size_t, ZSTD_CCtx_setParameter, static_cast<size_t>(-64),  // As zstd writes that memory is missing.
              (ZSTD_CCtx* context, ZSTD_cParameter parameter, int value), (context, parameter, value))

// NOLINTEND(bugprone-macro-parentheses)

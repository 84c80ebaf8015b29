// The files of backups, where the system answers what it hardly ever does: said by a code, and nothing is left behind.

#include "recovery/backup_file.h"

#include <sys/file.h>

#include "tests/recovery/death.h"
#include "tests/recovery/fixture.h"

namespace belay::recovery {
namespace {

namespace fs = std::filesystem;
using Code = engine::ErrorCode;

class BackupFileTest : public testing::Test {
 protected:
  [[nodiscard]] fs::path written(const std::string& name, const std::string& bytes = "bytes") const {
    write_file(folder / name, bytes);
    return folder / name;
  }
  /// Whether somebody else could have it.
  [[nodiscard]] bool is_locked() const {
    const int other = ::open(folder.path().c_str(), O_RDONLY | O_DIRECTORY);
    const bool locked = ::flock(other, LOCK_EX | LOCK_NB) != 0;
    ::close(other);
    return locked;
  }

  Folder folder;
};

TEST_F(BackupFileTest, WhatTheSystemSaysBecomesACode) {
  const std::vector<std::pair<int, Code>> answers{
      {ENOSPC, Code::no_space},  {EDQUOT, Code::no_space}, {EFBIG, Code::no_space}, {EROFS, Code::read_only},
      {EACCES, Code::read_only}, {EPERM, Code::read_only}, {EIO, Code::unavailable}};
  for (const auto& [error, code] : answers) {
    auto file = BackupFile::create(folder / std::to_string(error));
    fail_call({"fsync", error});
    const auto said = error_of([&] { file.sync(); });
    EXPECT_EQ(said.code(), code) << error;
    EXPECT_FALSE(said.next().empty());
  }
}

TEST_F(BackupFileTest, FileThatIsThereIsNotMadeAnew) {
  const auto path = written("file");
  const auto error = error_of([&] { BackupFile::create(path); });
  EXPECT_EQ(error.code(), Code::unavailable);
  EXPECT_NE(std::string(error.what()).find("cannot make"), std::string::npos) << error.what();
  EXPECT_EQ(read_file(path), "bytes");
}

TEST_F(BackupFileTest, FileThatIsNotThereIsNotCalledALink) {
  const auto error = error_of([&] { BackupFile::open(folder / "nothing"); });
  EXPECT_EQ(error.code(), Code::unavailable);
  EXPECT_NE(std::string(error.what()).find("cannot open"), std::string::npos) << error.what();
}

TEST_F(BackupFileTest, LinkIsToldFromALoopOfLinks) {
  fs::create_symlink("loop", folder / "loop");
  const auto link = error_of([&] { BackupFile::open(folder / "loop"); });
  EXPECT_NE(std::string(link.what()).find("is a link"), std::string::npos) << link.what();
  const auto loop = error_of([&] { BackupFile::follow(folder / "loop"); });
  EXPECT_NE(std::string(loop.what()).find("cannot open"), std::string::npos) << loop.what();
}

TEST_F(BackupFileTest, FileThatCannotBeLookedAtIsNotUsed) {
  const auto path = written("file");
  fail_call({"fstat", EIO});
  EXPECT_EQ(code_of([&] { BackupFile::open(path); }), Code::unavailable);
  const auto file = BackupFile::open(path);
  fail_call({"fstat", EIO});
  EXPECT_EQ(code_of([&] { (void)file.size(); }), Code::unavailable);
  EXPECT_EQ(file.size(), 5U);
}

TEST_F(BackupFileTest, ReadsAndWritesGoOnWhereASignalCame) {
  auto out = BackupFile::create(folder / "file");
  fail_call({"write", EINTR});
  out.write("bytes");
  auto in = BackupFile::open(folder / "file");
  std::string bytes(9, ' ');
  fail_call({"read", EINTR});
  ASSERT_EQ(in.read(bytes.data(), bytes.size()), 5U);
  EXPECT_EQ(bytes, "bytes    ");
}

TEST_F(BackupFileTest, ReadAndWriteThatFailSaySo) {
  auto file = BackupFile::create(folder / "file");
  fail_call({"write", EIO});
  EXPECT_EQ(code_of([&] { file.write("bytes"); }), Code::unavailable);
  char letter = 0;
  fail_call({"read", EIO});
  EXPECT_EQ(code_of([&] { file.read(&letter, 1); }), Code::unavailable);
}

TEST_F(BackupFileTest, MovedFileHasOneOwner) {
  auto first = BackupFile::create(folder / "file");
  {
    BackupFile second(std::move(first));
    second.write("bytes");
  }
  EXPECT_EQ(read_file(folder / "file"), "bytes");
}

// --- The lock of a folder ---

TEST_F(BackupFileTest, LockOfAFolderIsWaitedForThroughSignals) {
  fail_call({"flock", EINTR});
  const FolderLock lock(folder.path());
  EXPECT_TRUE(is_locked());
}

/// As on some network file systems: backups are made all the same.
TEST_F(BackupFileTest, WhereThereIsNoLockTheWorkGoesOn) {
  fail_call({"flock", ENOLCK});
  const FolderLock lock(folder.path());
  EXPECT_FALSE(is_locked());
  const FolderLock none(folder / "nothing");
}

// --- Folders and space ---

TEST_F(BackupFileTest, FolderThatCannotBeHadIsSaid) {
  fail_call({"access", EROFS});
  EXPECT_EQ(code_of([&] { make_backup_folder(folder.path()); }), Code::read_only);
  EXPECT_EQ(code_of([&] { make_backup_folder(written("file") / "backups"); }), Code::unavailable);
  EXPECT_EQ(code_of([&] { sync_backup_folder(folder / "nothing"); }), Code::unavailable);
  fail_call({"statvfs", EIO});
  EXPECT_EQ(code_of([&] { require_space(folder.path(), 1); }), Code::unavailable);
}

// --- Names ---

/// Not every file system can rename without replacing.
TEST_F(BackupFileTest, WithoutSuchARenameALinkGivesTheName) {
  for (const int error : {EINVAL, ENOSYS}) {
    const auto from = written("from", "new");
    fs::remove(folder / "to");
    fail_call({"renameat2", error});
    EXPECT_TRUE(give_name(from, folder / "to"));
    EXPECT_EQ(folder.names(), std::set<std::string>{"to"});
    EXPECT_EQ(read_file(folder / "to"), "new");
  }
}

TEST_F(BackupFileTest, NameThatIsTakenIsNotReplacedEitherWay) {
  const auto from = written("from", "new");
  const auto to = written("to", "old");
  EXPECT_FALSE(give_name(from, to));
  fail_call({"renameat2", EINVAL});
  EXPECT_FALSE(give_name(from, to));
  EXPECT_EQ(read_file(from), "new");
  EXPECT_EQ(read_file(to), "old");
}

TEST_F(BackupFileTest, NameThatCannotBeGivenIsSaid) {
  const auto from = written("from");
  fail_call({"renameat2", EIO});
  EXPECT_EQ(code_of([&] { give_name(from, folder / "to"); }), Code::unavailable);
  const auto link_too = [&] {
    fail_call({"renameat2", EINVAL});
    give_name(from, folder / "nothing/to");
  };
  EXPECT_EQ(code_of(link_too), Code::unavailable);
  EXPECT_EQ(folder.names(), std::set<std::string>{"from"});
}

TEST_F(BackupFileTest, NameThatMayNotBeDurableIsTakenBack) {
  const auto from = written("from");
  fail_call({"fsync", EIO});
  EXPECT_EQ(code_of([&] { give_name(from, folder / "to"); }), Code::unavailable);
  EXPECT_FALSE(fs::exists(folder / "to"));
}

// --- What lies beside a database ---

TEST_F(BackupFileTest, WhatCannotBeSyncedBesideADatabaseIsSaid) {
  const auto database = written("app.db");
  const auto wal = written("app.db-wal");
  sync_beside(database);
  fail_call({"fsync", EIO});
  EXPECT_EQ(code_of([&] { sync_beside(database); }), Code::unavailable);
  fail_call({"fsync", EIO, 1});  // That of the folder.
  EXPECT_EQ(code_of([&] { sync_beside(database); }), Code::unavailable);
  fs::remove(wal);
  fs::create_symlink("app.db-wal", wal);
  EXPECT_EQ(code_of([&] { sync_beside(database); }), Code::unavailable);
}

}  // namespace
}  // namespace belay::recovery

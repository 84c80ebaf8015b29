#include <fcntl.h>
#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>

#include "tests/versions/fixtures.h"
#include "versions/script.h"

namespace belay::versions {
namespace {

namespace fs = std::filesystem;

class LoadScripts : public testing::Test {
 protected:
  LoadScripts() {
    std::string name = (fs::temp_directory_path() / "belay-scripts-XXXXXX").string();
    folder = mkdtemp(name.data());
  }
  ~LoadScripts() override { fs::remove_all(folder); }

  void write(const std::string& name, const std::string& text = "-- migrate:up\n") const {
    std::ofstream(folder / name, std::ios::binary) << text;
  }
  [[nodiscard]] std::string loaded() const { return ids_of(load_scripts(folder)); }
  [[nodiscard]] Error refusal() const {
    return error_of([this] { load_scripts(folder); });
  }

  fs::path folder;
};

TEST_F(LoadScripts, EmptyFolderHasNone) {
  EXPECT_TRUE(load_scripts(folder).empty());
}

TEST_F(LoadScripts, OnlySqlFilesCount) {
  write("1.sql");
  write("2.sql~", "?");
  write("3.txt", "?");
  write("4.SQL", "?");
  write(".5.sql", "?");
  write("sql", "?");
  fs::create_directory(folder / "6");
  write("6/6.sql", "?");
  EXPECT_EQ(loaded(), "1");
}

TEST_F(LoadScripts, NumbersAreOrderedAsNumbers) {
  for (const char* name :
       {"10_a.sql", "9_b.sql", "0011_c.sql", "20261122125453123456789_d.sql", "2_e.sql", "000_f.sql"}) {
    write(name);
  }
  EXPECT_EQ(loaded(), "000 2 9 10 0011 20261122125453123456789");
}

TEST_F(LoadScripts, EqualNumbersAreOrderedByNameAndNoNumberComesLast) {
  write("1_b.sql");
  write("01_c.sql");
  write("a.sql", "-- revision: a\n-- migrate:up\n");
  write("1_a.sql", "-- revision: 1a\n-- migrate:up\n");
  EXPECT_EQ(loaded(), "01 1a 1 a");
}

TEST_F(LoadScripts, ParentIsTheFileBefore) {
  write("1.sql", "-- parents: base\n-- migrate:up\n");
  write("2.sql");
  write("3.sql", "-- parents: 1\n-- migrate:up\n");
  write("4.sql");
  const auto scripts = load_scripts(folder);
  ASSERT_EQ(scripts.size(), 4U);
  EXPECT_TRUE(scripts[0].parents.empty());
  EXPECT_EQ(scripts[1].parents.front().text, "1");
  EXPECT_EQ(scripts[3].parents.front().text, "3");
}

TEST_F(LoadScripts, FileIsNamedWithItsFolder) {
  write("1_rooms.sql");
  EXPECT_EQ(load_scripts(folder).front().file, folder / "1_rooms.sql");
}

TEST_F(LoadScripts, SymbolicLinkIsFollowed) {
  write("text", "-- migrate:up\nSELECT 1;");
  fs::create_symlink("text", folder / "1.sql");
  EXPECT_EQ(load_scripts(folder).front().up.size(), 1U);
}

TEST_F(LoadScripts, ShortScriptAfterALongOneIsReadWhole) {
  write("1.sql", "-- migrate:up\nSELECT '" + std::string(1 << 20, 'x') + "';");
  write("2.sql", "-- migrate:up\nSELECT 2;");
  EXPECT_EQ(load_scripts(folder).back().up.front().statements.front().text, "SELECT 2");
}

TEST_F(LoadScripts, MissingFolderIsUnreadable) {
  const Error error = error_of([this] { load_scripts(folder / "none"); });
  EXPECT_EQ(error.code(), ErrorCode::unreadable);
  EXPECT_EQ(error.file(), folder / "none");
  EXPECT_STREQ(error.what(), "cannot be read: No such file or directory");
  EXPECT_NE(error.next().find("belay init"), std::string::npos);
}

TEST_F(LoadScripts, FileInTheFoldersPlaceIsUnreadable) {
  write("1.sql");
  EXPECT_EQ(error_of([this] { load_scripts(folder / "1.sql"); }).code(), ErrorCode::unreadable);
}

TEST_F(LoadScripts, FolderNamedLikeAScriptIsUnreadable) {
  fs::create_directory(folder / "1.sql");
  EXPECT_EQ(refusal().code(), ErrorCode::unreadable);
  EXPECT_EQ(refusal().file(), folder / "1.sql");
  EXPECT_STREQ(refusal().what(), "cannot be read: Is a directory");
}

TEST_F(LoadScripts, DanglingLinkIsUnreadable) {
  fs::create_symlink("none", folder / "1.sql");
  EXPECT_EQ(refusal().code(), ErrorCode::unreadable);
}

TEST_F(LoadScripts, PipeIsUnreadableAndNotWaitedFor) {
  ASSERT_EQ(mkfifo((folder / "1.sql").c_str(), 0600), 0);
  EXPECT_EQ(refusal().code(), ErrorCode::unreadable);
}

/// Root may read everything: as long as this lives, the test is nobody.
struct AsNobody {
  AsNobody() { EXPECT_TRUE(getuid() != 0 || seteuid(65534) == 0); }
  ~AsNobody() { EXPECT_TRUE(getuid() != 0 || seteuid(0) == 0); }
  AsNobody(const AsNobody&) = delete;
  AsNobody& operator=(const AsNobody&) = delete;
};

TEST_F(LoadScripts, FileWithoutPermissionIsUnreadable) {
  write("1.sql");
  fs::permissions(folder, fs::perms(0755));
  fs::permissions(folder / "1.sql", fs::perms::none);
  const AsNobody nobody;
  EXPECT_STREQ(refusal().what(), "cannot be read: Permission denied");
}

TEST_F(LoadScripts, MalformedScriptIsNamed) {
  write("1.sql");
  write("2.sql", "-- migrate:up\n-- migrate:dwon\n");
  EXPECT_EQ(refusal().code(), ErrorCode::malformed);
  EXPECT_EQ(refusal().file(), folder / "2.sql");
  EXPECT_EQ(refusal().line(), 2);
}

}  // namespace
}  // namespace belay::versions

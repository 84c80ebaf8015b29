#include <gtest/gtest.h>

#include "engine/connection.h"
#include "tests/engine/fixture.h"

namespace belay::engine {
namespace {

std::string path_of(std::string_view url) {
  return DatabaseUrl::parse(url, "/base/dir").path;
}

TEST(DatabaseUrl, RelativeFormsAreRelativeToTheFolder) {
  for (const char* url : {"sqlite:app.db", "sqlite:///app.db", "app.db", "./app.db", "sqlite:./x/../app.db"})
    EXPECT_EQ(path_of(url), "/base/dir/app.db") << url;
  EXPECT_EQ(path_of("../app.db"), "/base/app.db");
}

TEST(DatabaseUrl, AbsoluteFormsAreWhatTheySay) {
  for (const char* url : {"sqlite:/data/app.db", "sqlite:////data/app.db", "/data/app.db", "/data//x/../app.db"})
    EXPECT_EQ(path_of(url), "/data/app.db") << url;
}

TEST(DatabaseUrl, DriverIsNamed) {
  EXPECT_EQ(DatabaseUrl::parse("app.db", "/").driver, "sqlite");
}

TEST(DatabaseUrl, NamesMayBeOdd) {
  EXPECT_EQ(path_of("my data.db"), "/base/dir/my data.db");
  EXPECT_EQ(path_of("sqlite:a%20b.db"), "/base/dir/a%20b.db");
  EXPECT_EQ(path_of("ü.db"), "/base/dir/ü.db");
}

TEST(DatabaseUrl, BadOnesAreRefusedWithAdvice) {
  for (const std::string url :
       {"", "sqlite:", "sqlite:///", "sqlite://host/app.db", "sqlite://app.db", "postgresql://h/db", "mysql://h/db",
        "file:app.db", "sqlite::memory:", ":memory:", "sqlite:///:memory:", "app.db?mode=ro", "app.db#1", "dir/",
        "sqlite:dir/", "sqlit:app.db"}) {
    const auto error = error_of([&] { DatabaseUrl::parse(url, "/base"); });
    EXPECT_EQ(error.code(), ErrorCode::bad_url) << url;
    EXPECT_FALSE(error.next().empty()) << url;
  }
  EXPECT_EQ(code_of([] { DatabaseUrl::parse(std::string("a\0b", 3), "/base"); }), ErrorCode::bad_url);
}

/// Its journal would lie beside the folder, and for the root of all folders in it.
TEST(DatabaseUrl, PathThatEndsAtAFolderIsRefused) {
  for (const char* url : {".", "..", "app.db/..", "sqlite:/data/..", "a/../../../.."})
    EXPECT_EQ(code_of([&] { DatabaseUrl::parse(url, "/base"); }), ErrorCode::bad_url) << url;
}

TEST(DatabaseUrl, LinkLeadsToTheDatabaseItself) {
  const Folder folder;
  write_file(folder / "real.db", "");
  std::filesystem::create_symlink("real.db", folder / "link.db");
  EXPECT_EQ(DatabaseUrl::parse("link.db", folder.path()).path, folder / "real.db");
}

/// Before and after SQLite has made the file: or its journal would lie beside the link first and never be found again.
TEST(DatabaseUrl, LinkToADatabaseThatIsNotThereYetLeadsToItAsWell) {
  const Folder folder;
  std::filesystem::create_directory(folder / "data");
  std::filesystem::create_symlink("data/real.db", folder / "link.db");
  EXPECT_EQ(DatabaseUrl::parse("link.db", folder.path()).path, folder / "data/real.db");
}

TEST(DatabaseUrl, LinkThatLeadsInACircleIsRefusedWhenItIsOpened) {
  const Folder folder;
  std::filesystem::create_symlink("b.db", folder / "a.db");
  std::filesystem::create_symlink("a.db", folder / "b.db");
  EXPECT_EQ(code_of([&] { connect(DatabaseUrl::parse("a.db", folder.path()), {}); }), ErrorCode::unavailable);
}

TEST(DatabaseUrl, ExistsIsAFileThatIsNotEmpty) {
  const Folder folder;
  const auto url = DatabaseUrl::parse("app.db", folder.path());
  EXPECT_FALSE(exists(url));
  write_file(folder / "app.db", "");
  EXPECT_FALSE(exists(url));
  write_file(folder / "app.db", "x");
  EXPECT_TRUE(exists(url));
}

}  // namespace
}  // namespace belay::engine

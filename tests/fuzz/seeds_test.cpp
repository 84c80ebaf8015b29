// What the fuzzers start from, and what they have found, through the same functions in every run of the tests.

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "tests/fuzz/catalog.h"
#include "tests/fuzz/laws.h"

namespace belay::fuzz {
namespace {

namespace fs = std::filesystem;

std::vector<fs::path> seeds() {
  std::vector<fs::path> files;
  for (const auto& entry : fs::directory_iterator(fs::path(BELAY_SOURCE_DIR) / "tests/fuzz/seeds"))
    files.push_back(entry.path());
  std::ranges::sort(files);
  return files;
}

std::string content(const fs::path& file) {
  std::ifstream stream(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(stream), {}};
}

/// A seed that SQLite does not take exercises nothing but the lexer.
bool sqlite_takes(const std::string& sql) {
  return Catalog::instance().create(sql, [](const auto&) {}).has_value();
}

class Seed : public testing::TestWithParam<fs::path> {};

TEST_P(Seed, KeepsTheLaws) {
  const std::string text = content(GetParam());
  EXPECT_EQ(schema_law_broken_by(text), "");
  EXPECT_EQ(rename_law_broken_by(text), "");
}

TEST_P(Seed, KeepsTheLawsWhereverItIsCut) {
  const std::string text = content(GetParam());
  for (std::size_t size = 0; size < text.size(); ++size) {
    EXPECT_EQ(schema_law_broken_by(text.substr(0, size)), "") << size;
    EXPECT_EQ(rename_law_broken_by(text.substr(0, size)), "") << size;
  }
}

TEST_P(Seed, IsTakenBySqliteExceptWhereItsNameSaysSo) {
  EXPECT_EQ(sqlite_takes(content(GetParam())), !GetParam().stem().string().starts_with("refused")) << GetParam();
}

INSTANTIATE_TEST_SUITE_P(Fuzz, Seed, testing::ValuesIn(seeds()), [](const auto& suite) {
  std::string name = suite.param.stem().string();
  std::ranges::replace_if(
      name, [](char c) { return c == '-' || c == '.'; }, '_');
  return name;
});

// The laws see what they are for.

TEST(Laws, ObjectThatSqliteMakesIsLookedAt) {
  std::size_t made = 0;
  const auto size =
      Catalog::instance().create("CREATE TABLE x (a); SELECT 1", [&](const auto& rows) { made = rows.size(); });
  EXPECT_EQ(made, 1U);
  EXPECT_EQ(size, std::string("CREATE TABLE x (a);").size());
}

TEST(Laws, NothingOfAStatementStays) {
  for (int times = 0; times < 2; ++times) EXPECT_TRUE(sqlite_takes("CREATE TABLE x (a)"));
  EXPECT_FALSE(sqlite_takes("DROP TABLE t"));
  EXPECT_TRUE(sqlite_takes("CREATE INDEX x ON t (a)"));
}

TEST(Laws, EndlessStatementIsGivenUp) {
  EXPECT_FALSE(sqlite_takes("CREATE TABLE x AS WITH n(i) AS (SELECT 1 UNION ALL SELECT i FROM n) SELECT * FROM n"));
}

}  // namespace
}  // namespace belay::fuzz

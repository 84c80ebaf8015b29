// What the fuzzers start from, and what they have found, through the same functions in every run of the tests.

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <set>
#include <stdexcept>
#include <string>
#include <variant>
#include <vector>

#include "cli/config_expand.h"
#include "cli/config_file.h"
#include "engine/connection.h"
#include "journal/format.h"
#include "journal/record.h"
#include "recovery/backup_manifest.h"
#include "tests/fuzz/catalog.h"
#include "tests/fuzz/laws.h"
#include "versions/script.h"

namespace belay::fuzz {
namespace {

namespace fs = std::filesystem;

struct Law {
  const char* seeds;  ///< Their folder.
  std::string (*broken_by)(std::string_view);
};

constexpr std::array<Law, 10> laws{{{"schema", schema_law_broken_by},
                                    {"schema", rename_law_broken_by},
                                    {"script", script_law_broken_by},
                                    {"config", config_law_broken_by},
                                    {"text", text_law_broken_by},
                                    {"url", url_law_broken_by},
                                    {"record", record_law_broken_by},
                                    {"log", log_law_broken_by},
                                    {"images", images_law_broken_by},
                                    {"manifest", manifest_law_broken_by}}};

fs::path folder_of(const char* seeds) {
  return fs::path(BELAY_SOURCE_DIR) / "tests/fuzz/seeds" / seeds;
}

std::vector<fs::path> files_in(const char* seeds) {
  std::vector<fs::path> files;
  for (const auto& entry : fs::directory_iterator(folder_of(seeds))) files.push_back(entry.path());
  std::ranges::sort(files);
  return files;
}

std::vector<fs::path> all_files() {
  std::vector<fs::path> files;
  for (const char* seeds : {"schema", "script", "config", "text", "url", "record", "log", "images", "manifest"})
    std::ranges::copy(files_in(seeds), std::back_inserter(files));
  return files;
}

std::string content(const fs::path& file) {
  std::ifstream stream(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(stream), {}};
}

/// Such as `schema_table_case`.
std::string test_name(const testing::TestParamInfo<fs::path>& suite) {
  std::string name = suite.param.parent_path().filename().string() + "_" + suite.param.stem().string();
  std::ranges::replace_if(
      name, [](unsigned char c) { return std::isalnum(c) == 0; }, '_');
  return name;
}

class Seed : public testing::TestWithParam<fs::path> {
 protected:
  static void expect_kept(const std::string& text) {
    for (const Law& law : laws)
      if (GetParam().parent_path().filename() == law.seeds) {
        EXPECT_EQ(law.broken_by(text), "") << text.size();
      }
  }
};

TEST_P(Seed, KeepsTheLaws) {
  expect_kept(content(GetParam()));
}

TEST_P(Seed, KeepsTheLawsWhereverItIsCut) {
  const std::string text = content(GetParam());
  for (std::size_t size = 0; size < text.size(); ++size) expect_kept(text.substr(0, size));
}

TEST_P(Seed, KeepsTheLawsWithAnyByteLost) {
  const std::string text = content(GetParam());
  for (std::size_t at = 0; at < text.size(); ++at) expect_kept(text.substr(0, at) + text.substr(at + 1));
}

INSTANTIATE_TEST_SUITE_P(Fuzz, Seed, testing::ValuesIn(all_files()), test_name);

/// Whether a seed is of the kind that it is a seed of, or is exercised by nothing but a refusal.
template <typename Read>
bool is_read(Read read) {
  try {
    read();
    return true;
  } catch (const std::runtime_error&) {
    return false;
  }
}

/// A seed that SQLite does not take exercises nothing but the lexer.
bool sqlite_takes(const std::string& sql) {
  return Catalog::instance().create(sql, [](const auto&) {}).has_value();
}

bool is_taken(const fs::path& file) {
  const std::string text = content(file);
  const auto kind = file.parent_path().filename();
  if (kind == "schema") return sqlite_takes(text);
  if (kind == "script") return is_read([&] { versions::parse_script(text, "1_seed.sql"); });
  if (kind == "config") return is_read([&] { cli::parse_config(text, "belay.toml"); });
  if (kind == "url") return is_read([&] { engine::DatabaseUrl::parse(text, "/base"); });
  if (kind == "record") return is_read([&] { journal::decode(text); });
  if (kind == "manifest") return is_read([&] { recovery::parse_manifest(text); });
  if (kind == "text") return is_read([&] { cli::expand({text, {}}, [](const auto&) { return "value"; }); });
  return !file.stem().string().starts_with("refused");
}

TEST_P(Seed, IsTakenExceptWhereItsNameSaysSo) {
  EXPECT_EQ(is_taken(GetParam()), !GetParam().stem().string().starts_with("refused")) << GetParam();
}

TEST(Seeds, HaveARecordOfEveryKind) {
  std::set<std::size_t> kinds;
  std::set<char> types;
  for (const auto& file : files_in("record")) {
    const std::string bytes = content(file);
    types.insert(bytes.at(0));
    if (!file.stem().string().starts_with("refused")) kinds.insert(journal::decode(bytes).index());
  }
  EXPECT_EQ(kinds.size(), std::variant_size_v<journal::Record>);
  EXPECT_TRUE(types.contains(static_cast<char>(journal::format::Type::planned_revision_with_rebuilds)));
}

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

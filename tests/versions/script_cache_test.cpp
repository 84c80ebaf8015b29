#include "versions/script_cache.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <thread>

#include "tests/versions/fixtures.h"

namespace belay::versions {
namespace {

namespace fs = std::filesystem;

/// 250 scripts, old enough to be remembered.
class RememberedScripts : public testing::Test {
 protected:
  RememberedScripts() {
    std::string name = (fs::temp_directory_path() / "belay-scripts-XXXXXX").string();
    folder = fs::path(mkdtemp(name.data())) / "versions";
    fs::create_directory(folder);
    for (int number = 100; number < 350; ++number) write(number, "SELECT 1");
    write_text(folder / "100_first.sql",
               "-- revision: first\n-- parents: base\n-- message: the first\n-- migrate:up\nSELECT 0;\n"
               "-- migrate:down irreversible:\"no way\"\n");
    wait_a_tick();
    fs::remove(folder / "100.sql");
  }
  ~RememberedScripts() override { fs::remove_all(folder.parent_path()); }

  static void write_text(const fs::path& file, const std::string& text) {
    std::ofstream(file, std::ios::binary) << text;
  }
  void write(int number, const std::string& sql) const {
    write_text(folder / (std::to_string(number) + ".sql"), "-- migrate:up\n" + sql + ";\n-- migrate:down\n");
  }
  /// Longer than the tick of a file system's clock, as ScriptCache takes it.
  static void wait_a_tick() { std::this_thread::sleep_for(std::chrono::milliseconds(150)); }

  std::vector<Script> load() {
    ScriptCache cache(file(), folder);
    auto scripts = load_scripts(folder, cache);
    cache.save(scripts);
    return scripts;
  }
  [[nodiscard]] fs::path file() const { return folder.parent_path() / "scripts"; }
  static std::size_t read(const std::vector<Script>& scripts) {
    return static_cast<std::size_t>(std::ranges::count_if(scripts, &Script::whole));
  }
  /// All that a head says.
  static std::string head(const Script& script) {
    std::string text = script.id.text + "|" + script.message + "|" + script.created + "|" + script.digest + "|" +
                       script.file.string() + "|" + script.irreversible.value_or("-") +
                       (script.down ? "|down" : "|no down") + (script.parent_by_order ? "|by order" : "");
    for (const auto& parent : script.parents) text += "|" + parent.text;
    return text;
  }
  static std::vector<std::string> heads(const std::vector<Script>& scripts) {
    std::vector<std::string> all;
    all.reserve(scripts.size());
    for (const auto& script : scripts) all.push_back(head(script));
    return all;
  }

  fs::path folder;
};

TEST_F(RememberedScripts, HaveTheHeadsThatTheirFilesHave) {
  EXPECT_EQ(read(load()), 250U);
  const auto remembered = load();
  EXPECT_EQ(read(remembered), 0U);
  EXPECT_EQ(heads(remembered), heads(load_scripts(folder)));
}

TEST_F(RememberedScripts, AreReadWhenTheyAreRun) {
  load();
  for (const auto& script : load()) {
    EXPECT_TRUE(script.up.empty());
    const Script read = whole(script);
    EXPECT_EQ(read.up.size(), 1U);
    EXPECT_EQ(head(read), head(script));
  }
}

TEST_F(RememberedScripts, AnEditOfTheSameSizeAndTimeShows) {
  load();
  const fs::path edited = folder / "200.sql";
  struct stat before {};
  ASSERT_EQ(::stat(edited.c_str(), &before), 0);
  write(200, "SELECT 2");
  const timespec times[] = {before.st_atim, before.st_mtim};
  ASSERT_EQ(::utimensat(AT_FDCWD, edited.c_str(), times, 0), 0);
  const auto scripts = load();
  EXPECT_EQ(read(scripts), 1U);
  EXPECT_EQ(heads(scripts), heads(load_scripts(folder)));
}

TEST_F(RememberedScripts, AnEditBehindOurBackIsNotRun) {
  load();
  const auto scripts = load();
  write(200, "DROP TABLE t");
  EXPECT_EQ(error_of([&] {
              for (const auto& script : scripts) whole(script);
            }).code(),
            ErrorCode::unreadable);
}

TEST_F(RememberedScripts, WhatWasJustWrittenIsNotRememberedYet) {
  write(200, "SELECT 2");
  load();
  EXPECT_EQ(read(load()), 1U);
  wait_a_tick();
  load();
  EXPECT_EQ(read(load()), 0U);
}

TEST_F(RememberedScripts, OneThatComesInBetweenIsTheParentOfTheNext) {
  load();
  write_text(folder / "2005_between.sql", "-- migrate:up\n");
  fs::rename(folder / "2005_between.sql", folder / "0200_between.sql");
  const auto scripts = load();
  EXPECT_EQ(heads(scripts), heads(load_scripts(folder)));
}

TEST_F(RememberedScripts, ADamagedCacheKnowsNothing) {
  load();
  const std::string good = [&] {
    std::ifstream stream(file(), std::ios::binary);
    return std::string(std::istreambuf_iterator<char>(stream), {});
  }();
  ASSERT_GT(good.size(), 1000U);
  for (std::size_t at = 0; at < good.size(); at += 97) {
    std::string bad = good;
    bad[at] = static_cast<char>(bad[at] ^ 1);
    write_text(file(), bad);
    ScriptCache cache(file(), folder);
    ASSERT_EQ(read(load_scripts(folder, cache)), 250U) << at;
  }
  for (const std::size_t size : {std::size_t{0}, std::size_t{7}, std::size_t{30}, good.size() / 2, good.size() - 1}) {
    write_text(file(), good.substr(0, size));
    ScriptCache cache(file(), folder);
    ASSERT_EQ(read(load_scripts(folder, cache)), 250U) << size;
  }
}

TEST_F(RememberedScripts, ThoseOfAnotherFolderAreNotTaken) {
  load();
  const fs::path other = folder.parent_path() / "other";
  fs::rename(folder, other);
  ScriptCache cache(file(), other);
  EXPECT_EQ(read(load_scripts(other, cache)), 250U);
}

TEST_F(RememberedScripts, AFewAreNotWorthAFile) {
  for (int number = 150; number < 350; ++number) fs::remove(folder / (std::to_string(number) + ".sql"));
  load();
  EXPECT_FALSE(fs::exists(file()));
}

TEST_F(RememberedScripts, WhereNothingCanBeSavedNothingIsSaid) {
  ScriptCache cache(folder.parent_path() / "missing" / "scripts", folder);
  const auto scripts = load_scripts(folder, cache);
  cache.save(scripts);
  EXPECT_FALSE(fs::exists(folder.parent_path() / "missing"));
}

}  // namespace
}  // namespace belay::versions

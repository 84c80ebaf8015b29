// What the design says about files and that no compiler checks: who may include whom, and how large things get.

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <stdlib.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace {

namespace fs = std::filesystem;

const std::map<std::string, std::set<std::string>> rooms_below = {
    {"versions", {}},
    {"journal", {}},
    {"engine", {"journal", "versions"}},
    {"recovery", {"engine", "journal", "versions"}},
    {"cli", {"recovery", "engine", "journal", "versions"}},
};

// A name with a slash at its end stands for every header below it.
const std::vector<std::string> dependencies = {"lmdb.h",   "sqlite3.h", "cereal/", "xxhash.h", "lz4.h",
                                               "openssl/", "toml++/",   "CLI/",    "boost/"};

const std::set<std::string> top_folders = {"versions", "journal", "engine",   "recovery", "cli",  "tests",
                                           "bench",    "docs",    "examples", "cmake",    "build"};

constexpr std::size_t lines_max = 450;

struct Line {
  fs::path file;  // From the root of the tree.
  int number;     // From 1.
  std::string text;
};

struct Include {
  Line line;
  std::string name;
  bool quoted;
};

void report(std::vector<std::string>& problems, const Line& line, const std::string& what) {
  problems.push_back(fmt::format("{}:{}: {}\n", line.file.string(), line.number, what));
}

std::vector<fs::path> sources_in(const fs::path& root, const std::string& folder) {
  static const std::set<fs::path> extensions = {".h", ".cpp", ".c"};
  std::vector<fs::path> found;
  if (!fs::is_directory(root / folder)) return found;
  for (const auto& entry : fs::recursive_directory_iterator(root / folder)) {
    if (extensions.contains(entry.path().extension())) found.push_back(entry.path().lexically_relative(root));
  }
  std::sort(found.begin(), found.end());
  return found;
}

std::vector<Line> lines_of(const fs::path& root, const fs::path& file) {
  std::ifstream in(root / file);
  std::vector<Line> lines;
  for (std::string text; std::getline(in, text);) lines.push_back({file, static_cast<int>(lines.size()) + 1, text});
  return lines;
}

std::optional<Include> read_include(const Line& line) {
  std::string_view rest = line.text;
  const auto take = [&rest](std::string_view token) {
    rest.remove_prefix(std::min(rest.find_first_not_of(" \t"), rest.size()));
    if (!rest.starts_with(token)) return false;
    rest.remove_prefix(token.size());
    return true;
  };
  if (!take("#") || !take("include")) return std::nullopt;
  const bool quoted = take("\"");
  if (!quoted && !take("<")) return std::nullopt;
  return Include{line, std::string(rest.substr(0, rest.find(quoted ? '"' : '>'))), quoted};
}

std::vector<Include> includes_of(const fs::path& root, const std::string& room) {
  std::vector<Include> includes;
  for (const fs::path& file : sources_in(root, room)) {
    for (const Line& line : lines_of(root, file)) {
      if (auto include = read_include(line)) includes.push_back(std::move(*include));
    }
  }
  return includes;
}

void check_edges(const fs::path& root, std::vector<std::string>& problems) {
  for (const auto& [room, below] : rooms_below) {
    for (const Include& include : includes_of(root, room)) {
      const std::string target = include.name.substr(0, include.name.find('/'));
      if (target == room || below.contains(target)) continue;
      if (rooms_below.contains(target)) {
        report(problems, include.line, fmt::format("{} may not include {}", room, target));
      } else if (include.quoted) {
        report(problems, include.line, fmt::format("\"{}\" does not begin with a room", include.name));
      }
    }
  }
}

/// The dependency that a header belongs to, or empty.
std::string dependency_of(const std::string& header) {
  for (const std::string& dependency : dependencies) {
    if (dependency.ends_with('/') ? header.starts_with(dependency) : header == dependency) return dependency;
  }
  return {};
}

/// What a file is about: the part of its name before the first underscore. `sqlite_vfs.cpp` is of `sqlite`.
fs::path subject_of(const fs::path& file) {
  const std::string stem = file.stem();
  return file.parent_path() / stem.substr(0, stem.find('_'));
}

void check_dependencies(const fs::path& root, std::vector<std::string>& problems) {
  for (const auto& [room, below] : rooms_below) {
    std::map<std::string, fs::path> owners;
    for (const Include& include : includes_of(root, room)) {
      const std::string dependency = dependency_of(include.name);
      if (dependency.empty()) continue;
      if (include.line.file.extension() == ".h") {
        report(problems, include.line, fmt::format("{} may not be in a header", include.name));
        continue;
      }
      const fs::path& owner = owners.try_emplace(dependency, include.line.file).first->second;
      if (owner == include.line.file || subject_of(owner) == subject_of(include.line.file)) continue;
      report(problems, include.line, fmt::format("{} is the business of {}", include.name, owner.string()));
    }
  }
}

void check_lengths(const fs::path& root, std::vector<std::string>& problems) {
  for (const std::string& folder : top_folders) {
    if (folder == "build") continue;
    for (const fs::path& file : sources_in(root, folder)) {
      const std::size_t length = lines_of(root, file).size();
      if (length > lines_max) {
        problems.push_back(fmt::format("{}: {} lines; look for the second subject\n", file.string(), length));
      }
    }
  }
}

void check_top_folders(const fs::path& root, std::vector<std::string>& problems) {
  for (const auto& entry : fs::directory_iterator(root)) {
    const std::string name = entry.path().filename().string();
    if (entry.is_directory() && !name.starts_with('.') && !top_folders.contains(name)) {
      problems.push_back(fmt::format("{}: not a folder of the design\n", name));
    }
  }
}

/// Everything that is wrong with the tree below `root`, a line for each.
std::string problems_of(const fs::path& root) {
  std::vector<std::string> problems;
  check_edges(root, problems);
  check_dependencies(root, problems);
  check_lengths(root, problems);
  check_top_folders(root, problems);
  return fmt::format("{}", fmt::join(problems, ""));
}

/// A source tree in a temporary folder.
class Structure : public testing::Test {
 protected:
  Structure() {
    std::string name = (fs::temp_directory_path() / "belay-structure-XXXXXX").string();
    root = mkdtemp(name.data());
  }
  ~Structure() override { fs::remove_all(root); }

  void write(const fs::path& file, std::string_view text) const {
    fs::create_directories((root / file).parent_path());
    std::ofstream(root / file) << text;
  }

  fs::path root;
};

TEST_F(Structure, EdgesOfTheDesignAreAllowed) {
  write("cli/a.cpp", "#include \"recovery/a.h\"\n#include \"engine/a.h\"\n#include \"cli/a.h\"\n#include <vector>\n");
  write("recovery/a.h", "#include \"engine/a.h\"\n#include \"journal/a.h\"\n#include \"versions/a.h\"\n");
  write("engine/drivers/a.cpp", "#include \"engine/a.h\"\n#include \"journal/a.h\"\n#include \"versions/a.h\"\n");
  EXPECT_EQ(problems_of(root), "");
}

TEST_F(Structure, ForbiddenEdgeIsNamedWithFileAndLine) {
  write("journal/a.cpp", "\n  #  include \"versions/a.h\"\n");
  write("engine/drivers/a.cpp", "#include <recovery/a.h>\n");
  EXPECT_EQ(problems_of(root),
            "engine/drivers/a.cpp:1: engine may not include recovery\n"
            "journal/a.cpp:2: journal may not include versions\n");
}

TEST_F(Structure, QuotedIncludeThatNamesNoRoomIsFound) {
  write("versions/a.cpp", "#include \"../journal/a.h\"\n");
  EXPECT_EQ(problems_of(root), "versions/a.cpp:1: \"../journal/a.h\" does not begin with a room\n");
}

TEST_F(Structure, OneSourceOfEachRoomMayIncludeADependency) {
  write("engine/a.cpp", "#include <openssl/evp.h>\n#include <openssl/sha.h>\n#include <sqlite3.h>\n");
  write("versions/a.cpp", "#include <openssl/evp.h>\n");
  EXPECT_EQ(problems_of(root), "");
}

TEST_F(Structure, SecondSourceThatIncludesADependencyIsFound) {
  write("engine/a.cpp", "#include <openssl/evp.h>\n");
  write("engine/b.cpp", "#include <vector>\n#include <openssl/sha.h>\n");
  EXPECT_EQ(problems_of(root), "engine/b.cpp:2: openssl/sha.h is the business of engine/a.cpp\n");
}

TEST_F(Structure, SourcesOfOneSubjectMayShareItsDependency) {
  write("engine/drivers/sqlite.cpp", "#include <sqlite3.h>\n");
  write("engine/drivers/sqlite_vfs.cpp", "#include <sqlite3.h>\n");
  write("engine/drivers/foreign_keys.cpp", "#include <sqlite3.h>\n");
  EXPECT_EQ(problems_of(root),
            "engine/drivers/sqlite.cpp:1: sqlite3.h is the business of engine/drivers/foreign_keys.cpp\n"
            "engine/drivers/sqlite_vfs.cpp:1: sqlite3.h is the business of engine/drivers/foreign_keys.cpp\n");
}

TEST_F(Structure, DependencyInAHeaderIsFound) {
  write("journal/a.h", "#include <lmdb.h>\n");
  EXPECT_EQ(problems_of(root), "journal/a.h:1: lmdb.h may not be in a header\n");
}

TEST_F(Structure, FileBeyondTheBoundIsFound) {
  write("tests/cli/a_test.cpp", std::string(lines_max, '\n'));
  write("cli/a.cpp", std::string(lines_max + 1, '\n'));
  EXPECT_EQ(problems_of(root), "cli/a.cpp: 451 lines; look for the second subject\n");
}

TEST_F(Structure, FolderThatTheDesignDoesNotKnowIsFound) {
  write("util/a.cpp", "");
  write(".ci/run", "");
  EXPECT_EQ(problems_of(root), "util: not a folder of the design\n");
}

TEST(Repository, IsBuiltAsDesigned) {
  ASSERT_FALSE(sources_in(BELAY_SOURCE_DIR, "versions").empty());
  EXPECT_EQ(problems_of(BELAY_SOURCE_DIR), "");
}

}  // namespace

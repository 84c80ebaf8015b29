// A run that changes everything a database has is taken back byte for byte, in little memory.
//
//   undo_bytes BELAY MIB    with the program BELAY, on databases of about MIB mebibytes, in DELETE and in WAL mode
//
// Prints a line for each, and ends with 1 when anything is not as promised.

#include <fcntl.h>
#include <fmt/format.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <stdexcept>
#include <string>
#include <vector>

#include "tests/sanitizers.h"

namespace {

namespace fs = std::filesystem;

constexpr bool memory_counts = !belay::sanitized;  // Most of it is the sanitizer's own.
constexpr long memory_max_kib = 64L * 1024;

void sql(const fs::path& file, const std::string& text) {
  sqlite3* database = nullptr;
  char* message = nullptr;
  const bool done = sqlite3_open(file.c_str(), &database) == SQLITE_OK &&
                    sqlite3_exec(database, text.c_str(), nullptr, nullptr, &message) == SQLITE_OK;
  const std::string error = message != nullptr ? message : "";
  sqlite3_free(message);
  sqlite3_close(database);
  if (!done) throw std::runtime_error(error + ": " + text);
}

void write(const fs::path& file, const std::string& text) {
  fs::create_directories(file.parent_path());
  std::ofstream(file) << text;
}

struct Cost {
  double seconds = 0;
  long memory_kib = 0;
};

Cost belay(const std::string& program, const fs::path& folder, std::vector<std::string> words) {
  words.insert(words.begin(), {program, "-C", folder.string(), "--no-progress"});
  std::vector<char*> arguments;
  arguments.reserve(words.size() + 1);
  for (auto& word : words) arguments.push_back(word.data());
  arguments.push_back(nullptr);
  const auto start = std::chrono::steady_clock::now();
  const pid_t pid = ::fork();
  if (pid == 0) {
    ::dup2(::open((folder / "output").c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0644), STDERR_FILENO);
    ::dup2(STDERR_FILENO, STDOUT_FILENO);
    ::execv(program.c_str(), arguments.data());
    ::_exit(127);
  }
  int status = 0;
  rusage used{};
  ::wait4(pid, &status, 0, &used);
  if (status != 0) {
    std::ifstream output(folder / "output");
    throw std::runtime_error(
        fmt::format("{} ended with {}: {}", words[4], status, std::string(std::istreambuf_iterator<char>(output), {})));
  }
  return {std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count(), used.ru_maxrss};
}

/// Half of each row can be compressed.
void make_database(const fs::path& file, double mebibytes) {
  const auto rows = static_cast<long>(mebibytes * 1024);
  sql(file,
      "PRAGMA synchronous = OFF; CREATE TABLE t (id INTEGER PRIMARY KEY, v TEXT, b BLOB, n INTEGER);"
      "CREATE TABLE seen (rows INTEGER); INSERT INTO seen VALUES (0);"
      "CREATE TABLE child (t REFERENCES t, note TEXT);"
      "CREATE VIRTUAL TABLE words USING fts5(text);");
  sql(file,
      fmt::format("PRAGMA synchronous = OFF; INSERT INTO t WITH RECURSIVE c(i) AS (SELECT 1 UNION ALL SELECT i + 1 "
                  "FROM c WHERE i < {}) SELECT i, printf('%.450c', 'a'), randomblob(450), i % 1000 FROM c;"
                  "CREATE INDEX tn ON t (n); INSERT INTO child SELECT id, 'x' FROM t WHERE id % 5 = 0;"
                  "INSERT INTO words SELECT 'room ' || id || ' floor ' || n FROM t WHERE id % 20 = 0;"
                  "DELETE FROM t WHERE id % 97 = 0;",
                  rows));
}

void make_scripts(const fs::path& folder) {
  const auto script = [&folder](const std::string& id, const std::string& up) {
    write(folder / "versions" / (id + ".sql"), "-- revision: " + id + "\n-- migrate:up\n" + up + "\n");
  };
  write(folder / "belay.toml", "database = \"sqlite:app.db\"\n");
  script("001", "CREATE TABLE made (x);\nALTER TABLE t ADD COLUMN c TEXT DEFAULT 'q';\nCREATE INDEX tc ON t (c, n);");
  script("002",
         "CREATE TRIGGER counted AFTER UPDATE OF n ON t WHEN new.id % 100 = 0 BEGIN\n"
         "  UPDATE seen SET rows = rows + 1;\nEND;\nUPDATE t SET n = n + 1, v = upper(v);");
  script("003", "CREATE TABLE copied AS SELECT * FROM t;");
  script("004",
         "INSERT INTO words SELECT 'copied ' || id FROM copied WHERE id % 10 = 0;\n"
         "DELETE FROM words WHERE rowid % 3 = 0;\nDELETE FROM child WHERE t % 2 = 0;");
  script("005", "-- migrate:step shrink transaction:off\nVACUUM;");
  script("006", "DROP TABLE copied;\nALTER TABLE t DROP COLUMN b;\nDROP INDEX tn;");
}

/// Aside from the change counter, and the number that says what it was when the size was written.
bool same_bytes(const fs::path& first, const fs::path& second) {
  std::ifstream a(first, std::ios::binary);
  std::ifstream b(second, std::ios::binary);
  std::vector<char> left(1U << 20U);
  std::vector<char> right(left.size());
  if (fs::file_size(first) != fs::file_size(second)) return false;
  for (bool beginning = true; a && b; beginning = false) {
    a.read(left.data(), static_cast<std::streamsize>(left.size()));
    b.read(right.data(), static_cast<std::streamsize>(right.size()));
    for (const std::ptrdiff_t offset : {24, 92})
      if (beginning) std::copy_n(left.begin() + offset, 4, right.begin() + offset);
    if (a.gcount() != b.gcount() || !std::equal(left.begin(), left.begin() + a.gcount(), right.begin())) return false;
  }
  return true;
}

bool check(const std::string& program, const std::string& mode, double mebibytes) {
  std::string name = (fs::temp_directory_path() / "belay-undo-XXXXXX").string();
  const fs::path folder = ::mkdtemp(name.data());
  const fs::path file = folder / "app.db";
  make_database(file, mebibytes);
  sql(file, "PRAGMA journal_mode = " + mode);
  make_scripts(folder);
  fs::copy_file(file, folder / "before.db");

  const Cost done = belay(program, folder, {"migrate"});
  const bool changed = !same_bytes(file, folder / "before.db");
  const Cost undone = belay(program, folder, {"recover", "undo-run", "--yes"});
  const bool same = same_bytes(file, folder / "before.db");
  const bool small = !memory_counts || (done.memory_kib < memory_max_kib && undone.memory_kib < memory_max_kib);
  fmt::print("{:6} {:6.1f} MiB: migrate {:6.1f} s {:3} MiB, undo-run {:6.1f} s {:3} MiB, {}\n", mode,
             static_cast<double>(fs::file_size(file)) / (1 << 20), done.seconds, done.memory_kib / 1024, undone.seconds,
             undone.memory_kib / 1024, same && changed ? "the same bytes" : "NOT THE SAME");
  if (!small) fmt::print("more than 64 MiB of memory\n");
  fs::remove_all(folder);
  return changed && same && small;
}

}  // namespace

int main(int count, char** words) {
  if (count != 3) return EXIT_FAILURE;
  const double mebibytes = std::strtod(words[2], nullptr);
  try {
    const bool rollback = check(words[1], "delete", mebibytes);
    const bool wal = check(words[1], "wal", mebibytes);
    return rollback && wal ? EXIT_SUCCESS : EXIT_FAILURE;
  } catch (const std::exception& error) {
    fmt::print(stderr, "{}\n", error.what());
    return EXIT_FAILURE;
  }
}

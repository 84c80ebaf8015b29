#pragma once

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>
#include <string>
#include <vector>

#include "journal/journal.h"
#include "tests/sanitizers.h"

namespace belay::journal {

/// A temporary folder of its own.
class Folder {
 public:
  explicit Folder(const std::filesystem::path& parent = std::filesystem::temp_directory_path()) {
    std::string name = (parent / "belay-journal-XXXXXX").string();
    if (::mkdtemp(name.data()) == nullptr) std::abort();
    path_ = name;
  }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  ~Folder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  [[nodiscard]] std::filesystem::path operator/(const char* name) const { return path_ / name; }
  [[nodiscard]] const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

/// The code of the journal::Error that `action` throws; fails the test when it throws none.
inline Error error_of(const std::function<void()>& action) {
  try {
    action();
  } catch (const Error& error) {
    return error;
  }
  ADD_FAILURE() << "no journal::Error was thrown";
  return {ErrorCode::foreign, "nothing was thrown"};
}

inline ErrorCode code_of(const std::function<void()>& action) {
  return error_of(action).code();
}

/// The stored forms of all records: what two journals are compared by.
inline std::vector<std::string> contents(const Journal& journal) {
  std::vector<std::string> records;
  journal.scan({}, [&records](const Journal::Entry& entry) {
    records.push_back(std::to_string(entry.lsn.value) + ":" + encode(entry.record));
    return true;
  });
  return records;
}

inline std::string read_file(const std::filesystem::path& file) {
  std::ifstream stream(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(stream), {}};
}

inline void write_file(const std::filesystem::path& file, const std::string& bytes) {
  std::ofstream(file, std::ios::binary) << bytes;
}

inline PlannedRevision revision(const std::string& id, std::size_t steps = 2) {
  PlannedRevision planned{.revision = id, .message = "add " + id, .digest = std::string(64, 'a')};
  for (std::size_t i = 0; i < steps; ++i) {
    planned.steps.push_back({.statements = {{"CREATE TABLE t" + std::to_string(i) + " (id)", 3}}});
  }
  return planned;
}

/// One transaction with a step and a stamp, committed or left open.
inline Lsn append_transaction(Journal& journal, bool commit = true) {
  const Lsn begin = journal.append(TransactionBegin{journal.last_commit()});
  journal.append(StepBegin{0, 0, std::nullopt});
  journal.append(StampBegin{0});
  if (commit) journal.append(TransactionCommit{begin});
  return begin;
}

/// A whole run of one revision: RunBegin, plan, `transactions` of four records each, RunEnd.
inline RunId write_run(Journal& journal, int transactions = 1, const Journal::Retention& retention = {}) {
  const RunId run = journal.begin({.command = "migrate"}, {revision("1")});
  for (int i = 0; i < transactions; ++i) append_transaction(journal);
  journal.flush();
  journal.end({.outcome = Outcome::done, .to = {"1"}}, retention);
  return run;
}

/// Runs `child` in a process of its own, which then ends. Nothing of ours may be open when this is called.
inline pid_t start(const std::function<void()>& child) {
  const pid_t pid = ::fork();
  if (pid != 0) return pid;
  try {
    child();
  } catch (...) {
    ::_exit(1);
  }
  ::_exit(0);
}

/// What waitpid gave.
inline int wait_for(pid_t pid) {
  int status = 0;
  ::waitpid(pid, &status, 0);
  return status;
}

inline int run_child(const std::function<void()>& child) {
  return wait_for(start(child));
}

}  // namespace belay::journal

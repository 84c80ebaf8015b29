#pragma once

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>
#include <set>
#include <string>
#include <system_error>

#include "engine/error.h"

namespace belay::engine {

/// A temporary folder of its own.
class Folder {
 public:
  Folder() {
    std::string name = (std::filesystem::temp_directory_path() / "belay-engine-XXXXXX").string();
    if (::mkdtemp(name.data()) == nullptr) std::abort();
    path_ = std::filesystem::canonical(name);
  }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  ~Folder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  [[nodiscard]] std::filesystem::path operator/(const std::string& name) const { return path_ / name; }
  [[nodiscard]] const std::filesystem::path& path() const { return path_; }

  /// The names of everything in it, sorted.
  [[nodiscard]] std::set<std::string> names() const {
    std::set<std::string> result;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(path_))
      result.insert(entry.path().lexically_relative(path_).string());
    return result;
  }

 private:
  std::filesystem::path path_;
};

/// The error of this type that `action` throws; fails the test when it throws none.
template <typename Thrown = Error>
Thrown error_of(const std::function<void()>& action) {
  try {
    action();
  } catch (const Thrown& error) {
    return error;
  }
  ADD_FAILURE() << "nothing was thrown";
  return {{}, "nothing was thrown"};
}

template <typename Thrown = Error>
auto code_of(const std::function<void()>& action) {
  return error_of<Thrown>(action).code();
}

inline std::string read_file(const std::filesystem::path& file) {
  std::ifstream stream(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(stream), {}};
}

inline void write_file(const std::filesystem::path& file, const std::string& bytes) {
  std::filesystem::create_directories(file.parent_path());
  std::ofstream(file, std::ios::binary) << bytes;
}

/// Runs `child` in a process of its own. Nothing of SQLite's or LMDB's may be open when this is called.
inline pid_t start(const std::function<void()>& child) {
  const pid_t pid = ::fork();
  if (pid != 0) return pid;
  try {
    child();
  } catch (const std::exception& error) {
    std::fprintf(stderr, "child: %s\n", error.what());
    ::_exit(1);
  }
  ::_exit(testing::Test::HasFailure() ? 1 : 0);
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

inline bool was_killed(int status) {
  return WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL;
}

}  // namespace belay::engine

#pragma once

#include <sys/types.h>

#include <chrono>
#include <filesystem>
#include <string>
#include <vector>

#include "tests/faults/control.h"

namespace belay::faults {

using Words = std::vector<std::string>;

/// How a run ended, and what it said.
struct Outcome {
  int exit = -1;      ///< -1 when a signal ended it.
  int signal = 0;     ///< 0 when it ended by itself.
  bool late = false;  ///< It was killed because it took longer than `Program::patience`.
  std::string out;
  std::string err;
  std::uint64_t calls = 0;  ///< How many mutating calls it has made.
  std::uint64_t allocations = 0;
  std::string recording;  ///< Empty unless one was ordered.

  /// All that it has told its user.
  [[nodiscard]] std::string said() const { return out + err; }
  [[nodiscard]] bool killed() const { return signal == 9 && !late; }
};

/// What is done to a run.
struct Treatment {
  Fault fault = Fault::none;
  std::uint64_t at = 0;
  int error = 0;
  bool stays = false;
  bool records = false;
  bool allocations = false;
  std::chrono::microseconds kill_after{0};  ///< 0: not at all.
  std::uint64_t max_file_size = 0;
  std::uint64_t max_files = 0;
  std::uint64_t max_memory_bytes = 0;
};

/// The real binary, loaded once: the interposer, which is preloaded into it, stops it before its main() and forks a
/// process for each run (as the fork server of AFL does), which saves the time of linking and loading.
class Program {
 public:
  static constexpr std::chrono::seconds patience{20};

  /// @param binary  the program under test, as it is installed.
  /// @param interposer  the shared object of tests/faults/interposer.cpp.
  Program(const std::filesystem::path& binary, const std::filesystem::path& interposer);
  Program(const Program&) = delete;
  Program& operator=(const Program&) = delete;
  ~Program();

  /// Runs it in this folder with these words, and waits for its end.
  /// @throws std::runtime_error when the program cannot be started, or maps a file so that writes are hidden.
  Outcome run(const std::filesystem::path& folder, const Words& words, const Treatment& treatment = {});

  [[nodiscard]] const std::filesystem::path& binary() const { return binary_; }
  /// Processor time of all runs so far.
  [[nodiscard]] std::uint64_t cpu_us() const { return control_->answer.cpu_us; }
  /// Files in memory with what the run has said so far, to tell by their sizes how much that is.
  [[nodiscard]] int out() const { return out_; }
  [[nodiscard]] int err() const { return err_; }

 private:
  void start(const std::filesystem::path& interposer);
  int wait(std::chrono::microseconds kill_after, bool& late);

  std::filesystem::path binary_;
  Control* control_ = nullptr;
  int recording_ = -1;
  int out_ = -1;
  int err_ = -1;
  int request_ = -1;
  int response_ = -1;
  pid_t pid_ = 0;
};

}  // namespace belay::faults

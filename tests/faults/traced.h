#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

#include "tests/faults/program.h"

namespace belay::faults {

/// How a traced run ended.
struct Traced {
  bool killed = false;      ///< At the call that was asked for.
  int exit = -1;            ///< -1 when a signal ended it.
  std::uint64_t calls = 0;  ///< System calls that it has entered.
  std::string said;
};

/// Runs the program, with nothing preloaded, and kills it as it enters its `kill_at`-th system call, of any kind, by
/// any of its threads (ptrace(2)). 0: not at all.
/// @throws std::system_error where tracing is not allowed.
Traced run_traced(const std::filesystem::path& binary, const std::filesystem::path& folder, const Words& words,
                  std::uint64_t kill_at);

}  // namespace belay::faults

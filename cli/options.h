#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace belay::cli {

/// The words of the command line, parsed. Those that a command does not have keep their defaults.
struct Options {
  // Global.
  std::string directory;  ///< -C; empty: stay.
  std::optional<std::string> config;
  std::optional<std::string> environment;
  std::optional<std::string> database;
  bool json = false;
  bool quiet = false;
  bool verbose = false;
  std::string color = "auto";
  bool no_progress = false;
  std::chrono::milliseconds lock_timeout{10'000};
  std::chrono::milliseconds statement_timeout{0};  ///< 0: none.
  bool yes = false;

  // Of commands that change a database.
  bool dry_run = false;
  bool sql = false;

  // Of one command or another.
  std::vector<std::string> revisions;  ///< Positional: REV, REV…, a RANGE, a folder, a shell.
  std::string message;
  std::string to;
  std::int64_t steps = 0;
  bool atomic = false;
  bool graph = false;
  bool exit_code = false;
  bool to_stdout = false;
  bool baseline = false;
  bool from_db = false;
  std::vector<std::string> parents;
  std::uint64_t run = 0;  ///< A run of the journal; 0: not said.
  bool forward = false;
  bool back = false;
  bool discard_later_writes = false;
  std::optional<std::uint64_t> keep;

  // Of `revision --autogenerate`.
  bool autogenerate = false;
  std::vector<std::string> renames;
  std::vector<std::string> allowed_drops;  ///< `true` for one without a name: everything.
  std::string from = "db";                 ///< db, versions

  // Of `backup`.
  bool list = false;
  std::string verify;  ///< An id, `newest`, or a file.
  std::optional<std::uint64_t> prune;
  std::optional<std::string> output;

  // Of `check`.
  bool files = false;
  bool check_backups = false;
};

/// Reads `10s`, `500ms`, `2m`, `1h`; a plain number is seconds.
/// @throws Error exit_usage.
std::chrono::milliseconds parse_duration(const std::string& text);

}  // namespace belay::cli

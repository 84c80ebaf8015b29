#pragma once

#include <sys/stat.h>

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "versions/script.h"

namespace belay::versions {

/// The heads of scripts as an earlier process has read them, so that 10,000 of them need not be read, split and hashed
/// at each start. Whoever runs a script reads it (`whole`).
///
/// A head is good as long as inode, size, modification and change time of its file are what they were. Any write sets
/// the change time to now, which nobody can choose, so that an edit shows, unless it came within the same tick of the
/// file system's clock as the write before it: a file is remembered only once it is older than that.
class ScriptCache {
 public:
  /// @param file  what an earlier process has saved. Where it is missing, damaged, of another version, or of another
  ///              folder of scripts, nothing is known.
  ScriptCache(std::filesystem::path file, const std::filesystem::path& folder);

  /// The head of the script of that name, if its file is still what was read. Given once. The file, and the parent of
  /// one that only its place in the folder tells, are the caller's to fill in.
  [[nodiscard]] std::optional<Script> take(const std::string& name, const struct stat& now);

  /// The file of a script that was read.
  /// @param status  asked for before it was read.
  void add(const std::string& name, const struct stat& status);

  /// Saves the heads of all scripts that were taken and added, if that is news, aside and by renaming. Not synced: what
  /// a power cut leaves of it is found out by its checksum, and costs the next start its time. A file that cannot be
  /// written is none.
  /// @param scripts  all of them, whole or not.
  void save(const std::vector<Script>& scripts);

  /// A file's identity and times.
  struct State {
    std::uint64_t inode = 0;
    std::uint64_t size = 0;
    std::int64_t modified_ns = 0;
    std::int64_t changed_ns = 0;
    friend bool operator==(const State&, const State&) = default;
  };
  struct Head {
    std::string name;
    State state;
    Script script;
  };

 private:
  [[nodiscard]] bool is_settled(const State& state) const;

  std::filesystem::path file_;
  std::string folder_;
  std::int64_t began_ns_;  ///< Before any script was read.
  std::vector<Head> known_;
  std::unordered_map<std::string_view, Head*> by_name_;  ///< Of `known_`.
  std::unordered_map<std::string, State> files_;         ///< What was added.
  std::size_t taken_ = 0;
};

}  // namespace belay::versions

#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>

namespace belay::faults {

/// A file as it is kept aside; a folder has a name that ends in a slash.
struct File {
  std::string content;
  std::int64_t modified_ns = 0;
  std::uint64_t inode = 0;  ///< Where it was read. No part of what it is.

  friend bool operator==(const File& a, const File& b) { return a.content == b.content; }
};

/// A folder in memory, by paths relative to it.
using Files = std::map<std::string, File>;

/// Files that are made anew by whoever opens them first: shared maps and lock files.
bool is_volatile(const std::string& path);

/// All of the folder but what is volatile.
Files take(const std::filesystem::path& folder);

/// The paths in it and their sizes, without what is volatile.
std::map<std::string, std::uint64_t> list(const std::filesystem::path& folder);

/// Makes the folder be this, with the times of modification; what else is in it goes, volatile files too.
void put(const std::filesystem::path& folder, const Files& files);

/// The same for the same names and contents.
std::uint64_t digest(const Files& files);

}  // namespace belay::faults

#include "recovery/file_system.h"

#include <fmt/format.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include <algorithm>
#include <array>
#include <fstream>
#include <sstream>
#include <string_view>

namespace belay::recovery {
namespace {

namespace fs = std::filesystem;

/// Those of systemd's fstype_is_network (src/basic/mountpoint-util.c), and 9p, by which WSL reaches Windows' files.
constexpr std::array<std::string_view, 19> network_types{
    "9p",    "afs", "ceph", "cifs",  "davfs",    "gfs",   "gfs2", "glusterfs", "lustre", "ncp",
    "ncpfs", "nfs", "nfs4", "ocfs2", "orangefs", "pvfs2", "smb3", "smbfs",     "sshfs"};

bool is_network(std::string_view type) {
  constexpr std::string_view in_user_space = "fuse.";
  if (type.starts_with(in_user_space)) type.remove_prefix(in_user_space.size());
  return std::ranges::find(network_types, type) != network_types.end();
}

}  // namespace

std::string network_file_system(const fs::path& file, const fs::path& mounts) {
  struct stat status {};
  fs::path place = file;
  while (::stat(place.c_str(), &status) != 0) {
    if (!place.has_relative_path()) return {};
    place = place.parent_path();
  }
  const auto device = fmt::format("{}:{}", major(status.st_dev), minor(status.st_dev));

  std::ifstream lines(mounts);
  for (std::string line; std::getline(lines, line);) {
    std::istringstream words(line);
    std::string id;
    std::string parent;
    std::string mounted;
    words >> id >> parent >> mounted;
    if (mounted != device) continue;
    std::string word;
    while (words >> word && word != "-") {
    }
    const bool is_told = static_cast<bool>(words >> word);  // What is behind the dash is the type.
    return is_told && is_network(word) ? word : std::string();
  }
  return {};
}

}  // namespace belay::recovery

#pragma once

#include <filesystem>
#include <string>

namespace belay::recovery {

/// The type of the file system that a file is on or would be, as the kernel names it (`nfs4`, `fuse.sshfs`), where that
/// is one of another machine; empty for a local one, and where `mounts` does not tell. Locks between processes, mapped
/// files and what a sync promises (docs/recovery.md, assumptions) may all be different there.
/// @param mounts  in the format of /proc/self/mountinfo: proc(5).
std::string network_file_system(const std::filesystem::path& file,
                                const std::filesystem::path& mounts = "/proc/self/mountinfo");

}  // namespace belay::recovery

#pragma once

#include <sys/types.h>

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "tests/faults/block_log.h"
#include "tests/faults/disk_image.h"
#include "tests/faults/mount.h"

namespace belay::faults {

/// Why this machine has no disks of ours: root, /dev/fuse, loop devices, the kernel's file systems, their mkfs, or our
/// own program beside this one; nothing when it has.
std::optional<std::string> block_obstacle();

/// A block device over a file: a loop device that nobody else has, which the kernel takes away when it is closed here
/// and not mounted.
class LoopDevice {
 public:
  /// @throws std::system_error
  explicit LoopDevice(int file);
  LoopDevice(const LoopDevice&) = delete;
  LoopDevice& operator=(const LoopDevice&) = delete;
  ~LoopDevice();

  [[nodiscard]] const std::string& path() const { return path_; }
  /// The kernel looks at the file again: somebody has changed it past the device, which is not mounted.
  void forget();

 private:
  int device_ = -1;
  std::string path_;
};

/// A file system of the kernel's.
struct FileSystem {
  std::string_view name;
  std::uint64_t disk_bytes;       ///< About the least that it takes.
  std::vector<std::string> make;  ///< The command that makes one; the file is its last word.
  std::string_view options;       ///< To mount it with.
  /// Where its superblocks are, which it takes for granted that a disk writes whole.
  std::vector<std::uint64_t> superblocks;

  /// An empty one. Made once, however often it is asked for.
  /// @throws std::runtime_error
  [[nodiscard]] const DiskContent& made() const;
  [[nodiscard]] Mount mount(const LoopDevice& device, const std::filesystem::path& folder,
                            bool read_only = false) const;
  [[nodiscard]] bool has_superblock(std::uint64_t offset, std::uint64_t size) const;
};

const std::vector<FileSystem>& file_systems();

/// Something that a disk was asked to do.
struct BlockOperation {
  bool flush = false;
  std::uint64_t offset = 0;
  std::string data{};
  std::uint64_t out = 0;  ///< How much the run had told its user by then, in bytes.
  std::uint64_t err = 0;
};

/// A disk that logs what it is asked to do, and fails when told to: a file in memory behind a file system of our own
/// (block_log.cpp) in a process of its own.
class LoggedDisk {
 public:
  /// Files that have what the run tells its user.
  struct Said {
    int out;
    int err;
  };

  /// @param folder  where the file system is mounted.
  /// @throws std::runtime_error
  LoggedDisk(const std::filesystem::path& folder, std::uint64_t size, Said said);
  LoggedDisk(const LoggedDisk&) = delete;
  LoggedDisk& operator=(const LoggedDisk&) = delete;
  ~LoggedDisk();

  /// The device; for as long as it is held.
  [[nodiscard]] std::unique_ptr<LoopDevice> attach() const;
  [[nodiscard]] MemoryFile& file() { return file_; }

  void record(bool on) { control_->records = on; }
  /// All that has been recorded so far.
  [[nodiscard]] std::vector<BlockOperation> operations() const;

  /// The write with this number from now on, the first is 1, gets EIO; if that `stays`, everything after it too.
  void fail_at(std::uint64_t write, bool stays);
  /// Nothing fails any more.
  void heal() { control_->fail_at = 0; }
  [[nodiscard]] std::uint64_t writes() const { return control_->writes; }
  [[nodiscard]] std::uint64_t failed() const { return control_->failed; }

 private:
  void start(Said said);
  [[noreturn]] void run(Said said, int ready) const;
  void stop();

  std::filesystem::path folder_;
  MemoryFile file_;
  MemoryFile shared_;
  int log_ = -1;
  block_log::Control* control_ = nullptr;
  pid_t pid_ = 0;
};

}  // namespace belay::faults

// A file system of one file, which is a disk: a loop device stands on it. It logs in which order the disk is asked to
// write and to flush, and lets writes fail (block_log.h).
//
//   belay_block_log FOLDER      with the descriptors of block_log.h
//
// The kernel asks one thing after the other here (fuse_loop has one thread), and gets each answer only when the log has
// it: the log's order is one in which a disk without a queue would have met the writes. A write that the kernel forces
// through (FUA) arrives as a write and a flush, because a loop device does not offer it.

#define FUSE_USE_VERSION 31

#include "tests/faults/block_log.h"

#include <fuse.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdlib>
#include <string>
#include <string_view>

namespace {

using belay::faults::block_log::Control;
using belay::faults::block_log::Header;
namespace descriptor = belay::faults::block_log::descriptor;

Control* control = nullptr;

std::uint64_t size_of(int file) {
  struct stat status {};
  return ::fstat(file, &status) == 0 ? static_cast<std::uint64_t>(status.st_size) : 0;
}

/// A log with a hole is worse than none: the laboratory takes the end of this process for the failure that it is.
void append(Header header, const char* data) {
  if (!control->records) return;
  header.out = size_of(descriptor::out);
  header.err = size_of(descriptor::err);
  std::array<iovec, 2> parts{iovec{&header, sizeof header}, iovec{const_cast<char*>(data), header.size}};
  const auto size = static_cast<ssize_t>(sizeof header + header.size);
  if (::writev(descriptor::log, parts.data(), parts.size()) != size) std::abort();
}

bool fails(std::uint64_t write) {
  const std::uint64_t at = control->fail_at;
  const bool failing = at != 0 && (write == at || (control->fail_stays && write > at));
  if (failing) ++control->failed;
  return failing;
}

bool is_disk(const char* path) {
  return std::string_view(path).substr(1) == belay::faults::block_log::disk_name;
}

int get_attributes(const char* path, struct stat* status, fuse_file_info*) {
  *status = {};
  if (std::string_view(path) == "/") {
    status->st_mode = S_IFDIR | 0700;
    status->st_nlink = 2;
    return 0;
  }
  if (!is_disk(path)) return -ENOENT;
  status->st_mode = S_IFREG | 0600;
  status->st_nlink = 1;
  status->st_size = static_cast<off_t>(size_of(descriptor::disk));
  return 0;
}

/// Past the kernel's cache: the laboratory puts another content behind the disk between two uses of it.
int open_disk(const char* path, fuse_file_info* info) {
  info->direct_io = 1;
  return is_disk(path) ? 0 : -ENOENT;
}

int read_disk(const char*, char* data, std::size_t size, off_t offset, fuse_file_info*) {
  const ssize_t count = ::pread(descriptor::disk, data, size, offset);
  return count < 0 ? -errno : static_cast<int>(count);
}

int write_disk(const char*, const char* data, std::size_t size, off_t offset, fuse_file_info*) {
  if (fails(++control->writes)) return -EIO;
  const ssize_t count = ::pwrite(descriptor::disk, data, size, offset);
  if (count < 0) return -errno;
  append({.offset = static_cast<std::uint64_t>(offset), .size = static_cast<std::uint32_t>(count)}, data);
  return static_cast<int>(count);
}

/// Fails only on a disk that is gone for good.
int flush_disk(const char*, int, fuse_file_info*) {
  if (control->fail_stays && fails(control->writes + 1)) return -EIO;
  append({.flush = true}, nullptr);
  return 0;
}

/// Discards and zeroing: the file systems write zeros in their place.
int no_ranges(const char*, int, off_t, off_t, fuse_file_info*) {
  return -EOPNOTSUPP;
}

fuse_operations operations() {
  fuse_operations made{};
  made.getattr = get_attributes;
  made.open = open_disk;
  made.read = read_disk;
  made.write = write_disk;
  made.fsync = flush_disk;
  made.fallocate = no_ranges;
  return made;
}

/// Out of the mounts that the laboratory sees, into some of its own that lack the disk. When the laboratory dies, its
/// mounts go with it while this process still serves them, and then the disk goes, which ends this process. Were it
/// among those who see the mounts, it might be the last of them: its own end would unmount what waits for its answers,
/// for ever.
bool leave(const char* folder) {
  return ::unshare(CLONE_NEWNS) == 0 && ::umount2(folder, MNT_DETACH) == 0;
}

int serve(const char* folder) {
  std::string name = "belay_block_log";
  std::array<char*, 2> words{name.data(), nullptr};
  fuse_args arguments = FUSE_ARGS_INIT(1, words.data());
  const fuse_operations made = operations();
  fuse* const served = ::fuse_new(&arguments, &made, sizeof made, nullptr);
  ::fuse_opt_free_args(&arguments);  // fuse_new has made its own copy of them.
  if (!served || ::fuse_mount(served, folder) != 0) return EXIT_FAILURE;
  if (!leave(folder)) return EXIT_FAILURE;
  const bool told = ::write(descriptor::ready, "r", 1) == 1;
  const int end = told ? ::fuse_loop(served) : 1;
  ::fuse_unmount(served);
  ::fuse_destroy(served);
  return end == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

}  // namespace

int main(int count, char** words) {
  if (count != 2) return EXIT_FAILURE;
  void* memory = ::mmap(nullptr, sizeof(Control), PROT_READ | PROT_WRITE, MAP_SHARED, descriptor::control, 0);
  if (memory == MAP_FAILED) return EXIT_FAILURE;
  control = static_cast<Control*>(memory);
  return serve(words[1]);
}

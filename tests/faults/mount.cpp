#include "tests/faults/mount.h"

#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <system_error>
#include <utility>

namespace belay::faults {
namespace {

[[noreturn]] void fail(const std::string& what) {
  throw std::system_error(errno, std::generic_category(), what);
}

std::optional<std::string> leave_everybody() {
  if (::geteuid() != 0) return "needs root, to mount";
  if (::unshare(CLONE_NEWNS) == 0 && ::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0) return {};
  return std::string("needs mounts of its own: unshare(CLONE_NEWNS): ") + std::strerror(errno);
}

unsigned long flags(bool read_only) {
  const unsigned long writable = MS_NOATIME;
  return read_only ? writable | MS_RDONLY : writable;
}

}  // namespace

std::optional<std::string> mount_obstacle() {
  static pid_t process = 0;
  static std::optional<std::string> obstacle;
  if (std::exchange(process, ::getpid()) != ::getpid()) obstacle = leave_everybody();
  return obstacle;
}

Mount::Mount(const What& what, std::filesystem::path folder) : folder_(std::move(folder)) {
  std::filesystem::create_directories(folder_);
  if (::mount(what.source.c_str(), folder_.c_str(), what.type.c_str(), flags(what.read_only), what.options.c_str()) !=
      0)
    fail("mount " + what.source + " as " + what.type);
}

Mount::~Mount() {
  if (!folder_.empty()) ::umount2(folder_.c_str(), MNT_DETACH);
}

void Mount::end() {
  if (::umount2(folder_.c_str(), 0) != 0) fail("unmount " + folder_.string());
  folder_.clear();
}

void Mount::change(const std::string& options, bool read_only) {
  if (::mount("none", folder_.c_str(), nullptr, MS_REMOUNT | flags(read_only), options.c_str()) != 0)
    fail("remount " + folder_.string() + " with " + options);
}

void Mount::sync() const {
  const int folder = ::open(folder_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (folder < 0) fail("open " + folder_.string());
  const int failed = ::syncfs(folder);
  ::close(folder);
  if (failed != 0) fail("sync " + folder_.string());
}

}  // namespace belay::faults

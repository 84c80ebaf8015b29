#include "tests/faults/block_device.h"

#include <fcntl.h>
#include <linux/btrfs.h>
#include <linux/fs.h>
#include <linux/loop.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <map>
#include <new>
#include <stdexcept>
#include <system_error>
#include <utility>

namespace belay::faults {
namespace {

namespace fs = std::filesystem;

constexpr std::uint64_t kibibyte = 1024;
constexpr std::uint64_t mebibyte = 1024 * kibibyte;

[[noreturn]] void fail(const std::string& what) {
  throw std::system_error(errno, std::generic_category(), what);
}

fs::path log_program() {
  return fs::read_symlink("/proc/self/exe").parent_path() / "belay_block_log";
}

// ---- what a machine may lack ----

bool kernel_has(std::string_view file_system) {
  std::ifstream known("/proc/filesystems");
  for (std::string word; known >> word;)
    if (word == file_system) return true;
  return false;
}

/// Not every shell's PATH has the folders of the administrator's programs.
std::string search_path() {
  const char* path = std::getenv("PATH");
  return std::string(path ? path : "/usr/bin:/bin") + ":/usr/sbin:/sbin";
}

bool is_installed(const std::string& program) {
  const std::string path = search_path();
  for (std::size_t begin = 0; begin < path.size();) {
    const auto end = std::min(path.find(':', begin), path.size());
    if (::access((path.substr(begin, end - begin) + "/" + program).c_str(), X_OK) == 0) return true;
    begin = end + 1;
  }
  return false;
}

std::string join(const std::vector<std::string>& words) {
  std::string text;
  for (const auto& word : words) text += (text.empty() ? "" : " ") + word;
  return text;
}

/// Runs it without letting it say anything.
void command(std::vector<std::string> words) {
  const pid_t pid = ::fork();
  if (pid < 0) fail("fork");
  if (pid == 0) {
    ::setenv("PATH", search_path().c_str(), 1);
    // mkfs.xfs makes none below 300 MiB but for its own tests, which it knows by these.
    for (const char* name : {"TEST_DIR", "TEST_DEV", "QA_CHECK_FS"}) ::setenv(name, "1", 1);
    const int nowhere = ::open("/dev/null", O_RDWR);
    for (const int file : {0, 1, 2}) ::dup2(nowhere, file);
    std::vector<char*> arguments;
    arguments.reserve(words.size() + 1);
    for (auto& word : words) arguments.push_back(word.data());
    arguments.push_back(nullptr);
    ::execvp(arguments[0], arguments.data());
    ::_exit(127);
  }
  int status = 0;
  ::waitpid(pid, &status, 0);
  if (status != 0) throw std::runtime_error("this failed: " + join(words));
}

/// btrfs keeps in mind where it has seen which disk, and takes none that is older than what it has seen elsewhere.
void forget_btrfs(const std::string& device) {
  const int control = ::open("/dev/btrfs-control", O_RDWR | O_CLOEXEC);
  if (control < 0) return;
  btrfs_ioctl_vol_args which{};
  device.copy(which.name, sizeof which.name - 1);
  ::ioctl(control, BTRFS_IOC_FORGET_DEV, &which);
  ::close(control);
}

}  // namespace

std::optional<std::string> block_obstacle() {
  if (auto obstacle = mount_obstacle()) return obstacle;
  for (const char* device : {"/dev/fuse", "/dev/loop-control"})
    if (::access(device, R_OK | W_OK) != 0) return std::string("needs ") + device + ": " + std::strerror(errno);
  for (const auto& system : file_systems()) {
    if (!kernel_has(system.name)) return "needs a kernel that has " + std::string(system.name);
    if (!is_installed(system.make.front())) return "needs " + system.make.front() + " (cmake/packages test)";
  }
  if (::access(log_program().c_str(), X_OK) != 0)
    return "needs belay_block_log, which is built where libfuse3-dev is (cmake/packages test)";
  return std::nullopt;
}

// ---- loop devices ----

LoopDevice::LoopDevice(int file) {
  const int control = ::open("/dev/loop-control", O_RDWR | O_CLOEXEC);
  if (control < 0) fail("open /dev/loop-control");
  loop_config wanted{};
  wanted.fd = static_cast<std::uint32_t>(file);
  wanted.block_size = sector_bytes;
  wanted.info.lo_flags = LO_FLAGS_AUTOCLEAR;
  for (int tries = 0; tries < 100 && device_ < 0; ++tries) {  // Another process may take the free one first.
    const int number = ::ioctl(control, LOOP_CTL_GET_FREE);
    path_ = "/dev/loop" + std::to_string(number);
    device_ = number < 0 ? -1 : ::open(path_.c_str(), O_RDWR | O_CLOEXEC);
    if (device_ < 0) break;
    if (::ioctl(device_, LOOP_CONFIGURE, &wanted) == 0) break;
    ::close(std::exchange(device_, -1));
    if (errno != EBUSY) break;
  }
  const int error = errno;
  ::close(control);
  errno = error;
  if (device_ < 0) fail("attach a loop device");
}

LoopDevice::~LoopDevice() {
  forget_btrfs(path_);
  ::close(device_);
}

void LoopDevice::forget() {
  forget_btrfs(path_);
  if (::ioctl(device_, BLKFLSBUF) != 0) fail("empty the cache of " + path_);
}

// ---- file systems ----

const std::vector<FileSystem>& file_systems() {
  // Blocks of 4 KiB as on any disk of today's size: in smaller ones, an error would hit a part of a page.
  static const std::vector<FileSystem> systems = {
      {.name = "ext4",
       .disk_bytes = 16 * mebibyte,
       .make = {"mke2fs", "-q", "-F", "-t", "ext4", "-b", "4096", "-I", "256", "-m", "0", "-N", "128", "-J", "size=4",
                "-O", "^resize_inode", "-E", "lazy_itable_init=0,lazy_journal_init=0,nodiscard"},
       .options = "errors=remount-ro",
       .superblocks = {0}},
      {.name = "xfs",
       .disk_bytes = 20 * mebibyte,
       .make = {"mkfs.xfs", "-q", "-f", "-K", "-d", "agcount=1"},
       .options = "",
       .superblocks = {0}},
      {.name = "btrfs",
       .disk_bytes = 48 * mebibyte,
       .make = {"mkfs.btrfs", "-q", "-f", "-K", "-m", "single", "-d", "single"},
       .options = "nodiscard",
       .superblocks = {64 * kibibyte}},
  };
  return systems;
}

const DiskContent& FileSystem::made() const {
  static std::map<std::string_view, DiskContent> known;
  if (const auto found = known.find(name); found != known.end()) return found->second;
  const MemoryFile file("disk", disk_bytes);
  auto words = make;
  words.push_back(file.path());
  command(words);
  return known[name] = file.content();
}

Mount FileSystem::mount(const LoopDevice& device, const fs::path& folder, bool read_only) const {
  return {{.type = std::string(name), .source = device.path(), .options = std::string(options), .read_only = read_only},
          folder};
}

bool FileSystem::has_superblock(std::uint64_t offset, std::uint64_t size) const {
  return std::any_of(superblocks.begin(), superblocks.end(),
                     [&](std::uint64_t at) { return offset < at + block_bytes && at < offset + size; });
}

// ---- the disk that logs ----

LoggedDisk::LoggedDisk(const fs::path& folder, std::uint64_t size, Said said)
    : folder_(folder), file_("disk", size), shared_("control", block_bytes), log_(::memfd_create("log", MFD_CLOEXEC)) {
  if (log_ < 0 || ::fcntl(log_, F_SETFL, O_APPEND) != 0) fail("a log in memory");
  control_ = new (shared_.data()) block_log::Control;
  fs::create_directories(folder_);
  start(said);
}

LoggedDisk::~LoggedDisk() {
  stop();
  ::close(log_);
}

void LoggedDisk::start(Said said) {
  std::array<int, 2> ready{};
  if (::pipe2(ready.data(), O_CLOEXEC) != 0) fail("pipe");
  pid_ = ::fork();
  if (pid_ < 0) fail("fork");
  if (pid_ == 0) run(said, ready[1]);
  ::close(ready[1]);
  char byte = 0;
  const bool mounted = ::read(ready[0], &byte, 1) == 1;
  ::close(ready[0]);
  if (mounted) return;
  stop();
  throw std::runtime_error("belay_block_log cannot mount its file system at " + folder_.string());
}

/// In the child.
void LoggedDisk::run(Said said, int ready) const {
  namespace to = block_log::descriptor;
  const std::array<std::pair<int, int>, 6> handed = {{{file_.descriptor(), to::disk},
                                                      {shared_.descriptor(), to::control},
                                                      {log_, to::log},
                                                      {said.out, to::out},
                                                      {said.err, to::err},
                                                      {ready, to::ready}}};
  for (const auto& [ours, its] : handed) ::dup2(ours, its);
  const std::string program = log_program().string();
  ::execl(program.c_str(), program.c_str(), folder_.c_str(), nullptr);
  ::_exit(127);
}

/// No device is attached any more, or nobody wants what is on it.
void LoggedDisk::stop() {
  ::umount2(folder_.c_str(), MNT_DETACH);
  ::kill(pid_, SIGKILL);
  ::waitpid(pid_, nullptr, 0);
  std::error_code ignored;
  fs::remove(folder_, ignored);
}

std::unique_ptr<LoopDevice> LoggedDisk::attach() const {
  const int file = ::open((folder_ / block_log::disk_name).c_str(), O_RDWR | O_CLOEXEC);
  if (file < 0) fail("open the disk that logs");
  try {
    auto device = std::make_unique<LoopDevice>(file);
    ::close(file);
    return device;
  } catch (...) {
    ::close(file);
    throw;
  }
}

std::vector<BlockOperation> LoggedDisk::operations() const {
  struct stat status {};
  if (::fstat(log_, &status) != 0) fail("read the log");
  std::string log(static_cast<std::size_t>(status.st_size), '\0');
  if (::pread(log_, log.data(), log.size(), 0) != status.st_size) fail("read the log");
  std::vector<BlockOperation> operations;
  for (std::size_t at = 0; at < log.size();) {
    block_log::Header header;
    std::memcpy(&header, log.data() + at, sizeof header);
    at += sizeof header;
    operations.push_back({.flush = header.flush,
                          .offset = header.offset,
                          .data = log.substr(at, header.size),
                          .out = header.out,
                          .err = header.err});
    at += header.size;
  }
  return operations;
}

void LoggedDisk::fail_at(std::uint64_t write, bool stays) {
  control_->fail_at = 0;
  control_->writes = control_->failed = 0;
  control_->fail_stays = stays;
  control_->fail_at = write;
}

}  // namespace belay::faults

// Stands between the program's libraries and libc: records each call that changes a file, and makes the one that was
// ordered go wrong.

#include <dlfcn.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <cstdarg>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string_view>

#include "tests/faults/interposer.h"

namespace belay::faults {
namespace {

constexpr int most_files = 1024;
constexpr std::size_t longest_path = 512;

/// What is known of a descriptor.
struct Watched {
  bool used = false;
  bool syncs_itself = false;
  std::uint64_t inode = 0;
  char path[longest_path] = {};
};
Watched watched[most_files];

/// One call at a time is counted, made and recorded, so that a recording is in the order in which things happened.
std::atomic<int> lock_owner{0};
int lock_depth = 0;

class Lock {
 public:
  Lock() {
    const auto self = static_cast<int>(::syscall(SYS_gettid));
    if (lock_owner.load() == self) {
      ++lock_depth;
      return;
    }
    for (int free = 0; !lock_owner.compare_exchange_weak(free, self); free = 0) ::sched_yield();
    lock_depth = 1;
  }
  Lock(const Lock&) = delete;
  Lock& operator=(const Lock&) = delete;
  ~Lock() {
    const int error = errno;
    if (--lock_depth == 0) lock_owner.store(0);
    errno = error;
  }
};

// ---- paths ----

/// Without `.`, `..` and empty parts; false when it is too long.
bool absolute(const char* path, char (&out)[PATH_MAX]) {
  char text[2 * PATH_MAX];
  if (path[0] == '/') {
    std::snprintf(text, sizeof text, "%s", path);
  } else {
    char folder[PATH_MAX];
    if (::syscall(SYS_getcwd, folder, sizeof folder) < 0) return false;
    std::snprintf(text, sizeof text, "%s/%s", folder, path);
  }
  std::size_t size = 0;
  char* rest = nullptr;
  for (char* part = ::strtok_r(text, "/", &rest); part; part = ::strtok_r(nullptr, "/", &rest)) {
    if (std::strcmp(part, ".") == 0) continue;
    if (std::strcmp(part, "..") == 0) {
      while (size > 0 && out[--size] != '/') {
      }
      continue;
    }
    const auto length = std::strlen(part);
    if (size + length + 2 > PATH_MAX) return false;
    out[size++] = '/';
    std::memcpy(out + size, part, length);
    size += length;
  }
  out[size] = '\0';
  return true;
}

/// The path within the folder that is watched ("" for itself), or null.
const char* within(const char* path, char (&space)[PATH_MAX]) {
  if (!armed || !path || !absolute(path, space)) return nullptr;
  const auto size = std::strlen(control->order.folder.data());
  if (std::strncmp(space, control->order.folder.data(), size) != 0) return nullptr;
  if (space[size] == '\0') return space + size;
  return space[size] == '/' ? space + size + 1 : nullptr;
}

/// Shared maps that are made anew after a crash; LMDB's and SQLite's.
bool is_shared_map(std::string_view path) {
  return path.ends_with("-shm") || path.ends_with("-lock");
}

// ---- recording ----

void record(char kind, const char* path, const char* second, OperationHeader header = {}, const void* data = nullptr) {
  if (!control->order.records) return;
  header.kind = kind;
  header.path_size = static_cast<std::uint16_t>(std::strlen(path));
  header.second_size = static_cast<std::uint16_t>(second ? std::strlen(second) : 0);
  iovec parts[4] = {{&header, sizeof header},
                    {const_cast<char*>(path), header.path_size},
                    {const_cast<char*>(second), header.second_size},
                    {const_cast<void*>(data), header.data_size}};
  ::syscall(SYS_writev, descriptor::recording, parts, 4);
}

struct stat status_of(int file) {
  struct stat status {};
  ::syscall(SYS_newfstatat, file, "", &status, AT_EMPTY_PATH);
  return status;
}
struct stat status_of(const char* path) {
  struct stat status {};
  ::syscall(SYS_newfstatat, AT_FDCWD, path, &status, AT_SYMLINK_NOFOLLOW);
  return status;
}
std::int64_t modified(const struct stat& status) {
  return status.st_mtim.tv_sec * std::int64_t{1'000'000'000} + status.st_mtim.tv_nsec;
}

// ---- faults ----

[[noreturn]] void die() {
  ::syscall(SYS_kill, ::syscall(SYS_getpid), SIGKILL);
  for (;;) ::pause();
}

/// What a call that writes would write, for half of it.
struct Writing {
  int file = -1;
  const void* data = nullptr;
  std::size_t size = 0;
  off_t offset = 0;
};

/// Counts a mutating call, and does to it what was ordered. @returns whether it is to fail, with `errno` set.
bool fails(const Writing& writing = {}) {
  const auto& order = control->order;
  const auto call = ++control->answer.calls;
  if (order.allocations || order.fault == Fault::none) return false;
  if (call != order.at && !(order.fault == Fault::error && order.stays && call > order.at)) return false;
  switch (order.fault) {
    case Fault::none:
      break;
    case Fault::signal:
      ::syscall(SYS_kill, ::syscall(SYS_getpid), order.error);
      break;
    case Fault::short_write:
      if (writing.size > 1) ::syscall(SYS_pwrite64, writing.file, writing.data, writing.size / 2, writing.offset);
      die();
    case Fault::kill:
      die();
    case Fault::error:
      errno = static_cast<int>(order.error);
      return true;
  }
  return false;
}

// ---- descriptors ----

Watched* find(int file) {
  return armed && file >= 0 && file < most_files && watched[file].used ? &watched[file] : nullptr;
}

void watch(int file, const char* path, int flags) {
  if (file < 0 || file >= most_files) return;
  auto& entry = watched[file];
  entry.used = true;
  entry.syncs_itself = (flags & (O_DSYNC | O_SYNC)) != 0;
  entry.inode = status_of(file).st_ino;
  std::snprintf(entry.path, sizeof entry.path, "%s", path);
}

/// What opening a file of the folder does to it.
class Opening {
 public:
  Opening(const char* path, bool creates, bool truncates) : inner_(within(path, space_)) {
    if (!inner_) return;
    exists_ = ::syscall(SYS_faccessat, AT_FDCWD, path, F_OK, 0) == 0;
    creates_ = creates && !exists_;
    truncates_ = truncates && exists_;
  }
  [[nodiscard]] bool fails() const { return (creates_ || truncates_) && faults::fails(); }
  void done(int file, int flags) const {
    if (!inner_ || file < 0) return;
    watch(file, inner_, flags);
    if (creates_ || truncates_) {
      const auto status = status_of(file);
      record(creates_ ? 'c' : 't', inner_, nullptr, {.inode = status.st_ino, .modified_ns = modified(status)});
    }
  }

 private:
  char space_[PATH_MAX] = {};
  const char* inner_;
  bool exists_ = false;
  bool creates_ = false;
  bool truncates_ = false;
};

int open_file(int folder, const char* path, int flags, mode_t mode) {
  const Lock lock;
  const Opening opening(path, flags & O_CREAT, flags & O_TRUNC);
  if (opening.fails()) return -1;
  const auto file = static_cast<int>(::syscall(SYS_openat, folder, path, flags, mode));
  opening.done(file, flags);
  return file;
}

FILE* open_stream(const char* path, const char* mode, FILE* (*below)(const char*, const char*)) {
  const Lock lock;
  const Opening opening(path, mode[0] != 'r', mode[0] == 'w');
  if (opening.fails()) return nullptr;
  FILE* stream = below(path, mode);
  if (stream) opening.done(::fileno(stream), 0);
  return stream;
}

// ---- calls ----

ssize_t write_at(int file, const void* data, std::size_t size, off_t offset) {
  const auto* entry = find(file);
  if (!entry) return ::syscall(SYS_pwrite64, file, data, size, offset);
  const Lock lock;
  if (fails({file, data, size, offset})) return -1;
  const ssize_t written = ::syscall(SYS_pwrite64, file, data, size, offset);
  if (written > 0)
    record('w', entry->path, nullptr,
           {.durable = entry->syncs_itself,
            .data_size = static_cast<std::uint32_t>(written),
            .inode = entry->inode,
            .offset = offset,
            .modified_ns = modified(status_of(file))},
           data);
  return written;
}

/// A write at the place where the descriptor stands.
ssize_t write_on(int file, const void* data, std::size_t size) {
  if (armed && (file == STDOUT_FILENO || file == STDERR_FILENO)) {
    const Lock lock;
    record('a', "", nullptr, {.data_size = static_cast<std::uint32_t>(size)}, data);
    return ::syscall(SYS_write, file, data, size);
  }
  if (!find(file)) return ::syscall(SYS_write, file, data, size);
  const bool appends = ::syscall(SYS_fcntl, file, F_GETFL) & O_APPEND;
  const off_t offset = appends ? status_of(file).st_size : ::syscall(SYS_lseek, file, 0, SEEK_CUR);
  const auto written = write_at(file, data, size, offset);
  if (written > 0) ::syscall(SYS_lseek, file, offset + written, SEEK_SET);
  return written;
}

/// `one` for each of the parts, until one is short.
template <typename One>
ssize_t in_parts(const iovec* parts, int count, One one) {
  ssize_t total = 0;
  for (int i = 0; i < count; ++i) {
    const ssize_t written = one(parts[i].iov_base, parts[i].iov_len, total);
    if (written < 0) return total > 0 ? total : written;
    total += written;
    if (static_cast<std::size_t>(written) < parts[i].iov_len) break;
  }
  return total;
}

int change_size(int file, off_t size) {
  const auto* entry = find(file);
  if (!entry) return static_cast<int>(::syscall(SYS_ftruncate, file, size));
  const Lock lock;
  if (fails()) return -1;
  const auto result = static_cast<int>(::syscall(SYS_ftruncate, file, size));
  if (result == 0)
    record('t', entry->path, nullptr,
           {.inode = entry->inode, .offset = size, .modified_ns = modified(status_of(file))});
  return result;
}

int sync(int file, long number) {
  const auto* entry = find(file);
  if (!entry) return static_cast<int>(::syscall(number, file));
  const Lock lock;
  const bool failed = fails();
  const int error = errno;
  record('s', entry->path, nullptr, {.durable = failed, .inode = entry->inode});
  if (failed) {
    errno = error;
    return -1;
  }
  return static_cast<int>(::syscall(number, file));
}

/// A change of a folder's entries.
template <typename Call>
int change_name(char kind, const char* path, const char* second, Call call) {
  char space[PATH_MAX];
  char second_space[PATH_MAX];
  const char* inner = within(path, space);
  const char* second_inner = second ? within(second, second_space) : nullptr;
  if (!inner) return static_cast<int>(call());
  const Lock lock;
  if (fails()) return -1;
  const auto before = status_of(path);
  const auto result = static_cast<int>(call());
  if (result == 0) record(kind, inner, second_inner, {.inode = kind == 'd' ? status_of(path).st_ino : before.st_ino});
  return result;
}

}  // namespace
}  // namespace belay::faults

using namespace belay::faults;

extern "C" {

int open(const char* path, int flags, ...) {
  va_list more;
  va_start(more, flags);
  const mode_t mode = flags & (O_CREAT | __O_TMPFILE) ? va_arg(more, mode_t) : 0;
  va_end(more);
  return open_file(AT_FDCWD, path, flags, mode);
}
int open64(const char* path, int flags, ...) {
  va_list more;
  va_start(more, flags);
  const mode_t mode = flags & (O_CREAT | __O_TMPFILE) ? va_arg(more, mode_t) : 0;
  va_end(more);
  return open_file(AT_FDCWD, path, flags, mode);
}
int openat(int folder, const char* path, int flags, ...) {
  va_list more;
  va_start(more, flags);
  const mode_t mode = flags & (O_CREAT | __O_TMPFILE) ? va_arg(more, mode_t) : 0;
  va_end(more);
  return open_file(folder, path, flags, mode);
}
FILE* fopen(const char* path, const char* mode) {
  static const auto below = reinterpret_cast<FILE* (*)(const char*, const char*)>(::dlsym(RTLD_NEXT, "fopen"));
  return open_stream(path, mode, below);
}
FILE* fopen64(const char* path, const char* mode) {
  static const auto below = reinterpret_cast<FILE* (*)(const char*, const char*)>(::dlsym(RTLD_NEXT, "fopen64"));
  return open_stream(path, mode, below);
}
int close(int file) {
  if (auto* entry = find(file)) entry->used = false;
  return static_cast<int>(::syscall(SYS_close, file));
}

ssize_t pwrite(int file, const void* data, size_t size, off_t offset) {
  return write_at(file, data, size, offset);
}
ssize_t pwrite64(int file, const void* data, size_t size, off64_t offset) {
  return write_at(file, data, size, offset);
}
ssize_t write(int file, const void* data, size_t size) {
  return write_on(file, data, size);
}
ssize_t writev(int file, const iovec* parts, int count) {
  if (!find(file)) return ::syscall(SYS_writev, file, parts, count);
  return in_parts(parts, count, [&](void* data, size_t size, ssize_t) { return write_on(file, data, size); });
}
ssize_t pwritev(int file, const iovec* parts, int count, off_t offset) {
  return in_parts(parts, count,
                  [&](void* data, size_t size, ssize_t done) { return write_at(file, data, size, offset + done); });
}
ssize_t pwritev64(int file, const iovec* parts, int count, off64_t offset) {
  return pwritev(file, parts, count, offset);
}

int ftruncate(int file, off_t size) noexcept {
  return change_size(file, size);
}
int ftruncate64(int file, off64_t size) noexcept {
  return change_size(file, size);
}
/// SQLite and std::filesystem fall back when it is not there; a recording then has plain writes only. Files that are
/// only mapped have to get their blocks.
int fallocate(int file, int mode, off_t offset, off_t size) {
  if (const auto* known = find(file); !known || is_shared_map(known->path))
    return static_cast<int>(::syscall(SYS_fallocate, file, mode, offset, size));
  errno = EOPNOTSUPP;
  return -1;
}
int fsync(int file) {
  return sync(file, SYS_fsync);
}
int fdatasync(int file) {
  return sync(file, SYS_fdatasync);
}

int unlink(const char* path) noexcept {
  return change_name('u', path, nullptr, [&] { return ::syscall(SYS_unlink, path); });
}
int unlinkat(int folder, const char* path, int flags) noexcept {
  return change_name('u', path, nullptr, [&] { return ::syscall(SYS_unlinkat, folder, path, flags); });
}
int remove(const char* path) noexcept {
  return change_name('u', path, nullptr, [&] {
    const auto result = ::syscall(SYS_unlink, path);
    return result < 0 && errno == EISDIR ? ::syscall(SYS_rmdir, path) : result;
  });
}
int rmdir(const char* path) noexcept {
  return change_name('u', path, nullptr, [&] { return ::syscall(SYS_rmdir, path); });
}
int rename(const char* from, const char* to) noexcept {
  return change_name('r', from, to, [&] { return ::syscall(SYS_rename, from, to); });
}
int renameat2(int from_folder, const char* from, int to_folder, const char* to, unsigned flags) noexcept {
  return change_name('r', from, to, [&] { return ::syscall(SYS_renameat2, from_folder, from, to_folder, to, flags); });
}
int link(const char* from, const char* to) noexcept {
  return change_name('l', from, to, [&] { return ::syscall(SYS_link, from, to); });
}
int mkdir(const char* path, mode_t mode) noexcept {
  return change_name('d', path, nullptr, [&] { return ::syscall(SYS_mkdir, path, mode); });
}

void* mmap(void* address, size_t size, int protection, int flags, int file, off_t offset) noexcept {
  const auto* entry = find(file);
  if (entry && (protection & PROT_WRITE) && (flags & MAP_SHARED) && !is_shared_map(entry->path))
    ++control->answer.writable_maps;
  // NOLINTNEXTLINE(performance-no-int-to-ptr): a system call gives numbers.
  return reinterpret_cast<void*>(::syscall(SYS_mmap, address, size, protection, flags, file, offset));
}
void* mmap64(void* address, size_t size, int protection, int flags, int file, off64_t offset) noexcept {
  return mmap(address, size, protection, flags, file, offset);
}

}  // extern "C"

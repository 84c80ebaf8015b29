#include "recovery/backup_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <system_error>
#include <utility>

#include "engine/error.h"

namespace belay::recovery {
namespace {

namespace fs = std::filesystem;
using engine::ErrorCode;

/// Where errno becomes an exception.
[[noreturn]] void raise(int error, const char* doing, const fs::path& path) {
  const bool full = error == ENOSPC || error == EDQUOT || error == EFBIG;
  const bool locked_away = error == EROFS || error == EACCES || error == EPERM;
  const ErrorCode code = full ? ErrorCode::no_space : locked_away ? ErrorCode::read_only : ErrorCode::unavailable;
  throw engine::Error(code,
                      fmt::format("cannot {} {}: {}", doing, path.string(), std::generic_category().message(error)))
      .next(full          ? "free some space, then run the command again"
            : locked_away ? "look at its permissions and its file system"
                          : "look at the path and its disk");
}

}  // namespace

// --- BackupFile ---

BackupFile BackupFile::create(const fs::path& path) {
  const int descriptor = ::open(path.c_str(), O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0666);
  if (descriptor < 0) raise(errno, "make", path);
  return {descriptor, path};
}

BackupFile BackupFile::open(const fs::path& path) {
  return open_with(path, O_NOFOLLOW);
}

BackupFile BackupFile::follow(const fs::path& path) {
  return open_with(path, 0);
}

/// Opening a pipe must not wait for a writer.
BackupFile BackupFile::open_with(const fs::path& path, int flags) {
  const int descriptor = ::open(path.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC | flags);
  if (descriptor < 0) {
    if (errno == ELOOP && flags != 0)
      throw engine::Error(ErrorCode::unavailable, path.string() + " is a link, not a file");
    raise(errno, "open", path);
  }
  BackupFile file(descriptor, path);
  struct stat status {};
  if (::fstat(descriptor, &status) != 0) raise(errno, "look at", path);
  if (!S_ISREG(status.st_mode)) throw engine::Error(ErrorCode::unavailable, path.string() + " is not a regular file");
  return file;
}

BackupFile::BackupFile(BackupFile&& other) noexcept
    : descriptor_(std::exchange(other.descriptor_, -1)), path_(std::move(other.path_)) {}

BackupFile::~BackupFile() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

std::uint64_t BackupFile::size() const {
  struct stat status {};
  if (::fstat(descriptor_, &status) != 0) raise(errno, "look at", path_);
  return static_cast<std::uint64_t>(status.st_size);
}

std::size_t BackupFile::read(char* to, std::size_t size) {
  for (;;) {
    const auto count = ::read(descriptor_, to, size);
    if (count >= 0) return static_cast<std::size_t>(count);
    if (errno != EINTR) raise(errno, "read", path_);
  }
}

void BackupFile::write(std::string_view bytes) {
  while (!bytes.empty()) {
    const auto count = ::write(descriptor_, bytes.data(), bytes.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) raise(errno, "write", path_);
    bytes.remove_prefix(static_cast<std::size_t>(count));
  }
}

void BackupFile::sync() {
  if (::fsync(descriptor_) != 0) raise(errno, "sync", path_);
}

void BackupFile::forget_cache() {
  ::posix_fadvise(descriptor_, 0, 0, POSIX_FADV_DONTNEED);  // Advice only: nothing depends on it.
}

// --- Scratch ---

ScratchFile::ScratchFile(fs::path path) : path_(std::move(path)) {}

ScratchFile::~ScratchFile() {
  for (const char* suffix : {"", "-journal", "-wal", "-shm"}) ::unlink((path_.string() + suffix).c_str());
}

// --- Folders ---

FolderLock::FolderLock(const fs::path& folder)
    : descriptor_(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)) {
  while (descriptor_ >= 0 && ::flock(descriptor_, LOCK_EX) != 0 && errno == EINTR) continue;
}

FolderLock::~FolderLock() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

void make_backup_folder(const fs::path& folder) {
  std::error_code error;
  if (fs::is_directory(folder, error)) {
    if (::access(folder.c_str(), W_OK) != 0) raise(errno, "write in the folder of backups", folder);
    return;
  }
  const auto what = fs::symlink_status(folder, error);
  if (fs::is_symlink(what))
    throw engine::Error(ErrorCode::unavailable,
                        fmt::format("the folder of backups, {}, is a link that leads to no folder", folder.string()))
        .next("make the folder that it leads to, or correct backup.directory");
  if (fs::exists(what))
    throw engine::Error(ErrorCode::unavailable, folder.string() + " is in the place of the folder of backups")
        .next("move it away, or correct backup.directory");
  fs::create_directories(folder, error);
  if (error) raise(error.value(), "make the folder of backups", folder);
  sync_backup_folder(folder.parent_path());
  sync_backup_folder(folder.parent_path() / "..");  // A first backup makes the folder above as well.
}

void require_space(const fs::path& folder, std::uint64_t bytes) {
  struct statvfs status {};
  if (::statvfs(folder.c_str(), &status) != 0) raise(errno, "look at", folder);
  const std::uint64_t free = std::uint64_t{status.f_bavail} * status.f_frsize;
  if (free >= bytes) return;
  constexpr std::uint64_t mebibyte = 1U << 20U;
  throw engine::Error(ErrorCode::no_space,
                      fmt::format("no space for a backup in {}: a copy and its packed form need up to {} MiB, and {} "
                                  "MiB are free",
                                  folder.string(), bytes / mebibyte + 1, free / mebibyte))
      .next("free some space, or let backup.directory name a larger place");
}

/// Not every file system can rename without replacing; a link does not replace either.
bool give_name(const fs::path& from, const fs::path& to) {
  if (::renameat2(AT_FDCWD, from.c_str(), AT_FDCWD, to.c_str(), RENAME_NOREPLACE) != 0) {
    if (errno == EEXIST) return false;
    if (errno != EINVAL && errno != ENOSYS) raise(errno, "give a name to", to);
    if (::link(from.c_str(), to.c_str()) != 0) {
      if (errno == EEXIST) return false;
      raise(errno, "give a name to", to);
    }
    ::unlink(from.c_str());
  }
  try {
    sync_backup_folder(to.parent_path());
  } catch (...) {
    ::unlink(to.c_str());  // Whether the name is durable is not known: it does not count.
    throw;
  }
  return true;
}

void sync_beside(const fs::path& database) {
  for (const char* suffix : {"-wal", "-journal"}) {
    const fs::path file = database.string() + suffix;
    const int descriptor = ::open(file.c_str(), O_RDONLY | O_CLOEXEC);
    if (descriptor < 0 && errno == ENOENT) continue;
    const int error = descriptor < 0 || ::fsync(descriptor) != 0 ? errno : 0;
    if (descriptor >= 0) ::close(descriptor);
    if (error != 0) raise(error, "sync", file);
  }
  std::error_code none;
  sync_backup_folder(fs::weakly_canonical(database, none).parent_path());
}

void sync_backup_folder(const fs::path& folder) {
  const int descriptor = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  const int error = descriptor < 0 || ::fsync(descriptor) != 0 ? errno : 0;
  if (descriptor >= 0) ::close(descriptor);
  if (error != 0) raise(error, "sync", folder);
}

std::string read_small_file(const fs::path& path, std::size_t size_max) {
  auto file = BackupFile::open(path);
  std::string text;
  std::array<char, 16384> buffer{};
  while (const auto count = file.read(buffer.data(), buffer.size())) {
    text.append(buffer.data(), count);
    if (text.size() > size_max)
      throw engine::Error(ErrorCode::unavailable, fmt::format("{} is larger than {} bytes", path.string(), size_max));
  }
  return text;
}

}  // namespace belay::recovery

#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>

namespace belay::recovery {

// The files of backups, past the C++ library: nothing is ever followed or replaced, and all is synced.

/// A descriptor of a regular file. Every failure is an engine::Error.
class BackupFile {
 public:
  /// Makes a new file. @throws engine::Error when there is anything of that name, even a link to nothing.
  static BackupFile create(const std::filesystem::path& path);
  /// Opens a regular file for reading. @throws engine::Error for anything else: a link, a folder, a pipe.
  static BackupFile open(const std::filesystem::path& path);
  /// The same for a file that a link may lead to.
  static BackupFile follow(const std::filesystem::path& path);

  BackupFile(BackupFile&& other) noexcept;
  BackupFile& operator=(BackupFile&&) = delete;
  ~BackupFile();

  [[nodiscard]] std::uint64_t size() const;
  /// @returns how many bytes; 0 at the end.
  std::size_t read(char* to, std::size_t size);
  void write(std::string_view bytes);
  void sync();
  /// What is read from now on comes from the disk, as far as the system can be told.
  void forget_cache();

 private:
  BackupFile(int descriptor, std::filesystem::path path) : descriptor_(descriptor), path_(std::move(path)) {}
  static BackupFile open_with(const std::filesystem::path& path, int flags);

  int descriptor_;
  std::filesystem::path path_;
};

/// A file that is there only as long as this is, with whatever SQLite makes beside it.
class ScratchFile {
 public:
  explicit ScratchFile(std::filesystem::path path);
  ~ScratchFile();
  ScratchFile(const ScratchFile&) = delete;
  ScratchFile& operator=(const ScratchFile&) = delete;
  [[nodiscard]] const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

/// Keeps other processes of belay from naming and clearing up in a folder that databases share. Where the file system
/// knows no such lock, nothing does.
class FolderLock {
 public:
  explicit FolderLock(const std::filesystem::path& folder);
  ~FolderLock();
  FolderLock(const FolderLock&) = delete;
  FolderLock& operator=(const FolderLock&) = delete;

 private:
  int descriptor_;
};

/// Makes a folder where there is none. @throws engine::Error for a file or a link to nothing in its place.
void make_backup_folder(const std::filesystem::path& folder);

/// @throws engine::Error `no_space`.
void require_space(const std::filesystem::path& folder, std::uint64_t bytes);

/// Gives a finished file its name and syncs the folder. @returns false when the name is taken.
bool give_name(const std::filesystem::path& from, const std::filesystem::path& to);

void sync_backup_folder(const std::filesystem::path& folder);

/// Makes durable what SQLite keeps beside a database, a WAL or a rollback journal, and their names. The database's own
/// file is not opened: closing it would drop SQLite's locks.
void sync_beside(const std::filesystem::path& database);

/// The whole of a file, up to `size_max` bytes. @throws engine::Error, also for a larger one.
std::string read_small_file(const std::filesystem::path& path, std::size_t size_max);

}  // namespace belay::recovery

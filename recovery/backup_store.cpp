#include <fmt/format.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <set>
#include <system_error>

#include "engine/version_table.h"
#include "recovery/backup.h"
#include "recovery/backup_archive.h"
#include "recovery/backup_file.h"

namespace belay::recovery {
namespace {

namespace fs = std::filesystem;
using engine::Observer;

constexpr std::string_view scratch_prefix = ".belay-scratch-";  // In folders of other people, too.
constexpr std::size_t manifest_max = 1U << 20U;

// --- Finding ---

/// What is wrong with a file without reading it; empty when nothing is.
std::string problem_of(const fs::path& file, std::uint64_t bytes) {
  struct stat status {};
  if (::lstat(file.c_str(), &status) != 0)
    return errno == ENOENT ? "its data is not there: " + file.filename().string()
                           : "its data cannot be looked at: " + std::generic_category().message(errno);
  if (!S_ISREG(status.st_mode)) return "its data is not a regular file: " + file.filename().string();
  if (static_cast<std::uint64_t>(status.st_size) != bytes)
    return fmt::format("{} has {} bytes and had {}", file.filename().string(), status.st_size, bytes);
  return {};
}

std::string problem_of(const Backup& backup) {
  std::string problem = problem_of(backup.file, backup.manifest.data.bytes);
  for (const auto& part : backup.manifest.others)
    if (problem.empty())
      problem = problem_of(backup.file.parent_path() / fmt::format("{}.db{}.zst", backup.manifest.id, part.suffix),
                           part.bytes);
  return problem;
}

/// @param id  what the manifest has to be of; empty where the name says nothing.
FoundBackup look_at(const fs::path& file, const fs::path& manifest_file, const std::string& id) {
  FoundBackup found;
  found.id = id;
  found.backup.file = file;
  found.backup.manifest_file = manifest_file;
  found.backup.manifest.id = id;
  try {
    Manifest manifest = parse_manifest(read_small_file(manifest_file, manifest_max));
    if (!id.empty() && manifest.id != id) {
      found.problem = fmt::format("its manifest is that of another backup, {}", manifest.id);
      return found;
    }
    found.backup.manifest = std::move(manifest);
    found.readable = true;
    found.problem = problem_of(found.backup);
  } catch (const Error& error) {
    found.problem = error.what();
    found.newer = error.code() == ErrorCode::newer_backup;
  } catch (const std::exception& error) {
    found.problem = error.what();
  }
  return found;
}

/// `20261122T125453Z` for `20261122T125453Z.json`, `….db.zst`, `….db-wal.zst`; false for any other name.
bool id_of(const fs::path& file, BackupId& id) {
  const std::string name = file.filename().string();
  const auto dot = name.find('.');
  if (dot == std::string::npos || !BackupId::parse(std::string_view(name).substr(0, dot), id)) return false;
  const std::string rest = name.substr(dot);
  return rest == ".json" || rest == ".db.zst" || rest == ".db-wal.zst" || rest == ".db-journal.zst";
}

bool is_manifest(const fs::path& file) {
  return file.extension() == ".json";
}

FoundBackup look_in(const fs::path& folder, const BackupId& id) {
  const std::string name = id.text();
  return look_at(folder / (name + ".db.zst"), folder / (name + ".json"), name);
}

Backup require(FoundBackup found) {
  if (found.problem.empty()) return std::move(found.backup);
  throw Error(found.newer ? ErrorCode::newer_backup : ErrorCode::backup_damaged,
              found.id.empty() ? found.problem : fmt::format("backup {}: {}", found.id, found.problem))
      .at(found.backup.manifest_file.string());
}

Error no_backup(const std::string& what, const fs::path& folder) {
  return Error(ErrorCode::no_backup, what).at(folder.string());
}

Backup newest(const fs::path& folder, const std::string& database) {
  for (auto& found : list_backups(folder))
    if (found.verified() && (database.empty() || found.backup.manifest.database == database))
      return std::move(found.backup);
  throw no_backup("there is no verified backup in " + folder.string(), folder);
}

// --- Checking ---

[[noreturn]] void fail(const Backup& backup, const std::string& what) {
  throw Error(ErrorCode::backup_damaged, fmt::format("backup {} is damaged: {}", backup.manifest.id, what))
      .at(backup.file.string());
}

/// Whether the database that came out is what the manifest says.
std::string mismatch(const fs::path& database, const Manifest& manifest) {
  const auto bytes = manifest.data.content_bytes;
  if (manifest.page_size == 0 || bytes == 0 || bytes % manifest.page_size != 0)
    return fmt::format("{} bytes are no whole number of pages of {} bytes", bytes, manifest.page_size);
  const auto connection = engine::connect({"sqlite", database.string()}, {.read_only = true});
  if (auto corruption = connection->find_corruption(); !corruption.empty()) return corruption;
  const auto state = engine::VersionTable(*connection, "belay_version").state();
  const auto id = state ? state->database_id : std::string();
  const auto lsn = state ? state->last_lsn : journal::Lsn{};
  if (id != manifest.database_id || lsn != manifest.last_lsn)
    return fmt::format("what is in it is another database or state than its manifest says ({} at {}, not {} at {})",
                       id.empty() ? "none of belay's" : id, lsn.value, manifest.database_id, manifest.last_lsn.value);
  return {};
}

ArchiveProgress advance(Observer& observer, const std::stop_token& stop, std::uint64_t total) {
  return [&observer, stop, total](std::uint64_t done) {
    if (stop.stop_requested()) throw engine::Error(engine::ErrorCode::interrupted, "interrupted");
    observer.copy_advanced("checking", static_cast<std::int64_t>(done), static_cast<std::int64_t>(total));
  };
}

void read_part(const Backup& backup, const fs::path& file, const BackupPart& part, BackupFile* to, Observer& observer,
               const std::stop_token& stop) {
  if (const auto problem = problem_of(file, part.bytes); !problem.empty()) fail(backup, problem);
  auto stored = BackupFile::open(file);
  try {
    unpack_part(stored, part, backup.manifest.packed, to, advance(observer, stop, part.content_bytes));
  } catch (const Error& error) {
    fail(backup, fmt::format("{}: {}", file.filename().string(), error.what()));
  }
}

/// What SQLite says of a file that it cannot take is about the backup, not about the user's database.
void check_content(const Backup& backup, const fs::path& path) {
  std::string problem;
  try {
    problem = mismatch(path, backup.manifest);
  } catch (const engine::Error& error) {
    using enum engine::ErrorCode;
    if (error.code() == no_space || error.code() == newer_format) throw;
    problem = error.what();
  }
  if (!problem.empty()) fail(backup, problem);
}

void require_space_for(const Backup& backup, const fs::path& folder) {
  constexpr std::uint64_t headroom = 1U << 20U;
  require_space(folder, backup.manifest.data.content_bytes + headroom);
}

fs::path scratch_place(const Backup& backup) {
  const fs::path folder = backup.file.parent_path();
  return ::access(folder.c_str(), W_OK) == 0 ? folder : fs::temp_directory_path();
}

void verify_kept(const Backup& backup, Observer& observer, const std::stop_token& stop) {
  read_part(backup, backup.file, backup.manifest.data, nullptr, observer, stop);
  for (const auto& part : backup.manifest.others)
    read_part(backup, backup.file.parent_path() / fmt::format("{}.db{}.zst", backup.manifest.id, part.suffix), part,
              nullptr, observer, stop);
}

// --- Removing ---

bool is_alive(std::string_view name) {
  name.remove_prefix(scratch_prefix.size());
  pid_t process = 0;
  std::from_chars(name.data(), name.data() + name.size(), process);
  return process > 0 && process != getpid() && (::kill(process, 0) == 0 || errno == EPERM);
}

/// Removes the files of a folder that `litter` is true of, as far as it can.
template <typename Litter>
void remove_where(const fs::path& folder, Litter litter) noexcept {
  std::error_code error;
  std::error_code ignored;
  for (fs::directory_iterator entry(folder, error); !error && entry != fs::directory_iterator(); entry.increment(error))
    if (litter(entry->path())) fs::remove(entry->path(), ignored);
}

void remove_backup(const Backup& backup) {
  if (::unlink(backup.manifest_file.c_str()) != 0)
    throw engine::Error(
        engine::ErrorCode::unavailable,
        fmt::format("cannot remove {}: {}", backup.manifest_file.string(), std::generic_category().message(errno)));
  sync_backup_folder(backup.file.parent_path());
  ::unlink(backup.file.c_str());  // If it stays it is litter, and removed as such.
}

}  // namespace

std::vector<FoundBackup> list_backups(const fs::path& folder) {
  std::set<BackupId> ids;
  std::error_code error;
  fs::directory_iterator entry(folder, error);
  for (; !error && entry != fs::directory_iterator(); entry.increment(error)) {
    BackupId id;
    if (id_of(entry->path(), id) && is_manifest(entry->path())) ids.insert(id);
  }
  if (error && error != std::errc::no_such_file_or_directory)
    throw engine::Error(engine::ErrorCode::unavailable,
                        fmt::format("cannot read {}: {}", folder.string(), error.message()));
  std::vector<FoundBackup> found;
  for (auto id = ids.rbegin(); id != ids.rend(); ++id) found.push_back(look_in(folder, *id));
  return found;
}

Backup find_backup(const fs::path& folder, const std::string& id, const std::string& database) {
  if (id.empty() || id == "newest") return newest(folder, database);
  BackupId parsed;
  std::error_code error;
  if (!BackupId::parse(id, parsed) || !fs::exists(fs::symlink_status(folder / (id + ".json"), error)))
    throw no_backup(fmt::format("there is no backup {} in {}", id, folder.string()), folder);
  return require(look_in(folder, parsed));
}

Backup find_backup_at(const fs::path& file) {
  const fs::path manifest = file.string() + ".json";
  std::error_code error;
  if (!fs::exists(fs::symlink_status(manifest, error)))
    throw no_backup(fmt::format("there is no backup at {}: a manifest {} belongs to it", file.string(),
                                manifest.filename().string()),
                    file);
  return require(look_at(file, manifest, ""));
}

void verify_backup(const Backup& backup, Observer& observer, const std::stop_token& stop) {
  if (backup.manifest.state == Manifest::State::damaged) return verify_kept(backup, observer, stop);
  const fs::path place = scratch_place(backup);
  const ScratchFile plain(scratch_in(place, backup.manifest.id + ".db"));
  unpack(backup, plain.path(), observer, stop);
}

void unpack(const Backup& backup, const fs::path& path, Observer& observer, const std::stop_token& stop) {
  if (backup.manifest.state == Manifest::State::damaged)
    fail(backup, "it is what was kept of a database that could not be used");
  require_space_for(backup, path.parent_path());
  auto plain = BackupFile::create(path);
  try {
    read_part(backup, backup.file, backup.manifest.data, &plain, observer, stop);
    plain.sync();
    check_content(backup, path);
  } catch (...) {
    const ScratchFile removed(path);
    throw;
  }
}

std::vector<std::string> prune_backups(const fs::path& folder, const std::string& database, std::uint64_t keep,
                                       Prune which) {
  std::vector<std::string> removed;
  std::uint64_t kept = 0;
  bool newest = true;
  for (const auto& found : list_backups(folder)) {
    if (!found.verified() || found.backup.manifest.database != database) continue;
    const bool counts = which == Prune::all || found.backup.manifest.automatic();
    const bool stays = !counts || kept < keep || newest;
    if (counts && stays) ++kept;
    newest = false;
    if (stays) continue;
    remove_backup(found.backup);
    removed.push_back(found.id);
  }
  return removed;
}

fs::path scratch_in(const fs::path& folder, const std::string& name) {
  return folder / fmt::format("{}{}-{}", scratch_prefix, getpid(), name);
}

void discard_scratch(const fs::path& folder) noexcept {
  remove_where(folder, [](const fs::path& file) {
    const std::string name = file.filename().string();
    return name.starts_with(scratch_prefix) && !is_alive(name);
  });
}

void discard_litter(const fs::path& folder) noexcept {
  const FolderLock lock(folder);
  discard_scratch(folder);
  remove_where(folder, [&](const fs::path& file) {
    BackupId id;
    std::error_code ignored;
    return !is_manifest(file) && id_of(file, id) &&
           !fs::exists(fs::symlink_status(folder / (id.text() + ".json"), ignored));
  });
}

}  // namespace belay::recovery

#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "engine/connection.h"
#include "engine/observer.h"
#include "recovery/backup_manifest.h"
#include "recovery/error.h"
#include "versions/stamp.h"

namespace belay::recovery {

// Backups (docs/backup.md): `<id>.db.zst` and `<id>.json` in a folder. Nothing here needs a journal, or a database that
// belay has ever written to.
//
// What writes into a folder of backups is called under the database's process lock; what only reads needs no lock.
// Everything throws engine::Error (`unavailable`, `read_only`, `no_space`, `busy`, `interrupted`, …) besides what it
// says, and leaves no file of its own behind when it throws; a crash leaves litter, which the next take_backup removes.

/// A backup that has a name.
struct Backup {
  std::filesystem::path file;           ///< The data.
  std::filesystem::path manifest_file;  ///< Beside it.
  Manifest manifest;
};

/// A backup as it was found: one whose manifest cannot be read, or whose data is not there as it should be, has a
/// problem instead of counting.
struct FoundBackup {
  std::string id;
  Backup backup;  ///< Its manifest is only the id when `readable` is false.
  bool readable = false;
  std::string problem;  ///< Seen without reading the data; empty when there is none.
  bool newer = false;   ///< The problem is that a later belay has made it.

  [[nodiscard]] bool verified() const {
    return readable && problem.empty() && backup.manifest.state == Manifest::State::verified;
  }
};

struct BackupRequest {
  std::string database{};  ///< Its path, for the manifest.
  std::string reason = "manual";
  std::string version_table = "belay_version";
  /// The ids that are current when these stamps are in the version table; without it the newest stamp.
  std::function<std::vector<std::string>(const std::vector<versions::Stamp>&)> current{};
  /// Where to instead of a folder's next id: a file that is not there; packed when it ends in `.zst`. Its manifest is
  /// that name with `.json` added.
  std::filesystem::path file{};
};

/// Makes a backup of a database while others go on using it, and reads it back before it counts.
///
///   1. space    for a copy and a packed copy
///   2. copy     the database at one moment (Connection::copy_to), checked by the database's own means
///   3. pack     compressed, synced, read back from the disk, decompressed and compared
///   4. name     the data gets its name, the folder is synced, the manifest gets its own. Commit point: that rename
///
/// @param connection  read_only will do; outside a transaction.
/// @param folder  made when it is missing; a link to a folder is followed.
/// @throws Error `database_damaged`: nothing is kept (see keep_damaged).
Backup take_backup(engine::Connection& connection, const std::filesystem::path& folder, const BackupRequest& request,
                   engine::Observer& observer, const std::stop_token& stop = {});

/// Keeps the files of a database that cannot be read, as they are, with `-wal` and `-journal` beside it; state
/// `damaged`. No connection to it may be open in this process: its locks would go when the file is closed.
/// @returns nothing when there is no file at all.
std::optional<Backup> keep_damaged(const std::filesystem::path& database, const std::filesystem::path& folder,
                                   const BackupRequest& request, engine::Observer& observer,
                                   const std::stop_token& stop = {});

/// All backups of a folder, newest first; empty when there is no such folder. Whatever is wrong with one is said of it.
/// @throws engine::Error `unavailable` when the folder cannot be read: some of them are no answer.
std::vector<FoundBackup> list_backups(const std::filesystem::path& folder);

/// The backup of that id, or the newest verified one for `newest` and an empty id.
/// @param database  `newest` is of the database at this path, where the folder has several; empty: of any.
/// @throws Error `no_backup`; `backup_damaged`, `newer_backup` when its manifest or data is not as it should be.
Backup find_backup(const std::filesystem::path& folder, const std::string& id = "newest",
                   const std::string& database = {});

/// The backup that `BackupRequest::file` made, by the name of its data. @throws as find_backup.
Backup find_backup_at(const std::filesystem::path& file);

/// Reads all of it: checksum and size of the file, of its content, and what the database says about itself. The plain
/// copy that this needs is made beside it, or in the system's folder for temporary files where that cannot be written.
/// @throws Error `backup_damaged` saying what is wrong.
void verify_backup(const Backup& backup, engine::Observer& observer, const std::stop_token& stop = {});

/// The same, and the verified copy stays: a plain database at `path`, where nothing is, synced but for its folder.
/// @throws Error `backup_damaged` (also for one of state `damaged`): nothing is at `path`.
void unpack(const Backup& backup, const std::filesystem::path& path, engine::Observer& observer,
            const std::stop_token& stop = {});

enum class Prune {
  automatic,  ///< Only automatic ones, beyond `keep` of these.
  all         ///< All verified ones beyond the `keep` newest.
};

/// Removes the oldest, manifest first: a crash leaves litter, never a manifest without its data. What is damaged or
/// cannot be read stays, and so do the newest verified backup, and those of other databases in the same folder.
/// @param database  its path, as manifests have it.
/// @returns the ids of what was removed.
std::vector<std::string> prune_backups(const std::filesystem::path& folder, const std::string& database,
                                       std::uint64_t keep, Prune which);

/// Removes what a process that was killed has left: scratch files of processes that are gone, data without a manifest.
void discard_litter(const std::filesystem::path& folder) noexcept;

/// Only the scratch files, in any folder.
void discard_scratch(const std::filesystem::path& folder) noexcept;

/// A name in that folder for a file of this process that is not to last; what a crash leaves of it is litter.
std::filesystem::path scratch_in(const std::filesystem::path& folder, const std::string& name);

/// Whether there is anything in the database to be backed up.
bool holds_anything(engine::Connection& connection);

}  // namespace belay::recovery

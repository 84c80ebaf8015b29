#include "recovery/backup.h"

#include <fmt/format.h>

#include <cstdint>
#include <memory>
#include <system_error>
#include <utility>
#include <variant>

#include "engine/clock.h"
#include "engine/version_table.h"
#include "recovery/backup_archive.h"
#include "recovery/backup_file.h"
#include "recovery/foreign_tools.h"
#include "recovery/version.h"

namespace belay::recovery {
namespace {

namespace fs = std::filesystem;
using engine::Observer;

ArchiveProgress advance(Observer& observer, const std::stop_token& stop, const char* what, std::uint64_t total) {
  return [&observer, stop, what, total](std::uint64_t done) {
    if (stop.stop_requested()) throw engine::Error(engine::ErrorCode::interrupted, "the backup was interrupted");
    observer.copy_advanced(what, static_cast<std::int64_t>(done), static_cast<std::int64_t>(total));
  };
}

/// The one value that a query gives.
template <typename Value>
Value value_of(engine::Connection& connection, std::string_view sql) {
  return std::get<Value>(connection.query(sql).at(0).at(0));
}

std::int64_t number(engine::Connection& connection, std::string_view sql) {
  return value_of<std::int64_t>(connection, sql);
}

std::uint64_t size_of(engine::Connection& connection) {
  return static_cast<std::uint64_t>(number(connection, "PRAGMA page_count") * number(connection, "PRAGMA page_size"));
}

Manifest new_manifest(const BackupRequest& request) {
  Manifest manifest;
  manifest.created = engine::utc_now();
  manifest.id = manifest.created;
  std::erase_if(manifest.id, [](char letter) { return letter == '-' || letter == ':'; });
  manifest.version = version;
  manifest.database = request.database;
  manifest.reason = request.reason;
  return manifest;
}

std::vector<std::string> current(const BackupRequest& request, const std::vector<versions::Stamp>& stamps) {
  if (request.current) return request.current(stamps);
  if (stamps.empty()) return {};
  return {stamps.back().revision.text};
}

/// What the copy says about itself; a copy of a corrupt database is none.
void describe(const fs::path& copy, const BackupRequest& request, Manifest& manifest) {
  const auto connection = engine::connect({"sqlite", copy.string()}, {.read_only = true});
  if (const auto corruption = connection->find_corruption(); !corruption.empty())
    throw Error(ErrorCode::database_damaged,
                fmt::format("{} is damaged, and a copy of it would be no backup: {}", request.database, corruption))
        .at(request.database);
  engine::VersionTable table(*connection, request.version_table);
  if (const auto state = table.state()) {
    manifest.database_id = state->database_id;
    manifest.last_lsn = state->last_lsn;
  }
  manifest.revisions = current(request, table.stamps());
  manifest.fingerprint = live_schema(*connection, request.version_table).fingerprint();
  manifest.page_size = static_cast<std::uint64_t>(number(*connection, "PRAGMA page_size"));
  manifest.journal_mode = value_of<std::string>(*connection, "PRAGMA journal_mode");
}

/// Packs a file, or takes it as it is, and reads back what the disk has of it.
class Writer {
 public:
  Writer(Observer& observer, std::stop_token stop) : observer_(observer), stop_(std::move(stop)) {}

  BackupPart write(const fs::path& from, const fs::path* packed) {
    auto source = BackupFile::follow(from);
    const std::uint64_t total = source.size();
    if (!packed) {
      const auto part = pack(source, nullptr, advance(observer_, stop_, "checking", total));
      source.sync();
      return read_back(from, part, false);
    }
    auto target = BackupFile::create(*packed);
    const auto part = pack(source, &target, advance(observer_, stop_, "packing", total));
    target.sync();
    return read_back(*packed, part, true);
  }

 private:
  BackupPart read_back(const fs::path& stored, const BackupPart& part, bool packed) {
    auto file = BackupFile::open(stored);
    file.forget_cache();
    unpack_part(file, part, packed, nullptr, advance(observer_, stop_, "reading back", part.content_bytes));
    return part;
  }

  Observer& observer_;
  std::stop_token stop_;
};

/// Writes the manifest aside and gives it its name. Crash before that: data without a manifest, which is litter.
bool commit(const Manifest& manifest, const fs::path& scratch, const fs::path& name) {
  const ScratchFile aside(scratch);
  auto file = BackupFile::create(aside.path());
  file.write(to_text(manifest));
  file.sync();
  return give_name(aside.path(), name);
}

/// A finished file that is to become one of a backup's.
struct Finished {
  std::string suffix;  ///< Of the original.
  fs::path scratch;
};

Backup in_folder(const fs::path& folder, Manifest manifest) {
  return {folder / (manifest.id + ".db.zst"), folder / (manifest.id + ".json"), std::move(manifest)};
}

bool taken(const Backup& backup) {
  std::error_code error;
  return fs::exists(fs::symlink_status(backup.file, error)) ||
         fs::exists(fs::symlink_status(backup.manifest_file, error));
}

/// Of a backup that has not got its manifest. Where that could not be taken back, on a disk that refuses everything,
/// there is a whole backup.
void remove_data(const std::vector<fs::path>& files, const fs::path& manifest) noexcept {
  std::error_code ignored;
  if (fs::exists(fs::symlink_status(manifest, ignored))) return;
  for (const auto& file : files) fs::remove(file, ignored);
}

/// Under the first id that is free. The data has its name, and the folder is synced, before the manifest gets its own.
Backup publish(const fs::path& folder, Manifest manifest, const std::vector<Finished>& files) {
  const FolderLock lock(folder);
  BackupId id;
  BackupId::parse(manifest.id, id);
  Backup backup = in_folder(folder, std::move(manifest));
  while (taken(backup)) {
    ++id.number;
    backup.manifest.id = id.text();
    backup = in_folder(folder, std::move(backup.manifest));
  }
  std::vector<fs::path> named;
  try {
    for (const auto& file : files) {
      const fs::path name = folder / fmt::format("{}.db{}.zst", backup.manifest.id, file.suffix);
      if (!give_name(file.scratch, name))
        throw engine::Error(engine::ErrorCode::unavailable, name.string() + " has come up meanwhile");
      named.push_back(name);
    }
    if (!commit(backup.manifest, scratch_in(folder, "manifest"), backup.manifest_file))
      throw engine::Error(engine::ErrorCode::unavailable, backup.manifest_file.string() + " has come up meanwhile");
  } catch (...) {
    remove_data(named, backup.manifest_file);
    throw;
  }
  return backup;
}

/// The same under a name that somebody has chosen.
Backup publish_at(const fs::path& file, Manifest manifest, const fs::path& scratch) {
  Backup backup{file, file.string() + ".json", std::move(manifest)};
  const auto refuse = [](const fs::path& name) {
    throw Error(ErrorCode::not_applicable, name.string() + " is there already, and a backup replaces nothing")
        .at(name.string())
        .next("name another file");
  };
  if (taken(backup)) refuse(fs::exists(fs::symlink_status(file)) ? backup.file : backup.manifest_file);
  if (!give_name(scratch, file)) refuse(file);
  try {
    if (!commit(backup.manifest, scratch_in(file.parent_path(), "manifest"), backup.manifest_file))
      refuse(backup.manifest_file);
  } catch (...) {
    remove_data({file}, backup.manifest_file);
    throw;
  }
  return backup;
}

/// Where the files go, made ready for them.
fs::path prepare(const fs::path& folder, const BackupRequest& request, std::uint64_t size) {
  constexpr std::uint64_t headroom = 1U << 20U;  // What is packed may be a little larger; and the manifest.
  fs::path place = request.file.empty() ? folder : request.file.parent_path();
  if (request.file.empty()) {
    make_backup_folder(place);
    discard_litter(place);
  } else {
    discard_scratch(place);
  }
  require_space(place, 2 * size + headroom);
  return place;
}

std::vector<std::string> suffixes_of(const fs::path& database) {
  std::vector<std::string> found;
  std::error_code error;
  for (const char* suffix : {"", "-wal", "-journal"})
    if (fs::exists(database.string() + suffix, error)) found.emplace_back(suffix);
  return found;
}

}  // namespace

Backup take_backup(engine::Connection& connection, const fs::path& folder, const BackupRequest& request,
                   Observer& observer, const std::stop_token& stop) {
  const std::uint64_t size = size_of(connection);
  const fs::path place = prepare(folder, request, size);
  Manifest manifest = new_manifest(request);
  manifest.packed = request.file.empty() || request.file.extension() == ".zst";

  const ScratchFile copy(scratch_in(place, "copy.db"));
  const ScratchFile packed(scratch_in(place, "packed"));
  connection.copy_to(copy.path().string(), [&](std::int64_t done, std::int64_t total) {
    if (stop.stop_requested() && done < total)
      throw engine::Error(engine::ErrorCode::interrupted, "the backup was interrupted");
    observer.copy_advanced("copying", done, total);
  });
  describe(copy.path(), request, manifest);
  manifest.data = Writer(observer, stop).write(copy.path(), manifest.packed ? &packed.path() : nullptr);
  const fs::path& finished = manifest.packed ? packed.path() : copy.path();
  // Before the names: the folder's sync that makes them durable covers this, and no power cut brings the copy back.
  std::error_code ignored;
  if (manifest.packed) fs::remove(copy.path(), ignored);
  if (!request.file.empty()) return publish_at(request.file, std::move(manifest), finished);
  return publish(place, std::move(manifest), {{"", finished}});
}

std::optional<Backup> keep_damaged(const fs::path& database, const fs::path& folder, const BackupRequest& request,
                                   Observer& observer, const std::stop_token& stop) {
  const auto suffixes = suffixes_of(database);
  if (suffixes.empty()) return std::nullopt;
  std::uint64_t size = 0;
  for (const auto& suffix : suffixes) size += BackupFile::follow(database.string() + suffix).size();
  const fs::path place = prepare(folder, request, size);

  Manifest manifest = new_manifest(request);
  manifest.state = Manifest::State::damaged;
  std::vector<std::unique_ptr<ScratchFile>> scratch;
  std::vector<Finished> finished;
  Writer writer(observer, stop);
  const auto keep = [&](const fs::path& from, const std::string& suffix) {
    scratch.push_back(std::make_unique<ScratchFile>(scratch_in(place, "packed" + suffix)));
    BackupPart part = writer.write(from, &scratch.back()->path());
    part.suffix = suffix;
    (suffix.empty() ? manifest.data : manifest.others.emplace_back()) = std::move(part);
    finished.push_back({suffix, scratch.back()->path()});
  };
  for (const auto& suffix : suffixes) keep(database.string() + suffix, suffix);
  if (!suffixes.front().empty()) {
    const ScratchFile missing(scratch_in(place, "missing"));
    BackupFile::create(missing.path());
    keep(missing.path(), "");
  }
  return publish(place, std::move(manifest), finished);
}

bool holds_anything(engine::Connection& connection) {
  return number(connection, "SELECT EXISTS (SELECT 1 FROM sqlite_schema)") != 0;
}

}  // namespace belay::recovery

#include "recovery/restore.h"

#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <exception>
#include <system_error>
#include <utility>

#include "recovery/analysis.h"
#include "recovery/backup_file.h"
#include "recovery/foreign_tools.h"

namespace belay::recovery {
namespace {

namespace fs = std::filesystem;
using journal::Lsn;

constexpr const char* before_restore = "before restore";
constexpr const char* superseded = "a backup was restored instead";

journal::PlannedRevision planned_restore(const Backup& backup, const std::string& id) {
  journal::PlannedRevision planned;
  planned.revision = id;
  planned.action = journal::Action::restore;
  planned.message = fmt::format("restore the backup of {}", backup.manifest.created);
  planned.digest = backup.manifest.data.sha256;
  planned.file = backup.file.string();
  return planned;
}

/// Restores one backup, in a run that is open or about to be.
class Restore {
 public:
  Restore(Target& target, Backup backup, engine::Observer& observer, std::stop_token stop)
      : target_(target),
        backup_(std::move(backup)),
        observer_(observer),
        stop_(std::move(stop)),
        prepared_(prepared_file(target.places())) {}

  void keep();
  void unpack() { recovery::unpack(backup_, prepared_.path(), observer_, stop_); }
  void carry_out();

 private:
  void keep_unusable();
  void prepare(Lsn lsn);
  void replace();
  void replace_file();
  void confirm(Lsn lsn);

  Target& target_;
  Backup backup_;
  engine::Observer& observer_;
  std::stop_token stop_;
  ScratchFile prepared_;
};

void Restore::keep() {
  if (!target_.is_readable()) return keep_unusable();
  if (!holds_anything(target_.connection())) return;
  BackupRequest request{.database = target_.places().url.path, .reason = before_restore};
  request.version_table = target_.versions().name();
  try {
    const auto kept = take_backup(target_.connection(), target_.places().backups, request, observer_, stop_);
    observer_.backed_up(kept.manifest.id, "the database as it was");
  } catch (const Error& error) {
    if (error.code() != ErrorCode::database_damaged) throw;
    target_.disconnect();
    keep_unusable();
    target_.connect();
  }
}

void Restore::keep_unusable() {
  const auto& places = target_.places();
  const BackupRequest request{.database = places.url.path, .reason = before_restore};
  const auto kept = keep_damaged(places.url.path, places.backups, request, observer_, stop_);
  if (kept) observer_.backed_up(kept->manifest.id, "the damaged files as they were");
}

/// From here on the prepared database is the target as it will be after that transaction (invariant T1).
void Restore::prepare(Lsn lsn) {
  auto url = target_.places().url;
  url.path = prepared_.path().string();
  const auto connection = engine::connect(url, {});
  engine::VersionTable versions(*connection, target_.version_table());
  connection->begin();
  versions.create(target_.journal().database_id());
  versions.set_database_id(target_.journal().database_id());
  versions.set_last_lsn(lsn);
  connection->commit();
  connection->query("PRAGMA wal_checkpoint(TRUNCATE)");  // It goes into its place without what lies beside it.
  if (backup_.manifest.journal_mode == "wal") connection->query("PRAGMA journal_mode = WAL");
}

void Restore::replace() {
  if (!target_.is_readable()) return replace_file();
  target_.connection().replace_with(prepared_.path().string(), [this](std::int64_t done, std::int64_t total) {
    observer_.copy_advanced("restoring", done, total);
  });
}

void require_unused(const Places& places) {
  const auto users = engine::users(places.url);
  if (users.empty()) return;
  throw engine::Error(engine::ErrorCode::busy,
                      fmt::format("process {} ({}) has the damaged {} open, and would go on writing to it",
                                  users[0].process, users[0].command, places.url.path))
      .next("end it, then: belay recover restore");
}

/// The commit point is behind us, whatever the error (invariant U1).
engine::Error in_doubt(const std::string& what) {
  return engine::Error(engine::ErrorCode::outcome_unknown, what)
      .state("unknown until the next run decides it from the files")
      .next("belay recover");
}

[[noreturn]] void cannot(const char* doing, const fs::path& file) {
  throw engine::Error(engine::ErrorCode::unavailable,
                      fmt::format("cannot {} {}: {}", doing, file.string(), std::generic_category().message(errno)));
}

/// What lies beside the damaged file would be played back into the new one, so it goes first; all of it is kept. Crash
/// in between: the damaged file without them.
void Restore::replace_file() {
  std::error_code none;
  const fs::path file = fs::weakly_canonical(target_.places().url.path, none);
  require_unused(target_.places());
  for (const char* suffix : {"-wal", "-shm", "-journal"}) {
    const std::string beside = file.string() + suffix;
    if (::unlink(beside.c_str()) != 0 && errno != ENOENT) cannot("remove", beside);
  }
  sync_backup_folder(file.parent_path());
  struct stat status {};
  if (::stat(file.c_str(), &status) == 0) {
    if (::chmod(prepared_.path().c_str(), status.st_mode & 07777U) != 0) cannot("set the mode of", prepared_.path());
    if (::chown(prepared_.path().c_str(), status.st_uid, status.st_gid) != 0 && errno != EPERM)
      cannot("set the owner of", prepared_.path());
  }
  if (::rename(prepared_.path().c_str(), file.c_str()) != 0) cannot("replace", file);
  try {
    sync_backup_folder(file.parent_path());
    target_.connect();
  } catch (const std::runtime_error& error) {
    throw in_doubt(fmt::format("{} was replaced, and cannot be used now: {}", file.string(), error.what()));
  }
}

/// Reads back what is in the target now.
void Restore::confirm(Lsn lsn) {
  try {
    const auto state = target_.versions().state();
    if (state && state->last_lsn == lsn && state->database_id == target_.journal().database_id()) return;
  } catch (const engine::Error& error) {
    throw in_doubt(fmt::format("the restored database cannot be read: {}", error.what()));
  }
  throw in_doubt("the restored database is not the one that was prepared");
}

void Restore::carry_out() {
  auto& journal = target_.journal();
  const Lsn lsn = journal.append(journal::TransactionBegin{.previous = journal.last_commit()});
  journal.append(journal::StampBegin{.ordinal = 0});
  journal.flush();
  prepare(lsn);
  replace();
  confirm(lsn);
  journal.append(journal::TransactionCommit{.begin = lsn});
}

/// @returns whether another run had to be closed for it.
bool open_run(journal::Journal& journal, journal::RunBegin run, std::vector<journal::PlannedRevision> plan) {
  if (!journal.open_run()) {
    journal.begin(std::move(run), std::move(plan));
    return false;
  }
  const auto ended_at = run.started_at;
  journal.supersede(
      closing_of(analyse(journal), journal, superseded),
      {.run = {}, .outcome = journal::Outcome::closed_back, .ended_at = ended_at, .to = {}, .error = superseded},
      std::move(run), std::move(plan));
  return true;
}

/// Nothing has happened. What cannot be written down now is for restart.
void give_up(Target& target, const std::string& why, const engine::Executor::Options& options) noexcept {
  try {
    auto& journal = target.journal();
    journal.append(closing_of(analyse(journal), journal, why).value());
    journal.end({.run = {}, .outcome = journal::Outcome::failed, .ended_at = options.now(), .to = {}, .error = why},
                options.retention);
  } catch (...) {
    return;
  }
}

/// What an earlier restore has replaced is not what is wanted back, as long as there is anything else. Instead of one
/// that is damaged no older one is taken unasked.
Backup newest_wanted(const Places& places) {
  for (const auto& found : list_backups(places.backups)) {
    const auto& manifest = found.backup.manifest;
    const bool wanted = manifest.database == places.url.path && manifest.reason != before_restore &&
                        manifest.state == Manifest::State::verified;
    if (wanted || !found.readable) return find_backup(places.backups, found.id);  // Which says what is wrong with it.
  }
  return find_backup(places.backups, "newest", places.url.path);
}

}  // namespace

void restore(Target& target, const Backup& backup, journal::RunBegin run, const engine::Executor::Options& options,
             engine::Observer& observer, const std::stop_token& stop) {
  Restore restore(target, backup, observer, stop);
  restore.keep();
  restore.unpack();
  run.started_at = options.now();
  const bool instead = open_run(target.journal(), std::move(run), {planned_restore(backup, backup.manifest.id)});
  try {
    restore.carry_out();
  } catch (const engine::Error& error) {
    if (error.code() == engine::ErrorCode::outcome_unknown || instead) throw;
    give_up(target, error.what(), options);
    throw;
  }
  engine::end_run(target.parts(), journal::Outcome::done, "", options, observer);
}

void finish_restore(Target& target, const journal::PlannedRevision& planned, engine::Observer& observer,
                    const std::stop_token& stop) {
  auto backup = find_for_restore(target.places(), planned.file);
  if (backup.manifest.data.sha256 != planned.digest)
    throw Error(ErrorCode::backup_damaged,
                fmt::format("{} is not the backup whose restoring was interrupted", backup.file.string()))
        .at(backup.file.string())
        .next("belay recover restore ID restores another one; belay recover restore --list shows them");
  Restore restore(target, std::move(backup), observer, stop);
  restore.keep();
  restore.unpack();
  restore.carry_out();
}

void require_as_adopted(Target& target, const journal::PlannedRevision& planned) {
  const auto found = live_schema(target.connection(), target.versions().name());
  if (found.fingerprint() == planned.digest) return;
  throw Error(ErrorCode::foreign,
              "a run that was to take the database over was interrupted, and the database has another schema since")
      .at(target.places().url.path)
      .next("belay recover fix-state looks again");
}

Backup find_for_restore(const Places& places, const std::string& id) {
  if (id.empty() || id == "newest") return newest_wanted(places);
  if (id.find('/') == std::string::npos) return find_backup(places.backups, id, places.url.path);
  const fs::path file(id);
  const std::string name = file.filename().string();
  const std::string suffix = ".db.zst";
  if (file.parent_path() == places.backups && name.ends_with(suffix))
    return find_backup(places.backups, name.substr(0, name.size() - suffix.size()), places.url.path);
  return find_backup_at(file);
}

}  // namespace belay::recovery

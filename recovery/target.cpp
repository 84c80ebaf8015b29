#include "recovery/target.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <random>
#include <system_error>

#include "engine/clock.h"
#include "recovery/backup.h"
#include "recovery/backup_file.h"

namespace belay::recovery {
namespace {

namespace fs = std::filesystem;

/// A journal of its own without it would be played into the next one.
void remove_prepared(const fs::path& prepared) {
  for (const char* suffix : {"-journal", "-wal", "-shm", ""}) {
    const fs::path file = prepared.string() + suffix;
    std::error_code none;
    if (!fs::exists(fs::symlink_status(file, none))) continue;
    std::error_code error;
    fs::remove(file, error);
    if (error)
      throw engine::Error(engine::ErrorCode::unavailable, file.string() + " is in the way: " + error.message());
  }
}

/// A file that we may read and write, or none where one could be.
bool is_reachable(const fs::path& file) {
  std::error_code error;
  const auto status = fs::status(file, error);
  return fs::is_regular_file(status) && access(file.c_str(), R_OK | W_OK) == 0 &&
         access(file.parent_path().c_str(), W_OK) == 0;
}

}  // namespace

Places::Places(const Settings& settings)
    : url(engine::DatabaseUrl::parse(settings.database, fs::absolute(settings.folder).string())),
      versions((settings.folder / settings.versions).lexically_normal()),
      folder(settings.journal.empty() ? fs::path(url.path + "-belay")
                                      : fs::absolute(settings.folder / settings.journal).lexically_normal()),
      journal(folder / "journal.lmdb"),
      lock(folder / "lock"),
      scripts(folder / "scripts"),
      backups(settings.backups.empty() ? folder / "backups"
                                       : fs::absolute(settings.folder / settings.backups).lexically_normal()) {}

Target::Target(const Settings& settings, const std::string& command, const std::stop_token& stop)
    : places_(settings),
      version_table_(settings.version_table),
      options_{.lock_timeout = settings.lock_timeout, .read_only = false, .secure_delete = settings.secure_delete},
      stop_(stop) {
  connect();
  lock(command);
  // That somebody else keeps the database locked is to be found out here, before a run is written down.
  connection_->begin();
  connection_->rollback();
  open_journal();
}

Target::Target(const Settings& settings, const std::string& command, const std::stop_token& stop, const Origin& origin)
    : places_(settings),
      version_table_(settings.version_table),
      options_{.lock_timeout = settings.lock_timeout, .read_only = false, .secure_delete = settings.secure_delete},
      stop_(stop) {
  lock(command);
  connect_if_usable();
  rescue_journal(origin);
}

void Target::connect() {
  connection_ = engine::connect(places_.url, options_);
  connection_->stop_on(stop_);
  versions_.emplace(*connection_, version_table_);
}

void Target::disconnect() {
  versions_.reset();
  connection_.reset();
}

void Target::lock(const std::string& command) {
  make_journal_folder(places_);
  lock_ = journal::ProcessLock::acquire(places_.lock, this_process(command), options_.lock_timeout, stop_);
  discard_scratch(places_.backups);
  remove_prepared(prepared_file(places_));
}

/// A file that cannot be reached at all is not for us to replace; one that makes no sense is.
void Target::connect_if_usable() {
  if (is_reachable(places_.url.path) && !engine::looks_sound(places_.url)) return;
  try {
    connect();
    connection_->begin();
    connection_->rollback();
    versions_->state();
    versions_->stamps();
  } catch (const engine::Error& error) {
    const bool senseless = error.code() == engine::ErrorCode::not_a_database ||
                           error.code() == engine::ErrorCode::statement_failed ||
                           (error.code() == engine::ErrorCode::unavailable && is_reachable(places_.url.path));
    if (!senseless) throw;
    disconnect();
  }
}

/// Crash after `create`: a journal that no transaction of the database knows yet; both say "nothing committed".
void Target::open_journal() {
  if (fs::exists(places_.journal)) {
    journal_ = journal::Journal::open(places_.journal, journal::Journal::Access::write);
    return;
  }
  if (versions_->state()) throw journal_lost(places_);
  journal_ = journal::Journal::create(places_.journal, new_database_id());
}

void Target::rescue_journal(const Origin& origin) {
  if (fs::exists(places_.journal)) {
    try {
      journal_ = journal::Journal::open(places_.journal, journal::Journal::Access::write);
    } catch (const journal::Error& error) {
      if (error.code() != journal::ErrorCode::damaged) throw;
      set_aside_journal(places_);
    }
  }
  const auto state = is_readable() ? versions_->state() : std::nullopt;
  const std::string known = journal_ ? journal_->database_id() : state ? state->database_id : origin.database_id;
  if (!origin.database_id.empty() && origin.database_id != known)
    throw Error(ErrorCode::foreign,
                fmt::format("the backup is of another database ({}, and this is {})", origin.database_id, known))
        .at(places_.url.path)
        .next("belay recover restore --list shows the backups of this one");
  if (journal_) return;
  const auto last_lsn = std::max(origin.last_lsn, state ? state->last_lsn : journal::Lsn{});
  journal_ = journal::Journal::create(places_.journal, known.empty() ? new_database_id() : known, last_lsn);
}

std::string new_database_id() {
  std::random_device random;
  std::string id;
  for (int i = 0; i < 4; ++i) id += fmt::format("{:08x}", random());
  return id;
}

void make_journal_folder(const Places& places) {
  std::error_code error;
  fs::create_directories(places.folder, error);
  if (error)
    throw journal::Error(journal::ErrorCode::unavailable, "the journal's folder cannot be made: " + error.message(),
                         places.folder);
}

fs::path prepared_file(const Places& places) {
  return places.url.path + "-restore.new";
}

fs::path set_aside_journal(const Places& places) {
  if (!fs::exists(places.journal)) return {};
  std::string time = engine::utc_now();
  std::erase_if(time, [](char letter) { return letter == '-' || letter == ':'; });
  fs::path aside = places.journal.string() + ".set-aside-" + time;
  for (int i = 2; fs::exists(aside); ++i) aside = fmt::format("{}.set-aside-{}-{}", places.journal.string(), time, i);
  std::error_code error;
  fs::rename(places.journal, aside, error);
  if (error)
    throw journal::Error(journal::ErrorCode::unavailable, "it cannot be set aside: " + error.message(), places.journal);
  fs::remove(places.journal.string() + "-lock", error);  // LMDB's table of readers, which it makes anew.
  sync_backup_folder(places.folder);
  return aside;
}

journal::Holder this_process(const std::string& command) {
  std::array<char, 256> host{};
  gethostname(host.data(), host.size() - 1);
  return {.pid = getpid(), .host = host.data(), .command = command, .since = engine::utc_now()};
}

Error foreign(const Evidence& evidence, const journal::Journal& journal,
              const std::optional<engine::TargetState>& target) {
  if (target && target->database_id != journal.database_id())
    return Error(ErrorCode::foreign, fmt::format("the journal {} belongs to another database ({}, and this is {})",
                                                 journal.file().string(), journal.database_id(), target->database_id))
        .at(journal.file().string())
        .next(
            "put back beside each other what belongs together; or belay recover fix-state, which goes on with this "
            "database");
  if (!target)
    return Error(ErrorCode::foreign,
                 fmt::format("the journal {} knows of committed transactions, up to {}, and the database of none",
                             journal.file().string(), evidence.journal_last_commit.value))
        .at(journal.file().string())
        .next(
            "put the database back, or a backup: belay recover restore; if it was removed on purpose: belay recover "
            "fix-state");
  return Error(ErrorCode::foreign,
               fmt::format("journal and database do not fit: the last transaction is {} in the journal and {} in the "
                           "database; one of the two was restored, edited or swapped",
                           evidence.journal_last_commit.value, evidence.target_last_lsn.value))
      .at(journal.file().string())
      .next(
          "put back the database and the -belay folder that belong together; or belay recover fix-state, which goes "
          "on with this database");
}

Error journal_lost(const Places& places) {
  return Error(ErrorCode::journal_lost,
               fmt::format("belay has written to this database before, and its journal is not there: {}",
                           places.journal.string()))
      .at(places.journal.string())
      .next(
          "put the -belay folder that belongs to the database back beside it; or belay recover fix-state, which begins "
          "another journal");
}

}  // namespace belay::recovery

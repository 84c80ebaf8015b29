#include "recovery/target.h"

#include <fmt/format.h>
#include <unistd.h>

#include <array>
#include <filesystem>
#include <random>
#include <system_error>

#include "engine/clock.h"
#include "recovery/backup.h"

namespace belay::recovery {
namespace {

namespace fs = std::filesystem;

std::string new_database_id() {
  std::random_device random;
  std::string id;
  for (int i = 0; i < 4; ++i) id += fmt::format("{:08x}", random());
  return id;
}

void make_folder(const fs::path& folder) {
  std::error_code error;
  fs::create_directories(folder, error);
  if (error)
    throw journal::Error(journal::ErrorCode::unavailable, "the journal's folder cannot be made: " + error.message(),
                         folder);
}

}  // namespace

Places::Places(const Settings& settings)
    : url(engine::DatabaseUrl::parse(settings.database, fs::absolute(settings.folder).string())),
      versions((settings.folder / settings.versions).lexically_normal()),
      folder(settings.journal.empty() ? fs::path(url.path + "-belay")
                                      : fs::absolute(settings.folder / settings.journal).lexically_normal()),
      journal(folder / "journal.lmdb"),
      lock(folder / "lock"),
      backups(settings.backups.empty() ? folder / "backups"
                                       : fs::absolute(settings.folder / settings.backups).lexically_normal()) {}

Target::Target(const Settings& settings, const std::string& command, const std::stop_token& stop) : places_(settings) {
  connection_ = engine::connect(places_.url, {.lock_timeout = settings.lock_timeout, .read_only = false});
  connection_->stop_on(stop);
  versions_.emplace(*connection_, settings.version_table);
  make_folder(places_.folder);
  lock_ = journal::ProcessLock::acquire(places_.lock, this_process(command), settings.lock_timeout, stop);
  discard_litter(places_.backups);
  // That somebody else keeps the database locked is to be found out here, before a run is written down.
  connection_->begin();
  connection_->rollback();
  open_journal();
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
        .next("put the journal of this database back beside it, or the database that this journal belongs to");
  if (!target)
    return Error(ErrorCode::foreign,
                 fmt::format("the journal {} knows of committed transactions, up to {}, and the database of none",
                             journal.file().string(), evidence.journal_last_commit.value))
        .at(journal.file().string())
        .next(fmt::format("put the database back; if it was removed on purpose, remove {} as well",
                          journal.file().parent_path().string()));
  return Error(ErrorCode::foreign,
               fmt::format("journal and database do not fit: the last transaction is {} in the journal and {} in the "
                           "database; one of the two was restored, edited or swapped",
                           evidence.journal_last_commit.value, evidence.target_last_lsn.value))
      .at(journal.file().string())
      .next("put back the database and the -belay folder that belong together");
}

Error journal_lost(const Places& places) {
  return Error(ErrorCode::journal_lost,
               fmt::format("belay has written to this database before, and its journal is not there: {}",
                           places.journal.string()))
      .at(places.journal.string())
      .next("put the -belay folder that belongs to the database back beside it");
}

}  // namespace belay::recovery

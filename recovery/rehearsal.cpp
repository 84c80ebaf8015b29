#include "recovery/rehearsal.h"

#include <fmt/format.h>

#include <memory>

#include "recovery/backup_file.h"

namespace belay::recovery {
namespace {

namespace fs = std::filesystem;

/// The trial goes on under no eyes but its own.
class Unheard final : public engine::Seals {
  void seal(const std::string& /*before*/, const std::string& /*after*/) override {}
};

std::unique_ptr<engine::Connection> open(const Target& target, const fs::path& file) {
  auto url = target.places().url;
  url.path = file.string();
  return engine::connect(url, {});
}

Error unsound(const std::string& damage) {
  return Error(ErrorCode::foreign_writes, "the database is not sound as it is, so nothing is discarded: " + damage)
      .next("restore a backup: belay recover restore");
}

Backup keep(Target& target, engine::Observer& observer) {
  BackupRequest request{
      .database = target.places().url.path, .reason = "before undo", .version_table = target.versions().name()};
  try {
    return take_backup(target.connection(), target.places().backups, request, observer);
  } catch (const Error& error) {
    if (error.code() == ErrorCode::database_damaged) throw unsound(error.what());
    throw;
  }
}

/// @returns what is wrong with the result; empty when it is sound.
std::string try_on(const Target& target, const fs::path& file, const engine::Restoration& what, journal::Lsn previous,
                   const std::string& table) {
  const auto connection = open(target, file);
  if (const auto damage = connection->find_damage(); !damage.empty()) throw unsound(damage);
  Unheard unheard;
  connection->restore(what, unheard);
  const auto state = engine::VersionTable(*connection, table).state();
  const auto last_lsn = state ? state->last_lsn : journal::Lsn{};
  if (last_lsn != previous) return fmt::format("its last transaction is {} and not {}", last_lsn.value, previous.value);
  return connection->find_damage();
}

}  // namespace

Backup rehearse(Target& target, const engine::Restoration& what, journal::Lsn previous, engine::Observer& observer) {
  Backup backup = keep(target, observer);
  const ScratchFile trial(scratch_in(target.places().backups, "trial.db"));
  unpack(backup, trial.path(), observer);
  const std::string damage = try_on(target, trial.path(), what, previous, target.versions().name());
  if (damage.empty()) return backup;
  throw Error(
      ErrorCode::foreign_writes,
      fmt::format("what others have written since is so entangled with what is to be taken back that the result "
                  "would be damaged: {}; nothing was changed",
                  damage))
      .next("restore a backup: belay recover restore; or write down scripts for what is to be taken back");
}

}  // namespace belay::recovery

#include "recovery/backup_before.h"

#include <fmt/format.h>

#include <utility>

#include "versions/destructive.h"

namespace belay::recovery {
namespace {

/// The DROP TABLE of a rebuild is no less one: not every column need come along.
std::optional<std::string> destructive_step(const std::vector<journal::PlannedRevision>& plan) {
  versions::DestructiveStatements search;
  std::optional<std::string> first;
  for (const auto& revision : plan)
    for (const auto& step : revision.steps)
      for (const auto& statement : step.statements)
        if (const auto found = search.look(statement.text); found && !first)
          first = fmt::format("{} {}", revision.revision,
                              step.is_rebuild() ? "rebuilds table " + step.rebuild_table : *found);
  return first;
}

}  // namespace

std::optional<std::string> backup_reason(BackupBefore when, const std::vector<journal::PlannedRevision>& plan) {
  if (when == BackupBefore::never || plan.empty()) return std::nullopt;
  if (when == BackupBefore::always) return "every run";
  return destructive_step(plan);
}

std::optional<Backup> back_up(engine::Connection& connection, const Places& places, const Settings& settings,
                              BackupRequest request, const std::string& why, engine::Observer& observer,
                              const std::stop_token& stop) {
  if (!holds_anything(connection)) return std::nullopt;
  request.database = places.url.path;
  request.version_table = settings.version_table;
  Backup backup = take_backup(connection, places.backups, request, observer, stop);
  observer.backed_up(backup.manifest.id, why);
  try {
    prune_backups(places.backups, places.url.path, settings.keep_backups, Prune::automatic);
  } catch (const std::exception& error) {
    observer.message(fmt::format("old backups could not be removed: {}", error.what()));
  }
  return backup;
}

}  // namespace belay::recovery

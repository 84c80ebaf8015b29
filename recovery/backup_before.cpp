#include "recovery/backup_before.h"

#include <fmt/format.h>

#include <utility>

#include "versions/destructive.h"

namespace belay::recovery {
namespace {

std::optional<std::string> destructive_step(const std::vector<journal::PlannedRevision>& plan) {
  versions::DestructiveStatements search;
  std::optional<std::string> first;
  for (const auto& revision : plan)
    for (const auto& step : revision.steps)
      for (const auto& statement : step.statements)
        if (const auto found = search.look(statement.text); found && !first)
          first = fmt::format("{} {}", revision.revision, *found);
  return first;
}

}  // namespace

std::optional<std::string> backup_reason(BackupBefore when, const std::vector<journal::PlannedRevision>& plan) {
  if (when == BackupBefore::never || plan.empty()) return std::nullopt;
  if (when == BackupBefore::always) return "every run";
  return destructive_step(plan);
}

std::optional<Backup> backup_before_run(
    Target& target, const Settings& settings, const std::vector<journal::PlannedRevision>& plan,
    engine::Observer& observer, const std::stop_token& stop,
    std::function<std::vector<std::string>(const std::vector<versions::Stamp>&)> current) {
  const auto why = backup_reason(settings.backup_before, plan);
  if (!why || !holds_anything(target.connection())) return std::nullopt;
  const BackupRequest request{.database = target.places().url.path,
                              .reason = "auto",
                              .version_table = settings.version_table,
                              .current = std::move(current)};
  Backup backup = take_backup(target.connection(), target.places().backups, request, observer, stop);
  observer.backed_up(backup.manifest.id, *why);
  prune_automatic(target.places(), settings.keep_backups, observer);
  return backup;
}

void prune_automatic(const Places& places, std::uint64_t keep, engine::Observer& observer) {
  try {
    prune_backups(places.backups, places.url.path, keep, Prune::automatic);
  } catch (const std::exception& error) {
    observer.message(fmt::format("old backups could not be removed: {}", error.what()));
  }
}

}  // namespace belay::recovery

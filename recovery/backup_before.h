#pragma once

#include <functional>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "journal/record.h"
#include "recovery/backup.h"
#include "recovery/target.h"

namespace belay::recovery {

/// Why a backup is to be taken before this plan is run, for a person: `20260119 drops table rooms`; `every run` when
/// that is what the settings say. Nothing when none is to be.
std::optional<std::string> backup_reason(BackupBefore when, const std::vector<journal::PlannedRevision>& plan);

/// Takes it, with reason `auto`, and lets go of the oldest automatic ones beyond `keep_backups`. Not of a database with
/// nothing in it. Before the run is written down: a crash leaves a backup, and no run.
/// @param current  see BackupRequest.
std::optional<Backup> backup_before_run(
    Target& target, const Settings& settings, const std::vector<journal::PlannedRevision>& plan,
    engine::Observer& observer, const std::stop_token& stop,
    std::function<std::vector<std::string>(const std::vector<versions::Stamp>&)> current);

/// `prune_backups` of automatic ones; that it fails is said and stops nothing.
void prune_automatic(const Places& places, std::uint64_t keep, engine::Observer& observer);

}  // namespace belay::recovery

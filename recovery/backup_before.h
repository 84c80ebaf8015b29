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

/// Takes one, unless there is nothing in the database, tells of it, and lets go of the oldest automatic ones beyond
/// `keep_backups`; that this fails is said and stops nothing. Before a run is written down: a crash leaves a backup,
/// and no run.
/// @param request  its database and version table are set here.
/// @param why  for a person.
std::optional<Backup> back_up(engine::Connection& connection, const Places& places, const Settings& settings,
                              BackupRequest request, const std::string& why, engine::Observer& observer,
                              const std::stop_token& stop);

}  // namespace belay::recovery

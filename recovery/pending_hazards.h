#pragma once

#include <stop_token>
#include <string>
#include <vector>

#include "journal/record.h"
#include "recovery/settings.h"
#include "versions/schema/hazard.h"

namespace belay::recovery {

/// What a script that is not run yet may do to the rows that are there.
struct PendingHazard {
  std::string revision;
  versions::schema::Hazard hazard;
  /// This script, or one before it, changes values of the table: rows may fit by then.
  bool may_be_mended = false;
};

struct PendingHazards {
  std::vector<PendingHazard> hazards;
  /// Why the rest of the scripts could not be looked at, a sentence with its place; empty when all were.
  std::string not_tried;
};

/// Tries the scripts of a plan on a scratch database that begins as the live one is, without its rows, and judges what
/// each of them changes by the rows of the live one. Each hazard is told at the script that brings it; a table that one
/// of them makes has no rows. Only reads.
/// @param exists  there is a database.
/// @throws engine::Error `interrupted`, `busy`, `unavailable`.
PendingHazards find_pending_hazards(const std::vector<journal::PlannedRevision>& plan, const Settings& settings,
                                    bool exists, const std::stop_token& stop);

}  // namespace belay::recovery

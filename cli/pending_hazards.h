#pragma once

#include <string>
#include <vector>

#include "cli/context.h"
#include "cli/json.h"
#include "journal/record.h"
#include "recovery/pending_hazards.h"

namespace belay::cli {

/// What `--dry-run` says of the rows that are there.
recovery::PendingHazards pending_hazards(Context& context, const recovery::Situation& situation,
                                         const std::vector<journal::PlannedRevision>& plan);

/// `[{"revision","kind","object","message","count"}]`
Json to_json(const recovery::PendingHazards& pending);

/// The lines below a revision: those hazards that are about something that is there.
std::vector<std::string> hazard_lines(const recovery::PendingHazards& pending, const std::string& revision);

}  // namespace belay::cli

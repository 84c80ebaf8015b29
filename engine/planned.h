#pragma once

#include <string>
#include <vector>

#include "journal/record.h"
#include "versions/plan.h"

namespace belay::engine {

/// What the journal is to know of a revision before it runs: all that it takes to run it without its script.
journal::PlannedRevision planned(const versions::Script& script, journal::Action action);

/// The same for a file of SQL that changes no stamp.
/// @param name  as messages name it.
journal::PlannedRevision planned_hook(const std::string& name, const std::vector<versions::Statement>& statements);

/// A whole plan, in its order.
std::vector<journal::PlannedRevision> planned(const versions::Plan& plan);

}  // namespace belay::engine

#pragma once

#include <string>
#include <vector>

#include "journal/record.h"
#include "versions/plan.h"
#include "versions/stamp.h"

namespace belay::engine {

/// What the journal is to know of a revision before it runs: all that it takes to run it without its script.
journal::PlannedRevision planned(const versions::Script& script, journal::Action action);

/// The same for a file of SQL that changes no stamp.
/// @param name  as messages name it.
journal::PlannedRevision planned_hook(const std::string& name, const std::vector<versions::Statement>& statements);

/// A whole plan, in its order.
std::vector<journal::PlannedRevision> planned(const versions::Plan& plan);

/// In a word what a run of this plan does to its revisions: `applied`, or `taken back` if it only goes down.
const char* what_is_done(const std::vector<journal::PlannedRevision>& plan);

/// What removes this stamp.
journal::PlannedRevision planned_unstamp(const versions::Stamp& stamp);

/// What makes the version table say that just these are applied, with the digests that the scripts have now: stamps
/// that go, newest first, then those that come or are renewed.
/// @param applied  by position in the graph.
std::vector<journal::PlannedRevision> planned_stamps(const versions::Graph& graph,
                                                     const std::vector<versions::Stamp>& stamps,
                                                     const std::vector<bool>& applied);

}  // namespace belay::engine

#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "cli/json.h"
#include "cli/terminal.h"
#include "recovery/migrator.h"

namespace belay::cli {

// A database as a look finds it, in words and in JSON: what `status` and `recover` both show.

/// `clean`, `interrupted`, `inconsistent`.
std::string_view state_of(const recovery::Situation& situation);

/// One of the two ways to settle an interrupted run.
const recovery::Situation::Way& way(const recovery::Situation::Interrupted& interrupted, recovery::Policy policy);

/// `--forward`, `--back`.
const char* flag_of(recovery::Policy policy);

/// Its run was on its way down: `belay migrate`, which settles the others, would go up again.
bool was_going_down(const recovery::Situation::Interrupted& interrupted);

/// The command that settles it by the policy and then does no more than was begun.
std::string settling_command(const recovery::Situation::Interrupted& interrupted, recovery::Policy policy);

/// A labelled line of a look: `undo       run 3 …`. Without a label it goes on with the line above.
std::string labelled(std::string_view label, std::string_view text);

/// Nulls and empty arrays where there is nothing to say.
Json running_json(const recovery::Situation& situation);
Json interrupted_json(const recovery::Situation& situation);
Json problems_json(const recovery::Situation& situation);
Json undoable_json(const std::vector<recovery::UndoableRun>& runs);

/// `run 12 (migrate, 3 revisions)`.
std::string describe(const recovery::UndoableRun& run);

/// Who is at work, and what journal or scripts do not fit.
void print_running(Terminal& terminal, const recovery::Situation& situation);
void print_problems(Terminal& terminal, const recovery::Situation& situation);

}  // namespace belay::cli

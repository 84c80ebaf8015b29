#pragma once

#include <string>
#include <vector>

#include "cli/terminal.h"
#include "journal/record.h"
#include "recovery/settings.h"

namespace belay::cli {

/// A plan as a script that a person could run instead, with any client: its stamps are those that belay would write.
/// Batches are one statement each, as nobody writes meanwhile. The hooks that are SQL are in it, unless the plan only
/// stamps.
std::string sql_of(const std::vector<journal::PlannedRevision>& plan, const recovery::Settings& settings);

/// What `--sql` gives: the script, or with --json an object that holds it.
void print_sql(Terminal& terminal, const std::string& sql);

}  // namespace belay::cli

#pragma once

#include <string>
#include <vector>

#include "cli/context.h"
#include "recovery/migrator.h"

namespace belay::cli {

// What a command that changes a database says when it is done.

/// `1001, 2001`, or `base`.
std::string joined(const std::vector<versions::RevisionId>& ids);

/// Where the database is, for a person: `20260316150000 (head)`.
std::string place(const std::vector<versions::RevisionId>& current, const versions::Graph& graph);

/// `1 revision`, `3 revisions`.
std::string revisions_text(std::size_t count);

/// The hook after a run that did something. The run is over: a hook that fails now takes nothing back.
void after_migrate(Context& context, const recovery::Report& report);

/// The report as JSON; for a person what was done, and where that leaves the database.
/// @param done  up to the words `the database is at`: `3 revisions; `, `nothing to do: `, …
int finish(Context& context, const recovery::Report& report, const std::string& done);

}  // namespace belay::cli

#pragma once

#include <functional>
#include <optional>
#include <set>
#include <stop_token>
#include <string>
#include <vector>

#include "engine/connection.h"
#include "engine/error.h"
#include "engine/observer.h"
#include "journal/record.h"
#include "recovery/settings.h"
#include "recovery/situation.h"
#include "recovery/target.h"
#include "versions/graph.h"
#include "versions/schema/schema.h"

namespace belay::recovery {

// A database is taken down to base and brought up to its head again, in one run (docs/check-and-reset.md):
//
//   down    the down sections, newest first, as far as they go: a revision without one, without a script, irreversible,
//           or whose down section fails when it is tried on a scratch database of the live schema, ends them
//   drop    what is left then, by DROP statements, together with the stamps that are left: both or neither
//   up      every revision to the head
//
// An ordinary run: its plan is in the journal, so restart finishes it wherever it was killed, and at each commit the
// version table and the schema belong together. Nothing is begun before all of it has been tried on the scratch
// database. Foreign keys are off, and checked before each commit, as in every run.

/// What a reset would do.
struct ResetPlan {
  std::vector<journal::PlannedRevision> run;  ///< All of it, hooks among it; empty when there is nothing to do.
  std::vector<std::string> unknown;           ///< What no revision makes, and will be dropped: `table by_hand`.
  std::vector<std::string> dropped;           ///< What is dropped instead of taken back, `unknown` among it.
  std::string why_dropped;                    ///< Where the down sections end, as a sentence; empty: they go to base.
};

/// What a plan is made from.
struct ResetInput {
  const engine::DatabaseUrl& url;
  const std::string& version_table;
  const std::vector<std::string>& ignored;
  const versions::Graph& graph;
  const Situation& situation;
  /// Puts the SQL hooks of each revision into it.
  std::function<void(journal::PlannedRevision&)> add_hooks;
  engine::Connection* live = nullptr;  ///< Null when there is no database; only read.
  /// Revisions whose down section has failed on the real database.
  std::set<std::string> failed{};
  std::vector<journal::PlannedRevision> before_run{};  ///< The SQL hooks around the run.
  std::vector<journal::PlannedRevision> after_run{};
  std::stop_token stop{};
};

/// @throws versions::Error `several_heads`; engine::Error with file, line and statement when the revisions cannot be
///         applied to what is left then, or an object of the schema, named in place of the file, can only be made by
///         the program that made it (a virtual table of an unknown module).
ResetPlan plan_reset(const ResetInput& input);

/// `DROP` for every object, in an order in which nothing refers to what has gone: triggers, views, virtual tables (with
/// their shadow tables), then tables (with their indexes), children before their parents as far as there is no cycle.
std::vector<versions::Statement> drop_statements(const versions::schema::Schema& schema);

/// The revision of this plan whose down section has just failed by what it does, and is applied still.
std::optional<std::string> failed_down(const ResetPlan& plan, const engine::Error& error,
                                       const std::vector<versions::Stamp>& stamps);

}  // namespace belay::recovery

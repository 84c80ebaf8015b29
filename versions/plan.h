#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "versions/graph.h"

namespace belay::versions {

enum class Direction { up, down };

/// What is to be done, in the order in which to do it. Borrows from the graph, which must outlive it.
struct Plan {
  Direction direction = Direction::up;
  std::vector<const Script*> revisions;
};

/// The revisions that bring a database with `applied` up to `target`:
///   `head`   the only head; `heads`  all of them;
///   `+N`     the next N on the way to the only head;
///   an id or an unambiguous prefix: that revision and what it needs.
/// Empty when all of it is applied.
/// @throws Error `several_heads`, `unknown_revision`, `ambiguous_revision`, or `bad_target` for `base`, `-N`, `+0` and
///         for a `+N` that leads past the head (it says how many there are).
Plan plan_upgrade(const Graph& graph, const std::vector<bool>& applied, std::string_view target);

/// The revisions to take back, newest first, so that `target` is where the database is:
///   `base`   everything; `-N`  the N newest;
///   an id or prefix: everything applied that descends from it.
/// @throws Error `unknown_revision`, `ambiguous_revision`, `bad_target` for `head`, `+N`, a revision that is not
///         applied, and a `-N` that leads below base; `irreversible`, with the reason and the file, when the plan
///         passes a revision without a `down` section or with `irreversible:`.
Plan plan_downgrade(const Graph& graph, const std::vector<bool>& applied, std::string_view target);

/// Marks what targets speak of that name states and no way there: `base`, `head` or `heads` (both all heads), ids or
/// prefixes; each with its ancestors.
/// @throws Error `unknown_revision`, `ambiguous_revision`.
std::vector<bool> revisions_at(const Graph& graph, const std::vector<std::string>& targets);

}  // namespace belay::versions

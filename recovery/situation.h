#pragma once

#include <functional>
#include <optional>
#include <stop_token>
#include <vector>

#include "journal/process_lock.h"
#include "recovery/finished_runs.h"
#include "recovery/outlook.h"
#include "recovery/settings.h"
#include "versions/graph.h"
#include "versions/stamp.h"

namespace belay::recovery {

/// A database as it is found, by a look that writes nothing.
struct Situation {
  using Interrupted = recovery::Interrupted;
  using Way = recovery::Way;

  bool exists = false;  ///< There is a database at all.
  std::vector<versions::Stamp> stamps;
  std::vector<versions::Drift> drift;
  std::vector<bool> applied;  ///< By position in the graph.
  std::vector<versions::RevisionId> current;

  std::optional<Interrupted> interrupted;  ///< The run that is open in the journal, with nobody running it.

  /// What `undo_run` can take back, newest first; empty while a run is open.
  std::vector<UndoableRun> undoable;
  /// Nothing proves that nobody else has written since the newest run: only to be taken back with what came after it.
  bool written_since = false;

  std::optional<journal::Holder> running;  ///< Who is at work on it right now.
  std::optional<Error> problem;            ///< Journal and database do not fit.

  [[nodiscard]] bool consistent() const { return !problem && drift.empty(); }
};

/// What the version table says, beside the scripts.
void fill(Situation& situation, const versions::Graph& graph, std::vector<versions::Stamp> stamps);

/// What a look is for.
enum class Ahead {
  yes,  ///< To tell somebody what can be done.
  no,   ///< To do what was asked for: an interrupted run is only named, and no run counts as undoable.
};

/// Where a database is. Writes nothing and waits for nobody.
/// @param graph  called last, so that the scripts can be read meanwhile.
/// @throws engine::Error, journal::Error, and what `graph` throws.
Situation look(const Settings& settings, const Places& places, const std::function<const versions::Graph&()>& graph,
               const std::stop_token& stop, Ahead ahead = Ahead::yes);

}  // namespace belay::recovery

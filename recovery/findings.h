#pragma once

#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "engine/version_table.h"
#include "journal/journal.h"
#include "recovery/analysis.h"
#include "recovery/foreign_tools.h"
#include "recovery/settings.h"
#include "recovery/target.h"
#include "versions/schema/schema.h"
#include "versions/stamp.h"

namespace belay::recovery {

/// A journal as fix-state finds it, read from end to end.
struct JournalFound {
  enum class Condition {
    none,
    damaged,  ///< It cannot be read, or is not whole.
    readable
  };
  Condition condition = Condition::none;
  std::string damage;

  // Of one that is readable.
  std::string database_id;
  journal::Lsn last;
  journal::Lsn last_commit;
  Analysis analysis;                   ///< With the run that is open.
  Verdict verdict = Verdict::nothing;  ///< Of it and the database together.
  std::vector<std::string> ended_at;   ///< The current revisions when its newest finished run ended.
  bool has_ended = false;              ///< There is such a run.
};

/// All that there is to know about a database before anything is believed of it.
struct Findings {
  bool exists = false;                       ///< There is a database at all.
  std::optional<engine::TargetState> state;  ///< belay_state.
  bool has_version_table = false;
  std::vector<versions::Stamp> stamps;
  JournalFound journal;
  std::vector<ForeignTool> tools;
  versions::schema::Schema live;

  /// The open run is one of fix-state's own that has had no effect, and its reason still holds.
  [[nodiscard]] bool has_own_run() const;
  /// The open run is to be settled by restart, before anything else.
  [[nodiscard]] bool has_run_to_settle() const;
  /// belay has been here, and its journal is not.
  [[nodiscard]] bool journal_is_lost() const { return state && journal.condition == JournalFound::Condition::none; }
  /// Journal and database say the same of each other, and no run is open.
  [[nodiscard]] bool journal_fits() const;
};

/// Beside a running command journal and database are read at different moments: they need not fit.
/// @throws journal::Error `locked`.
void require_nobody_at_work(const Places& places);

/// Writes nothing, and does not care for locks.
/// @throws engine::Error, journal::Error (`newer_format`, `unavailable`).
Findings find_out(const Settings& settings, const Places& places, const std::stop_token& stop);

/// The same under the lock of a writing command.
Findings find_out(Target& target, const std::vector<std::string>& ignored);

}  // namespace belay::recovery

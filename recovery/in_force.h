#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "engine/connection.h"
#include "journal/journal.h"
#include "recovery/error.h"
#include "versions/revision_id.h"

namespace belay::recovery {

/// A revision that a run has brought about, and how.
struct Completed {
  versions::RevisionId revision;
  journal::Action action = journal::Action::up;
};

/// A transaction of ours that has committed and was not taken back: what is undone as a whole.
struct Unit {
  journal::Lsn lsn;
  journal::Lsn previous;             ///< What `last_lsn` is without it.
  std::string before;                ///< Its first footprint; empty where no images are kept.
  std::vector<Completed> completed;  ///< The revisions whose last step it holds.
};

/// A link that is missing in the chain of footprints: somebody else may have written.
struct Gap {
  journal::Lsn unit;    ///< The transaction that found the target elsewhere; none for a look after all of them.
  bool within = false;  ///< Between two of its own commits; else before its first.
  std::string end;      ///< Where the target was left.
  std::string found;
};

/// A transaction that has neither committed nor been rolled back, as far as the log tells.
struct OpenUnit {
  Unit unit;
  std::vector<std::string> places;  ///< Where the target may stand while it is open.
  std::vector<Gap> gaps;
};

/// The transactions in force, from a run on, and what proves that nobody else has written between them (invariant I2).
struct InForce {
  std::vector<Unit> units;  ///< Oldest first.
  std::vector<Gap> gaps;
  std::vector<std::string> ends;   ///< Where the target may stand if nobody else has written since the newest of them.
  std::string left;                ///< Where belay left the target, as evidence.
  std::vector<std::string> stops;  ///< Of an open undo: where it may have left the target on its way.
  std::optional<OpenUnit> open;    ///< At the end of the log; it does not count.

  /// From now on what is open counts as if it had committed, or as something that may have.
  void count_open();

  /// What is in the way of taking back those from `first` on; nothing when it is proven that nobody else has written
  /// since.
  /// @param now  where the target stands.
  [[nodiscard]] std::optional<Gap> gap(const engine::Connection& connection, journal::Lsn first,
                                       const std::string& now) const;
};

/// A part of the log.
struct Span {
  journal::Lsn first;   ///< The beginning of a run.
  journal::Lsn last{};  ///< None: the end of the log.
};

/// Takes the durable records of a log, oldest first, from the beginning of a run on.
using TakeRecord = std::function<void(const journal::Journal::Entry&)>;

/// Folds the records of a part of the log.
/// @param connection  compares footprints.
InForce in_force(const journal::Journal& journal, const Span& span, const engine::Connection& connection);
/// Folds the records that `feed` gives it, for who reads them anyway.
InForce in_force(const engine::Connection& connection, const std::function<void(const TakeRecord&)>& feed);

/// The run that a record belongs to.
/// @throws Error `no_images` when it is no longer kept.
journal::Journal::Run run_of(const journal::Journal& journal, journal::Lsn record);

}  // namespace belay::recovery

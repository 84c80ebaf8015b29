#pragma once

#include <optional>
#include <vector>

#include "engine/connection.h"
#include "engine/executor.h"
#include "engine/version_table.h"
#include "journal/journal.h"
#include "recovery/verdict.h"

namespace belay::recovery {

/// The journal from its checkpoint on, read once (ARIES: the analysis pass).
struct Analysis {
  /// The transaction that the journal neither saw commit nor roll back.
  struct OpenTransaction {
    journal::Lsn lsn;
    engine::Position after;                   ///< Where the plan is if it did commit.
    std::optional<std::size_t> outside_step;  ///< Index of the `transaction:off` step that it is, if it is one.
  };

  std::optional<journal::RunBegin> run;        ///< The open run; without one nothing below means anything.
  std::vector<journal::PlannedRevision> plan;  ///< Of the open run.
  engine::Position position;                   ///< Up to here the plan is known to be committed.
  std::optional<OpenTransaction> transaction;
};

/// @throws journal::Error `damaged`.
Analysis analyse(const journal::Journal& journal);

/// What journal and target say together, and what follows from it.
struct Evidence {
  Tail tail = Tail::closed;
  Level level = Level::level;
  journal::Lsn journal_last_commit;
  journal::Lsn target_last_lsn;

  [[nodiscard]] Verdict verdict() const { return judge(tail, level); }
};

/// @param target  nothing for a database that belay has not written to.
/// @param connection  knows its kind of statements; may be null when there is no database.
Evidence examine(const Analysis& analysis, const journal::Journal& journal,
                 const std::optional<engine::TargetState>& target, const engine::Connection* connection);

}  // namespace belay::recovery

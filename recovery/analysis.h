#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "engine/connection.h"
#include "engine/executor.h"
#include "engine/version_table.h"
#include "journal/journal.h"
#include "recovery/verdict.h"

namespace belay::recovery {

/// The transaction that the journal neither saw commit nor roll back.
struct OpenTransaction {
  journal::Lsn lsn;
  engine::Position after;                   ///< Where the plan is if it did commit.
  std::optional<std::size_t> outside_step;  ///< Index of the `transaction:off` step that it is, if it is one.
  std::string before;                       ///< Its first footprint, if that is durable.
  bool slice = false;                       ///< It is a slice of a batch.
  bool is_void = false;                     ///< What may have happened of its step does not count.
};

/// The undo that the journal saw begin and not end.
struct OpenUndo {
  journal::Lsn lsn;
  journal::UndoBegin intent;
};

/// The journal from its checkpoint on, read once (ARIES: the analysis pass).
struct Analysis {
  std::optional<journal::RunBegin> run;        ///< The open run; without one nothing below means anything.
  std::vector<journal::PlannedRevision> plan;  ///< Of the open run.
  engine::Position position;                   ///< Up to here the plan is known to be committed.
  std::optional<OpenTransaction> transaction;
  std::optional<OpenUndo> undo;

  std::optional<journal::Lsn> part;      ///< The first transaction of the revision that is applied in part.
  bool sliced = false;                   ///< A slice of a batch is committed of that revision.
  std::optional<journal::Lsn> leftover;  ///< A void transaction that committed, only to be taken back.
  bool taken_back = false;               ///< The last thing that happened is that an undo took effect.

  journal::Lsn read_to;  ///< The last record that all this is from.

  /// From where on there is something to take back so that the last whole revision is the end.
  [[nodiscard]] std::optional<journal::Lsn> loose_end() const { return part ? part : leftover; }
};

/// Whether the open run takes the target as it finds it, and has not done so yet.
bool taking_over(const Analysis& analysis);

/// Whether a part of the revision there is done.
bool half_applied(const engine::Position& position);

/// @param also  is given each record, too.
/// @throws journal::Error `damaged`.
Analysis analyse(const journal::Journal& journal, const std::function<void(const journal::Journal::Entry&)>& also = {});
/// Reads on where `analysis` has ended.
void analyse_further(Analysis& analysis, const journal::Journal& journal,
                     const std::function<void(const journal::Journal::Entry&)>& also = {});

/// The record that closes what is open, of a run that is given up: TransactionRollback, or UndoEnd (not done).
std::optional<journal::Record> closing_of(const Analysis& analysis, const journal::Journal& journal,
                                          const std::string& reason);

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

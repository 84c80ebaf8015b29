#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "journal/lsn.h"

namespace belay::journal {

/// What a planned revision does to the version table once its steps are done.
enum class Action : std::uint8_t {
  up = 1,       ///< Its steps are the up section; a stamp is written.
  down = 2,     ///< Its steps are the down section; the stamp is removed.
  stamp = 3,    ///< No steps; a stamp is written, or renewed.
  unstamp = 4,  ///< No steps; the stamp is removed.
  hook = 5,     ///< The steps of an SQL hook; the version table is left alone.
  // The first of a plan, if at all: the run takes the target as it finds it, whatever the journal knew of it.
  restore = 6,  ///< No steps; the target becomes what the backup of that id, file and digest (SHA-256) holds.
  adopt = 7,    ///< No steps; the target becomes the one that this journal belongs to.
};

/// A run whose plan begins so takes the target as it finds it: until its first transaction has committed, what journal
/// and target say of each other does not matter.
constexpr bool takes_over(Action action) {
  return action == Action::restore || action == Action::adopt;
}
/// Of a revision, and not of the run as a whole.
constexpr bool is_of_revision(Action action) {
  return action != Action::hook && !takes_over(action);
}

struct PlannedStatement {
  std::string text{};
  std::int32_t line = 0;
};

struct PlannedStep {
  /// Of `migrate:step NAME`; of a hook's step, the file it comes from.
  std::string name{};
  std::vector<PlannedStatement> statements{};
  bool transactional = true;
  bool repeatable = false;
  std::int64_t batch_rows = 0;  ///< 0: not a batch.
  std::string batch_table{};
  std::string batch_column{};
  std::string rebuild_table{};  ///< Empty: not a rebuild.
  std::string rebuild_from{};   ///< Fingerprints of that table before and after; empty: not checked.
  std::string rebuild_to{};

  [[nodiscard]] bool is_rebuild() const { return !rebuild_table.empty(); }
};

// The records. docs/journal-format.md has their grammar and a worked example.

/// Opens a run. The next `planned` records are its PlannedRevisions, so the journal alone suffices to go on.
struct RunBegin {
  RunId run{};               ///< Given by the journal.
  std::string command{};     ///< As the user would type it: `migrate`, `downgrade -1`.
  std::string started_at{};  ///< UTC, ISO 8601.
  std::string host{};
  std::int64_t pid = 0;
  std::string user{};
  std::string version{};            ///< Of belay.
  std::vector<std::string> from{};  ///< The current revisions at the start.
  std::uint64_t planned = 0;        ///< How many PlannedRevisions follow.
  bool atomic = false;              ///< The whole run is one transaction.
};

/// One revision of the open run's plan, whole: restart never opens the scripts, which may have changed since.
struct PlannedRevision {
  std::uint64_t ordinal = 0;  ///< Its place in the plan, from 0.
  std::string revision{};     ///< Id; for a hook the name of its file.
  Action action = Action::up;
  std::string message{};
  std::string digest{};
  std::string file{};  ///< For error messages.
  std::vector<PlannedStep> steps{};
  std::vector<PlannedStatement> verify{};
};

/// Opens a transaction of the open run. Its LSN is what the transaction writes to `last_lsn`, inside itself.
struct TransactionBegin {
  Lsn previous{};  ///< LSN of the last transaction that committed: what `last_lsn` is until this one commits.
};

/// A slice of a batch step, as SQL literals, both ends included.
struct Slice {
  std::string low{};
  std::string high{};
};

/// Intent: the open transaction runs this step of this planned revision.
struct StepBegin {
  std::uint64_t ordinal = 0;     ///< Of the PlannedRevision.
  std::uint64_t step = 0;        ///< Index into its steps.
  std::optional<Slice> slice{};  ///< For a batch step.
};

/// Intent: the open transaction completes this planned revision and writes or removes its stamp.
struct StampBegin {
  std::uint64_t ordinal = 0;
};

/// The open transaction's savepoint of this revision was rolled back: its intents above are void.
struct RevisionRollback {
  std::uint64_t ordinal = 0;
  std::string reason{};
};

/// The transaction is durable in the target. May be missing after a crash: `last_lsn` in the target has the last word.
struct TransactionCommit {
  Lsn begin{};  ///< Of its TransactionBegin.
};

/// The transaction was rolled back and left nothing.
struct TransactionRollback {
  Lsn begin{};
  std::string reason{};
};

enum class Outcome : std::uint8_t {
  done = 1,         ///< All of the plan is applied.
  failed = 2,       ///< A statement failed; what had committed before that revision stays.
  interrupted = 3,  ///< The user stopped it between two revisions.
  closed_back = 4,  ///< Restart closed it without going on.
};

/// Closes the run.
struct RunEnd {
  RunId run{};
  Outcome outcome = Outcome::done;
  std::string ended_at{};         ///< UTC, ISO 8601.
  std::vector<std::string> to{};  ///< The current revisions at the end.
  std::string error{};            ///< Empty when done.
};

/// Where the target's storage stood when a physical transaction began, and where its commit leaves it, in the words of
/// the driver. Durable before that commit. Footprints that follow from one another prove that nobody else has written.
struct Footprint {
  std::string before{};
  std::string after{};
};

/// Intent: every transaction in force, from the TransactionBegin `first` on, is taken back by its before-images.
struct UndoBegin {
  Lsn first{};
  Lsn previous{};       ///< TransactionBegin.previous of `first`: what `last_lsn` in the target is when that is done.
  std::string state{};  ///< The footprint of the target now.
};

/// Closes the undo.
struct UndoEnd {
  Lsn begin{};        ///< Of its UndoBegin.
  bool done = true;   ///< It has taken effect; else it was abandoned before it had any.
  Lsn last_commit{};  ///< UndoBegin.previous when done; else what it was before.
};

using Record = std::variant<RunBegin, PlannedRevision, TransactionBegin, StepBegin, StampBegin, RevisionRollback,
                            TransactionCommit, TransactionRollback, RunEnd, Footprint, UndoBegin, UndoEnd>;

/// `RunBegin`, `StepBegin`, …: the name that docs and `belay journal` use.
std::string_view name_of(const Record& record);
std::string_view name_of(Action action);
std::string_view name_of(Outcome outcome);

/// The stored form of a record, without its header: one byte of type, then cereal's portable binary archive.
std::string encode(const Record& record);

/// @throws Error `damaged` (without file and LSN) for bytes that no `encode` gives, trailing ones included. Memory is
///         bounded by the size of `bytes`, whatever lengths they claim.
Record decode(std::string_view bytes);

/// How much of a record is wanted.
enum class Detail {
  whole,
  head  ///< Of a PlannedRevision only which revision it is, and the action: its script stays undecoded.
};
Record decode(std::string_view bytes, Detail detail);

}  // namespace belay::journal

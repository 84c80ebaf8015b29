#pragma once

#include <optional>
#include <string>
#include <vector>

#include "engine/observer.h"
#include "recovery/analysis.h"
#include "recovery/in_force.h"
#include "recovery/target.h"

namespace belay::recovery {

/// What an undo takes back: all transactions in force from one on.
struct Scope {
  journal::Lsn first;
  journal::Lsn previous{};         ///< What `last_lsn` is when they are taken back.
  std::vector<Unit> units{};       ///< Oldest first.
  std::string now;                 ///< Where the target stands.
  std::optional<Gap> gap{};        ///< Why they may not be taken back: others have written since, or may have.
  std::vector<std::string> stops;  ///< Of an open undo: where it may have left the target on its way.
};

/// Looks at journal and target; writes nothing.
/// @param found  what is in force from the run of `first` on, or from an earlier one.
/// @throws Error `no_images` when before-images of one of them are not kept.
Scope scope_of(InForce found, const journal::Journal& journal, engine::Connection& connection, journal::Lsn first);

/// The same, of what is in force from the run of `first` on.
Scope scope_of(const journal::Journal& journal, engine::Connection& connection, journal::Lsn first);

/// What is in force from the run of `first` on.
/// @throws Error `no_images` when the journal no longer has it.
InForce in_force_since(const journal::Journal& journal, const engine::Connection& connection, journal::Lsn first);

/// Why a scope with a gap is not taken back, with the evidence. Its reader adds the choices.
Error foreign_writes(const Scope& scope);

/// The one undo, of a live failure, of a crash, of whole runs:
///
///   1. prove    nobody else has written since the first of the transactions (I2), or later writes are to be discarded:
///               then it is rehearsed on a copy first (`rehearse`)
///   2. intent   UndoBegin, durable
///   3. restore  the target goes back, all of it or nothing (Connection::restore)
///   4. check    `last_lsn` in the target is what it was before the first of them
///   5. end      UndoEnd, in memory: it rides with the flush of what follows, usually RunEnd
///
/// Crash before 2: as before. From 2 to the commit point of 3: the journal is *undoing* and the target level; restart
/// does 3 again (`finish_undo`). Behind it: *undoing*, and `last_lsn` is what stays in force; restart writes 5.
/// When 3 is refused (`busy`, foreign writes) or fails with nothing changed, the undo is abandoned in the journal.
/// @throws Error `foreign_writes`, engine::Error, journal::Error.
void take_back(Target& target, const Scope& scope, bool discard_later_writes, engine::Observer& observer);

/// Does 3 to 5 of an undo that was interrupted in 3.
/// @throws as `take_back`; the undo stays open.
void finish_undo(Target& target, const OpenUndo& undo, bool discard_later_writes, engine::Observer& observer);

/// Writes, durably, that an undo has had no effect, which must be so: the target is level.
void abandon_undo(Target& target, journal::Lsn begin);

}  // namespace belay::recovery

#include "recovery/undo.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "recovery/rehearsal.h"

namespace belay::recovery {
namespace {

using journal::Lsn;

Error no_images(const journal::Journal& journal, Lsn transaction) {
  return Error(ErrorCode::no_images,
               fmt::format("the before-images of transaction {} are not kept, or no longer", transaction.value))
      .at(journal.file().string());
}

engine::Restoration restoration(const journal::Journal& journal, const Scope& scope,
                                std::vector<std::string> expected) {
  engine::Restoration what{.parts = {}, .expected = std::move(expected)};
  for (const Unit& unit : scope.units)
    what.parts.push_back({unit.before, [&journal, lsn = unit.lsn](const engine::Restoration::Visit& visit) {
                            bool any = false;
                            journal.scan_images(lsn, [&](std::uint64_t place, std::string_view content) {
                              any = true;
                              visit(place, content);
                            });
                            // Each transaction has overwritten `last_lsn`, at the least.
                            if (!any) throw no_images(journal, lsn);
                          }});
  return what;
}

Lsn last_lsn(Target& target) {
  const auto state = target.versions().state();
  return state ? state->last_lsn : Lsn{};
}

/// Steps 3 to 5. Once the connection has restored it, the undo has happened, whatever this process sees of it.
void carry_out(Target& target, const Scope& scope, Lsn begin, std::vector<std::string> expected) {
  engine::ImagesToJournal stops(target.journal());
  target.connection().restore(restoration(target.journal(), scope, std::move(expected)), stops);
  if (last_lsn(target) != scope.previous)
    throw engine::Error(engine::ErrorCode::outcome_unknown,
                        fmt::format("the undo has put back a database whose last transaction is {}, and not {}",
                                    last_lsn(target).value, scope.previous.value))
        .state("unknown until the next run decides it from the files")
        .next("run the command again; if it says the same, restore a backup");
  target.journal().append(journal::UndoEnd{.begin = begin, .done = true, .last_commit = scope.previous});
}

/// What has failed may be the disk or the journal: then the undo stays open, and restart looks at it.
void abandon_if_level(Target& target, Lsn begin) noexcept {
  try {
    if (last_lsn(target) == target.journal().last_commit()) abandon_undo(target, begin);
  } catch (...) {
    return;
  }
}

void rehearse_discarding(Target& target, const Scope& scope, engine::Observer& observer) {
  const auto backup = rehearse(target, restoration(target.journal(), scope, {}), scope.previous, observer);
  observer.message(fmt::format("the database as it was is kept as backup {}", backup.manifest.id));
}

}  // namespace

Scope scope_of(InForce found, const journal::Journal& journal, engine::Connection& connection, Lsn first) {
  std::erase_if(found.units, [&](const Unit& unit) { return unit.lsn < first; });
  for (const Unit& unit : found.units)
    if (unit.before.empty()) throw no_images(journal, unit.lsn);
  Scope scope{.first = first, .now = connection.footprint(), .stops = std::move(found.stops)};
  scope.gap = found.gap(connection, first, scope.now);
  scope.units = std::move(found.units);
  scope.previous = scope.units.at(0).previous;
  return scope;
}

Scope scope_of(const journal::Journal& journal, engine::Connection& connection, Lsn first) {
  return scope_of(in_force_since(journal, connection, first), journal, connection, first);
}

InForce in_force_since(const journal::Journal& journal, const engine::Connection& connection, Lsn first) {
  return in_force(journal, {.first = run_of(journal, first).first}, connection);
}

Error foreign_writes(const Scope& scope) {
  const Gap& gap = *scope.gap;
  const std::string who = gap.unit ? fmt::format("transaction {} found it", gap.unit.value) : "it is";
  return {
      ErrorCode::foreign_writes,
      fmt::format("nothing proves that nobody else has written to the database since transaction {}, and to take that "
                  "back would destroy it: it was left at [{}], and {} at [{}]",
                  scope.first.value, gap.end, who, gap.found)};
}

void take_back(Target& target, const Scope& scope, bool discard_later_writes, engine::Observer& observer) {
  if (scope.gap && !discard_later_writes) throw foreign_writes(scope);
  if (scope.gap) rehearse_discarding(target, scope, observer);
  auto& journal = target.journal();
  const Lsn begin =
      journal.append(journal::UndoBegin{.first = scope.first, .previous = scope.previous, .state = scope.now});
  journal.flush();
  try {
    carry_out(target, scope, begin, {scope.now});
  } catch (const engine::Error& error) {
    if (error.code() != engine::ErrorCode::outcome_unknown) abandon_if_level(target, begin);
    if (error.code() == engine::ErrorCode::foreign_writes) throw Error(ErrorCode::foreign_writes, error.what());
    throw;
  } catch (const Error&) {
    abandon_if_level(target, begin);
    throw;
  }
}

void finish_undo(Target& target, const OpenUndo& undo, bool discard_later_writes, engine::Observer& observer) {
  auto& connection = target.connection();
  const Scope scope = scope_of(target.journal(), connection, undo.intent.first);
  auto expected = scope.stops;
  const bool others_wrote = std::none_of(expected.begin(), expected.end(),
                                         [&](const auto& stop) { return connection.follows(scope.now, stop); });
  if (others_wrote && discard_later_writes) {
    rehearse_discarding(target, scope, observer);
    expected = {scope.now};
  }
  try {
    carry_out(target, scope, undo.lsn, std::move(expected));
  } catch (const engine::Error& error) {
    if (error.code() != engine::ErrorCode::foreign_writes) throw;
    throw Error(ErrorCode::foreign_writes, fmt::format("an undo was interrupted, and since then {}", error.what()));
  }
}

void abandon_undo(Target& target, Lsn begin) {
  auto& journal = target.journal();
  journal.append(journal::UndoEnd{.begin = begin, .done = false, .last_commit = journal.last_commit()});
  journal.flush();
}

}  // namespace belay::recovery

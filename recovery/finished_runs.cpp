#include "recovery/finished_runs.h"

#include <fmt/format.h>

#include <algorithm>
#include <unordered_map>
#include <utility>
#include <variant>

namespace belay::recovery {
namespace {

using journal::Action;
using journal::Lsn;
using Entry = journal::Journal::Entry;
using Run = journal::Journal::Run;

/// What the last few records of a run tell of where it left the target: its transaction's end, and where it settled.
constexpr std::uint64_t last_records = 4;

/// The plan stands right behind the beginning of a run.
std::vector<Completed> planned(const journal::Journal& journal, const Run& run) {
  std::vector<Completed> revisions;
  journal.scan(
      {run.first.value + 1},
      [&](const Entry& entry) {
        const auto* revision = std::get_if<journal::PlannedRevision>(&entry.record);
        if (revision == nullptr) return false;
        if (is_of_revision(revision->action)) revisions.push_back({{revision->revision}, revision->action});
        return true;
      },
      journal::Detail::head);
  return revisions;
}

std::vector<Completed> completed(const InForce& in_force) {
  std::vector<Completed> revisions;
  for (const auto& unit : in_force.units)
    for (const auto& revision : unit.completed)
      if (is_of_revision(revision.action)) revisions.push_back(revision);
  return revisions;
}

/// What was before it is not reached by before-images any more.
bool takes_over(const journal::Journal& journal, const Run& run) {
  const auto first = journal.record({run.first.value + 1});
  const auto* planned = first ? std::get_if<journal::PlannedRevision>(&*first) : nullptr;
  return planned && journal::takes_over(planned->action);
}

UndoableRun described(const journal::Journal& journal, const engine::Connection& connection, const Run& run) {
  const auto begin = std::get<journal::RunBegin>(journal.record(run.first).value());
  const auto end = std::get<journal::RunEnd>(journal.record(run.last).value());
  auto revisions = end.outcome == journal::Outcome::done
                       ? planned(journal, run)
                       : completed(in_force(journal, {.first = run.first, .last = run.last}, connection));
  return {.run = run.run,
          .command = begin.command,
          .started_at = begin.started_at,
          .ended_at = end.ended_at,
          .revisions = std::move(revisions),
          .image_bytes = run.image_bytes};
}

/// Where a run left the target, if it has left it anywhere.
std::vector<std::string> ends_of(const journal::Journal& journal, const engine::Connection& connection,
                                 const Run& run) {
  std::vector<std::string> ends;
  const Lsn from{std::max(run.first.value, run.last.value + 1 - std::min(run.last.value, last_records))};
  journal.scan(from, [&](const Entry& entry) {
    if (const auto* footprint = std::get_if<journal::Footprint>(&entry.record)) ends.push_back(footprint->after);
    if (std::holds_alternative<journal::TransactionRollback>(entry.record)) ends.clear();
    return entry.lsn < run.last;
  });
  if (!ends.empty() || run.image_bytes == 0) return ends;
  return in_force(journal, {.first = run.first, .last = run.last}, connection).ends;
}

/// The oldest of the runs that are to go.
Run oldest_to_go(const std::vector<Run>& runs, std::optional<journal::RunId> back_to) {
  if (back_to) {
    for (const Run& run : runs)
      if (run.run == *back_to) return run;
    throw nothing_to_take_back(fmt::format("the journal has no run {}; it has {} to {}", back_to->value,
                                           runs.front().run.value, runs.back().run.value));
  }
  for (auto run = runs.rbegin(); run != runs.rend(); ++run)
    if (run->image_bytes > 0) return *run;
  return runs.front();
}

void require_images(const journal::Journal& journal, const std::vector<Run>& runs, const std::vector<Unit>& units) {
  auto run = runs.begin();
  for (const Unit& unit : units) {
    while (run->last < unit.lsn) ++run;
    if (takes_over(journal, *run))
      throw Error(ErrorCode::no_images,
                  fmt::format("run {} has replaced the database or taken it over, and what was before that has no "
                              "before-images any more",
                              run->run.value))
          .next("belay recover restore --list shows the backups; one was made before that run");
    if (run->image_bytes == 0)
      throw Error(
          ErrorCode::no_images,
          fmt::format("the before-images of run {} are no longer kept, so it cannot be taken back", run->run.value))
          .next(
              "keep_runs and keep_bytes under [journal] say how long they are kept; belay downgrade takes back by "
              "scripts");
  }
}

Completed inverse(Completed revision) {
  const bool was_applied = revision.action == Action::up || revision.action == Action::stamp;
  revision.action = was_applied ? Action::down : Action::up;
  return revision;
}

/// Newest first; what was done and undone again by the runs themselves cancels out.
std::vector<Completed> net_effect(const std::vector<Completed>& done) {
  std::unordered_map<versions::RevisionId, Action> oldest;
  for (const auto& revision : done) oldest.emplace(revision.revision, inverse(revision).action);
  std::vector<Completed> result;
  for (auto revision = done.rbegin(); revision != done.rend(); ++revision) {
    const auto taken = inverse(*revision);
    const auto first = oldest.extract(revision->revision);  // What a run does later is met first, and counts once.
    if (!first.empty() && first.mapped() == taken.action) result.push_back(taken);
  }
  return result;
}

/// After an undo that failed. One that is still open is for restart.
void close_if_over(Target& target, const std::string& error, const engine::Executor::Options& options,
                   engine::Observer& observer) noexcept {
  try {
    if (!analyse(target.journal()).undo)
      engine::end_run(target.parts(), journal::Outcome::failed, error, options, observer);
  } catch (...) {  // The error that led here is the one to tell; restart closes the run.
    return;
  }
}

}  // namespace

std::vector<UndoableRun> undoable_runs(const journal::Journal& journal, const engine::Connection& connection) {
  std::vector<UndoableRun> result;
  const auto runs = journal.runs();
  for (auto run = runs.rbegin(); run != runs.rend(); ++run) {
    if (takes_over(journal, *run)) break;
    if (run->image_bytes > 0 && run->run != journal.open_run()) result.push_back(described(journal, connection, *run));
  }
  return result;
}

bool written_since(const journal::Journal& journal, engine::Connection& connection) {
  const std::string now = connection.footprint();
  const auto runs = journal.runs();
  for (auto run = runs.rbegin(); run != runs.rend(); ++run) {
    const auto ends = ends_of(journal, connection, *run);
    if (ends.empty()) continue;  // It has left the target where it was.
    return std::none_of(ends.begin(), ends.end(), [&](const auto& end) { return connection.follows(now, end); });
  }
  return true;
}

RunsToUndo runs_to_undo(const journal::Journal& journal, engine::Connection& connection,
                        std::optional<journal::RunId> back_to) {
  const auto runs = journal.runs();
  if (runs.empty()) throw nothing_to_take_back("nothing has been run");
  const Run oldest = oldest_to_go(runs, back_to);
  auto found = in_force(journal, {.first = oldest.first}, connection);
  if (found.units.empty())
    throw nothing_to_take_back(back_to ? fmt::format("nothing of run {} is in force", back_to->value)
                                       : "no run has anything in force");
  if (back_to && found.units.front().lsn > oldest.last)
    throw nothing_to_take_back(
        fmt::format("nothing of run {} is in force: it committed nothing, or was taken back", back_to->value));
  require_images(journal, runs, found.units);
  const Lsn first = found.units.front().lsn;
  const Lsn last = found.units.back().lsn;
  auto revisions = net_effect(completed(found));
  return {.scope = scope_of(std::move(found), journal, connection, first),
          .oldest = run_of(journal, first).run,
          .newest = run_of(journal, last).run,
          .revisions = std::move(revisions)};
}

Error nothing_to_take_back(const std::string& why) {
  return Error(ErrorCode::not_applicable, "there is nothing to take back: " + why)
      .next("belay history shows what is applied; belay journal shows the runs");
}

std::optional<Error> obstacle(const RunsToUndo& runs) {
  if (!runs.scope.gap) return std::nullopt;
  return foreign_writes(runs.scope)
      .next(
          "write down scripts and belay downgrade; or belay recover undo-run --discard-later-writes, which takes back "
          "what others have written as well, and keeps a copy of the database as it is");
}

void take_back_runs(Target& target, const RunsToUndo& runs, bool discard_later_writes, journal::RunBegin run,
                    const engine::Executor::Options& options, engine::Observer& observer) {
  if (const auto refusal = obstacle(runs); refusal && !discard_later_writes) throw Error(*refusal);
  run.started_at = options.now();
  target.journal().begin(std::move(run), {});
  try {
    take_back(target, runs.scope, discard_later_writes, observer);
  } catch (const std::exception& error) {
    close_if_over(target, error.what(), options, observer);
    throw;
  }
  engine::end_run(target.parts(), journal::Outcome::done, "", options, observer);
}

}  // namespace belay::recovery

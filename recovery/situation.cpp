#include "recovery/situation.h"

#include <fmt/format.h>

#include <filesystem>
#include <memory>
#include <string>
#include <utility>

#include "engine/version_table.h"
#include "recovery/target.h"

namespace belay::recovery {
namespace {

Error version_table_lost(const std::string& name) {
  return Error(ErrorCode::drift,
               fmt::format("belay has written to this database before, and its table {} is not there", name))
      .next(
          "if version_table names another one, correct that; if it was dropped by hand, tell belay what is applied: "
          "belay stamp REV");
}

/// @returns it, if it was looked at.
std::optional<journal::Journal> look_at_journal(Situation& situation, const Places& places,
                                                engine::Connection* connection,
                                                const std::optional<engine::TargetState>& state, Ahead ahead) {
  // Beside a running command journal and database are read at different moments: they need not fit.
  if (situation.running) return std::nullopt;
  if (!std::filesystem::exists(places.journal)) {
    if (state) situation.problem = journal_lost(places);
    return std::nullopt;
  }
  auto journal = journal::Journal::open(places.journal, journal::Journal::Access::read);
  auto* const asked = ahead == Ahead::yes ? connection : nullptr;
  Analysis analysis;
  InForce found;
  if (asked != nullptr)
    found = in_force(*asked, [&](const TakeRecord& take) { analysis = analyse(journal, take); });
  else
    analysis = analyse(journal);
  const auto evidence = examine(analysis, journal, state, connection);
  if (evidence.verdict() == Verdict::refuse) situation.problem = foreign(evidence, journal, state);
  if (analysis.run) situation.interrupted = look_ahead(analysis, evidence, journal, asked, std::move(found));
  if (asked != nullptr && !situation.problem && !situation.interrupted) {
    situation.undoable = undoable_runs(journal, *asked);
    situation.written_since = !situation.undoable.empty() && written_since(journal, *asked);
  }
  return journal;
}

/// @returns false when somebody was at work between its parts, so that they need not fit.
bool look_once(Situation& situation, const Settings& settings, const Places& places, const std::stop_token& stop,
               Ahead ahead) {
  situation.exists = engine::exists(places.url);
  situation.running = journal::ProcessLock::holder(places.lock);

  std::unique_ptr<engine::Connection> connection;
  std::optional<engine::TargetState> state;
  if (situation.exists) {
    connection = engine::connect(places.url, {.lock_timeout = settings.lock_timeout, .read_only = true});
    connection->stop_on(stop);
    engine::VersionTable table(*connection, settings.version_table);
    state = table.state();
    situation.stamps = table.stamps();
    if (state && !connection->has_table(table.name())) situation.problem = version_table_lost(table.name());
  }
  const auto journal = look_at_journal(situation, places, connection.get(), state, ahead);
  if (!situation.problem && !situation.interrupted) return true;

  if (journal::ProcessLock::holder(places.lock) || engine::exists(places.url) != situation.exists) return false;
  const auto number = [](const auto& found) { return found ? found->last_lsn : journal::Lsn{}; };
  if (connection && number(engine::VersionTable(*connection, settings.version_table).state()) != number(state))
    return false;
  return journal ? journal->is_up_to_date() : !std::filesystem::exists(places.journal);
}

}  // namespace

void fill(Situation& situation, const versions::Graph& graph, std::vector<versions::Stamp> stamps) {
  situation.stamps = std::move(stamps);
  situation.drift = versions::find_drift(graph, situation.stamps);
  situation.applied = versions::applied(graph, situation.stamps);
  situation.current = versions::current(graph, situation.stamps);
}

Situation look(const Settings& settings, const Places& places, const std::function<const versions::Graph&()>& graph,
               const std::stop_token& stop, Ahead ahead) {
  Situation situation;
  while (!look_once(situation, settings, places, stop, ahead)) situation = {};
  fill(situation, graph(), std::move(situation.stamps));
  return situation;
}

}  // namespace belay::recovery

#include "recovery/findings.h"

#include <fmt/format.h>

#include <filesystem>
#include <memory>
#include <variant>

namespace belay::recovery {
namespace {

using journal::Journal;

void read_newest_end(JournalFound& found, const Journal& journal) {
  const auto runs = journal.runs();
  for (auto run = runs.rbegin(); run != runs.rend(); ++run) {
    const auto record = journal.record(run->last);
    const auto* end = record ? std::get_if<journal::RunEnd>(&*record) : nullptr;
    if (end == nullptr) continue;
    found.ended_at = end->to;
    found.has_ended = true;
    return;
  }
}

bool is_settled_by_restart(Verdict verdict) {
  return verdict != Verdict::nothing && verdict != Verdict::refuse;
}

/// Damage anywhere makes it unfit to go on with; but a run that can be settled is settled first, by what is whole.
JournalFound read_journal(const Journal& journal, const std::optional<engine::TargetState>& state,
                          const engine::Connection* connection) {
  JournalFound found;
  found.database_id = journal.database_id();
  found.last = journal.last();
  found.last_commit = journal.last_commit();
  found.condition = JournalFound::Condition::readable;
  try {
    found.analysis = analyse(journal);
    found.verdict = examine(found.analysis, journal, state, connection).verdict();
    if (!is_settled_by_restart(found.verdict)) journal.verify();
    read_newest_end(found, journal);
  } catch (const journal::Error& error) {
    if (error.code() != journal::ErrorCode::damaged) throw;
    found.condition = JournalFound::Condition::damaged;
    found.damage = error.what();
  }
  return found;
}

JournalFound open_and_read(const Places& places, const std::optional<engine::TargetState>& state,
                           const engine::Connection* connection) {
  JournalFound found;
  if (!std::filesystem::exists(places.journal)) return found;
  try {
    return read_journal(Journal::open(places.journal, Journal::Access::read), state, connection);
  } catch (const journal::Error& error) {
    if (error.code() != journal::ErrorCode::damaged) throw;
    found.condition = JournalFound::Condition::damaged;
    found.damage = error.what();
    return found;
  }
}

void read_database(Findings& findings, engine::Connection& connection, engine::VersionTable& versions,
                   const std::vector<std::string>& ignored) {
  findings.state = versions.state();
  findings.has_version_table = connection.has_table(versions.name());
  findings.stamps = versions.stamps();
  findings.tools = find_foreign_tools(connection);
  findings.live = live_schema(connection, versions.name(), ignored);
}

}  // namespace

void require_nobody_at_work(const Places& places) {
  const auto holder = journal::ProcessLock::holder(places.lock);
  if (!holder) return;
  throw journal::Error(journal::ErrorCode::locked,
                       fmt::format("{} by pid {} on {} is at work on it", holder->command, holder->pid, holder->host),
                       places.lock);
}

bool Findings::has_own_run() const {
  if (!is_settled_by_restart(journal.verdict) || journal.analysis.plan.empty()) return false;
  const auto& first = journal.analysis.plan.front();
  if (first.action != journal::Action::adopt) return false;
  return journal.verdict != Verdict::take_over || first.digest == live.fingerprint();
}

bool Findings::has_run_to_settle() const {
  const bool open = journal.condition == JournalFound::Condition::readable && is_settled_by_restart(journal.verdict);
  if (!open || has_own_run()) return false;
  // One of fix-state's own whose reason is gone has had no effect: another takes its place.
  return journal.analysis.plan.empty() || journal.analysis.plan.front().action != journal::Action::adopt;
}

bool Findings::journal_fits() const {
  if (journal.condition == JournalFound::Condition::none) return !state;
  return journal.condition == JournalFound::Condition::readable && journal.verdict == Verdict::nothing;
}

Findings find_out(const Settings& settings, const Places& places, const std::stop_token& stop) {
  Findings findings;
  findings.exists = engine::exists(places.url);
  std::unique_ptr<engine::Connection> connection;
  if (findings.exists) {
    connection = engine::connect(places.url, {.lock_timeout = settings.lock_timeout, .read_only = true});
    connection->stop_on(stop);
    engine::VersionTable versions(*connection, settings.version_table);
    read_database(findings, *connection, versions, settings.ignored);
  }
  findings.journal = open_and_read(places, findings.state, connection.get());
  return findings;
}

Findings find_out(Target& target, const std::vector<std::string>& ignored) {
  Findings findings;
  findings.exists = true;
  read_database(findings, target.connection(), target.versions(), ignored);
  findings.journal = read_journal(target.journal(), findings.state, &target.connection());
  return findings;
}

}  // namespace belay::recovery

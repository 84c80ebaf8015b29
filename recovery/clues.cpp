#include "recovery/clues.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "recovery/restart.h"

namespace belay::recovery {
namespace {

using versions::Graph;

constexpr std::size_t shown_max = 5;

std::string about(const Findings& findings) {
  if (!findings.exists) return "there is no database";
  std::size_t tables = 0;
  for (const auto& object : findings.live.objects())
    tables += object->type == versions::schema::ObjectType::table ? 1U : 0U;
  if (findings.live.empty()) return "the database has no tables but those of migration tools";
  return fmt::format("the database has {} tables and {} other objects", tables,
                     findings.live.objects().size() - tables);
}

std::string about_state(const Findings& findings) {
  if (!findings.state) return "belay_state is not there: as far as the database tells, belay has never been here";
  return fmt::format("belay_state says: database {}, last transaction {}", findings.state->database_id,
                     findings.state->last_lsn.value);
}

std::string about_version_table(const Findings& findings, const Graph& graph) {
  if (!findings.has_version_table) return "there is no version table";
  if (findings.stamps.empty()) return "the version table is empty";
  const auto current = versions::texts(versions::current(graph, findings.stamps));
  return fmt::format("the version table has {} rows, and is at {}", findings.stamps.size(), listed(current, ", "));
}

std::string about_journal(const Findings& findings) {
  const auto& journal = findings.journal;
  if (findings.journal_is_lost()) return "there is no journal, though belay has been here";
  if (journal.condition == JournalFound::Condition::none) return "there is no journal";
  if (journal.condition == JournalFound::Condition::damaged)
    return fmt::format("the journal is damaged: {}", journal.damage);
  if (findings.state && findings.state->database_id != journal.database_id)
    return fmt::format("the journal is of another database, {}", journal.database_id);
  if (findings.journal_fits()) return fmt::format("the journal fits: last transaction {}", journal.last_commit.value);
  if (journal.verdict == Verdict::refuse)
    return fmt::format("the journal does not fit: its last transaction is {}, and that of the database {}",
                       journal.last_commit.value, findings.state ? findings.state->last_lsn.value : 0);
  return describe(journal.analysis, journal.verdict);
}

std::string about_schema(const SchemaProof& proof, const Graph& graph) {
  if (proof.fits.size() == 1)
    return fmt::format("the schema is exactly that of {}", name_of(graph, proof.fits.front()));
  if (!proof.fits.empty())
    return fmt::format("the schema is exactly that of {}, which differ in rows alone", names_of(graph, proof.fits));
  if (!proof.middles.empty()) return fmt::format("the schema is exactly {}", proof.middles.front().description);
  if (!proof.nearest || graph.size() == 0) return "there are no scripts whose schema it could be";
  return fmt::format("the schema is that of no revision; the nearest is {}, but for: {}",
                     name_of(graph, proof.nearest->revisions), describe(proof.nearest->differences));
}

}  // namespace

std::vector<Clue> clues(const Findings& findings, const SchemaProof& proof, const Graph& graph) {
  using Kind = Clue::Kind;
  std::vector<Clue> found{{Kind::database, about(findings)},
                          {Kind::state, about_state(findings)},
                          {Kind::version_table, about_version_table(findings, graph)}};
  for (const auto& drift : versions::find_drift(graph, findings.stamps))
    found.push_back({Kind::version_table, drift.message});
  for (const auto& tool : findings.tools) found.push_back({Kind::tool, describe(tool)});
  found.push_back({Kind::journal, about_journal(findings)});
  for (const auto& why : proof.cannot_replay) found.push_back({Kind::schema, why});
  if (proof.not_tried > 0)
    found.push_back({Kind::schema, fmt::format("{} ways through the branches were not tried", proof.not_tried)});
  found.push_back({Kind::schema, about_schema(proof, graph)});
  return found;
}

std::string name_of(const Graph& graph, const RevisionSet& revisions) {
  std::string text;
  for (const auto& id : heads_of(graph, revisions)) text += (text.empty() ? "" : " and ") + id.text;
  return text.empty() ? "base" : text;
}

/// At most so many of them, in words.
std::string listed(const std::vector<std::string>& words, std::string_view between) {
  const auto end = words.begin() + static_cast<std::ptrdiff_t>(std::min(words.size(), shown_max));
  std::string text = fmt::format("{}", fmt::join(words.begin(), end, between));
  if (words.size() > shown_max) text += fmt::format("{}… ({} in all)", between, words.size());
  return text;
}

std::string names_of(const Graph& graph, const std::vector<RevisionSet>& sets) {
  std::vector<std::string> names;
  names.reserve(sets.size());
  for (const auto& set : sets) names.push_back(name_of(graph, set));
  return listed(names, ", ");
}

std::string_view name_of(Clue::Kind kind) {
  constexpr std::array<std::string_view, 6> names{"database", "state", "versions", "journal", "tool", "schema"};
  return names.at(static_cast<std::size_t>(kind));
}

std::string describe(const std::vector<versions::schema::Difference>& differences) {
  using Kind = versions::schema::Difference::Kind;
  std::vector<std::string> words;
  for (const auto& difference : differences) {
    const char sign = difference.kind == Kind::added ? '+' : difference.kind == Kind::removed ? '-' : '~';
    auto text = fmt::format("{} {} {}", sign, versions::schema::name_of(difference.type), difference.name);
    if (!difference.details.empty()) text += fmt::format(" ({})", fmt::join(difference.details, ", "));
    words.push_back(std::move(text));
  }
  return listed(words, "; ");
}

}  // namespace belay::recovery

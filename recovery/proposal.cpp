#include "recovery/proposal.h"

#include <fmt/format.h>

#include <algorithm>
#include <cassert>
#include <iterator>
#include <unordered_set>
#include <utility>

#include "engine/planned.h"
#include "recovery/restart.h"

namespace belay::recovery {
namespace {

using journal::Action;
using versions::Graph;

// --- What else speaks of revisions ---

/// Those of the ids that have a script, with their ancestors; nothing when none has one.
std::optional<RevisionSet> closed(const Graph& graph, const std::vector<std::string>& ids) {
  std::vector<std::size_t> positions;
  for (const auto& id : ids)
    if (graph.find({id})) positions.push_back(graph.position({id}));
  if (positions.empty()) return std::nullopt;
  return graph.ancestors(positions);
}

std::optional<RevisionSet> by_version_table(const Findings& findings, const Graph& graph) {
  if (!findings.has_version_table) return std::nullopt;
  std::vector<std::string> ids;
  for (const auto& stamp : findings.stamps) ids.push_back(stamp.revision.text);
  if (ids.empty()) return RevisionSet(graph.size());
  return closed(graph, ids);
}

/// A version that no script has may be one that was squashed: then the tool says nothing about ours.
std::optional<RevisionSet> by_tool(const ForeignTool& tool, const Graph& graph) {
  const auto known = [&](const std::string& version) { return graph.find({version}) != nullptr; };
  if (std::ranges::any_of(tool.doubted, known)) return std::nullopt;
  if (tool.only_current && !std::ranges::all_of(tool.applied, known)) return std::nullopt;
  return closed(graph, tool.applied);
}

/// Not of a journal that may be another database's.
std::optional<RevisionSet> by_journal(const Findings& findings, const Graph& graph) {
  const auto& journal = findings.journal;
  if (journal.condition != JournalFound::Condition::readable || !journal.has_ended) return std::nullopt;
  if (findings.state && findings.state->database_id != journal.database_id) return std::nullopt;
  if (journal.ended_at.empty()) return RevisionSet(graph.size());
  return closed(graph, journal.ended_at);
}

struct Witness {
  std::string name;
  RevisionSet says;
};

/// Besides the version table, whose rows went in with what they speak of. These may be of earlier days.
std::vector<Witness> other_witnesses(const Findings& findings, const Graph& graph) {
  std::vector<Witness> found;
  for (const auto& tool : findings.tools)
    if (auto says = by_tool(tool, graph)) found.push_back({tool.tool, std::move(*says)});
  if (auto says = by_journal(findings, graph)) found.push_back({"the journal", std::move(*says)});
  return found;
}

// --- Refusals ---

Error unsettled(const Findings& findings) {
  return Error(ErrorCode::unfinished_run,
               describe(findings.journal.analysis, findings.journal.verdict) + "; that can be settled, and comes first")
      .next("belay recover --forward, or belay recover --back; belay recover shows what each would do");
}

Error not_the_one(const SchemaProof& proof, const Graph& graph, const RevisionSet& asked) {
  const std::string name = name_of(graph, asked);
  const auto differences = proof.asked ? describe(proof.asked->differences) : std::string("it cannot be replayed");
  return Error(ErrorCode::unknown_schema, fmt::format("the schema is not that of {}: {}", name, differences))
      .next(proof.fits.empty() ? fmt::format("belay diff db versions:{} shows how they differ", name)
                               : fmt::format("it is that of {}: name that", names_of(graph, proof.fits)));
}

Error several_fit(const SchemaProof& proof, const Graph& graph, const std::vector<Witness>& disagreeing) {
  std::string why = "and nothing singles one out";
  if (!disagreeing.empty()) {
    std::vector<std::string> words;
    words.reserve(disagreeing.size());
    for (const auto& [name, says] : disagreeing) words.push_back(fmt::format("{} says {}", name, name_of(graph, says)));
    why = fmt::format("but {}", listed(words, " and "));
  }
  return Error(ErrorCode::ambiguous, fmt::format("the schema is that of {}, which differ in rows alone, {}",
                                                 names_of(graph, proof.fits), why))
      .next("look at the rows that these scripts change, then name one: belay recover fix-state --to REV");
}

Error in_the_middle(const SchemaProof& proof, const Graph& graph) {
  const auto& middle = proof.middles.front();
  const auto& script = graph.scripts()[middle.revision];
  return Error(ErrorCode::half_applied,
               fmt::format("the schema is exactly {}: that revision is applied in part", middle.description))
      .at(script.file.string())
      .next(fmt::format(
          "run the rest of {} by hand, or take its beginning back by hand; then: belay recover fix-state; or "
          "put a backup back: belay recover restore",
          script.id.text));
}

Error unknown(const SchemaProof& proof, const Graph& graph) {
  if (graph.size() == 0)
    return Error(ErrorCode::unknown_schema, "there are no scripts, so nothing tells how this schema came about")
        .next(
            "belay revision --baseline -m \"as found\" makes the schema as it is the first revision; or put the "
            "scripts "
            "back");
  assert(proof.nearest);  // Who has found nothing has looked at base, at the least.
  const std::string name = name_of(graph, proof.nearest->revisions);
  return Error(ErrorCode::unknown_schema,
               fmt::format("the schema is that of no revision; the nearest is {}, but for: {}", name,
                           describe(proof.nearest->differences)))
      .next(
          fmt::format("take these differences back by hand, or put the scripts right (belay diff db versions:{} shows "
                      "all of them); then: belay recover fix-state",
                      name));
}

/// What another tool has left in doubt is not called applied because its tables happen to be there.
std::optional<Error> doubt(const Findings& findings, const Graph& graph, const RevisionSet& applied) {
  for (const auto& tool : findings.tools)
    for (const auto& version : tool.doubted)
      if (graph.find({version}) && applied[graph.position({version})])
        return Error(ErrorCode::ambiguous,
                     fmt::format("the schema is that of {}, but {} has left {} in doubt: its rows may be half done",
                                 name_of(graph, applied), tool.tool, version))
            .next(fmt::format("look at the rows that {} changes; if all is there: belay recover fix-state --to {}",
                              version, name_of(graph, applied)));
  return std::nullopt;
}

// --- The choice ---

/// What is applied, or why nothing can be said.
struct Choice {
  RevisionSet applied;
  std::string because;  ///< Which witness singled it out; empty when the schema did.
  std::optional<Error> refusal;
};

bool fits(const SchemaProof& proof, const RevisionSet& revisions) {
  return std::ranges::find(proof.fits, revisions) != proof.fits.end();
}

Choice choose(const Findings& findings, const SchemaProof& proof, const Graph& graph,
              const std::optional<RevisionSet>& asked) {
  const auto refused = [](Error error) { return Choice{.applied = {}, .because = {}, .refusal = std::move(error)}; };
  if (asked) {
    if (!fits(proof, *asked)) return refused(not_the_one(proof, graph, *asked));
    return {.applied = *asked, .because = {}, .refusal = {}};
  }
  if (proof.fits.empty()) return refused(proof.middles.empty() ? unknown(proof, graph) : in_the_middle(proof, graph));

  const auto table = by_version_table(findings, graph);
  const bool several = proof.fits.size() > 1;
  if (table && fits(proof, *table))
    return {.applied = *table, .because = several ? "the version table" : "", .refusal = {}};
  if (!several) return {.applied = proof.fits[0], .because = {}, .refusal = doubt(findings, graph, proof.fits[0])};

  auto others = other_witnesses(findings, graph);
  std::erase_if(others, [&](const auto& witness) { return !fits(proof, witness.says); });
  const auto agrees = [&](const auto& witness) { return witness.says == others.front().says; };
  if (others.empty() || !std::ranges::all_of(others, agrees)) return refused(several_fit(proof, graph, others));
  const auto& chosen = others.front();
  return {.applied = chosen.says, .because = chosen.name, .refusal = doubt(findings, graph, chosen.says)};
}

// --- What is to be done about it ---

/// A journal goes on only where its numbers do: `last_lsn` must be one that it has given.
Proposal::Journal what_of_journal(const Findings& findings) {
  const auto& journal = findings.journal;
  if (journal.condition == JournalFound::Condition::none) return Proposal::Journal::begin;
  if (journal.condition == JournalFound::Condition::damaged) return Proposal::Journal::set_aside;
  if (!findings.state) return Proposal::Journal::keep;
  const bool its_own = findings.state->database_id == journal.database_id;
  const bool goes_on = its_own && findings.state->last_lsn <= journal.last;
  return goes_on ? Proposal::Journal::keep : Proposal::Journal::set_aside;
}

std::vector<std::string> stamp_words(const Proposal& proposal, const Findings& findings) {
  std::unordered_set<std::string> stamped;
  for (const auto& stamp : findings.stamps) stamped.insert(stamp.revision.text);
  std::vector<std::string> gone;
  std::vector<std::string> renewed;
  std::vector<std::string> come;
  for (const auto& planned : proposal.plan)
    (planned.action == Action::unstamp    ? gone
     : stamped.contains(planned.revision) ? renewed
                                          : come)
        .push_back(planned.revision);
  std::vector<std::string> words;
  if (!gone.empty())
    words.push_back(fmt::format("forget {}, which the schema proves not to be applied", listed(gone, ", ")));
  if (!renewed.empty()) words.push_back(fmt::format("accept {} as the scripts are now", listed(renewed, ", ")));
  if (!come.empty()) words.push_back(fmt::format("record {} as applied", listed(come, ", ")));
  return words;
}

std::string journal_words(const Proposal& proposal, const Findings& findings) {
  const auto behind = findings.state ? findings.state->last_lsn.value : 0;
  switch (proposal.journal) {
    case Proposal::Journal::begin:
      return behind == 0 ? "begin a journal" : fmt::format("begin a new journal behind transaction {}", behind);
    case Proposal::Journal::set_aside:
      return fmt::format("set the journal aside, and begin a new one behind transaction {}", behind);
    case Proposal::Journal::keep:
      break;
  }
  return "go on with the journal from where the database is";
}

std::string describe(const Proposal& proposal, const Findings& findings, const Graph& graph,
                     const std::string& because) {
  const std::string place = name_of(graph, proposal.applied);
  const std::string why = because.empty() ? "" : fmt::format(", as {} says", because);
  if (proposal.finishes_own_run) return "finish the fix-state that was interrupted; the database is at " + place;
  if (!proposal.writes) return fmt::format("nothing to do: the database is at {}, and all agrees with it", place);
  auto words = stamp_words(proposal, findings);
  if (words.empty() && !findings.has_version_table) words.emplace_back("make the version table anew");
  if (!findings.journal_fits() || proposal.journal == Proposal::Journal::begin)
    words.push_back(journal_words(proposal, findings));
  return fmt::format("the database is at {}{}: {}", place, why, fmt::join(words, "; "));
}

}  // namespace

std::vector<RevisionSet> candidates(const Findings& findings, const Graph& graph) {
  std::vector<RevisionSet> sets;
  if (auto says = by_version_table(findings, graph)) sets.push_back(std::move(*says));
  for (auto& witness : other_witnesses(findings, graph)) sets.push_back(std::move(witness.says));
  return sets;
}

Proposal propose(const Findings& findings, const SchemaProof& proof, const Graph& graph,
                 const std::optional<RevisionSet>& asked) {
  Proposal proposal;
  proposal.evidence = clues(findings, proof, graph);
  proposal.current = versions::current(graph, findings.stamps);
  if (findings.has_run_to_settle()) {
    proposal.refusal = unsettled(findings);
    return proposal;
  }
  auto choice = choose(findings, proof, graph, asked);
  proposal.refusal = std::move(choice.refusal);
  if (proposal.refusal) return proposal;

  proposal.applied = std::move(choice.applied);
  proposal.finishes_own_run = findings.has_own_run();
  proposal.plan = engine::planned_stamps(graph, findings.stamps, proposal.applied);
  proposal.journal = findings.journal_fits() && findings.journal.condition != JournalFound::Condition::none
                         ? Proposal::Journal::keep
                         : what_of_journal(findings);
  const bool table_lost = findings.state && !findings.has_version_table;
  proposal.writes = !proposal.plan.empty() || !findings.journal_fits() || table_lost;
  proposal.description = describe(proposal, findings, graph, choice.because);
  return proposal;
}

}  // namespace belay::recovery

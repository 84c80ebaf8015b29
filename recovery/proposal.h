#pragma once

#include <optional>
#include <string>
#include <vector>

#include "recovery/clues.h"
#include "recovery/error.h"
#include "recovery/findings.h"
#include "recovery/schema_proof.h"

namespace belay::recovery {

/// What follows from the findings: one way to make version table, journal, scripts and schema agree; or nothing to do;
/// or a refusal.
struct Proposal {
  /// What becomes of the journal.
  enum class Journal {
    keep,       ///< It goes on, from where the database is.
    begin,      ///< There is none; a new one goes on behind the database's last transaction.
    set_aside,  ///< It gets another name first.
  };

  std::vector<Clue> evidence;
  std::vector<versions::RevisionId> current;  ///< Where the version table says the database is, right or wrong.
  std::optional<Error> refusal;               ///< `ambiguous`, `unknown_schema`, `half_applied`, `unfinished_run`.

  // Without a refusal:
  RevisionSet applied;  ///< What is applied; the schema is exactly that of these.
  std::string description;
  bool finishes_own_run = false;  ///< A killed fix-state is finished first.
  bool writes = false;            ///< There is something to do; always so where a run is open.
  Journal journal = Journal::keep;
  std::vector<journal::PlannedRevision> plan;  ///< Stamps that go, come or are renewed.

  [[nodiscard]] bool nothing_to_do() const { return !refusal && !writes; }
};

/// The sets of revisions that evidence other than the schema speaks of: to be tried in any case.
std::vector<RevisionSet> candidates(const Findings& findings, const versions::Graph& graph);

/// The one proposal.
///
///   - What is applied must have exactly the live schema, when replayed. Nothing else is ever proposed.
///   - Of several that have it (they differ in rows alone), the one that was asked for; else the one that the version
///     table says; else the one that the tables of other tools and the end of the journal agree on.
///   - Nothing is concluded from a version that another tool calls failed or dirty.
///
/// @param asked  what a person says is applied.
Proposal propose(const Findings& findings, const SchemaProof& proof, const versions::Graph& graph,
                 const std::optional<RevisionSet>& asked);

}  // namespace belay::recovery

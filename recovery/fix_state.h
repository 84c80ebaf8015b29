#pragma once

#include <optional>
#include <stop_token>
#include <string>

#include "engine/executor.h"
#include "recovery/proposal.h"
#include "recovery/target.h"

namespace belay::recovery {

/// What a person says about the state.
struct FixRequest {
  std::string to{};  ///< A revision as `stamp` takes it: just this and its ancestors are applied. Empty: find out.
  bool backup = true;
};

// fix-state (docs/recovery.md): what is believed of a database is brought in step with what it is.
//
//   1. look     findings, proof, proposal; nothing is written, and a refusal ends here
//   2. backup   of whatever the database holds, under the process lock
//   3. journal  one that cannot go on is set aside; a new one is created behind `last_lsn`, with the database's own id
//   4. look     again, with database and journal held
//   5. intent   RunBegin with a plan of `adopt`, which has the schema's fingerprint, and the stamps; where a run is
//   open
//               that cannot be settled, it is closed in the same commit
//   6. act      one transaction: the schema is compared once more, belay's tables are made, database_id, the stamps,
//               `last_lsn`. Commit point
//   7. end      TransactionCommit, RunEnd
//
// Crash before 3: as before, and a backup more. In 3: a journal less, or one that says nothing and fits. From 5 to 6:
// `taking_over`: restart carries it out again if the schema is still the same, else fix-state looks again. Behind 6:
// `last_lsn` is the open transaction; restart writes 7.

/// Looks, and proposes.
class FixState {
 public:
  /// @param settings, places, graph  must outlive this.
  FixState(const Settings& settings, const Places& places, const versions::Graph& graph, FixRequest request,
           std::stop_token stop);

  /// 1. @throws as `find_out`, `require_nobody_at_work`, `prove`; versions::Error for a revision that there is not.
  Proposal look();
  /// 4.
  Proposal look(Target& target);
  /// Whether database and journal are to be made to know of each other, though both look right.
  [[nodiscard]] bool has_new_journal() const { return has_new_journal_; }
  /// What the last look found.
  [[nodiscard]] const Findings& findings() const { return findings_; }

  /// 2 and 3. A refusal is thrown.
  /// @returns the id of the backup.
  std::optional<std::string> make_ready(const std::string& command, engine::Observer& observer);

  /// 5 to 7, on what the last look found.
  void carry_out(Target& target, const Proposal& proposal, journal::RunBegin run, engine::Executor::Options options,
                 engine::Observer& observer);

 private:
  Proposal propose();
  [[nodiscard]] std::optional<RevisionSet> asked() const;
  std::optional<std::string> back_up(engine::Observer& observer);
  void replace_journal(const Proposal& proposal);

  const Settings& settings_;
  const Places& places_;
  const versions::Graph& graph_;
  FixRequest request_;
  std::stop_token stop_;
  Findings findings_;
  bool has_new_journal_ = false;
  // The last proof, and what it is of: replaying many scripts takes time.
  std::string proven_;
  std::vector<RevisionSet> tried_;
  SchemaProof proof_;
};

/// Within the transaction that takes a database over: it has the schema still that this was decided by.
/// @throws engine::Error `verification_failed`.
void require_unchanged_schema(Target& target, const std::vector<std::string>& ignored,
                              const journal::PlannedRevision& planned);

}  // namespace belay::recovery

#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <set>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "engine/executor.h"
#include "engine/observer.h"
#include "recovery/autogenerate.h"
#include "recovery/backup.h"
#include "recovery/baseline.h"
#include "recovery/check.h"
#include "recovery/finished_runs.h"
#include "recovery/fix_state.h"
#include "recovery/reset.h"
#include "recovery/restart.h"
#include "recovery/settings.h"
#include "recovery/situation.h"
#include "versions/graph.h"
#include "versions/plan.h"
#include "versions/script_cache.h"
#include "versions/stamp.h"

namespace belay::recovery {

/// What a command did.
struct Report {
  struct Done {
    versions::RevisionId revision;
    journal::Action action = journal::Action::up;
    std::chrono::milliseconds took{0};
  };
  std::vector<versions::RevisionId> from;
  std::vector<versions::RevisionId> to;
  std::vector<Done> revisions;
  std::optional<Recovered> recovered;
  std::optional<std::string> backup;  ///< The id of the one that was made first.
};

/// What a person has agreed to.
struct ResetRequest {
  /// `ResetPlan::unknown` as it was shown: refused when there is more by then. Nothing: whatever there is.
  std::optional<std::vector<std::string>> agreed{};
};

/// Which runs to take back.
struct UndoRequest {
  std::optional<journal::RunId> back_to{};  ///< With all that followed it; else only the newest.
  std::optional<journal::RunId> newest{};   ///< Refused when this is not the newest run that can be taken back.
  bool discard_later_writes = false;        ///< As for Migrator::recover.
};

/// What `undo_run` would do, and whether it would be let.
struct UndoPlan {
  std::vector<UndoableRun> runs;     ///< Newest first.
  std::vector<Completed> revisions;  ///< What the database would lose (`down`), newest first, and get back (`up`).
  std::optional<Error> obstacle;  ///< `foreign_writes`, with the evidence: refused, unless later writes are discarded.
};

/// The front door of the library: migrates one database by one folder of scripts. What a killed run left is brought in
/// order first, by itself, by each member that writes.
///
/// Errors: versions::Error (scripts, targets), engine::Error (database, statements), journal::Error (journal, lock),
/// recovery::Error (what belongs together does not fit). After any of them the database is before or after each
/// revision; the error says where.
class Migrator {
 public:
  /// @param observer  is told what happens, while it happens; must outlive this.
  /// @param stop  once requested, the running statement is interrupted, and the run is rolled back to the last
  ///              revision that is applied, and closed.
  Migrator(Settings settings, engine::Observer& observer, std::stop_token stop = {});

  [[nodiscard]] const Settings& settings() const { return settings_; }
  [[nodiscard]] const Places& places() const { return places_; }

  /// The scripts, read once.
  const versions::Graph& graph();
  /// The same, but some may not be `whole`: for who only looks where they stand.
  const versions::Graph& overview();

  /// Where the database is. Writes nothing and waits for nobody.
  Situation look(Ahead ahead = Ahead::yes);

  /// What `upgrade` and `downgrade` would do in this situation.
  versions::Plan plan_upgrade(const Situation& situation, std::string_view to);
  versions::Plan plan_downgrade(const Situation& situation, std::string_view to);
  /// What `stamp` would do: the version table is made to say that just these and their ancestors are applied, with the
  /// digests that the scripts have now.
  std::vector<journal::PlannedRevision> plan_stamp(const Situation& situation, const std::vector<std::string>& to);

  /// Brings the database up to `to` (versions::plan_upgrade).
  /// @param command  what the journal calls this run.
  Report upgrade(std::string_view to = "head", const std::string& command = "upgrade");
  Report downgrade(std::string_view to, const std::string& command = "downgrade");
  /// Records without running.
  Report stamp(const std::vector<std::string>& to, const std::string& command = "stamp");

  /// Takes the database down to base and up to its head again (recovery/reset.h), after a backup of whatever it holds.
  /// Neither drift nor missing scripts stop it. A down section that fails on the rows there are ends its run, is said,
  /// and what is left then is dropped by a second one.
  /// @throws as plan_reset, and whatever stops the backup: nothing was changed.
  Report reset(const ResetRequest& request = {}, const std::string& command = "reset");
  /// What `reset` would do in this situation. Writes nothing.
  ResetPlan plan_reset(const Situation& situation);

  /// Looks at everything (recovery/check.h). Writes nothing.
  CheckReport check(const CheckRequest& request);

  /// Settles an interrupted run as asked, whatever the settings say, and does nothing when there is none. `forward`
  /// also gives up an undo that later writes of others stand in the way of.
  /// @param discard_later_writes  take back by before-images also what others have written since. The database is
  ///                              copied into `backups` of the journal's folder first.
  /// @throws Error `foreign_writes`, `in_doubt`: nothing was changed.
  Report recover(Policy policy, bool discard_later_writes = false, const std::string& command = "recover");

  /// Takes back the newest finished run, or all back to and including one, by their before-images, all at once.
  /// `Report::revisions` says what the database lost and got back.
  /// @throws Error `not_applicable` (nothing to take back, no such run, a run is interrupted, another run is the
  ///         newest), `foreign_writes`, `no_images`: nothing was changed.
  Report undo_run(const UndoRequest& request = {}, const std::string& command = "recover undo-run");
  /// What `undo_run` would do in this situation. Writes nothing.
  /// @throws Error `not_applicable`, `no_images`, the problem of the situation.
  UndoPlan plan_undo(const Situation& situation, std::optional<journal::RunId> back_to = {});

  /// Brings version table and journal in step with what the schema proves to be applied (recovery/fix_state.h). A
  /// backup is made first.
  /// @throws Error `ambiguous`, `unknown_schema`, `half_applied`, `unfinished_run`: nothing was changed.
  Report fix_state(const FixRequest& request = {}, const std::string& command = "recover fix-state");
  /// What `fix_state` would do, with all that speaks for it. Writes nothing.
  Proposal plan_fix_state(const FixRequest& request = {});

  /// The script that makes a first revision of the schema as it is. Writes nothing.
  /// @param file  what it will be called, for messages.
  /// @throws Error `not_applicable` where there are scripts or stamps (but the one script that makes just this schema),
  ///         `unknown_schema` when no script can be proven to make it, `unfinished_run`.
  Baseline plan_baseline(const ScriptHeader& header, const std::filesystem::path& file);
  /// Records it as applied once its script is written; reads the scripts again. As fix_state, which proves it anew.
  Report stamp_baseline(const std::string& id, const std::string& command = "revision --baseline");

  /// What turns the database, or what the revisions make, into the desired schema (recovery/autogenerate.h). Writes
  /// nothing.
  /// @throws versions::Error (the schema file: `unreadable`, `malformed`; words: `bad_name`), engine::Error (it cannot
  /// be
  ///         run), Error `pending`, `unfinished_run`, `unprovable`, and what stops a run in this situation.
  Autogenerated autogenerate(const AutogenerateRequest& request);
  /// As prove_autogenerated.
  void prove(std::string_view text, const std::filesystem::path& file, const Autogenerated& plan);

  /// Puts a backup in the place of the database, whatever has become of that and of its journal. What it replaces is
  /// kept as a backup (recovery/restore.h).
  /// @param backup  as `find_for_restore` finds it.
  /// @throws Error `backup_damaged`, `foreign`: nothing was changed; and as recovery::restore.
  Report restore(const Backup& backup, const std::string& command = "recover restore");

 private:
  using MakePlan = std::function<std::vector<journal::PlannedRevision>(const Situation&)>;
  Report run(const std::string& command, bool heed_drift, const MakePlan& make_plan);
  [[nodiscard]] journal::RunBegin run_begin(const std::string& command,
                                            const std::vector<versions::RevisionId>& current) const;
  void heed(const Situation& situation, bool heed_drift) const;
  void add_hooks(journal::PlannedRevision& revision) const;
  [[nodiscard]] std::vector<journal::PlannedRevision> with_hooks(std::vector<journal::PlannedRevision> plan) const;
  std::function<std::vector<std::string>(const std::vector<versions::Stamp>&)> current_texts();
  std::vector<versions::RevisionId> current(const std::vector<versions::Stamp>& stamps);
  ResetPlan plan_reset(const Situation& situation, engine::Connection* live, std::set<std::string> failed);
  void reset_once(Target& target, const ResetRequest& request, const std::string& command, engine::Observer& observer);
  engine::Executor::Options executor_options(Target& target);

  Settings settings_;
  Places places_;
  engine::Observer& observer_;
  std::stop_token stop_;
  std::optional<versions::ScriptCache> scripts_;
  std::optional<versions::Graph> graph_;
};

}  // namespace belay::recovery

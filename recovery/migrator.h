#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "engine/executor.h"
#include "engine/observer.h"
#include "recovery/finished_runs.h"
#include "recovery/restart.h"
#include "recovery/situation.h"
#include "recovery/settings.h"
#include "versions/graph.h"
#include "versions/plan.h"
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

  /// Where the database is. Writes nothing and waits for nobody.
  Situation look();

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

 private:
  using MakePlan = std::function<std::vector<journal::PlannedRevision>(const Situation&)>;
  Report run(const std::string& command, bool heed_drift, const MakePlan& make_plan);
  [[nodiscard]] journal::RunBegin run_begin(const std::string& command,
                                            const std::vector<versions::RevisionId>& current) const;
  void heed(const Situation& situation, bool heed_drift) const;
  std::vector<journal::PlannedRevision> with_hooks(std::vector<journal::PlannedRevision> plan) const;
  engine::Executor::Options executor_options(Target& target);

  Settings settings_;
  Places places_;
  engine::Observer& observer_;
  std::stop_token stop_;
  std::optional<versions::Graph> graph_;
};

}  // namespace belay::recovery

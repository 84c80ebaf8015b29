#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "engine/connection.h"
#include "engine/introspect.h"
#include "journal/record.h"
#include "versions/graph.h"
#include "versions/schema/schema.h"
#include "versions/script.h"

namespace belay::engine {

/// What scripts make, tried out on a scratch database that starts empty and is forgotten: the schema after each of
/// their steps, with nothing of the real database touched.
///
/// Statements run by the rules of a real run: what may not be in a transaction is not, a batch step runs as one slice,
/// belay's own tables are there and protected. Two things differ, because the scratch database has no rows but those
/// that scripts write: `verify` is not run, and foreign keys are not checked.
class Replay {
 public:
  /// Called after each step with the number of steps that are done. The schema may be asked for.
  using AfterStep = std::function<void(std::size_t done)>;

  /// @param like  what kind of database it is to be.
  /// @param version_table  the name of the real one.
  /// @param ignored  what is no part of its schema besides (Introspector), whoever makes it.
  Replay(const DatabaseUrl& like, const std::string& version_table, std::vector<std::string> ignored = {});

  /// Makes the objects of a schema (of a live database, say), without rows.
  /// @throws Error naming the object that cannot be made.
  void load(const versions::schema::Schema& schema);

  /// Runs a section of a script: all of it, or, when it fails, nothing of what its last transaction did.
  /// @throws Error with file, line and statement, and `state` saying that only a scratch database was touched.
  void up(const versions::Script& script, const AfterStep& after_step = {});
  /// Nothing for a script without a `down` section.
  void down(const versions::Script& script, const AfterStep& after_step = {});
  /// The same for any part of a plan; stamps are not written.
  void run(const journal::PlannedRevision& revision, const AfterStep& after_step = {});
  /// The same for a file of SQL. What the database makes by itself (SQLite: `sqlite_sequence`) may stand in it.
  void run(const std::string& file, const std::vector<versions::Statement>& statements);

  /// Runs `work` in a savepoint, inside a transaction that the caller has begun. What it did stays when it returns
  /// true, and is taken back when it does not, or the database refuses a statement of it.
  bool attempt(const std::function<bool()>& work);

  /// Takes back the open transaction, if there is one.
  void abandon();

  /// As it is now. Read again only when something has changed it; valid until then.
  const versions::schema::Schema& schema();

  /// For a stop token, and for what this class has no verb for.
  [[nodiscard]] Connection& connection() { return *connection_; }

 private:
  void run_step(const journal::PlannedRevision& revision, const journal::PlannedStep& step);
  void run_batch(const journal::PlannedRevision& revision, const journal::PlannedStep& step);
  void run_statement(const std::string& file, const journal::PlannedStatement& statement);
  void commit();

  std::unique_ptr<Connection> connection_;
  Introspector introspector_;
  versions::schema::Schema schema_;
  std::optional<std::int64_t> schema_version_;  // Of `schema_`; nothing when it is to be read anew.
  bool trust_version_ = true;                   // Until a script writes the catalogue by hand.
};

/// A point of a replay that has a schema of its own.
struct ReplayPoint {
  const versions::Script* revision = nullptr;  ///< The last one; null at base.
  std::size_t steps_done = 0;
  std::size_t steps = 0;  ///< Of its `up` section.

  /// Between two revisions, not within one.
  [[nodiscard]] bool is_whole() const { return steps_done == steps; }
};

/// `base`, `revision 1002`, `revision 1002 after step 2 of 5 (versions/1002.sql:14)`, where the line is that of the
/// last step that is done.
std::string describe(const ReplayPoint& point);

/// Runs the up sections of the chosen revisions, parents before children, and tells of each point on the way, base and
/// the middle of revisions among them.
/// @param chosen  positions in `graph`: with every revision, its parents.
/// @throws Error as Replay::up.
void replay(Replay& replay, const versions::Graph& graph, const std::vector<bool>& chosen,
            const std::function<void(const ReplayPoint&)>& at_point = {});

}  // namespace belay::engine

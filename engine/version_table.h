#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/connection.h"
#include "journal/lsn.h"
#include "versions/stamp.h"

namespace belay::engine {

/// The row of `belay_state`.
struct TargetState {
  std::string database_id;
  journal::Lsn last_lsn;  ///< Of the newest transaction of ours that committed here (invariant T1).
};

/// belay's two tables in the target: the version table (a row for each applied revision) and `belay_state`. Writes
/// belong to the caller's transaction, so that they commit with the step or not at all.
class VersionTable {
 public:
  /// The layout of both tables; a database that says more was written by a later belay.
  static constexpr std::int64_t format = 1;

  /// @param connection  must outlive this.
  /// @param name  of the version table.
  VersionTable(Connection& connection, std::string name);

  [[nodiscard]] const std::string& name() const { return name_; }

  /// Nothing in a database that belay has not written to.
  /// @throws Error `newer_format`.
  std::optional<TargetState> state();
  /// In the order in which they were applied.
  std::vector<versions::Stamp> stamps();

  /// Creates what is missing of both tables, in the open transaction.
  void create(const std::string& database_id);
  void write(const versions::Stamp& stamp);
  void remove(const versions::RevisionId& revision);
  void set_last_lsn(journal::Lsn lsn);
  /// From now on the target is the database of that journal.
  void set_database_id(const std::string& database_id);

  /// The SQL of `create`, `write` and `remove` for a version table of that name, for a person to run by hand.
  static std::string create_sql(std::string_view name);
  static std::string write_sql(std::string_view name, const versions::Stamp& stamp);
  static std::string remove_sql(std::string_view name, const versions::RevisionId& revision);

 private:
  Connection& connection_;
  std::string name_;
  std::string quoted_;
};

}  // namespace belay::engine

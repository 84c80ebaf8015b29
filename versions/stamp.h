#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "versions/graph.h"
#include "versions/revision_id.h"

namespace belay::versions {

/// A row of the version table: this revision is applied.
struct Stamp {
  RevisionId revision;
  std::string message;
  std::string digest;      ///< Of the script when it was applied.
  std::string applied_at;  ///< UTC, ISO 8601.
  std::int64_t execution_ms = 0;
  std::string applied_by;
  std::uint64_t lsn = 0;  ///< Of the transaction that applied it; 0 when no journal did.
};

/// One way in which the version table and the scripts disagree.
struct Drift {
  enum class Kind {
    edited,           ///< The script's SQL is no longer what was applied.
    missing,          ///< Applied, and no script has this id.
    parent_unapplied  ///< Applied, and a parent of it is not.
  };
  Kind kind = Kind::edited;
  RevisionId revision;
  std::filesystem::path file;  ///< The script; empty when it is missing.
  std::string message;         ///< A sentence for a person.
};

/// All disagreements, in the order of `stamps`.
std::vector<Drift> find_drift(const Graph& graph, const std::vector<Stamp>& stamps);

/// Marks the applied revisions by their position in `graph`; stamps without a script are passed over.
std::vector<bool> applied(const Graph& graph, const std::vector<Stamp>& stamps);

/// The applied revisions of which no child is applied: where the database is. In the order of `graph`, then the stamps
/// without a script in their own order.
std::vector<RevisionId> current(const Graph& graph, const std::vector<Stamp>& stamps);

}  // namespace belay::versions

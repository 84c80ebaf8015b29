#pragma once

#include <cstddef>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "engine/connection.h"
#include "versions/graph.h"
#include "versions/schema/difference.h"
#include "versions/schema/schema.h"

namespace belay::recovery {

/// Marks revisions by their position in the graph; with every revision its parents.
using RevisionSet = std::vector<bool>;

/// Which revisions a schema is that of, found out by replaying the scripts on a scratch database. Proof of the schema,
/// and of nothing that a script does to rows.
struct SchemaProof {
  /// Where the scripts give another schema.
  struct Other {
    RevisionSet revisions;
    std::vector<versions::schema::Difference> differences;  ///< What turns that schema into the live one.
  };
  /// In the middle of a revision.
  struct Middle {
    std::size_t revision = 0;  ///< Its position.
    std::string description;   ///< `revision 1002 after step 2 of 5 (versions/1002.sql:14)`
  };

  std::vector<RevisionSet> fits;           ///< The schema is exactly theirs. Several, where some change rows alone.
  std::vector<Middle> middles;             ///< It is exactly that of these points, too.
  std::optional<Other> nearest;            ///< Where nothing fits.
  std::optional<Other> asked;              ///< Of the revisions that were asked for, where these do not fit.
  std::vector<std::string> cannot_replay;  ///< Why some points could not be tried.
  std::size_t not_tried = 0;               ///< Ways through the branches that were left out, being too many.
};

/// What to look for.
struct ProofRequest {
  engine::DatabaseUrl like;  ///< What kind of database it is.
  std::string version_table;
  std::vector<std::string> ignored;     ///< As for the live schema.
  std::vector<RevisionSet> candidates;  ///< Tried in any case.
  std::optional<RevisionSet> asked;     ///< Likewise.
  std::size_t walks_max = 64;           ///< Replays.
  /// Positions from the newest on whose ancestors are looked at one by one.
  std::size_t branching_max = 10'000;
};

/// Tries base, every revision with its ancestors, every state that `upgrade heads` passes, each point within a revision
/// on the way, and the candidates. In a graph without branches that is all there is, in one replay.
/// @throws engine::Error `interrupted`.
SchemaProof prove(const versions::schema::Schema& live, const versions::Graph& graph, const ProofRequest& request,
                  const std::stop_token& stop);

/// The revisions of a set that no other of it comes after.
std::vector<versions::RevisionId> heads_of(const versions::Graph& graph, const RevisionSet& revisions);

}  // namespace belay::recovery

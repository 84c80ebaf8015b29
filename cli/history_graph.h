#pragma once

#include <optional>
#include <string>
#include <vector>

#include "versions/graph.h"

namespace belay::cli {

/// Draws the revisions as `git log --graph` does: one column for each line of descent that is open, newest first.
///
///     *     merge
///     |\   (edges open below a merge …
///     | *   left
///     * |   right
///     |/    … and close above the revision that both lines come from)
///     *     root
class HistoryGraph {
 public:
  struct Rows {
    std::vector<std::string> before;  ///< Lines of edges to print above the revision.
    std::string node;                 ///< What stands left of the revision's text.
    std::string after;                ///< What stands left of further lines about it.
  };

  explicit HistoryGraph(const versions::Graph& graph) : graph_(graph) {}

  /// The next revision: positions come in falling order, children before their parents.
  Rows draw(std::size_t position, char mark);

 private:
  std::vector<std::string> close_columns(std::size_t position, std::size_t column);
  [[nodiscard]] std::string bars(std::size_t from, std::size_t to) const;

  const versions::Graph& graph_;
  std::vector<std::size_t> columns_;  // For each open column, the revision that it leads to.
  std::vector<std::string> pending_;  // Edges that the last revision opened.
};

}  // namespace belay::cli

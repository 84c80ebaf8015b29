#pragma once

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
  void close_columns(std::size_t position, std::size_t column);
  void open_columns(const std::vector<std::size_t>& parents, std::size_t column);
  void end_column(std::size_t column);
  void erase(std::size_t column);
  [[nodiscard]] std::string bars(std::size_t from, std::size_t to) const;
  [[nodiscard]] std::string moved(std::size_t from, char edge) const;

  const versions::Graph& graph_;
  std::vector<std::size_t> columns_;  // For each open column, the revision that it leads to.
  std::vector<std::string> edges_;    // What is to be printed above the next revision.
  bool below_root_ = false;           // The last revision was a root, in the last column.
};

}  // namespace belay::cli

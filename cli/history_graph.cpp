#include "cli/history_graph.h"

#include <algorithm>
#include <utility>

namespace belay::cli {

std::string HistoryGraph::bars(std::size_t from, std::size_t to) const {
  std::string text;
  for (std::size_t i = from; i < to; ++i) text += "| ";
  return text;
}

/// The columns from `from` on move by one, all in the direction of `edge`.
std::string HistoryGraph::moved(std::size_t from, char edge) const {
  std::string text;
  for (std::size_t i = from; i < columns_.size(); ++i) text.append(1, ' ').append(1, edge);
  return text;
}

/// Several columns that lead to one revision become its column, the rightmost first.
void HistoryGraph::close_columns(std::size_t position, std::size_t column) {
  for (std::size_t i = columns_.size(); i-- > column + 1;) {
    if (columns_[i] != position) continue;
    // The line runs left, under the columns between, to the one that stays.
    std::string row = bars(0, column) + "|";
    for (std::size_t between = column + 1; between < i; ++between) row += "_|";
    edges_.push_back(row + "/" + moved(i + 1, '/'));
    erase(i);
  }
}

/// The first of several parents goes on in the merge's own column, the others get one each beside it.
void HistoryGraph::open_columns(const std::vector<std::size_t>& parents, std::size_t column) {
  columns_[column] = parents[0];
  for (std::size_t i = 1; i < parents.size(); ++i) {
    edges_.push_back(bars(0, column + i - 1) + "|\\" + moved(column + i, '\\'));
    columns_.insert(columns_.begin() + static_cast<std::ptrdiff_t>(column + i), parents[i]);
  }
}

/// Nothing may stand directly below a root, or it would look like its parent.
void HistoryGraph::end_column(std::size_t column) {
  erase(column);
  if (column < columns_.size()) edges_.push_back(bars(0, column) + moved(column, '/'));
  below_root_ = column == columns_.size();
}

void HistoryGraph::erase(std::size_t column) {
  columns_.erase(columns_.begin() + static_cast<std::ptrdiff_t>(column));
}

HistoryGraph::Rows HistoryGraph::draw(std::size_t position, char mark) {
  auto found = std::find(columns_.begin(), columns_.end(), position);
  if (found == columns_.end()) {  // A head.
    if (below_root_) edges_.push_back(columns_.empty() ? "" : bars(0, columns_.size() - 1) + "|");
    found = columns_.insert(columns_.end(), position);
  }
  const auto column = static_cast<std::size_t>(found - columns_.begin());
  close_columns(position, column);
  const auto& parents = graph_.parents(position);
  const std::string left = bars(0, column);
  const std::string right = bars(column + 1, columns_.size()) + " ";
  Rows rows{.before = std::exchange(edges_, {}),
            .node = left + mark + " " + right,
            .after = left + (parents.empty() ? "  " : "| ") + right + "  "};
  below_root_ = false;
  if (parents.empty())
    end_column(column);
  else
    open_columns(parents, column);
  return rows;
}

}  // namespace belay::cli

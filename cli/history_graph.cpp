#include "cli/history_graph.h"

#include <algorithm>
#include <utility>

namespace belay::cli {

std::string HistoryGraph::bars(std::size_t from, std::size_t to) const {
  std::string text;
  for (std::size_t i = from; i < to; ++i) text += "| ";
  return text;
}

/// Several columns that lead to one revision become its column, the rightmost first.
std::vector<std::string> HistoryGraph::close_columns(std::size_t position, std::size_t column) {
  std::vector<std::string> rows;
  for (std::size_t i = columns_.size(); i-- > column + 1;) {
    if (columns_[i] != position) continue;
    // The line runs left, under the columns between, to the one that stays.
    std::string row = bars(0, column) + "|";
    for (std::size_t between = column + 1; between < i; ++between) row += "_|";
    rows.push_back(row + "/" + (i + 1 < columns_.size() ? " " + bars(i + 1, columns_.size()) : ""));
    columns_.erase(columns_.begin() + static_cast<std::ptrdiff_t>(i));
  }
  return rows;
}

HistoryGraph::Rows HistoryGraph::draw(std::size_t position, char mark) {
  Rows rows;
  rows.before = std::exchange(pending_, {});
  auto found = std::find(columns_.begin(), columns_.end(), position);
  if (found == columns_.end()) found = columns_.insert(columns_.end(), position);  // A head.
  const auto column = static_cast<std::size_t>(found - columns_.begin());
  for (auto& row : close_columns(position, column)) rows.before.push_back(std::move(row));
  rows.node = bars(0, column) + mark + " " + bars(column + 1, columns_.size()) + " ";

  const auto& parents = graph_.parents(position);
  if (parents.empty()) {
    columns_.erase(columns_.begin() + static_cast<std::ptrdiff_t>(column));
  } else {
    columns_[column] = parents[0];
    for (std::size_t i = 1; i < parents.size(); ++i) {
      pending_.push_back(bars(0, column + i).substr(0, 2 * (column + i) - 1) + "\\ " +
                         bars(column + i, columns_.size()));
      columns_.insert(columns_.begin() + static_cast<std::ptrdiff_t>(column + i), parents[i]);
    }
  }
  rows.after = bars(0, columns_.size()) + "   ";
  return rows;
}

}  // namespace belay::cli

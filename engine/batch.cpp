#include "engine/batch.h"

#include <fmt/format.h>

#include <utility>

namespace belay::engine {

BatchWalk::BatchWalk(Connection& connection, const journal::PlannedStep& step, std::string after)
    : connection_(connection),
      table_(connection.quote(step.batch_table)),
      column_(connection.quote(step.batch_column)),
      rows_(step.batch_rows),
      after_(std::move(after)) {
  // Qualified, because SQLite reads a quoted name that is no column as a string.
  column_ = table_ + "." + column_;
  if (count(column_ + " IS NULL") > 0)
    throw Error(ErrorCode::statement_failed,
                fmt::format("the batch walks {}.{}, and some rows have NULL there: they would be skipped",
                            step.batch_table, step.batch_column));
  total_ = count("TRUE");
  if (!after_.empty()) done_ = count(fmt::format("{} <= {}", column_, after_));
}

/// As a query of the script: the table may be large, and a user may want to stop.
std::vector<Row> BatchWalk::ask(const std::string& sql) {
  return connection_.ask({.text = sql, .file = {}, .line = 0});
}

std::int64_t BatchWalk::count(const std::string& condition) {
  const auto rows = ask(fmt::format("SELECT count(*) FROM {} WHERE {}", table_, condition));
  return std::get<std::int64_t>(rows.at(0).at(0));
}

std::optional<BatchWalk::Slice> BatchWalk::next() {
  const std::string rest = after_.empty() ? "" : fmt::format(" WHERE {} > {}", column_, after_);
  const auto rows =
      ask(fmt::format("SELECT min(slice_key), max(slice_key) FROM (SELECT {0} AS slice_key FROM {1}{2} ORDER BY {0} "
                      "LIMIT {3}) AS slice",
                      column_, table_, rest, rows_));
  Slice slice{.low = rows.at(0).at(0), .high = rows[0].at(1)};
  if (slice.high == Value()) return std::nullopt;
  slice.rows = count(fmt::format("{} BETWEEN {} AND {}", column_, to_literal(slice.low), to_literal(slice.high)));
  after_ = to_literal(slice.high);
  done_ += slice.rows;
  return slice;
}

}  // namespace belay::engine

#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "engine/connection.h"
#include "journal/record.h"

namespace belay::engine {

/// Walks the key of a `batch:N over:T.C` step, in slices of N rows (more where several rows share the last key).
class BatchWalk {
 public:
  struct Slice {
    Value low;
    Value high;
    std::int64_t rows = 0;
  };

  /// @param after  the last key that is done, as an SQL literal; empty to start at the least.
  /// @throws Error `statement_failed` when the table or column is not there, or a row has no key: it would be skipped.
  BatchWalk(Connection& connection, const journal::PlannedStep& step, std::string after);

  /// The next slice; nothing after the last. Rows that others add beyond the last key so far are walked as well.
  std::optional<Slice> next();

  [[nodiscard]] std::int64_t done() const { return done_; }
  /// As counted at the start; the application may go on adding rows.
  [[nodiscard]] std::int64_t total() const { return total_; }

 private:
  std::vector<Row> ask(const std::string& sql);
  std::int64_t count(const std::string& condition);

  Connection& connection_;
  std::string table_;
  std::string column_;
  std::int64_t rows_;
  std::string after_;
  std::int64_t done_ = 0;
  std::int64_t total_ = 0;
};

}  // namespace belay::engine

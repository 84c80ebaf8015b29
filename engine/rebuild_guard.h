#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "engine/connection.h"
#include "journal/record.h"
#include "versions/schema/schema.h"

namespace belay::engine {

/// Watches over a step `rebuild:T from:HEX to:HEX`, which copies a table to a new one that takes its place. DROP TABLE
/// takes along whatever hangs on the old table, whoever has made it, and an INSERT … SELECT copies no more than it
/// says:
///
///   before   the table is there; what it consists of, with its indexes and triggers, has the fingerprint `from`
///   after    the same of `to`; as many rows as before; the highest number that AUTOINCREMENT has given out is no
///   lower;
///            no table belay_new_… is left over
///
/// A failure is found inside the transaction, which takes the step back.
class RebuildGuard {
 public:
  enum class Scope : std::uint8_t {
    all,
    schema  ///< The rows are not those of a real database and do not count.
  };

  /// Looks at the table before the step.
  /// @param connection, revision  must outlive this. @param step  of `revision`, a rebuild.
  /// @throws Error `verification_failed` with the place of the step.
  RebuildGuard(Connection& connection, const journal::PlannedRevision& revision, const journal::PlannedStep& step,
               Scope scope);

  /// Looks at it after the step.
  /// @throws Error as above.
  void check();

 private:
  void look();
  void compare();
  void check_leftovers() const;
  void check_rows() const;
  void check_sequence() const;
  [[nodiscard]] std::int64_t count_rows() const;
  [[nodiscard]] std::string unknown_to_the_revision(const versions::schema::Schema& family) const;
  [[nodiscard]] Error placed(Error error) const;

  Connection& connection_;
  const journal::PlannedRevision& revision_;
  const journal::PlannedStep& step_;
  Scope scope_;
  std::int64_t rows_ = 0;
  std::optional<std::int64_t> sequence_;
  std::vector<std::string> new_tables_;  // That were there before the step.
};

}  // namespace belay::engine

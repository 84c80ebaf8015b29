#pragma once

#include <optional>
#include <set>
#include <string>
#include <string_view>

namespace belay::versions {

/// Follows the statements of a plan, in their order, and tells which of them take data away: DROP TABLE, ALTER TABLE …
/// DROP COLUMN, DELETE. What the same plan has created before does not count, nor do temporary tables, nor the body of
/// a trigger, which only runs when somebody fires it. In doubt a statement does.
///
/// Reads tokens, as coarsely as Scanner does: it never fails, whatever the text.
class DestructiveStatements {
 public:
  /// @returns what the statement takes away, as a person would say it: `drops table rooms`; nothing when it takes
  ///          nothing away.
  std::optional<std::string> look(std::string_view statement);

 private:
  std::set<std::string> created_;  ///< By this plan; names in lower case.
};

}  // namespace belay::versions

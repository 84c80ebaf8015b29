#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "versions/schema/rebuild.h"
#include "versions/schema/schema.h"

namespace belay::versions::schema {

/// One thing that a migration does to a schema.
struct Change {
  /// `create-`, `drop-`, `rename-`, `replace-` and the type of the object (`rename-table`, `replace-view`); of a table
  /// also `rebuild-table`, `add-column`, `drop-column`, `rename-column`.
  std::string kind;
  ObjectType type = ObjectType::table;
  std::string object;                ///< By its new name: `rooms`, `rooms.code` for a column.
  std::vector<std::string> details;  ///< For a person: `column code: TEXT → INTEGER`; the old name of a rename.
};

/// A part of a script's section that belongs together.
struct MigrationStep {
  std::vector<Change> changes;
  std::vector<std::string> comment;     ///< Why, for a person; a line each.
  std::vector<std::string> statements;  ///< Without the semicolons between them.
  std::optional<Rebuild> rebuild;
};

/// A statement with its semicolon: on a line of its own where a comment at the very end would hide it.
std::string with_semicolon(std::string_view statement);

/// The section of a script that does these steps, as a person would write it; ends in a line feed unless it is empty.
std::string to_sql(std::span<const MigrationStep> steps);

}  // namespace belay::versions::schema

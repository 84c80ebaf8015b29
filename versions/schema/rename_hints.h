#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "versions/schema/rename.h"

namespace belay::versions::schema {

// What people say about renames: beside the thing itself in the file of the desired schema, or as a word. Said once, a
// hint may stay where it is: it counts only between two schemas of which one has the old name and the other the new.

/// That something was called otherwise before.
struct RenameHint {
  enum class Of {
    column,
    table,
    index,
    table_or_index  ///< A word does not say which.
  };
  Of of = Of::column;
  std::string table;  ///< Of a column. In a word it may be the old name, too.
  std::string from;
  std::string to;
  std::filesystem::path file{};  ///< Empty for a word.
  int line = 0;
};

/// The hints in a file of SQL: `-- @renamed from=old`, or the same between `/*` and `*/`, beside a column, a CREATE
/// TABLE or a CREATE INDEX: on its line, or on the line before it, where other comments may stand between. The old name
/// is quoted where SQL would have to quote it.
/// @throws Error `malformed` with file and line for a hint that is misspelt, or beside nothing that it could mean.
std::vector<RenameHint> read_rename_hints(std::string_view sql, const std::filesystem::path& file);

/// `rooms.name=title` for a column, `rooms=halls` for a table or an index; names quoted as in SQL.
/// @throws Error `bad_name`.
RenameHint parse_rename(std::string_view word);

/// The comment to put beside it: `-- @renamed from=name`.
std::string hint_of(const Rename& rename);
/// The option for a command, as a shell takes it: `--rename rooms.name=title`.
std::string option_of(const Rename& rename);

}  // namespace belay::versions::schema

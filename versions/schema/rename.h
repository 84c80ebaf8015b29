#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace belay::versions::schema {

/// What keeps its content under another name. A person has said so: it is never guessed.
struct Rename {
  enum class Kind : std::uint8_t { table, column, index };
  Kind kind = Kind::column;
  std::string table;  ///< Of a column: its table, by the new name of that. Else empty.
  std::string from;
  std::string to;

  friend bool operator==(const Rename&, const Rename&) = default;
};

/// All that hold between two schemas, each told once.
using Renames = std::vector<Rename>;

/// The way back.
Renames inverse(const Renames& renames);

/// What the new schema's table was called before; its own name without a rename.
std::string old_table(const Renames& renames, std::string_view table);
/// The same of a column. @param table  by its new name.
std::string old_column(const Renames& renames, std::string_view table, std::string_view column);

}  // namespace belay::versions::schema

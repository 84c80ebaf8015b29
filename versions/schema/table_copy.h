#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "versions/schema/rename.h"
#include "versions/schema/schema.h"

namespace belay::versions::schema {

/// A table that is made anew, with its rows copied: https://www.sqlite.org/lang_altertable.html#otheralter, steps 4
/// to 7. docs/autogenerate.md has the reason of each statement.
struct TableCopy {
  const Object& from;    ///< A table, or a virtual table; both have one name.
  const Object& to;      ///< Of the same type.
  std::string new_name;  ///< What the new table is called while both are there.
  /// Views or triggers mention the table, or do not fit theirs, and SQLite would refuse to rename the new one.
  bool has_readers = false;
  /// Where the text of the new table names itself (`CHECK (rooms.floor > 0)`), it is to use `new_name` as well.
  bool rewrite_own_name = false;
  /// The columns to copy; only for virtual tables, whose text does not tell.
  std::vector<std::string> columns{};
  /// Columns of this table that take another name on the way, because SQLite cannot rename them.
  Renames renames{};
};

/// From CREATE TABLE to the end of RENAME. Indexes, triggers and everything else that hung on the old table are gone
/// afterwards.
std::vector<std::string> copy_statements(const TableCopy& copy);

/// The CREATE TABLE statement with another name in it.
std::string with_name(std::string_view sql, std::string_view name);

/// The column that is the rowid: INTEGER PRIMARY KEY. Null when there is none.
const Column* rowid_column(const Table& table);

/// A name by which the rowid can be asked for; nothing for a WITHOUT ROWID table, or when all of them are taken.
std::optional<std::string> rowid_name(const Table& table);
/// The same for a virtual table. All of them may be taken where it is a full-text index.
std::optional<std::string> rowid_name(const VirtualTable& table);

/// An expression for what a row gets in a column that is not named: its default, or NULL.
std::string default_value(const Column& column);

/// Whether rows of this virtual table can be read and written as they are, so that a new one can take them over. Those
/// of a full-text index keep their rowids, so that there has to be a name for these.
bool can_be_copied(const VirtualTable& table);

/// `languageid=`: the hidden column of an FTS4 table that says by which language a row is searched.
std::optional<std::string> language_column(const VirtualTable& table);

/// Whether it is an index over the content of another table (FTS4, FTS5 with `content=`), made from that by `rebuild`.
bool reads_other_table(const VirtualTable& table);

}  // namespace belay::versions::schema

#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

namespace belay::versions::schema {

// What CREATE statements say, parsed. Names are unquoted and otherwise as written. Every piece that another statement
// may be made of keeps its SQL byte for byte.

/// A piece of an object's SQL.
struct Fragment {
  std::string text;        ///< Byte for byte, comments inside kept.
  std::size_t offset = 0;  ///< Where it begins in the object's SQL.
};

/// A column of a key or an index.
struct IndexedColumn {
  std::string name;       ///< Empty when it is an expression.
  Fragment expression;    ///< The column or expression, without collation and order.
  std::string collation;  ///< Empty: that of the column.
  bool descending = false;
};

struct ForeignKey {
  std::string table;
  std::vector<std::string> columns;  ///< Empty: the primary key of `table`.
  std::string on_delete;             ///< Lower case: `cascade`, `set null`, …; empty for NO ACTION.
  std::string on_update;
  std::string match;      ///< Parsed and ignored by SQLite; empty without one.
  bool deferred = false;  ///< DEFERRABLE INITIALLY DEFERRED: all else is checked at the end of the statement.
};

/// A constraint of a table, wherever it is written: a constraint of one column stands either on it or behind all
/// columns, and means the same.
struct Constraint {
  enum class Kind : std::uint8_t { primary_key, unique, check, foreign_key };
  Kind kind = Kind::check;
  std::string name;                      ///< Empty without one.
  std::optional<std::size_t> on_column;  ///< The position of the column it is written on.
  std::vector<IndexedColumn> columns;    ///< All but CHECK; of a foreign key, the names alone.
  bool autoincrement = false;
  std::string conflict;   ///< Lower case: `replace`, …; empty for ABORT, which is what nothing means.
  Fragment expression;    ///< CHECK: between the parentheses.
  ForeignKey references;  ///< Foreign key.
  Fragment definition;    ///< As written, with its name.
};

struct Column {
  struct NotNull {
    std::string name;
    std::string conflict;
  };
  struct Default {
    std::string name;
    Fragment value;  ///< Without the parentheses, if it has any.
    bool in_parentheses = false;
  };
  struct Generated {
    std::string name;
    Fragment expression;
    bool stored = false;
  };
  std::string name;
  std::string type;  ///< Its words and numbers with single spaces: `VARCHAR ( 20 )` is `VARCHAR(20)`. May be empty.
  std::optional<NotNull> not_null;
  std::optional<Default> default_value;
  std::optional<Generated> generated;
  std::string collation;  ///< Empty without one.
  Fragment definition;    ///< The whole of it, from its name on.
};

struct Table {
  std::string name;
  std::vector<Column> columns;
  std::vector<Constraint> constraints;  ///< Of the columns and of the table, in the order of the text.
  bool strict = false;
  bool without_rowid = false;

  /// Null when there is none, in any case of its letters.
  [[nodiscard]] const Column* find(const std::string& column) const;
};

struct VirtualTable {
  std::string name;
  std::string module;
  std::vector<Fragment> arguments;
};

struct Index {
  std::string name;
  std::string table;
  bool unique = false;
  std::vector<IndexedColumn> columns;
  std::optional<Fragment> where;
};

struct View {
  std::string name;
  std::vector<std::string> columns;  ///< Empty: the query names them.
  Fragment query;
};

struct Trigger {
  std::string name;
  std::string table;
  std::string time;                  ///< `before`, `after`, `instead of`
  std::string event;                 ///< `insert`, `update`, `delete`
  std::vector<std::string> columns;  ///< UPDATE OF these; empty for all.
  std::optional<Fragment> when;
  Fragment body;  ///< Between BEGIN and END.
};

/// `monostate` for what the parser does not know: it is compared token by token.
using Definition = std::variant<std::monostate, Table, VirtualTable, Index, View, Trigger>;

}  // namespace belay::versions::schema

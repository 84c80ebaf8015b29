#pragma once

#include <cstdint>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "versions/schema/object.h"
#include "versions/schema/rename.h"

namespace belay::engine {

/// What a column does to a value that is stored in it (https://www.sqlite.org/datatype3.html, section 3). INTEGER and
/// NUMERIC do the same.
enum class Affinity : std::uint8_t { blob, text, numeric, real };

/// Of STRICT tables too: ANY takes a value as it is there.
Affinity affinity_of(const versions::schema::Table& table, const versions::schema::Column& column);

/// The name of a column's collation, BINARY without one.
std::string collation_of(const versions::schema::Column& column);

/// The columns of the primary key; empty without one.
std::vector<std::string> primary_key_of(const versions::schema::Table& table);

/// The names in a piece of SQL, folded.
std::set<std::string> names_in(std::string_view sql);

bool have_common(const std::set<std::string>& some, const std::set<std::string>& others);

/// What `table` of the new schema was called before; empty when it is new, though there was another of its name.
std::string name_before(const versions::schema::Renames& renames, std::string_view table);

/// A table as it is, and as it is going to be.
struct TablePair {
  const versions::schema::Table& before;
  const versions::schema::Table& after;
  const versions::schema::Renames& renames;

  /// The column of `before` that this one of `after` was; null when it is added.
  [[nodiscard]] const versions::schema::Column* predecessor(const versions::schema::Column& column) const;
  /// The column whose values `column`, of `after`, is going to hold; null when it is added or computed.
  [[nodiscard]] const versions::schema::Column* origin(const versions::schema::Column& column) const;
  /// What has become of a column of `before`; null when it is dropped.
  [[nodiscard]] const versions::schema::Column* successor(const versions::schema::Column& column) const;
  /// Whether values of this column of `after` are converted on the way.
  [[nodiscard]] bool converts(const versions::schema::Column& column) const;
};

/// The folded names of columns of `after` whose values nobody knows before they are stored: new ones with a default
/// that is drawn for each row (`random()`), and what is computed from them.
std::set<std::string> drawn_columns(const TablePair& pair);

/// The rows of a live table as they are going to be stored, as a query: with the new names, converted by the new
/// affinities, with the defaults of what is added and the values of what is generated. Expressions over them mean what
/// they mean in the new table, because each column has its affinity and its collation.
class StoredRows {
 public:
  /// @param used  folded names of columns: a virtual generated column that is none of them is never computed, as in a
  ///              real table.
  StoredRows(const TablePair& pair, const std::set<std::string>& used);

  /// `(SELECT …) AS alias`
  [[nodiscard]] std::string as(std::string_view alias) const;
  /// By the new table's name, which expressions may name.
  [[nodiscard]] std::string from() const { return as(name_); }
  /// The names, quoted, of what tells rows apart: the rowid, or the primary key; of the table as it is now. Empty when
  /// nothing does.
  [[nodiscard]] const std::vector<std::string>& keys() const { return keys_; }
  /// The name, quoted, of the value that the row has now in a column that does not stay as it is.
  [[nodiscard]] std::string value_before(const versions::schema::Column& column) const;

 private:
  struct Item {
    std::string name;
    std::string sql;
    Affinity affinity = Affinity::blob;
    std::string collation;
    bool typed = false;      ///< What stands in `sql` has that affinity and that collation by itself.
    bool converted = false;  ///< The value has to be converted first.
  };

  void add_keys(const TablePair& pair);
  void add_rowids(const TablePair& pair);
  void add_columns(const TablePair& pair);
  void add_values_before(const TablePair& pair);
  void add_generated(const TablePair& pair, const std::set<std::string>& used);
  [[nodiscard]] std::string rowid_before(const TablePair& pair) const;
  [[nodiscard]] std::string own_name(std::string_view what, std::size_t number) const;
  void convert();

  std::string name_;
  std::string prefix_;
  std::vector<std::string> keys_;
  std::vector<const versions::schema::Column*> columns_before_;
  std::vector<Item> items_;
  std::string query_;
};

}  // namespace belay::engine

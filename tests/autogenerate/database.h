#pragma once

#include <sqlite3.h>

#include <map>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

namespace belay::proof {

/// What SQLite says no to.
struct SqlError : std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// Values as SQL literals that give just these back: 7, 7.0, '7', X'37', NULL.
using Values = std::vector<std::string>;
using Rows = std::vector<Values>;

/// Plain SQLite, without anything of belay's: what applications and other tools do.
class Database {
 public:
  /// In memory, until it is given a file.
  explicit Database(const std::string& file = ":memory:");

  /// Any number of statements. @throws SqlError
  void run(const std::string& sql);
  /// The same, and whether it worked.
  bool tries(const std::string& sql);
  Rows rows(const std::string& sql);
  /// The first value; empty without a row.
  std::string value(const std::string& sql);
  /// The first value of the first row as it is, not as a literal; empty for NULL.
  std::string text(const std::string& sql);
  /// A copy of another one, page by page.
  void copy_from(Database& other);

 private:
  struct Close {
    void operator()(sqlite3* database) const { sqlite3_close_v2(database); }
  };
  std::unique_ptr<sqlite3, Close> handle_;
};

/// A name as SQL, a text as SQL, and back.
std::string quoted(const std::string& name);
std::string literal_of(const std::string& text);
std::string text_of(const std::string& literal);
std::string joined(const Values& values, const std::string& between = ", ");
std::string lower(std::string text);

/// What SQLite's own PRAGMAs tell of a table: nothing here is read by belay.
struct TableInfo {
  struct Column {
    std::string name;
    std::string type;
    std::string default_value;
    bool not_null = false;
    bool generated = false;
    bool in_key = false;
  };
  std::string name;
  bool is_virtual = false;
  bool without_rowid = false;
  bool strict = false;
  bool autoincrement = false;
  std::string sql;
  std::vector<Column> columns;
  std::string rowid;        ///< A name by which the rowid can be asked for; empty when there is none.
  std::string integer_key;  ///< The column that is the rowid; empty without one.
  std::int64_t rootpage = 0;

  [[nodiscard]] const Column* find(const std::string& column) const;
};

/// The tables of a database's user by name in lower case, virtual ones too; not the tables behind those.
using Tables = std::map<std::string, TableInfo>;
Tables tables_of(Database& database);

/// The rows of a table with their rowids, a text for each, in the order of rowid or key.
std::vector<std::string> dump(Database& database, const TableInfo& table);

/// All that PRAGMAs say of the schema, table by table: a second opinion beside fingerprints.
std::string shape(Database& database);

/// `sqlite_sequence` as it is for one table; nothing when it has no row there.
std::optional<std::string> sequence_of(Database& database, const std::string& table);

}  // namespace belay::proof

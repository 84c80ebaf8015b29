#include "tests/autogenerate/rows.h"

#include <array>
#include <set>

#include "tests/autogenerate/dice.h"
#include "versions/schema/lexer.h"

namespace belay::proof {
namespace {

using versions::schema::TokenKind;

const Values anything = {"1",
                         "0",
                         "'007'",
                         "''",
                         "'abc'",
                         "NULL",
                         "-5",
                         "2.5",
                         "'9223372036854775808'",
                         "X'00ff'",
                         "'Größe ✓'",
                         "9007199254740993",
                         "' 12 '",
                         "'1e3'",
                         "3.0",
                         "X''",
                         "'it''s'",
                         "'2024-02-29 12:00:00'",
                         "'{\"a\": [1, 2]}'",
                         "9223372036854775807",
                         "'ABC'",
                         "'true'",
                         "1e300"};
const Values integers = {"1", "2", "3", "0", "-5", "70", "9007199254740993", "9223372036854775807", "NULL"};
const Values reals = {"1.5", "2", "-0.25", "1e300", "NULL"};
const Values texts = {"'abc'",  "''",      "'007'", "'Größe ✓'", "'9223372036854775808'",
                      "' 12 '", "'it''s'", "'42'",  "NULL"};
const Values blobs = {"X'00ff'", "X''", "X'61'", "NULL"};

const Values& pool_of(const TableInfo& table, const TableInfo::Column& column, Chances& chances) {
  if (lower(column.name) == lower(table.integer_key)) return integers;
  const std::string type = lower(column.type);
  if (!table.strict && chances.once_in(4)) return anything;
  if (type.find("int") != std::string::npos) return integers;
  if (type.find("real") != std::string::npos || type.find("doub") != std::string::npos) return reals;
  if (type.find("text") != std::string::npos || type.find("char") != std::string::npos) return texts;
  if (type.find("blob") != std::string::npos && table.strict) return blobs;
  return anything;
}

struct Reference {
  std::string column;
  std::string parent;
  std::string parent_column;
};

/// A table that rows are put into.
class Filler {
 public:
  Filler(Database& database, const TableInfo& table, Chances& chances)
      : database_(database), table_(table), chances_(chances) {
    for (const auto& token : versions::schema::lex(table.sql)) {
      const bool is_value = token.kind == TokenKind::string || token.kind == TokenKind::number;
      if (is_value) literals_.emplace_back(token.text);
    }
    for (const auto& row : database.rows("PRAGMA foreign_key_list(" + quoted(table.name) + ")"))
      references_.push_back({text_of(row[3]), text_of(row[2]), text_of(row[4])});
  }

  void fill(std::size_t count) {
    std::size_t left = count * 4;
    for (std::size_t done = 0; done < count && left > 0; --left) done += insert() ? 1U : 0U;
  }

 private:
  bool insert() {
    Values names;
    Values values;
    for (const auto& column : table_.columns) {
      if (column.generated || (lower(column.name) == lower(table_.integer_key) && !chances_.once_in(3))) continue;
      if (!column.default_value.empty() && chances_.once_in(5)) continue;
      names.push_back(quoted(column.name));
      values.push_back(value_for(column));
    }
    const std::string into = "INSERT OR IGNORE INTO " + quoted(table_.name);
    const std::string before = database_.value("SELECT total_changes()");
    const bool done = database_.tries(
        names.empty() ? into + " DEFAULT VALUES" : into + " (" + joined(names) + ") VALUES (" + joined(values) + ")");
    return done && database_.value("SELECT total_changes()") != before;
  }

  std::string value_for(const TableInfo::Column& column) {
    const auto parent = parent_value(column);
    if (parent) return *parent;
    if (!literals_.empty() && chances_.once_in(4)) return chances_.one_of(literals_);
    const std::string& value = chances_.one_of(pool_of(table_, column, chances_));
    if (value == "NULL" && (column.not_null || column.in_key)) return "'" + std::to_string(chances_.below(1000)) + "'";
    const bool is_unique_text = value.starts_with('\'') && chances_.once_in(3);
    return is_unique_text ? value.substr(0, value.size() - 1) + std::to_string(chances_.below(1000)) + "'" : value;
  }

  /// A key that is there, mostly.
  std::optional<std::string> parent_value(const TableInfo::Column& column) {
    for (const auto& [name, parent, key] : references_) {
      if (lower(name) != lower(column.name) || chances_.once_in(8)) continue;
      try {
        const std::string wanted = key.empty() ? "rowid" : quoted(key);
        const auto found = database_.rows("SELECT " + wanted + " FROM " + quoted(parent));
        if (!found.empty()) return chances_.one_of(found)[0];
      } catch (const SqlError&) {
        return std::nullopt;  // No such parent: SQLite minds only when the foreign key is used.
      }
      return "NULL";
    }
    return std::nullopt;
  }

  Database& database_;
  const TableInfo& table_;
  Chances& chances_;
  Values literals_;
  std::vector<Reference> references_;
};

/// Parents before children, as far as there is such an order.
void visit(const Tables& tables, Database& database, const std::string& name, std::set<std::string>& seen,
           std::vector<const TableInfo*>& order) {
  const auto found = tables.find(name);
  if (found == tables.end() || !seen.insert(name).second) return;
  for (const auto& row : database.rows("PRAGMA foreign_key_list(" + quoted(found->second.name) + ")"))
    visit(tables, database, lower(text_of(row[2])), seen, order);
  order.push_back(&found->second);
}

/// Rows in the middle go, and sometimes all of them.
void make_holes(Database& database, const TableInfo& table, Chances& chances) {
  const std::string from = "DELETE FROM " + quoted(table.name);
  if (chances.once_in(8)) database.tries(from);
  if (!table.rowid.empty() && chances.once_in(2)) database.tries(from + " WHERE " + table.rowid + " % 3 = 1");
}

void raise_sequence(Database& database, const TableInfo& table, Chances& chances) {
  if (!table.autoincrement || chances.once_in(3)) return;
  const std::string name = literal_of(table.name);
  if (!sequence_of(database, table.name))
    database.tries("INSERT INTO sqlite_sequence (name, seq) SELECT name, 41 FROM sqlite_schema WHERE name = " + name);
  else
    database.tries(
        "UPDATE sqlite_sequence SET seq = max(seq, coalesce(min(seq + 1000, 9007199254740993), 0)) WHERE "
        "name = " +
        name);
}

}  // namespace

void seed_rows(Database& database, std::uint64_t seed) {
  Chances chances(seed);
  const Tables tables = tables_of(database);
  std::set<std::string> seen;
  std::vector<const TableInfo*> order;
  for (const auto& [name, table] : tables) visit(tables, database, name, seen, order);
  database.run(chances.once_in(6) ? "PRAGMA foreign_keys = OFF" : "PRAGMA foreign_keys = ON");
  for (const TableInfo* table : order) Filler(database, *table, chances).fill(2 + chances.below(8));
  for (const TableInfo* table : order) make_holes(database, *table, chances);
  for (const TableInfo* table : order) raise_sequence(database, *table, chances);
  database.run("PRAGMA foreign_keys = OFF");
}

}  // namespace belay::proof

#include "tests/autogenerate/random_schema.h"

#include <algorithm>
#include <map>

namespace belay::proof {
namespace {

using Table = RandomSchema::Table;
using Other = RandomSchema::Other;
using Names = std::map<int, std::string>;

/// With the names in the place of numbers; a number without one becomes a name that nothing has.
std::string filled(const std::string& text, const Names& names, const std::string& own) {
  std::string result;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const std::size_t end = text[i] == '{' ? text.find('}', i) : std::string::npos;
    if (end == std::string::npos) {
      result += text[i];
      continue;
    }
    const std::string key = text.substr(i + 1, end - i - 1);
    const auto found = key == "." ? names.end() : names.find(std::stoi(key));
    result += key == "." ? own : found == names.end() ? "nothing_has_this_name" : found->second;
    i = end;
  }
  return result;
}

Names names_of(const RandomSchema& schema) {
  Names names;
  for (const auto& table : schema.tables) {
    names[table.number] = table.name.spelt;
    for (const auto& column : table.columns) names[column.number] = column.name.spelt;
  }
  for (const auto& other : schema.others) names[other.number] = other.name.spelt;
  return names;
}

std::string list(const std::vector<int>& numbers) {
  std::string text;
  for (const int number : numbers) text += (text.empty() ? "{" : ", {") + std::to_string(number) + "}";
  return "(" + text + ")";
}

std::string spelt(const RandomSchema::Column& column, const Table& table) {
  const auto part = [](const std::string& before, const std::string& text, const std::string& after = "") {
    return text.empty() ? std::string() : " " + before + text + after;
  };
  const bool is_key = table.key_on_column && table.key == std::vector<int>{column.number};
  return column.name.spelt + part("", column.type) + (is_key ? " PRIMARY KEY" + part("", table.key_rules) : "") +
         part("", column.not_null) + part("", column.unique) + part("DEFAULT ", column.value) +
         part("COLLATE ", column.collation) + part("CHECK (", column.check, ")") + part("AS ", column.generated);
}

std::string spelt(const Table& table, const Names& names) {
  const std::string line = table.comment.empty() ? " " : "\n  ";
  std::string text = "CREATE TABLE " + table.name.spelt + " (" + table.comment;
  for (const auto& column : table.columns) {
    text += &column == table.columns.data() ? line : "," + line;
    text += filled(spelt(column, table), names, column.name.spelt);
  }
  std::vector<std::string> constraints = table.checks;
  if (!table.key.empty() && !(table.key_on_column && table.key.size() == 1))
    constraints.push_back("PRIMARY KEY " + list(table.key) +
                          (table.key_rules == "AUTOINCREMENT" ? "" : " " + table.key_rules));
  for (const auto& unique : table.uniques) constraints.push_back("UNIQUE " + list(unique));
  for (const auto& key : table.foreign_keys)
    constraints.push_back("FOREIGN KEY " + list(key.columns) + " REFERENCES {" + std::to_string(key.parent) + "}" +
                          (key.parent_columns.empty() ? "" : " " + list(key.parent_columns)) + " " + key.rules);
  for (const auto& constraint : constraints) text += "," + line + filled(constraint, names, "");
  text += (table.comment.empty() ? ")" : "\n)");
  if (table.strict) text += " STRICT";
  if (table.without_rowid) text += table.strict ? ", WITHOUT ROWID" : " WITHOUT ROWID";
  return text;
}

/// SQLite finds a generated column that needs itself only when it is used.
bool has_loop(Database& database, const Table& table) {
  if (database.tries("EXPLAIN INSERT INTO " + table.name.spelt + " DEFAULT VALUES")) return false;
  database.run("DROP TABLE " + table.name.spelt);
  return true;
}

/// SQLite looks into views and triggers only when they are used.
bool is_usable(Database& database, const RandomSchema& schema, const Other& other, const Names& names) {
  if (other.kind == Other::Kind::view) return database.tries("SELECT * FROM " + other.name.spelt + " LIMIT 0");
  if (other.kind != Other::Kind::trigger) return true;
  const auto found = names.find(other.of);
  if (found == names.end()) return false;
  const auto* table = schema.table(other.of);
  const std::string& name = found->second;
  std::string column = table == nullptr ? database.text("SELECT name FROM pragma_table_info(" +
                                                        literal_of(database.text("SELECT tbl_name FROM sqlite_schema "
                                                                                 "WHERE type = 'trigger' AND name = " +
                                                                                 literal_of(other.name.text))) +
                                                        ")")
                                        : "";
  column = table != nullptr ? table->columns.front().name.spelt : quoted(column);
  return database.tries("EXPLAIN DELETE FROM " + name) &&
         database.tries("EXPLAIN UPDATE " + name + " SET " + column + " = 1") &&
         database.tries("EXPLAIN INSERT INTO " + name + " (" + column + ") VALUES (1)");
}

}  // namespace

const RandomSchema::Column* Table::find(int column) const {
  const auto found = std::ranges::find(columns, column, &Column::number);
  return found == columns.end() ? nullptr : &*found;
}

const RandomSchema::Column* Table::find_named(const std::string& wanted) const {
  const auto found =
      std::ranges::find_if(columns, [&](const auto& column) { return lower(column.name.text) == lower(wanted); });
  return found == columns.end() ? nullptr : &*found;
}

const Table* RandomSchema::table(int number) const {
  const auto found = std::ranges::find(tables, number, &Table::number);
  return found == tables.end() ? nullptr : &*found;
}

bool RandomSchema::has_name(const std::string& name) const {
  const auto is_it = [&](const auto& object) { return lower(object.name.text) == lower(name); };
  return std::ranges::any_of(tables, is_it) || std::ranges::any_of(others, is_it);
}

std::string RandomSchema::settle() {
  for (;;) {
    Database database;
    std::string sql = settle_tables(database);
    bool fits = true;
    for (auto& table : tables) {
      if (database.tries("PRAGMA foreign_key_check(" + table.name.spelt + ")")) continue;
      table.foreign_keys.clear();
      fits = false;
    }
    if (fits) return sql + settle_others(database);
  }
}

std::string RandomSchema::settle_tables(Database& database) {
  std::string sql;
  const Names names = names_of(*this);
  std::erase_if(tables, [&](const Table& table) {
    const std::string text = spelt(table, names);
    const bool works = database.tries(text) && !has_loop(database, table);
    if (works) sql += text + ";\n";
    return !works;
  });
  return sql;
}

std::string RandomSchema::settle_others(Database& database) {
  std::string sql;
  const Names names = names_of(*this);
  const auto works = [&](const Other& other) {
    const std::string text = filled(other.sql, names, other.name.spelt);
    if (!database.tries(text)) return false;
    sql += text + ";\n";
    if (is_usable(database, *this, other, names)) return true;
    sql.erase(sql.size() - text.size() - 2);
    database.run((other.kind == Other::Kind::view ? "DROP VIEW " : "DROP TRIGGER ") + other.name.spelt);
    return false;
  };
  for (const auto kind : {Other::Kind::virtual_table, Other::Kind::index, Other::Kind::view, Other::Kind::trigger})
    std::erase_if(others, [&](const Other& other) { return other.kind == kind && !works(other); });
  return sql;
}

namespace {

using versions::schema::Rename;
using versions::schema::Renames;

void add_columns(const Table& old, const Table& table, Renames& renames) {
  for (const auto& column : table.columns) {
    const auto* known = old.find(column.number);
    if (known == nullptr || lower(known->name.text) == lower(column.name.text)) continue;
    if (table.find_named(known->name.text) == nullptr && old.find_named(column.name.text) == nullptr)
      renames.push_back({Rename::Kind::column, table.name.text, known->name.text, column.name.text});
  }
}

}  // namespace

Renames renames_between(const RandomSchema& from, const RandomSchema& to) {
  Renames renames;
  const auto is_told = [&](const std::string& old, const std::string& now) {
    return !to.has_name(old) && !from.has_name(now);
  };
  for (const auto& table : to.tables) {
    const Table* old = from.table(table.number);
    if (old == nullptr) continue;
    const bool same_name = lower(old->name.text) == lower(table.name.text);
    if (!same_name && !is_told(old->name.text, table.name.text)) continue;
    if (!same_name) renames.push_back({Rename::Kind::table, "", old->name.text, table.name.text});
    add_columns(*old, table, renames);
  }
  for (const auto& other : to.others)
    for (const auto& old : from.others)
      if (other.kind == Other::Kind::index && old.number == other.number && is_told(old.name.text, other.name.text))
        renames.push_back({Rename::Kind::index, "", old.name.text, other.name.text});
  return renames;
}

}  // namespace belay::proof

#include "tests/autogenerate/database.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <set>

namespace belay::proof {
namespace {

/// What is neither SQLite's nor belay's own.
constexpr const char* user_objects =
    "s.name NOT LIKE 'sqlite~_%' ESCAPE '~' AND s.tbl_name NOT IN ('belay_version', 'belay_state')";

std::string literal(double value) {
  if (std::isinf(value)) return value > 0 ? "9e999" : "-9e999";
  std::array<char, 64> buffer{};
  const auto end = std::to_chars(buffer.data(), buffer.data() + buffer.size(), value).ptr;
  std::string text(buffer.data(), end);
  return text.find_first_of(".e") == std::string::npos ? text + ".0" : text;
}

std::string literal(const unsigned char* bytes, int size) {
  constexpr const char* digits = "0123456789abcdef";
  std::string text = "X'";
  for (int i = 0; i < size; ++i) {
    text += digits[bytes[i] >> 4U];
    text += digits[bytes[i] & 15U];
  }
  return text + "'";
}

std::string quoted_by(char quote, const std::string& text) {
  std::string result(1, quote);
  for (const char c : text) result.append(c == quote ? 2 : 1, c);
  return result + quote;
}

/// A literal ends where there is a NUL.
std::string text_literal(const unsigned char* bytes, int size) {
  const std::string text(reinterpret_cast<const char*>(bytes), static_cast<std::size_t>(size));
  if (text.find('\0') != std::string::npos) return "CAST(" + literal(bytes, size) + " AS TEXT)";
  return quoted_by('\'', text);
}

std::string literal_at(sqlite3_stmt* statement, int column) {
  switch (sqlite3_column_type(statement, column)) {
    case SQLITE_INTEGER:
      return std::to_string(sqlite3_column_int64(statement, column));
    case SQLITE_FLOAT:
      return literal(sqlite3_column_double(statement, column));
    case SQLITE_TEXT:
      return text_literal(sqlite3_column_text(statement, column), sqlite3_column_bytes(statement, column));
    case SQLITE_BLOB:
      return literal(static_cast<const unsigned char*>(sqlite3_column_blob(statement, column)),
                     sqlite3_column_bytes(statement, column));
    default:
      return "NULL";
  }
}

bool is_true(const std::string& value) {
  return !value.empty() && value != "0" && value != "NULL";
}

}  // namespace

Database::Database(const std::string& file) {
  sqlite3* opened = nullptr;
  const int code = sqlite3_open(file.c_str(), &opened);
  handle_.reset(opened);
  if (code != SQLITE_OK) throw SqlError("cannot open " + file);
}

void Database::run(const std::string& sql) {
  char* message = nullptr;
  if (sqlite3_exec(handle_.get(), sql.c_str(), nullptr, nullptr, &message) == SQLITE_OK) return;
  const std::string said = message != nullptr ? message : "no message";
  sqlite3_free(message);
  throw SqlError(said + " in: " + sql);
}

bool Database::tries(const std::string& sql) {
  return sqlite3_exec(handle_.get(), sql.c_str(), nullptr, nullptr, nullptr) == SQLITE_OK;
}

Rows Database::rows(const std::string& sql) {
  sqlite3_stmt* prepared = nullptr;
  if (sqlite3_prepare_v2(handle_.get(), sql.c_str(), -1, &prepared, nullptr) != SQLITE_OK)
    throw SqlError(std::string(sqlite3_errmsg(handle_.get())) + " in: " + sql);
  const std::unique_ptr<sqlite3_stmt, int (*)(sqlite3_stmt*)> statement(prepared, sqlite3_finalize);
  Rows result;
  int code = sqlite3_step(prepared);
  for (; code == SQLITE_ROW; code = sqlite3_step(prepared)) {
    Values row;
    for (int i = 0; i < sqlite3_column_count(prepared); ++i) row.push_back(literal_at(prepared, i));
    result.push_back(std::move(row));
  }
  if (code != SQLITE_DONE) throw SqlError(std::string(sqlite3_errmsg(handle_.get())) + " in: " + sql);
  return result;
}

std::string Database::value(const std::string& sql) {
  const Rows found = rows(sql);
  return found.empty() || found[0].empty() ? std::string() : found[0][0];
}

std::string Database::text(const std::string& sql) {
  return text_of(value(sql));
}

void Database::copy_from(Database& other) {
  sqlite3_backup* backup = sqlite3_backup_init(handle_.get(), "main", other.handle_.get(), "main");
  if (backup == nullptr) throw SqlError("no backup");
  const int code = sqlite3_backup_step(backup, -1);
  sqlite3_backup_finish(backup);
  if (code != SQLITE_DONE) throw SqlError("a backup failed");
}

std::string quoted(const std::string& name) {
  return quoted_by('"', name);
}

std::string literal_of(const std::string& text) {
  return quoted_by('\'', text);
}

std::string text_of(const std::string& literal) {
  if (literal == "NULL") return {};
  if (!literal.starts_with('\'')) return literal;
  std::string text;
  for (std::size_t i = 1; i + 1 < literal.size(); ++i) {
    text += literal[i];
    if (literal[i] == '\'') ++i;
  }
  return text;
}

std::string joined(const Values& values, const std::string& between) {
  std::string text;
  for (const auto& value : values) text += (text.empty() ? "" : between) + value;
  return text;
}

/// ASCII alone, as SQLite tells names apart.
std::string lower(std::string text) {
  for (char& c : text)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return text;
}

// --- Tables ---

namespace {

void read_columns(Database& database, TableInfo& table) {
  for (const auto& row : database.rows("PRAGMA main.table_xinfo(" + quoted(table.name) + ")")) {
    if (row[6] == "1") continue;  // A hidden column of a virtual table.
    TableInfo::Column column;
    column.name = text_of(row[1]);
    column.type = text_of(row[2]);
    column.not_null = is_true(row[3]);
    column.default_value = text_of(row[4]);
    column.in_key = is_true(row[5]);
    column.generated = is_true(row[6]);
    table.columns.push_back(column);
  }
}

/// A full-text table has a hidden column with its own name.
std::string free_rowid(const TableInfo& table) {
  for (const char* name : {"rowid", "_rowid_", "oid"})
    if (table.find(name) == nullptr && lower(table.name) != name) return name;
  return {};
}

/// A primary key of one column of the type INTEGER has no index of its own exactly if it is the rowid.
void read_key(Database& database, TableInfo& table) {
  if (table.without_rowid) return;
  table.rowid = free_rowid(table);
  if (table.is_virtual) return;
  Values key;
  for (const auto& column : table.columns)
    if (column.in_key) key.push_back(column.name);
  if (key.size() != 1) return;
  for (const auto& row : database.rows("PRAGMA main.index_list(" + quoted(table.name) + ")"))
    if (row[3] == "'pk'") return;
  table.integer_key = key[0];
  table.rowid = quoted(key[0]);
}

bool uses_sequence(const std::string& sql) {
  return lower(sql).find("autoincrement") != std::string::npos;
}

}  // namespace

const TableInfo::Column* TableInfo::find(const std::string& column) const {
  const auto found =
      std::ranges::find_if(columns, [&](const Column& mine) { return lower(mine.name) == lower(column); });
  return found == columns.end() ? nullptr : &*found;
}

Tables tables_of(Database& database) {
  Tables tables;
  for (const auto& row :
       database.rows("SELECT s.name, l.type, l.wr, l.strict, s.sql, s.rootpage FROM pragma_table_list AS l JOIN "
                     "main.sqlite_schema AS s ON s.name = l.name AND s.type = 'table' WHERE l.schema = 'main' AND "
                     "l.type IN ('table', 'virtual') AND " +
                     std::string(user_objects))) {
    TableInfo table;
    table.name = text_of(row[0]);
    table.is_virtual = row[1] == "'virtual'";
    table.without_rowid = is_true(row[2]);
    table.strict = is_true(row[3]);
    table.sql = text_of(row[4]);
    table.rootpage = std::stoll(row[5]);
    read_columns(database, table);
    read_key(database, table);
    table.autoincrement = !table.integer_key.empty() && uses_sequence(table.sql);
    tables.emplace(lower(table.name), std::move(table));
  }
  return tables;
}

std::vector<std::string> dump(Database& database, const TableInfo& table) {
  Values columns;
  if (!table.rowid.empty()) columns.push_back(table.rowid);
  for (const auto& column : table.columns) columns.push_back(quoted(column.name));
  if (columns.empty()) columns.emplace_back("'a row'");
  std::vector<std::string> lines;
  for (const auto& row : database.rows("SELECT " + joined(columns) + " FROM main." + quoted(table.name)))
    lines.push_back(joined(row, "|"));
  std::ranges::sort(lines);
  return lines;
}

std::string shape(Database& database) {
  std::string text;
  const auto add = [&](const std::string& title, const std::string& sql) {
    std::multiset<std::string> lines;
    for (const auto& row : database.rows(sql)) lines.insert(joined(row, "|"));
    text += title + "\n";
    for (const auto& line : lines) text += "  " + line + "\n";
  };
  for (const auto& [name, table] : tables_of(database)) {
    const std::string own = "(" + quoted_by('\'', name) + ")";
    add(name + (table.strict ? " strict" : "") + (table.without_rowid ? " without rowid" : "") +
            (table.autoincrement ? " autoincrement" : ""),
        "SELECT cid, lower(name), lower(type), \"notnull\", dflt_value, pk, hidden FROM pragma_table_xinfo" + own);
    add("references",
        "SELECT lower(\"table\"), group_concat(lower(\"from\") || ' ' || coalesce(lower(\"to\"), '')), on_update, "
        "on_delete, match FROM pragma_foreign_key_list" +
            own + " GROUP BY id");
    add("indexes",
        "SELECT CASE l.origin WHEN 'c' THEN lower(l.name) END, l.\"unique\", l.origin, l.partial, group_concat(x.seqno "
        "|| ' ' || x.cid || ' ' || coalesce(lower(x.name), '') || ' ' || x.\"desc\" || ' ' || x.coll || x.key) FROM "
        "pragma_index_list" +
            own + " AS l, pragma_index_xinfo(l.name) AS x GROUP BY l.name");
  }
  add("others", std::string("SELECT type, lower(name), lower(tbl_name) FROM sqlite_schema AS s WHERE type IN ('view', "
                            "'trigger', 'index') AND ") +
                    user_objects);
  return text;
}

std::optional<std::string> sequence_of(Database& database, const std::string& table) {
  if (database.rows("SELECT 1 FROM sqlite_schema WHERE name = 'sqlite_sequence'").empty()) return std::nullopt;
  std::string text;
  std::string name = quoted_by('\'', table);
  for (const auto& row : database.rows("SELECT seq FROM sqlite_sequence WHERE lower(name) = lower(" + name + ")"))
    text += (text.empty() ? "" : " and ") + row[0];
  if (text.empty()) return std::nullopt;
  return text;
}

}  // namespace belay::proof

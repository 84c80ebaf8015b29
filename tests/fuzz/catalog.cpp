#include "tests/fuzz/catalog.h"

#include <sqlite3.h>

#include <algorithm>
#include <cstdlib>

#include "versions/schema/lexer.h"
#include "versions/schema/names.h"

namespace belay::fuzz {
namespace {

constexpr const char* surroundings =
    "CREATE TABLE t (a, b TEXT, c INTEGER PRIMARY KEY, \"my column\");"
    "CREATE TABLE \"my table\" (a, b, UNIQUE (a, b));"
    "CREATE VIEW v AS SELECT a, b FROM t;";

/// A statement that runs for longer than this is none that makes an object.
constexpr int instructions_max = 50'000;

int allow(void*, int action, const char*, const char*, const char* schema, const char*) {
  switch (action) {
    case SQLITE_ATTACH:
    case SQLITE_DETACH:
    case SQLITE_TRANSACTION:
    case SQLITE_SAVEPOINT:
      return SQLITE_DENY;
    default:
      return schema != nullptr && std::string_view(schema) == "temp" ? SQLITE_DENY : SQLITE_OK;
  }
}

int give_up(void* instructions) {
  return ++*static_cast<int*>(instructions) > instructions_max / 1000 ? 1 : 0;
}

std::string text_of(sqlite3_stmt* statement, int column) {
  const auto* text = reinterpret_cast<const char*>(sqlite3_column_text(statement, column));
  return text == nullptr ? "" : std::string(text, static_cast<std::size_t>(sqlite3_column_bytes(statement, column)));
}

}  // namespace

void Catalog::Close::operator()(sqlite3* database) const {
  sqlite3_close(database);
}

Catalog& Catalog::instance() {
  static Catalog catalog;
  return catalog;
}

Catalog::Catalog() {
  sqlite3* opened = nullptr;
  if (sqlite3_open(":memory:", &opened) != SQLITE_OK) std::abort();
  database_.reset(opened);
  if (sqlite3_exec(opened, surroundings, nullptr, nullptr, nullptr) != SQLITE_OK) std::abort();
}

/// What follows a NUL, SQLite does not read. A PRAGMA would change this connection as soon as it is compiled.
std::optional<std::size_t> Catalog::run_first(std::string_view sql) {
  const std::string text(sql.substr(0, sql.find('\0')));
  const auto tokens = versions::schema::lex(text);
  if (tokens.empty() || versions::schema::fold(tokens[0].text) != "create") return std::nullopt;
  sqlite3_exec(database_.get(), "BEGIN", nullptr, nullptr, nullptr);
  int thousands = 0;
  sqlite3_progress_handler(database_.get(), 1000, give_up, &thousands);
  sqlite3_set_authorizer(database_.get(), allow, nullptr);
  sqlite3_stmt* statement = nullptr;
  const char* tail = nullptr;
  int code = sqlite3_prepare_v2(database_.get(), text.c_str(), -1, &statement, &tail);
  while (statement != nullptr && (code == SQLITE_OK || code == SQLITE_ROW)) code = sqlite3_step(statement);
  sqlite3_finalize(statement);
  sqlite3_set_authorizer(database_.get(), nullptr, nullptr);
  sqlite3_progress_handler(database_.get(), 0, nullptr, nullptr);
  if (code != SQLITE_DONE) return std::nullopt;
  return static_cast<std::size_t>(tail - text.c_str());
}

std::vector<versions::schema::CatalogRow> Catalog::new_rows() {
  std::vector<versions::schema::CatalogRow> made;
  for (auto& row : ask("SELECT type, name, tbl_name, sql FROM sqlite_schema WHERE sql IS NOT NULL AND rowid > 4 AND "
                       "name NOT LIKE 'sqlite~_%' ESCAPE '~' ORDER BY rowid",
                       ""))
    made.push_back({row[0], row[1], row[2], row[3]});
  return made;
}

void Catalog::roll_back() {
  sqlite3_exec(database_.get(), "ROLLBACK", nullptr, nullptr, nullptr);
}

Catalog::Rows Catalog::ask(const char* sql, const std::string& name) {
  Rows rows;
  sqlite3_stmt* statement = nullptr;
  if (sqlite3_prepare_v2(database_.get(), sql, -1, &statement, nullptr) != SQLITE_OK) std::abort();
  sqlite3_bind_text(statement, sqlite3_bind_parameter_index(statement, ":name"), name.c_str(), -1, SQLITE_TRANSIENT);
  while (sqlite3_step(statement) == SQLITE_ROW) {
    auto& row = rows.emplace_back();
    for (int i = 0; i < sqlite3_column_count(statement); ++i) row.push_back(text_of(statement, i));
  }
  sqlite3_finalize(statement);
  return rows;
}

bool is_complete(const std::string& sql) {
  return sqlite3_complete(sql.c_str()) != 0;
}

}  // namespace belay::fuzz

#include "recovery/foreign_tools.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <string_view>
#include <utility>

#include "engine/introspect.h"
#include "versions/words.h"

namespace belay::recovery {
namespace {

using engine::Connection;
using engine::Row;

std::string text_of(const engine::Value& value) {
  if (const auto* text = std::get_if<std::string>(&value)) return *text;
  if (const auto* number = std::get_if<std::int64_t>(&value)) return std::to_string(*number);
  return {};
}

bool contains(const std::vector<std::string>& names, std::string_view name) {
  return std::ranges::any_of(names, [name](const auto& one) { return versions::equal_ignoring_case(one, name); });
}

/// Text that stands for true where a tool has no numbers for it.
bool is_set(const engine::Value& value) {
  const std::string text = text_of(value);
  return !text.empty() && text != "0" && !versions::equal_ignoring_case(text, "false");
}

// --- What each of them writes down: a reader gets the rows of its query ---

using Rows = std::vector<Row>;

void read_versions(const Rows& rows, ForeignTool& found) {
  for (const auto& row : rows) found.applied.push_back(text_of(row.at(0)));
}

void read_current(const Rows& rows, ForeignTool& found) {
  read_versions(rows, found);
  found.only_current = true;
}

/// One row: the version, and whether its migration was begun and not ended. -1 is what it writes for "none".
void read_golang_migrate(const Rows& rows, ForeignTool& found) {
  found.only_current = true;
  for (const auto& row : rows) {
    const std::string version = text_of(row.at(0));
    if (version == "-1") continue;
    (is_set(row.at(1)) ? found.doubted : found.applied).push_back(version);
  }
}

/// A row for each time that a version went up or down; version 0 is its own first row.
void read_goose(const Rows& rows, ForeignTool& found) {
  for (const auto& row : rows) {
    const std::string version = text_of(row.at(0));
    if (version == "0") continue;
    std::erase(found.applied, version);
    if (is_set(row.at(1))) found.applied.push_back(version);
  }
}

/// Rows without a version are of scripts that run again whenever they change.
void read_flyway(const Rows& rows, ForeignTool& found) {
  for (const auto& row : rows) {
    const std::string version = text_of(row.at(0));
    if (version.empty()) continue;
    const bool undo = text_of(row.at(2)).starts_with("UNDO");
    std::erase(found.applied, version);
    if (!is_set(row.at(1)))
      found.doubted.push_back(version);
    else if (!undo)
      found.applied.push_back(version);
  }
}

void read_sqlx(const Rows& rows, ForeignTool& found) {
  for (const auto& row : rows) (is_set(row.at(1)) ? found.applied : found.doubted).push_back(text_of(row.at(0)));
}

/// How a tool's table is known, and read.
struct Kind {
  const char* tool;
  const char* table;
  std::vector<std::string> columns;  ///< It has all of these.
  bool no_others;                    ///< And no others.
  const char* query;                 ///< Its table stands for {}.
  void (*read)(const Rows&, ForeignTool&);
};

std::vector<Kind> kinds() {
  return {
      {"Alembic", "alembic_version", {"version_num"}, true, "SELECT version_num FROM {}", read_current},
      {"golang-migrate",
       "schema_migrations",
       {"version", "dirty"},
       true,
       "SELECT version, dirty FROM {}",
       read_golang_migrate},
      {"dbmate", "schema_migrations", {"version"}, true, "SELECT version FROM {} ORDER BY version", read_versions},
      {"goose",
       "goose_db_version",
       {"id", "version_id", "is_applied"},
       false,
       "SELECT version_id, is_applied FROM {} ORDER BY id",
       read_goose},
      {"Flyway",
       "flyway_schema_history",
       {"installed_rank", "version", "type", "success"},
       false,
       "SELECT version, success, type FROM {} ORDER BY installed_rank",
       read_flyway},
      {"sqlx",
       "_sqlx_migrations",
       {"version", "success", "checksum"},
       false,
       "SELECT version, success FROM {} ORDER BY version",
       read_sqlx},
      {"Diesel",
       "__diesel_schema_migrations",
       {"version", "run_on"},
       false,
       "SELECT version FROM {} ORDER BY version",
       read_versions},
  };
}

bool fits(const Kind& kind, const std::vector<std::string>& columns) {
  if (kind.no_others && columns.size() != kind.columns.size()) return false;
  return std::ranges::all_of(kind.columns, [&](const auto& column) { return contains(columns, column); });
}

std::vector<std::string> texts(const Rows& rows) {
  std::vector<std::string> names;
  for (const auto& row : rows) names.push_back(text_of(row.at(0)));
  return names;
}

/// The name as the database has it; empty when there is no such table.
std::string table_named(Connection& connection, std::string_view name) {
  const std::array parameters{engine::Parameter{":name", std::string(name)}};
  const auto names = texts(connection.query(
      "SELECT name FROM main.sqlite_schema WHERE type = 'table' AND name = :name COLLATE NOCASE", parameters));
  return names.empty() ? std::string() : names.front();
}

std::vector<std::string> columns_of(Connection& connection, const std::string& table) {
  const std::array parameters{engine::Parameter{":table", table}};
  return texts(connection.query("SELECT name FROM pragma_table_info(:table, 'main')", parameters));
}

}  // namespace

std::vector<ForeignTool> find_foreign_tools(Connection& connection) {
  std::vector<ForeignTool> found;
  for (const auto& kind : kinds()) {
    const std::string table = table_named(connection, kind.table);
    if (table.empty() || !fits(kind, columns_of(connection, table))) continue;
    ForeignTool tool{.tool = kind.tool, .table = table, .applied = {}, .only_current = false, .doubted = {}};
    kind.read(connection.query(fmt::format(fmt::runtime(kind.query), connection.quote(table))), tool);
    found.push_back(std::move(tool));
  }
  return found;
}

std::string describe(const ForeignTool& tool) {
  constexpr std::size_t shown_max = 5;
  const auto& applied = tool.applied;
  std::string text = fmt::format("{} ({}) ", tool.tool, tool.table);
  if (applied.empty())
    text += "calls nothing applied";
  else if (tool.only_current)
    text += fmt::format("is at {}", fmt::join(applied, ", "));
  else if (applied.size() <= shown_max)
    text += fmt::format("calls applied {}", fmt::join(applied, ", "));
  else
    text += fmt::format("calls {} versions applied, up to {}", applied.size(), applied.back());
  if (!tool.doubted.empty())
    text += fmt::format("; {} failed or was interrupted there, so it is in doubt", fmt::join(tool.doubted, ", "));
  return text;
}

std::vector<std::string> tables_left_out(Connection& connection, const std::string& version_table) {
  auto tables = engine::own_tables(version_table);
  for (auto& tool : find_foreign_tools(connection)) tables.push_back(std::move(tool.table));
  return tables;
}

versions::schema::Schema live_schema(Connection& connection, const std::string& version_table,
                                     const std::vector<std::string>& ignored) {
  auto left_out = tables_left_out(connection, version_table);
  left_out.insert(left_out.end(), ignored.begin(), ignored.end());
  return engine::introspect(connection, std::move(left_out));
}

}  // namespace belay::recovery

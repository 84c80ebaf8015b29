#include "engine/drivers/sqlite_session.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "engine/drivers/sqlite_rules.h"

namespace belay::engine::drivers {
namespace {

/// With these, a later statement has another effect, another result, or an error in place of one.
constexpr std::array settings{
    "analysis_limit",     "automatic_index",    "case_sensitive_like", "cell_size_check",
    "count_changes",      "defer_foreign_keys", "full_column_names",   "ignore_check_constraints",
    "legacy_alter_table", "max_page_count",     "recursive_triggers",  "reverse_unordered_selects",
    "short_column_names", "trusted_schema",     "writable_schema",
};

/// Kept beside the database's own, which they become with the next VACUUM.
constexpr std::array settings_for_vacuum{"auto_vacuum", "page_size"};

bool among(std::string_view word, const auto& words) {
  return std::find(words.begin(), words.end(), word) != words.end();
}

}  // namespace

bool sqlite_prepares(std::string_view sql) {
  const std::string pragma = sqlite_pragma(sql);
  return among(pragma, settings) || among(pragma, settings_for_vacuum);
}

void SqliteSession::before(std::string_view sql) {
  const std::string pragma = sqlite_pragma(sql);
  if (among(pragma, settings_for_vacuum)) for_vacuum_ = true;
  if (!among(pragma, settings) || changed_.contains(pragma)) return;
  const auto rows = pragma == "case_sensitive_like" ? std::vector<Row>() : connection_.query("PRAGMA " + pragma);
  changed_[pragma] = rows.empty() ? Value() : rows[0].at(0);
}

void SqliteSession::reset() {
  for (const auto& [pragma, value] : changed_) put_back(pragma, value);
  changed_.clear();
  if (for_vacuum_) expect_no_vacuum();
  for_vacuum_ = false;
  if (temporary_) drop_temporary();
}

/// `case_sensitive_like` cannot be read; it is off unless it has been set.
void SqliteSession::put_back(const std::string& pragma, const Value& value) {
  connection_.query(fmt::format("PRAGMA {} = {}", pragma, value == Value() ? "OFF" : to_literal(value)));
}

/// EXPLAIN, because the setting is made while the PRAGMA is compiled; run, `auto_vacuum` would write to the file.
void SqliteSession::expect_no_vacuum() {
  for (const char* pragma : settings_for_vacuum) {
    const auto now = connection_.query(fmt::format("PRAGMA main.{}", pragma));
    connection_.query(fmt::format("EXPLAIN PRAGMA main.{} = {}", pragma, to_literal(now.at(0).at(0))));
  }
}

/// Looked for each time from the first one on: a rollback may have brought some back.
void SqliteSession::drop_temporary() {
  for (const char* type : {"trigger", "view", "table"}) {  // A table takes its indexes and triggers with it.
    const auto rows = connection_.query(
        fmt::format("SELECT name FROM temp.sqlite_schema WHERE type = '{}' AND substr(name, 1, 7) <> 'sqlite_'", type));
    for (const auto& row : rows)
      connection_.query(
          fmt::format("DROP {} IF EXISTS temp.{}", type, connection_.quote(std::get<std::string>(row.at(0)))));
  }
}

}  // namespace belay::engine::drivers

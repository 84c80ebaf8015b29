#include "engine/drivers/sqlite_tables.h"

#include <sqlite3.h>

#include <array>
#include <filesystem>
#include <string>
#include <system_error>

namespace belay::engine::drivers {

void sqlite_expect_schemas(sqlite3* database) {
  constexpr int piece_size = 512;
  constexpr int pieces = 4000;
  sqlite3_db_config(database, SQLITE_DBCONFIG_LOOKASIDE, nullptr, piece_size, pieces);
}

void sqlite_leave_wal_alone(sqlite3* database) {
  const char* path = database != nullptr ? sqlite3_db_filename(database, "main") : nullptr;
  if (path == nullptr || *path == '\0') return;
  std::error_code none;
  if (std::filesystem::file_size(std::string(path) + "-wal", none) > 0 && !none)
    sqlite3_db_config(database, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, nullptr);
}

bool sqlite_has_table(Connection& connection, std::string_view name) {
  const std::array parameters{Parameter{":name", std::string(name)}};
  return !connection
              .query("SELECT 1 FROM main.sqlite_schema WHERE type = 'table' AND lower(name) = lower(:name)", parameters)
              .empty();
}

std::optional<std::int64_t> sqlite_sequence_of(Connection& connection, std::string_view table) {
  if (!sqlite_has_table(connection, "sqlite_sequence")) return std::nullopt;
  const std::array parameters{Parameter{":name", std::string(table)}};
  const auto rows = connection.query(
      "SELECT max(CAST(seq AS INTEGER)) FROM main.sqlite_sequence WHERE lower(name) = lower(:name)", parameters);
  const auto* sequence = std::get_if<std::int64_t>(&rows.at(0).at(0));
  return sequence == nullptr ? std::nullopt : std::optional(*sequence);
}

}  // namespace belay::engine::drivers

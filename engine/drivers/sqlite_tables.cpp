#include "engine/drivers/sqlite_tables.h"

#include <array>
#include <string>

namespace belay::engine::drivers {

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

#include "engine/introspect.h"

#include <algorithm>
#include <array>
#include <span>
#include <string_view>
#include <utility>

#include "versions/schema/names.h"
#include "versions/words.h"

namespace belay::engine {
namespace {

using versions::schema::CatalogRow;
using versions::schema::ObjectType;
using versions::schema::Schema;

std::string text_of(Value& value) {
  auto* text = std::get_if<std::string>(&value);
  return text ? std::move(*text) : std::string();
}

/// The indexes that SQLite makes for constraints have no SQL.
std::vector<CatalogRow> read_catalog(Connection& connection, const std::string& condition = "TRUE",
                                     std::span<const Parameter> parameters = {}) {
  auto rows = connection.query("SELECT type, name, tbl_name, sql FROM main.sqlite_schema WHERE sql IS NOT NULL AND " +
                                   condition + " ORDER BY rowid",
                               parameters);
  std::vector<CatalogRow> catalog;
  catalog.reserve(rows.size());
  for (auto& row : rows)
    catalog.push_back({text_of(row.at(0)), text_of(row.at(1)), text_of(row.at(2)), text_of(row.at(3))});
  return catalog;
}

/// Where virtual tables keep their content.
std::vector<std::string> read_shadows(Connection& connection) {
  std::vector<std::string> names;
  for (auto& row : connection.query("SELECT name FROM pragma_table_list WHERE schema = 'main' AND type = 'shadow'"))
    names.push_back(text_of(row.at(0)));
  return names;
}

bool contains(const std::vector<std::string>& names, std::string_view name) {
  return std::ranges::any_of(names, [name](const auto& one) { return versions::equal_ignoring_case(one, name); });
}

}  // namespace

std::vector<std::string> own_tables(const std::string& version_table) {
  return {version_table, "belay_state"};
}

Introspector::Introspector(std::vector<std::string> left_out) : left_out_(std::move(left_out)) {}

bool Introspector::counts(const CatalogRow& row) const {
  constexpr std::string_view reserved = "sqlite_";
  const bool internal = row.name.size() >= reserved.size() &&
                        versions::equal_ignoring_case(std::string_view(row.name).substr(0, reserved.size()), reserved);
  return !internal && std::ranges::none_of(left_out_, [&row](const auto& glob) {
    return versions::schema::fits_glob(glob, row.name) || versions::schema::fits_glob(glob, row.table);
  });
}

Schema Introspector::read(Connection& connection) {
  Schema::Objects objects;
  bool has_virtual = false;
  for (const auto& row : read_catalog(connection)) {
    auto object = reader_.read(row);
    has_virtual =
        has_virtual || object->type == ObjectType::virtual_table;  // One that does not count has shadows, too.
    if (counts(row)) objects.push_back(std::move(object));
  }
  if (has_virtual) {
    const auto shadows = read_shadows(connection);
    std::erase_if(objects, [&shadows](const auto& object) { return contains(shadows, object->table); });
  }
  return Schema(std::move(objects));
}

Schema introspect(Connection& connection, std::vector<std::string> left_out) {
  return Introspector(std::move(left_out)).read(connection);
}

Schema introspect_family(Connection& connection, std::string_view table) {
  const std::array parameters{Parameter{":table", std::string(table)}};
  Schema::Objects objects;
  versions::schema::ObjectReader reader;
  for (const auto& row : read_catalog(connection, "lower(tbl_name) = lower(:table)", parameters))
    objects.push_back(reader.read(row));
  return Schema(std::move(objects));
}

std::vector<std::string> tables_beginning_with(Connection& connection, std::string_view prefix) {
  const std::array parameters{Parameter{":prefix", std::string(prefix)}};
  std::vector<std::string> names;
  for (auto& row : connection.query("SELECT name FROM main.sqlite_schema WHERE type = 'table' AND "
                                    "lower(substr(name, 1, length(:prefix))) = lower(:prefix) ORDER BY name",
                                    parameters))
    names.push_back(text_of(row.at(0)));
  return names;
}

}  // namespace belay::engine

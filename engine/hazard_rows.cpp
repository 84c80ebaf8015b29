#include "engine/hazard_rows.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "engine/value.h"
#include "versions/schema/lexer.h"
#include "versions/schema/names.h"
#include "versions/schema/table_copy.h"
#include "versions/words.h"

namespace belay::engine {
namespace {

using versions::equal_ignoring_case;
using versions::schema::Column;
using versions::schema::Constraint;
using versions::schema::fold;
using versions::schema::Rename;
using versions::schema::Renames;
using versions::schema::Table;

const Constraint* primary_key(const Table& table) {
  const auto found = std::ranges::find(table.constraints, Constraint::Kind::primary_key, &Constraint::kind);
  return found == table.constraints.end() ? nullptr : &*found;
}

bool has_column(const Table& table, std::string_view name) {
  return table.find(std::string(name)) != nullptr;
}

std::string_view type_name(Affinity affinity) {
  switch (affinity) {
    case Affinity::text:
      return "TEXT";
    case Affinity::numeric:
      return "NUMERIC";
    case Affinity::real:
      return "REAL";
    case Affinity::blob:
      break;
  }
  return "BLOB";
}

/// What a column of this affinity makes of a value. A text is a number exactly if it equals one: the comparison turns
/// it into one by the same rules as storing does. A CAST makes a number of any text.
std::string converted(const std::string& value, Affinity affinity) {
  const auto number = [&](const char* made) {
    return fmt::format("WHEN 'text' THEN CASE WHEN {0} = CAST({0} AS NUMERIC) THEN {1} ELSE {0} END", value,
                       fmt::format(fmt::runtime(made), value));
  };
  switch (affinity) {
    case Affinity::text:
      return fmt::format("CASE WHEN typeof({0}) IN ('integer', 'real') THEN CAST({0} AS TEXT) ELSE {0} END", value);
    case Affinity::numeric:
      return fmt::format(
          "CASE typeof({0}) {1} WHEN 'real' THEN CASE WHEN {0} > -9223372036854775808.0 AND {0} < "
          "9223372036854775808.0 AND CAST({0} AS INTEGER) = {0} THEN CAST({0} AS INTEGER) ELSE {0} END ELSE {0} END",
          value, number("CAST({} AS NUMERIC)"));
    case Affinity::real:
      return fmt::format("CASE typeof({0}) {1} WHEN 'integer' THEN CAST({0} AS REAL) ELSE {0} END", value,
                         number("CAST(CAST({} AS NUMERIC) AS REAL)"));
    case Affinity::blob:
      break;
  }
  return value;
}

std::string collated(const std::string& sql, const std::string& collation) {
  return sql + " COLLATE " + quoted_name(collation);
}

}  // namespace

bool have_common(const std::set<std::string>& some, const std::set<std::string>& others) {
  return std::ranges::any_of(some, [&](const auto& one) { return others.contains(one); });
}

Affinity affinity_of(const Table& table, const Column& column) {
  const std::string type = fold(column.type);
  const auto has = [&type](std::string_view part) { return type.find(part) != std::string::npos; };
  if (table.strict && type == "any") return Affinity::blob;
  if (has("int")) return Affinity::numeric;
  if (has("char") || has("clob") || has("text")) return Affinity::text;
  if (has("blob") || type.empty()) return Affinity::blob;
  if (has("real") || has("floa") || has("doub")) return Affinity::real;
  return Affinity::numeric;
}

std::string collation_of(const Column& column) {
  return column.collation.empty() ? "BINARY" : column.collation;
}

std::vector<std::string> primary_key_of(const Table& table) {
  std::vector<std::string> names;
  if (const auto* key = primary_key(table))
    for (const auto& column : key->columns) names.push_back(column.name);
  return names;
}

std::set<std::string> names_in(std::string_view sql) {
  std::set<std::string> names;
  for (const auto& token : versions::schema::lex(sql)) {
    using versions::schema::TokenKind;
    if (token.kind == TokenKind::word || token.kind == TokenKind::name)
      names.insert(fold(versions::schema::unquoted(token)));
  }
  return names;
}

std::string name_before(const Renames& renames, std::string_view table) {
  const auto old = versions::schema::old_table(renames, table);
  const bool went_away = std::ranges::any_of(renames, [&](const Rename& rename) {
    return rename.kind == Rename::Kind::table && equal_ignoring_case(rename.from, table);
  });
  return went_away && equal_ignoring_case(old, table) ? "" : old;
}

const Column* TablePair::predecessor(const Column& column) const {
  const auto old = versions::schema::old_column(renames, after.name, column.name);
  const bool went_away = std::ranges::any_of(renames, [&](const Rename& rename) {
    return rename.kind == Rename::Kind::column && equal_ignoring_case(rename.table, after.name) &&
           equal_ignoring_case(rename.from, column.name);
  });
  return went_away && equal_ignoring_case(old, column.name) ? nullptr : before.find(old);
}

const Column* TablePair::origin(const Column& column) const {
  return column.generated ? nullptr : predecessor(column);
}

const Column* TablePair::successor(const Column& column) const {
  const auto found =
      std::ranges::find_if(after.columns, [&](const auto& candidate) { return predecessor(candidate) == &column; });
  return found == after.columns.end() ? nullptr : &*found;
}

bool TablePair::converts(const Column& column) const {
  const auto* old = origin(column);
  return old != nullptr && affinity_of(before, *old) != affinity_of(after, column);
}

std::set<std::string> drawn_columns(const TablePair& pair) {
  std::set<std::string> drawn;
  const auto* rowid = versions::schema::rowid_column(pair.after);
  for (const auto& column : pair.after.columns) {
    if (column.generated || !column.default_value || &column == rowid || pair.origin(column) != nullptr) continue;
    const auto names = names_in(column.default_value->value.text);
    if (names.contains("random") || names.contains("randomblob")) drawn.insert(fold(column.name));
  }
  for (std::size_t round = 0; !drawn.empty() && round < pair.after.columns.size(); ++round)
    for (const auto& column : pair.after.columns)
      if (column.generated && have_common(names_in(column.generated->expression.text), drawn))
        drawn.insert(fold(column.name));
  return drawn;
}

StoredRows::StoredRows(const TablePair& pair, const std::set<std::string>& used)
    : name_(pair.after.name), prefix_("belay_") {
  const auto taken = [this](const Table& table) {
    return std::ranges::any_of(table.columns, [this](const auto& one) { return fold(one.name).starts_with(prefix_); });
  };
  while (taken(pair.before) || taken(pair.after)) prefix_ += '_';
  add_keys(pair);
  add_rowids(pair);
  add_values_before(pair);
  add_columns(pair);
  query_.clear();
  for (const auto& item : items_) query_ += (query_.empty() ? "SELECT " : ", ") + item.sql + " AS " + item.name;
  query_ += " FROM main." + quoted_name(pair.before.name) + " AS " + quoted_name(prefix_ + "live");
  convert();
  add_generated(pair, used);
}

std::string StoredRows::own_name(std::string_view what, std::size_t number) const {
  return fmt::format("\"{}{}_{}\"", prefix_, what, number);
}

/// A rowid that all three of its names are taken from cannot be asked for.
void StoredRows::add_keys(const TablePair& pair) {
  std::vector<std::string> columns;
  if (const auto* column = versions::schema::rowid_column(pair.before))
    columns.push_back(column->name);
  else if (const auto name = versions::schema::rowid_name(pair.before))
    columns.push_back(*name);
  else if (pair.before.without_rowid)
    columns = primary_key_of(pair.before);
  for (const auto& column : columns) {
    keys_.push_back(own_name("key", keys_.size()));
    items_.push_back({.name = keys_.back(), .sql = quoted_name(column), .collation = "BINARY", .typed = true});
  }
}

/// A CHECK may name the rowid.
void StoredRows::add_rowids(const TablePair& pair) {
  if (pair.after.without_rowid) return;
  const auto* column = versions::schema::rowid_column(pair.after);
  const auto* old = column ? pair.origin(*column) : nullptr;
  const bool becomes = old != nullptr && old != versions::schema::rowid_column(pair.before);
  const auto value = old ? quoted_name(old->name) : rowid_before(pair);
  for (const auto name : {"rowid", "_rowid_", "oid"})
    if (!has_column(pair.after, name))
      items_.push_back({.name = quoted_name(name),
                        .sql = value,
                        .affinity = Affinity::numeric,
                        .collation = "BINARY",
                        .typed = !becomes,
                        .converted = becomes});
}

/// A table without any gets the numbers in its order.
std::string StoredRows::rowid_before(const TablePair& pair) const {
  return pair.before.without_rowid || keys_.empty() ? "row_number() OVER ()" : items_[0].sql;
}

void StoredRows::add_values_before(const TablePair& pair) {
  for (const auto& column : pair.before.columns) {
    const auto* successor = pair.successor(column);
    const bool stays = successor != nullptr && !successor->generated && !pair.converts(*successor);
    if (column.generated || stays) continue;
    columns_before_.push_back(&column);
    items_.push_back({.name = value_before(column),
                      .sql = quoted_name(column.name),
                      .affinity = affinity_of(pair.before, column),
                      .collation = collation_of(column),
                      .typed = true});
  }
}

std::string StoredRows::value_before(const Column& column) const {
  const auto at = std::ranges::find(columns_before_, &column) - columns_before_.begin();
  return own_name("before", static_cast<std::size_t>(at));
}

void StoredRows::add_columns(const TablePair& pair) {
  const auto* rowid = versions::schema::rowid_column(pair.after);
  for (const auto& column : pair.after.columns) {
    if (column.generated) continue;
    Item item{.name = quoted_name(column.name),
              .sql = {},
              .affinity = affinity_of(pair.after, column),
              .collation = collation_of(column)};
    const auto* old = pair.origin(column);
    if (old != nullptr) {
      item.converted =
          pair.converts(column) || (&column == rowid && versions::schema::rowid_column(pair.before) != old);
      item.typed = !item.converted;
      item.sql = quoted_name(old->name);
      if (!equal_ignoring_case(collation_of(*old), item.collation)) item.sql = collated(item.sql, item.collation);
    } else if (&column == rowid) {  // Numbers of SQLite's own choice.
      item.sql = rowid_before(pair);
      item.typed = true;
    } else if (!column.default_value) {
      item.sql = collated(fmt::format("CAST(NULL AS {})", type_name(item.affinity)), item.collation);
      item.typed = true;
    } else {
      item.sql = versions::schema::default_value(column);
      item.converted = true;
    }
    items_.push_back(std::move(item));
  }
}

/// What is computed has no affinity, so that a comparison in a CHECK would be another one. A first part without rows
/// says what each column is: a compound query has the affinities and the collations of its first part.
void StoredRows::convert() {
  if (std::ranges::all_of(items_, &Item::typed)) return;
  std::string types;
  std::string values;
  for (auto& item : items_) {
    const auto type = collated(fmt::format("CAST(NULL AS {})", type_name(item.affinity)), item.collation);
    types += (types.empty() ? "SELECT " : ", ") + type + " AS " + item.name;
    values += (values.empty() ? "SELECT " : ", ") + (item.converted ? converted(item.name, item.affinity) : item.name);
    item.typed = true;
    item.converted = false;
  }
  query_ = fmt::format("{} WHERE 0 UNION ALL {} FROM ({})", types, values, query_);
}

/// One may be computed from another.
void StoredRows::add_generated(const TablePair& pair, const std::set<std::string>& used) {
  std::set<std::string> needed = used;
  std::vector<const Column*> waiting;
  for (const auto& column : pair.after.columns)
    if (column.generated) waiting.push_back(&column);
  for (std::size_t round = 0; round < waiting.size(); ++round)
    for (const auto* column : waiting)
      if (column->generated->stored || needed.contains(fold(column->name)))
        needed.merge(names_in(column->generated->expression.text));
  std::erase_if(waiting, [&](const auto* one) { return !one->generated->stored && !needed.contains(fold(one->name)); });

  while (!waiting.empty()) {
    const auto is_ready = [&](const Column* column) {
      const auto names = names_in(column->generated->expression.text);
      return std::ranges::none_of(
          waiting, [&](const auto* other) { return other != column && names.contains(fold(other->name)); });
    };
    const auto ready = std::ranges::find_if(waiting, is_ready);
    if (ready == waiting.end()) return;  // A circle, which no database accepts.
    const Column& column = **ready;
    items_.push_back({.name = quoted_name(column.name),
                      .sql = {},
                      .affinity = affinity_of(pair.after, column),
                      .collation = collation_of(column),
                      .converted = true});
    query_ = fmt::format("SELECT *, ({}\n) AS {} FROM ({}) AS {}", column.generated->expression.text,
                         items_.back().name, query_, quoted_name(name_));
    convert();
    waiting.erase(ready);
  }
}

std::string StoredRows::as(std::string_view alias) const {
  return "(" + query_ + ") AS " + quoted_name(alias);
}

}  // namespace belay::engine

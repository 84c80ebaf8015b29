#include "versions/schema/alteration.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "versions/schema/canonical.h"
#include "versions/schema/lexer.h"
#include "versions/schema/names.h"
#include "versions/words.h"

namespace belay::versions::schema {
namespace {

using Columns = std::vector<const Column*>;

/// The columns of one table that the other does not have.
Columns columns_without(const Table& table, const Table& other) {
  Columns columns;
  for (const auto& column : table.columns)
    if (other.find(column.name) == nullptr) columns.push_back(&column);
  return columns;
}

/// What both have comes first, in one order: SQLite adds a column behind the others.
bool keeps_order(const Table& from, const Table& to) {
  auto next = to.columns.begin();
  for (const auto& column : from.columns) {
    if (to.find(column.name) == nullptr) continue;
    if (!equal_ignoring_case(next->name, column.name)) return false;
    ++next;
  }
  return true;
}

/// A literal, with or without a sign: what every row can be given alike.
bool is_constant(const Column::Default& value) {
  auto tokens = lex(value.value.text);
  if (tokens.size() == 2 && (tokens[0].text == "-" || tokens[0].text == "+")) tokens.erase(tokens.begin());
  if (tokens.size() != 1) return false;
  constexpr std::array moments{"current_time", "current_date", "current_timestamp"};
  return std::ranges::none_of(moments, [&](const char* word) { return equal_ignoring_case(tokens[0].text, word); });
}

bool is_null(const Column::Default& value) {
  return equal_ignoring_case(value.value.text, "null");
}

/// Whether a STRICT column takes this constant as it is: ADD COLUMN does not look (SQLite 3.40), and the rows would be
/// such as the table does not allow.
bool fits_type(const Column::Default& value, const Column& column) {
  const auto tokens = lex(value.value.text);
  const auto& literal = tokens.back();
  const bool is_integer = literal.kind == TokenKind::number && literal.text.find_first_of(".eE") == std::string::npos;
  const std::string type = fold(column.type);
  if (type == "int" || type == "integer") return is_integer;
  if (type == "real") return literal.kind == TokenKind::number;
  if (type == "text") return literal.kind == TokenKind::string;
  if (type == "blob") return literal.kind == TokenKind::blob;
  return true;  // ANY
}

bool is_on(const Constraint& constraint, const Table& table, const Column& column) {
  return constraint.on_column && &table.columns[*constraint.on_column] == &column;
}

bool names(std::string_view sql, const std::string& name) {
  return std::ranges::any_of(lex(sql), [&](const Token& token) { return equal_ignoring_case(unquoted(token), name); });
}

/// A constraint that stands behind all columns, and could as well stand on this one.
bool fits_on(const Constraint& constraint, const Column& column) {
  if (constraint.on_column) return false;
  if (constraint.kind == Constraint::Kind::check) return names(constraint.expression.text, column.name);
  return constraint.kind == Constraint::Kind::foreign_key && constraint.columns.size() == 1 &&
         equal_ignoring_case(constraint.columns[0].name, column.name);
}

/// Whether ADD COLUMN takes it, also where there are rows, and whether or not foreign keys are enforced.
bool can_be_added(const Column& column, const Table& table) {
  const auto& value = column.default_value;
  if (column.generated) return !column.generated->stored && !column.not_null;
  if (value && !is_constant(*value)) return false;
  const bool has_value = value && !is_null(*value);
  if (column.not_null && !has_value) return false;
  if (table.strict && has_value && !fits_type(*value, column)) return false;
  return std::ranges::none_of(table.constraints, [&](const Constraint& constraint) {
    if (!is_on(constraint, table, column) && !fits_on(constraint, column)) return false;
    using enum Constraint::Kind;
    return constraint.kind == primary_key || constraint.kind == unique || (constraint.kind == foreign_key && has_value);
  });
}

/// `REFERENCES …`, without the columns that stand before it behind all columns.
std::string as_column_constraint(const Constraint& constraint) {
  const std::string& text = constraint.definition.text;
  if (constraint.kind != Constraint::Kind::foreign_key) return text;
  for (const auto& token : lex(text)) {
    if (token.kind != TokenKind::word || !equal_ignoring_case(token.text, "references")) continue;
    const std::string name = constraint.name.empty() ? "" : "CONSTRAINT " + written_name(constraint.name) + " ";
    return name + text.substr(static_cast<std::size_t>(token.text.data() - text.data()));
  }
  return text;
}

/// Its text in the table, and what stands there for it behind all columns. A CHECK goes to the last new column that it
/// names, because it may name the others.
std::string definition_of(const Column& column, const Columns& later, const Table& table) {
  std::string text = column.definition.text;
  for (const auto& constraint : table.constraints) {
    const bool fits_later =
        std::ranges::any_of(later, [&](const Column* other) { return fits_on(constraint, *other); });
    if (fits_on(constraint, column) && !fits_later) text += " " + as_column_constraint(constraint);
  }
  return text;
}

std::string alter(const std::string& table) {
  return "ALTER TABLE " + written_name(table) + " ";
}

}  // namespace

std::vector<std::string> alteration(const Object& from, const Object& to) {
  const auto* before = std::get_if<Table>(&from.definition);
  const auto* after = std::get_if<Table>(&to.definition);
  if (before == nullptr || after == nullptr || !keeps_order(*before, *after)) return {};
  if (before->strict != after->strict || before->without_rowid != after->without_rowid) return {};
  std::vector<std::string> statements;
  for (const auto* column : columns_without(*before, *after)) statements.push_back(drop_column(to.name, column->name));
  Columns added = columns_without(*after, *before);
  while (!added.empty()) {
    const Column& column = *added.front();
    added.erase(added.begin());
    if (!can_be_added(column, *after)) return {};
    statements.push_back(alter(to.name) + "ADD COLUMN " + definition_of(column, added, *after));
  }
  return statements;
}

std::string rename_table(const std::string& table, const std::string& to) {
  return alter(table) + "RENAME TO " + written_name(to);
}

std::string rename_column(const std::string& table, const std::string& column, const std::string& to) {
  return alter(table) + fmt::format("RENAME COLUMN {} TO {}", written_name(column), written_name(to));
}

std::string drop_column(const std::string& table, const std::string& column) {
  return alter(table) + "DROP COLUMN " + written_name(column);
}

std::string drop(const Object& object) {
  const bool is_table = object.type == ObjectType::table || object.type == ObjectType::virtual_table;
  std::string kind(is_table ? "table" : name_of(object.type));
  std::ranges::transform(kind, kind.begin(), [](char c) { return static_cast<char>(c - 'a' + 'A'); });
  return "DROP " + kind + " " + written_name(object.name);
}

}  // namespace belay::versions::schema

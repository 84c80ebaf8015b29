#include "versions/schema/table_copy.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

#include "versions/schema/lexer.h"
#include "versions/schema/names.h"
#include "versions/words.h"

namespace belay::versions::schema {
namespace {

/// What goes into a column of the new table.
struct Copied {
  std::string column;
  std::string value;  ///< In terms of the old table.
};
using Copies = std::vector<Copied>;

std::string rowid_of_old(const Table& table) {
  if (const auto* column = rowid_column(table)) return written_name(column->name);
  return rowid_name(table).value_or("");
}

/// Where a column of the new table has its values from; null when it is new, though another had its name.
const Column* source_of(const TableCopy& copy, const Table& from, const Column& column) {
  bool went_away = false;
  for (const auto& rename : copy.renames) {
    if (equal_ignoring_case(rename.to, column.name)) return from.find(rename.from);
    went_away = went_away || equal_ignoring_case(rename.from, column.name);
  }
  return went_away ? nullptr : from.find(column.name);
}

/// A row keeps its rowid: as what it is, or as the INTEGER PRIMARY KEY that is new.
void copy_rowid(const TableCopy& copy, const Table& from, const Table& to, Copies& copies) {
  const std::string value = rowid_of_old(from);
  if (value.empty()) return;
  if (const auto* column = rowid_column(to)) {
    if (source_of(copy, from, *column) == nullptr) copies.push_back({written_name(column->name), value});
    return;
  }
  if (const auto name = rowid_name(to)) copies.push_back({*name, value});
}

/// A row of which nothing stays is one of defaults. The INTEGER PRIMARY KEY takes NULL for a number of SQLite's choice.
void copy_nothing(const Table& to, Copies& copies) {
  const auto writable = std::ranges::find_if_not(to.columns, [](const auto& one) { return one.generated.has_value(); });
  if (writable == to.columns.end()) return;
  const bool is_rowid = rowid_column(to) == &*writable;
  copies.push_back({written_name(writable->name), is_rowid ? "NULL" : default_value(*writable)});
}

/// What is generated cannot be written, but what was can be read.
Copies copies_of(const TableCopy& copy, const Table& from, const Table& to) {
  Copies copies;
  copy_rowid(copy, from, to, copies);
  for (const auto& column : to.columns)
    if (const auto* old = source_of(copy, from, column); old != nullptr && !column.generated)
      copies.push_back({written_name(column.name), written_name(old->name)});
  if (copies.empty()) copy_nothing(to, copies);
  return copies;
}

bool has_conflict_clause(const Table& table) {
  const auto resolves = [](const auto& it) { return !it.conflict.empty(); };
  return std::ranges::any_of(table.constraints, resolves) ||
         std::ranges::any_of(table.columns,
                             [&](const Column& column) { return column.not_null && resolves(*column.not_null); });
}

bool is_autoincrement(const Table& table) {
  return std::ranges::any_of(table.constraints, [](const Constraint& constraint) { return constraint.autoincrement; });
}

std::string insert(const TableCopy& copy, const Copies& copies, std::string_view verb) {
  std::string columns;
  std::string values;
  for (const auto& [column, value] : copies) {
    columns += (columns.empty() ? "" : ", ") + column;
    values += (values.empty() ? "" : ", ") + value;
  }
  return fmt::format("{} INTO {} ({})\n  SELECT {} FROM {}", verb, written_name(copy.new_name), columns, values,
                     written_name(copy.from.name));
}

void copy_rows(const TableCopy& copy, const Table& from, const Table& to, std::vector<std::string>& statements) {
  // An ON CONFLICT clause of the table would drop or change rows without a word.
  statements.push_back(insert(copy, copies_of(copy, from, to), has_conflict_clause(to) ? "INSERT OR ABORT" : "INSERT"));
  if (!is_autoincrement(from) || !is_autoincrement(to)) return;
  const std::string name = quoted_string(copy.new_name);
  statements.push_back("DELETE FROM sqlite_sequence WHERE name = " + name);
  statements.push_back(
      fmt::format("INSERT INTO sqlite_sequence (name, seq)\n  SELECT {}, seq FROM sqlite_sequence WHERE name = {}",
                  name, quoted_string(copy.from.name)));
}

bool is_full_text(const VirtualTable& table) {
  return fold(table.module).starts_with("fts");
}

void copy_rows(const TableCopy& copy, const VirtualTable& from, const VirtualTable& to,
               std::vector<std::string>& statements) {
  Copies copies;
  if (is_full_text(to)) copies.push_back({rowid_name(to).value(), rowid_name(from).value()});
  for (const auto& column : copy.columns) copies.push_back({written_name(column), written_name(column)});
  statements.push_back(insert(copy, copies, "INSERT"));
}

std::string rename_to_old(const TableCopy& copy) {
  return fmt::format("ALTER TABLE {} RENAME TO {}", written_name(copy.new_name), written_name(copy.to.name));
}

/// The name of the table in its own CREATE statement.
std::size_t name_position(const std::vector<Token>& tokens) {
  std::size_t at = 0;
  const auto take = [&](std::string_view word) {
    const bool there = at < tokens.size() && equal_ignoring_case(tokens[at].text, word);
    if (there) ++at;
    return there;
  };
  for (const char* word : {"create", "temp", "temporary", "virtual", "table", "if", "not", "exists"}) take(word);
  if (at + 2 < tokens.size() && tokens[at + 1].text == ".") at += 2;
  return at;
}

/// The rest of the statement, behind its name, with `name` wherever it qualifies one of its columns.
std::string with_own_name(const std::vector<Token>& tokens, std::size_t at, std::string_view rest,
                          std::string_view name) {
  const std::string old = unquoted(tokens[at]);
  std::string result;
  const char* written = rest.data();
  for (std::size_t i = at + 1; i + 1 < tokens.size(); ++i) {
    if (tokens[i + 1].text != "." || !equal_ignoring_case(unquoted(tokens[i]), old)) continue;
    result.append(written, tokens[i].text.data());
    result += written_name(name);
    written = tokens[i].text.data() + tokens[i].text.size();
  }
  return result.append(written, rest.data() + rest.size());
}

std::string renamed(std::string_view sql, std::string_view name, bool own_name) {
  const auto tokens = lex(sql);
  const std::size_t at = name_position(tokens);
  if (at >= tokens.size()) return std::string(sql);
  const auto end = static_cast<std::size_t>(tokens[at].text.data() + tokens[at].text.size() - sql.data());
  const bool is_virtual = equal_ignoring_case(tokens[1].text, "virtual");
  const auto rest = sql.substr(end);
  return std::string(is_virtual ? "CREATE VIRTUAL TABLE " : "CREATE TABLE ") + written_name(name) +
         (own_name ? with_own_name(tokens, at, rest, name) : std::string(rest));
}

std::optional<std::string> option_of(const VirtualTable& table, std::string_view name) {
  for (const auto& argument : table.arguments) {
    const auto tokens = lex(argument.text);
    if (tokens.size() > 2 && equal_ignoring_case(tokens[0].text, name) && tokens[1].text == "=")
      return unquoted(tokens[2]);
  }
  return std::nullopt;
}

/// `content=rooms`: where a full-text index has its content from; empty for nowhere.
std::optional<std::string> content_of(const VirtualTable& table) {
  return option_of(table, "content");
}

}  // namespace

std::vector<std::string> copy_statements(const TableCopy& copy) {
  std::vector<std::string> statements{renamed(copy.to.sql, copy.new_name, copy.rewrite_own_name)};
  const auto* from = std::get_if<Table>(&copy.from.definition);
  const auto* to = std::get_if<Table>(&copy.to.definition);
  if (from != nullptr && to != nullptr)
    copy_rows(copy, *from, *to, statements);
  else if (const auto* table = std::get_if<VirtualTable>(&copy.to.definition))
    copy_rows(copy, std::get<VirtualTable>(copy.from.definition), *table, statements);
  statements.push_back("DROP TABLE " + written_name(copy.from.name));
  if (copy.has_readers) statements.emplace_back("PRAGMA legacy_alter_table = ON");
  statements.push_back(rename_to_old(copy));
  if (copy.has_readers) statements.emplace_back("PRAGMA legacy_alter_table = OFF");
  return statements;
}

std::string with_name(std::string_view sql, std::string_view name) {
  return renamed(sql, name, false);
}

const Column* rowid_column(const Table& table) {
  if (table.without_rowid) return nullptr;
  for (const auto& constraint : table.constraints) {
    if (constraint.kind != Constraint::Kind::primary_key) continue;
    if (constraint.columns.size() != 1 || (constraint.on_column && constraint.columns[0].descending)) return nullptr;
    const auto* column = table.find(constraint.columns[0].name);
    return column != nullptr && equal_ignoring_case(column->type, "integer") ? column : nullptr;
  }
  return nullptr;
}

std::optional<std::string> rowid_name(const Table& table) {
  if (table.without_rowid) return std::nullopt;
  for (const char* name : {"rowid", "_rowid_", "oid"})
    if (table.find(name) == nullptr) return name;
  return std::nullopt;
}

/// A full-text index has a hidden column of its own name, and one of the name that `languageid=` gives.
std::optional<std::string> rowid_name(const VirtualTable& table) {
  const auto is_taken = [&table](const std::string& name) {
    const auto is_it = [&name](const Token& token) { return equal_ignoring_case(unquoted(token), name); };
    return equal_ignoring_case(table.name, name) || std::ranges::any_of(table.arguments, [&](const auto& argument) {
             return std::ranges::any_of(lex(argument.text), is_it);
           });
  };
  for (const char* name : {"rowid", "_rowid_", "oid"})
    if (!is_taken(name)) return name;
  return std::nullopt;
}

/// A bare name there is a string; what is in parentheses is an expression.
std::string default_value(const Column& column) {
  if (!column.default_value) return "NULL";
  const auto& value = *column.default_value;
  const auto tokens = lex(value.value.text);
  const bool name = tokens.size() == 1 && (tokens[0].kind == TokenKind::name || tokens[0].kind == TokenKind::word);
  constexpr std::array<std::string_view, 6> values{"null",         "true",         "false",
                                                   "current_date", "current_time", "current_timestamp"};
  const bool known =
      name && std::ranges::any_of(values, [&](auto word) { return equal_ignoring_case(tokens[0].text, word); });
  if (name && !known && !value.in_parentheses) return quoted_string(unquoted(tokens[0]));
  return "(" + value.value.text + "\n)";
}

bool can_be_copied(const VirtualTable& table) {
  constexpr std::array modules{"fts3", "fts4", "fts5", "rtree", "rtree_i32"};
  if (std::ranges::find(modules, fold(table.module)) == modules.end() || content_of(table)) return false;
  return !is_full_text(table) || rowid_name(table);
}

std::optional<std::string> language_column(const VirtualTable& table) {
  return option_of(table, "languageid");
}

bool reads_other_table(const VirtualTable& table) {
  return is_full_text(table) && !content_of(table).value_or("").empty();
}

}  // namespace belay::versions::schema

#include "versions/schema/canonical.h"

#include <algorithm>
#include <array>
#include <vector>

#include "versions/schema/lexer.h"
#include "versions/schema/names.h"
#include "versions/words.h"

namespace belay::versions::schema {
namespace {

std::string named(const std::string& name, const std::string& constraint) {
  return name.empty() ? constraint : "constraint " + canonical_name(name) + " " + constraint;
}

std::string with_conflict(std::string text, const std::string& conflict) {
  if (!conflict.empty()) text += " on conflict " + conflict;
  return text;
}

template <typename Items, typename Text>
std::string in_parentheses(const Items& items, Text text) {
  std::string result = "(";
  for (const auto& item : items) result += (result.size() == 1 ? "" : ", ") + text(item);
  return result + ")";
}

std::string names_in_parentheses(const std::vector<std::string>& names) {
  return in_parentheses(names, canonical_name);
}

/// Every table without WITHOUT ROWID has a column of these names.
bool is_rowid(const std::string& name) {
  const std::string folded = fold(name);
  return folded == "rowid" || folded == "oid" || folded == "_rowid_";
}

/// The words on both sides of one; empty at the ends.
struct Neighbours {
  std::string_view before;
  std::string_view after;
};

std::string canonical_token(const Token& token, const Neighbours& neighbours, const Table* table) {
  const bool is_alias = equal_ignoring_case(neighbours.before, "as");
  switch (token.kind) {
    case TokenKind::name: {
      const std::string name = unquoted(token);
      // `"rooms".floor`, `"lower"(…)`, `COLLATE "nocase"`: no string can stand there.
      const bool is_name =
          neighbours.after == "." || neighbours.after == "(" || equal_ignoring_case(neighbours.before, "collate");
      const bool can_be_string = token.text.front() == '"' && table != nullptr && !is_name;
      if (can_be_string && table->find(name) == nullptr && !is_rowid(name)) return quoted_string(name);
      return canonical_name(name);
    }
    case TokenKind::string:
      return is_alias ? canonical_name(unquoted(token)) : std::string(token.text);
    case TokenKind::word:
    case TokenKind::blob:
    case TokenKind::number:
      return fold(token.text);
    default:
      return std::string(token.text);
  }
}

/// Whether these tokens are one value, perhaps with a sign: parentheses around it change nothing.
bool is_literal(const std::vector<Token>& tokens) {
  constexpr std::array<std::string_view, 6> values{"null",         "true",         "false",
                                                   "current_date", "current_time", "current_timestamp"};
  const bool has_sign = tokens.size() == 2 && (tokens[0].text == "-" || tokens[0].text == "+");
  if (tokens.size() != (has_sign ? 2U : 1U)) return false;
  const Token& value = tokens.back();
  if (value.kind != TokenKind::word)
    return value.kind == TokenKind::number || value.kind == TokenKind::string || value.kind == TokenKind::blob;
  return std::ranges::any_of(values, [&value](auto known) { return equal_ignoring_case(known, value.text); });
}

std::string canonical_references(const ForeignKey& key) {
  std::string text = "references " + canonical_name(key.table);
  if (!key.columns.empty()) text += " " + names_in_parentheses(key.columns);
  if (!key.on_delete.empty()) text += " on delete " + key.on_delete;
  if (!key.on_update.empty()) text += " on update " + key.on_update;
  if (!key.match.empty()) text += " match " + canonical_name(key.match);
  if (key.deferred) text += " deferrable initially deferred";
  return text;
}

std::string canonical_column(const Column& column, const Table& table) {
  std::string text = "column " + canonical_name(column.name);
  if (!column.type.empty()) text += " " + canonical_type(column);
  if (column.not_null) text += " " + canonical_not_null(*column.not_null);
  if (!column.collation.empty()) text += " collate " + canonical_name(column.collation);
  if (column.default_value) text += " " + canonical_default(*column.default_value);
  if (column.generated) text += " " + canonical_generated(*column.generated, table);
  return text;
}

std::string canonical(const Table& table) {
  std::string text = "table " + canonical_name(table.name) + "\n";
  for (const auto& column : table.columns) text += canonical_column(column, table) + "\n";
  std::vector<std::string> constraints;
  for (const auto& constraint : table.constraints) constraints.push_back(canonical(constraint, table));
  std::ranges::sort(constraints);
  for (const auto& constraint : constraints) text += constraint + "\n";
  if (table.strict) text += "strict\n";
  if (table.without_rowid) text += "without rowid\n";
  return text;
}

/// What a module makes of its arguments is its own business: only the space between tokens is free.
std::string canonical(const VirtualTable& table) {
  const auto argument = [](const Fragment& fragment) {
    std::string text;
    for (const Token& token : lex(fragment.text)) text += (text.empty() ? "" : " ") + std::string(token.text);
    return text;
  };
  return "virtual table " + canonical_name(table.name) + " using " + canonical_name(table.module) + " " +
         in_parentheses(table.arguments, argument) + "\n";
}

std::string canonical(const Index& index) {
  std::string text = (index.unique ? "unique index " : "index ") + canonical_name(index.name) + " on " +
                     canonical_name(index.table) + " " +
                     in_parentheses(index.columns, [](const IndexedColumn& column) { return canonical(column); });
  if (index.where) text += " where " + canonical_expression(index.where->text);
  return text + "\n";
}

std::string canonical(const View& view) {
  std::string text = "view " + canonical_name(view.name);
  if (!view.columns.empty()) text += " " + names_in_parentheses(view.columns);
  return text + " as " + canonical_expression(view.query.text) + "\n";
}

std::string canonical(const Trigger& trigger) {
  std::string text = "trigger " + canonical_name(trigger.name) + " " + trigger.time + " " + trigger.event;
  if (!trigger.columns.empty()) text += " of " + names_in_parentheses(trigger.columns);
  text += " on " + canonical_name(trigger.table);
  if (trigger.when) text += " when " + canonical_expression(trigger.when->text);
  return text + "\n" + canonical_expression(trigger.body.text) + "\n";
}

}  // namespace

std::string canonical_expression(std::string_view sql, const Table* table) {
  std::string text;
  const auto tokens = lex(sql);
  const auto text_at = [&tokens](std::size_t i) { return i < tokens.size() ? tokens[i].text : std::string_view(); };
  for (std::size_t i = 0; i < tokens.size(); ++i) {
    if (i > 0) text += ' ';
    text += canonical_token(tokens[i], {i > 0 ? text_at(i - 1) : "", text_at(i + 1)}, table);
  }
  return text;
}

std::string canonical_type(const Column& column) {
  return fold(column.type);
}

std::string canonical_not_null(const Column::NotNull& constraint) {
  return named(constraint.name, with_conflict("not null", constraint.conflict));
}

/// A bare name is a string here, whatever its quotes.
std::string canonical_default(const Column::Default& value) {
  const auto tokens = lex(value.value.text);
  const bool plain = is_literal(tokens);
  std::string text = canonical_expression(value.value.text);
  if (!plain && value.in_parentheses) text = "(" + text + ")";
  if (!plain && !value.in_parentheses && tokens.size() == 1) text = quoted_string(unquoted(tokens.front()));
  return named(value.name, "default " + text);
}

std::string canonical_generated(const Column::Generated& generated, const Table& table) {
  return named(generated.name, "as (" + canonical_expression(generated.expression.text, &table) + ")" +
                                   (generated.stored ? " stored" : ""));
}

std::string canonical(const Constraint& constraint, const Table& table) {
  const auto indexed = [](const IndexedColumn& column) { return canonical(column); };
  std::string text;
  switch (constraint.kind) {
    case Constraint::Kind::primary_key:
      text = "primary key " + in_parentheses(constraint.columns, indexed);
      // INTEGER PRIMARY KEY DESC on the column is not the rowid; PRIMARY KEY (id DESC) is.
      if (constraint.on_column && constraint.columns[0].descending) text += " on the column";
      if (constraint.autoincrement) text += " autoincrement";
      break;
    case Constraint::Kind::unique:
      text = "unique " + in_parentheses(constraint.columns, indexed);
      break;
    case Constraint::Kind::check:
      text = "check (" + canonical_expression(constraint.expression.text, &table) + ")";
      break;
    case Constraint::Kind::foreign_key:
      text = "foreign key " + in_parentheses(constraint.columns, indexed) + " " +
             canonical_references(constraint.references);
      break;
  }
  return named(constraint.name, with_conflict(text, constraint.conflict));
}

std::string canonical(const IndexedColumn& column) {
  std::string text = column.name.empty() ? canonical_expression(column.expression.text) : canonical_name(column.name);
  if (!column.collation.empty()) text += " collate " + canonical_name(column.collation);
  return text + (column.descending ? " desc" : "");
}

std::string canonical(const Definition& definition, std::string_view sql) {
  return std::visit(
      [sql](const auto& known) -> std::string {
        if constexpr (std::is_same_v<std::decay_t<decltype(known)>, std::monostate>)
          return canonical_expression(sql);
        else
          return canonical(known);
      },
      definition);
}

}  // namespace belay::versions::schema

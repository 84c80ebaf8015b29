#include "versions/schema/wording.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <utility>

#include "versions/schema/canonical.h"
#include "versions/schema/lexer.h"
#include "versions/schema/names.h"
#include "versions/statement.h"

namespace belay::versions::schema {
namespace {

using Lines = std::vector<std::string>;

constexpr std::size_t shown_max = 80;  // Bytes of a text that is shown whole.

bool same(const Token& a, const Token& b) {
  return canonical_expression(a.text) == canonical_expression(b.text);
}

/// As much of a text as fits, from the token at `begin` on.
std::string excerpt(std::string_view text, const std::vector<Token>& tokens, std::size_t begin) {
  if (text.empty() || begin >= tokens.size()) return "nothing";
  const char* first = tokens[begin].text.data();
  const char* end = first;
  std::size_t last = begin;
  for (; last < tokens.size(); ++last) {
    const char* next = tokens[last].text.data() + tokens[last].text.size();
    if (end != first && next - first > static_cast<std::ptrdiff_t>(shown_max)) break;
    end = next;
  }
  return fmt::format("{}{}{}", begin > 0 ? "… " : "", std::string_view(first, static_cast<std::size_t>(end - first)),
                     last < tokens.size() ? " …" : "");
}

template <typename Items, typename Text>
std::string joined(const Items& items, Text text) {
  std::string result;
  for (const auto& item : items) result += (result.empty() ? "" : ", ") + std::string(text(item));
  return result;
}

std::string joined(const std::vector<std::string>& names) {
  return joined(names, [](const auto& name) { return name; });
}

std::string text_of(const std::optional<Fragment>& fragment) {
  return fragment ? normalise(fragment->text) : std::string();
}

/// A line, if the two differ where letters of another case are the same.
void add_change(Lines& lines, std::string_view what, std::string_view before, std::string_view after) {
  if (fold(before) != fold(after)) lines.push_back(describe_change(what, before, after));
}

void add_expression(Lines& lines, std::string_view what, const std::string& before, const std::string& after) {
  if (canonical_expression(before) != canonical_expression(after))
    lines.push_back(describe_change(what, before, after));
}

// --- Tables ---

/// Beside the name of its constraint, which is compared by itself.
std::string default_text(const Column& column) {
  if (!column.default_value) return {};
  Column::Default value = *column.default_value;
  value.name.clear();
  return canonical_default(value);
}
std::string default_shown(const Column& column) {
  if (!column.default_value) return {};
  const auto& value = *column.default_value;
  const std::string text = normalise(value.value.text);
  return value.in_parentheses ? "(" + text + ")" : text;
}

std::string generated_text(const Column& column, const Table& table) {
  if (!column.generated) return {};
  Column::Generated generated = *column.generated;
  generated.name.clear();
  return canonical_generated(generated, table);
}
std::string generated_shown(const Column& column) {
  if (!column.generated) return {};
  return fmt::format("({}){}", normalise(column.generated->expression.text), column.generated->stored ? " STORED" : "");
}

template <typename Part>
std::string name_of_part(const std::optional<Part>& part) {
  return part ? part->name : std::string();
}

void compare_not_null(Lines& lines, const std::string& column, const Column& before, const Column& after) {
  if (!before.not_null && after.not_null) lines.push_back(column + "NOT NULL added");
  if (before.not_null && !after.not_null) lines.push_back(column + "NOT NULL removed");
  if (!before.not_null || !after.not_null) return;
  add_change(lines, column + "name of NOT NULL", before.not_null->name, after.not_null->name);
  add_change(lines, column + "NOT NULL ON CONFLICT", before.not_null->conflict, after.not_null->conflict);
}

void compare_columns(Lines& lines, const std::pair<const Table&, const Column&>& old,
                     const std::pair<const Table&, const Column&>& now) {
  const Column& before = old.second;
  const Column& after = now.second;
  const std::string column = "column " + after.name + ": ";
  add_change(lines, column + "type", before.type, after.type);
  add_change(lines, column + "collation", before.collation, after.collation);
  compare_not_null(lines, column, before, after);
  if (default_text(before) != default_text(after))
    lines.push_back(describe_change(column + "default", default_shown(before), default_shown(after)));
  add_change(lines, column + "name of DEFAULT", name_of_part(before.default_value), name_of_part(after.default_value));
  if (generated_text(before, old.first) != generated_text(after, now.first))
    lines.push_back(describe_change(column + "generated", generated_shown(before), generated_shown(after)));
  add_change(lines, column + "name of AS", name_of_part(before.generated), name_of_part(after.generated));
}

/// The names that both have, in the order of the first.
Lines common_columns(const Table& table, const Table& other) {
  Lines names;
  for (const auto& column : table.columns)
    if (other.find(column.name) != nullptr) names.push_back(fold(column.name));
  return names;
}

std::string constraint_text(const Constraint& constraint, const Table& table) {
  std::string text = normalise(constraint.definition.text);
  if (!constraint.on_column) return text;
  return fmt::format("column {}: {}", table.columns.at(*constraint.on_column).name, text);
}

/// Those of `table` whose like `other` does not have, or not as often.
std::vector<const Constraint*> missing_from(const Table& other, const Table& table) {
  Lines there;
  for (const auto& constraint : other.constraints) there.push_back(canonical(constraint, other));
  std::vector<const Constraint*> result;
  for (const auto& constraint : table.constraints) {
    const auto found = std::ranges::find(there, canonical(constraint, table));
    if (found == there.end())
      result.push_back(&constraint);
    else
      there.erase(found);
  }
  return result;
}

/// A constraint of a column that is itself new, or gone, needs no line of its own.
void add_constraints(Lines& lines, const Table& table, const Table& other, std::string_view what) {
  for (const auto* constraint : missing_from(other, table)) {
    const bool of_column = constraint->on_column.has_value();
    if (of_column && other.find(table.columns.at(*constraint->on_column).name) == nullptr) continue;
    lines.push_back(fmt::format("{} {}", constraint_text(*constraint, table), what));
  }
}

void add_option(Lines& lines, std::string_view option, bool before, bool after) {
  if (before != after) lines.push_back(fmt::format("{} {}", option, after ? "added" : "removed"));
}

Lines changes(const Table& before, const Table& after) {
  Lines lines;
  for (const auto& column : before.columns)
    if (after.find(column.name) == nullptr) lines.push_back(fmt::format("column {} removed", column.name));
  for (const auto& column : after.columns) {
    if (const auto* old = before.find(column.name))
      compare_columns(lines, {before, *old}, {after, column});
    else
      lines.push_back(fmt::format("column {} added: {}", column.name, normalise(column.definition.text)));
  }
  const Lines old_order = common_columns(before, after);
  const Lines new_order = common_columns(after, before);
  if (old_order != new_order)
    lines.push_back(fmt::format("order of columns {} → {}", joined(old_order), joined(new_order)));
  add_constraints(lines, before, after, "removed");
  add_constraints(lines, after, before, "added");
  add_option(lines, "STRICT", before.strict, after.strict);
  add_option(lines, "WITHOUT ROWID", before.without_rowid, after.without_rowid);
  return lines;
}

// --- All else ---

Lines changes(const VirtualTable& before, const VirtualTable& after) {
  const auto arguments = [](const VirtualTable& table) {
    return joined(table.arguments, [](const Fragment& argument) { return normalise(argument.text); });
  };
  Lines lines;
  add_change(lines, "module", before.module, after.module);
  if (arguments(before) != arguments(after))
    lines.push_back(describe_change("arguments", arguments(before), arguments(after)));
  return lines;
}

std::string columns_of(const Index& index) {
  return joined(index.columns, [](const IndexedColumn& column) { return canonical(column); });
}

Lines changes(const Index& before, const Index& after) {
  Lines lines;
  add_change(lines, "table", before.table, after.table);
  add_option(lines, "UNIQUE", before.unique, after.unique);
  if (columns_of(before) != columns_of(after))
    lines.push_back(describe_change("columns", columns_of(before), columns_of(after)));
  add_expression(lines, "condition", text_of(before.where), text_of(after.where));
  return lines;
}

Lines changes(const View& before, const View& after) {
  Lines lines;
  add_change(lines, "columns", joined(before.columns), joined(after.columns));
  add_expression(lines, "query", normalise(before.query.text), normalise(after.query.text));
  return lines;
}

Lines changes(const Trigger& before, const Trigger& after) {
  Lines lines;
  add_change(lines, "table", before.table, after.table);
  add_change(lines, "time", before.time, after.time);
  add_change(lines, "event", before.event, after.event);
  add_change(lines, "columns", joined(before.columns), joined(after.columns));
  add_expression(lines, "condition", text_of(before.when), text_of(after.when));
  add_expression(lines, "body", normalise(before.body.text), normalise(after.body.text));
  return lines;
}

}  // namespace

std::string describe_change(std::string_view what, std::string_view before, std::string_view after) {
  const auto old_tokens = lex(before);
  const auto new_tokens = lex(after);
  std::size_t begin = 0;
  if (before.size() > shown_max || after.size() > shown_max) {
    constexpr std::size_t context = 4;  // Tokens that are the same, so that one sees where it is.
    const auto mismatch = std::ranges::mismatch(old_tokens, new_tokens, same);
    const auto at = static_cast<std::size_t>(mismatch.in1 - old_tokens.begin());
    begin = at > context ? at - context : 0;
  }
  return fmt::format("{} {} → {}", what, excerpt(before, old_tokens, begin), excerpt(after, new_tokens, begin));
}

std::vector<std::string> describe_change(const Object& before, const Object& after) {
  Lines lines;
  std::visit(
      [&lines, &after](const auto& old) {
        using Kind = std::decay_t<decltype(old)>;
        const auto* now = std::get_if<Kind>(&after.definition);
        if constexpr (!std::is_same_v<Kind, std::monostate>)
          if (now != nullptr) lines = changes(old, *now);
      },
      before.definition);
  if (lines.empty()) lines.push_back(describe_change("definition", normalise(before.sql), normalise(after.sql)));
  return lines;
}

}  // namespace belay::versions::schema

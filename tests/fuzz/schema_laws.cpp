#include "tests/fuzz/laws.h"

#include <algorithm>
#include <optional>
#include <variant>
#include <vector>

#include "tests/fuzz/catalog.h"
#include "versions/error.h"
#include "versions/schema/canonical.h"
#include "versions/schema/lexer.h"
#include "versions/schema/names.h"
#include "versions/schema/parser.h"
#include "versions/schema/rename_hints.h"
#include "versions/schema/table_copy.h"

namespace belay::fuzz {
namespace {

using namespace versions::schema;

/// The bytes that SQLite takes for white space between two tokens; a byte order mark counts as some.
std::string_view after_blanks(std::string_view gap) {
  constexpr std::string_view mark = "\xEF\xBB\xBF";
  for (;;) {
    const std::size_t size = std::min(gap.find_first_not_of(" \t\n\v\f\r"), gap.size());
    gap.remove_prefix(size);
    if (gap.starts_with(mark)) {
      gap.remove_prefix(mark.size());
    } else if (size == 0) {
      return gap;
    }
  }
}

bool is_blanks_and_comments(std::string_view gap) {
  while (!(gap = after_blanks(gap)).empty()) {
    const bool line = gap.starts_with("--");
    if (!line && !gap.starts_with("/*")) return false;
    const std::size_t end = line ? gap.find('\n') : gap.find("*/", 2);
    gap.remove_prefix(std::min(end == std::string_view::npos ? gap.size() : end + (line ? 1 : 2), gap.size()));
  }
  return true;
}

std::string token_law_broken_by(std::string_view text) {
  std::size_t end = 0;
  for (const Token& token : lex(text)) {
    const auto at = static_cast<std::size_t>(token.text.data() - text.data());
    if (token.text.empty() || at < end || at + token.text.size() > text.size()) return "a token is out of its place";
    if (!is_blanks_and_comments(text.substr(end, at - end))) return "between two tokens is something that is no token";
    end = at + token.text.size();
  }
  return is_blanks_and_comments(text.substr(end)) ? "" : "behind the last token is something that is no token";
}

bool has_illegal(std::string_view text) {
  return std::ranges::any_of(lex(text), [](const Token& token) { return token.kind == TokenKind::illegal; });
}

bool is_from_select(std::string_view text) {
  const auto tokens = lex(text);
  const auto is = [](const Token& token, std::string_view word) { return fold(token.text) == word; };
  return tokens.size() > 1 && is(tokens[1], "table") &&
         std::ranges::any_of(tokens, [&](const Token& token) { return is(token, "as"); });
}

std::string columns_law_broken_by(const Table& table, const std::string& name) {
  const auto rows = Catalog::instance().ask("SELECT name, hidden FROM pragma_table_xinfo(:name)", name);
  if (rows.size() != table.columns.size()) return "SQLite sees another number of columns";
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const Column& column = table.columns[i];
    if (rows[i][0] != column.name) return "SQLite calls a column " + rows[i][0] + ", and not " + column.name;
    const std::string hidden = !column.generated ? "0" : column.generated->stored ? "3" : "2";
    if (rows[i][1] != hidden) return "SQLite sees otherwise whether this column is generated: " + column.name;
  }
  return "";
}

std::string table_law_broken_by(const Table& table, const CatalogRow& row) {
  const auto flags = Catalog::instance().ask(
      "SELECT wr, strict, (SELECT count(DISTINCT id) FROM pragma_foreign_key_list(:name)), "
      "(SELECT count(*) FROM pragma_table_info(:name) WHERE pk > 0) > 0 FROM pragma_table_list(:name) "
      "WHERE schema = 'main'",
      row.name);
  const auto of_kind = [&table](Constraint::Kind kind) {
    return std::ranges::count_if(table.constraints, [kind](const auto& one) { return one.kind == kind; });
  };
  if ((flags.at(0)[0] == "1") != table.without_rowid) return "SQLite sees otherwise whether it is WITHOUT ROWID";
  if ((flags[0][1] == "1") != table.strict) return "SQLite sees otherwise whether it is STRICT";
  if (flags[0][2] != std::to_string(of_kind(Constraint::Kind::foreign_key)))
    return "SQLite sees another number of foreign keys";
  if ((flags[0][3] == "1") != (of_kind(Constraint::Kind::primary_key) > 0))
    return "SQLite sees otherwise whether it has a primary key";
  return columns_law_broken_by(table, row.name);
}

std::string index_law_broken_by(const Index& index, const CatalogRow& row) {
  const auto rows =
      Catalog::instance().ask("SELECT \"desc\" FROM pragma_index_xinfo(:name) WHERE key = 1 ORDER BY seqno", row.name);
  if (rows.size() != index.columns.size()) return "SQLite sees another number of indexed columns";
  for (std::size_t i = 0; i < rows.size(); ++i)
    if ((rows[i][0] == "1") != index.columns[i].descending) return "SQLite sees another order of an indexed column";
  const auto unique = Catalog::instance().ask(
      "SELECT \"unique\", partial FROM pragma_index_list((SELECT tbl_name FROM sqlite_schema WHERE name = :name)) "
      "WHERE name = :name",
      row.name);
  if ((unique.at(0)[0] == "1") != index.unique) return "SQLite sees otherwise whether it is UNIQUE";
  return (unique[0][1] == "1") == index.where.has_value() ? "" : "SQLite sees otherwise whether it is partial";
}

/// Of each kind: whose name it is, and what it belongs to.
struct Names {
  std::string name;
  std::string table;
};
std::optional<Names> names_of(const Definition& definition) {
  if (const auto* table = std::get_if<Table>(&definition)) return Names{table->name, table->name};
  if (const auto* table = std::get_if<VirtualTable>(&definition)) return Names{table->name, table->name};
  if (const auto* index = std::get_if<Index>(&definition)) return Names{index->name, index->table};
  if (const auto* view = std::get_if<View>(&definition)) return Names{view->name, view->name};
  if (const auto* trigger = std::get_if<Trigger>(&definition)) return Names{trigger->name, trigger->table};
  return std::nullopt;
}

std::string object_law_broken_by(const CatalogRow& row) {
  const Definition definition = parse_object(row.sql);
  const auto names = names_of(definition);
  if (!names) return "what SQLite keeps is not understood: " + row.sql;
  if (names->name != row.name) return "SQLite calls it " + row.name + ", and not " + names->name;
  if (fold(names->table) != fold(row.table))
    return "SQLite has it belong to " + row.table + ", and not " + names->table;
  if (const auto* index = std::get_if<Index>(&definition)) return index_law_broken_by(*index, row);
  const auto* table = std::get_if<Table>(&definition);
  if (table == nullptr) return "";
  const std::string renamed = with_name(row.sql, "belay_new_x");
  const auto copy = parse_object(renamed);
  if (names_of(copy)->name != "belay_new_x") return "another name is not in its place: " + renamed;
  if (canonical(parse_object(with_name(renamed, row.name)), renamed) != canonical(definition, row.sql))
    return "under another name it is another table: " + renamed;
  return table_law_broken_by(*table, row);
}

std::string canonical_of(std::string_view sql) {
  return canonical(parse_object(sql), sql);
}

}  // namespace

std::string schema_law_broken_by(std::string_view text) {
  if (auto broken = token_law_broken_by(text); !broken.empty()) return broken;
  canonical_of(text);  // Whatever it is.
  canonical_expression(text);
  std::string broken;
  std::vector<CatalogRow> made;
  const auto size = Catalog::instance().create(text, [&](const std::vector<CatalogRow>& rows) {
    made = rows;
    for (const auto& row : rows)
      if (broken.empty()) broken = object_law_broken_by(row);
  });
  if (!broken.empty() || !size) return broken;
  const std::string_view statement = text.substr(0, *size);
  if (has_illegal(statement)) return "what SQLite accepts has an illegal token";
  if (!is_from_select(statement) && canonical_of(statement) != canonical_of(made[0].sql))
    return "SQLite keeps it in another form: " + canonical_of(statement) + "\n-- and --\n" + canonical_of(made[0].sql);
  std::string again;
  Catalog::instance().create(made[0].sql, [&](const auto& rows) { again = rows[0].sql; });
  if (again.empty()) return "SQLite does not accept what it keeps: " + made[0].sql;
  return canonical_of(again) == canonical_of(made[0].sql) ? "" : "what SQLite keeps has another form the second time";
}

std::string rename_law_broken_by(std::string_view text) {
  std::vector<RenameHint> hints;
  try {
    hints = read_rename_hints(text, "schema.sql");
  } catch (const versions::Error& error) {
    const auto lines = std::ranges::count(text, '\n') + 1;
    return error.line() >= 1 && error.line() <= lines ? "" : "it is refused at a line that it does not have";
  }
  for (const auto& hint : hints) {
    if (hint.from.empty() || hint.to.empty()) return "a hint has an empty name";
    if (hint.from.find('\n') != std::string::npos) continue;  // No comment of one line can hold it.
    const std::string comment = hint_of({Rename::Kind::table, "", hint.from, hint.to});
    const auto again = read_rename_hints(comment + "\nCREATE TABLE x (a);\n", "schema.sql");
    if (again.size() != 1 || again[0].from != hint.from)
      return "a hint that is written down is not read again: " + comment;
  }
  return "";
}

}  // namespace belay::fuzz

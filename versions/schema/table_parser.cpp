#include "versions/schema/table_parser.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "versions/schema/names.h"
#include "versions/words.h"

namespace belay::versions::schema {
namespace {

/// `ON CONFLICT REPLACE`. ABORT is what nothing means.
std::string parse_conflict(Cursor& cursor) {
  if (!cursor.take({"on", "conflict"})) return {};
  std::string resolution = fold(cursor.take_name());
  return resolution == "abort" ? std::string() : resolution;
}

std::string parse_action(Cursor& cursor) {
  if (cursor.take({"no", "action"})) return {};
  std::string action = fold(cursor.take_name());
  if (action == "set") action += " " + fold(cursor.take_name());
  return action;
}

/// `[NOT] DEFERRABLE [INITIALLY DEFERRED|IMMEDIATE]`, if that comes next.
bool parse_deferral(Cursor& cursor, ForeignKey& key) {
  const bool no = cursor.take({"not", "deferrable"});
  if (!no && !cursor.take("deferrable")) return false;
  bool deferred = false;
  if (cursor.take("initially")) deferred = fold(cursor.take_name()) == "deferred";
  key.deferred = deferred && !no;
  return true;
}

ForeignKey parse_references(Cursor& cursor) {
  ForeignKey key;
  key.table = cursor.take_name();
  if (cursor.sees("(")) key.columns = cursor.take_names();
  for (;;) {
    if (cursor.take({"on", "delete"}))
      key.on_delete = parse_action(cursor);
    else if (cursor.take({"on", "update"}))
      key.on_update = parse_action(cursor);
    else if (cursor.take({"on", "insert"}))
      parse_action(cursor);  // The grammar has it, and it does nothing.
    else if (cursor.take("match"))
      key.match = fold(cursor.take_name());
    else
      return key;
  }
}

/// The words up to a constraint, and the numbers in parentheses behind them. GENERATED ALWAYS at their end is none of
/// them, whether or not AS follows.
std::string parse_type(Cursor& cursor) {
  std::vector<std::string> words;
  const auto is_word = [&cursor] {
    const Token& token = cursor.peek();
    if (token.kind == TokenKind::word) return !is_reserved(token.text);
    return token.kind == TokenKind::name || token.kind == TokenKind::string;
  };
  bool generated = false;
  while (is_word()) {
    generated = cursor.sees("generated") && cursor.sees("always", 1);
    words.push_back(cursor.take_name());
    if (generated) words.push_back(cursor.take_name());
  }
  if (generated && !cursor.sees("(")) words.resize(words.size() - 2);
  std::string type;
  for (const auto& word : words) type += (type.empty() ? "" : " ") + word;
  if (type.empty() || !cursor.take("(")) return type;
  type += '(';
  for (; !cursor.take(")"); cursor.skip()) {
    if (cursor.at_end()) throw NotUnderstood{};
    type += cursor.peek().text;
  }
  return type + ')';
}

/// One of the columns in parentheses, as long as that is more than a plain name.
IndexedColumn parse_indexed_column(Cursor& cursor) {
  IndexedColumn column;
  const std::size_t begin = cursor.position();
  std::size_t end = begin;
  const auto ends_expression = [&cursor, begin] {
    if (cursor.sees_any({",", ")", "autoincrement"})) return true;
    return cursor.position() > begin && cursor.sees_any({"asc", "desc"});  // Both may be the name of a column.
  };
  while (!cursor.at_end() && !ends_expression()) {
    const bool plain = cursor.position() == begin + 1;
    if (plain && cursor.take("collate")) {
      column.collation = cursor.take_name();
      break;
    }
    cursor.skip_group();
    end = cursor.position();
  }
  if (end == begin || (!column.collation.empty() && !ends_expression())) throw NotUnderstood{};
  column.expression = cursor.fragment(begin, end);
  const Token only = lex(column.expression.text).front();
  const bool is_name = only.kind == TokenKind::word || only.kind == TokenKind::name || only.kind == TokenKind::string;
  if (end == begin + 1 && is_name) column.name = unquoted(only);
  column.descending = cursor.take("desc");
  cursor.take("asc");
  return column;
}

/// Reads the parts of one CREATE TABLE.
class TableParser {
 public:
  TableParser(Cursor& cursor, std::string name) : cursor_(cursor) { table_.name = std::move(name); }

  Table parse();

 private:
  void parse_column();
  void parse_column_constraint(Column& column, const std::string& name, std::size_t begin);
  void parse_key_of_column(const Column& column, const std::string& name, std::size_t begin);
  void parse_late_deferral();
  void parse_default(Column& column, const std::string& name);
  void parse_generated(Column& column, const std::string& name);
  void parse_table_constraint();
  void parse_options();
  void add(Constraint constraint, std::size_t begin);
  [[nodiscard]] std::string take_constraint_names();

  Cursor& cursor_;
  Table table_;
};

Table TableParser::parse() {
  cursor_.expect("(");
  do {
    if (cursor_.sees_any({"constraint", "primary", "unique", "check", "foreign"}))
      parse_table_constraint();
    else
      parse_column();
    // Between constraints of the table SQLite asks for no comma.
  } while (cursor_.take(",") || cursor_.sees_any({"constraint", "primary", "unique", "check", "foreign"}));
  cursor_.expect(")");
  parse_options();
  return std::move(table_);
}

void TableParser::parse_options() {
  while (!cursor_.at_end() && !cursor_.take(";")) {
    if (cursor_.take({"without", "rowid"}))
      table_.without_rowid = true;
    else if (cursor_.take("strict"))
      table_.strict = true;
    else
      throw NotUnderstood{};
    cursor_.take(",");
  }
}

/// The last one counts.
std::string TableParser::take_constraint_names() {
  std::string name;
  while (cursor_.take("constraint")) name = cursor_.take_name();
  return name;
}

void TableParser::add(Constraint constraint, std::size_t begin) {
  constraint.definition = cursor_.since(begin);
  table_.constraints.push_back(std::move(constraint));
}

// --- Columns ---

void TableParser::parse_column() {
  const std::size_t begin = cursor_.position();
  Column column;
  column.name = cursor_.take_name();
  column.type = parse_type(cursor_);
  while (!cursor_.at_end() && !cursor_.sees_any({",", ")"})) {
    const std::size_t constraint = cursor_.position();
    const std::string name = take_constraint_names();
    parse_column_constraint(column, name, constraint);
  }
  column.definition = cursor_.since(begin);
  table_.columns.push_back(std::move(column));
}

void TableParser::parse_column_constraint(Column& column, const std::string& name, std::size_t begin) {
  if (cursor_.take("null")) {
    parse_conflict(cursor_);  // The grammar has both, and they do nothing.
  } else if (cursor_.take({"not", "null"})) {
    column.not_null = Column::NotNull{name, parse_conflict(cursor_)};
  } else if (cursor_.take("default")) {
    parse_default(column, name);
  } else if (cursor_.take("collate")) {
    column.collation = cursor_.take_name();
  } else if (cursor_.take({"generated", "always"}) || cursor_.sees("as")) {
    parse_generated(column, name);
  } else if (!cursor_.sees_any({",", ")"})) {  // A name with nothing behind it is none.
    parse_key_of_column(column, name, begin);
  }
}

void TableParser::parse_key_of_column(const Column& column, const std::string& name, std::size_t begin) {
  Constraint constraint;
  constraint.name = name;
  constraint.on_column = table_.columns.size();
  constraint.columns = {{.name = column.name, .expression = {}, .collation = {}, .descending = false}};
  if (cursor_.take({"primary", "key"})) {
    constraint.kind = Constraint::Kind::primary_key;
    constraint.columns[0].descending = cursor_.take("desc");
    cursor_.take("asc");
    constraint.conflict = parse_conflict(cursor_);
    constraint.autoincrement = cursor_.take("autoincrement");
  } else if (cursor_.take("unique")) {
    constraint.kind = Constraint::Kind::unique;
    constraint.conflict = parse_conflict(cursor_);
  } else if (cursor_.take("check")) {
    constraint.kind = Constraint::Kind::check;
    constraint.columns.clear();
    constraint.expression = cursor_.take_parentheses();
  } else if (cursor_.take("references")) {
    constraint.kind = Constraint::Kind::foreign_key;
    constraint.references = parse_references(cursor_);
    parse_deferral(cursor_, constraint.references);
  } else {
    return parse_late_deferral();
  }
  add(std::move(constraint), begin);
}

/// Apart from a foreign key it belongs to the last one before it, on whatever column that is; without any to none.
void TableParser::parse_late_deferral() {
  const auto is_key = [](const Constraint& one) { return one.kind == Constraint::Kind::foreign_key; };
  const auto last = std::find_if(table_.constraints.rbegin(), table_.constraints.rend(), is_key);
  ForeignKey none;
  if (!parse_deferral(cursor_, last == table_.constraints.rend() ? none : last->references)) throw NotUnderstood{};
}

void TableParser::parse_default(Column& column, const std::string& name) {
  Column::Default value{.name = name, .value = {}, .in_parentheses = cursor_.sees("(")};
  if (value.in_parentheses) {
    value.value = cursor_.take_parentheses();
  } else {
    const std::size_t begin = cursor_.position();
    if (cursor_.sees_any({"+", "-"})) cursor_.skip();
    if (cursor_.at_end()) throw NotUnderstood{};
    cursor_.skip();
    value.value = cursor_.since(begin);
  }
  column.default_value = std::move(value);
}

void TableParser::parse_generated(Column& column, const std::string& name) {
  cursor_.expect("as");
  Column::Generated generated{.name = name, .expression = cursor_.take_parentheses(), .stored = false};
  generated.stored = cursor_.take("stored");
  cursor_.take("virtual");
  column.generated = std::move(generated);
}

// --- Constraints of the table ---

void TableParser::parse_table_constraint() {
  const std::size_t begin = cursor_.position();
  Constraint constraint;
  constraint.name = take_constraint_names();
  if (cursor_.take({"primary", "key"})) {
    constraint.kind = Constraint::Kind::primary_key;
    constraint.columns = parse_indexed_columns(cursor_, &constraint.autoincrement);
    constraint.conflict = parse_conflict(cursor_);
  } else if (cursor_.take("unique")) {
    constraint.kind = Constraint::Kind::unique;
    constraint.columns = parse_indexed_columns(cursor_);
    constraint.conflict = parse_conflict(cursor_);
  } else if (cursor_.take("check")) {
    constraint.kind = Constraint::Kind::check;
    constraint.expression = cursor_.take_parentheses();
    parse_conflict(cursor_);  // The grammar has it, and it does nothing.
  } else if (cursor_.take({"foreign", "key"})) {
    constraint.kind = Constraint::Kind::foreign_key;
    for (auto& name : cursor_.take_names())
      constraint.columns.push_back({.name = std::move(name), .expression = {}, .collation = {}, .descending = false});
    cursor_.expect("references");
    constraint.references = parse_references(cursor_);
    parse_deferral(cursor_, constraint.references);
  } else if (cursor_.sees_any({",", ")"})) {
    return;  // A name with nothing behind it is no constraint.
  } else {
    throw NotUnderstood{};
  }
  add(std::move(constraint), begin);
}

}  // namespace

Table parse_table(Cursor& cursor, std::string name) {
  return TableParser(cursor, std::move(name)).parse();
}

std::vector<IndexedColumn> parse_indexed_columns(Cursor& cursor, bool* autoincrement) {
  std::vector<IndexedColumn> columns;
  cursor.expect("(");
  do {
    columns.push_back(parse_indexed_column(cursor));
  } while (cursor.take(","));
  if (autoincrement != nullptr) *autoincrement = cursor.take("autoincrement");
  cursor.expect(")");
  return columns;
}

const Column* Table::find(const std::string& column) const {
  const auto found = std::ranges::find_if(
      columns, [&column](const Column& candidate) { return equal_ignoring_case(candidate.name, column); });
  return found == columns.end() ? nullptr : &*found;
}

}  // namespace belay::versions::schema

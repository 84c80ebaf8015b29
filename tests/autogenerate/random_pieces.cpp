#include <algorithm>
#include <array>

#include "tests/autogenerate/database.h"
#include "tests/autogenerate/random_schema.h"

namespace belay::proof {
namespace {

using Name = RandomSchema::Name;
using Table = RandomSchema::Table;
using Other = RandomSchema::Other;

const std::vector<Name> names = {{"a", "a"},
                                 {"b", "b"},
                                 {"c", "c"},
                                 {"rooms", "rooms"},
                                 {"Items", "Items"},
                                 {"code", "code"},
                                 {"order", "\"order\""},
                                 {"two words", "[two words]"},
                                 {"Größe", "Größe"},
                                 {"名前", "`名前`"},
                                 {"key", "key"},
                                 {"say \"hi\"", "\"say \"\"hi\"\"\""},
                                 {"it's", "\"it's\""},
                                 {"x]y", "\"x]y\""},
                                 {"select", "`select`"},
                                 {"a;b", "[a;b]"},
                                 {"c -- d", "\"c -- d\""},
                                 {"line\nbreak", "\"line\nbreak\""},
                                 {"x.y", "\"x.y\""},
                                 {"1st", "\"1st\""},
                                 {"belay_new_a", "belay_new_a"},
                                 {"ROWID", "ROWID"},
                                 {"value", "value"}};

template <typename Taken>
Name free_name(Dice& dice, const Taken& is_taken) {
  Name name = dice.one_of(names);
  const Name base = name;
  for (int i = 2; is_taken(name.text); ++i) {
    const std::string more = std::to_string(i);
    name.text = base.text + more;
    name.spelt = base.spelt;
    const bool has_quote = std::string("\"`]").find(name.spelt.back()) != std::string::npos;
    name.spelt.insert(name.spelt.size() - (has_quote ? 1 : 0), more);
  }
  return name;
}

/// `{7}`
std::string at(int number) {
  return "{" + std::to_string(number) + "}";
}

std::string at(const Table& table) {
  return at(table.number);
}

std::string some_column(const Table& table, Dice& dice) {
  return at(dice.one_of(table.columns).number);
}

std::string index_column(const Table& table, Dice& dice) {
  const std::string column = some_column(table, dice);
  const std::array<std::string, 7> forms = {column,
                                            column + " DESC",
                                            column + " COLLATE NOCASE",
                                            "lower(" + column + ")",
                                            column + " COLLATE RTRIM ASC",
                                            "coalesce(" + column + ", 0) DESC",
                                            "(" + column + " || 'x')"};
  return dice.one_of(forms);
}

std::string index_of(const Table& table, Dice& dice) {
  std::string sql = std::string("CREATE ") + (dice.once_in(4) ? "UNIQUE " : "") + "INDEX {.} ON " + at(table) + " (" +
                    index_column(table, dice);
  if (dice.once_in(2)) sql += ", " + index_column(table, dice);
  sql += ")";
  const std::string column = some_column(table, dice);
  const std::array<std::string, 4> conditions = {"", " WHERE " + column + " IS NOT NULL", " WHERE " + column + " > 0",
                                                 " WHERE typeof(" + column + ") = 'text'"};
  return sql + dice.one_of(conditions);
}

const Other* some_view(const RandomSchema& schema, const Other& but, Dice& dice) {
  std::vector<const Other*> views;
  for (const auto& other : schema.others)
    if (other.kind == Other::Kind::view && other.number < but.number) views.push_back(&other);
  return views.empty() ? nullptr : dice.one_of(views);
}

std::string view_of(const RandomSchema& schema, const Other& own, Dice& dice) {
  const Table& table = dice.one_of(schema.tables);
  const Table& other = dice.one_of(schema.tables);
  const std::string column = some_column(table, dice);
  const auto* view = dice.once_in(3) ? some_view(schema, own, dice) : nullptr;
  if (view != nullptr)
    return dice.once_in(2) ? "CREATE VIEW {.} AS SELECT count(*) AS n FROM " + at(view->number)
                           : "CREATE VIEW {.} AS SELECT v.* FROM " + at(view->number) + " AS v";
  const std::array<std::string, 6> forms = {
      "SELECT " + column + ", " + some_column(table, dice) + " AS other FROM " + at(table),
      "SELECT * FROM " + at(table) + " WHERE " + column + " IS NOT NULL",
      "SELECT x." + column + ", y." + some_column(other, dice) + " AS theirs FROM " + at(table) + " AS x JOIN " +
          at(other) + " AS y ON x." + column + " = y." + some_column(other, dice),
      "WITH q AS (SELECT " + column + " FROM " + at(table) + ") SELECT * FROM q ORDER BY 1",
      "SELECT " + column + " FROM " + at(table) + " UNION ALL SELECT " + some_column(other, dice) + " FROM " +
          at(other),
      "SELECT (SELECT max(" + column + ") FROM " + at(table) + ") AS top, " + some_column(other, dice) + " FROM " +
          at(other)};
  const std::string query = dice.one_of(forms);
  return "CREATE VIEW {.} AS " + query;
}

/// What a trigger does, to another table mostly.
std::string body(const Table& target, const std::string& value, Dice& dice) {
  const std::string column = some_column(target, dice);
  const std::array<std::string, 5> bodies = {
      "INSERT INTO " + at(target) + " (" + column + ") VALUES (" + value + ");",
      "UPDATE " + at(target) + " SET " + column + " = " + value + " WHERE " + column + " IS NULL;",
      "DELETE FROM " + at(target) + " WHERE " + column + " = " + value + ";",
      "SELECT RAISE(ABORT, 'no; -- really') WHERE " + value + " = 'never';",
      "INSERT OR IGNORE INTO " + at(target) + " (" + column + ") SELECT " + some_column(target, dice) + " FROM " +
          at(target) + " WHERE " + value + " > 3; SELECT 1;"};
  return dice.one_of(bodies);
}

std::string trigger_of(const RandomSchema& schema, Other& own, Dice& dice) {
  const Table& target = dice.one_of(schema.tables);
  const auto* view = dice.once_in(4) ? some_view(schema, own, dice) : nullptr;
  if (view != nullptr) {
    own.of = view->number;
    const std::array<std::string, 3> events = {"INSERT", "UPDATE", "DELETE"};
    return "CREATE TRIGGER {.} INSTEAD OF " + dice.one_of(events) + " ON " + at(view->number) + " BEGIN " +
           body(target, "1", dice) + " END";
  }
  const Table& table = dice.one_of(schema.tables);
  own.of = table.number;
  const std::string column = some_column(table, dice);
  const std::array<std::string, 5> events = {"AFTER INSERT", "AFTER DELETE", "BEFORE UPDATE",
                                             "AFTER UPDATE OF " + column, "BEFORE INSERT"};
  const std::string& event = dice.one_of(events);
  const std::string row = event.find("DELETE") != std::string::npos ? "old." : "new.";
  const std::string when = dice.once_in(3) ? " WHEN " + row + column + " IS NOT NULL" : "";
  return "CREATE TRIGGER {.} " + event + " ON " + at(table) + when + " BEGIN " + body(target, row + column, dice) +
         " END";
}

std::string virtual_table(Dice& dice) {
  const std::array<std::string, 5> forms = {"fts5(title, body)", "fts5(title, body, tokenize = 'porter')",
                                            "rtree(id, x0, x1)", "fts5(title)", "rtree(id, x0, x1, y0, y1)"};
  return "CREATE VIRTUAL TABLE {.} USING " + dice.one_of(forms);
}

std::vector<int> some_columns(const Table& table, Dice& dice) {
  std::vector<int> columns = {dice.one_of(table.columns).number};
  const int more = dice.one_of(table.columns).number;
  if (dice.once_in(3) && more != columns[0]) columns.push_back(more);
  return columns;
}

void choose_key(Table& table, Dice& dice) {
  const std::size_t kind = dice.below(6);
  if (kind == 5) return;
  auto& first = table.columns.front();
  table.key = {first.number};
  first.generated.clear();
  if (kind == 2 || kind == 3) first.type = random_type(table.strict, dice);
  if (kind < 2) first.type = "INTEGER";
  if (kind < 2) first.collation.clear();
  if (kind == 1) table.key_rules = "AUTOINCREMENT";
  if (kind == 4 && table.columns.size() > 1 && table.columns[1].generated.empty())
    table.key.push_back(table.columns[1].number);
  table.key_on_column = !dice.once_in(4) || kind == 1;
  table.without_rowid = kind >= 2 && dice.once_in(3);
  if (kind >= 2 && dice.once_in(6)) table.key_rules = random_conflict(dice);
}

}  // namespace

Name random_name(const RandomSchema& schema, Dice& dice) {
  return free_name(dice, [&](const auto& name) { return schema.has_name(name); });
}

Name random_column_name(const Table& table, Dice& dice) {
  return free_name(dice, [&](const auto& name) {
    return std::ranges::any_of(table.columns, [&](const auto& c) { return lower(c.name.text) == lower(name); });
  });
}

std::string random_type(bool strict, Dice& dice) {
  const std::array<std::string, 12> any = {"TEXT",        "INTEGER",  "",        "REAL",          "BLOB", "NUMERIC",
                                           "VARCHAR(20)", "DATETIME", "BOOLEAN", "DECIMAL(10,2)", "INT",  "ANY"};
  const std::array<std::string, 6> narrow = {"TEXT", "INTEGER", "REAL", "BLOB", "ANY", "INT"};
  return strict ? dice.one_of(narrow) : dice.one_of(any);
}

/// A value that differs each time passes the checks each time, or never: `random()` alone may be below zero.
std::string random_default(Dice& dice) {
  const std::array<std::string, 16> values = {"",
                                              "0",
                                              "'x'",
                                              "NULL",
                                              "-1",
                                              "1.5",
                                              "''",
                                              "X'00'",
                                              "TRUE",
                                              "CURRENT_TIMESTAMP",
                                              "(1 + 2)",
                                              "(abs(-3))",
                                              "'it''s; -- no'",
                                              "'line\nbreak'",
                                              "(abs(random()))",
                                              "+7"};
  return dice.one_of(values);
}

std::string random_check(Dice& dice) {
  const std::array<std::string, 5> checks = {"{.} <> 'nope'", "length({.}) < 100", "{.} >= 0 OR {.} IS NULL",
                                             "typeof({.}) <> 'real'", "{.} NOT IN ('a;', 'b--')"};
  return dice.one_of(checks);
}

std::string random_generated(const Table& table, Dice& dice) {
  if (table.columns.empty()) return {};
  const std::string column = some_column(table, dice);
  const std::array<std::string, 4> forms = {"(" + column + " || 'x')", "(coalesce(" + column + ", 0))",
                                            "(length(" + column + ")) STORED", "(typeof(" + column + ")) STORED"};
  return dice.one_of(forms);
}

std::string random_conflict(Dice& dice) {
  const std::array<std::string, 5> rules = {"", "ON CONFLICT REPLACE", "ON CONFLICT IGNORE", "ON CONFLICT ROLLBACK",
                                            "ON CONFLICT FAIL"};
  return dice.one_of(rules);
}

RandomSchema::Column random_column(RandomSchema& schema, const Table& table, Dice& dice) {
  RandomSchema::Column column;
  column.number = ++schema.last_number;
  column.name = random_column_name(table, dice);
  column.type = random_type(table.strict, dice);
  if (dice.once_in(8)) column.generated = random_generated(table, dice);
  if (dice.once_in(5)) column.not_null = "NOT NULL " + random_conflict(dice);
  if (dice.once_in(8)) column.unique = "UNIQUE " + random_conflict(dice);
  if (dice.once_in(3) && column.generated.empty()) column.value = random_default(dice);
  const std::array<std::string, 3> collations = {"NOCASE", "RTRIM", "BINARY"};
  if (dice.once_in(8)) column.collation = dice.one_of(collations);
  if (dice.once_in(8)) column.check = random_check(dice);
  return column;
}

RandomSchema::ForeignKey random_foreign_key(const RandomSchema& schema, const Table& table, Dice& dice) {
  const Table& parent = dice.one_of(schema.tables);
  const std::array<std::string, 6> rules = {"",
                                            "ON DELETE CASCADE",
                                            "ON DELETE SET NULL ON UPDATE CASCADE",
                                            "DEFERRABLE INITIALLY DEFERRED",
                                            "ON DELETE RESTRICT",
                                            "MATCH FULL ON UPDATE SET DEFAULT NOT DEFERRABLE"};
  RandomSchema::ForeignKey key;
  key.parent = parent.number;
  key.rules = dice.one_of(rules);
  const std::size_t width = parent.key.empty() ? 1 : parent.key.size();
  for (std::size_t i = 0; i < width; ++i) key.columns.push_back(dice.one_of(table.columns).number);
  key.parent_columns = parent.key;
  if (!parent.key.empty() && dice.once_in(3)) key.parent_columns.clear();
  return key;
}

Table random_table(RandomSchema& schema, Dice& dice) {
  Table table;
  table.number = ++schema.last_number;
  table.name = random_name(schema, dice);
  table.strict = dice.once_in(5);
  const std::array<std::string, 3> comments = {"", " -- the first", " /* ; */"};
  const std::size_t count = 1 + dice.below(5);
  for (std::size_t i = 0; i < count; ++i) table.columns.push_back(random_column(schema, table, dice));
  choose_key(table, dice);
  if (dice.once_in(5)) table.uniques.push_back(some_columns(table, dice));
  if (dice.once_in(6)) table.checks.push_back("CONSTRAINT sane CHECK (" + some_column(table, dice) + " <> 'mad')");
  if (dice.once_in(4)) table.comment = dice.one_of(comments);
  return table;
}

void random_definition(const RandomSchema& schema, Other& other, Dice& dice) {
  switch (other.kind) {
    case Other::Kind::index:
      other.sql = index_of(dice.one_of(schema.tables), dice);
      break;
    case Other::Kind::view:
      other.sql = view_of(schema, other, dice);
      break;
    case Other::Kind::trigger:
      other.sql = trigger_of(schema, other, dice);
      break;
    case Other::Kind::virtual_table:
      other.sql = virtual_table(dice);
      break;
  }
}

}  // namespace belay::proof

#include "tests/versions/random_table.h"

#include <algorithm>
#include <array>
#include <functional>
#include <utility>

namespace belay::versions::schema {
namespace {

using Column = RandomTable::Column;
using Parts = std::vector<std::string>;

const Parts names = {"rooms", "key", "action", "end", "order", "a b", "ab", "größe", "desc", "x\"y", "left", "primary"};
const Parts types = {"INTEGER", "INT", "TEXT", "REAL", "BLOB"};
const Parts values = {"1", "-1", "'Ab'", "NULL", "CURRENT_TIMESTAMP", "x'0f'", "1.5", "'it''s'"};

std::string expression_on(const std::string& column, Dice& dice) {
  const Parts forms = {"{} > 0", "{} <> 'A b'", "length({}) < 5", "{} IS NOT NULL AND ({} + 1) % 2 = 0"};
  std::string text = dice.one_of(forms);
  for (std::size_t at = 0; (at = text.find("{}", at)) != text.npos; at += column.size())
    text.replace(at, 2, "{" + column + "}");
  return text;
}

Column column_of(const std::string& name, bool key, Dice& dice) {
  Column column;
  column.name = name;
  column.type = dice.one_of(types);
  column.not_null = dice.toss();
  if (key) return column;
  column.unique = dice.toss();
  if (dice.toss()) column.collation = "NOCASE";
  if (dice.toss()) column.check = expression_on(name, dice);
  if (dice.toss()) column.parent = "parent";
  if (!column.parent.empty() && dice.toss()) column.on_delete = "CASCADE";
  column.deferred = !column.parent.empty() && dice.toss();
  if (dice.toss()) column.value = dice.one_of(values);
  return column;
}

std::string space(Dice& dice) {
  constexpr std::array spaces = {" ", "  ", "\n", "\t", " /* c, ( */ ", " -- it's\n", "/**/"};
  return dice.one_of(spaces);
}

/// A keyword or symbol, in any case of its letters.
std::string word(std::string text, Dice& dice) {
  const bool upper = dice.toss();
  for (char& c : text)
    if (c >= 'A' && c <= 'Z' && !upper) c = static_cast<char>(c - 'A' + 'a');
  return text;
}

std::string words(const Parts& parts, Dice& dice) {
  std::string text;
  for (const auto& part : parts) text += space(dice) + word(part, dice);
  return text + space(dice);
}

/// An expression with its names in braces: those are spelt anew, and so is the space around them.
std::string expression(const std::string& text, Dice& dice) {
  std::string result;
  for (std::size_t at = 0; at < text.size(); ++at) {
    if (text[at] == ' ') {
      const bool in_string = std::count(text.begin(), text.begin() + static_cast<std::ptrdiff_t>(at), '\'') % 2 == 1;
      result += in_string ? " " : space(dice);
    } else if (text[at] == '{') {
      const std::size_t end = text.find('}', at);
      result += spell_name(text.substr(at + 1, end - at - 1), dice);
      at = end;
    } else {
      result += text[at];
    }
  }
  return result;
}

std::string in_parentheses(const std::string& text, Dice& dice) {
  return "(" + space(dice) + expression(text, dice) + space(dice) + ")";
}

std::string references(const Column& column, Dice& dice) {
  std::string text = words({"REFERENCES"}, dice) + spell_name(column.parent, dice);
  if (!column.on_delete.empty()) text += words({"ON", "DELETE", column.on_delete}, dice);
  if (column.on_delete.empty() && dice.toss()) text += words({"ON", "DELETE", "NO", "ACTION"}, dice);
  if (column.deferred) text += words({"DEFERRABLE", "INITIALLY", "DEFERRED"}, dice);
  if (!column.deferred && dice.toss()) text += words({"NOT", "DEFERRABLE"}, dice);
  return text;
}

/// What may stand on the column or behind all of them is put where the dice say.
Parts column_parts(const Column& column, Dice& dice, Parts* behind) {
  Parts parts;
  const auto put = [&](const std::string& on_column, const std::string& on_table) {
    if (behind != nullptr && dice.toss())
      behind->push_back(on_table);
    else
      parts.push_back(on_column);
  };
  const std::string name = "(" + spell_name(column.name, dice) + ")";
  if (column.not_null) parts.push_back(words({"NOT", "NULL"}, dice));
  if (!column.not_null && dice.toss()) parts.push_back(words({"NULL"}, dice));
  if (!column.collation.empty()) parts.push_back(words({"COLLATE"}, dice) + spell_name(column.collation, dice));
  if (!column.value.empty()) {
    const bool plain = behind == nullptr || dice.toss();
    parts.push_back(words({"DEFAULT"}, dice) + (plain ? column.value : "(" + space(dice) + column.value + ")"));
  }
  if (column.unique) put(words({"UNIQUE"}, dice), words({"UNIQUE"}, dice) + name);
  if (!column.check.empty()) {
    const std::string check = words({"CHECK"}, dice) + in_parentheses(column.check, dice);
    put(check, check);
  }
  if (!column.parent.empty())
    put(references(column, dice), words({"FOREIGN", "KEY"}, dice) + name + references(column, dice));
  const bool in_full = dice.toss();
  const std::string generated = in_parentheses(column.generated, dice) + (column.stored ? words({"STORED"}, dice)
                                                                          : dice.toss() ? words({"VIRTUAL"}, dice)
                                                                                        : "");
  if (!column.generated.empty() && !in_full) parts.push_back(words({"AS"}, dice) + generated);
  dice.shuffle(parts);
  // With a comment beside them, SQLite takes these two words for a part of the type.
  if (!column.generated.empty() && in_full)
    parts.insert(parts.begin(), word("GENERATED", dice) + " " + word("ALWAYS ", dice) + word("AS", dice) + generated);
  return parts;
}

std::string column_text(const Column& column, const Parts& parts, Dice& dice) {
  std::string text = spell_name(column.name, dice) + space(dice) + word(column.type, dice);
  for (const auto& part : parts) text += " " + part;
  return text;
}

std::string key_names(const RandomTable& table, Dice& dice) {
  std::string text;
  for (std::size_t i = 0; i < table.key_columns; ++i)
    text += (i == 0 ? "" : ",") + space(dice) + spell_name(table.columns[i].name, dice) +
            (dice.toss() ? words({"ASC"}, dice) : "");
  return text;
}

std::string spell_table(const RandomTable& table, Dice& dice) {
  Parts behind;
  std::string text = words({"CREATE", "TABLE"}, dice) + spell_name(table.name, dice) + "(";
  for (const auto& column : table.columns) {
    const bool is_key = table.key_columns == 1 && &column == &table.columns.front();
    Parts parts = column_parts(column, dice, &behind);
    const std::string autoincrement = table.autoincrement ? words({"AUTOINCREMENT"}, dice) : "";
    const bool on_column = is_key && dice.toss();
    if (on_column) parts.push_back(words({"PRIMARY", "KEY"}, dice) + autoincrement);
    if (is_key && !on_column)
      behind.push_back(words({"PRIMARY", "KEY"}, dice) + "(" + key_names(table, dice) + autoincrement + ")");
    text += (&column == &table.columns.front() ? "" : ",") + space(dice) + column_text(column, parts, dice);
  }
  if (table.key_columns > 1) behind.push_back(words({"PRIMARY", "KEY"}, dice) + "(" + key_names(table, dice) + ")");
  if (!table.unique_name.empty())
    behind.push_back(words({"CONSTRAINT"}, dice) + spell_name(table.unique_name, dice) + words({"UNIQUE"}, dice) + "(" +
                     spell_name(table.columns.front().name, dice) + "," + spell_name(table.columns.back().name, dice) +
                     ")");
  if (!table.check.empty()) behind.push_back(words({"CHECK"}, dice) + in_parentheses(table.check, dice));
  dice.shuffle(behind);
  for (const auto& constraint : behind) text += "," + constraint;
  Parts options;
  if (table.strict) options.push_back(words({"STRICT"}, dice));
  if (table.without_rowid) options.push_back(words({"WITHOUT", "ROWID"}, dice));
  dice.shuffle(options);
  text += ")";
  for (const auto& option : options) text += (&option == &options.front() ? "" : ",") + option;
  return text + ";\n";
}

}  // namespace

std::string spell_name(const std::string& name, Dice& dice) {
  constexpr std::string_view pairs = "\"\"``[]";
  const std::size_t quote = 2 * dice.below(4);
  const bool plain = name != "order" && name != "primary" && name != "left" && name.find_first_of(" \"") == name.npos;
  std::string folded;
  const bool upper = dice.toss();
  for (const char c : name) folded += upper && c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
  if (quote == 6 && plain) return folded;
  const char open = pairs[quote % 6];
  std::string text(1, open);
  for (const char c : folded) text.append(c == open && open != '[' ? 2 : 1, c);
  return text + pairs[quote % 6 + 1];
}

std::string spell_column(const Column& column, Dice& dice) {
  return column_text(column, column_parts(column, dice, nullptr), dice);
}

RandomTable RandomTable::make(Dice& dice) {
  Parts pool = names;
  dice.shuffle(pool);
  RandomTable table;
  table.name = pool.back();
  pool.pop_back();
  const std::size_t count = 2 + dice.below(4);
  table.key_columns = dice.below(3);
  for (std::size_t i = 0; i < count; ++i) table.columns.push_back(column_of(pool[i], i < table.key_columns, dice));
  Column generated{.name = pool[count], .type = "INT", .generated = "{" + pool[0] + "} + 1", .stored = dice.toss()};
  if (table.key_columns < count && dice.toss()) table.columns.insert(table.columns.end() - 1, generated);
  table.without_rowid = table.key_columns > 0 && dice.toss();
  table.autoincrement = table.key_columns == 1 && !table.without_rowid && dice.toss();
  if (table.autoincrement) table.columns[0].type = "INTEGER";
  table.strict = dice.toss();
  if (dice.toss()) table.unique_name = "u";
  if (dice.toss()) table.check = "{" + pool[0] + "} <> {" + pool[1] + "}";
  table.index_expression = dice.toss() ? "{" + pool[1] + "}" : "lower({" + pool[1] + "})";
  if (dice.toss()) table.index_condition = expression_on(pool[0], dice);
  table.query = "SELECT {" + pool[0] + "} FROM {" + table.name + "}";
  table.trigger_event = dice.toss() ? "INSERT" : "DELETE";
  table.trigger_body = "DELETE FROM {" + table.name + "} WHERE {" + pool[0] + "} = 1;";
  return table;
}

std::string RandomTable::mutate(Dice& dice) {
  auto& column = columns[key_columns < columns.size() ? columns.size() - 1 : 0];
  struct Mutation {
    const char* what;
    std::function<void()> apply;
  };
  const auto toggle = [](std::string& text, const std::string& to) { text = text == to ? "" : to; };
  const std::string one = columns.front().name;
  const std::vector<Mutation> mutations = {
      {"a column is added", [&] { columns.push_back({.name = "extra", .type = "INT"}); }},
      {"the order of columns",
       [&] {
         std::rotate(columns.end() - (key_columns + 1 < columns.size() ? 2 : 1), columns.end() - 1, columns.end());
         if (key_columns + 1 >= columns.size()) columns.push_back({.name = "extra", .type = "INT"});
       }},
      {"type", [&] { column.type = column.type != "TEXT" ? "TEXT" : "BLOB"; }},
      {"not null", [&] { column.not_null = !column.not_null; }},
      {"unique", [&] { column.unique = !column.unique; }},
      {"collation", [&] { toggle(column.collation, "RTRIM"); }},
      {"default", [&] { toggle(column.value, "'aB'"); }},
      {"check of a column", [&] { toggle(column.check, "{" + column.name + "} >= 7"); }},
      {"parent", [&] { toggle(column.parent, "other"); }},
      {"generated", [&] { columns.push_back({.name = "extra", .type = "INT", .generated = "{" + one + "} + 2"}); }},
      {"strict", [&] { strict = !strict; }},
      {"name of a constraint", [&] { toggle(unique_name, "w"); }},
      {"check of the table", [&] { toggle(check, "{" + one + "} <= 7"); }},
      {"unique index", [&] { index_unique = !index_unique; }},
      {"order of the index", [&] { index_descending = !index_descending; }},
      {"expression of the index", [&] { index_expression = "upper(" + index_expression + ")"; }},
      {"condition of the index", [&] { toggle(index_condition, "{" + one + "} IS NULL"); }},
      {"query", [&] { query += " WHERE {" + one + "} = 'x'"; }},
      {"event", [&] { trigger_event = trigger_event == "INSERT" ? "UPDATE" : "INSERT"; }},
      {"body", [&] { trigger_body += " SELECT 1;"; }},
      {"on delete",
       [&] {
         column.parent = "parent";
         column.on_delete = column.on_delete == "RESTRICT" ? "CASCADE" : "RESTRICT";
       }},
      {"deferred",
       [&] {
         if (column.parent.empty()) column.parent = "parent";
         column.deferred = !column.deferred;
       }},
      {"rowid", [&] {
         const bool possible = key_columns > 0 && !autoincrement;
         if (possible) without_rowid = !without_rowid;
         if (!possible) strict = !strict;
       }}};
  const auto& mutation = dice.one_of(mutations);
  mutation.apply();
  return mutation.what;
}

std::string spell(const RandomTable& table, Dice& dice) {
  const std::string name = spell_name(table.name, dice);
  std::string text = spell_table(table, dice);
  text += words({"CREATE", table.index_unique ? "UNIQUE INDEX" : "INDEX", "I", "ON"}, dice) + name + "(" +
          expression(table.index_expression, dice) +
          (table.index_descending ? words({"DESC"}, dice)
           : dice.toss()          ? words({"ASC"}, dice)
                                  : "") +
          ")";
  if (!table.index_condition.empty()) text += words({"WHERE"}, dice) + expression(table.index_condition, dice);
  text += ";" + words({"CREATE", "VIEW", "V", "AS"}, dice) + expression(table.query, dice) + ";";
  text += words({"CREATE", "TRIGGER", "R"}, dice) + (dice.toss() ? words({"BEFORE"}, dice) : "") +
          words({table.trigger_event, "ON"}, dice) + name +
          (dice.toss() ? words({"FOR", "EACH", "ROW"}, dice) : space(dice)) + words({"BEGIN"}, dice) +
          expression(table.trigger_body, dice) + words({"END"}, dice) + ";";
  return text;
}

}  // namespace belay::versions::schema

#include <algorithm>
#include <array>
#include <functional>

#include "tests/autogenerate/random_schema.h"

namespace belay::proof {
namespace {

using Table = RandomSchema::Table;
using Other = RandomSchema::Other;
using Edit = std::function<void(RandomSchema&, Dice&)>;

Table& some_table(RandomSchema& schema, Dice& dice) {
  return schema.tables[dice.below(schema.tables.size())];
}

RandomSchema::Column& some_column(RandomSchema& schema, Dice& dice) {
  Table& table = some_table(schema, dice);
  return table.columns[dice.below(table.columns.size())];
}

void toggle(std::string& text, const std::string& to) {
  text = text.empty() ? to : std::string();
}

void add_table(RandomSchema& schema, Dice& dice) {
  schema.tables.push_back(random_table(schema, dice));
  Table& table = schema.tables.back();
  if (dice.once_in(3)) table.foreign_keys.push_back(random_foreign_key(schema, table, dice));
}

void add_other(RandomSchema& schema, Dice& dice) {
  const std::array kinds = {Other::Kind::index,   Other::Kind::view, Other::Kind::trigger,      Other::Kind::index,
                            Other::Kind::trigger, Other::Kind::view, Other::Kind::virtual_table};
  Other other;
  other.kind = dice.one_of(kinds);
  other.number = ++schema.last_number;
  other.name = random_name(schema, dice);
  random_definition(schema, other, dice);
  schema.others.push_back(other);
}

void drop_table(RandomSchema& schema, Dice& dice) {
  if (schema.tables.size() < 2) return;
  schema.tables.erase(schema.tables.begin() + static_cast<std::ptrdiff_t>(dice.below(schema.tables.size())));
}

void drop_other(RandomSchema& schema, Dice& dice) {
  if (schema.others.empty()) return;
  schema.others.erase(schema.others.begin() + static_cast<std::ptrdiff_t>(dice.below(schema.others.size())));
}

void redefine_other(RandomSchema& schema, Dice& dice) {
  if (schema.others.empty()) return;
  random_definition(schema, schema.others[dice.below(schema.others.size())], dice);
}

void add_column(RandomSchema& schema, Dice& dice) {
  Table& table = some_table(schema, dice);
  const auto column = random_column(schema, table, dice);
  const auto place = dice.once_in(3) ? dice.below(table.columns.size()) : table.columns.size();
  table.columns.insert(table.columns.begin() + static_cast<std::ptrdiff_t>(place), column);
}

/// With what is of this column alone.
void drop_column(RandomSchema& schema, Dice& dice) {
  Table& table = some_table(schema, dice);
  if (table.columns.size() < 2) return;
  const auto place = table.columns.size() - 1 - dice.below(table.columns.size());
  const int number = table.columns[place].number;
  const auto uses = [&](const std::vector<int>& columns) {
    return std::ranges::find(columns, number) != columns.end();
  };
  if (uses(table.key)) table.key.clear(), table.key_rules.clear(), table.without_rowid = false;
  std::erase_if(table.uniques, uses);
  std::erase_if(table.foreign_keys, [&](const auto& key) { return uses(key.columns); });
  const std::string name = "{" + std::to_string(number) + "}";
  std::erase_if(table.checks, [&](const auto& check) { return check.find(name) != std::string::npos; });
  table.columns.erase(table.columns.begin() + static_cast<std::ptrdiff_t>(place));
}

void reorder_columns(RandomSchema& schema, Dice& dice) {
  Table& table = some_table(schema, dice);
  std::swap(table.columns[dice.below(table.columns.size())], table.columns[dice.below(table.columns.size())]);
}

void rename_table(RandomSchema& schema, Dice& dice) {
  const auto name = random_name(schema, dice);
  some_table(schema, dice).name = name;
}

void rename_column(RandomSchema& schema, Dice& dice) {
  Table& table = some_table(schema, dice);
  const auto name = random_column_name(table, dice);
  table.columns[dice.below(table.columns.size())].name = name;
}

/// Each takes the other's name.
void swap_names(RandomSchema& schema, Dice& dice) {
  if (dice.once_in(3)) return std::swap(some_table(schema, dice).name, some_table(schema, dice).name);
  Table& table = some_table(schema, dice);
  std::swap(table.columns[dice.below(table.columns.size())].name, table.columns[dice.below(table.columns.size())].name);
}

void rename_other(RandomSchema& schema, Dice& dice) {
  if (schema.others.empty()) return;
  const auto name = random_name(schema, dice);
  schema.others[dice.below(schema.others.size())].name = name;
}

void change_key(RandomSchema& schema, Dice& dice) {
  Table& table = some_table(schema, dice);
  switch (dice.below(5)) {
    case 0:
      table.key = {table.columns[dice.below(table.columns.size())].number};
      table.key_rules.clear();
      break;
    case 1:
      toggle(table.key_rules, "AUTOINCREMENT");
      break;
    case 2:
      table.without_rowid = !table.without_rowid;
      break;
    case 3:
      table.key.clear();
      table.key_rules.clear();
      table.without_rowid = false;
      break;
    default:
      table.key_on_column = !table.key_on_column;
  }
}

void change_constraints(RandomSchema& schema, Dice& dice) {
  Table& table = some_table(schema, dice);
  switch (dice.below(4)) {
    case 0:
      table.foreign_keys.push_back(random_foreign_key(schema, table, dice));
      break;
    case 1:
      if (!table.foreign_keys.empty()) table.foreign_keys.pop_back();
      break;
    case 2:
      if (table.uniques.empty())
        table.uniques.push_back({dice.one_of(table.columns).number});
      else
        table.uniques.clear();
      break;
    default:
      if (table.checks.empty())
        table.checks.push_back("CHECK ({" + std::to_string(dice.one_of(table.columns).number) + "} <> 'mad')");
      else
        table.checks.clear();
  }
}

void change_column(RandomSchema& schema, Dice& dice) {
  Table& table = some_table(schema, dice);
  auto& column = table.columns[dice.below(table.columns.size())];
  switch (dice.below(7)) {
    case 0:
      column.type = random_type(table.strict, dice);
      break;
    case 1:
      toggle(column.not_null, "NOT NULL");
      break;
    case 2:
      column.value = random_default(dice);
      break;
    case 3:
      toggle(column.collation, "NOCASE");
      break;
    case 4:
      toggle(column.check, random_check(dice));
      break;
    case 5:
      toggle(column.unique, "UNIQUE");
      break;
    default:
      toggle(column.generated, random_generated(table, dice));
      if (!column.generated.empty()) column.value.clear();
  }
}

const std::vector<Edit> edits = {
    add_column,
    change_column,
    drop_column,
    add_other,
    [](auto& schema, auto& dice) { some_column(schema, dice).value = random_default(dice); },
    change_constraints,
    reorder_columns,
    redefine_other,
    drop_other,
    add_table,
    drop_table,
    change_key,
    rename_column,
    rename_table,
    rename_other,
    swap_names,
    change_column,
    [](auto& schema, auto& dice) { some_table(schema, dice).strict ^= true; },
    [](auto& schema, auto& dice) { toggle(some_table(schema, dice).comment, " -- said anew"); }};

}  // namespace

RandomSchema RandomSchema::make(Dice& dice) {
  RandomSchema schema;
  const std::size_t tables = 1 + dice.below(4);
  for (std::size_t i = 0; i < tables; ++i) schema.tables.push_back(random_table(schema, dice));
  for (auto& table : schema.tables)
    if (dice.once_in(3)) table.foreign_keys.push_back(random_foreign_key(schema, table, dice));
  const std::size_t others = dice.below(7);
  for (std::size_t i = 0; i < others; ++i) add_other(schema, dice);
  return schema;
}

void RandomSchema::edit(Dice& dice) {
  if (tables.empty()) return add_table(*this, dice);
  dice.one_of(edits)(*this, dice);
}

}  // namespace belay::proof

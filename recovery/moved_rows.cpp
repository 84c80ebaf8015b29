#include "recovery/moved_rows.h"

#include <algorithm>
#include <optional>
#include <utility>
#include <variant>

#include "versions/schema/names.h"
#include "versions/schema/parser.h"
#include "versions/words.h"

namespace belay::recovery {
namespace {

using versions::equal_ignoring_case;
using versions::schema::Cursor;
using versions::schema::fold;
using versions::schema::NotUnderstood;
using versions::schema::ObjectType;
using versions::schema::Rename;
using versions::schema::Renames;
using versions::schema::Schema;
using versions::schema::TokenKind;

bool is_name(const versions::schema::Token& token) {
  return token.kind == TokenKind::name || (token.kind == TokenKind::word && !versions::schema::is_reserved(token.text));
}

/// A column that a SELECT gives as it is, and under which name; nothing for what is computed.
struct Item {
  std::string column;
  std::string alias;
};

Item take_item(Cursor& cursor) {
  Item item;
  const bool qualified = is_name(cursor.peek()) && cursor.sees(".", 1);
  const std::size_t behind = qualified ? 3 : 1;
  const bool plain = is_name(cursor.peek(behind - 1)) &&
                     (cursor.sees(",", behind) || cursor.sees("from", behind) || cursor.sees("as", behind));
  if (plain) item.column = item.alias = cursor.take_qualified_name();
  while (!cursor.at_end() && !cursor.sees(",") && !cursor.sees("from")) {
    if (cursor.take("as"))
      item.alias = cursor.take_name();
    else
      cursor.skip_group();
  }
  return item;
}

/// Past the definitions of a WITH, to the verb.
void skip_definitions(Cursor& cursor) {
  if (!cursor.take("with")) return;
  while (!cursor.at_end() && !cursor.sees_any({"insert", "replace", "update", "delete", "select"})) cursor.skip_group();
}

/// `OR ABORT`, `OR REPLACE`, … @returns whether rows may be missing afterwards.
bool take_conflict(Cursor& cursor) {
  if (!cursor.take("or")) return false;
  const bool loses = cursor.sees_any({"ignore", "replace"});
  cursor.skip();
  return loses;
}

/// `t`, `t AS old`, `t old`, perhaps in an order: all rows of it.
bool ends_behind_table(Cursor& cursor) {
  cursor.take("as");
  if (is_name(cursor.peek())) cursor.skip();
  return cursor.at_end() || cursor.take({"order", "by"});
}

}  // namespace

MovedRows::MovedRows(const Schema& live) {
  for (const auto& object : live.objects())
    if (object->type == ObjectType::table || object->type == ObjectType::virtual_table)
      known_.push_back({.was = object->name, .is = object->name});
}

MovedRows::Known* MovedRows::find(std::string_view name) {
  const auto found = std::ranges::find_if(known_, [&](const auto& one) { return equal_ignoring_case(one.is, name); });
  return found == known_.end() ? nullptr : &*found;
}

MovedRows::Created* MovedRows::find_created(std::string_view name) {
  const auto found =
      std::ranges::find_if(created_, [&](const auto& one) { return equal_ignoring_case(one.name, name); });
  return found == created_.end() ? nullptr : &*found;
}

void MovedRows::begin() {
  rebuilt_.clear();
}

void MovedRows::look(std::string_view statement) {
  try {
    Cursor cursor(statement);
    skip_definitions(cursor);
    if (cursor.take("create")) return create(cursor, statement);
    if (cursor.take({"alter", "table"})) return alter(cursor);
    if (cursor.take({"drop", "table"})) return drop(cursor);
    if (cursor.take("insert") || cursor.take("replace")) return insert(cursor);
    if (cursor.take({"delete", "from"})) return write(cursor.take_qualified_name());
    if (!cursor.take("update")) return;
    take_conflict(cursor);
    write(cursor.take_qualified_name());
  } catch (const NotUnderstood&) {
    return;  // Whoever runs it will hear of it.
  }
}

/// A table that is there already is not made again by IF NOT EXISTS.
void MovedRows::create(Cursor& cursor, std::string_view statement) {
  if (!cursor.take("temp")) cursor.take("temporary");
  cursor.take("virtual");
  if (!cursor.take("table")) return;
  cursor.take({"if", "not", "exists"});
  Created made{.name = cursor.take_qualified_name()};
  if (find(made.name) != nullptr || find_created(made.name) != nullptr) return;
  const auto definition = versions::schema::parse_object(statement);
  if (const auto* table = std::get_if<versions::schema::Table>(&definition))
    for (const auto& column : table->columns) made.columns.push_back(column.name);
  if (cursor.take("as")) read_copy(cursor, made, {});
  created_.push_back(std::move(made));
}

void MovedRows::alter(Cursor& cursor) {
  const auto table = cursor.take_qualified_name();
  if (!cursor.take("rename")) return;
  if (cursor.take("to")) return rename_table(table, cursor.take_name());
  cursor.take("column");
  const auto from = cursor.take_name();
  cursor.expect("to");
  rename_column(table, from, cursor.take_name());
}

void MovedRows::rename_table(const std::string& from, const std::string& to) {
  if (rebuilt_.erase(fold(from)) > 0) rebuilt_.insert(fold(to));
  for (auto& one : created_)
    if (one.copy_of == fold(from)) one.copy_of = fold(to);
  if (auto* known = find(from))
    known->is = to;
  else if (auto* made = find_created(from))
    made->name = to;
}

void MovedRows::rename_column(const std::string& table, const std::string& from, const std::string& to) {
  auto* known = find(table);
  if (known == nullptr) return;
  const auto found =
      std::ranges::find_if(known->columns, [&](const auto& one) { return equal_ignoring_case(one.second, from); });
  if (found != known->columns.end())
    found->second = to;
  else
    known->columns[fold(from)] = to;
}

void MovedRows::drop(Cursor& cursor) {
  cursor.take({"if", "exists"});
  const auto name = cursor.take_qualified_name();
  if (auto* known = find(name)) {
    if (go_on_in_copy(*known)) return;
    known->is.clear();
    gone_.insert(known->was);
  } else {
    std::erase_if(created_, [&](const auto& one) { return equal_ignoring_case(one.name, name); });
  }
}

/// The rows of a table that is dropped are in its copy.
bool MovedRows::go_on_in_copy(Known& known) {
  const auto copy = std::ranges::find(created_, fold(known.is), &Created::copy_of);
  if (copy == created_.end()) return false;
  for (const auto& copied : copy->copied) {
    const auto comes_from = [&copied](const auto& one) { return equal_ignoring_case(one.second, copied.first); };
    const auto renamed = std::ranges::find_if(known.columns, comes_from);
    if (renamed != known.columns.end())
      renamed->second = copied.second;
    else if (!equal_ignoring_case(copied.first, copied.second))
      known.columns[copied.first] = copied.second;
  }
  rebuilt_.erase(fold(known.is));
  known.is = copy->name;
  known.written = known.written || copy->written;
  rebuilt_.insert(fold(copy->name));
  created_.erase(copy);
  return true;
}

void MovedRows::insert(Cursor& cursor) {
  const bool loses = take_conflict(cursor);
  cursor.expect("into");
  const auto name = cursor.take_qualified_name();
  auto* made = find_created(name);
  if (made == nullptr) return write(name);
  const auto columns = cursor.sees("(") ? cursor.take_names() : made->columns;
  read_copy(cursor, *made, columns);
  made->written = made->written || loses;
}

/// `SELECT a, b FROM t` and no more. What chooses, joins or cuts is no copy of a table.
void MovedRows::read_copy(Cursor& cursor, Created& into, const std::vector<std::string>& columns) {
  if (!cursor.take("select") || cursor.sees("distinct")) return;
  std::vector<Item> items;
  const bool all = cursor.take("*");
  if (!all) do {
      items.push_back(take_item(cursor));
    } while (cursor.take(","));
  cursor.expect("from");
  const auto source = cursor.take_qualified_name();
  const bool has_columns = all || std::ranges::any_of(items, [](const Item& item) { return !item.column.empty(); });
  if (!has_columns || !ends_behind_table(cursor)) return;
  into.copy_of = fold(source);
  for (std::size_t i = 0; i < items.size(); ++i) {
    const auto& name = i < columns.size() ? columns[i] : items[i].alias;
    if (items[i].column.empty())
      into.written = true;  // The script makes the values.
    else
      into.copied[fold(items[i].column)] = name;
  }
}

void MovedRows::write(const std::string& table) {
  if (auto* known = find(table))
    known->written = true;
  else if (auto* made = find_created(table))
    made->written = true;
}

/// A copy whose original was dropped under its nose: a temporary table that nobody has dropped.
void MovedRows::end(const Schema& schema) {
  for (auto& known : known_) {
    if (known.is.empty()) continue;
    const bool is_there = schema.find(ObjectType::table, known.is) != nullptr ||
                          schema.find(ObjectType::virtual_table, known.is) != nullptr;
    if (is_there || go_on_in_copy(known)) continue;
    known.is.clear();
    gone_.insert(known.was);
  }
}

Renames MovedRows::renames() const {
  Renames renames;
  for (const auto& known : known_) {
    if (known.is.empty()) continue;
    if (!equal_ignoring_case(known.was, known.is))
      renames.push_back({.kind = Rename::Kind::table, .table = {}, .from = known.was, .to = known.is});
    for (const auto& [from, to] : known.columns)
      if (!equal_ignoring_case(from, to))
        renames.push_back({.kind = Rename::Kind::column, .table = known.is, .from = from, .to = to});
  }
  return renames;
}

bool MovedRows::writes(std::string_view table) const {
  return std::ranges::any_of(known_,
                             [&](const auto& one) { return one.written && equal_ignoring_case(one.is, table); });
}

}  // namespace belay::recovery

#include "versions/schema/parser.h"

#include <utility>

#include "versions/schema/cursor.h"
#include "versions/schema/names.h"
#include "versions/schema/table_parser.h"

namespace belay::versions::schema {
namespace {

std::string parse_head(Cursor& cursor) {
  cursor.take({"if", "not", "exists"});
  return cursor.take_qualified_name();
}

/// Everything that is left, without the semicolon that may close it.
Fragment parse_rest(Cursor& cursor) {
  const std::size_t begin = cursor.position();
  std::size_t end = begin;
  for (; !cursor.at_end(); cursor.skip())
    if (!cursor.sees(";")) end = cursor.position() + 1;
  if (end == begin) throw NotUnderstood{};
  return cursor.fragment(begin, end);
}

VirtualTable parse_virtual_table(Cursor& cursor) {
  VirtualTable table;
  table.name = parse_head(cursor);
  cursor.expect("using");
  table.module = cursor.take_name();
  if (cursor.take("(")) {
    do {
      const std::size_t begin = cursor.position();
      cursor.skip_item();
      table.arguments.push_back(cursor.since(begin));
    } while (cursor.take(","));
    cursor.expect(")");
  }
  cursor.take(";");
  if (!cursor.at_end()) throw NotUnderstood{};
  return table;
}

Index parse_index(Cursor& cursor, bool unique) {
  Index index;
  index.unique = unique;
  index.name = parse_head(cursor);
  cursor.expect("on");
  index.table = cursor.take_name();
  index.columns = parse_indexed_columns(cursor);
  if (cursor.take("where")) index.where = parse_rest(cursor);
  cursor.take(";");
  if (!cursor.at_end()) throw NotUnderstood{};
  return index;
}

View parse_view(Cursor& cursor) {
  View view;
  view.name = parse_head(cursor);
  if (cursor.sees("(")) view.columns = cursor.take_names();
  cursor.expect("as");
  view.query = parse_rest(cursor);
  return view;
}

void parse_event(Cursor& cursor, Trigger& trigger) {
  trigger.time = "before";
  if (cursor.take({"instead", "of"}))
    trigger.time = "instead of";
  else if (cursor.take("after"))
    trigger.time = "after";
  else
    cursor.take("before");
  trigger.event = fold(cursor.take_name());
  if (cursor.take("of")) {
    do {
      trigger.columns.push_back(cursor.take_name());
    } while (cursor.take(","));
  }
}

Trigger parse_trigger(Cursor& cursor) {
  Trigger trigger;
  trigger.name = parse_head(cursor);
  parse_event(cursor, trigger);
  cursor.expect("on");
  trigger.table = cursor.take_qualified_name();
  cursor.take({"for", "each", "row"});
  if (cursor.take("when")) {
    const std::size_t begin = cursor.position();
    for (bool in_name = false; in_name || !cursor.sees("begin"); cursor.skip_group())
      in_name = cursor.sees(".");  // new.begin is a column.
    trigger.when = cursor.since(begin);
  }
  cursor.expect("begin");
  const std::size_t begin = cursor.position();
  std::size_t last_end = begin;
  for (; !cursor.at_end(); cursor.skip())
    if (cursor.sees("end")) last_end = cursor.position();
  if (last_end == begin) throw NotUnderstood{};
  trigger.body = cursor.fragment(begin, last_end);
  return trigger;
}

Definition parse_create(Cursor& cursor) {
  cursor.expect("create");
  if (!cursor.take("temp")) cursor.take("temporary");
  if (cursor.take("table")) {
    std::string name = parse_head(cursor);
    return parse_table(cursor, std::move(name));
  }
  if (cursor.take({"virtual", "table"})) return parse_virtual_table(cursor);
  if (cursor.take("view")) return parse_view(cursor);
  if (cursor.take("trigger")) return parse_trigger(cursor);
  const bool unique = cursor.take("unique");
  cursor.expect("index");
  return parse_index(cursor, unique);
}

}  // namespace

Definition parse_object(std::string_view sql) {
  try {
    Cursor cursor(sql);
    return parse_create(cursor);
  } catch (const NotUnderstood&) {
    return std::monostate{};
  }
}

}  // namespace belay::versions::schema

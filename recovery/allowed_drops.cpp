#include "recovery/allowed_drops.h"

#include <fmt/format.h>

#include <algorithm>

#include "versions/error.h"
#include "versions/schema/cursor.h"
#include "versions/schema/names.h"
#include "versions/spelling.h"
#include "versions/words.h"

namespace belay::recovery {
namespace {

using versions::equal_ignoring_case;
using versions::schema::Object;
using versions::schema::ObjectType;
using versions::schema::Renames;
using versions::schema::Schema;

bool is_table(const Object& object) {
  return object.type == ObjectType::table || object.type == ObjectType::virtual_table;
}

const Object* find_table(const Schema& schema, const std::string& name) {
  const auto* table = schema.find(ObjectType::table, name);
  return table != nullptr ? table : schema.find(ObjectType::virtual_table, name);
}

versions::Error unknown(const std::string& word, const std::string& name, const char* what,
                        const std::vector<std::string>& names) {
  const auto near = versions::nearest(name, std::vector<std::string_view>(names.begin(), names.end()));
  return versions::Error(versions::ErrorCode::bad_name,
                         fmt::format("--allow-drop={}: there is no {} {}{}", word, what, name,
                                     near.empty() ? "" : fmt::format("; did you mean {}?", near)))
      .next("belay diff shows what is to go");
}

}  // namespace

void AllowedDrops::allow(std::string_view word) {
  versions::schema::Cursor cursor(word);
  Name name{.word = std::string(word), .table = {}, .column = {}};
  try {
    name.table = cursor.take_name();
    if (cursor.take(".")) name.column = cursor.take_name();
    if (cursor.at_end()) {
      names_.push_back(std::move(name));
      return;
    }
  } catch (const versions::schema::NotUnderstood&) {
    // As below.
  }
  throw versions::Error(versions::ErrorCode::bad_name, fmt::format("--allow-drop={} cannot be read", word))
      .next("write --allow-drop=TABLE or --allow-drop=TABLE.COLUMN");
}

bool AllowedDrops::allows(const std::string& table, const std::string& column) const {
  return all_ || std::ranges::any_of(names_, [&](const Name& name) {
           return equal_ignoring_case(name.table, table) &&
                  (name.column.empty() || equal_ignoring_case(name.column, column));
         });
}

std::string AllowedDrops::option_for(const std::string& table, const std::string& column) {
  using versions::schema::written_name;
  const std::string word = written_name(table) + (column.empty() ? "" : "." + written_name(column));
  return "--allow-drop=" + versions::schema::shell_word(word);
}

void AllowedDrops::require_known(const Schema& current, const Renames& renames) const {
  for (const auto& name : names_) {
    std::vector<std::string> known;
    const auto* object = find_table(current, name.table);
    if (object == nullptr) object = find_table(current, old_table(renames, name.table));
    if (object == nullptr) {
      for (const auto& other : current.objects())
        if (is_table(*other)) known.push_back(other->name);
      throw unknown(name.word, name.table, "table", known);
    }
    const auto* table = std::get_if<versions::schema::Table>(&object->definition);
    if (name.column.empty() || table == nullptr || table->find(name.column) ||
        table->find(old_column(renames, name.table, name.column)))
      continue;
    for (const auto& column : table->columns) known.push_back(column.name);
    throw unknown(name.word, name.column, "column", known);
  }
}

}  // namespace belay::recovery

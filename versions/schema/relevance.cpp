#include "versions/schema/relevance.h"

#include <algorithm>
#include <string>
#include <unordered_set>
#include <utility>

#include "versions/schema/lexer.h"
#include "versions/schema/names.h"

namespace belay::versions::schema {
namespace {

/// Folded.
using Names = std::unordered_set<std::string>;

void add_differing(const Schema& schema, const Schema& other, Names& names) {
  for (const auto& object : schema.objects()) {
    const auto* counterpart = other.find(object->type, object->name);
    if (counterpart != nullptr && counterpart->digest == object->digest) continue;
    names.insert(fold(object->name));
    names.insert(fold(object->table));
  }
}

/// Whatever these say: it may be the name of a table.
void add_words_of_readers(const Schema& schema, Names& names) {
  for (const auto& object : schema.objects()) {
    const bool is_table = object->type == ObjectType::table || object->type == ObjectType::index;
    if (is_table) continue;
    for (const auto& token : lex(object->sql))
      if (token.kind == TokenKind::word || token.kind == TokenKind::name || token.kind == TokenKind::string)
        names.insert(fold(unquoted(token)));
  }
}

bool refers_to_one(const Object& object, const Names& names) {
  const auto* table = std::get_if<Table>(&object.definition);
  if (table == nullptr) return object.type == ObjectType::table;  // Not understood: it may.
  return std::ranges::any_of(table->constraints, [&](const Constraint& constraint) {
    return constraint.kind == Constraint::Kind::foreign_key && names.contains(fold(constraint.references.table));
  });
}

Schema part_of(const Schema& schema, const Names& differing, const Names& read) {
  Names tables;
  for (const auto& object : schema.objects()) {
    const std::string name = fold(object->name);
    const bool in_the_way = name.starts_with("belay_");  // Where a new table's first name should be.
    if (in_the_way || differing.contains(name) || read.contains(name) || refers_to_one(*object, differing))
      tables.insert(name);
  }
  Schema::Objects objects;
  for (const auto& object : schema.objects()) {
    const bool hangs_on_table = object->type == ObjectType::table || object->type == ObjectType::index;
    if (!hangs_on_table || tables.contains(fold(object->table))) objects.push_back(object);
  }
  return Schema(std::move(objects));
}

}  // namespace

Relevant relevant_part(const Schema& from, const Schema& to, const Renames& renames) {
  Names differing;
  add_differing(from, to, differing);
  add_differing(to, from, differing);
  for (const auto& rename : renames)
    for (const auto* name : {&rename.table, &rename.from, &rename.to}) differing.insert(fold(*name));
  Names read;
  add_words_of_readers(from, read);
  add_words_of_readers(to, read);
  return {part_of(from, differing, read), part_of(to, differing, read)};
}

}  // namespace belay::versions::schema

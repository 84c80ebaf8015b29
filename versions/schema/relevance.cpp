#include "versions/schema/relevance.h"

#include <algorithm>
#include <string>
#include <unordered_map>
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

bool is_reader(const Object& object) {
  return object.type != ObjectType::table && object.type != ObjectType::index;
}

/// Has a name that a new table may want for a while; tables, indexes and views share theirs.
bool is_in_the_way(const Object& object) {
  return fold(object.name).starts_with("belay_");
}

/// The words of a view, a trigger or a virtual table, folded: any may be the name of a table.
Names words_of(const Object& object) {
  Names words{fold(object.table)};
  for (const auto& token : lex(object.sql))
    if (token.kind == TokenKind::word || token.kind == TokenKind::name || token.kind == TokenKind::string)
      words.insert(fold(unquoted(token)));
  return words;
}

/// Views, triggers and virtual tables of both schemas, and which of them matter.
class Readers {
 public:
  Readers(const Schema& from, const Schema& to) {
    for (const auto* schema : {&from, &to})
      for (const auto& object : schema->objects())
        if (is_reader(*object)) words_.emplace(object.get(), words_of(*object));
  }

  /// Those that name something that changes, and those that name these.
  void choose(Names touched, bool all) {
    for (bool more = true; std::exchange(more, false);)
      for (const auto& [object, words] : words_) {
        const bool matters = all || is_in_the_way(*object) || object->type == ObjectType::virtual_table ||
                             std::ranges::any_of(words, [&](const auto& word) { return touched.contains(word); });
        if (!matters || !chosen_.insert(object).second) continue;
        named_.insert(words.begin(), words.end());
        more = touched.insert(fold(object->name)).second || more;
      }
  }

  /// Those that others name, and those that these name.
  void choose_for(const Schema& others) {
    for (const auto& object : others.objects())
      if (is_reader(*object)) named_.merge(words_of(*object));
    for (bool more = true; std::exchange(more, false);)
      for (const auto& [object, words] : words_) {
        if (!named_.contains(fold(object->name)) || !chosen_.insert(object).second) continue;
        named_.insert(words.begin(), words.end());
        more = true;
      }
  }

  [[nodiscard]] bool has(const Object& object) const { return chosen_.contains(&object); }
  [[nodiscard]] const Names& named() const { return named_; }

  /// Those that were not chosen, and the tables they name.
  [[nodiscard]] Schema left_out(const Schema& schema) const {
    Names named;
    for (const auto& [object, words] : words_)
      if (!has(*object)) named.insert(words.begin(), words.end());
    Schema::Objects objects;
    for (const auto& object : schema.objects()) {
      const bool is_table = object->type == ObjectType::table || object->type == ObjectType::view;
      const bool is_named = is_table && named.contains(fold(object->name));
      if (is_named || (words_.contains(object.get()) && !has(*object))) objects.push_back(object);
    }
    return named.empty() ? Schema() : Schema(std::move(objects));
  }

 private:
  std::unordered_map<const Object*, Names> words_;
  std::unordered_set<const Object*> chosen_;
  Names named_;
};

bool refers_to_one(const Object& object, const Names& names) {
  const auto* table = std::get_if<Table>(&object.definition);
  if (table == nullptr) return object.type == ObjectType::table;  // Not understood: it may.
  return std::ranges::any_of(table->constraints, [&](const Constraint& constraint) {
    return constraint.kind == Constraint::Kind::foreign_key && names.contains(fold(constraint.references.table));
  });
}

Schema part_of(const Schema& schema, const Names& differing, const Readers& readers) {
  Names tables;
  for (const auto& object : schema.objects()) {
    const std::string name = fold(object->name);
    if (is_in_the_way(*object)) tables.insert(fold(object->table));
    if (differing.contains(name) || readers.named().contains(name) || refers_to_one(*object, differing))
      tables.insert(name);
  }
  Schema::Objects objects;
  for (const auto& object : schema.objects())
    if (is_reader(*object) ? readers.has(*object) : tables.contains(fold(object->table))) objects.push_back(object);
  return Schema(std::move(objects));
}

}  // namespace

Relevant relevant_part(const Schema& from, const Schema& to, const Renames& renames, const Schema& beside,
                       bool all_readers) {
  Names differing;
  add_differing(from, to, differing);
  add_differing(to, from, differing);
  for (const auto& rename : renames)
    for (const auto* name : {&rename.table, &rename.from, &rename.to})
      if (!name->empty()) differing.insert(fold(*name));
  Readers readers(from, to);
  readers.choose(differing, all_readers);
  if (!beside.empty()) readers.choose_for(beside);
  return {part_of(from, differing, readers), part_of(to, differing, readers), readers.left_out(from)};
}

}  // namespace belay::versions::schema

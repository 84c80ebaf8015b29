#include "versions/schema/order.h"

#include <algorithm>
#include <array>
#include <string>
#include <unordered_map>
#include <utility>

#include "versions/schema/lexer.h"
#include "versions/schema/names.h"
#include "versions/words.h"

namespace belay::versions::schema {
namespace {

using Objects = std::vector<const Object*>;
using Names = std::vector<std::string>;

/// A string may stand for a name where only a name can be.
bool is_name(const Token& token) {
  return token.kind == TokenKind::word || token.kind == TokenKind::name || token.kind == TokenKind::string;
}

/// What should be there before it, in folded names: of a table those that it refers to, of a view all that it names.
Names needs_of(const Object& object) {
  Names needs;
  if (const auto* table = std::get_if<Table>(&object.definition)) {
    for (const auto& constraint : table->constraints)
      if (constraint.kind == Constraint::Kind::foreign_key) needs.push_back(fold(constraint.references.table));
  } else if (object.type == ObjectType::view) {
    for (const auto& token : lex(object.sql))
      if (is_name(token)) needs.push_back(fold(unquoted(token)));
  }
  return needs;
}

/// Objects of one type.
class Sorting {
 public:
  explicit Sorting(Objects objects) : objects_(std::move(objects)), placed_(objects_.size()) {
    for (std::size_t i = 0; i < objects_.size(); ++i) by_name_.emplace(fold(objects_[i]->name), i);
  }

  void append_to(Objects& result) {
    for (std::size_t i = 0; i < objects_.size(); ++i) place(i, result);
  }

 private:
  /// Depth first, on a stack of its own: a chain may be as long as the schema.
  void place(std::size_t root, Objects& result) {
    std::vector<std::pair<std::size_t, Names>> open;
    const auto enter = [&](std::size_t index) {
      if (placed_[index]) return;
      placed_[index] = true;
      open.emplace_back(index, needs_of(*objects_[index]));
      std::ranges::reverse(open.back().second);
    };
    enter(root);
    while (!open.empty()) {
      auto& [index, needs] = open.back();
      if (needs.empty()) {
        result.push_back(objects_[index]);
        open.pop_back();
        continue;
      }
      const auto found = by_name_.find(needs.back());
      needs.pop_back();
      if (found != by_name_.end()) enter(found->second);
    }
  }

  Objects objects_;
  std::vector<bool> placed_;
  std::unordered_map<std::string, std::size_t> by_name_;
};

}  // namespace

std::vector<const Object*> in_order(const Schema& schema) {
  constexpr std::array types{ObjectType::table, ObjectType::virtual_table, ObjectType::index, ObjectType::view,
                             ObjectType::trigger};
  Objects result;
  result.reserve(schema.objects().size());
  for (const ObjectType type : types) {
    Objects objects;
    for (const auto& object : schema.objects())
      if (object->type == type) objects.push_back(object.get());
    Sorting(std::move(objects)).append_to(result);
  }
  return result;
}

bool mentions(const Object& object, std::string_view name) {
  return std::ranges::any_of(lex(object.sql), [name](const Token& token) {
    return is_name(token) && equal_ignoring_case(unquoted(token), name);
  });
}

}  // namespace belay::versions::schema

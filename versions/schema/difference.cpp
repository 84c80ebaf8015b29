#include "versions/schema/difference.h"

#include <map>
#include <utility>

#include "versions/schema/names.h"
#include "versions/schema/wording.h"

namespace belay::versions::schema {
namespace {

using Key = std::pair<ObjectType, std::string>;
using Sorted = std::map<Key, const Object*>;

Sorted sorted(const Schema& schema) {
  Sorted objects;
  for (const auto& object : schema.objects()) objects.emplace(Key(object->type, fold(object->name)), object.get());
  return objects;
}

}  // namespace

std::string_view name_of(Difference::Kind kind) {
  switch (kind) {
    case Difference::Kind::added:
      return "added";
    case Difference::Kind::removed:
      return "removed";
    case Difference::Kind::changed:
      return "changed";
  }
  return "changed";
}

std::vector<Difference> compare(const Schema& from, const Schema& to) {
  using enum Difference::Kind;
  const Sorted before = sorted(from);
  const Sorted after = sorted(to);
  std::map<Key, Difference> differences;
  for (const auto& [key, object] : before)
    if (!after.contains(key)) differences[key] = {removed, object->type, object->name, {}};
  for (const auto& [key, object] : after) {
    const auto other = before.find(key);
    if (other == before.end())
      differences[key] = {added, object->type, object->name, {}};
    else if (other->second->digest != object->digest)
      differences[key] = {changed, object->type, object->name, describe_change(*other->second, *object)};
  }
  std::vector<Difference> result;
  result.reserve(differences.size());
  for (auto& [key, difference] : differences) result.push_back(std::move(difference));
  return result;
}

}  // namespace belay::versions::schema

#include "versions/schema/schema.h"

#include <algorithm>
#include <iterator>
#include <utility>
#include <variant>

#include "versions/digest.h"
#include "versions/schema/canonical.h"
#include "versions/schema/names.h"
#include "versions/schema/parser.h"
#include "versions/words.h"

namespace belay::versions::schema {
namespace {

ObjectType type_of(const CatalogRow& row, const Definition& definition) {
  if (std::holds_alternative<VirtualTable>(definition)) return ObjectType::virtual_table;
  if (row.type == "view") return ObjectType::view;
  if (row.type == "index") return ObjectType::index;
  if (row.type == "trigger") return ObjectType::trigger;
  return ObjectType::table;
}

std::string key_of(ObjectType type, std::string_view name) {
  return static_cast<char>('0' + static_cast<int>(type)) + fold(name);
}

std::string fingerprint_over(const Schema::Objects& objects) {
  std::vector<std::array<unsigned char, 32>> digests;
  digests.reserve(objects.size());
  for (const auto& object : objects) digests.push_back(object->digest);
  std::ranges::sort(digests);
  std::string bytes;
  bytes.reserve(digests.size() * 32);
  for (const auto& digest : digests) bytes.append(digest.begin(), digest.end());
  return sha256_hex(bytes);
}

}  // namespace

std::string_view name_of(ObjectType type) {
  switch (type) {
    case ObjectType::table:
      return "table";
    case ObjectType::virtual_table:
      return "virtual table";
    case ObjectType::view:
      return "view";
    case ObjectType::index:
      return "index";
    case ObjectType::trigger:
      return "trigger";
  }
  return "object";
}

Schema::Schema(Objects objects) : objects_(std::move(objects)) {
  Places places;
  places.reserve(objects_.size());
  for (std::size_t i = 0; i < objects_.size(); ++i) places.emplace(key_of(objects_[i]->type, objects_[i]->name), i);
  places_ = std::make_shared<const Places>(std::move(places));
}

const Object* Schema::find(ObjectType type, std::string_view name) const {
  if (!places_) return nullptr;
  const auto found = places_->find(key_of(type, name));
  return found == places_->end() ? nullptr : objects_[found->second].get();
}

std::string Schema::fingerprint() const {
  return fingerprint_over(objects_);
}

std::string Schema::fingerprint_of(std::string_view table) const {
  Objects family;
  std::ranges::copy_if(objects_, std::back_inserter(family),
                       [table](const auto& object) { return equal_ignoring_case(object->table, table); });
  return fingerprint_over(family).substr(0, 16);
}

std::shared_ptr<const Object> ObjectReader::read(const CatalogRow& row) {
  auto& known = known_[row.sql];
  if (known && known->name == row.name && known->table == row.table) return known;
  auto object = std::make_shared<Object>();
  object->name = row.name;
  object->table = row.table;
  object->sql = row.sql;
  object->definition = parse_object(row.sql);
  object->type = type_of(row, object->definition);
  object->canonical = canonical(object->definition, row.sql);
  object->digest = sha256(object->canonical);
  known = std::move(object);
  return known;
}

}  // namespace belay::versions::schema

#pragma once

#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "engine/hazard_keys.h"
#include "engine/hazards.h"

namespace belay::engine {

/// The tables of a schema and their indexes, by name.
class TablesOf {
 public:
  explicit TablesOf(const versions::schema::Schema& schema);

  struct Entry {
    const versions::schema::Object* object = nullptr;
    Indexes indexes{};
    std::set<std::string> canonical{};  ///< Of the indexes.
  };
  /// Null when there is none. Virtual tables count.
  [[nodiscard]] const Entry* find(std::string_view name) const;
  /// Null for a virtual table, or one that the parser does not know.
  [[nodiscard]] const versions::schema::Table* table(std::string_view name) const;
  [[nodiscard]] const Indexes& indexes(std::string_view name) const;
  /// In the order of the schema.
  [[nodiscard]] const std::vector<const versions::schema::Object*>& objects() const { return objects_; }

 private:
  std::unordered_map<std::string, Entry> entries_;  // by folded names
  std::vector<const versions::schema::Object*> objects_;
};

/// Whether a table, by its new name, is the same with all its indexes.
bool is_unchanged(std::string_view table, const TablesOf& before, const TablesOf& after);

/// Rows whose parent is missing once the change is done, and was not before: belay looks before it commits.
std::vector<versions::schema::Hazard> reference_hazards(const SchemaChange& change, const TablesOf& before,
                                                        const TablesOf& after, Connection* live);

}  // namespace belay::engine

#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "versions/schema/object.h"

namespace belay::versions::schema {

enum class ObjectType : std::uint8_t { table, virtual_table, view, index, trigger };

/// `table`, `virtual table`, `view`, `index`, `trigger`.
std::string_view name_of(ObjectType type);

/// One object as a database's own catalogue lists it (SQLite: a row of `sqlite_schema`).
struct CatalogRow {
  std::string type;
  std::string name;
  std::string table;  ///< Of an index or a trigger, the table or view it belongs to.
  std::string sql;    ///< The statement that makes it.
};

/// One object of a schema. Immutable, shared by all schemas that have it.
struct Object {
  ObjectType type = ObjectType::table;
  std::string name;
  std::string table;
  std::string sql;                         ///< Byte for byte.
  Definition definition;                   ///< `monostate` when the parser does not know it.
  std::string canonical;                   ///< Equal for two objects exactly if they are equal by docs/schema.md.
  std::array<unsigned char, 32> digest{};  ///< SHA-256 of `canonical`.
};

/// What a database consists of, without its rows. A value, cheap to copy.
class Schema {
 public:
  using Objects = std::vector<std::shared_ptr<const Object>>;

  Schema() = default;
  explicit Schema(Objects objects);

  /// In the order of the catalogue, which is mostly that in which they were made.
  [[nodiscard]] const Objects& objects() const { return objects_; }
  [[nodiscard]] bool empty() const { return objects_.empty(); }

  /// Null when there is none. Names are equal in any case of their letters.
  [[nodiscard]] const Object* find(ObjectType type, std::string_view name) const;

  /// SHA-256 over the canonical objects, in hexadecimal: equal for two schemas exactly if `compare` finds nothing.
  [[nodiscard]] std::string fingerprint() const;

  /// The same over a table, its indexes and its triggers alone; the first 16 digits.
  [[nodiscard]] std::string fingerprint_of(std::string_view table) const;

 private:
  using Places = std::unordered_map<std::string, std::size_t>;

  Objects objects_;
  std::shared_ptr<const Places> places_;  // By type and name, shared by all copies. Null: there are no objects.
};

/// Makes objects of catalogue rows, each text parsed once, however many schemas it is in.
class ObjectReader {
 public:
  /// Never throws for SQL that it does not understand: such an object is compared token by token.
  std::shared_ptr<const Object> read(const CatalogRow& row);

 private:
  std::unordered_map<std::string, std::shared_ptr<const Object>> known_;  // by SQL
};

}  // namespace belay::versions::schema

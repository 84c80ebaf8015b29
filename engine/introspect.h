#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "engine/connection.h"
#include "versions/schema/schema.h"

namespace belay::engine {

/// The tables that belay keeps in a database for itself.
std::vector<std::string> own_tables(const std::string& version_table);

/// Reads the schema of a live database: every table, index, view, trigger and virtual table of its users. What belongs
/// to the database itself (SQLite: `sqlite_…`, the tables behind a virtual table) is no part of it.
class Introspector {
 public:
  /// @param left_out  names of what does not count, and neither does what hangs on it: belay's own tables, those of
  ///                  other tools, what a person has told belay to ignore. Globs (versions::schema::fits_glob).
  explicit Introspector(std::vector<std::string> left_out);

  /// In one read; in or outside a transaction. What was read before is not parsed again.
  /// @throws Error
  versions::schema::Schema read(Connection& connection);

 private:
  [[nodiscard]] bool counts(const versions::schema::CatalogRow& row) const;

  std::vector<std::string> left_out_;
  versions::schema::ObjectReader reader_;
};

/// The same, once.
versions::schema::Schema introspect(Connection& connection, std::vector<std::string> left_out);

/// A table, its indexes and its triggers alone, whoever has made them: what Schema::fingerprint_of is over. Nothing
/// else is read or parsed.
versions::schema::Schema introspect_family(Connection& connection, std::string_view table);

/// The tables whose names begin so, in any case of the letters; in order.
std::vector<std::string> tables_beginning_with(Connection& connection, std::string_view prefix);

}  // namespace belay::engine

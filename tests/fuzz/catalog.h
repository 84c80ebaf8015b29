#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "versions/schema/schema.h"

struct sqlite3;

namespace belay::fuzz {

/// Whether SQLite's own sqlite3_complete() finds that `sql` ends with a whole statement. It stops at a NUL.
bool is_complete(const std::string& sql);

/// SQLite itself, asked what it makes of a CREATE statement. In memory, with a few tables and views that the statement
/// may name; nothing of the statement stays.
class Catalog {
 public:
  using Rows = std::vector<std::vector<std::string>>;

  /// One for the process.
  static Catalog& instance();

  /// Runs the first statement of `sql`, if it makes something in `main`, and calls `look` while that is there.
  /// @returns how long the statement is; nothing when SQLite refuses it, or it makes nothing.
  template <typename Look>
  std::optional<std::size_t> create(std::string_view sql, Look look) {
    const auto size = run_first(sql);
    const auto made = size ? new_rows() : std::vector<versions::schema::CatalogRow>();
    if (!made.empty()) look(made);
    roll_back();
    return made.empty() ? std::nullopt : size;
  }

  /// The rows of a query, NULL as an empty text. @param name  bound to `:name`.
  Rows ask(const char* sql, const std::string& name);

 private:
  struct Close {
    void operator()(sqlite3* database) const;
  };

  Catalog();
  std::optional<std::size_t> run_first(std::string_view sql);
  std::vector<versions::schema::CatalogRow> new_rows();
  void roll_back();

  std::unique_ptr<sqlite3, Close> database_;
};

}  // namespace belay::fuzz

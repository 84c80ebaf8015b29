#pragma once

#include <gtest/gtest.h>
#include <sqlite3.h>

#include <memory>
#include <stdexcept>
#include <string>

#include "versions/schema/schema.h"

namespace belay::versions::schema {

/// A real SQLite database in memory.
class ScratchDatabase {
 public:
  explicit ScratchDatabase(const std::string& sql = "") {
    sqlite3* opened = nullptr;
    sqlite3_open(":memory:", &opened);
    database_.reset(opened);
    run(sql);
  }

  /// @throws std::runtime_error with what SQLite says, and the SQL.
  void run(const std::string& sql) {
    char* message = nullptr;
    if (sqlite3_exec(database_.get(), sql.c_str(), nullptr, nullptr, &message) == SQLITE_OK) return;
    const std::string said = message;
    sqlite3_free(message);
    throw std::runtime_error(said + " in: " + sql);
  }

  /// All that has SQL in the catalogue and is not SQLite's own.
  Schema schema() {
    struct Reading {
      ObjectReader reader;
      Schema::Objects objects;
    } reading;
    const auto take = [](void* to, int, char** row, char**) {
      auto& into = *static_cast<Reading*>(to);
      into.objects.push_back(into.reader.read({row[0], row[1], row[2], row[3]}));
      return 0;
    };
    constexpr const char* catalog =
        "SELECT type, name, tbl_name, sql FROM sqlite_schema WHERE sql IS NOT NULL AND name NOT LIKE 'sqlite~_%' "
        "ESCAPE '~' AND name NOT IN (SELECT name FROM pragma_table_list WHERE type = 'shadow') ORDER BY rowid";
    EXPECT_EQ(sqlite3_exec(database_.get(), catalog, take, &reading, nullptr), SQLITE_OK);
    return Schema(std::move(reading.objects));
  }

 private:
  struct Close {
    void operator()(sqlite3* database) const { sqlite3_close(database); }
  };
  std::unique_ptr<sqlite3, Close> database_;
};

inline Schema schema_of(const std::string& sql) {
  return ScratchDatabase(sql).schema();
}

inline std::string fingerprint_of(const std::string& sql) {
  return schema_of(sql).fingerprint();
}

}  // namespace belay::versions::schema

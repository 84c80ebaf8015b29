#pragma once

#include <filesystem>
#include <memory>
#include <string>

struct sqlite3;

namespace belay::cli {

/// SQLite without belay: the application that uses the database, and the one whom the tests ask what is in it.
class Database {
 public:
  explicit Database(const std::filesystem::path& file);

  /// What `sql` gives, a line for each row, its columns divided by `|`.
  std::string read(const std::string& sql);
  void run(const std::string& sql) { read(sql); }

 private:
  struct Close {
    void operator()(sqlite3* database) const;
  };
  std::unique_ptr<sqlite3, Close> database_;
};

}  // namespace belay::cli

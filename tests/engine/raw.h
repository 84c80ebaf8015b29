#pragma once

#include <sqlite3.h>

#include <filesystem>
#include <stdexcept>
#include <string>

namespace belay::engine {

/// SQLite without belay: the application that uses the database, and the one whom the tests ask what is in it.
class Raw {
 public:
  explicit Raw(const std::filesystem::path& file) {
    if (sqlite3_open(file.c_str(), &database_) != SQLITE_OK) throw std::runtime_error("cannot open " + file.string());
  }
  Raw(const Raw&) = delete;
  Raw& operator=(const Raw&) = delete;
  ~Raw() { sqlite3_close(database_); }

  void run(const std::string& sql) { read(sql); }

  /// What it gives, a line for each row, its columns divided by `|`.
  std::string read(const std::string& sql) {
    std::string text;
    char* message = nullptr;
    const auto take_row = [](void* out, int columns, char** values, char** /*names*/) {
      auto& result = *static_cast<std::string*>(out);
      if (!result.empty()) result += '\n';
      for (int i = 0; i < columns; ++i) result.append(i > 0 ? "|" : "").append(values[i] ? values[i] : "NULL");
      return 0;
    };
    const int code = sqlite3_exec(database_, sql.c_str(), take_row, &text, &message);
    const std::string error = message ? message : "";
    sqlite3_free(message);
    if (code != SQLITE_OK) throw std::runtime_error(error + ": " + sql);
    return text;
  }

 private:
  sqlite3* database_ = nullptr;
};

/// A short life: for what is asked between two runs.
inline std::string read(const std::filesystem::path& file, const std::string& sql) {
  return Raw(file).read(sql);
}
inline void run(const std::filesystem::path& file, const std::string& sql) {
  Raw(file).run(sql);
}

}  // namespace belay::engine

#include "tests/cli/database.h"

#include <sqlite3.h>

#include <stdexcept>

namespace belay::cli {

void Database::Close::operator()(sqlite3* database) const {
  sqlite3_close(database);
}

Database::Database(const std::filesystem::path& file) {
  sqlite3* opened = nullptr;
  const int code = sqlite3_open(file.c_str(), &opened);
  database_.reset(opened);
  if (code != SQLITE_OK) throw std::runtime_error("cannot open " + file.string());
  sqlite3_busy_timeout(opened, 10'000);
}

std::string Database::read(const std::string& sql) {
  const auto take_row = [](void* out, int columns, char** values, char** /*names*/) {
    auto& text = *static_cast<std::string*>(out);
    if (!text.empty()) text += '\n';
    for (int i = 0; i < columns; ++i) text.append(i > 0 ? "|" : "").append(values[i] ? values[i] : "NULL");
    return 0;
  };
  std::string text;
  if (sqlite3_exec(database_.get(), sql.c_str(), take_row, &text, nullptr) != SQLITE_OK)
    throw std::runtime_error(std::string(sqlite3_errmsg(database_.get())) + ": " + sql);
  return text;
}

}  // namespace belay::cli

#include "engine/drivers/sqlite_values.h"

#include <sqlite3.h>

#include <cstddef>
#include <cstdint>
#include <string>
#include <variant>

#include "engine/error.h"

namespace belay::engine::drivers {
namespace {

void bind(sqlite3_stmt* statement, int index, const Value& value) {
  struct Bind {
    sqlite3_stmt* statement;
    int index;
    int operator()(std::monostate) const { return sqlite3_bind_null(statement, index); }
    int operator()(std::int64_t number) const { return sqlite3_bind_int64(statement, index, number); }
    int operator()(double number) const { return sqlite3_bind_double(statement, index, number); }
    int operator()(const std::string& text) const {
      return sqlite3_bind_text64(statement, index, text.data(), text.size(), SQLITE_TRANSIENT, SQLITE_UTF8);
    }
    int operator()(const Blob& blob) const {
      if (blob.empty()) return sqlite3_bind_zeroblob(statement, index, 0);  // Its null pointer would mean NULL.
      return sqlite3_bind_blob64(statement, index, blob.data(), blob.size(), SQLITE_TRANSIENT);
    }
  };
  if (std::visit(Bind{statement, index}, value) != SQLITE_OK)
    throw Error(ErrorCode::statement_failed, "a value is too large for SQLite");
}

Value column(sqlite3_stmt* statement, int index) {
  switch (sqlite3_column_type(statement, index)) {
    case SQLITE_INTEGER:
      return sqlite3_column_int64(statement, index);
    case SQLITE_FLOAT:
      return sqlite3_column_double(statement, index);
    case SQLITE_TEXT: {
      const auto* text = reinterpret_cast<const char*>(sqlite3_column_text(statement, index));
      return std::string(text, static_cast<std::size_t>(sqlite3_column_bytes(statement, index)));
    }
    case SQLITE_BLOB: {
      const auto* bytes = static_cast<const std::byte*>(sqlite3_column_blob(statement, index));
      return Blob(bytes, bytes + sqlite3_column_bytes(statement, index));
    }
    default:
      return {};
  }
}

}  // namespace

void bind_all(sqlite3_stmt* statement, std::span<const Parameter> parameters) {
  for (const auto& [name, value] : parameters)
    if (const int index = sqlite3_bind_parameter_index(statement, name.c_str()); index != 0)
      bind(statement, index, value);
}

Row row_of(sqlite3_stmt* statement) {
  Row row;
  const int columns = sqlite3_column_count(statement);
  row.reserve(static_cast<std::size_t>(columns));
  for (int i = 0; i < columns; ++i) row.push_back(column(statement, i));
  return row;
}

}  // namespace belay::engine::drivers

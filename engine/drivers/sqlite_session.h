#pragma once

#include <map>
#include <string>
#include <string_view>

#include "engine/connection.h"

namespace belay::engine::drivers {

/// Whether this is a PRAGMA that does no more than set the connection for what follows: for all statements, or for the
/// next VACUUM.
bool sqlite_prepares(std::string_view sql);

/// What scripts change about a connection for themselves and may forget: settings by which a statement comes out
/// otherwise, and all that is TEMP. What only makes a statement faster or slower (`cache_size`, `temp_store`, …) is
/// left as it was set.
class SqliteSession {
 public:
  /// @param connection  must outlive this.
  explicit SqliteSession(Connection& connection) : connection_(connection) {}

  /// A script's statement is about to be compiled: SQLite sets a flag while it compiles the PRAGMA.
  void before(std::string_view sql);
  /// A script has to do with something that is TEMP.
  void uses_temporary() { temporary_ = true; }

  /// As if no script had run here.
  void reset();

 private:
  void put_back(const std::string& pragma, const Value& value);
  void expect_no_vacuum();
  void drop_temporary();

  Connection& connection_;
  std::map<std::string, Value> changed_;  // PRAGMA → what it was, NULL where SQLite does not tell
  bool for_vacuum_ = false;
  bool temporary_ = false;
};

}  // namespace belay::engine::drivers

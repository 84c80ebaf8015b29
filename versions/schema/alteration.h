#pragma once

#include <string>
#include <vector>

#include "versions/schema/schema.h"

namespace belay::versions::schema {

/// The ALTER TABLE statements by which one table may become the other without being copied: DROP COLUMN, then ADD
/// COLUMN. Empty when they cannot, or would not where there are rows
/// (https://www.sqlite.org/lang_altertable.html). Whether they do, the database has to say: it also refuses a column
/// that something else still uses, and whatever else differs stays as it is.
std::vector<std::string> alteration(const Object& from, const Object& to);

/// `ALTER TABLE t RENAME TO u`, `… RENAME COLUMN a TO b`, `… DROP COLUMN a`.
std::string rename_table(const std::string& table, const std::string& to);
std::string rename_column(const std::string& table, const std::string& column, const std::string& to);
std::string drop_column(const std::string& table, const std::string& column);

/// `DROP TABLE rooms`, …
std::string drop(const Object& object);

}  // namespace belay::versions::schema

#pragma once

#include <string>
#include <vector>

#include "versions/schema/cursor.h"
#include "versions/schema/object.h"

namespace belay::versions::schema {

/// Reads the rest of a CREATE TABLE, from its opening parenthesis on. @throws NotUnderstood.
Table parse_table(Cursor& cursor, std::string name);

/// `(a, b COLLATE nocase DESC, lower(c))`, as of a key or an index. @throws NotUnderstood.
/// @param autoincrement  set where AUTOINCREMENT stands behind the last one; null where it may not.
std::vector<IndexedColumn> parse_indexed_columns(Cursor& cursor, bool* autoincrement = nullptr);

}  // namespace belay::versions::schema

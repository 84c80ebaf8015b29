#pragma once

#include <filesystem>
#include <string>

#include "engine/replay.h"
#include "versions/schema/schema.h"

namespace belay::recovery {

/// A file of SQL, and what it makes.
struct SchemaFile {
  std::string text;
  versions::schema::Schema schema;
};

/// Reads the file and runs it on a scratch database.
/// @param scratch  empty.
/// @param known  objects that a database has already taken. What the file has the same of (docs/schema.md) is taken as
///               it is there and not made again, so that a file costs in proportion to what is new in it: SQLite looks
///               through all that is there for each object that is made.
/// @throws versions::Error `unreadable`, `malformed`; engine::Error with file, line and statement.
SchemaFile read_schema_file(const std::filesystem::path& file, engine::Replay& scratch,
                            const versions::schema::Schema& known = {});

}  // namespace belay::recovery

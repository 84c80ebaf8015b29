#pragma once

#include <stop_token>
#include <string>
#include <vector>

#include "engine/connection.h"
#include "versions/schema/hazard.h"
#include "versions/schema/rename.h"
#include "versions/schema/schema.h"

namespace belay::engine {

/// What is going to change.
struct SchemaChange {
  const versions::schema::Schema& from;
  const versions::schema::Schema& to;
  const versions::schema::Renames& renames;
  std::vector<std::string> rebuilt;  ///< Tables that are copied, by their new names.
};

/// The hazards of a change, counted on the rows that are there. Only reads.
///
///   deletes_data    dropped tables (rows), dropped columns (values that are not NULL), columns that become generated
///                   (values that are others then), tables that become something else, virtual tables that cannot be
///                   copied. Told even when nothing is in them. A generated column has nothing to lose.
///   data_dependent  rows that would make it fail: no value for NOT NULL (or a primary key that refuses NULL), one that
///                   a STRICT table does not take, a CHECK that is false, a key or unique index that another row has
///                   (by its collation and condition), an index expression that cannot be computed, a foreign key whose
///                   parent is missing and was not before. Also a NULL that would become an INTEGER PRIMARY KEY: SQLite
///                   would make up a number. New constraints are told when no row breaks them; old ones only when one
///                   does, which a table that is copied, or gets a column, does not survive.
///   lossy_cast      values that a new affinity converts, and converting them back does not give them back: '007' into
///                   INTEGER, integers beyond 2^53 into REAL, numbers of more than 15 digits into TEXT
///   rebuild         for `rebuilt`: rows, and bytes with the indexes (an estimate where SQLite has no dbstat)
///   breaks_readers  tables, columns and views that are renamed or dropped, with the views and triggers of the new
///                   schema that still name them
///   irreversible    what `deletes_data` and `lossy_cast` take away; a dropped NOT NULL column without a default, which
///                   the way back cannot make again where there are rows; a dropped foreign key that rows violate
///
/// Rows are judged as they are going to be stored: renamed, converted, with the defaults of new columns and the values
/// of generated ones. Where a default is drawn for each row (`random()`), rows that fail by one draw and pass by
/// another are told and do not stop. What a script does to the rows besides is not known here.
/// @param live  a database whose schema is `change.from`. Null when there is none: then every table counts as empty.
/// @throws Error `interrupted`, `busy`, …
std::vector<versions::schema::Hazard> find_hazards(const SchemaChange& change, Connection* live);

}  // namespace belay::engine

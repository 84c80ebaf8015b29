#pragma once

#include <vector>

#include "engine/replay.h"
#include "versions/schema/migration.h"
#include "versions/schema/rename.h"
#include "versions/schema/schema.h"

namespace belay::engine {

/// Finds the statements that turn the schema of a scratch database into another one, the cheapest that are right, and
/// runs each of them there: what is returned has been done, and has led to `desired`.
/// @param scratch  stands at the present schema (Replay::load), and at the desired one afterwards. Called again with
///                 the first schema and the renames turned round it gives the way back.
/// @throws Error `statement_failed` when the database refuses what is needed, or ends up at another schema: the
///         message says which object.
std::vector<versions::schema::MigrationStep> migrate_schema(Replay& scratch, const versions::schema::Schema& desired,
                                                            const versions::schema::Renames& renames);

}  // namespace belay::engine

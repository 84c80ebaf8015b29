#pragma once

#include <cstdint>

#include "tests/autogenerate/database.h"

namespace belay::proof {

/// Fills the tables of a database with rows that its schema takes, whatever it is: NULLs where they may be, '', '007',
/// numbers too large for an integer, blobs, UTF-8, keys that fit each other and the constraints. Some rowids are
/// missing afterwards, some rows are without a parent, some sequences are ahead of their rows, and some tables are
/// empty.
void seed_rows(Database& database, std::uint64_t seed);

}  // namespace belay::proof

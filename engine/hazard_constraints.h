#pragma once

#include <cstdint>
#include <set>
#include <string>
#include <vector>

#include "engine/hazard_probes.h"
#include "engine/hazard_rows.h"

namespace belay::engine {

/// What the change does with the rows that stay.
enum class RowsAre : std::uint8_t {
  left_alone,
  looked_at,  ///< Beside a new column: NOT NULL and CHECK of the others count as well, types do not.
  copied      ///< All that the new table asks for counts.
};

/// What is asked of each row by itself: is there a value where one has to be, does every CHECK hold, does a value have
/// the type that a STRICT table or the rowid asks for, what is lost on the way.
std::vector<Probe> row_probes(const TablePair& pair, const StoredRows& rows, RowsAre rows_are);

/// An expression of `before` with the columns' new names; canonical.
std::string carried_over(const TablePair& pair, std::string_view expression);

/// Folded names of the columns that constraints and `expressions` of the new table need.
std::set<std::string> columns_used(const TablePair& pair, const std::vector<std::string>& expressions);

}  // namespace belay::engine

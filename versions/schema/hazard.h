#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace belay::versions::schema {

/// What a change of the schema may do to the rows that are there, or to those who read them.
struct Hazard {
  enum class Kind : std::uint8_t {
    deletes_data,    ///< Rows or values are gone afterwards.
    data_dependent,  ///< It fails on rows that do not fit, or would: then `count` is 0.
    lossy_cast,      ///< Values are converted, and cannot be told apart or brought back.
    rebuild,         ///< The table is copied: `count` rows, `bytes`.
    breaks_readers,  ///< Queries, views or triggers that name the old thing fail from then on.
    irreversible     ///< The way back cannot bring back what was there.
  };
  Kind kind = Kind::data_dependent;
  std::string table;               ///< By its new name; where it is dropped, by the old one.
  std::string column;              ///< Empty when it is about the whole table.
  std::string message;             ///< A sentence: `3 rows of rooms have no code (rowids 4, 9, 12)`.
  std::int64_t count = 0;          ///< Rows that it is about, now.
  std::int64_t bytes = 0;          ///< Of a rebuild: what the table takes up.
  std::vector<std::string> first;  ///< The first of these rows: rowids, or keys, as SQL literals.

  /// Whether the change cannot succeed on the rows that are there.
  [[nodiscard]] bool stops() const { return kind == Kind::data_dependent && count > 0; }
  /// Whether it takes something away, so that it needs to be allowed.
  [[nodiscard]] bool takes_away() const {
    return kind == Kind::deletes_data || (kind == Kind::lossy_cast && count > 0);
  }
};

/// `deletes-data`, `data-dependent`, `lossy-cast`, `rebuild`, `breaks-readers`, `irreversible`.
std::string_view name_of(Hazard::Kind kind);

}  // namespace belay::versions::schema

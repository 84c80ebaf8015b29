#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "versions/schema/schema.h"

namespace belay::versions::schema {

/// One object that two schemas do not agree on.
struct Difference {
  enum class Kind : std::uint8_t { added, removed, changed };
  Kind kind = Kind::changed;
  ObjectType type = ObjectType::table;
  std::string name;
  std::vector<std::string> details;  ///< Of a change, for a person: `column email added: TEXT NOT NULL`, …
};

/// `added`, `removed`, `changed`.
std::string_view name_of(Difference::Kind kind);

/// What turns `from` into `to`: tables first, then what hangs on them, each kind by name. Empty exactly if the
/// fingerprints are equal.
std::vector<Difference> compare(const Schema& from, const Schema& to);

}  // namespace belay::versions::schema

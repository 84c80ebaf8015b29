#pragma once

#include <string>

namespace belay::versions::schema {

/// `rebuild:T from:HEX to:HEX`: a step copies the rows of table `T` to a new one that takes its place. What it expects
/// and promises is checked when it runs (docs/scripts.md). The name is bare.
struct Rebuild {
  std::string table;
  std::string from;  ///< Schema::fingerprint_of the table before. Empty: not checked.
  std::string to;    ///< The same after. Empty: not checked.

  friend bool operator==(const Rebuild&, const Rebuild&) = default;
};

}  // namespace belay::versions::schema

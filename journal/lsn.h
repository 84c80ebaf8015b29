#pragma once

#include <compare>
#include <cstdint>

namespace belay::journal {

/// Log sequence number of a record: dense from 1, never reused. 0 means "none".
struct Lsn {
  std::uint64_t value = 0;
  friend auto operator<=>(const Lsn&, const Lsn&) = default;
  explicit operator bool() const { return value != 0; }
};

/// Number of a run: dense from 1, never reused. 0 means "none".
struct RunId {
  std::uint64_t value = 0;
  friend auto operator<=>(const RunId&, const RunId&) = default;
  explicit operator bool() const { return value != 0; }
};

}  // namespace belay::journal

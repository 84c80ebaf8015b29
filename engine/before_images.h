#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace belay::engine {

/// Is told by a driver where the storage is going to stand. The call may throw: what it is made in then fails.
class Seals {
 public:
  Seals() = default;
  Seals(const Seals&) = delete;
  Seals& operator=(const Seals&) = delete;
  virtual ~Seals() = default;

  /// Right before the database's own commit point: all that was kept has to be durable on return (invariant I1).
  /// @param before, after  footprints (Connection::footprint): where the storage stood when the transaction began, and
  ///                       where its commit leaves it.
  virtual void seal(const std::string& before, const std::string& after) = 0;
};

/// Where a driver hands what a transaction is about to overwrite, too. Either call may throw.
class BeforeImages : public Seals {
 public:
  /// The content that a place of the storage has had until now. Of a SQLite database: a page, by its number. Of an
  /// empty storage it is empty: each unit that writes keeps something.
  virtual void keep(std::uint64_t place, std::string_view content) = 0;
};

/// What Connection::restore is to bring back: where the storage stood before the first of some transactions.
struct Restoration {
  using Visit = std::function<void(std::uint64_t place, std::string_view content)>;

  /// A transaction to take back.
  struct Part {
    std::string before;                              ///< Its first footprint.
    std::function<void(const Visit& visit)> images;  ///< Hands over what it kept.
  };

  std::vector<Part> parts;  ///< All transactions since then, oldest first.

  /// Where the storage may stand now, so that nobody else has written since; empty when that does not matter.
  std::vector<std::string> expected;
};

}  // namespace belay::engine

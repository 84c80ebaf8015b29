#pragma once

#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

namespace belay::proof {

/// Chances taken from a list of numbers, so that rapidcheck can shrink what is made of them: 0 is the simplest choice,
/// and what comes after the end of the list.
class Dice {
 public:
  explicit Dice(std::vector<std::uint32_t> numbers) : numbers_(std::move(numbers)) {}

  std::size_t below(std::size_t end) { return next() % end; }
  /// One time in `times`.
  bool once_in(std::size_t times) { return below(times) == times - 1; }
  template <typename Items>
  const auto& one_of(const Items& items) {
    return items[below(items.size())];
  }
  [[nodiscard]] bool is_empty() const { return position_ >= numbers_.size(); }

 private:
  std::uint32_t next() { return position_ < numbers_.size() ? numbers_[position_++] : 0; }

  std::vector<std::uint32_t> numbers_;
  std::size_t position_ = 0;
};

/// Endless chances that are the same for one seed on every machine.
class Chances {
 public:
  explicit Chances(std::uint64_t seed) : state_(seed * 2654435769U + 1) {}

  std::size_t below(std::size_t end) {
    state_ = state_ * 6364136223846793005U + 1442695040888963407U;
    return static_cast<std::size_t>(state_ >> 33U) % end;
  }
  bool once_in(std::size_t times) { return below(times) == 0; }
  template <typename Items>
  const auto& one_of(const Items& items) {
    return items[below(items.size())];
  }

 private:
  std::uint64_t state_;
};

}  // namespace belay::proof

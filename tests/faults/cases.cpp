#include "tests/faults/cases.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

namespace belay::faults {

bool Cases::wants(std::string_view point) const {
  if (choice_.only) return *choice_.only == name_ + "/" + std::string(point);
  if (enough()) return false;
  if (choice_.share >= 1) return true;
  const auto whole = name_ + "/" + std::string(point);
  const auto number = XXH3_64bits_withSeed(whole.data(), whole.size(), choice_.seed) >> 11U;
  return static_cast<double>(number) < choice_.share * static_cast<double>(std::uint64_t{1} << 53U);
}

void Cases::run(std::string_view point, const std::function<void()>& act) {
  if (!wants(point)) return;
  ++count_;
  try {
    act();
  } catch (const std::exception& error) {
    broken_.push_back({name_ + "/" + std::string(point), error.what()});
  }
}

}  // namespace belay::faults

#include "tests/faults/cases.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

namespace belay::faults {

bool Cases::is_drawn(std::string_view point) const {
  if (enough()) return false;
  if (choice_.share >= 1) return true;
  const auto whole = name_ + "/" + std::string(point);
  const auto number = XXH3_64bits_withSeed(whole.data(), whole.size(), choice_.seed) >> 11U;
  return static_cast<double>(number) < choice_.share * static_cast<double>(std::uint64_t{1} << 53U);
}

bool Cases::wants(std::string_view point) const {
  return choice_.only ? *choice_.only == name_ + "/" + std::string(point) : is_drawn(point);
}

bool Cases::wants_group(std::string_view group) const {
  return choice_.only ? choice_.only->starts_with(name_ + "/" + std::string(group) + "/") : is_drawn(group);
}

void Cases::run(std::string_view point, const std::function<void()>& act) {
  if (wants(point)) count(point, act);
}

void Cases::run_of_group(std::string_view point, const std::function<void()>& act) {
  if (choice_.only ? wants(point) : !enough()) count(point, act);
}

void Cases::count(std::string_view point, const std::function<void()>& act) {
  ++count_;
  if (choice_.progress) ++choice_.progress->cases;
  try {
    act();
  } catch (const std::exception& error) {
    broken_.push_back({name_ + "/" + std::string(point), error.what()});
    if (choice_.progress) ++choice_.progress->violations;
  }
}

}  // namespace belay::faults

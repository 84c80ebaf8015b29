#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "tests/autogenerate/judge.h"

namespace belay::proof {

/// As many as a case can use.
constexpr int numbers_max = 400;

/// A schema, and what one to five edits make of it; now and then one that has nothing to do with it.
Case random_case(const std::vector<std::uint32_t>& numbers);

/// For a person who wants to see it again.
std::string describe(const Case& it);

}  // namespace belay::proof

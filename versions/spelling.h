#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>

namespace belay::versions {

/// How many insertions, deletions, replacements and swaps of neighbours lead from `a` to `b` (optimal string
/// alignment), where upper and lower case of ASCII letters are the same; `limit + 1` when there are more than `limit`.
std::size_t edit_distance(std::string_view a, std::string_view b, std::size_t limit);

/// What `word` was probably meant to be: the first of the nearest candidates, if at most a third of its letters are
/// wrong, or one in a short word. Empty when nothing is near. Cheap for 100,000 candidates.
std::string nearest(std::string_view word, std::span<const std::string_view> candidates);

}  // namespace belay::versions

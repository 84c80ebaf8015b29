#include "recovery/verdict.h"

namespace belay::recovery {

std::string_view name_of(Verdict verdict) {
  constexpr std::array<std::string_view, 10> names{"nothing", "settle", "drop",      "redo",     "repeat",
                                                   "undo",    "undone", "take-over", "in-doubt", "refuse"};
  return names.at(static_cast<std::size_t>(verdict));
}

}  // namespace belay::recovery

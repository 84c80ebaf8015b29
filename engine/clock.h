#pragma once

#include <string>

namespace belay::engine {

/// The time now in UTC, as ISO 8601 with seconds: `2026-11-22T12:54:53Z`.
std::string utc_now();

}  // namespace belay::engine

#pragma once

#include <string_view>

namespace belay::recovery {

/// Of this belay: what `--version` says, and what the journal notes with each run.
inline constexpr std::string_view version = BELAY_VERSION;

}  // namespace belay::recovery

#pragma once

#include <cstddef>
#include <optional>
#include <string_view>

namespace belay::versions {

/// Where `text` stops being UTF-8 (RFC 3629: no surrogates, no overlong forms, nothing above U+10FFFF) without NUL.
std::optional<std::size_t> find_bad_utf8(std::string_view text);

}  // namespace belay::versions

#pragma once

#include <array>
#include <string>
#include <string_view>

namespace belay::versions {

std::array<unsigned char, 32> sha256(std::string_view bytes);

/// In hexadecimal, lower case.
std::string sha256_hex(std::string_view bytes);

}  // namespace belay::versions

#include "versions/utf8.h"

#include <cstdint>
#include <cstring>

namespace belay::versions {
namespace {

unsigned char byte(std::string_view text, std::size_t i) {
  return i < text.size() ? static_cast<unsigned char>(text[i]) : 0;
}

/// Whether the eight bytes at `i` are ASCII and none of them is NUL: nearly all of SQL.
bool plain_word(std::string_view text, std::size_t i) {
  std::uint64_t word = 0;
  if (i + sizeof word > text.size()) return false;
  std::memcpy(&word, text.data() + i, sizeof word);
  constexpr std::uint64_t ones = 0x0101010101010101;
  constexpr std::uint64_t highs = 0x8080808080808080;
  return ((word | (word - ones)) & highs) == 0;
}

/// The length of the character at `i`, 0 when there is none. The second byte's bounds rule out what is overlong, a
/// surrogate or too high.
std::size_t character_length(std::string_view text, std::size_t i) {
  const unsigned char lead = byte(text, i);
  if (lead < 0x80) return lead == 0 ? 0 : 1;
  if (lead < 0xC2 || lead > 0xF4) return 0;
  const std::size_t length = lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;
  const unsigned char low = lead == 0xE0 ? 0xA0 : lead == 0xF0 ? 0x90 : 0x80;
  const unsigned char high = lead == 0xED ? 0x9F : lead == 0xF4 ? 0x8F : 0xBF;
  if (byte(text, i + 1) < low || byte(text, i + 1) > high) return 0;
  for (std::size_t k = 2; k < length; ++k) {
    if ((byte(text, i + k) & 0xC0) != 0x80) return 0;
  }
  return length;
}

}  // namespace

std::optional<std::size_t> find_bad_utf8(std::string_view text) {
  for (std::size_t i = 0; i < text.size();) {
    if (plain_word(text, i)) {
      i += sizeof(std::uint64_t);
    } else if (const std::size_t length = character_length(text, i); length != 0) {
      i += length;
    } else {
      return i;
    }
  }
  return std::nullopt;
}

}  // namespace belay::versions

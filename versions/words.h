#pragma once

#include <algorithm>
#include <string>
#include <string_view>

namespace belay::versions {

// What a line of a comment is read with. ASCII only: other letters are part of words, never of a marker or a key.

constexpr bool is_blank(char c) {
  return c == ' ' || c == '\t' || c == '\r' || c == '\f';
}
constexpr bool is_digit(char c) {
  return c >= '0' && c <= '9';
}
constexpr bool is_letter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}
constexpr char to_lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

/// The longest beginning of `text` whose characters all satisfy `is`.
template <typename Predicate>
std::string_view leading(std::string_view text, Predicate is) {
  return text.substr(0, static_cast<std::size_t>(std::ranges::find_if_not(text, is) - text.begin()));
}

inline std::string_view trim(std::string_view text) {
  text.remove_prefix(leading(text, is_blank).size());
  while (!text.empty() && is_blank(text.back())) text.remove_suffix(1);
  return text;
}

/// Up to the first blank.
inline std::string_view first_word(std::string_view text) {
  return leading(text, [](char c) { return !is_blank(c); });
}

inline bool equal_ignoring_case(std::string_view a, std::string_view b) {
  return std::ranges::equal(a, b, [](char x, char y) { return to_lower(x) == to_lower(y); });
}

}  // namespace belay::versions

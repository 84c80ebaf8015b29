#include "engine/value.h"

#include <fmt/format.h>

#include <cmath>
#include <limits>

namespace belay::engine {
namespace {

std::string hexadecimal(const std::byte* bytes, std::size_t size) {
  std::string text = "X'";
  for (std::size_t i = 0; i < size; ++i) text += fmt::format("{:02X}", std::to_integer<unsigned>(bytes[i]));
  return text + "'";
}

std::string text_literal(const std::string& text) {
  if (text.find('\0') != std::string::npos)  // SQL text ends at a NUL; the bytes do not.
    return "CAST(" + hexadecimal(reinterpret_cast<const std::byte*>(text.data()), text.size()) + " AS TEXT)";
  std::string literal = "'";
  for (const char c : text) literal.append(c == '\'' ? 2 : 1, c);
  return literal + "'";
}

std::string float_literal(double number) {
  if (std::isinf(number)) return number > 0 ? "9e999" : "-9e999";
  if (std::abs(number) < 1e15 && number == std::trunc(number)) return fmt::format("{:.1f}", number);
  // SQLite rounds twice, so that the shortest digits of a number may give its neighbour. 18 digits are far enough from
  // both neighbours; for the smallest numbers, which it scales in two steps, belay scales by a power of two instead.
  constexpr int scale = 600;
  if (std::abs(number) < 1e-250)
    return fmt::format("({:.17e} * {:.17e})", std::ldexp(number, scale), std::ldexp(1.0, -scale));
  return fmt::format("{:.17e}", number);
}

struct ToLiteral {
  std::string operator()(std::monostate) const { return "NULL"; }
  std::string operator()(std::int64_t number) const {
    // The magnitude of the least integer is no integer of SQL: -9223372036854775808 would read as a float.
    if (number == std::numeric_limits<std::int64_t>::min()) return "(-9223372036854775807 - 1)";
    return std::to_string(number);
  }
  std::string operator()(double number) const { return float_literal(number); }
  std::string operator()(const std::string& text) const { return text_literal(text); }
  std::string operator()(const Blob& blob) const { return hexadecimal(blob.data(), blob.size()); }
};

}  // namespace

std::string to_literal(const Value& value) {
  return std::visit(ToLiteral{}, value);
}

std::string quoted_name(std::string_view name) {
  std::string quoted = "\"";
  for (const char c : name) quoted.append(c == '"' ? 2 : 1, c);
  return quoted + "\"";
}

bool is_true(const Value& value) {
  if (const auto* integer = std::get_if<std::int64_t>(&value)) return *integer != 0;
  if (const auto* number = std::get_if<double>(&value)) return *number != 0.0;
  return !std::holds_alternative<std::monostate>(value);
}

}  // namespace belay::engine

#include "versions/scanner.h"

#include <algorithm>
#include <array>

namespace belay::versions {
namespace {

enum class Class : std::uint8_t { other, space, word };

constexpr Class class_of(unsigned char c) {
  if (c == ' ' || c == '\t' || c == '\n' || c == '\f' || c == '\r') return Class::space;
  const bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c >= 0x80;
  return letter || (c >= '0' && c <= '9') || c == '_' || c == '$' ? Class::word : Class::other;
}

constexpr auto classes = [] {
  std::array<Class, 256> table{};
  for (std::size_t c = 0; c < table.size(); ++c) table[c] = class_of(static_cast<unsigned char>(c));
  return table;
}();

Class class_at(std::string_view text, std::size_t i) {
  return classes[static_cast<unsigned char>(text[i])];
}

}  // namespace

bool Scanner::next(Token& token) {
  if (at_ == sql_.size()) return false;
  const std::size_t begin = at_;
  token.kind = scan();
  token.text = sql_.substr(begin, at_ - begin);
  return true;
}

TokenKind Scanner::scan() {
  const char c = sql_[at_];
  if (c == '\'' || c == '"' || c == '`') return scan_quoted(c);
  if (c == '[') return scan_quoted(']');
  if (c == '-' && follows('-')) return scan_line_comment();
  if (c == '/' && follows('*')) return scan_block_comment();
  const Class kind = class_at(sql_, at_++);
  if (kind == Class::other) return c == ';' ? TokenKind::semicolon : TokenKind::other;
  while (at_ < sql_.size() && class_at(sql_, at_) == kind) ++at_;
  return kind == Class::space ? TokenKind::space : TokenKind::word;
}

TokenKind Scanner::scan_quoted(char close) {
  const std::size_t end = sql_.find(close, at_ + 1);
  at_ = end == std::string_view::npos ? sql_.size() : end + 1;
  return end == std::string_view::npos ? TokenKind::unclosed : TokenKind::quoted;
}

TokenKind Scanner::scan_block_comment() {
  const std::size_t end = sql_.find("*/", at_ + 2);
  at_ = end == std::string_view::npos ? sql_.size() : end + 2;
  return end == std::string_view::npos ? TokenKind::unclosed : TokenKind::block_comment;
}

TokenKind Scanner::scan_line_comment() {
  at_ = std::min(sql_.find('\n', at_), sql_.size());
  return TokenKind::line_comment;
}

}  // namespace belay::versions

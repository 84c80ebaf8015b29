#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace belay::versions {

enum class TokenKind : std::uint8_t {
  semicolon,
  space,          ///< A run of white space.
  line_comment,   ///< From `--` up to the end of the line, which is not part of it.
  block_comment,  ///< From `/*` to `*/`.
  word,           ///< A keyword, a plain name, a number.
  quoted,         ///< '…', "…", `…` or […]. A doubled quote gives two of them, one after the other.
  other,          ///< A single character of anything else.
  unclosed        ///< A quote or block comment that never ends, up to the end of the text.
};

struct Token {
  TokenKind kind = TokenKind::other;
  std::string_view text;
};

/// Cuts SQL into tokens, as coarsely as sqlite3_complete() does: just enough to know where quotes and comments begin
/// and end. The tokens together are the text. Linear, never fails.
class Scanner {
 public:
  explicit Scanner(std::string_view sql) : sql_(sql) {}

  /// Sets `token` to the next one; false at the end.
  bool next(Token& token);

 private:
  TokenKind scan();
  TokenKind scan_quoted(char close);
  TokenKind scan_block_comment();
  TokenKind scan_line_comment();
  [[nodiscard]] bool follows(char c) const { return at_ + 1 < sql_.size() && sql_[at_ + 1] == c; }

  std::string_view sql_;
  std::size_t at_ = 0;
};

}  // namespace belay::versions

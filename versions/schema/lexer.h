#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

namespace belay::versions::schema {

enum class TokenKind : std::uint8_t {
  word,      ///< A keyword or a plain name.
  name,      ///< "…", `…` or […]. (The first may be a string where no column has that name.)
  string,    ///< '…'
  blob,      ///< x'…'
  number,    ///< Integer, hexadecimal or floating point; without a sign.
  variable,  ///< ?, ?1, :name, @name, $name
  symbol,    ///< An operator or a punctuation mark, of one to three characters.
  illegal    ///< What no SQL has, or a quote that is never closed.
};

struct Token {
  TokenKind kind = TokenKind::illegal;
  std::string_view text;  ///< As written, with its quotes.
};

struct Comment {
  std::string_view text;  ///< As written, with its marks; a line comment without the line feed behind it.
  std::size_t tokens_before = 0;
};

/// All tokens of `sql`, by the rules of SQLite's tokenizer (https://www.sqlite.org/draft/tokenreq.html); white space
/// and comments are left out. Linear, never fails. The tokens point into `sql`.
std::vector<Token> lex(std::string_view sql);

/// The same, with the comments between them. @param comments  are appended.
std::vector<Token> lex(std::string_view sql, std::vector<Comment>& comments);

}  // namespace belay::versions::schema

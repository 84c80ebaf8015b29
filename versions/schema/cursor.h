#pragma once

#include <cstddef>
#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

#include "versions/schema/lexer.h"
#include "versions/schema/object.h"

namespace belay::versions::schema {

/// The statement goes on in a way that the parser does not know. Thrown and caught within it.
struct NotUnderstood {};

/// A walk over the tokens of one statement, with the verbs that its grammar is read by. Past the end stands a token of
/// no text.
class Cursor {
 public:
  explicit Cursor(std::string_view sql) : sql_(sql), tokens_(lex(sql)) {}

  [[nodiscard]] std::size_t position() const { return at_; }
  [[nodiscard]] bool at_end() const { return at_ >= tokens_.size(); }
  [[nodiscard]] const Token& peek(std::size_t ahead = 0) const;
  void skip() { ++at_; }

  /// Whether this keyword, or this symbol, comes next.
  [[nodiscard]] bool sees(std::string_view keyword, std::size_t ahead = 0) const;
  [[nodiscard]] bool sees_any(std::initializer_list<std::string_view> keywords) const;
  /// Passes it, if it comes next; several keywords only all together.
  bool take(std::string_view keyword);
  bool take(std::initializer_list<std::string_view> keywords);
  /// @throws NotUnderstood when it does not come next.
  void expect(std::string_view keyword);

  /// Passes a name, however it is quoted. @throws NotUnderstood.
  std::string take_name();
  /// The same, and lets the schema it is in stand before it: `main.rooms`.
  std::string take_qualified_name();
  /// `(a, b)` @throws NotUnderstood.
  std::vector<std::string> take_names();

  /// Passes what stands between two parentheses, and them. @throws NotUnderstood.
  Fragment take_parentheses();
  /// Passes everything up to a comma or a closing parenthesis that belongs to something further out.
  void skip_item();
  /// Passes one token, or a pair of parentheses with all that is in them.
  void skip_group();

  /// From the token at `begin` up to, and without, the one at `end`.
  [[nodiscard]] Fragment fragment(std::size_t begin, std::size_t end) const;
  [[nodiscard]] Fragment since(std::size_t begin) const { return fragment(begin, at_); }

 private:
  std::string_view sql_;
  std::vector<Token> tokens_;
  std::size_t at_ = 0;
};

}  // namespace belay::versions::schema

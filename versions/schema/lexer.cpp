#include "versions/schema/lexer.h"

#include <algorithm>
#include <array>

#include "versions/words.h"

namespace belay::versions::schema {
namespace {

constexpr std::size_t npos = std::string_view::npos;

constexpr bool is_space(char c) {
  return is_blank(c) || c == '\n';
}
/// How much white space a text begins with, as SQLite has it: a vertical tab is some only behind other, and a byte
/// order mark wherever a token may begin.
std::size_t blanks(std::string_view text) {
  constexpr std::string_view mark = "\xEF\xBB\xBF";
  if (text.starts_with(mark)) return mark.size();
  if (text.empty() || !is_space(text.front())) return 0;
  return leading(text, [](char c) { return is_space(c) || c == '\v'; }).size();
}
constexpr bool is_part_of_word(char c) {
  return is_letter(c) || is_digit(c) || c == '_' || c == '$' || static_cast<unsigned char>(c) >= 0x80;
}
constexpr bool is_hex(char c) {
  return is_digit(c) || (to_lower(c) >= 'a' && to_lower(c) <= 'f');
}

/// Cuts one token after the other off the front of a text.
class Lexer {
 public:
  /// @param comments  null: nobody wants them.
  explicit Lexer(std::string_view sql, std::vector<Comment>* comments = nullptr) : rest_(sql), comments_(comments) {}

  bool next(Token& token) {
    skip_blanks_and_comments();
    if (rest_.empty()) return false;
    token = scan();
    rest_.remove_prefix(token.text.size());
    ++count_;
    return true;
  }

 private:
  [[nodiscard]] char at(std::size_t i) const { return i < rest_.size() ? rest_[i] : '\0'; }
  [[nodiscard]] Token token(TokenKind kind, std::size_t size) const { return {kind, rest_.substr(0, size)}; }

  void skip_blanks_and_comments();
  [[nodiscard]] Token scan() const;
  [[nodiscard]] Token quoted(TokenKind kind, std::size_t open, char close) const;
  [[nodiscard]] Token number() const;
  [[nodiscard]] Token variable() const;
  [[nodiscard]] Token symbol() const;
  template <typename Predicate>
  [[nodiscard]] std::size_t end_of(Predicate is, std::size_t from) const;

  std::string_view rest_;
  std::vector<Comment>* comments_;
  std::size_t count_ = 0;  // Of the tokens.
};

template <typename Predicate>
std::size_t Lexer::end_of(Predicate is, std::size_t from) const {
  return from + leading(rest_.substr(std::min(from, rest_.size())), is).size();
}

void Lexer::skip_blanks_and_comments() {
  for (;;) {
    while (const std::size_t size = blanks(rest_)) rest_.remove_prefix(size);
    std::size_t end = npos;
    if (rest_.starts_with("--")) {
      end = rest_.find('\n');
    } else if (rest_.starts_with("/*")) {
      end = rest_.find("*/", 2);
      if (end != npos) end += 2;
    } else {
      return;
    }
    end = std::min(end, rest_.size());  // What is never closed is a comment up to the end.
    if (comments_ != nullptr) comments_->push_back({rest_.substr(0, end), count_});
    rest_.remove_prefix(end);
  }
}

Token Lexer::scan() const {
  const char c = at(0);
  if (c == '\'') return quoted(TokenKind::string, 0, c);
  if (c == '"' || c == '`') return quoted(TokenKind::name, 0, c);
  if (c == '[') return quoted(TokenKind::name, 0, ']');
  if (to_lower(c) == 'x' && at(1) == '\'') return quoted(TokenKind::blob, 1, '\'');
  if (is_digit(c) || (c == '.' && is_digit(at(1)))) return number();
  if (c == '?' || c == ':' || c == '@' || c == '#' || c == '$') return variable();
  if (is_part_of_word(c)) return token(TokenKind::word, end_of(is_part_of_word, 1));
  return symbol();
}

/// A doubled quote stands for itself, but not in […].
Token Lexer::quoted(TokenKind kind, std::size_t open, char close) const {
  for (std::size_t end = rest_.find(close, open + 1); end != npos; end = rest_.find(close, end + 2))
    if (close == ']' || at(end + 1) != close) return token(kind, end + 1);
  return token(TokenKind::illegal, rest_.size());
}

Token Lexer::number() const {
  std::size_t end = 0;
  const auto digits = [](char c) { return is_digit(c) || c == '_'; };
  if (at(0) == '0' && to_lower(at(1)) == 'x' && is_hex(at(2))) {
    end = end_of([](char c) { return is_hex(c) || c == '_'; }, 2);
  } else {
    end = end_of(digits, 0);
    if (at(end) == '.') end = end_of(digits, end + 1);
    const std::size_t sign = at(end + 1) == '+' || at(end + 1) == '-' ? 1 : 0;
    if (to_lower(at(end)) == 'e' && is_digit(at(end + 1 + sign))) end = end_of(digits, end + 1 + sign);
  }
  const std::size_t whole = end_of(is_part_of_word, end);
  return token(whole == end ? TokenKind::number : TokenKind::illegal, whole);
}

Token Lexer::variable() const {
  if (at(0) == '?') return token(TokenKind::variable, end_of(is_digit, 1));
  const std::size_t end = end_of(is_part_of_word, 1);
  return token(end > 1 ? TokenKind::variable : TokenKind::illegal, end);
}

Token Lexer::symbol() const {
  constexpr std::array<std::string_view, 10> long_ones{"->>", "->", "==", "<=", "<>", "<<", ">=", ">>", "!=", "||"};
  constexpr std::string_view short_ones = "-();+*/%=<>|,&~.";
  for (const auto& known : long_ones)
    if (rest_.starts_with(known)) return token(TokenKind::symbol, known.size());
  return token(short_ones.find(at(0)) != npos ? TokenKind::symbol : TokenKind::illegal, 1);
}

std::vector<Token> all_of(Lexer lexer) {
  std::vector<Token> tokens;
  for (Token token; lexer.next(token);) tokens.push_back(token);
  return tokens;
}

}  // namespace

std::vector<Token> lex(std::string_view sql) {
  return all_of(Lexer(sql));
}

std::vector<Token> lex(std::string_view sql, std::vector<Comment>& comments) {
  return all_of(Lexer(sql, &comments));
}

}  // namespace belay::versions::schema

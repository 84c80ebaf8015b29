#include "versions/schema/cursor.h"

#include <algorithm>

#include "versions/schema/names.h"
#include "versions/words.h"

namespace belay::versions::schema {

const Token& Cursor::peek(std::size_t ahead) const {
  static constexpr Token none{};
  return at_ + ahead < tokens_.size() ? tokens_[at_ + ahead] : none;
}

bool Cursor::sees(std::string_view keyword, std::size_t ahead) const {
  const Token& token = peek(ahead);
  const bool may_be = token.kind == TokenKind::word || token.kind == TokenKind::symbol;
  return may_be && equal_ignoring_case(token.text, keyword);
}

bool Cursor::sees_any(std::initializer_list<std::string_view> keywords) const {
  return std::ranges::any_of(keywords, [this](std::string_view keyword) { return sees(keyword); });
}

bool Cursor::take(std::string_view keyword) {
  return take({keyword});
}

bool Cursor::take(std::initializer_list<std::string_view> keywords) {
  std::size_t ahead = 0;
  for (const auto& keyword : keywords)
    if (!sees(keyword, ahead++)) return false;
  at_ += ahead;
  return true;
}

void Cursor::expect(std::string_view keyword) {
  if (!take(keyword)) throw NotUnderstood{};
}

std::string Cursor::take_name() {
  const Token& token = peek();
  const bool may_be = token.kind == TokenKind::word || token.kind == TokenKind::name || token.kind == TokenKind::string;
  if (!may_be) throw NotUnderstood{};
  skip();
  return unquoted(token);
}

std::string Cursor::take_qualified_name() {
  std::string name = take_name();
  return take(".") ? take_name() : name;
}

std::vector<std::string> Cursor::take_names() {
  std::vector<std::string> names;
  expect("(");
  do {
    names.push_back(take_name());
    while (!at_end() && !sees(",") && !sees(")")) skip();  // A collation or an order, which SQLite passes over.
  } while (take(","));
  expect(")");
  return names;
}

Fragment Cursor::take_parentheses() {
  expect("(");
  const std::size_t begin = at_;
  while (!sees(")")) skip_group();
  Fragment inside = since(begin);
  expect(")");
  return inside;
}

void Cursor::skip_item() {
  while (!at_end() && !sees(",") && !sees(")")) skip_group();
}

void Cursor::skip_group() {
  std::size_t open = 0;
  do {
    if (at_end()) throw NotUnderstood{};
    if (sees("(")) ++open;
    if (sees(")") && open > 0) --open;
    skip();
  } while (open > 0);
}

Fragment Cursor::fragment(std::size_t begin, std::size_t end) const {
  if (begin >= end || end > tokens_.size()) return {};
  const char* first = tokens_[begin].text.data();
  const auto& last = tokens_[end - 1].text;
  return {std::string(first, last.data() + last.size()), static_cast<std::size_t>(first - sql_.data())};
}

}  // namespace belay::versions::schema

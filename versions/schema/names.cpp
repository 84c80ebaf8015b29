#include "versions/schema/names.h"

#include <algorithm>
#include <array>

#include "versions/words.h"

namespace belay::versions::schema {
namespace {

/// SQLite's keywords but those that its grammar lets fall back to names (https://www.sqlite.org/lang_keywords.html);
/// the words of a join among them, because a plain LEFT after a table is not its alias. Sorted.
constexpr std::array<std::string_view, 65> reserved{
    "add",     "all",    "alter",      "and",         "as",         "autoincrement", "between",    "case",   "check",
    "collate", "commit", "constraint", "create",      "cross",      "default",       "deferrable", "delete", "distinct",
    "drop",    "else",   "escape",     "except",      "exists",     "foreign",       "from",       "full",   "group",
    "having",  "in",     "index",      "inner",       "insert",     "intersect",     "into",       "is",     "isnull",
    "join",    "left",   "limit",      "natural",     "not",        "nothing",       "notnull",    "null",   "on",
    "or",      "order",  "outer",      "primary",     "references", "returning",     "right",      "select", "set",
    "table",   "then",   "to",         "transaction", "union",      "unique",        "update",     "using",  "values",
    "when",    "where"};

/// Plain names that mean something of their own where an expression may stand.
constexpr std::array<std::string_view, 5> values{"current_date", "current_time", "current_timestamp", "false", "true"};

bool is_plain(std::string_view name) {
  const auto fits = [](char c) {
    return is_letter(c) || is_digit(c) || c == '_' || c == '$' || static_cast<unsigned char>(c) >= 0x80;
  };
  return !name.empty() && !is_digit(name.front()) && name.front() != '$' && std::ranges::all_of(name, fits);
}

std::string quoted(std::string_view text, char quote) {
  std::string result(1, quote);
  for (const char c : text) result.append(c == quote ? 2 : 1, c);
  return result += quote;
}

}  // namespace

std::string fold(std::string_view text) {
  std::string result(text);
  for (char& c : result) c = to_lower(c);
  return result;
}

bool is_reserved(std::string_view word) {
  return std::ranges::any_of(reserved, [word](std::string_view known) { return equal_ignoring_case(known, word); });
}

std::string unquoted(const Token& token) {
  const bool has_quotes = token.kind == TokenKind::name || token.kind == TokenKind::string;
  if (!has_quotes) return std::string(token.text);
  const std::string_view inside = token.text.substr(1, token.text.size() - 2);
  if (token.text.front() == '[') return std::string(inside);
  std::string result;
  for (std::size_t i = 0; i < inside.size(); ++i) {
    result += inside[i];
    if (inside[i] == token.text.front()) ++i;  // Its double.
  }
  return result;
}

std::string written_name(std::string_view name) {
  const std::string folded = fold(name);
  const bool bare = is_plain(folded) && !is_reserved(folded) && std::ranges::find(values, folded) == values.end();
  return bare ? std::string(name) : quoted(name, '"');
}

std::string canonical_name(std::string_view name) {
  return written_name(fold(name));
}

/// After a mismatch the last star takes in one character more: none before it can do better.
bool fits_glob(std::string_view glob, std::string_view name) {
  constexpr std::size_t none = std::string_view::npos;
  const auto is_character = [name](std::size_t i) { return (static_cast<unsigned char>(name[i]) & 0xC0U) != 0x80U; };
  std::size_t in_glob = 0;
  std::size_t star = none;
  std::size_t taken = 0;
  for (std::size_t in_name = 0; in_name < name.size();) {
    const char wanted = in_glob < glob.size() ? glob[in_glob] : '\0';
    if (wanted == '*') {
      star = in_glob++;
      taken = in_name;
    } else if (wanted == '?') {
      ++in_glob;
      do {
        ++in_name;
      } while (in_name < name.size() && !is_character(in_name));
    } else if (in_glob < glob.size() && to_lower(wanted) == to_lower(name[in_name])) {
      ++in_glob;
      ++in_name;
    } else if (star != none) {
      in_glob = star + 1;
      in_name = ++taken;
    } else {
      return false;
    }
  }
  return glob.find_first_not_of('*', in_glob) == none;
}

std::string shell_word(std::string_view word) {
  const auto is_plain_there = [](char c) {
    constexpr std::string_view signs = "_.,=:/-";
    return is_letter(c) || is_digit(c) || signs.find(c) != std::string_view::npos;
  };
  if (!word.empty() && std::ranges::all_of(word, is_plain_there)) return std::string(word);
  std::string result;
  for (const char c : word) result += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return "'" + result + "'";
}

std::string quoted_string(std::string_view text) {
  return quoted(text, '\'');
}

}  // namespace belay::versions::schema

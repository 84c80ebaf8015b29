#include "versions/schema/rename_hints.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <optional>
#include <utility>

#include "versions/error.h"
#include "versions/schema/cursor.h"
#include "versions/schema/names.h"
#include "versions/spelling.h"
#include "versions/words.h"

namespace belay::versions::schema {
namespace {

constexpr const char* how = "write -- @renamed from=old_name beside the column, the CREATE TABLE or the CREATE INDEX";

// --- What a comment says ---

std::string_view without_marks(std::string_view comment) {
  const bool block = comment.starts_with("/*");
  comment.remove_prefix(2);
  if (block && comment.ends_with("*/")) comment.remove_suffix(2);
  while (!comment.empty() && (is_blank(comment.front()) || comment.front() == '\n')) comment.remove_prefix(1);
  return comment;
}

/// A comment that was meant to be a hint, as far as that can be told, must not pass as one.
bool is_meant_as_hint(const std::vector<Token>& tokens) {
  const auto& first = tokens.front();
  if (first.kind == TokenKind::word)  // `renamed from=name`
    return tokens.size() > 2 && equal_ignoring_case(first.text, "renamed") &&
           equal_ignoring_case(tokens[1].text, "from") && tokens[2].text == "=";
  if (first.kind != TokenKind::variable || first.text.front() != '@') return false;
  constexpr std::array<std::string_view, 1> known{"@renamed"};
  return fold(first.text).starts_with("@rename") || !nearest(first.text, known).empty();
}

/// The old name; nothing for any other comment.
std::optional<std::string> old_name(std::string_view comment, const Error& malformed) {
  const std::string_view text = without_marks(comment);
  if (text.empty() || (text.front() != '@' && to_lower(text.front()) != 'r')) return std::nullopt;
  const auto tokens = lex(text);
  if (tokens.empty() || !is_meant_as_hint(tokens)) return std::nullopt;
  if (tokens.front().text != "@renamed") throw Error(malformed);
  Cursor cursor(text);
  cursor.skip();
  try {
    cursor.expect("from");
    cursor.expect("=");
    std::string name = cursor.take_name();
    if (name.empty() || !cursor.at_end()) throw Error(malformed);
    return name;
  } catch (const NotUnderstood&) {
    throw Error(malformed);
  }
}

// --- What it stands beside ---

/// The columns, tables and indexes that a file of SQL makes, and which of its tokens belong to which of them.
class Survey {
 public:
  static constexpr int none = -1;   ///< A token that a comment may look past: what closes a table.
  static constexpr int other = -2;  ///< One of something else.

  Survey(std::string_view sql, std::filesystem::path file)
      : sql_(sql), file_(std::move(file)), cursor_(sql), tokens_(lex(sql, comments_)), owners_(tokens_.size(), other) {
    for (std::size_t at = 0; at < sql.size(); ++at)
      if (sql[at] == '\n') line_ends_.push_back(at);
    while (!cursor_.at_end()) read_statement();
  }

  std::vector<RenameHint> hints() const;

 private:
  void read_statement();
  void read_create(std::size_t begin);
  void read_table(std::size_t begin, bool has_columns);
  void read_item(const std::string& table);
  int add(RenameHint thing, std::size_t begin);
  void own(int owner, std::size_t begin, std::size_t end) {
    for (std::size_t i = begin; i < std::min(end, owners_.size()); ++i) owners_[i] = owner;
  }

  [[nodiscard]] int line_of(const char* place) const {
    const auto at = static_cast<std::size_t>(place - sql_.data());
    return static_cast<int>(std::ranges::lower_bound(line_ends_, at) - line_ends_.begin()) + 1;
  }
  [[nodiscard]] int first_line(std::string_view text) const { return line_of(text.data()); }
  [[nodiscard]] int last_line(std::string_view text) const { return line_of(text.data() + text.size() - 1); }
  [[nodiscard]] int begun_at(std::size_t token) const;

  [[nodiscard]] int beside(std::size_t comment) const;
  [[nodiscard]] int before(const Comment& comment, bool& alone) const;

  std::string_view sql_;
  std::filesystem::path file_;
  Cursor cursor_;
  std::vector<Comment> comments_;
  std::vector<Token> tokens_;
  std::vector<int> owners_;  // By token: a position in `things_`, none or other.
  std::vector<std::size_t> line_ends_;
  std::vector<RenameHint> things_;  // With everything but `from`.
  std::vector<std::pair<std::size_t, int>> begins_;
};

/// CREATE stands nowhere in a statement but at its beginning, so that a trigger's own semicolons do no harm.
void Survey::read_statement() {
  const std::size_t begin = cursor_.position();
  const std::size_t first = begins_.size();
  try {
    read_create(begin);
  } catch (const NotUnderstood&) {
    // Whatever it is, there is nothing in it to be renamed.
  }
  while (!cursor_.at_end() && !cursor_.take(";")) cursor_.skip();
  // All that is on the line of the CREATE and no column's is the table's; what closes it further down is nobody's.
  if (begins_.size() == first) return;
  const int thing = begins_[first].second;
  const bool whole = things_[static_cast<std::size_t>(thing)].of == RenameHint::Of::index;
  for (std::size_t i = begin; i < cursor_.position(); ++i)
    if (owners_[i] == none && (whole || first_line(tokens_[i].text) == first_line(tokens_[begin].text)))
      owners_[i] = thing;
}

int Survey::add(RenameHint thing, std::size_t begin) {
  const int number = static_cast<int>(things_.size());
  begins_.emplace_back(begin, number);
  things_.push_back(std::move(thing));
  return number;
}

void Survey::read_create(std::size_t begin) {
  cursor_.expect("create");
  if (!cursor_.take("temp")) cursor_.take("temporary");
  const bool has_module = cursor_.take({"virtual", "table"});
  if (has_module || cursor_.take("table")) return read_table(begin, !has_module);
  cursor_.take("unique");
  cursor_.expect("index");
  cursor_.take({"if", "not", "exists"});
  add({.of = RenameHint::Of::index, .table = {}, .from = {}, .to = cursor_.take_qualified_name()}, begin);
  std::size_t end = cursor_.position();
  while (end < tokens_.size() && tokens_[end].text != ";") ++end;
  own(none, begin, end + 1);
}

void Survey::read_table(std::size_t begin, bool has_columns) {
  cursor_.take({"if", "not", "exists"});
  const std::string name = cursor_.take_qualified_name();
  add({.of = RenameHint::Of::table, .table = {}, .from = {}, .to = name}, begin);
  own(none, begin, cursor_.position() + 1);
  if (has_columns && cursor_.take("(")) {
    do {
      read_item(name);
    } while (cursor_.take(","));
  }
  std::size_t end = cursor_.position();
  while (end < tokens_.size() && tokens_[end].text != ";") ++end;
  own(none, cursor_.position(), end + 1);
}

/// A column, with the comma behind it; a constraint is none.
void Survey::read_item(const std::string& table) {
  const std::size_t begin = cursor_.position();
  int owner = other;
  if (!cursor_.sees_any({"constraint", "primary", "unique", "check", "foreign"}))
    owner = add({.of = RenameHint::Of::column, .table = table, .from = {}, .to = cursor_.take_name()}, begin);
  cursor_.skip_item();
  own(owner, begin, cursor_.position() + (cursor_.sees(",") ? 1 : 0));
}

int Survey::begun_at(std::size_t token) const {
  const auto found = std::ranges::find(begins_, token, &std::pair<std::size_t, int>::first);
  return found == begins_.end() ? other : found->second;
}

/// What stands before a comment on its line.
int Survey::before(const Comment& comment, bool& alone) const {
  const int line = first_line(comment.text);
  for (std::size_t i = comment.tokens_before; i-- > 0 && last_line(tokens_[i].text) == line;) {
    alone = false;
    if (owners_[i] != none) return owners_[i];
  }
  return other;
}

int Survey::beside(std::size_t index) const {
  const Comment& comment = comments_[index];
  const std::size_t next = comment.tokens_before;
  int line = last_line(comment.text);
  const bool followed = next < tokens_.size() && first_line(tokens_[next].text) == line;
  if (followed && begun_at(next) >= 0) return begun_at(next);
  bool alone = !followed;
  if (const int owner = before(comment, alone); owner >= 0 || !alone) return owner;
  for (std::size_t i = index + 1; i < comments_.size() && comments_[i].tokens_before == next; ++i)
    if (first_line(comments_[i].text) == line + 1) line = last_line(comments_[i].text);
  return next < tokens_.size() && first_line(tokens_[next].text) == line + 1 ? begun_at(next) : other;
}

std::vector<RenameHint> Survey::hints() const {
  std::vector<RenameHint> found;
  for (std::size_t i = 0; i < comments_.size(); ++i) {
    const int line = first_line(comments_[i].text);
    const auto malformed = [&](const char* message) {
      return Error(ErrorCode::malformed, message).at(file_, line).next(how);
    };
    auto name = old_name(comments_[i].text, malformed("a hint about a rename that cannot be read"));
    if (!name) continue;
    const int thing = beside(i);
    if (thing < 0) throw malformed("a hint about a rename stands beside no column, table or index");
    found.push_back(things_[static_cast<std::size_t>(thing)]);
    found.back().from = std::move(*name);
    found.back().file = file_;
    found.back().line = line;
  }
  return found;
}

}  // namespace

std::vector<RenameHint> read_rename_hints(std::string_view sql, const std::filesystem::path& file) {
  return Survey(sql, file).hints();
}

RenameHint parse_rename(std::string_view word) {
  Cursor cursor(word);
  RenameHint hint{.of = RenameHint::Of::table_or_index, .table = {}, .from = {}, .to = {}};
  try {
    hint.from = cursor.take_name();
    if (cursor.take(".")) {
      hint.of = RenameHint::Of::column;
      hint.table = std::exchange(hint.from, cursor.take_name());
    }
    cursor.expect("=");
    hint.to = cursor.take_name();
    if (cursor.at_end()) return hint;
  } catch (const NotUnderstood&) {
    // As below.
  }
  throw Error(ErrorCode::bad_name, fmt::format("--rename {} cannot be read", word))
      .next(
          "write --rename TABLE.OLD=NEW for a column, --rename OLD=NEW for a table or an index; a name with other "
          "characters than letters, digits and _ stands in double quotes");
}

std::string hint_of(const Rename& rename) {
  return "-- @renamed from=" + written_name(rename.from);
}

std::string option_of(const Rename& rename) {
  const std::string table = rename.kind == Rename::Kind::column ? written_name(rename.table) + "." : "";
  return "--rename " + shell_word(table + written_name(rename.from) + "=" + written_name(rename.to));
}

}  // namespace belay::versions::schema

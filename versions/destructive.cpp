#include "versions/destructive.h"

#include <vector>

#include "versions/scanner.h"

namespace belay::versions {
namespace {

std::string lower(std::string_view text) {
  std::string result(text);
  for (char& letter : result)
    if (letter >= 'A' && letter <= 'Z') letter = static_cast<char>(letter - 'A' + 'a');
  return result;
}

/// A statement without blanks and comments. A quoted name is one token, whatever quotes are doubled in it.
class Words {
 public:
  explicit Words(std::string_view statement) {
    Scanner scanner(statement);
    Token token;
    bool joined = false;  // To the token before.
    while (scanner.next(token)) {
      const bool blank = token.kind == TokenKind::space || token.kind == TokenKind::line_comment ||
                         token.kind == TokenKind::block_comment;
      if (!blank) add(token, joined);
      joined = token.kind == TokenKind::quoted;
    }
  }

  /// Goes past this keyword, if it is what comes next.
  bool take(std::string_view keyword) {
    if (!is(keyword)) return false;
    ++at_;
    return true;
  }
  [[nodiscard]] bool is(std::string_view keyword) const {
    return at_ < tokens_.size() && tokens_[at_].kind == TokenKind::word && lower(tokens_[at_].text) == keyword;
  }
  [[nodiscard]] bool at_end() const { return at_ == tokens_.size(); }

  /// The next name, with what `schema.` stands before it.
  struct Name {
    bool temporary = false;
    std::string text;  ///< As it is written, without its quotes.
  };
  Name name() {
    std::string first = plain();
    if (at_ >= tokens_.size() || tokens_[at_].text != ".") return {false, std::move(first)};
    ++at_;
    return {lower(first) == "temp", plain()};
  }

  /// Past the definitions of a WITH: up to the first of these words outside parentheses.
  void skip_to_verb() {
    for (int depth = 0; at_ < tokens_.size(); ++at_) {
      const std::string_view text = tokens_[at_].text;
      if (text == "(") ++depth;
      if (text == ")") --depth;
      if (depth == 0 && (is("delete") || is("insert") || is("update") || is("select") || is("replace"))) return;
    }
  }

 private:
  void add(const Token& token, bool joined) {
    const bool doubled = joined && token.kind == TokenKind::quoted && token.text.front() == tokens_.back().text.front();
    if (!doubled) {
      tokens_.push_back(token);
      return;
    }
    Token& whole = tokens_.back();  // Both are of one text, the second right behind the first.
    whole.text = {whole.text.data(), whole.text.size() + token.text.size()};
  }

  std::string plain() {
    if (at_ >= tokens_.size()) return {};
    const Token& token = tokens_[at_++];
    if (token.kind != TokenKind::quoted) return std::string(token.text);
    const char quote = token.text.front();
    std::string text;
    for (std::size_t i = 1; i + 1 < token.text.size(); ++i) {
      text += token.text[i];
      if (token.text[i] == quote && quote != '[') ++i;
    }
    return text;
  }

  std::vector<Token> tokens_;
  std::size_t at_ = 0;
};

/// `CREATE TABLE` of something new; IF NOT EXISTS may find a table with data in it.
std::optional<std::string> created_by(Words& words) {
  const bool temporary = words.take("temp") || words.take("temporary");
  words.take("virtual");
  if (!words.take("table") || words.is("if")) return std::nullopt;
  const auto name = words.name();
  if (temporary || name.temporary) return std::nullopt;
  return lower(name.text);
}

}  // namespace

std::optional<std::string> DestructiveStatements::look(std::string_view statement) {
  Words words(statement);
  const auto unless_created = [this](const Words::Name& name, const char* doing) -> std::optional<std::string> {
    if (name.temporary || created_.contains(lower(name.text))) return std::nullopt;
    return doing + name.text;
  };

  if (words.take("create")) {
    if (auto name = created_by(words)) created_.insert(std::move(*name));
    return std::nullopt;
  }
  if (words.take("drop")) {
    if (!words.take("table")) return std::nullopt;
    if (words.take("if")) words.take("exists");
    const auto name = words.name();
    auto found = unless_created(name, "drops table ");
    created_.erase(lower(name.text));
    return found;
  }
  if (words.take("alter")) {
    words.take("table");
    const auto name = words.name();
    if (words.take("drop")) return unless_created(name, "drops a column of ");
    if (words.take("rename") && words.take("to")) {
      const bool own = created_.erase(lower(name.text)) > 0;
      const std::string renamed = lower(words.name().text);
      if (own) created_.insert(renamed);
    }
    return std::nullopt;
  }
  if (words.take("with")) words.skip_to_verb();
  if (!words.take("delete")) return std::nullopt;
  words.take("from");
  const auto name = words.name();
  if (lower(name.text) == "sqlite_sequence") return std::nullopt;  // The next number of a table, and no data.
  return unless_created(name, "deletes from ");
}

}  // namespace belay::versions

#pragma once

#include <cstddef>
#include <optional>
#include <string_view>

#include "versions/scanner.h"
#include "versions/statement.h"

namespace belay::versions {

/// Walks through SQL once and tells of each statement and each line comment in turn, so that the reader of a script
/// sees its markers exactly where SQLite sees a comment. Borrows the text.
class Splitter {
 public:
  enum class Event { statement, comment, end };

  explicit Splitter(std::string_view sql, int first_line = 1) : sql_(sql), scanner_(sql), line_(first_line) {}

  /// Goes on to the next event.
  /// @throws Error `malformed` with the line of a quote or comment that is never closed.
  Event next();

  /// The statement that `next` or `finish` ended.
  [[nodiscard]] Statement statement() const;

  /// The comment that `next` came to, with its `--`, and its line.
  [[nodiscard]] std::string_view comment() const { return token_.text; }
  [[nodiscard]] int comment_line() { return line_at(token_.text.data()); }
  /// Whether nothing but blanks stands before the comment on its line.
  [[nodiscard]] bool comment_is_alone() const;

  /// The line at which a statement began that has no semicolon yet.
  [[nodiscard]] std::optional<int> unfinished() const;

  /// Ends an unfinished statement as a semicolon here would.
  /// @returns whether there was one.
  /// @throws Error `malformed` with its line, when it cannot end here: in a trigger, or in parentheses.
  bool finish();

 private:
  // The states of sqlite3_complete(). A trigger's own semicolons do not end it; only `; END ;` does.
  enum class State { start, normal, explain, create, trigger, trigger_semicolon, trigger_end };

  bool advance();
  static State after(State state, const Token& token);
  int line_at(const char* where);

  std::string_view sql_;
  Scanner scanner_;
  Token token_;
  State state_ = State::start;
  const char* begin_ = nullptr;  ///< Of the statement, null before its first token.
  const char* end_ = nullptr;    ///< Past its last token so far.
  int begin_line_ = 0;
  long parentheses_ = 0;  ///< Open ones.
  // Lines are counted only up to where one is asked for, and never twice.
  std::size_t counted_ = 0;
  int line_;
};

}  // namespace belay::versions

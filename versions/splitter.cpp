#include "versions/splitter.h"

#include <algorithm>

#include "versions/error.h"
#include "versions/words.h"

namespace belay::versions {
Splitter::Event Splitter::next() {
  // A statement that was handed out is over.
  if (state_ == State::start) begin_ = nullptr;
  while (scanner_.next(token_)) {
    if (token_.kind == TokenKind::line_comment) return Event::comment;
    if (token_.kind == TokenKind::space || token_.kind == TokenKind::block_comment) continue;
    if (advance()) return Event::statement;
  }
  return Event::end;
}

bool Splitter::advance() {
  if (token_.kind == TokenKind::unclosed) {
    const char* what = token_.text.front() == '/' ? "a comment begins here that is never closed"
                                                  : "a string or name begins here that is never closed";
    throw Error(ErrorCode::malformed, what).at({}, line_at(token_.text.data()));
  }
  state_ = after(state_, token_);
  if (state_ == State::start) return begin_ != nullptr;
  if (begin_ == nullptr) {
    begin_ = token_.text.data();
    begin_line_ = line_at(begin_);
    parentheses_ = 0;
  }
  end_ = token_.text.data() + token_.text.size();
  if (token_.text == "(") ++parentheses_;
  if (token_.text == ")") --parentheses_;
  return false;
}

Splitter::State Splitter::after(State state, const Token& token) {
  const auto is = [&token](std::string_view word) {
    return token.kind == TokenKind::word && equal_ignoring_case(token.text, word);
  };
  const bool semicolon = token.kind == TokenKind::semicolon;
  switch (state) {
    case State::start:
      if (is("explain")) return State::explain;
      [[fallthrough]];
    case State::explain:
      if (semicolon) return State::start;
      if (is("create")) return State::create;
      // EXPLAIN QUERY PLAN CREATE: sqlite3_complete() lets any words stand in between but those it knows.
      if (is("explain") || is("temp") || is("temporary") || is("trigger") || is("end")) return State::normal;
      return state == State::explain ? State::explain : State::normal;
    case State::create:
      if (is("temp") || is("temporary")) return State::create;
      if (is("trigger")) return State::trigger;
      [[fallthrough]];
    case State::normal:
      return semicolon ? State::start : State::normal;
    case State::trigger:
      return semicolon ? State::trigger_semicolon : State::trigger;
    case State::trigger_semicolon:
      if (is("end")) return State::trigger_end;
      return semicolon ? State::trigger_semicolon : State::trigger;
    case State::trigger_end:
      return semicolon ? State::start : State::trigger;
  }
  return State::normal;
}

Statement Splitter::statement() const {
  return {std::string(begin_, end_), begin_line_};
}

bool Splitter::comment_is_alone() const {
  const char* at = token_.text.data();
  while (at != sql_.data() && (at[-1] == ' ' || at[-1] == '\t')) --at;
  return at == sql_.data() || at[-1] == '\n';
}

std::optional<int> Splitter::unfinished() const {
  if (state_ == State::start) return std::nullopt;
  return begin_line_;
}

bool Splitter::finish() {
  if (state_ == State::start) return false;
  if (state_ == State::trigger || state_ == State::trigger_semicolon) {
    throw Error(ErrorCode::malformed, "the trigger that begins here never reaches its END").at({}, begin_line_);
  }
  if (parentheses_ > 0) {
    throw Error(ErrorCode::malformed, "the statement that begins here is unfinished: a parenthesis is still open")
        .at({}, begin_line_);
  }
  state_ = State::start;
  return true;
}

int Splitter::line_at(const char* where) {
  const auto offset = static_cast<std::size_t>(where - sql_.data());
  if (offset > counted_) {
    line_ += static_cast<int>(std::count(sql_.data() + counted_, where, '\n'));
    counted_ = offset;
  }
  return line_;
}

}  // namespace belay::versions

#pragma once

#include <exception>
#include <stdexcept>
#include <string>
#include <utility>

namespace belay::engine {

enum class ErrorCode {
  bad_url,              ///< A database URL that no driver understands.
  unavailable,          ///< The database cannot be opened, read or written: missing, a folder, permissions, I/O.
  not_a_database,       ///< The file is something else.
  read_only,            ///< A write was asked of a database that cannot be written.
  busy,                 ///< Somebody else kept a lock for longer than the lock timeout.
  refused_statement,    ///< A script may not do this: transaction control, ATTACH, belay's own tables, …
  statement_failed,     ///< The database said no.
  verification_failed,  ///< A `verify` query gave NULL or 0; a rebuild does not keep what it has to.
  constraint_violated,  ///< The revision would leave rows without the parent that a foreign key asks for.
  interrupted,          ///< The stop token was requested.
  timed_out,            ///< A statement ran for longer than the observer allowed.
  hook_failed,          ///< A hook of the observer said no.
  no_space,             ///< The disk is full.
  outcome_unknown,      ///< A commit answered with an I/O error: it may have happened. Decided by a fresh restart.
  foreign_writes,       ///< Others have written since, or nothing proves that they have not: nothing is taken back.
  not_understood,       ///< The storage is of a kind whose before-images cannot be told (another VFS, …).
  newer_format,         ///< A later version of belay has written this database.
};

/// What stopped the engine. `what()` is a sentence without its place.
class Error : public std::runtime_error {
 public:
  Error(ErrorCode code, const std::string& message) : std::runtime_error(message), code_(code) {}

  /// Where in the scripts; given only once, by whoever knows it first.
  Error& at(const std::string& file, int line, const std::string& statement) {
    if (line_ != 0) return *this;
    file_ = file;
    line_ = line;
    statement_ = statement;
    return *this;
  }
  Error& state(std::string state) {
    state_ = std::move(state);
    return *this;
  }
  /// A revision is applied in part: its run stays open, and the next one goes on with it.
  Error& unfinished() {
    unfinished_ = true;
    return *this;
  }
  /// What stood in the way of taking back what had been committed.
  Error& blocked_by(std::exception_ptr obstacle) {
    obstacle_ = std::move(obstacle);
    return *this;
  }
  Error& next(std::string next) {
    next_ = std::move(next);
    return *this;
  }

  [[nodiscard]] ErrorCode code() const { return code_; }
  /// The script, or empty.
  [[nodiscard]] const std::string& file() const { return file_; }
  /// From 1; 0 when no line is to blame.
  [[nodiscard]] int line() const { return line_; }
  /// The SQL, or empty.
  [[nodiscard]] const std::string& statement() const { return statement_; }
  /// What the database is now, as a sentence; empty when nothing was touched.
  [[nodiscard]] const std::string& state() const { return state_; }
  [[nodiscard]] bool is_unfinished() const { return unfinished_; }
  /// Null unless `blocked_by` was called.
  [[nodiscard]] const std::exception_ptr& obstacle() const { return obstacle_; }
  /// What to do now; may be empty.
  [[nodiscard]] const std::string& next() const { return next_; }

 private:
  ErrorCode code_;
  std::string file_;
  int line_ = 0;
  std::string statement_;
  std::string state_;
  std::string next_;
  bool unfinished_ = false;
  std::exception_ptr obstacle_;
};

}  // namespace belay::engine

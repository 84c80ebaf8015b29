#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace belay::versions {

/// One SQL statement as it stands in a file.
struct Statement {
  std::string text;  ///< From the first token to the last, comments inside kept, without the closing semicolon.
  int line = 0;      ///< The line of the first token, from 1.
};

/// Splits SQL by the rules of SQLite's own `sqlite3_complete()` (https://www.sqlite.org/c3ref/complete.html): a
/// semicolon ends a statement unless it is in a string, a quoted name, a comment or the body of a CREATE TRIGGER.
/// Statements of nothing but comments and white space are left out; the last one needs no semicolon. Linear in the size
/// of `sql`.
/// @param first_line  the line of the file at which `sql` begins.
/// @throws Error `malformed`, with a line and no file, for a string, name or comment that is never closed, and for a
///         last statement that cannot end there: a trigger without its END, or an open parenthesis.
std::vector<Statement> split_statements(std::string_view sql, int first_line = 1);

/// The statement without its comments, each run of white space outside quotes folded to one space: what a digest is
/// made from, so that a comment or an indentation may change and the SQL may not.
std::string normalise(std::string_view statement);

}  // namespace belay::versions

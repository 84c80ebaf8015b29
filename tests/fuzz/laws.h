#pragma once

#include <string>
#include <string_view>

namespace belay::fuzz {

// What must hold for any text whatever. Each function says which law `text` breaks, or nothing. They are called with
// the seeds by a test, and with what libFuzzer makes of them by the fuzzers.

/// The lexer, the parser and the canonical form of schemas:
///   - the tokens of a text are in its order, and between them are only blanks and comments;
///   - what SQLite accepts as CREATE has no illegal token, is understood, and is what SQLite's own PRAGMAs say of it;
///   - it has the canonical form of what SQLite keeps of it, which SQLite accepts again and keeps in the same form;
///   - under another name it is the same but for that.
std::string schema_law_broken_by(std::string_view text);

/// Hints of renames: a text has hints or is refused at one of its lines; a hint that is written down is read again.
std::string rename_law_broken_by(std::string_view text);

}  // namespace belay::fuzz

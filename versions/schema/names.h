#pragma once

#include <string>
#include <string_view>

#include "versions/schema/lexer.h"

namespace belay::versions::schema {

/// The ASCII letters in lower case: SQLite tells names apart by no more than that.
std::string fold(std::string_view text);

/// Whether the grammar reserves this word (in any case), so that a name spelt like it has to be quoted. SQLite's
/// fallback keywords (KEY, ACTION, END, …) are plain names wherever a name may stand.
bool is_reserved(std::string_view word);

/// What stands between the quotes, doubled ones taken as one; a token without quotes as it is.
std::string unquoted(const Token& token);

/// A name as the canonical form has it: folded, in double quotes only where it is no plain word or would be read as
/// something else.
std::string canonical_name(std::string_view name);

/// A name as a person writes it in a statement: as it is, in double quotes only where it has to be.
std::string written_name(std::string_view name);

/// Whether a name is one of those that `glob` stands for: `*` is any text, `?` any one character, and upper and lower
/// case of ASCII letters are the same.
bool fits_glob(std::string_view glob, std::string_view name);

/// A word as a shell takes it: in single quotes where it has to be.
std::string shell_word(std::string_view word);

/// A text as an SQL string.
std::string quoted_string(std::string_view text);

}  // namespace belay::versions::schema

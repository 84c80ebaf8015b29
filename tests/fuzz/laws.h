#pragma once

#include <string>
#include <string_view>

namespace belay::fuzz {

// What must hold for any text or bytes whatever. Each function says which law `text` breaks, or nothing. They are
// called with the seeds by a test, and with what libFuzzer makes of them by the fuzzers. An exception that is none of
// the room's own leaves them, and breaks a law as well.

/// The lexer, the parser and the canonical form of schemas:
///   - the tokens of a text are in its order, and between them are only blanks and comments;
///   - what SQLite accepts as CREATE has no illegal token, is understood, and is what SQLite's own PRAGMAs say of it;
///   - it has the canonical form of what SQLite keeps of it, which SQLite accepts again and keeps in the same form;
///   - under another name it is the same but for that.
std::string schema_law_broken_by(std::string_view text);

/// Hints of renames: a text has hints or is refused at one of its lines; a hint that is written down is read again.
std::string rename_law_broken_by(std::string_view text);

/// Migration scripts:
///   - a text is refused at one of its lines, or its statements are in its order and at their lines, and between them
///     are only blanks, comments and semicolons;
///   - each of them is one statement to sqlite3_complete(), and to us after normalising, which is idempotent;
///   - joined by semicolons they are split into the same ones;
///   - a script that is understood can be written in full, and is read from that as the same, with the same digest.
std::string script_law_broken_by(std::string_view text);

/// A configuration file:
///   - a text is refused at one of its lines with advice, or each key that it gives is a known one, at its line;
///   - what it gives, written down as TOML, gives the same again;
///   - loaded, it is refused in the same way, or sets each known key; what it shows depends on no password.
std::string config_law_broken_by(std::string_view text);

/// A value of a configuration:
///   - with every dollar doubled it expands to itself;
///   - it is refused at its place, or what is shown does not depend on a password, and what has no `$` is left alone;
///   - the password of a URL behind it is hidden, and what is hidden once stays as it is.
std::string text_law_broken_by(std::string_view text);

/// The URL of a database: refused with advice, or an absolute path that stands for itself in every form of a URL.
std::string url_law_broken_by(std::string_view text);

/// A record of the journal, and what is stored around it:
///   - bytes are `damaged`, or a record that gives these very bytes again;
///   - sealed under its key it opens again, and with any byte of it changed, and under another key, it is `damaged`.
std::string record_law_broken_by(std::string_view bytes);

/// A log, each record after its size in two bytes: the grammar refuses a record as `damaged` at its LSN, or knows
/// what is open, which is never a transaction or an undo outside a run, or both.
std::string log_law_broken_by(std::string_view bytes);

/// A batch of before-images, after two bytes that say how large it is when it is decompressed:
///   - as a stored value it is `damaged`; with a true checksum that, or whole images of just that size;
///   - its images, sealed again, open to the same.
std::string images_law_broken_by(std::string_view bytes);

/// The manifest of a backup, as it is and with a true checksum:
///   - it is refused as damaged or newer, or written down again it reads as the same;
///   - what it names are ids, digests and suffixes that can be names of files, and nothing that a terminal would obey;
///   - with any byte of it changed it is refused, or the same.
std::string manifest_law_broken_by(std::string_view text);

}  // namespace belay::fuzz

#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "versions/revision_id.h"
#include "versions/schema/rebuild.h"
#include "versions/statement.h"

namespace belay::versions {

/// `batch:N over:T.C`: the step is run once for each slice of at most `rows` rows of `table`, in the order of `column`.
/// The names are bare: quotes that the marker has around them are gone.
struct Batch {
  std::int64_t rows = 0;
  std::string table;
  std::string column;
};

class ScriptCache;

/// The unit that intent is written for: one statement, or all statements below one `-- migrate:step` marker.
struct Step {
  std::string name;  ///< Of `-- migrate:step NAME`; empty for a plain statement.
  int line = 0;      ///< Of the first statement, from 1.
  std::vector<Statement> statements;
  bool transactional = true;                 ///< False for `transaction:off`, on the step or its section.
  bool repeatable = false;                   ///< `repeatable:yes`: may be run again after a crash.
  std::optional<Batch> batch;                ///< `batch:N over:T.C`.
  std::optional<schema::Rebuild> rebuild{};  ///< `rebuild:T from:HEX to:HEX`.
};

/// One migration script, parsed. A value: it knows nothing of a database.
struct Script {
  RevisionId id;
  std::vector<RevisionId> parents;  ///< Several for a merge, none for a base.
  std::string message;
  std::string created;  ///< As the header has it; empty without one.
  std::filesystem::path file;
  std::vector<Step> up;
  std::vector<Statement> verify;            ///< Queries; each must give rows whose first column is neither NULL nor 0.
  std::optional<std::vector<Step>> down;    ///< Nothing when the script has no `down` section.
  std::optional<std::string> irreversible;  ///< The reason given by `irreversible:"why"` on `down`.
  std::string digest;                       ///< `digest_of` this script, 64 hexadecimal digits.
  bool parent_by_order = false;             ///< No header names the parent: it is the script before it in the folder.
  /// False: only the head is known (ScriptCache). The statements are not there; `up` and `verify` are empty, and so is
  /// `down`, where the script has one.
  bool whole = true;
};

/// Reads one script in the format of docs/scripts.md.
/// @param file  names the script in errors, and gives what an absent header leaves open: the id is the leading digits
///              of the file's name, the message the rest of it.
/// @param previous  the parent of a script that names none; nothing for the first one of a folder.
/// @throws Error `malformed`, with file and line, and the nearest right spelling for a misspelt marker or option.
Script parse_script(std::string_view text, const std::filesystem::path& file,
                    const std::optional<RevisionId>& previous = std::nullopt);

/// SHA-256, in hexadecimal, of the normalised statements of all sections and of the options that change how they run.
/// Comments, the header and indentation do not count.
std::string digest_of(const Script& script);

/// Reads every `*.sql` file directly in `folder`; whatever else is there, and what is hidden, is left alone. Ordered by
/// the number that leads the name, then by name; names without a number come last. Each is the default parent of the
/// next.
/// @throws Error `unreadable`, also for a folder or a pipe that is named like a script, or what parse_script throws.
std::vector<Script> load_scripts(const std::filesystem::path& folder);
/// The same, but not `whole` where `cache` knows better.
std::vector<Script> load_scripts(const std::filesystem::path& folder, ScriptCache& cache);

/// The script with its statements: itself, or read from its file.
/// @throws Error `unreadable` when its SQL has changed since, and what parse_script throws.
Script whole(const Script& script);

}  // namespace belay::versions

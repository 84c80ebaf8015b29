#include "cli/script_template.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>

#include "cli/failure.h"
#include "versions/spelling.h"
#include "versions/words.h"

namespace belay::cli {

const std::string_view default_template = R"(-- revision: {{revision}}
-- parents:  {{parents}}
-- message:  {{message}}
-- created:  {{created}}
-- author:   {{author}}

-- migrate:up


-- migrate:down

)";

const std::string_view default_config = R"(# belay's configuration; docs/configuration.md describes every key.
# ${NAME} and ${NAME:-default} are taken from the environment.

database = "sqlite:app.db"     # relative paths are relative to this file
versions = "versions"          # the migration scripts
schema   = "schema.sql"        # the schema that the scripts should add up to
template = "template.sql"      # what `belay new` starts from

# [journal]
# keep_runs  = 100             # how much of the past is kept
# keep_bytes = "256MiB"

# [recovery]
# policy = "forward"           # an interrupted run is finished; "back": left at its last whole revision

# [hooks]                      # SQL files, or commands
# before_migrate = "hooks/before.sql"
# after_each     = "./notify.sh"

# [autogenerate]
# ignore = ["audit_*"]         # tables and other objects that are somebody else's

# [env.production]             # chosen by -e production or BELAY_ENV=production
# database  = "${DATABASE_URL}"
# protected = true             # stamp and downgrade to base are refused
)";

const std::string_view default_schema =
    R"(-- The schema that the database should have once every migration script has run.
-- Change it, then: belay revision --autogenerate -m "what has changed"
-- Beside a column, a table or an index that you rename, say so, like title here (docs/autogenerate.md).
--
-- CREATE TABLE rooms (
--   id    INTEGER PRIMARY KEY,
--   code  TEXT NOT NULL UNIQUE,
--   title TEXT NOT NULL  -- @renamed from=name
-- );
)";

std::string fill_template(std::string_view text, const Placeholders& values, const std::string& file) {
  std::string result;
  while (true) {
    const auto open = text.find("{{");
    result += text.substr(0, open);
    if (open == std::string_view::npos) return result;
    text.remove_prefix(open + 2);
    const auto close = text.find("}}");
    if (close == std::string_view::npos)
      throw Error(exit_config, "bad-template", fmt::format("{}: {{{{ without }}}}", file), "close the placeholder");
    std::string_view name = text.substr(0, close);
    while (name.starts_with(' ')) name.remove_prefix(1);
    while (name.ends_with(' ')) name.remove_suffix(1);
    const auto value = std::find_if(values.begin(), values.end(), [&](const auto& pair) { return pair.first == name; });
    if (value == values.end()) {
      std::vector<std::string_view> names;
      for (const auto& pair : values) names.push_back(pair.first);
      const auto near = versions::nearest(name, names);
      throw Error(exit_config, "bad-template", fmt::format("{}: there is no placeholder {{{{{}}}}}", file, name),
                  near.empty() ? fmt::format("there are {}", fmt::join(names, ", "))
                               : fmt::format("did you mean {{{{{}}}}}?", near));
    }
    result += value->second;
    text.remove_prefix(close + 2);
  }
}

namespace {

/// Whether a line is this marker, with options or without.
bool is_marker(std::string_view line, std::string_view marker) {
  if (!line.starts_with(marker)) return false;
  const auto rest = line.substr(marker.size());
  return rest.empty() || versions::is_blank(rest.front());
}

std::string with_reason(std::string_view line, const std::string& reason) {
  std::string quoted;
  for (const char c : reason)
    quoted += c == '"' ? std::string("\"\"") : std::string(1, c == '\n' || c == '\r' ? ' ' : c);
  while (!line.empty() && versions::is_blank(line.back())) line.remove_suffix(1);
  return fmt::format("{} irreversible:\"{}\"", line, quoted);
}

std::string_view take_line(std::string_view& text) {
  const auto line = text.substr(0, text.find('\n'));
  text.remove_prefix(std::min(line.size() + 1, text.size()));
  return line;
}

/// The blank lines that a template keeps room with are not needed any more; one stays between two sections.
void close_gap(std::string_view& text, std::string& result) {
  bool gap = false;
  while (!text.empty() && versions::trim(text.substr(0, text.find('\n'))).empty()) {
    take_line(text);
    gap = true;
  }
  if (gap && !text.empty()) result += '\n';
}

}  // namespace

std::string fill_sections(std::string_view text, const Sections& sections, const std::string& file) {
  std::string result;
  bool has_up = false;
  bool has_down = false;
  while (!text.empty()) {
    const auto line = take_line(text);
    const bool up = !has_up && is_marker(line, "-- migrate:up");
    const bool down = !has_down && is_marker(line, "-- migrate:down");
    const bool to_base = down && !sections.irreversible.empty();
    result += to_base ? with_reason(line, sections.irreversible) : std::string(line);
    result += '\n';
    if (!up && !down) continue;
    (up ? has_up : has_down) = true;
    if (!to_base) result += up ? sections.up : sections.down;
    close_gap(text, result);
  }
  if (has_up && has_down) return result;
  throw Error(
      exit_config, "bad-template",
      fmt::format("{}: it has no line -- migrate:{}, so that nothing can be put there", file, has_up ? "down" : "up"),
      "give it the lines -- migrate:up and -- migrate:down");
}

std::string slug(std::string_view message) {
  constexpr std::size_t size_max = 60;
  std::string result;
  for (const char c : message) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte >= 0x80 || std::isalnum(byte) != 0)
      result += static_cast<char>(byte < 0x80 ? std::tolower(byte) : byte);
    else if (!result.empty() && result.back() != '_')
      result += '_';
  }
  if (result.size() > size_max) {
    std::size_t end = size_max;
    while (end > 0 && (static_cast<unsigned char>(result[end]) & 0xC0U) == 0x80U) --end;
    result.resize(end);
  }
  while (result.ends_with('_')) result.pop_back();
  return result;
}

}  // namespace belay::cli

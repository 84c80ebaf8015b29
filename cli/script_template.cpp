#include "cli/script_template.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>

#include "cli/failure.h"
#include "versions/spelling.h"

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

# [env.production]             # chosen by -e production or BELAY_ENV=production
# database  = "${DATABASE_URL}"
# protected = true             # stamp and downgrade to base are refused
)";

const std::string_view default_schema =
    R"(-- The schema that the database should have once every migration script has run.
--
-- CREATE TABLE rooms (
--   id   INTEGER PRIMARY KEY,
--   code TEXT NOT NULL UNIQUE
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

#include "cli/new_script.h"

#include <fmt/format.h>
#include <pwd.h>
#include <unistd.h>

#include <algorithm>
#include <iterator>
#include <utility>

#include "cli/files.h"
#include "cli/script_template.h"
#include "engine/clock.h"
#include "versions/error.h"
#include "versions/script.h"

namespace belay::cli {
namespace {

namespace fs = std::filesystem;

std::string author() {
  const passwd* user = getpwuid(geteuid());
  return user ? user->pw_name : "";
}

/// `2026-11-22T12:54:53Z` becomes `20261122125453`.
std::string digits_of(const std::string& time) {
  std::string digits;
  std::copy_if(time.begin(), time.end(), std::back_inserter(digits), [](char c) { return c >= '0' && c <= '9'; });
  return digits;
}

/// The time as an id, moved on where two scripts were made in one second.
std::string free_id(const versions::Graph& graph, const std::string& created) {
  auto number = std::stoll(digits_of(created));
  while (graph.find({std::to_string(number)})) ++number;
  return std::to_string(number);
}

/// A header holds a message on one line.
std::string on_one_line(std::string message) {
  for (char& c : message)
    if (c == '\n' || c == '\r' || c == '\t') c = ' ';
  const auto first = message.find_first_not_of(' ');
  if (first == std::string::npos)
    throw Error(exit_usage, "usage", "a revision needs a message", "belay new \"add rooms\"");
  return message.substr(first, message.find_last_not_of(' ') - first + 1);
}

std::string template_text(const Config& config) {
  const fs::path file = config.folder / config.script_template;
  return fs::exists(file) ? read_file(file) : std::string(default_template);
}

fs::path file_of(const Config& config, const std::string& id, const std::string& message) {
  const std::string name_slug = slug(message);
  return (config.folder / config.versions / (id + (name_slug.empty() ? "" : "_" + name_slug) + ".sql"))
      .lexically_normal();
}

[[noreturn]] void several_heads(const versions::Graph& graph, const std::vector<std::size_t>& heads) {
  throw Error(exit_refused, "several-heads", "there are several heads: " + parents_text(graph, heads),
              "say which with --parent REV, or join them: belay merge -m \"merge\"");
}

}  // namespace

std::string NewScript::shown_file() const {
  return file.lexically_proximate(fs::current_path()).string();
}

NewScript new_script(const Config& config, const versions::Graph& graph, const std::string& message,
                     std::vector<std::size_t> parents) {
  NewScript script{.id = {},
                   .message = on_one_line(message),
                   .created = engine::utc_now(),
                   .author = author(),
                   .parents = std::move(parents),
                   .file = {}};
  script.id = free_id(graph, script.created);
  script.file = file_of(config, script.id, script.message);
  return script;
}

std::string script_from_template(const Config& config, const versions::Graph& graph, const NewScript& script) {
  const Placeholders values{{"revision", script.id},
                            {"parents", parents_text(graph, script.parents)},
                            {"message", script.message},
                            {"created", script.created},
                            {"author", script.author}};
  std::string text = fill_template(template_text(config), values, config.script_template.string());
  try {
    versions::parse_script(text, script.file);  // What is written must be read again.
  } catch (versions::Error& error) {
    const fs::path broken = config.folder / config.script_template;  // By hand. No placeholder makes a second line.
    if (fs::exists(broken)) error.at(broken, error.line());
    throw;
  }
  return text;
}

void write_new(const fs::path& file, const std::string& text) {
  if (!write_new_file(file, text))
    throw Error(exit_refused, "exists", file.string() + " is there already", "run the command again");
}

std::vector<std::size_t> chosen_parents(Context& context) {
  const auto& graph = context.graph();
  const auto& words = context.options().parents;
  if (words.size() == 1 && words[0] == "base") return {};
  std::vector<std::size_t> parents;
  parents.reserve(words.size());
  for (const auto& word : words) parents.push_back(graph.resolve(word));
  if (!words.empty()) return parents;
  parents = graph.heads();
  if (parents.size() > 1) several_heads(graph, parents);
  return parents;
}

std::string parents_text(const versions::Graph& graph, const std::vector<std::size_t>& parents) {
  std::string text;
  for (const auto parent : parents) text += (text.empty() ? "" : ", ") + graph.scripts()[parent].id.text;
  return text.empty() ? "base" : text;
}

}  // namespace belay::cli

#include <fmt/format.h>
#include <pwd.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <system_error>

#include "cli/commands.h"
#include "cli/consent.h"
#include "cli/files.h"
#include "cli/json.h"
#include "cli/result.h"
#include "cli/script_template.h"
#include "engine/clock.h"

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

std::string parents_text(const versions::Graph& graph, const std::vector<std::size_t>& parents) {
  std::string text;
  for (const auto parent : parents) text += (text.empty() ? "" : ", ") + graph.scripts()[parent].id.text;
  return text.empty() ? "base" : text;
}

fs::path file_of(const Config& config, const std::string& id, const std::string& message) {
  const std::string name_slug = slug(message);
  return (config.folder / config.versions / (id + (name_slug.empty() ? "" : "_" + name_slug) + ".sql"))
      .lexically_normal();
}

void write_new(const fs::path& file, const std::string& text) {
  if (!write_new_file(file, text))
    throw Error(exit_refused, "exists", file.string() + " is there already", "run the command again");
}

int write_script(Context& context, const std::vector<std::size_t>& parents) {
  const auto& config = context.config();
  const auto& graph = context.graph();
  const auto& options = context.options();
  const std::string created = engine::utc_now();
  const std::string id = free_id(graph, created);
  const std::string message = on_one_line(options.message);
  const Placeholders values{{"revision", id},
                            {"parents", parents_text(graph, parents)},
                            {"message", message},
                            {"created", created},
                            {"author", author()}};
  const std::string text = fill_template(template_text(config), values, config.script_template.string());
  const fs::path file = file_of(config, id, message);

  // What is written must be read again: a template may have been broken by hand.
  versions::parse_script(text, file);
  auto& terminal = context.terminal();
  if (options.to_stdout) {
    terminal.data(terminal.json() ? dump({{"revision", id}, {"file", nullptr}, {"text", text}}) : text);
    return exit_done;
  }
  if (!options.dry_run) write_new(file, text);
  const fs::path shown = file.lexically_proximate(fs::current_path());
  if (terminal.json())
    terminal.data(dump({{"revision", id}, {"file", file.string()}}));
  else
    terminal.say(fmt::format("{} {}", options.dry_run ? "would write" : "wrote", shown.string()));
  return exit_done;
}

std::vector<std::size_t> resolved(const versions::Graph& graph, const std::vector<std::string>& words) {
  std::vector<std::size_t> positions;
  positions.reserve(words.size());
  for (const auto& word : words) positions.push_back(graph.resolve(word));
  return positions;
}

[[noreturn]] void several_heads(const versions::Graph& graph, const std::vector<std::size_t>& heads) {
  throw Error(exit_refused, "several-heads", "there are several heads: " + parents_text(graph, heads),
              "say which with --parent REV, or join them: belay merge -m \"merge\"");
}

// --- The schema as it is ---

/// Crash between the script and its stamp: the same command again finds the script and only stamps it.
Json write_baseline(Context& context, const std::string& words) {
  if (context.config().is_protected) refuse_protected("a baseline");
  auto& migrator = context.migrator();
  auto& terminal = context.terminal();
  const auto& options = context.options();
  const std::string created = engine::utc_now();
  const std::string message = on_one_line(words);
  std::string id = free_id(migrator.graph(), created);
  fs::path file = file_of(context.config(), id, message);
  const auto baseline =
      migrator.plan_baseline({.id = id, .message = message, .created = created, .author = author()}, file);
  if (!baseline.existing.empty()) {
    id = baseline.existing;
    file = migrator.graph().find({id})->file;
  }
  Json json{{"ok", true}, {"exit", 0}, {"revision", id}, {"file", file.string()}, {"stamped", false}};
  if (options.to_stdout) {
    json["text"] = baseline.text;
    if (!terminal.json()) terminal.data(baseline.text);
    return json;
  }
  const std::string shown = file.lexically_proximate(fs::current_path()).string();
  if (options.dry_run) {
    terminal.say(fmt::format("would write {} and record it as applied", shown));
    return json;
  }
  if (!baseline.text.empty()) {
    write_new(file, baseline.text);
    terminal.say("wrote " + shown);
  }
  const auto report = migrator.stamp_baseline(id, context.command_line());
  json["stamped"] = true;
  terminal.say("the database is at " + place(report.to, migrator.graph()));
  return json;
}

}  // namespace

int new_revision(Context& context) {
  if (context.options().baseline) {
    if (!context.options().parents.empty())
      throw Error(exit_usage, "usage", "a baseline has no parent", "belay revision --baseline -m \"as found\"");
    const Json json = write_baseline(context, context.options().message);
    if (context.terminal().json()) context.terminal().data(dump(json));
    return exit_done;
  }
  const auto& graph = context.graph();
  const auto& words = context.options().parents;
  if (words.size() == 1 && words[0] == "base") return write_script(context, {});
  const auto parents = words.empty() ? graph.heads() : resolved(graph, words);
  if (words.empty() && parents.size() > 1) several_heads(graph, parents);
  return write_script(context, parents);
}

int merge(Context& context) {
  const auto& graph = context.graph();
  const auto& words = context.options().revisions;
  auto parents = words.empty() ? graph.heads() : resolved(graph, words);
  std::sort(parents.begin(), parents.end());
  parents.erase(std::unique(parents.begin(), parents.end()), parents.end());
  if (parents.size() < 2)
    throw Error(exit_usage, "usage", "a merge joins two revisions at least, and there is only one head",
                "belay heads shows them");
  for (const auto parent : parents) {
    const auto above = graph.ancestors({parent});
    for (const auto other : parents)
      if (other != parent && above[other])
        throw Error(exit_usage, "usage",
                    fmt::format("{} already comes after {}: there is nothing to join", graph.scripts()[parent].id.text,
                                graph.scripts()[other].id.text),
                    "belay history --graph shows the branches");
  }
  return write_script(context, parents);
}

// --- init ---

namespace {

void make_folder(const fs::path& folder) {
  std::error_code error;
  fs::create_directories(folder, error);
  if (error || !fs::is_directory(folder))
    throw Error(exit_unavailable, "cannot-write",
                fmt::format("the folder {} cannot be made: {}", folder.string(),
                            error ? error.message() : "there is a file of that name"),
                "look at the path and its permissions");
}

/// The one setting that is known from the command line.
std::string config_text(const Options& options) {
  std::string text(default_config);
  if (!options.from_db || !options.database) return text;
  std::string url;
  for (const char c : *options.database) {
    if (c == '"' || c == '\\') url += '\\';
    url += c;
  }
  constexpr std::string_view preset = "sqlite:app.db";
  return text.replace(text.find(preset), preset.size(), url);
}

}  // namespace

int init(Context& context) {
  const auto& options = context.options();
  const fs::path folder =
      options.revisions.empty() ? fs::current_path() : fs::absolute(options.revisions[0]).lexically_normal();
  const std::string settings = config_text(options);
  const std::array<std::pair<const char*, std::string_view>, 3> files{
      {{"belay.toml", settings}, {"template.sql", default_template}, {"schema.sql", default_schema}}};
  Json created = Json::array();
  Json kept = Json::array();
  const auto note = [&](const fs::path& file, bool is_new) {
    (is_new ? created : kept).push_back(file.string());
    context.terminal().say(
        fmt::format("  {} {}", is_new ? "+" : "=", file.lexically_proximate(fs::current_path()).string()));
  };

  const bool had_versions = fs::is_directory(folder / "versions");
  if (!options.dry_run) make_folder(folder / "versions");
  note(folder / "versions", !had_versions);
  for (const auto& [name, content] : files)
    note(folder / name, options.dry_run ? !fs::exists(folder / name) : write_new_file(folder / name, content));
  Json json{{"ok", true}, {"exit", 0}, {"created", created}, {"kept", kept}};
  if (options.from_db && !options.dry_run) {
    fs::current_path(folder);  // From here on as in any other project.
    json.update(write_baseline(context, "as found"));
  }
  if (context.terminal().json())
    context.terminal().data(dump(json));
  else if (!options.from_db)
    context.terminal().say("next: belay new \"first tables\"");
  return exit_done;
}

}  // namespace belay::cli

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <system_error>
#include <utility>
#include <vector>

#include "cli/commands.h"
#include "cli/consent.h"
#include "cli/files.h"
#include "cli/json.h"
#include "cli/new_script.h"
#include "cli/result.h"
#include "cli/script_template.h"

namespace belay::cli {
namespace {

namespace fs = std::filesystem;

int write_script(Context& context, std::vector<std::size_t> parents) {
  const auto& config = context.config();
  const auto script = new_script(config, context.graph(), context.options().message, std::move(parents));
  const std::string text = script_from_template(config, context.graph(), script);
  auto& terminal = context.terminal();
  if (context.options().to_stdout) {
    terminal.data(terminal.json() ? dump({{"revision", script.id}, {"file", nullptr}, {"text", text}}) : text);
    return exit_done;
  }
  const bool dry_run = context.options().dry_run;
  if (!dry_run) write_new(script.file, text);
  if (terminal.json())
    terminal.data(dump({{"revision", script.id}, {"file", script.file.string()}}));
  else
    terminal.say(fmt::format("{} {}", dry_run ? "would write" : "wrote", script.shown_file()));
  return exit_done;
}

std::vector<std::size_t> resolved(const versions::Graph& graph, const std::vector<std::string>& words) {
  std::vector<std::size_t> positions;
  positions.reserve(words.size());
  for (const auto& word : words) positions.push_back(graph.resolve(word));
  return positions;
}

// --- The schema as it is ---

/// Crash between the script and its stamp: the same command again finds the script and only stamps it.
Json write_baseline(Context& context, const std::string& words) {
  if (context.config().is_protected) refuse_protected("a baseline");
  auto& migrator = context.migrator();
  auto& terminal = context.terminal();
  const auto& options = context.options();
  auto script = new_script(context.config(), migrator.graph(), words, {});
  auto& [id, message, created, author, parents, file] = script;
  const auto baseline =
      migrator.plan_baseline({.id = id, .message = message, .created = created, .author = author}, file);
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
  const std::string shown = script.shown_file();
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
  if (context.options().autogenerate) return autogenerate(context);
  return write_script(context, chosen_parents(context));
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

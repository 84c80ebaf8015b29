#include <fmt/format.h>

#include <array>
#include <filesystem>
#include <sstream>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "cli/commands.h"
#include "cli/files.h"
#include "cli/json.h"
#include "engine/error.h"
#include "engine/replay.h"
#include "recovery/foreign_tools.h"
#include "versions/error.h"
#include "versions/plan.h"
#include "versions/schema/difference.h"
#include "versions/spelling.h"
#include "versions/statement.h"

namespace belay::cli {
namespace {

using engine::DatabaseUrl;
using versions::schema::Difference;
using versions::schema::Schema;

/// One of the two that are compared.
struct Source {
  std::string name;  ///< As a person is told of it.
  Schema schema;
};

/// What kind of database scripts are tried on.
DatabaseUrl scratch_like(Context& context) {
  if (context.config().database.empty()) return {"sqlite", ""};
  return context.migrator().places().url;
}

Source read_database(Context& context, const DatabaseUrl& url, std::string name) {
  const auto connection = engine::connect(url, {.lock_timeout = context.options().lock_timeout, .read_only = true});
  connection->stop_on(context.stop_token());
  return {std::move(name), recovery::live_schema(*connection, context.config().version_table)};
}

Source read_own_database(Context& context) {
  const DatabaseUrl url = context.migrator().places().url;
  const std::string name = "the database " + hide_secrets(context.config().database);
  if (!engine::exists(url)) return {name + " (not there yet)", {}};
  return read_database(context, url, name);
}

Source read_versions(Context& context, std::string_view target) {
  const auto& graph = context.graph();
  const std::vector<bool> none(graph.size());
  std::vector<bool> chosen = none;
  if (target != "base")
    for (const auto* script : versions::plan_upgrade(graph, none, target).revisions)
      chosen[graph.position(script->id)] = true;
  engine::Replay scratch(scratch_like(context), context.config().version_table);
  scratch.connection().stop_on(context.stop_token());
  engine::replay(scratch, graph, chosen);
  return {fmt::format("the scripts up to {}", target), scratch.schema()};
}

Source read_sql(Context& context, const std::string& file) {
  const std::string text = read_file(file);
  engine::Replay scratch(scratch_like(context), context.config().version_table);
  scratch.connection().stop_on(context.stop_token());
  try {
    scratch.run(file, versions::split_statements(text));
  } catch (versions::Error& error) {
    error.at(file, error.line());
    throw;
  } catch (engine::Error& error) {
    error.next("correct the file");
    throw;
  }
  return {file, scratch.schema()};
}

/// A word that is neither of those above, and may be one of them misspelt.
Source read_url(Context& context, const std::string& word) {
  constexpr std::array<std::string_view, 2> known{"db", "versions"};
  const auto near = versions::nearest(word.substr(0, word.find(':')), known);
  if (!near.empty() && !std::filesystem::exists(word))
    throw Error(exit_usage, "usage", fmt::format("\"{}\" is nothing to compare; did you mean {}?", word, near),
                "belay diff --help");
  try {
    return read_database(context, DatabaseUrl::parse(word, context.config().folder), hide_secrets(word));
  } catch (const engine::Error& error) {
    if (error.code() != engine::ErrorCode::bad_url) throw;
    throw Error(exit_usage, "bad-url", error.what(), error.next());
  }
}

Source read_source(Context& context, const std::string& word) {
  constexpr std::string_view versions = "versions:";
  if (word == "db") return read_own_database(context);
  if (word == "versions") return read_versions(context, "heads");
  if (word.starts_with(versions)) return read_versions(context, std::string_view(word).substr(versions.size()));
  return word.ends_with(".sql") ? read_sql(context, word) : read_url(context, word);
}

Json to_json(const std::vector<Difference>& differences) {
  Json json = Json::array();
  for (const auto& difference : differences)
    json.push_back({{"kind", std::string(name_of(difference.kind))},
                    {"object", difference.name},
                    {"type", std::string(name_of(difference.type))},
                    {"details", difference.details}});
  return json;
}

void print(Terminal& terminal, const Difference& difference) {
  const auto& [sign, color] = difference.kind == Difference::Kind::added     ? std::pair('+', Color::green)
                              : difference.kind == Difference::Kind::removed ? std::pair('-', Color::red)
                                                                             : std::pair('~', Color::yellow);
  terminal.data(terminal.paint(color, fmt::format("{} {} {}", sign, name_of(difference.type), difference.name)));
  for (const auto& detail : difference.details) terminal.data("    " + detail);
}

/// The SQL of what only one of the two has.
void print_sql(Terminal& terminal, const Difference& difference, const Schema& schema) {
  const auto* object = schema.find(difference.type, difference.name);
  if (object == nullptr) return;
  std::istringstream lines(object->sql);
  for (std::string line; std::getline(lines, line);) terminal.data("    " + line);
}

}  // namespace

int diff(Context& context) {
  const auto& words = context.options().revisions;
  if (words.size() > 2) throw Error(exit_usage, "usage", "diff compares two schemas, no more", "belay diff --help");
  const Source from = read_source(context, !words.empty() ? words[0] : "db");
  const Source to = read_source(context, words.size() > 1 ? words[1] : "versions");
  const auto differences = compare(from.schema, to.schema);
  const int exit = context.options().exit_code && !differences.empty() ? exit_differences : exit_done;
  auto& terminal = context.terminal();
  if (terminal.json()) {
    terminal.data(dump(
        {{"ok", true}, {"exit", exit}, {"from", from.name}, {"to", to.name}, {"differences", to_json(differences)}}));
    return exit;
  }
  terminal.note(differences.empty() ? fmt::format("no difference between {} and {}", from.name, to.name)
                                    : fmt::format("what turns {} into {}:", from.name, to.name));
  for (const auto& difference : differences) {
    print(terminal, difference);
    if (!context.options().verbose || difference.kind == Difference::Kind::changed) continue;
    print_sql(terminal, difference, difference.kind == Difference::Kind::added ? to.schema : from.schema);
  }
  return exit;
}

}  // namespace belay::cli

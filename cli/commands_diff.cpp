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
#include "engine/schema_migration.h"
#include "recovery/autogenerate.h"
#include "recovery/foreign_tools.h"
#include "recovery/schema_file.h"
#include "versions/error.h"
#include "versions/plan.h"
#include "versions/schema/difference.h"
#include "versions/schema/rename_match.h"
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
  std::vector<versions::schema::RenameHint> hints{};  ///< Of a file of SQL.
};

/// What kind of database scripts are tried on.
DatabaseUrl scratch_like(Context& context) {
  if (context.config().database.empty()) return {"sqlite", ""};
  return context.migrator().places().url;
}

engine::Replay scratch(Context& context) {
  engine::Replay replay(scratch_like(context), context.config().version_table, context.config().ignored);
  replay.connection().stop_on(context.stop_token());
  return replay;
}

Source read_database(Context& context, const DatabaseUrl& url, std::string name) {
  const auto connection = engine::connect(url, {.lock_timeout = context.options().lock_timeout, .read_only = true});
  connection->stop_on(context.stop_token());
  return {std::move(name),
          recovery::live_schema(*connection, context.config().version_table, context.config().ignored)};
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
  auto replay = scratch(context);
  engine::replay(replay, graph, chosen);
  return {fmt::format("the scripts up to {}", target), replay.schema()};
}

Source read_sql(Context& context, const std::string& file) {
  read_file(file);  // Says best why it cannot be read.
  auto replay = scratch(context);
  auto [text, schema] = recovery::read_schema_file(file, replay);
  return {file, std::move(schema), versions::schema::read_rename_hints(text, file)};
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

/// The statements that turn one into the other, as autogenerate would write them; nothing is asked and nothing refused,
/// because nothing is written.
std::string sql_between(Context& context, const Source& from, const Source& to) {
  const auto renames = renames_that_apply(to.hints, from.schema, to.schema);
  for (const auto& rename : suspected_renames(from.schema, to.schema, renames))
    context.terminal().note(fmt::format("{}{} is dropped, and {} is new: was it renamed? Then say so beside it: {}",
                                        rename.table.empty() ? "" : rename.table + ".", rename.from, rename.to,
                                        hint_of(rename)));
  auto replay = scratch(context);
  replay.load(from.schema);
  return versions::schema::to_sql(engine::migrate_schema(replay, to.schema, renames));
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
  const bool as_sql = context.options().sql;
  const std::string sql = as_sql ? sql_between(context, from, to) : "";
  if (terminal.json()) {
    Json json{
        {"ok", true}, {"exit", exit}, {"from", from.name}, {"to", to.name}, {"differences", to_json(differences)}};
    if (as_sql) json["sql"] = sql;
    terminal.data(dump(json));
    return exit;
  }
  terminal.note(differences.empty() ? fmt::format("no difference between {} and {}", from.name, to.name)
                                    : fmt::format("what turns {} into {}:", from.name, to.name));
  if (as_sql && !sql.empty()) terminal.data(sql);
  if (as_sql) return exit;
  for (const auto& difference : differences) {
    print(terminal, difference);
    if (!context.options().verbose || difference.kind == Difference::Kind::changed) continue;
    print_sql(terminal, difference, difference.kind == Difference::Kind::added ? to.schema : from.schema);
  }
  return exit;
}

}  // namespace belay::cli

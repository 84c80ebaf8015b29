#include "recovery/baseline.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "engine/replay.h"
#include "recovery/clues.h"
#include "recovery/migrator.h"
#include "versions/error.h"
#include "versions/schema/alteration.h"
#include "versions/schema/migration.h"
#include "versions/schema/order.h"

namespace belay::recovery {
namespace {

using versions::schema::Schema;

Error unprovable(const std::string& why) {
  return Error(ErrorCode::unknown_schema, "no script can be written that makes exactly this schema: " + why)
      .next("belay new, and write by hand what makes it; then: belay recover fix-state");
}

}  // namespace

SchemaSql sql_of(const Schema& schema) {
  SchemaSql sql;
  for (const auto* object : versions::schema::in_order(schema)) {
    sql.up.push_back(object->sql);
    sql.down.push_back(versions::schema::drop(*object));
  }
  std::ranges::reverse(sql.down);
  return sql;
}

std::string baseline_script(const Schema& schema, const ScriptHeader& header) {
  std::string text = fmt::format("-- revision: {}\n-- parents:  base\n-- message:  {}\n-- created:  {}\n", header.id,
                                 header.message, header.created);
  if (!header.author.empty()) text += fmt::format("-- author:   {}\n", header.author);
  text += "\n-- The schema as it was found when belay took the database over.\n\n-- migrate:up\n";
  const auto sql = sql_of(schema);
  for (const auto& statement : sql.up) text += versions::schema::with_semicolon(statement) + "\n\n";
  text += "-- migrate:down\n";
  for (const auto& statement : sql.down) text += statement + ";\n";
  return text;
}

void prove_baseline(const versions::Script& script, const Schema& schema, const engine::DatabaseUrl& like,
                    const std::string& version_table, const std::vector<std::string>& ignored) {
  engine::Replay replay(like, version_table, ignored);
  try {
    replay.up(script);
    const auto differences = versions::schema::compare(replay.schema(), schema);
    if (!differences.empty()) throw unprovable(describe(differences));
    replay.down(script);
  } catch (const engine::Error& error) {
    throw unprovable(fmt::format("{} ({}:{})", error.what(), error.file(), error.line()));
  }
  if (!replay.schema().empty()) throw unprovable("its down section leaves something behind");
}

// --- The front door ---

namespace {

Error no_baseline(const std::string& why, const std::string& next) {
  return Error(ErrorCode::not_applicable, "there is no place for a baseline: " + why).next(next);
}

void require_room(const Findings& findings, const versions::Graph& graph) {
  if (findings.has_run_to_settle())
    throw Error(ErrorCode::unfinished_run, "a run was interrupted, and has to be settled first").next("belay recover");
  const bool stamped_by_own_run = findings.has_own_run() && graph.size() == 1 && findings.stamps.size() == 1 &&
                                  findings.stamps[0].revision == graph.scripts()[0].id;
  if (!findings.stamps.empty() && !stamped_by_own_run)
    throw no_baseline("the version table says that revisions are applied",
                      "put their scripts back; or, if they are gone for good, forget them: belay stamp base");
  if (graph.size() > 1)
    throw no_baseline("there are scripts already", "belay recover fix-state finds out which of them are applied");
  if (findings.live.empty())
    throw no_baseline("the database has nothing that a script could make", "belay new \"first tables\"");
}

}  // namespace

Baseline Migrator::plan_baseline(const ScriptHeader& header, const std::filesystem::path& file) {
  require_nobody_at_work(places_);
  const Findings findings = find_out(settings_, places_, stop_);
  require_room(findings, graph());
  if (graph().size() == 1) {
    prove_baseline(graph().scripts()[0], findings.live, places_.url, settings_.version_table, settings_.ignored);
    return {.text = {}, .existing = graph().scripts()[0].id.text};
  }
  Baseline baseline{.text = baseline_script(findings.live, header), .existing = {}};
  try {
    prove_baseline(versions::parse_script(baseline.text, file), findings.live, places_.url, settings_.version_table,
                   settings_.ignored);
  } catch (const versions::Error& error) {
    throw unprovable(error.what());
  }
  return baseline;
}

Report Migrator::stamp_baseline(const std::string& id, const std::string& command) {
  graph_.reset();
  return fix_state({.to = id, .backup = false}, command);
}

}  // namespace belay::recovery

#include "engine/replay.h"

#include <fmt/format.h>

#include <array>
#include <limits>
#include <string_view>
#include <utility>

#include "engine/batch.h"
#include "engine/planned.h"
#include "engine/rebuild_guard.h"
#include "engine/version_table.h"
#include "versions/schema/names.h"
#include "versions/schema/parser.h"

namespace belay::engine {
namespace {

using journal::Action;
using journal::PlannedRevision;
using journal::PlannedStatement;
using journal::PlannedStep;
using versions::schema::Object;
using versions::schema::ObjectType;
using versions::schema::Schema;

constexpr const char* untouched = "nothing was changed: this was tried on a scratch database";

/// `CREATE TABLE sqlite_sequence`: the shell's .schema prints it, and SQLite makes it by itself.
bool makes_internal_table(const versions::Statement& statement) {
  const auto definition = versions::schema::parse_object(statement.text);
  const auto* table = std::get_if<versions::schema::Table>(&definition);
  return table != nullptr && versions::schema::fold(table->name).starts_with("sqlite_");
}

std::vector<std::string> left_out(const std::string& version_table, std::vector<std::string> ignored) {
  for (auto& table : own_tables(version_table)) ignored.push_back(std::move(table));
  return ignored;
}

}  // namespace

Replay::Replay(const DatabaseUrl& like, const std::string& version_table, std::vector<std::string> ignored)
    : connection_(connect_scratch(like)), introspector_(left_out(version_table, std::move(ignored))) {
  connection_->begin();
  VersionTable(*connection_, version_table).create("scratch");
  connection_->commit();
}

/// Tables before what hangs on them; a view may be made before what it reads.
void Replay::load(const Schema& schema) {
  constexpr std::array order{ObjectType::table, ObjectType::virtual_table, ObjectType::view, ObjectType::index,
                             ObjectType::trigger};
  for (const ObjectType type : order)
    for (const auto& object : schema.objects()) {
      if (object->type != type) continue;
      try {
        connection_->query(object->sql);
      } catch (Error& error) {
        error.at(fmt::format("{} {}", name_of(type), object->name), 1, object->sql).state(untouched);
        throw;
      }
    }
}

void Replay::up(const versions::Script& script, const AfterStep& after_step) {
  run(planned(script, Action::up), after_step);
}

void Replay::down(const versions::Script& script, const AfterStep& after_step) {
  run(planned(script, Action::down), after_step);
}

void Replay::run(const std::string& file, const std::vector<versions::Statement>& statements) {
  auto wanted = statements;
  std::erase_if(wanted, makes_internal_table);
  run(planned_hook(file, wanted));
}

void Replay::run(const PlannedRevision& revision, const AfterStep& after_step) {
  try {
    connection_->reset_session();
    std::size_t done = 0;
    for (const auto& step : revision.steps) {
      run_step(revision, step);
      if (after_step) after_step(++done);
    }
    commit();
  } catch (Error& error) {
    abandon();
    error.state(untouched);
    throw;
  }
}

void Replay::abandon() {
  connection_->rollback();
  schema_version_.reset();  // A number that was rolled back comes up again for another schema.
}

void Replay::commit() {
  if (connection_->in_transaction()) connection_->commit();
}

void Replay::run_step(const PlannedRevision& revision, const PlannedStep& step) {
  if (!step.transactional)
    commit();
  else if (!connection_->in_transaction())
    connection_->begin();
  if (step.batch_rows > 0) return run_batch(revision, step);
  const std::string& file = step.name.ends_with(".sql") ? step.name : revision.file;  // A hook's step, as in a run.
  std::optional<RebuildGuard> guard;
  if (step.is_rebuild()) guard.emplace(*connection_, revision, step, RebuildGuard::Scope::schema);
  for (const auto& statement : step.statements) run_statement(file, statement);
  if (guard) guard->check();
}

/// All rows are one slice.
void Replay::run_batch(const PlannedRevision& revision, const PlannedStep& step) {
  const auto& statement = step.statements.at(0);
  PlannedStep whole = step;
  whole.batch_rows = std::numeric_limits<std::int64_t>::max();
  try {
    BatchWalk walk(*connection_, whole, "");
    while (const auto slice = walk.next())
      connection_->run({statement.text, revision.file, statement.line},
                       std::array{Parameter{":lo", slice->low}, Parameter{":hi", slice->high}});
  } catch (Error& error) {
    error.at(revision.file, statement.line, statement.text);
    throw;
  }
}

void Replay::run_statement(const std::string& file, const PlannedStatement& statement) {
  if (versions::schema::fold(statement.text).find("writable_schema") != std::string::npos) trust_version_ = false;
  connection_->run({statement.text, file, statement.line}, {});
}

bool Replay::attempt(const std::function<bool()>& work) {
  connection_->savepoint();
  bool stays = false;
  try {
    stays = work();
  } catch (const Error& error) {
    if (error.code() != ErrorCode::statement_failed && error.code() != ErrorCode::constraint_violated) throw;
  }
  if (stays) {
    connection_->release_savepoint();
    return true;
  }
  connection_->rollback_to_savepoint();
  schema_version_.reset();
  return false;
}

const Schema& Replay::schema() {
  const auto rows = connection_->query("PRAGMA main.schema_version");
  const auto version = std::get<std::int64_t>(rows.at(0).at(0));
  if (trust_version_ && schema_version_ == version) return schema_;
  schema_ = introspector_.read(*connection_);
  schema_version_ = version;
  return schema_;
}

std::string describe(const ReplayPoint& point) {
  if (point.revision == nullptr) return "base";
  const auto& script = *point.revision;
  if (point.is_whole()) return "revision " + script.id.text;
  const int line = point.steps_done == 0 ? 0 : script.up.at(point.steps_done - 1).line;
  return fmt::format("revision {} after step {} of {} ({}:{})", script.id.text, point.steps_done, point.steps,
                     script.file.string(), line);
}

void replay(Replay& replay, const versions::Graph& graph, const std::vector<bool>& chosen,
            const std::function<void(const ReplayPoint&)>& at_point) {
  if (at_point) at_point({});
  for (std::size_t i = 0; i < graph.size(); ++i) {
    if (!chosen.at(i)) continue;
    const auto& script = graph.scripts()[i];
    const auto tell = [&](std::size_t done) { at_point({&script, done, script.up.size()}); };
    const bool has_steps = !script.up.empty();
    replay.up(script, at_point && has_steps ? Replay::AfterStep(tell) : Replay::AfterStep());
    if (at_point && !has_steps) at_point({&script, 0, 0});
  }
}

}  // namespace belay::engine

#include "recovery/baseline.h"

#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <utility>

#include "engine/replay.h"
#include "engine/value.h"
#include "recovery/clues.h"
#include "recovery/migrator.h"
#include "versions/error.h"
#include "versions/schema/lexer.h"
#include "versions/schema/names.h"

namespace belay::recovery {
namespace {

using versions::schema::Object;
using versions::schema::ObjectType;
using versions::schema::Schema;

using Objects = std::vector<const Object*>;

Objects of_type(const Schema& schema, ObjectType type) {
  Objects objects;
  for (const auto& object : schema.objects())
    if (object->type == type) objects.push_back(object.get());
  return objects;
}

bool same_name(const std::string& a, const std::string& b) {
  return versions::schema::fold(a) == versions::schema::fold(b);
}

/// What has a foreign key on another table needs it.
bool refers_to(const Object& child, const Object& parent) {
  const auto* table = std::get_if<versions::schema::Table>(&child.definition);
  if (table == nullptr) return false;
  return std::ranges::any_of(table->constraints, [&](const auto& constraint) {
    return constraint.kind == versions::schema::Constraint::Kind::foreign_key &&
           same_name(constraint.references.table, parent.name);
  });
}

/// A view whose SQL has the name of another one; a column of that name does no harm but to the order.
bool mentions(const Object& view, const Object& other) {
  using versions::schema::TokenKind;
  return std::ranges::any_of(versions::schema::lex(view.sql), [&](const auto& token) {
    const bool name = token.kind == TokenKind::word || token.kind == TokenKind::name;
    return name && same_name(versions::schema::unquoted(token), other.name);
  });
}

/// The order of the catalogue, but what another needs before it. Circles, which SQLite allows, stay as they are.
class Ordered {
 public:
  using Needs = bool (*)(const Object& object, const Object& other);
  Ordered(Objects objects, Needs needs) : objects_(std::move(objects)), needs_(needs), placed_(objects_.size()) {
    for (std::size_t i = 0; i < objects_.size(); ++i) place(i);
  }
  [[nodiscard]] const Objects& result() const { return result_; }

 private:
  void place(std::size_t index) {
    if (placed_[index]) return;
    placed_[index] = true;
    for (std::size_t i = 0; i < objects_.size(); ++i)
      if (!placed_[i] && needs_(*objects_[index], *objects_[i])) place(i);
    result_.push_back(objects_[index]);
  }

  Objects objects_;
  Needs needs_;
  std::vector<bool> placed_;
  Objects result_;
};

Objects in_order(const Schema& schema) {
  Objects all = Ordered(of_type(schema, ObjectType::table), refers_to).result();
  const auto add = [&all](const Objects& more) { all.insert(all.end(), more.begin(), more.end()); };
  add(of_type(schema, ObjectType::virtual_table));
  add(of_type(schema, ObjectType::index));
  add(Ordered(of_type(schema, ObjectType::view), mentions).result());
  add(of_type(schema, ObjectType::trigger));
  return all;
}

std::string drop(const Object& object) {
  const bool is_table = object.type == ObjectType::table || object.type == ObjectType::virtual_table;
  const std::string kind(is_table ? "table" : versions::schema::name_of(object.type));
  std::string word = kind;
  std::ranges::transform(word, word.begin(), [](char c) { return static_cast<char>(c - 'a' + 'A'); });
  return fmt::format("DROP {} {}", word, engine::quoted_name(object.name));
}

/// A comment at the very end would hide a semicolon behind it.
std::string ended(const std::string& sql) {
  const auto line = sql.substr(sql.rfind('\n') + 1);
  return sql + (line.find("--") == std::string::npos ? ";\n" : "\n;\n");
}

Error unprovable(const std::string& why) {
  return Error(ErrorCode::unknown_schema, "no script can be written that makes exactly this schema: " + why)
      .next("belay new, and write by hand what makes it; then: belay recover fix-state");
}

}  // namespace

SchemaSql sql_of(const Schema& schema) {
  SchemaSql sql;
  for (const auto* object : in_order(schema)) {
    sql.up.push_back(object->sql);
    sql.down.push_back(drop(*object));
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
  for (const auto& statement : sql.up) text += ended(statement) + "\n";
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

#include "recovery/reset.h"

#include <fmt/format.h>

#include <algorithm>
#include <unordered_map>
#include <utility>

#include "engine/planned.h"
#include "engine/replay.h"
#include "recovery/foreign_tools.h"
#include "versions/plan.h"
#include "versions/schema/alteration.h"
#include "versions/schema/names.h"
#include "versions/schema/order.h"

namespace belay::recovery {
namespace {

using engine::Replay;
using journal::Action;
using journal::PlannedRevision;
using versions::schema::Object;
using versions::schema::ObjectType;
using versions::schema::Schema;

constexpr const char* drop_name = "drop what is left";

std::string text_of(const Object& object) {
  return fmt::format("{} {}", name_of(object.type), object.name);
}

std::vector<std::string> texts_of(const Schema& schema) {
  std::vector<std::string> texts;
  for (const auto& object : schema.objects()) texts.push_back(text_of(*object));
  return texts;
}

Replay scratch_for(const ResetInput& input) {
  Replay scratch(input.url, input.version_table);
  scratch.connection().stop_on(input.stop);
  return scratch;
}

// --- What no revision knows ---

using Names = std::set<std::string>;

void collect(Names& names, const Schema& schema) {
  for (const auto& object : schema.objects())
    names.insert(fmt::format("{} {}", name_of(object->type), versions::schema::fold(object->name)));
}

/// What the applied revisions make. Where a run was interrupted nobody can say how much of it is there: then all that
/// any revision makes at any time.
Names made_by_revisions(const ResetInput& input) {
  Names names;
  Replay replay = scratch_for(input);
  const bool unsure = input.situation.interrupted.has_value();
  for (std::size_t i = 0; i < input.graph.size(); ++i) {
    if (!unsure && !input.situation.applied.at(i)) continue;
    const auto note = [&](std::size_t /*done*/) { collect(names, replay.schema()); };
    try {
      replay.up(input.graph.scripts()[i], unsure ? Replay::AfterStep(note) : Replay::AfterStep());
    } catch (const engine::Error& error) {
      if (error.code() == engine::ErrorCode::interrupted) throw;
      // An edited script, or one that needs another: what it makes counts as unknown.
    }
  }
  collect(names, replay.schema());
  return names;
}

bool is_known(const Names& known, const Object& object) {
  return known.contains(fmt::format("{} {}", name_of(object.type), versions::schema::fold(object.name)));
}

bool is_ignored(const ResetInput& input, const Object& object) {
  return std::ranges::any_of(input.ignored, [&object](const auto& glob) {
    return versions::schema::fits_glob(glob, object.name) || versions::schema::fits_glob(glob, object.table);
  });
}

/// What is somebody else's stays where it is, unless a revision makes it, and would find it in its way.
Schema without_ignored(const Schema& schema, const Names& known, const ResetInput& input) {
  Schema::Objects objects;
  for (const auto& object : schema.objects())
    if (is_known(known, *object) || !is_ignored(input, *object)) objects.push_back(object);
  return Schema(std::move(objects));
}

std::vector<std::string> unknown_in(const Schema& live, const Names& known) {
  std::vector<std::string> unknown;
  for (const auto& object : live.objects())
    if (!is_known(known, *object)) unknown.push_back(text_of(*object));
  return unknown;
}

// --- Down, as far as it goes ---

/// The applied revisions, newest first: those that have a script in the order of the graph.
class Applied {
 public:
  explicit Applied(const ResetInput& input) : input_(input) {
    for (std::size_t i = 0; i < input.situation.stamps.size(); ++i) {
      const auto& stamp = input.situation.stamps[i];
      order_.emplace(stamp.revision.text, i);
      if (!input.graph.find(stamp.revision)) newest_missing_ = i;
    }
    for (std::size_t i = input.graph.size(); i-- > 0;)
      if (input.situation.applied.at(i)) scripts_.push_back(&input.graph.scripts()[i]);
  }

  [[nodiscard]] const std::vector<const versions::Script*>& scripts() const { return scripts_; }

  /// Why this one cannot be taken back by its script; empty when it can be tried.
  [[nodiscard]] std::string obstacle(const versions::Script& script) const {
    const auto& id = script.id.text;
    if (newest_missing_ && order_.at(id) < *newest_missing_)
      return fmt::format("revision {} has no script", input_.situation.stamps[*newest_missing_].revision.text);
    if (script.irreversible) return fmt::format("revision {} is irreversible: {}", id, *script.irreversible);
    if (!script.down) return fmt::format("revision {} has no down section", id);
    if (input_.failed.contains(id)) return fmt::format("the down section of revision {} has failed", id);
    return "";
  }

  [[nodiscard]] std::string obstacle_behind_all() const {
    if (!newest_missing_) return "";
    return fmt::format("revision {} has no script", input_.situation.stamps[*newest_missing_].revision.text);
  }

 private:
  const ResetInput& input_;
  std::unordered_map<std::string, std::size_t> order_;
  std::optional<std::size_t> newest_missing_;
  std::vector<const versions::Script*> scripts_;
};

PlannedRevision planned(const ResetInput& input, const versions::Script& script, Action action) {
  auto revision = engine::planned(script, action);
  input.add_hooks(revision);
  return revision;
}

/// The way down, and what it leaves.
struct Descent {
  std::vector<PlannedRevision> downs;
  Schema left;
  std::string why;  ///< It does not reach base.
};

Descent descend(const ResetInput& input, const Schema& live, Replay& scratch) {
  Descent descent{.downs = {}, .left = live, .why = {}};
  const Applied applied(input);
  for (const auto& hook : input.before_run) scratch.run(hook);
  descent.left = scratch.schema();
  for (const auto* script : applied.scripts()) {
    if (descent.why = applied.obstacle(*script); !descent.why.empty()) return descent;
    auto down = planned(input, *script, Action::down);
    try {
      scratch.run(down);
    } catch (const engine::Error& error) {
      if (error.code() == engine::ErrorCode::interrupted) throw;
      descent.why = fmt::format("the down section of revision {} fails: {}", script->id.text, error.what());
      return descent;
    }
    descent.left = scratch.schema();
    descent.downs.push_back(std::move(down));
  }
  descent.why = applied.obstacle_behind_all();
  return descent;
}

/// What a scratch database cannot make, an application has made by modules or functions of its own. Nothing that could
/// be done without them is known to work.
void load(Replay& scratch, const Schema& live) {
  try {
    scratch.load(live);
  } catch (engine::Error& error) {
    error.next("drop it with the program that made it, then: belay reset");
    throw;
  }
}

// --- The plan ---

void append_unstamps(std::vector<PlannedRevision>& plan, const ResetInput& input, const Names& taken_back) {
  const auto& stamps = input.situation.stamps;
  for (auto stamp = stamps.rbegin(); stamp != stamps.rend(); ++stamp) {
    if (taken_back.contains(stamp->revision.text)) continue;
    plan.push_back(engine::planned_unstamp(*stamp));
  }
}

/// Behind the down sections: the drops first, so that the stamps behind them share their transaction.
std::vector<PlannedRevision> plan_of(const ResetInput& input, const Descent& descent) {
  std::vector<PlannedRevision> plan = descent.downs;
  Names taken_back;
  for (const auto& down : plan) taken_back.insert(down.revision);
  const auto drops = drop_statements(descent.left);
  const bool stamps_left = taken_back.size() < input.situation.stamps.size();
  if (!drops.empty() || stamps_left) {
    plan.push_back(engine::planned_hook(drop_name, drops));
    plan.back().message =
        fmt::format("{} of the schema", drops.size() == 1 ? "1 object" : fmt::format("{} objects", drops.size()));
  }
  append_unstamps(plan, input, taken_back);
  const std::vector<bool> none(input.graph.size());
  for (const auto* script : versions::plan_upgrade(input.graph, none, "head").revisions)
    plan.push_back(planned(input, *script, Action::up));
  if (plan.empty()) return plan;
  plan.insert(plan.begin(), input.before_run.begin(), input.before_run.end());
  plan.insert(plan.end(), input.after_run.begin(), input.after_run.end());
  return plan;
}

/// All of it, on a scratch database: what fails here would have failed with the data gone.
void rehearse(const ResetInput& input, const Schema& live, const std::vector<PlannedRevision>& plan) {
  Replay scratch = scratch_for(input);
  load(scratch, live);
  try {
    for (const auto& revision : plan) scratch.run(revision);
  } catch (engine::Error& error) {
    error.next("correct the script, then: belay reset");
    throw;
  }
}

}  // namespace

/// An index goes with its table.
std::vector<versions::Statement> drop_statements(const Schema& schema) {
  auto objects = versions::schema::in_order(schema);
  std::ranges::reverse(objects);
  std::vector<versions::Statement> statements;
  for (const auto* object : objects)
    if (object->type != ObjectType::index)
      statements.push_back({.text = versions::schema::drop(*object), .line = static_cast<int>(statements.size()) + 1});
  return statements;
}

ResetPlan plan_reset(const ResetInput& input) {
  const Schema live = input.live ? live_schema(*input.live, input.version_table) : Schema();
  Replay scratch = scratch_for(input);
  load(scratch, live);
  const Names known = live.empty() ? Names() : made_by_revisions(input);
  Descent descent = descend(input, live, scratch);
  descent.left = without_ignored(descent.left, known, input);

  ResetPlan plan;
  plan.run = plan_of(input, descent);
  plan.unknown = unknown_in(without_ignored(live, known, input), known);
  plan.dropped = texts_of(descent.left);
  plan.why_dropped = descent.why;
  rehearse(input, live, plan.run);
  return plan;
}

std::optional<std::string> failed_down(const ResetPlan& plan, const engine::Error& error,
                                       const std::vector<versions::Stamp>& stamps) {
  using enum engine::ErrorCode;
  const bool by_what_it_does =
      error.code() == statement_failed || error.code() == constraint_violated || error.code() == refused_statement;
  if (!by_what_it_does) return std::nullopt;
  for (const auto& planned : plan.run) {
    if (planned.action != Action::down || planned.file != error.file()) continue;
    const auto is_it = [&planned](const auto& stamp) { return stamp.revision.text == planned.revision; };
    if (std::ranges::any_of(stamps, is_it)) return planned.revision;  // Else it was the up section that failed.
  }
  return std::nullopt;
}

}  // namespace belay::recovery

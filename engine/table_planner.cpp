#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <utility>

#include "engine/schema_planner.h"
#include "versions/schema/alteration.h"
#include "versions/schema/names.h"
#include "versions/schema/wording.h"
#include "versions/words.h"

// How a table becomes another one (docs/autogenerate.md).

namespace belay::engine {
namespace {

using versions::equal_ignoring_case;
using versions::schema::Change;
using versions::schema::MigrationStep;
using versions::schema::Object;
using versions::schema::ObjectType;
using versions::schema::Renames;
using versions::schema::Table;
using versions::schema::TableCopy;
using versions::schema::VirtualTable;

/// The columns of one table that the other does not have.
std::vector<std::string> dropped_columns(const Object& from, const Object& to) {
  std::vector<std::string> names;
  const auto* before = std::get_if<Table>(&from.definition);
  const auto* after = std::get_if<Table>(&to.definition);
  if (before == nullptr || after == nullptr) return names;
  for (const auto& column : before->columns)
    if (after->find(column.name) == nullptr) names.push_back(column.name);
  return names;
}

/// The table as it would be if SQLite could rename its columns.
Object renamed(Object object, const Renames& renames) {
  auto* table = std::get_if<Table>(&object.definition);
  if (table == nullptr || renames.empty()) return object;
  const auto rename = [&renames](std::string& name) {
    for (const auto& one : renames)
      if (equal_ignoring_case(one.from, name)) {
        name = one.to;
        return;
      }
  };
  for (auto& column : table->columns) rename(column.name);
  for (auto& constraint : table->constraints)
    for (auto& column : constraint.columns) rename(column.name);
  return object;
}

}  // namespace

/// What a full-text index over another table knows is made from that.
void fill_index(const Object& wanted, MigrationStep& step) {
  const auto* table = std::get_if<VirtualTable>(&wanted.definition);
  if (table == nullptr || !reads_other_table(*table)) return;
  step.statements.push_back(
      fmt::format("INSERT INTO {0} ({0}) VALUES ('rebuild')", versions::schema::written_name(wanted.name)));
}

// --- ALTER TABLE ---

SchemaPlanner::Steps SchemaPlanner::alter_steps(const Object& object, const Object& wanted) const {
  const auto statements = versions::schema::alteration(object, wanted);
  if (statements.empty()) return {};
  Steps steps;
  auto next = statements.begin();
  const auto add = [&](const char* kind, const char* verb, const std::string& column, const char* preposition) {
    steps.push_back({.changes = {{kind, ObjectType::table, wanted.name + "." + column, {}}},
                     .comment = {fmt::format("{} {} {} {}", verb, column, preposition, wanted.name)},
                     .statements = {*next++},
                     .rebuild = {}});
  };
  for (const auto& column : dropped_columns(object, wanted)) add("drop-column", "drop column", column, "of");
  for (const auto& column : dropped_columns(wanted, object)) add("add-column", "add column", column, "to");
  return steps;
}

/// An index stands in the way of DROP COLUMN.
bool SchemaPlanner::alter(const Object& object, const Object& wanted) {
  Steps alterations = alter_steps(object, wanted);
  if (alterations.empty()) return false;
  Steps steps;
  if (alterations.front().changes.front().kind == "drop-column")
    for (const auto* index : indexes_of(scratch_.schema(), wanted.name))
      if (!is_kept(*index)) steps.push_back(drop_step(*index));
  std::ranges::move(alterations, std::back_inserter(steps));
  const bool done = scratch_.attempt([&] {
    for (const auto& step : steps) perform(step);
    return is_reached(wanted);
  });
  if (done) std::ranges::move(steps, std::back_inserter(steps_));
  return done;
}

// --- Rebuild ---

/// The columns of a table that take their new names when it is made anew.
Renames SchemaPlanner::copied_renames(const std::string& table) const {
  Renames renames;
  std::ranges::copy_if(by_copy_, std::back_inserter(renames),
                       [&table](const Rename& one) { return equal_ignoring_case(one.table, table); });
  return renames;
}

/// What changes about a table that is made anew, its indexes among it.
std::vector<Change> SchemaPlanner::rebuild_changes(const TableCopy& copy) const {
  const Object& wanted = copy.to;
  const Object object = renamed(copy.from, copy.renames);
  std::vector<Change> changes{{"rebuild-table", wanted.type, wanted.name, {}}};
  for (const auto& rename : copy.renames) {
    changes[0].details.push_back(fmt::format("column {}: renamed to {}", rename.from, rename.to));
    changes.push_back({"rename-column", ObjectType::table, wanted.name + "." + rename.to, {"was " + rename.from}});
  }
  for (auto& detail : describe_change(object, wanted))
    if (copy.renames.empty() || !detail.starts_with("definition ")) changes[0].details.push_back(std::move(detail));
  for (const auto& column : dropped_columns(object, wanted))
    changes.push_back({"drop-column", ObjectType::table, wanted.name + "." + column, {}});
  for (const auto& column : dropped_columns(wanted, object))
    changes.push_back({"add-column", ObjectType::table, wanted.name + "." + column, {}});
  for (const auto* index : indexes_of(before_, wanted.name))
    if (desired_.find(ObjectType::index, index->name) == nullptr) changes.push_back(change_of("drop", *index));
  for (const auto* index : indexes_of(desired_, wanted.name))
    if (const auto* old = before_.find(ObjectType::index, index->name); old == nullptr || old->digest != index->digest)
      changes.push_back(create_change(*index));
  return changes;
}

MigrationStep SchemaPlanner::rebuild_step(const TableCopy& copy) {
  MigrationStep step;
  step.changes = rebuild_changes(copy);
  step.comment = {fmt::format("rebuild {}, for what ALTER TABLE cannot do:", copy.to.name)};
  for (const auto& detail : step.changes.front().details) step.comment.push_back("  " + detail);
  if (copy.has_readers)
    step.comment.emplace_back("legacy_alter_table makes the rename leave views and triggers alone.");
  step.statements = copy_statements(copy);
  for (const auto* index : indexes_of(desired_, copy.to.name)) step.statements.push_back(index->sql);
  if (copy.to.name.find('\n') == std::string::npos)  // Else no marker can name it.
    step.rebuild = {.table = copy.to.name, .from = scratch_.schema().fingerprint_of(copy.to.name), .to = {}};
  return step;
}

/// Any view or trigger that does not fit its tables makes SQLite refuse the rename, too. And where the text of the
/// table names the table itself only a full rename follows it: then those that read it go first, and come back in the
/// end.
void SchemaPlanner::rebuild(const Object& object, const Object& wanted) {
  TableCopy copy{.from = object, .to = wanted, .new_name = free_name("belay_new_", wanted.name)};
  copy.renames = copied_renames(wanted.name);
  copy.has_readers = has_readers(wanted.name);
  if (try_rebuild(copy)) return;
  if (!std::exchange(copy.has_readers, true) && try_rebuild(copy)) return;
  drop_readers_of(wanted.name);
  copy.has_readers = false;
  copy.rewrite_own_name = true;
  if (try_rebuild(copy)) return;
  perform(rebuild_step(copy));  // Says what the database has against it.
  prove();
}

bool SchemaPlanner::try_rebuild(const TableCopy& copy) {
  MigrationStep step = rebuild_step(copy);
  const bool done = scratch_.attempt([&] {
    perform(step);
    return is_reached(copy.to);
  });
  scratch_.connection().query("PRAGMA legacy_alter_table = OFF");
  if (!done) return false;
  if (step.rebuild) step.rebuild->to = scratch_.schema().fingerprint_of(copy.to.name);
  steps_.push_back(std::move(step));
  return true;
}

/// Its rows are copied where that is possible; else what it knew is gone.
void SchemaPlanner::replace_virtual(const Object& object, const Object& wanted) {
  const auto& from = std::get<VirtualTable>(object.definition);
  const auto& to = std::get<VirtualTable>(wanted.definition);
  TableCopy copy{.from = object, .to = wanted, .new_name = free_name("belay_new_", wanted.name)};
  copy.has_readers = has_readers(wanted.name);
  if (can_be_copied(from) && can_be_copied(to) && equal_ignoring_case(from.module, to.module)) {
    copy.columns = common_columns(wanted);
    if (!copy.columns.empty() && try_rebuild(copy)) return;
  }
  MigrationStep step = create_step(wanted);
  step.statements.insert(step.statements.begin(), drop(object));
  fill_index(wanted, step);
  take(std::move(step));
}

/// The columns of a virtual table that the new one has as well; only the database knows them. The one of hidden columns
/// that holds something of a row's own is the language.
std::vector<std::string> SchemaPlanner::common_columns(const Object& wanted) {
  const auto language = language_column(std::get<VirtualTable>(wanted.definition)).value_or("");
  const auto columns = [&](const std::string& table) {
    std::vector<std::string> names;
    const auto rows = scratch_.connection().query(
        fmt::format("SELECT name FROM pragma_table_xinfo({}) WHERE hidden = 0 OR lower(name) = lower({})",
                    versions::schema::quoted_string(table), versions::schema::quoted_string(language)));
    names.reserve(rows.size());
    for (const auto& row : rows) names.push_back(std::get<std::string>(row.at(0)));
    return names;
  };
  const auto old = columns(wanted.name);
  std::vector<std::string> now;
  scratch_.attempt([&] {
    const std::string name = free_name("belay_new_", wanted.name);
    scratch_.connection().query(versions::schema::with_name(wanted.sql, name));
    now = columns(name);
    return false;
  });
  std::erase_if(now, [&](const auto& name) {
    return std::ranges::none_of(old, [&](const auto& other) { return equal_ignoring_case(name, other); });
  });
  return now;
}

}  // namespace belay::engine

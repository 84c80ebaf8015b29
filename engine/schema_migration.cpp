#include "engine/schema_migration.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>

#include "engine/schema_planner.h"
#include "versions/schema/alteration.h"
#include "versions/schema/difference.h"
#include "versions/schema/names.h"
#include "versions/schema/order.h"
#include "versions/schema/wording.h"
#include "versions/words.h"

namespace belay::engine {
namespace {

using versions::equal_ignoring_case;
using versions::schema::Change;
using versions::schema::MigrationStep;
using versions::schema::Object;
using versions::schema::ObjectType;
using versions::schema::Rename;
using versions::schema::Renames;
using versions::schema::Schema;

bool is_table(const Object& object) {
  return object.type == ObjectType::table || object.type == ObjectType::virtual_table;
}

bool is_reader(const Object& object) {
  return object.type == ObjectType::view || object.type == ObjectType::trigger;
}

/// The type as a change's kind has it: tables are tables.
std::string word_of(const Object& object) {
  return is_table(object) ? "table" : std::string(name_of(object.type));
}

MigrationStep drop_column_step(const std::string& table, const std::string& column) {
  return {.changes = {{"drop-column", ObjectType::table, table + "." + column, {}}},
          .comment = {fmt::format("drop column {} of {}", column, table)},
          .statements = {versions::schema::drop_column(table, column)},
          .rebuild = {}};
}

MigrationStep rename_step(const Rename& rename) {
  const bool of_table = rename.kind == Rename::Kind::table;
  const std::string& table = of_table ? rename.from : rename.table;
  MigrationStep step;
  step.statements = {of_table ? versions::schema::rename_table(table, rename.to)
                              : versions::schema::rename_column(table, rename.from, rename.to)};
  step.comment = {of_table ? fmt::format("rename table {} to {}", rename.from, rename.to)
                           : fmt::format("rename column {} of {} to {}", rename.from, table, rename.to)};
  step.changes = {{of_table ? "rename-table" : "rename-column",
                   ObjectType::table,
                   of_table ? rename.to : table + "." + rename.to,
                   {"was " + rename.from}}};
  return step;
}

}  // namespace

std::string title(const Object& object) {
  return fmt::format("{} {}", name_of(object.type), object.name);
}

Change change_of(const std::string& verb, const Object& object, std::vector<std::string> details) {
  return {verb + "-" + word_of(object), object.type, object.name, std::move(details)};
}

std::vector<const Object*> indexes_of(const Schema& schema, std::string_view table) {
  std::vector<const Object*> indexes;
  for (const auto& object : schema.objects())
    if (object->type == ObjectType::index && equal_ignoring_case(object->table, table)) indexes.push_back(object.get());
  return indexes;
}

SchemaPlanner::Steps SchemaPlanner::run() {
  rename_all(Rename::Kind::table);
  rename_all(Rename::Kind::column);
  before_ = scratch_.schema();
  drop_what_is_in_the_way();
  drop_readers();
  create_tables(ObjectType::table);
  change_tables(ObjectType::table);
  drop_tables();
  create_tables(ObjectType::virtual_table);
  change_tables(ObjectType::virtual_table);
  settle_the_rest();
  prove();
  return std::move(steps_);
}

// --- Doing ---

void SchemaPlanner::perform(const MigrationStep& step) {
  for (const auto& statement : step.statements) {
    try {
      scratch_.connection().query(statement);
    } catch (Error& error) {
      error.at(step.changes.empty() ? "the schema" : step.changes.front().object, 1, statement);
      throw;
    }
  }
}

void SchemaPlanner::take(MigrationStep step) {
  perform(step);
  steps_.push_back(std::move(step));
}

/// As far as the database can do them, all or none.
bool SchemaPlanner::attempt(Steps steps) {
  const bool done = scratch_.attempt([&] {
    for (const auto& step : steps) perform(step);
    return true;
  });
  if (done) std::ranges::move(steps, std::back_inserter(steps_));
  return done;
}

// --- Renames ---

/// Each as soon as its new name is free. Where they only change places, one goes by way of a third name.
void SchemaPlanner::rename_all(Rename::Kind kind) {
  Renames open;
  std::ranges::copy_if(renames_, std::back_inserter(open), [kind](const Rename& one) { return one.kind == kind; });
  const auto is_blocked = [&](const Rename& one) {
    return std::ranges::any_of(open, [&](const Rename& other) {
      return &other != &one && equal_ignoring_case(other.table, one.table) && equal_ignoring_case(other.from, one.to);
    });
  };
  while (!open.empty()) {
    const auto free = std::ranges::find_if_not(open, is_blocked);
    const bool is_free = free != open.end();
    const Rename one = is_free ? *free : open.front();
    const std::string name = is_free ? one.to : free_name("belay_old_", one.from);
    if ((is_free && !make_room(one)) || !rename_one({kind, one.table, one.from, name}))
      rename_by_copy(open, one);
    else if (is_free)
      open.erase(free);
    else
      open.front().from = name;
  }
}

/// With all others of its table: what is not renamed keeps a name that another one may be waiting for.
void SchemaPlanner::rename_by_copy(Renames& open, const Rename& failed) {
  const std::string table = failed.table;
  const auto is_there = [&](const Rename& rename) {
    const auto* object = scratch_.schema().find(ObjectType::table, table);
    const auto* found = object == nullptr ? nullptr : std::get_if<versions::schema::Table>(&object->definition);
    return rename.kind == Rename::Kind::column && found != nullptr && found->find(rename.from) != nullptr;
  };
  const auto is_of_table = [&](const Rename& rename) { return equal_ignoring_case(rename.table, table); };
  for (const auto& rename : open) {
    if (!is_of_table(rename)) continue;
    if (!is_there(rename)) perform(rename_step(rename));  // Says what the database has against it.
    by_copy_.push_back(rename);
  }
  std::erase_if(open, is_of_table);
}

/// What has the new name now, and is renamed to nothing, is dropped. A column that something still uses takes another
/// name until its table is rebuilt.
bool SchemaPlanner::make_room(const Rename& rename) {
  if (rename.kind == Rename::Kind::table) {
    for (const auto type : {ObjectType::table, ObjectType::virtual_table})
      if (const auto* there = scratch_.schema().find(type, rename.to)) {
        take({.changes = {change_of("drop", *there)},
              .comment = {"drop " + title(*there)},
              .statements = {drop(*there)},
              .rebuild = {}});
        break;
      }
    return true;
  }
  const auto* object = scratch_.schema().find(ObjectType::table, rename.table);
  const auto* table = object == nullptr ? nullptr : std::get_if<versions::schema::Table>(&object->definition);
  if (table == nullptr || table->find(rename.to) == nullptr) return true;
  if (attempt({drop_column_step(rename.table, rename.to)})) return true;
  return rename_one({rename.kind, rename.table, rename.to, free_name("belay_old_", rename.to)});
}

/// A view or a trigger that does not fit the schema any more stands in the way of every rename; it goes first then, and
/// comes back in the end.
/// @returns whether SQLite can do it.
bool SchemaPlanner::rename_one(const Rename& rename) {
  if (attempt({rename_step(rename)})) return true;
  Steps steps;
  const bool done = scratch_.attempt([&] {
    const auto does = [&](MigrationStep step) {
      perform(step);
      steps.push_back(std::move(step));
    };
    const Schema present = scratch_.schema();
    for (const auto& object : present.objects())
      if (is_reader(*object) && now(*object) != nullptr)
        does({.changes = {},
              .comment = {fmt::format("drop {}, which stands in the way of a rename: it is made anew below",
                                      title(*object))},
              .statements = {drop(*object)},
              .rebuild = {}});
    does(rename_step(rename));
    return true;
  });
  if (done) std::ranges::move(steps, std::back_inserter(steps_));
  return done;
}

/// Views and triggers of others; its own triggers go with it.
bool SchemaPlanner::has_readers(const std::string& table) {
  return std::ranges::any_of(scratch_.schema().objects(), [&](const auto& object) {
    return is_reader(*object) && !equal_ignoring_case(object->table, table) && mentions(*object, table);
  });
}

std::string SchemaPlanner::free_name(const std::string& prefix, const std::string& table) {
  const auto is_taken = [](const Schema& schema, const std::string& name) {
    return std::ranges::any_of(schema.objects(),
                               [&](const auto& object) { return equal_ignoring_case(object->name, name); });
  };
  std::string name = prefix + table;
  while (is_taken(scratch_.schema(), name) || is_taken(desired_, name)) name += "_";
  return name;
}

// --- What goes first ---

bool SchemaPlanner::is_kept(const Object& object) const {
  const auto* wanted = desired_.find(object.type, object.name);
  return wanted != nullptr && wanted->digest == object.digest;
}

/// An index has no rename of its own: it goes, and comes under the other name.
MigrationStep SchemaPlanner::drop_step(const Object& object) const {
  const bool is_renamed = object.type == ObjectType::index && std::ranges::any_of(renames_, [&](const Rename& rename) {
                            return rename.kind == Rename::Kind::index && equal_ignoring_case(rename.from, object.name);
                          });
  const bool comes_back = is_renamed || desired_.find(object.type, object.name) != nullptr;
  return {.changes = comes_back ? std::vector<Change>() : std::vector<Change>{change_of("drop", object)},
          .comment = {"drop " + title(object) + (comes_back ? ", which changes: it is made anew below" : "")},
          .statements = {drop(object)},
          .rebuild = {}};
}

/// All tables, indexes and views share one set of names; an index may also move to another table.
void SchemaPlanner::drop_what_is_in_the_way() {
  for (const auto& object : before_.objects()) {
    if (object->type == ObjectType::trigger) continue;
    const auto* same = desired_.find(object->type, object->name);
    const bool stays = same != nullptr && equal_ignoring_case(same->table, object->table);
    const bool in_the_way = !stays && std::ranges::any_of(desired_.objects(), [&](const auto& wanted) {
      return wanted->type != ObjectType::trigger && equal_ignoring_case(wanted->name, object->name);
    });
    if (in_the_way && now(*object) != nullptr) take(drop_step(*object));
  }
}

/// Views and triggers that go or change would stand in the way of ALTER TABLE, and so would those that read such a
/// view. Where no table changes they are left for the end.
void SchemaPlanner::drop_readers() {
  const bool tables_change = std::ranges::any_of(
      before_.objects(), [&](const auto& object) { return is_table(*object) && !is_kept(*object); });
  if (!tables_change) return;
  for (const auto& object : before_.objects()) {
    if (!is_reader(*object) || is_kept(*object)) continue;
    if (now(*object) != nullptr) take(drop_step(*object));
    if (object->type == ObjectType::view) drop_readers_of(object->name);
  }
}

/// Those that read it, and those that read these.
void SchemaPlanner::drop_readers_of(const std::string& table) {
  const Schema present = scratch_.schema();
  std::vector<std::string> gone{table};
  for (std::size_t i = 0; i < gone.size(); ++i) {
    const std::string name = gone[i];
    for (const auto& object : present.objects()) {
      if (!is_reader(*object) || equal_ignoring_case(object->table, table) || !mentions(*object, name)) continue;
      if (now(*object) == nullptr) continue;
      MigrationStep step = drop_step(*object);
      if (is_kept(*object))
        step.comment = {fmt::format("drop {}, which reads {}: it is made anew below", title(*object), name)};
      take(std::move(step));
      if (object->type == ObjectType::view) gone.push_back(object->name);
    }
  }
}

// --- Tables ---

Change SchemaPlanner::create_change(const Object& wanted) const {
  const auto* old = before_.find(wanted.type, wanted.name);
  if (old != nullptr) return change_of("replace", wanted, describe_change(*old, wanted));
  for (const auto& rename : renames_)
    if (rename.kind == Rename::Kind::index && wanted.type == ObjectType::index &&
        equal_ignoring_case(rename.to, wanted.name))
      return change_of("rename", wanted, {"was " + rename.from});
  return change_of("create", wanted);
}

/// What was there before, the same, has gone with something else and is no change.
MigrationStep SchemaPlanner::create_step(const Object& wanted) const {
  MigrationStep step;
  step.statements = {wanted.sql};
  const auto* old = before_.find(wanted.type, wanted.name);
  if (old != nullptr && old->digest == wanted.digest) {
    step.comment = {title(wanted) + ", as it was: it has gone with another object"};
    return step;
  }
  step.changes = {create_change(wanted)};
  if (old == nullptr)
    step.comment = {"add " + title(wanted)};
  else
    for (const auto& detail : step.changes[0].details)
      step.comment.push_back(fmt::format("change {}: {}", title(wanted), detail));
  return step;
}

void SchemaPlanner::create_tables(ObjectType type) {
  const Schema present = scratch_.schema();
  for (const auto* wanted : in_order(desired_)) {
    if (wanted->type != type || present.find(type, wanted->name) != nullptr) continue;
    MigrationStep step = create_step(*wanted);
    fill_index(*wanted, step);
    for (const auto* index : indexes_of(desired_, wanted->name)) add_index(*index, step);
    take(std::move(step));
  }
}

/// Of a new table, together with it; unless an index that goes still has its name.
void SchemaPlanner::add_index(const Object& index, MigrationStep& step) {
  if (now(index) != nullptr) return;
  step.statements.push_back(index.sql);
  step.changes.push_back(create_change(index));
}

void SchemaPlanner::change_tables(ObjectType type) {
  const Schema present = scratch_.schema();
  for (const auto* wanted : in_order(desired_)) {
    if (wanted->type != type) continue;
    const auto* object = present.find(type, wanted->name);
    const bool by_copy = !copied_renames(wanted->name).empty();
    if (object == nullptr || (object->digest == wanted->digest && !by_copy)) continue;
    if (type == ObjectType::virtual_table)
      replace_virtual(*object, *wanted);
    else if (by_copy || !alter(*object, *wanted))
      rebuild(*object, *wanted);
  }
}

void SchemaPlanner::drop_tables() {
  const Schema present = scratch_.schema();
  auto objects = in_order(present);
  std::ranges::reverse(objects);
  for (const auto* object : objects)
    if (is_table(*object) && desired_.find(object->type, object->name) == nullptr) take(drop_step(*object));
}

// --- What hangs on tables ---

void SchemaPlanner::settle_the_rest() {
  const Schema present = scratch_.schema();
  auto objects = in_order(present);
  std::ranges::reverse(objects);
  for (const auto* object : objects)
    if (!is_table(*object) && desired_.find(object->type, object->name) == nullptr && now(*object) != nullptr)
      take(drop_step(*object));
  for (const auto* wanted : in_order(desired_)) {
    if (is_table(*wanted)) continue;
    const auto* object = now(*wanted);
    if (object != nullptr && object->digest == wanted->digest) continue;
    MigrationStep step = create_step(*wanted);
    if (object != nullptr) step.statements.insert(step.statements.begin(), drop(*object));
    take(std::move(step));
  }
}

void SchemaPlanner::prove() {
  const auto differences = compare(scratch_.schema(), desired_);
  if (differences.empty()) return;
  const auto& first = differences.front();
  throw Error(ErrorCode::statement_failed,
              fmt::format("no statements are known that end at the schema that is wanted: {} {} would still be {}{}",
                          name_of(first.type), first.name, name_of(first.kind),
                          first.details.empty() ? "" : " (" + first.details.front() + ")"))
      .state("nothing was changed: this was tried on a scratch database")
      .next("write the script by hand: belay new");
}

SchemaPlanner::Steps migrate_schema(Replay& scratch, const Schema& desired, const Renames& renames) {
  auto& connection = scratch.connection();
  connection.begin();
  try {
    auto steps = SchemaPlanner(scratch, desired, renames).run();
    connection.commit();
    return steps;
  } catch (...) {
    scratch.abandon();
    throw;
  }
}

}  // namespace belay::engine

#include "engine/schema_migration.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <string>
#include <string_view>
#include <utility>

#include "versions/schema/alteration.h"
#include "versions/schema/difference.h"
#include "versions/schema/names.h"
#include "versions/schema/order.h"
#include "versions/schema/table_copy.h"
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
using versions::schema::Table;
using versions::schema::TableCopy;
using versions::schema::VirtualTable;
using versions::schema::written_name;
using Steps = std::vector<MigrationStep>;

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

std::string title(const Object& object) {
  return fmt::format("{} {}", name_of(object.type), object.name);
}

Change change_of(const std::string& verb, const Object& object, std::vector<std::string> details = {}) {
  return {verb + "-" + word_of(object), object.type, object.name, std::move(details)};
}

std::vector<const Object*> indexes_of(const Schema& schema, const std::string& table) {
  std::vector<const Object*> indexes;
  for (const auto& object : schema.objects())
    if (object->type == ObjectType::index && equal_ignoring_case(object->table, table)) indexes.push_back(object.get());
  return indexes;
}

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

/// What a full-text index over another table knows is made from that.
void fill_index(const Object& wanted, MigrationStep& step) {
  const auto* table = std::get_if<VirtualTable>(&wanted.definition);
  if (table == nullptr || !reads_other_table(*table)) return;
  step.statements.push_back(fmt::format("INSERT INTO {0} ({0}) VALUES ('rebuild')", written_name(wanted.name)));
}

/// Plans by doing: each statement is run on the scratch database as soon as it is written down.
class Planner {
 public:
  Planner(Replay& scratch, const Schema& desired, Renames renames)
      : scratch_(scratch), desired_(desired), renames_(std::move(renames)) {}

  Steps run();

 private:
  void rename_all(Rename::Kind kind);
  void rename_one(const Rename& rename);
  void drop_what_is_in_the_way();
  void drop_readers();
  void create_tables(ObjectType type);
  void change_tables(ObjectType type);
  void drop_tables();
  void settle_the_rest();
  void prove();

  bool alter(const Object& object, const Object& wanted);
  [[nodiscard]] Steps alter_steps(const Object& object, const Object& wanted) const;
  void rebuild(const Object& object, const Object& wanted);
  [[nodiscard]] std::vector<Change> rebuild_changes(const Object& object, const Object& wanted) const;
  MigrationStep rebuild_step(const TableCopy& copy);
  bool try_rebuild(const TableCopy& copy);
  void replace_virtual(const Object& object, const Object& wanted);
  std::vector<std::string> common_columns(const Object& wanted);
  void drop_readers_of(const std::string& table);

  void perform(const MigrationStep& step);
  void take(MigrationStep step);

  [[nodiscard]] MigrationStep drop_step(const Object& object) const;
  [[nodiscard]] MigrationStep create_step(const Object& wanted) const;
  [[nodiscard]] Change create_change(const Object& wanted) const;
  [[nodiscard]] bool is_kept(const Object& object) const;
  [[nodiscard]] const Object* now(const Object& object) { return scratch_.schema().find(object.type, object.name); }
  [[nodiscard]] bool is_reached(const Object& wanted) {
    const auto* object = now(wanted);
    return object != nullptr && object->digest == wanted.digest;
  }
  [[nodiscard]] bool has_readers(const std::string& table);
  std::string free_name(const std::string& prefix, const std::string& table);

  Replay& scratch_;
  const Schema& desired_;
  Renames renames_;
  Schema before_;  ///< The present schema, under its new names.
  Steps steps_;
};

Steps Planner::run() {
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

void Planner::perform(const MigrationStep& step) {
  for (const auto& statement : step.statements) {
    try {
      scratch_.connection().query(statement);
    } catch (Error& error) {
      error.at(step.changes.empty() ? "the schema" : step.changes.front().object, 1, statement);
      throw;
    }
  }
}

void Planner::take(MigrationStep step) {
  perform(step);
  steps_.push_back(std::move(step));
}

// --- Renames ---

/// Each as soon as its new name is free. Where they only change places, one goes by way of a third name.
void Planner::rename_all(Rename::Kind kind) {
  Renames open;
  std::ranges::copy_if(renames_, std::back_inserter(open), [kind](const Rename& one) { return one.kind == kind; });
  const auto is_blocked = [&](const Rename& one) {
    return std::ranges::any_of(open, [&](const Rename& other) {
      return &other != &one && equal_ignoring_case(other.table, one.table) && equal_ignoring_case(other.from, one.to);
    });
  };
  while (!open.empty()) {
    const auto free = std::ranges::find_if_not(open, is_blocked);
    if (free != open.end()) {
      rename_one(*free);
      open.erase(free);
      continue;
    }
    const std::string third = free_name("belay_old_", open.front().from);
    rename_one({kind, open.front().table, open.front().from, third});
    open.front().from = third;
  }
}

/// A view or a trigger that does not fit the schema any more stands in the way of every rename; it goes first then, and
/// comes back in the end.
void Planner::rename_one(const Rename& rename) {
  const bool of_table = rename.kind == Rename::Kind::table;
  const std::string& table = of_table ? rename.from : rename.table;
  MigrationStep step;
  step.statements = {of_table ? versions::schema::rename_table(table, rename.to)
                              : versions::schema::rename_column(table, rename.from, rename.to)};
  step.comment = {of_table ? fmt::format("table {} is called {} from here on", rename.from, rename.to)
                           : fmt::format("column {} of {} is called {} from here on", rename.from, table, rename.to)};
  step.changes = {{of_table ? "rename-table" : "rename-column",
                   ObjectType::table,
                   of_table ? rename.to : table + "." + rename.to,
                   {"was " + rename.from}}};
  const auto does = [&] {
    perform(step);
    return true;
  };
  if (scratch_.attempt(does)) return steps_.push_back(std::move(step));
  const Schema present = scratch_.schema();
  for (const auto& object : present.objects())
    if (is_reader(*object) && scratch_.schema().find(object->type, object->name) != nullptr)
      take({.changes = {},
            .comment = {title(*object) + " would not survive the rename; it is made anew below"},
            .statements = {drop(*object)},
            .rebuild = {}});
  take(std::move(step));
}

/// Views and triggers of others; its own triggers go with it.
bool Planner::has_readers(const std::string& table) {
  return std::ranges::any_of(scratch_.schema().objects(), [&](const auto& object) {
    return is_reader(*object) && !equal_ignoring_case(object->table, table) && mentions(*object, table);
  });
}

std::string Planner::free_name(const std::string& prefix, const std::string& table) {
  const auto is_taken = [](const Schema& schema, const std::string& name) {
    return std::ranges::any_of(schema.objects(),
                               [&](const auto& object) { return equal_ignoring_case(object->name, name); });
  };
  std::string name = prefix + table;
  while (is_taken(scratch_.schema(), name) || is_taken(desired_, name)) name += "_";
  return name;
}

// --- What goes first ---

bool Planner::is_kept(const Object& object) const {
  const auto* wanted = desired_.find(object.type, object.name);
  return wanted != nullptr && wanted->digest == object.digest;
}

MigrationStep Planner::drop_step(const Object& object) const {
  MigrationStep step;
  step.statements = {drop(object)};
  const bool comes_back = desired_.find(object.type, object.name) != nullptr;
  if (!comes_back) step.changes = {change_of("drop", object)};
  step.comment = {title(object) + (comes_back ? " changes; it is made anew below" : " is no longer wanted")};
  return step;
}

/// All tables, indexes and views share one set of names.
void Planner::drop_what_is_in_the_way() {
  const Schema present = scratch_.schema();
  for (const auto& object : present.objects()) {
    if (object->type == ObjectType::trigger || desired_.find(object->type, object->name) != nullptr) continue;
    const bool in_the_way = std::ranges::any_of(desired_.objects(), [&](const auto& wanted) {
      return wanted->type != ObjectType::trigger && equal_ignoring_case(wanted->name, object->name);
    });
    if (in_the_way && now(*object) != nullptr) take(drop_step(*object));
  }
}

/// Views and triggers that go or change would stand in the way of ALTER TABLE. Where no table changes they are left for
/// the end.
void Planner::drop_readers() {
  const bool tables_change = std::ranges::any_of(
      before_.objects(), [&](const auto& object) { return is_table(*object) && !is_kept(*object); });
  if (!tables_change) return;
  for (const auto& object : before_.objects()) {
    if (!is_reader(*object) || is_kept(*object) || now(*object) == nullptr) continue;
    take(drop_step(*object));
  }
}

void Planner::drop_readers_of(const std::string& table) {
  const Schema present = scratch_.schema();
  for (const auto& object : present.objects()) {
    if (!is_reader(*object) || !mentions(*object, table) || now(*object) == nullptr) continue;
    take({.changes = {},
          .comment = {fmt::format("{} reads {}; it is made anew below", title(*object), table)},
          .statements = {drop(*object)},
          .rebuild = {}});
  }
}

// --- Tables ---

Change Planner::create_change(const Object& wanted) const {
  const auto* old = before_.find(wanted.type, wanted.name);
  if (old != nullptr) return change_of("replace", wanted, describe_change(*old, wanted));
  for (const auto& rename : renames_)
    if (rename.kind == Rename::Kind::index && wanted.type == ObjectType::index &&
        equal_ignoring_case(rename.to, wanted.name))
      return change_of("rename", wanted, {"was " + rename.from});
  return change_of("create", wanted);
}

/// What was there before, the same, has gone with something else and is no change.
MigrationStep Planner::create_step(const Object& wanted) const {
  MigrationStep step;
  step.statements = {wanted.sql};
  const auto* old = before_.find(wanted.type, wanted.name);
  if (old != nullptr && old->digest == wanted.digest) {
    step.comment = {title(wanted) + " as it was"};
    return step;
  }
  step.changes = {create_change(wanted)};
  if (old == nullptr)
    step.comment = {title(wanted) + " is new"};
  else
    for (const auto& detail : step.changes[0].details) step.comment.push_back(title(wanted) + ": " + detail);
  return step;
}

void Planner::create_tables(ObjectType type) {
  for (const auto* wanted : in_order(desired_)) {
    if (wanted->type != type || now(*wanted) != nullptr) continue;
    MigrationStep step = create_step(*wanted);
    fill_index(*wanted, step);
    take(std::move(step));
  }
}

void Planner::change_tables(ObjectType type) {
  for (const auto* wanted : in_order(desired_)) {
    if (wanted->type != type) continue;
    const auto* object = now(*wanted);
    if (object == nullptr || object->digest == wanted->digest) continue;
    const Object old = *object;
    if (type == ObjectType::virtual_table)
      replace_virtual(old, *wanted);
    else if (!alter(old, *wanted))
      rebuild(old, *wanted);
  }
}

void Planner::drop_tables() {
  const Schema present = scratch_.schema();
  auto objects = in_order(present);
  std::ranges::reverse(objects);
  for (const auto* object : objects)
    if (is_table(*object) && desired_.find(object->type, object->name) == nullptr) take(drop_step(*object));
}

// --- ALTER TABLE ---

Steps Planner::alter_steps(const Object& object, const Object& wanted) const {
  const auto statements = versions::schema::alteration(object, wanted);
  if (statements.empty()) return {};
  Steps steps;
  auto next = statements.begin();
  const auto add = [&](const char* kind, const std::string& column, const char* what) {
    steps.push_back({.changes = {{kind, ObjectType::table, wanted.name + "." + column, {}}},
                     .comment = {fmt::format("column {} of {} {}", column, wanted.name, what)},
                     .statements = {*next++},
                     .rebuild = {}});
  };
  for (const auto& column : dropped_columns(object, wanted)) add("drop-column", column, "is no longer wanted");
  for (const auto& column : dropped_columns(wanted, object)) add("add-column", column, "is new");
  return steps;
}

/// An index stands in the way of DROP COLUMN.
bool Planner::alter(const Object& object, const Object& wanted) {
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

/// What changes about a table that is made anew, its indexes among it.
std::vector<Change> Planner::rebuild_changes(const Object& object, const Object& wanted) const {
  std::vector<Change> changes{{"rebuild-table", wanted.type, wanted.name, describe_change(object, wanted)}};
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

MigrationStep Planner::rebuild_step(const TableCopy& copy) {
  MigrationStep step;
  step.changes = rebuild_changes(copy.from, copy.to);
  for (const auto& detail : step.changes.front().details)
    step.comment.push_back(fmt::format("{} is rebuilt: {}", copy.to.name, detail));
  step.statements = copy_statements(copy);
  for (const auto* index : indexes_of(desired_, copy.to.name)) step.statements.push_back(index->sql);
  if (copy.to.name.find('\n') == std::string::npos)  // Else no marker can name it.
    step.rebuild = {.table = copy.to.name, .from = scratch_.schema().fingerprint_of(copy.to.name), .to = {}};
  return step;
}

/// Not finished: somebody else's view or trigger may stand in the way, or the table's text names the table itself. Then
/// those that read it go first and come back in the end.
void Planner::rebuild(const Object& object, const Object& wanted) {
  TableCopy copy{.from = object, .to = wanted, .new_name = free_name("belay_new_", wanted.name)};
  copy.has_readers = has_readers(wanted.name);
  if (try_rebuild(copy)) return;
  drop_readers_of(wanted.name);
  copy.has_readers = false;
  copy.rewrite_own_name = true;
  if (try_rebuild(copy)) return;
  take(rebuild_step(copy));  // Says what the database has against it.
}

bool Planner::try_rebuild(const TableCopy& copy) {
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
void Planner::replace_virtual(const Object& object, const Object& wanted) {
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

/// The columns of a virtual table that the new one has as well; only the database knows them.
std::vector<std::string> Planner::common_columns(const Object& wanted) {
  const auto columns = [this](const std::string& table) {
    std::vector<std::string> names;
    const auto rows = scratch_.connection().query(fmt::format(
        "SELECT name FROM pragma_table_xinfo({}) WHERE hidden = 0", versions::schema::quoted_string(table)));
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

// --- What hangs on tables ---

void Planner::settle_the_rest() {
  const Schema present = scratch_.schema();
  auto objects = in_order(present);
  std::ranges::reverse(objects);
  for (const auto* object : objects)
    if (desired_.find(object->type, object->name) == nullptr && now(*object) != nullptr) take(drop_step(*object));
  for (const auto* wanted : in_order(desired_)) {
    const auto* object = now(*wanted);
    if (object != nullptr && object->digest == wanted->digest) continue;
    MigrationStep step = create_step(*wanted);
    if (object != nullptr) step.statements.insert(step.statements.begin(), drop(*object));
    take(std::move(step));
  }
}

void Planner::prove() {
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

}  // namespace

Steps migrate_schema(Replay& scratch, const Schema& desired, const Renames& renames) {
  auto& connection = scratch.connection();
  connection.begin();
  try {
    auto steps = Planner(scratch, desired, renames).run();
    connection.commit();
    return steps;
  } catch (...) {
    scratch.abandon();
    throw;
  }
}

}  // namespace belay::engine

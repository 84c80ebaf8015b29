#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "engine/replay.h"
#include "versions/schema/migration.h"
#include "versions/schema/rename.h"
#include "versions/schema/schema.h"
#include "versions/schema/table_copy.h"

namespace belay::engine {

/// Behind `migrate_schema`. Plans by doing: each statement is run on the scratch database as soon as it is written
/// down, in this order:
///
///   1. renames of tables and columns, so that from there on names are names; but for columns that SQLite cannot rename
///      (a UNIQUE that repeats the key of a WITHOUT ROWID table), which take their new names in 3., by a rebuild
///   2. drop what goes or changes and would stand in the way of ALTER TABLE: views, triggers
///   3. tables: new ones, parents first; changed ones; then those that go, children first
///   4. indexes, views, triggers: whatever is not as it should be by then
///
/// (schema_planner.cpp; 3. is table_planner.cpp)
class SchemaPlanner {
 public:
  using Steps = std::vector<versions::schema::MigrationStep>;

  SchemaPlanner(Replay& scratch, const versions::schema::Schema& desired, versions::schema::Renames renames)
      : scratch_(scratch), desired_(desired), renames_(std::move(renames)) {}

  Steps run();

 private:
  using Change = versions::schema::Change;
  using MigrationStep = versions::schema::MigrationStep;
  using Object = versions::schema::Object;
  using ObjectType = versions::schema::ObjectType;
  using Rename = versions::schema::Rename;
  using Renames = versions::schema::Renames;
  using Schema = versions::schema::Schema;
  using TableCopy = versions::schema::TableCopy;

  void rename_all(Rename::Kind kind);
  bool make_room(const Rename& rename);
  bool rename_one(const Rename& rename);
  bool attempt(Steps steps);
  void rename_by_copy(Renames& open, const Rename& failed);
  void drop_what_is_in_the_way();
  void drop_readers();
  void create_tables(ObjectType type);
  void add_index(const Object& index, MigrationStep& step);
  void change_tables(ObjectType type);
  void drop_tables();
  void settle_the_rest();
  void prove();

  bool alter(const Object& object, const Object& wanted);
  [[nodiscard]] Steps alter_steps(const Object& object, const Object& wanted) const;
  void rebuild(const Object& object, const Object& wanted);
  [[nodiscard]] Renames copied_renames(const std::string& table) const;
  [[nodiscard]] std::vector<Change> rebuild_changes(const TableCopy& copy) const;
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
  Renames by_copy_;  ///< Those of columns that are still to be done, from what the columns are called now.
  Schema before_;    ///< The present schema, under its new names.
  Steps steps_;
};

/// `table rooms`
std::string title(const versions::schema::Object& object);

/// `create-table rooms`, with the verb.
versions::schema::Change change_of(const std::string& verb, const versions::schema::Object& object,
                                   std::vector<std::string> details = {});

std::vector<const versions::schema::Object*> indexes_of(const versions::schema::Schema& schema, std::string_view table);

/// What a full-text index over another table knows is made from that.
void fill_index(const versions::schema::Object& wanted, versions::schema::MigrationStep& step);

}  // namespace belay::engine

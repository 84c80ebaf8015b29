#include "tests/autogenerate/judge.h"

#include <fmt/format.h>

#include <algorithm>

#include "recovery/migrator.h"
#include "tests/autogenerate/expectation.h"
#include "tests/autogenerate/rows.h"
#include "versions/script.h"

namespace belay::proof {
namespace {

using versions::schema::Hazard;
using versions::schema::Renames;

/// A check that was not passed.
struct Wrong : std::runtime_error {
  using std::runtime_error::runtime_error;
};

void require(bool right, const std::string& what) {
  if (!right) throw Wrong(what);
}

void require_equal(const std::string& found, const std::string& expected, const std::string& what) {
  require(found == expected, what + "\n  found:    " + found + "\n  expected: " + expected);
}

/// The lines that only one of the two has.
std::string difference(const std::vector<std::string>& found, const std::vector<std::string>& expected) {
  std::string text;
  std::vector<std::string> only;
  std::ranges::set_difference(found, expected, std::back_inserter(only));
  for (const auto& line : only) text += "\n  found:    " + line;
  only.clear();
  std::ranges::set_difference(expected, found, std::back_inserter(only));
  for (const auto& line : only) text += "\n  expected: " + line;
  return text;
}

/// In no order: that of the tables is SQLite's own.
std::string integrity_of(Database& database) {
  std::multiset<std::string> found;
  for (const auto& row : database.rows("PRAGMA integrity_check")) found.insert(row.at(0));
  return joined({found.begin(), found.end()});
}

/// One case on its way through the checks.
class Trial {
 public:
  Trial(const Case& it, const engine::Folder& folder, Verdict& verdict)
      : it_(it), verdict_(verdict), file_(folder / "app.db"), script_(folder / "versions" / "001_change.sql") {
    settings_.database = "app.db";
    settings_.folder = folder.path();
    settings_.lock_timeout = {};
    settings_.backup_before = recovery::BackupBefore::never;
  }

  void run() {
    make_database();
    const Generated generated = generated_script();
    renames_ = it_.renames.empty() ? generated.renames : it_.renames;
    require(generated.renames.size() == renames_.size() || !generated.anything, "not every rename was understood");
    up_ = std::make_unique<Expectation>(expect(before_, it_.desired, renames_));
    if (!generated.anything) return require_equal(fingerprint_, fingerprint_of_fresh(it_.desired), "nothing is to do");
    require_warnings(generated);
    if (generated.refused) return check_refusal(generated);
    require(up_->obstacle.empty(), "it should have been refused: " + up_->obstacle);
    check_upgrade(generated);
    check_lossy(generated);
    check_plain(generated);
    check_downgrade(generated);
  }

 private:
  void make_database();
  Generated generated_script();
  std::string fingerprint_of_fresh(const std::string& schema);
  void require_warnings(const Generated& generated) const;
  [[nodiscard]] bool warns_of(const Generated& generated, const std::string& table, const std::string& column) const;
  void check_refusal(const Generated& generated);
  void check_upgrade(const Generated& generated);
  void check_plain(const Generated& generated);
  void check_lossy(const Generated& generated);
  void check_downgrade(const Generated& generated);
  void check_database(Database& found, Expectation& expected, const std::string& when) const;
  static void check_table(Database& found, const TableInfo& table, Expectation& expected, const std::string& when);
  void check_untouched(const std::string& when);
  void check_unchanged_objects(const Generated& generated);
  /// What the run throws; empty when it does not.
  std::string failure(bool up);

  const Case& it_;
  Verdict& verdict_;
  std::filesystem::path file_;
  std::filesystem::path script_;
  recovery::Settings settings_;
  engine::Observer quiet_;
  Database before_;  // A copy of what there was.
  Renames renames_;  // Those that were told, or stand in the schema.
  std::string fingerprint_;
  std::set<std::string> objects_;
  std::unique_ptr<Expectation> up_;
};

void Trial::make_database() {
  before_.run(it_.current);
  if (it_.rows) seed_rows(before_, it_.seed);
  before_.run(it_.insert);
  Database file(file_.string());
  file.run("PRAGMA synchronous = OFF");
  file.copy_from(before_);
  fingerprint_ = fingerprint_of(file_);
  objects_ = objects_of(file_);
}

Generated Trial::generated_script() {
  Generated generated;
  try {
    recovery::Migrator migrator(settings_, quiet_);
    generated = generate(migrator, it_.desired, it_.renames, {});
  } catch (const std::runtime_error& error) {
    throw Wrong(fmt::format("it cannot be generated: {}", error.what()));
  }
  verdict_.script = generated.script;
  verdict_.hazards = generated.kinds();
  check_untouched("generating");
  if (generated.anything) engine::write_file(script_, it_.tamper ? it_.tamper(generated.script) : generated.script);
  return generated;
}

std::string Trial::fingerprint_of_fresh(const std::string& schema) {
  const std::string fresh = file_.string() + "-fresh";
  std::filesystem::remove(fresh);
  Database database(fresh);
  database.run("PRAGMA synchronous = OFF;" + schema);
  return fingerprint_of(fresh);
}

/// @param column  by its old name; it may have another one now, so that a hazard of the table will do.
bool Trial::warns_of(const Generated& generated, const std::string& table, const std::string& column) const {
  const std::string wanted = renames_.empty() ? column : "";
  return generated.warns(Hazard::Kind::lossy_cast, table, wanted) ||
         generated.warns(Hazard::Kind::deletes_data, table, wanted);
}

/// Whatever is taken away has been told.
void Trial::require_warnings(const Generated& generated) const {
  for (const auto& table : up_->dropped)
    require(generated.warns(Hazard::Kind::deletes_data, table),
            fmt::format("nothing says that table {} is deleted", table));
  for (const auto& [table, column] : up_->lost)
    require(generated.warns(Hazard::Kind::deletes_data, table, column) ||
                generated.warns(Hazard::Kind::lossy_cast, table, column),
            fmt::format("nothing says that column {} of {} is deleted", column, table));
  for (const auto& hazard : generated.hazards)
    require(!hazard.message.empty() && hazard.count >= 0, "a hazard without a word");
}

std::string Trial::failure(bool up) {
  try {
    recovery::Migrator migrator(settings_, quiet_);
    if (up)
      migrator.upgrade();
    else
      migrator.downgrade("base");
    return {};
  } catch (const std::runtime_error& error) {
    return error.what() + std::string(" ");
  }
}

void Trial::check_untouched(const std::string& when) {
  Database file(file_.string());
  for (const auto& [name, table] : tables_of(before_)) {
    const auto found = dump(file, table);
    require(found == dump(before_, table), fmt::format("{} changed rows of {}", when, name));
  }
  require_equal(shape(file), shape(before_), when + " changed the schema");
}

/// Right when plain INSERTs cannot do it either, or leave what integrity_check finds; what is refused fails when it is
/// forced, and leaves all as it was.
void Trial::check_refusal(const Generated& generated) {
  verdict_.outcome = Verdict::Outcome::refused;
  require(it_.rows || !it_.insert.empty(), "refused without a row");
  const bool rightly = !up_->obstacle.empty() || up_->database->text("PRAGMA integrity_check") != "ok";
  require(rightly, "refused without need: " + generated.stops());
  if (up_->invents_keys) return;
  if (!failure(/*up=*/true).empty()) return check_untouched("a refused change, when forced,");
  // ADD COLUMN takes a default that a STRICT type does not.
  Database file(file_.string());
  require(file.text("PRAGMA integrity_check") != "ok", "refused, and succeeds when forced");
}

void Trial::check_table(Database& found, const TableInfo& table, Expectation& expected, const std::string& when) {
  const auto rows = comparable(found, table, expected);
  const auto wanted = comparable(*expected.database, table, expected);
  require(rows == wanted, when + ", the rows of " + table.name + " are other ones" + difference(rows, wanted));
  if (!table.autoincrement) return;
  const auto sequence = sequence_of(found, table.name).value_or("0");
  require_equal(sequence, sequence_of(*expected.database, table.name).value_or("0"),
                when + ", the sequence of " + table.name + " is another one");
}

void Trial::check_database(Database& found, Expectation& expected, const std::string& when) const {
  for (const auto& [name, table] : tables_of(*expected.database)) check_table(found, table, expected, when);
  require_equal(shape(found), shape(*expected.database), when + ", SQLite sees another schema");
  require_equal(integrity_of(found), integrity_of(*expected.database), when + ", integrity_check says");
  const auto broken = violations(found, {}, true);
  require(broken == violations(*expected.database, {}, true),
          when + ", foreign_key_check says " + joined({broken.begin(), broken.end()}));
}

/// What is the same before and afterwards was left alone.
void Trial::check_unchanged_objects(const Generated& generated) {
  if (!renames_.empty()) return;
  const auto now = objects_of(file_);
  const auto wanted = objects_of(file_.string() + "-fresh");
  for (const auto& object : objects_)
    require(!wanted.contains(object) || now.contains(object), "the text was changed of " + object);
  Database file(file_.string());
  const Tables after = tables_of(file);
  for (const auto& [name, table] : tables_of(before_)) {
    const bool same = wanted.contains("table " + name + "\n" + table.sql);
    require(!same || !generated.rebuilt.contains(name), "rebuilt without need: " + name);
  }
}

void Trial::check_upgrade(const Generated& generated) {
  const std::string failed = failure(/*up=*/true);
  require(failed.empty(), "upgrade failed: " + failed);
  Database file(file_.string());
  check_database(file, *up_, "after the upgrade");
  require_equal(fingerprint_of(file_), fingerprint_of_fresh(it_.desired), "after the upgrade, the fingerprint");
  check_unchanged_objects(generated);
  recovery::Migrator migrator(settings_, quiet_);
  const auto again = generate(migrator, it_.desired, {}, {0});
  require(!again.anything, "there is more to change afterwards: " + again.script);
}

/// A value that its old column would not get back as it was has been told to be lossy. Rows are known again by their
/// rowids, unless another column is these now.
void Trial::check_lossy(const Generated& generated) {
  auto back = expect(*up_->database, it_.current, versions::schema::inverse(renames_));
  if (!back.obstacle.empty()) return;
  const Tables tables = tables_of(before_);
  for (const auto& [name, old] : up_->kept) {
    const auto& table = tables.at(old);
    if (table.is_virtual || table.without_rowid != tables_of(*up_->database).at(name).without_rowid) continue;
    for (const auto& column : table.columns) {
      if (column.generated || back.any_value_right[old].contains(lower(column.name))) continue;
      TableInfo alone = table;
      if (lower(table.integer_key) != lower(tables_of(*up_->database).at(name).integer_key)) alone.rowid.clear();
      alone.columns = {column};
      const bool same = dump(before_, alone) == dump(*back.database, alone);
      require(same || warns_of(generated, name, lower(column.name)),
              fmt::format("nothing says that values of {}.{} change", table.name, column.name));
    }
  }
}

/// Any tool can run the script.
void Trial::check_plain(const Generated& generated) {
  Database plain;
  plain.copy_from(before_);
  const bool in_transaction = it_.seed % 2 == 0;
  try {
    if (in_transaction) plain.run("BEGIN");
    for (const auto& statement : versions::split_statements(joined(generated.up, ";\n"))) plain.run(statement.text);
    if (in_transaction) plain.run("COMMIT");
  } catch (const SqlError& error) {
    throw Wrong(std::string("with plain SQLite, it failed: ") + error.what());
  }
  check_database(plain, *up_, "with plain SQLite");
}

void Trial::check_downgrade(const Generated& generated) {
  Database upgraded;
  {
    Database file(file_.string());
    upgraded.copy_from(file);
  }
  auto down = expect(upgraded, it_.current, versions::schema::inverse(renames_));
  const std::string failed = failure(/*up=*/false);
  Database file(file_.string());
  if (!failed.empty()) {
    require(!down.obstacle.empty(), "downgrade failed: " + failed);
    require(generated.warns(Hazard::Kind::irreversible, ""), "nothing says that it is irreversible: " + down.obstacle);
    check_database(file, *up_, "after a downgrade that failed");
    return;
  }
  require(down.obstacle.empty(), "a downgrade that cannot succeed did: " + down.obstacle);
  check_database(file, down, "after the downgrade");
  require_equal(fingerprint_of(file_), fingerprint_, "after the downgrade, the fingerprint");
}

}  // namespace

void Judge::clear() {
  for (const auto& entry : std::filesystem::directory_iterator(folder_.path())) std::filesystem::remove_all(entry);
  std::filesystem::create_directory(folder_ / "versions");
}

Verdict Judge::judge(const Case& it) {
  clear();
  Verdict verdict;
  try {
    Trial(it, folder_, verdict).run();
  } catch (const std::runtime_error& error) {
    verdict.outcome = Verdict::Outcome::wrong;
    verdict.why = error.what();
  }
  return verdict;
}

}  // namespace belay::proof

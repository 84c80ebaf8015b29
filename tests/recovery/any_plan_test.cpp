// Any schema, any plan, killed anywhere, again and again: what is left is what a plain SQLite database makes of the
// revisions that are applied, and what is taken back is as it was.

#include <gtest/gtest.h>
#include <stdlib.h>

#include <rapidcheck/gtest.h>

#include <chrono>
#include <map>

#include "tests/recovery/fixture.h"
#include "tests/sanitizers.h"

namespace belay::recovery {
namespace {

/// Makes statements that can be run one after the other, out of numbers.
class Schema {
 public:
  std::string statement(int kind) {
    const int number = ++made_;
    const auto n = std::to_string(number);
    auto table = std::next(tables_.begin(), number * 7 % static_cast<int>(tables_.size()));
    const std::string& name = table->first;
    switch (kind) {
      case 0:
        tables_["made" + n] = 2;
        return "CREATE TABLE made" + n + " (c0 TEXT, c1 INTEGER)";
      case 1:
        return "INSERT INTO " + name +
               " (c0, c1) WITH RECURSIVE r(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM r WHERE i < " +
               std::to_string(1 + number * 13 % 60) + ") SELECT hex(zeroblob(i * " + n + " % 700)), i FROM r";
      case 2:
        return "UPDATE " + name + " SET c0 = c0 || '" + n + "', c1 = c1 + " + n;
      case 3:
        return "DELETE FROM " + name + " WHERE rowid % 3 = " + std::to_string(number % 3);
      case 4:
        return "ALTER TABLE " + name + " ADD COLUMN c" + std::to_string(table->second++) + " DEFAULT " + n;
      case 5:
        if (table->second > 2) return "ALTER TABLE " + name + " DROP COLUMN c" + std::to_string(--table->second);
        return "CREATE INDEX made" + n + " ON " + name + " (c1, c0)";
      case 6:
        tables_["copied" + n] = 2;
        return "CREATE TABLE copied" + n + " AS SELECT c0, c1 FROM " + name;
      case 7: {
        if (tables_.size() == 1) return "UPDATE " + name + " SET c1 = 0";
        const std::string dropped = name;
        tables_.erase(table);
        return "DROP TABLE " + dropped;
      }
      case 8:
        return "CREATE TRIGGER made" + n + " AFTER DELETE ON " + name +
               " BEGIN UPDATE t SET n = n + 1 WHERE k = 1; END";
      default:
        return "PRAGMA user_version = " + n;
    }
  }

 private:
  std::map<std::string, int> tables_{{"first", 2}};  ///< How many columns each has; only the last may be dropped.
  int made_ = 0;
};

constexpr int statement_kinds = 10;

enum class Kind { ordinary, failing, outside, vacuum, page_size, mode, batch, fails_late, fails_after_batch };

/// A revision as its script has it, and what it does to a plain database.
struct Revision {
  std::string script;
  std::vector<std::string> effect;
  bool fails = false;
};

Revision revision(Kind kind, const std::vector<int>& statements, Schema& schema) {
  const std::string late = "-- migrate:step last transaction:off\nINSERT INTO nowhere VALUES (1);\n";
  Revision made;
  const auto all = [&](const std::string& before) {
    for (const int statement : statements) {
      made.effect.push_back(schema.statement(statement));
      made.script += before + made.effect.back() + ";\n";
    }
  };
  const auto then = [&](const std::string& marker, const std::string& sql) {
    made.script += marker + sql + ";\n";
    made.effect.push_back(sql);
  };
  int step = 0;
  switch (kind) {
    case Kind::ordinary:
      all("");
      break;
    case Kind::failing:
      all("");
      made.script += "INSERT INTO nowhere VALUES (1);\n";
      made.fails = true;
      break;
    case Kind::outside:
      for (const int statement : statements)
        then("-- migrate:step s" + std::to_string(++step) + " transaction:off\n", schema.statement(statement));
      break;
    case Kind::vacuum:
      all("");
      then("-- migrate:step v transaction:off\n", "VACUUM");
      break;
    case Kind::page_size:
      then("-- migrate:step p transaction:off\n", "PRAGMA page_size = 1024");
      then("-- migrate:step v transaction:off\n", "VACUUM");
      made.script += "-- migrate:step rest\n";
      all("");
      break;
    case Kind::mode:
      then("-- migrate:step m transaction:off\n", "PRAGMA journal_mode = WAL");
      made.script += "-- migrate:step rest\n";
      all("");
      break;
    case Kind::batch:
      all("");
      made.script += "-- migrate:step b batch:3 over:t.k\nUPDATE t SET n = n * 2 + 1 WHERE k BETWEEN :lo AND :hi;\n";
      made.effect.push_back("UPDATE t SET n = n * 2 + 1");
      break;
    case Kind::fails_late:
      for (const int statement : statements)
        then("-- migrate:step s" + std::to_string(++step) + " transaction:off\n", schema.statement(statement));
      then("-- migrate:step v transaction:off\n", "VACUUM");
      made.script += late;
      made.fails = true;
      break;
    case Kind::fails_after_batch:
      made.script +=
          "-- migrate:step b batch:3 over:t.k\nUPDATE t SET n = n * 2 + 1 WHERE k BETWEEN :lo AND :hi;\n" + late;
      made.fails = true;
      break;
  }
  return made;
}

class AnyPlanTest : public ProjectTest {
 protected:
  AnyPlanTest() {
    settings.journal = "log";
    settings.lock_timeout = std::chrono::milliseconds(2000);
  }

  /// Everything a user can tell of a database.
  static std::string contents(const std::filesystem::path& file) {
    engine::Raw raw(file);
    std::string text = raw.read("PRAGMA page_size") + raw.read("PRAGMA journal_mode") + raw.read("PRAGMA user_version");
    text +=
        raw.read("SELECT type, name, tbl_name, sql FROM sqlite_schema WHERE name NOT LIKE '%belay_%' ORDER BY 1, 2");
    const auto names = raw.read(
        "SELECT group_concat(name, ' ') FROM (SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE "
        "'belay_%' ORDER BY name)");
    for (std::size_t at = 0; at < names.size();) {
      const auto end = std::min(names.find(' ', at), names.size());
      text += "\n" + names.substr(at, end - at) + "\n";
      text += raw.read("SELECT rowid, * FROM " + names.substr(at, end - at) + " ORDER BY rowid");
      at = end + 1;
    }
    return text;
  }

  /// Ends as it does, or killed before that write (0: not killed). A statement that fails is no failure.
  int in_child(int write, const std::function<void()>& act) {
    return run_child([&] {
      if (write > 0) die_before_write(write);
      try {
        act();
      } catch (const engine::Error& error) {
        if (error.code() != engine::ErrorCode::statement_failed || error.is_unfinished()) throw;
      }
    });
  }

  [[nodiscard]] std::size_t stamps() {
    const bool any =
        engine::read(folder / "app.db", "SELECT count(*) FROM sqlite_schema WHERE name = 'belay_version'") == "1";
    return any ? static_cast<std::size_t>(std::stoi(read("SELECT count(*) FROM belay_version"))) : 0;
  }

  static constexpr const char* beginning =
      "CREATE TABLE t (k INTEGER PRIMARY KEY, n INTEGER);"
      "INSERT INTO t WITH RECURSIVE r(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM r WHERE i < 10) SELECT i, i FROM r;"
      "CREATE TABLE first (c0 TEXT, c1 INTEGER);"
      "INSERT INTO first SELECT hex(zeroblob(k * 300)), k FROM t;";

  void check();
  int killed = 0;  ///< Times.
};

void AnyPlanTest::check() {
  const auto kinds = *rc::gen::resize(6, rc::gen::nonEmpty(rc::gen::container<std::vector<Kind>>(
                                             rc::gen::weightedElement<Kind>({{6, Kind::ordinary},
                                                                             {2, Kind::outside},
                                                                             {2, Kind::vacuum},
                                                                             {1, Kind::page_size},
                                                                             {1, Kind::mode},
                                                                             {2, Kind::batch},
                                                                             {1, Kind::failing},
                                                                             {2, Kind::fails_late},
                                                                             {1, Kind::fails_after_batch}}))));
  const bool wal = *rc::gen::arbitrary<bool>();
  const bool back = *rc::gen::arbitrary<bool>();
  settings.hooks_between = *rc::gen::arbitrary<bool>();
  if (back) settings.policy = Policy::back;

  Folder plain;
  for (const auto& file : {folder / "app.db", plain / "app.db"}) {
    engine::run(file, beginning);
    if (wal) engine::run(file, "PRAGMA journal_mode = WAL");
  }
  std::vector<std::string> after{contents(plain / "app.db")};  // By the number of revisions that are applied.
  Schema schema;
  bool failed = false;
  for (std::size_t i = 0; i < kinds.size(); ++i) {
    const auto statements = *rc::gen::resize(
        4, rc::gen::nonEmpty(rc::gen::container<std::vector<int>>(rc::gen::inRange(0, statement_kinds))));
    const auto made = revision(kinds[i], statements, schema);
    script(fmt_id(static_cast<int>(i) + 1), made.script);
    failed = failed || made.fails;
    if (failed) continue;
    engine::Raw raw(plain / "app.db");
    for (const auto& sql : made.effect) raw.run(sql);
    after.push_back(contents(plain / "app.db"));
  }

  // Killed while it migrates, and while the next one mends.
  const auto kills = *rc::gen::resize(3, rc::gen::container<std::vector<int>>(rc::gen::inRange(1, 260)));
  for (const int kill : kills) {
    const int status = in_child(kill, [this] { upgrade(); });
    RC_ASSERT(was_killed(status) || status == 0);
    killed += was_killed(status) ? 1 : 0;
  }
  // Mended, and nothing more: each revision is applied as a whole or not at all.
  if (*rc::gen::arbitrary<bool>()) {
    const auto way = *rc::gen::element(Policy::forward, Policy::back);
    RC_ASSERT(in_child(0, [&] { migrator(listener).recover(way); }) == 0);
    RC_ASSERT(contents(folder / "app.db") == after.at(stamps()));
  }
  RC_ASSERT(in_child(0, [this] { upgrade(); }) == 0);
  RC_ASSERT(stamps() == after.size() - 1);
  RC_ASSERT(contents(folder / "app.db") == after.back());

  // Runs are taken back, newest first, and killed at that.
  bool proven = true;
  while (*rc::gen::arbitrary<bool>() && !look().undoable.empty()) {
    const auto before = stamps();
    const int status = in_child(*rc::gen::inRange(0, 60), [&] {
      try {
        migrator(listener).undo_run({});
      } catch (const Error& error) {
        if (proven || error.code() != ErrorCode::foreign_writes) throw;
      }
    });
    RC_ASSERT(was_killed(status) || status == 0);
    killed += was_killed(status) ? 1 : 0;
    // Without a WAL, only the time of its last write tells where a database in WAL mode stands, and whoever plays a hot
    // journal back sets that.
    if (was_killed(status) && read("PRAGMA journal_mode") == "wal") proven = false;
    RC_ASSERT(in_child(0, [this] { migrator(listener).recover(Policy::forward); }) == 0);
    RC_ASSERT(contents(folder / "app.db") == after.at(stamps()));
    RC_ASSERT(was_killed(status) || !proven || before == 0 || stamps() < before);
  }
  RC_ASSERT(read("PRAGMA integrity_check") == "ok");
  if (std::filesystem::exists(folder / "log/journal.lmdb"))
    journal::Journal::open(folder / "log/journal.lmdb", journal::Journal::Access::read).verify();
}

/// 10,000 cases, or as many as a minute allows; in memory where there is a place for it, because what a SIGKILL leaves
/// does not depend on a disk.
TEST(AnyPlan, IsMendedWhereverItIsKilled) {
  ::setenv("RC_PARAMS", "max_success=10000", /*overwrite=*/0);
  if (::access("/dev/shm", W_OK) == 0) ::setenv("TMPDIR", "/dev/shm", /*overwrite=*/0);
  struct Case : AnyPlanTest {
    using AnyPlanTest::check;
    using AnyPlanTest::killed;
    void TestBody() override {}
  };
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(60);
  int cases = 0;
  int kills = 0;
  EXPECT_TRUE(rc::check([&] {
    if (std::chrono::steady_clock::now() >= end) return;
    Case one;
    one.check();
    ++cases;
    kills += one.killed;
  }));
  std::printf("%d cases, killed %d times\n", cases, kills);
  EXPECT_GT(cases, sanitized ? 10 : 50);
  EXPECT_GT(kills, cases / 2);
}

}  // namespace
}  // namespace belay::recovery

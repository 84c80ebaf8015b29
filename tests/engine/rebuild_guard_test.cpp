#include "engine/rebuild_guard.h"

#include <gtest/gtest.h>

#include <string>

#include "engine/introspect.h"
#include "engine/replay.h"
#include "tests/engine/executor_fixture.h"

namespace belay::engine {
namespace {

const std::string rooms = "CREATE TABLE rooms (id INTEGER PRIMARY KEY AUTOINCREMENT, code TEXT);\n";
const std::string five_rooms =
    "INSERT INTO rooms (code) VALUES ('a'), ('b'), ('c'), ('d'), ('e');\nDELETE FROM rooms WHERE id > 3;\n";

/// The recipe of docs/autogenerate.md, with a place where each test puts its mistake.
struct Recipe {
  std::string table = "CREATE TABLE belay_new_rooms (id INTEGER PRIMARY KEY AUTOINCREMENT, code INTEGER);\n";
  std::string copy = "INSERT INTO belay_new_rooms (id, code) SELECT id, code FROM rooms;\n";
  std::string sequence =
      "UPDATE sqlite_sequence SET seq = (SELECT seq FROM sqlite_sequence WHERE name = 'rooms')\n"
      " WHERE name = 'belay_new_rooms';\n";
  std::string swap = "DROP TABLE rooms;\nALTER TABLE belay_new_rooms RENAME TO rooms;\n";

  [[nodiscard]] std::string sql() const { return table + copy + sequence + swap; }
};

class RebuildGuardTest : public ExecutorTest {
 protected:
  void SetUp() override { carry_out({up("1", rooms + five_rooms)}); }

  std::string fingerprint(const std::string& table = "rooms") {
    return introspect_family(site().connection(), table).fingerprint_of(table);
  }
  /// Of what the recipe makes of `rooms`.
  std::string new_fingerprint() {
    Replay replay(DatabaseUrl::parse("app.db", folder.path()), "belay_version");
    replay.run(up("new", rooms + Recipe().sql()));
    return replay.schema().fingerprint_of("rooms");
  }
  static journal::PlannedRevision rebuild(const std::string& marks, const std::string& sql) {
    return up("2", "-- migrate:step rebuild:rooms" + marks + "\n" + sql);
  }
  Error refusal_of(const journal::PlannedRevision& revision) {
    const auto before = read("SELECT group_concat(sql) FROM sqlite_schema");
    Error error = failure_of({revision});
    EXPECT_EQ(error.code(), ErrorCode::verification_failed) << error.what();
    EXPECT_EQ(error.file() + ":" + std::to_string(error.line()), "2.sql:4");
    EXPECT_FALSE(error.is_unfinished());
    EXPECT_EQ(read("SELECT group_concat(sql) FROM sqlite_schema"), before);
    EXPECT_EQ(read("SELECT count(*), max(rowid) FROM rooms"), "3|3");
    EXPECT_EQ(applied(), "1");
    return error;
  }
  static bool contains(const std::string& text, const std::string& part) {
    return text.find(part) != std::string::npos;
  }
};

TEST_F(RebuildGuardTest, RebuildThatKeepsEverythingIsApplied) {
  const std::string marks = " from:" + fingerprint() + " to:" + new_fingerprint();
  carry_out({rebuild(marks, Recipe().sql())});
  EXPECT_EQ(applied(), "1 2");
  EXPECT_EQ(read("SELECT group_concat(id) FROM rooms"), "1,2,3");
  EXPECT_EQ(read("SELECT seq FROM sqlite_sequence WHERE name = 'rooms'"), "5");
}

TEST_F(RebuildGuardTest, NameOfTheTableIsTheSameInAnyCaseAndQuoted) {
  carry_out({up("2",
                "CREATE TABLE \"my table\" (a);\n-- migrate:step rebuild:\"MY Table\"\n"
                "CREATE TABLE belay_new_t (a, b);\nINSERT INTO belay_new_t (a) SELECT a FROM \"my table\";\n"
                "DROP TABLE \"my table\";\nALTER TABLE belay_new_t RENAME TO \"my table\";")});
  EXPECT_EQ(applied(), "1 2");
}

TEST_F(RebuildGuardTest, IndexOfSomebodyElseWouldBeLostAndIsNamed) {
  const std::string from = fingerprint();
  run("CREATE INDEX rooms_by_code ON rooms (code)");
  const Error error = refusal_of(rebuild(" from:" + from, Recipe().sql()));
  EXPECT_TRUE(contains(error.what(), "it has column id, column code, index rooms_by_code")) << error.what();
  EXPECT_TRUE(contains(error.what(), "does not mention index rooms_by_code")) << error.what();
  EXPECT_TRUE(contains(error.next(), "--autogenerate")) << error.next();
}

TEST_F(RebuildGuardTest, ColumnAndTriggerOfSomebodyElseWouldBeLostAndAreNamed) {
  const std::string from = fingerprint();
  run("ALTER TABLE rooms ADD COLUMN floor");
  run("CREATE TRIGGER rooms_log AFTER INSERT ON rooms BEGIN SELECT 1; END");
  const Error error = refusal_of(rebuild(" from:" + from, Recipe().sql()));
  EXPECT_TRUE(contains(error.what(), "does not mention column floor, trigger rooms_log")) << error.what();
}

TEST_F(RebuildGuardTest, WithoutFromWhatIsLostIsTheScriptsOwnBusiness) {
  run("CREATE INDEX rooms_by_code ON rooms (code)");
  carry_out({rebuild("", Recipe().sql())});
  EXPECT_EQ(read("SELECT count(*) FROM sqlite_schema WHERE name = 'rooms_by_code'"), "0");
}

TEST_F(RebuildGuardTest, TableThatIsNotThereCannotBeRebuilt) {
  const Error error = refusal_of(up("2", "-- migrate:step rebuild:room\n" + Recipe().sql()));
  EXPECT_STREQ(error.what(), "room cannot be rebuilt: there is no such table");
}

TEST_F(RebuildGuardTest, RowThatIsNotCopiedIsMissed) {
  Recipe recipe;
  recipe.copy = "INSERT INTO belay_new_rooms (id, code) SELECT id, code FROM rooms WHERE id <> 2;\n";
  const Error error = refusal_of(rebuild("", recipe.sql()));
  EXPECT_TRUE(contains(error.what(), "there were 3, and now there are 2")) << error.what();
}

TEST_F(RebuildGuardTest, RowThatIsCopiedTwiceIsFound) {
  Recipe recipe;
  recipe.copy += "INSERT INTO belay_new_rooms (code) SELECT code FROM rooms WHERE id = 1;\n";
  EXPECT_TRUE(contains(refusal_of(rebuild("", recipe.sql())).what(), "there were 3, and now there are 4"));
}

TEST_F(RebuildGuardTest, SequenceThatGoesBackIsFound) {
  Recipe recipe;
  recipe.sequence = "";
  const Error error = refusal_of(rebuild("", recipe.sql()));
  EXPECT_TRUE(contains(error.what(), "the last number given was 5, and now it is 3")) << error.what();
}

TEST_F(RebuildGuardTest, SequenceOfAnEmptyTableCountsToo) {
  run("DELETE FROM rooms");
  Recipe recipe;
  recipe.sequence = "";
  const Error error = failure_of({rebuild("", recipe.sql())});
  EXPECT_TRUE(contains(error.what(), "was 5, and now it is 0")) << error.what();
}

TEST_F(RebuildGuardTest, TableThatIsNoLongerAutoincrementHasNoSequenceToKeep) {
  Recipe recipe;
  recipe.table = "CREATE TABLE belay_new_rooms (id INTEGER PRIMARY KEY, code INTEGER);\n";
  recipe.sequence = "";
  carry_out({rebuild("", recipe.sql())});
  EXPECT_EQ(applied(), "1 2");
}

TEST_F(RebuildGuardTest, RebuildThatEndsElsewhereIsFound) {
  Recipe recipe;
  recipe.table = "CREATE TABLE belay_new_rooms (id INTEGER PRIMARY KEY AUTOINCREMENT, code BLOB);\n";
  const Error error = refusal_of(rebuild(" to:" + new_fingerprint(), recipe.sql()));
  EXPECT_TRUE(contains(error.what(), "does not end where it says: it leaves the table with column id, column code"))
      << error.what();
}

TEST_F(RebuildGuardTest, NewTableThatIsLeftOverIsFound) {
  Recipe recipe;
  recipe.swap = "";
  EXPECT_TRUE(contains(refusal_of(rebuild("", recipe.sql())).what(), "leaves the table belay_new_rooms behind"));
}

TEST_F(RebuildGuardTest, NewTableThatWasLeftOverBeforeIsNotThisRebuilds) {
  run("CREATE TABLE belay_new_chairs (a)");
  carry_out({rebuild("", Recipe().sql())});
  EXPECT_EQ(applied(), "1 2");
}

TEST_F(RebuildGuardTest, TableThatIsNotPutBackIsMissed) {
  Recipe recipe;
  recipe.swap = "DROP TABLE belay_new_rooms;\nALTER TABLE rooms RENAME TO halls;\n";
  EXPECT_STREQ(refusal_of(rebuild("", recipe.sql())).what(), "the rebuild of rooms leaves no such table");
}

TEST_F(RebuildGuardTest, RevisionBeforeItInTheSameGroupStays) {
  Recipe recipe;
  recipe.sequence = "";
  const auto plain = planned_script("1b", "-- migrate:up\nCREATE TABLE chairs (a);");
  failure_of({plain, rebuild("", recipe.sql())});
  EXPECT_EQ(applied(), "1 1b");
}

TEST_F(RebuildGuardTest, ResumedRunIsGuardedByWhatTheJournalSays) {
  const std::string from = fingerprint();
  run("CREATE INDEX rooms_by_code ON rooms (code)");
  auto plan = Plan{rebuild(" from:" + from, Recipe().sql())};
  site().journal().begin({.command = "migrate"}, plan);
  reopen();
  journal::PlannedRevision stored;
  site().journal().scan({}, [&](const auto& entry) {
    if (const auto* found = std::get_if<journal::PlannedRevision>(&entry.record)) stored = *found;
    return true;
  });
  options.now = [] { return "2026-01-02T03:04:05Z"; };
  const Error error =
      error_of([&] { Executor(site().parts(), listener, options, stop.get_token()).resume({stored}, Position{}); });
  EXPECT_EQ(error.code(), ErrorCode::verification_failed);
}

TEST_F(RebuildGuardTest, ReplayComparesFingerprintsAndLeavesRowsAlone) {
  Replay replay(DatabaseUrl::parse("app.db", folder.path()), "belay_version");
  replay.run(up("1", rooms + five_rooms));
  Recipe recipe;
  recipe.copy = recipe.sequence = "";
  replay.run(rebuild(" from:" + fingerprint() + " to:" + new_fingerprint(), recipe.sql()));
  EXPECT_EQ(code_of([&] { replay.run(rebuild(" from:" + fingerprint(), recipe.sql())); }),
            ErrorCode::verification_failed);
}

// --- Foreign keys: the check before the commit sees a rebuild from both sides ---

class RebuildOfRelatives : public ExecutorTest {
 protected:
  /// One child has never had its parent.
  void SetUp() override {
    carry_out({up("1",
                  "CREATE TABLE parent (id INTEGER PRIMARY KEY);\nINSERT INTO parent VALUES (1), (2);\n"
                  "CREATE TABLE child (id INTEGER PRIMARY KEY, p REFERENCES parent (id) ON DELETE CASCADE);\n"
                  "INSERT INTO child VALUES (10, 1), (20, 2);\n"
                  "CREATE VIEW family AS SELECT child.id FROM child JOIN parent ON p = parent.id;")});
    run("INSERT INTO child VALUES (30, 3)");
  }
  static journal::PlannedRevision rebuild(const std::string& table, const std::string& columns,
                                          const std::string& query) {
    return up("2", "-- migrate:step rebuild:" + table + "\nCREATE TABLE belay_new_" + table + " (" + columns +
                       ");\nINSERT INTO belay_new_" + table + " " + query + ";\nDROP TABLE " + table +
                       ";\nPRAGMA legacy_alter_table = ON;\nALTER TABLE belay_new_" + table + " RENAME TO " + table +
                       ";\nPRAGMA legacy_alter_table = OFF;");
  }
  const std::string child_columns = "id INTEGER PRIMARY KEY, p NOT NULL REFERENCES parent (id) ON DELETE CASCADE";
};

TEST_F(RebuildOfRelatives, ParentKeepsItsChildrenAndAnOldViolation) {
  carry_out({rebuild("parent", "id INTEGER PRIMARY KEY, name", "SELECT id, NULL FROM parent")});
  EXPECT_EQ(read("SELECT group_concat(id || '>' || p) FROM child"), "10>1,20>2,30>3");
  EXPECT_EQ(read("SELECT group_concat(id) FROM family"), "10,20");
}

TEST_F(RebuildOfRelatives, ParentThatTakesItsChildrensKeyAwayIsFound) {
  const Error error = failure_of({rebuild("parent", "id INTEGER PRIMARY KEY", "SELECT id + 5 FROM parent")});
  EXPECT_EQ(error.code(), ErrorCode::constraint_violated) << error.what();
  EXPECT_EQ(read("SELECT group_concat(id) FROM parent"), "1,2");
}

TEST_F(RebuildOfRelatives, ChildKeepsItsOldViolation) {
  carry_out({rebuild("child", child_columns, "SELECT id, p FROM child")});
  EXPECT_EQ(read("SELECT count(*) FROM pragma_foreign_key_check"), "1");
  EXPECT_EQ(applied(), "1 2");
}

TEST_F(RebuildOfRelatives, ChildThatAddsAViolationIsFound) {
  const Error error = failure_of({rebuild("child", child_columns, "SELECT id, p + 3 FROM child")});
  EXPECT_EQ(error.code(), ErrorCode::constraint_violated) << error.what();
  EXPECT_EQ(read("SELECT group_concat(p) FROM child"), "1,2,3");
}

}  // namespace
}  // namespace belay::engine

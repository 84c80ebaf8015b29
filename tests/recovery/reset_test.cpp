// reset: down to base, what is left dropped, up to the head, in one run that restart understands.

#include "recovery/reset.h"

#include "engine/introspect.h"
#include "engine/replay.h"
#include "tests/recovery/reset_fixture.h"
#include "versions/error.h"

namespace belay::recovery {
namespace {

TEST_F(ResetTest, EverythingGoesDownAndComesUpAgainWithoutItsRows) {
  scripts(3);
  upgrade();
  run("INSERT INTO t VALUES (77)");
  const auto report = reset();
  EXPECT_EQ(directions(report), "down:003 down:002 down:001 up:001 up:002 up:003");
  EXPECT_EQ(read("SELECT group_concat(id) FROM t"), "2,3");
  EXPECT_EQ(kept("SELECT group_concat(id) FROM t"), "2,3,77");
  EXPECT_EQ(newest().manifest.reason, "before reset");
  EXPECT_EQ(report.backup, newest().manifest.id);
  expect_settled();
}

TEST_F(ResetTest, WhatHasNoWayDownIsDroppedWithItsStamps) {
  mixed();
  const auto planned = plan();
  EXPECT_EQ(planned.unknown, std::vector<std::string>{"table by_hand"});
  EXPECT_EQ(planned.why_dropped, "revision 002 has no down section");
  EXPECT_EQ(directions(reset()), "down:003 unstamp:002 unstamp:001 up:001 up:002 up:003");
  EXPECT_EQ(schema(), "t\nu\nv\nw");
  EXPECT_EQ(read("SELECT count(*) FROM t"), "0");
  EXPECT_EQ(kept("SELECT count(*) FROM by_hand"), "1");
  expect_settled();
}

TEST_F(ResetTest, AnIrreversibleRevisionIsDropped) {
  scripts(1);
  script("002", "CREATE TABLE u (x);\n-- migrate:down irreversible:\"mail was sent\"");
  upgrade();
  EXPECT_EQ(plan().why_dropped, "revision 002 is irreversible: mail was sent");
  EXPECT_EQ(directions(reset()), "unstamp:002 unstamp:001 up:001 up:002");
}

TEST_F(ResetTest, AMissingScriptEndsTheWayDownWhereItWasApplied) {
  scripts(3);
  upgrade();
  std::filesystem::remove(folder / "versions/002.sql");
  write_file(folder / "versions/003.sql",
             "-- revision: 003\n-- parents: 001\n-- migrate:up\nINSERT INTO t VALUES (3);\n"
             "-- migrate:down\nDELETE FROM t WHERE id = 3;\n");
  EXPECT_EQ(plan().why_dropped, "revision 002 has no script");
  EXPECT_EQ(directions(reset()), "down:003 unstamp:002 unstamp:001 up:001 up:003");
  expect_settled();
}

TEST_F(ResetTest, AMissingScriptBelowAllOthersLeavesThemTheirWayDown) {
  script("001", "CREATE TABLE t (id INTEGER PRIMARY KEY);\n-- migrate:down\nDROP TABLE t;");
  script("002", "CREATE TABLE u (x);\n-- migrate:down\nDROP TABLE u;");
  upgrade();
  std::filesystem::remove(folder / "versions/001.sql");
  EXPECT_EQ(plan().why_dropped, "revision 001 has no script");
  EXPECT_EQ(plan().dropped, std::vector<std::string>{"table t"});
  EXPECT_EQ(directions(reset()), "down:002 unstamp:001 up:002");
  EXPECT_EQ(schema(), "u");
  expect_settled();
}

TEST_F(ResetTest, AnEditedScriptThatFailsOnTheLiveSchemaIsNotRun) {
  scripts(2);
  upgrade();
  script("002", "INSERT INTO t VALUES (2);\n-- migrate:down\nDROP TABLE never_made;");
  EXPECT_EQ(plan().why_dropped, "the down section of revision 002 fails: no such table: never_made");
  EXPECT_EQ(directions(reset()), "unstamp:002 unstamp:001 up:001 up:002");
  expect_settled();
}

TEST_F(ResetTest, ADownSectionThatFailsHalfWayInTheTrialLeavesNothingOutOfTheDrops) {
  script("001",
         "CREATE TABLE t (id INTEGER PRIMARY KEY);\nCREATE TABLE u (x);\n"
         "-- migrate:down transaction:off\nDROP TABLE u;\nDROP TABLE never_made;");
  upgrade();
  EXPECT_EQ(plan().dropped, (std::vector<std::string>{"table t", "table u"}));
  reset();
  expect_settled();
}

TEST_F(ResetTest, ADownSectionThatFailsOnTheRowsIsReplacedByDrops) {
  scripts(1);
  script("002", "CREATE TABLE u (x);\n-- migrate:down\nCREATE UNIQUE INDEX once ON u (x);\nDROP TABLE u;");
  script("003", "CREATE TABLE w (x);\n-- migrate:down\nDROP TABLE w;");
  upgrade();
  run("INSERT INTO u VALUES (1), (1)");
  const auto report = reset();
  EXPECT_EQ(directions(report), "down:003 unstamp:002 unstamp:001 up:001 up:002 up:003");
  EXPECT_EQ(read("SELECT count(*) FROM u"), "0");
  EXPECT_EQ(list_backups(Places(settings).backups).size(), 1U);
  expect_settled();
}

TEST_F(ResetTest, ADownSectionOfSeveralPartsThatFailsOnTheRowsIsTakenBackAndReplaced) {
  script("001",
         "CREATE TABLE u (x);\nCREATE TABLE t (id INTEGER);\n"
         "-- migrate:down transaction:off\nDROP TABLE t;\nCREATE UNIQUE INDEX once ON u (x);\nDROP TABLE u;");
  upgrade();
  run("INSERT INTO u VALUES (1), (1)");
  EXPECT_EQ(directions(reset()), "unstamp:001 up:001");
  EXPECT_EQ(schema(), "t\nu");
  expect_settled();
}

TEST_F(ResetTest, ScriptsThatCannotBringItUpAgainAreRefusedBeforeAnythingIsLost) {
  scripts(2);
  upgrade();
  script("002", "INSERT INTO t VALUES (2);\nINSERT INTO nowhere VALUES (2);\n-- migrate:down\nSELECT 1;");
  const auto before = contents();
  const auto last = journal().last();
  const auto error = error_of([&] { reset(); });
  EXPECT_EQ(error.code(), engine::ErrorCode::statement_failed);
  EXPECT_EQ(error.line(), 4);
  EXPECT_EQ(error.next(), "correct the script, then: belay reset");
  EXPECT_EQ(contents(), before);
  EXPECT_EQ(journal().last(), last);
  EXPECT_FALSE(has_backup());
}

/// Verification needs rows, and is not tried before.
TEST_F(ResetTest, AVerificationThatFailsOnTheWayUpStopsItThereAndTheRowsAreInTheBackup) {
  scripts(1);
  upgrade();
  run("INSERT INTO t VALUES (7)");
  script("002", "CREATE TABLE u (x);\n-- migrate:verify\nSELECT count(*) > 0 FROM t;\n-- migrate:down\nDROP TABLE u;");
  upgrade();
  EXPECT_EQ(code_of([&] { reset(); }), engine::ErrorCode::verification_failed);
  EXPECT_EQ(applied(), "001");
  EXPECT_EQ(schema(), "t");
  EXPECT_EQ(kept("SELECT id FROM t"), "7");
  EXPECT_FALSE(look().interrupted);
}

TEST_F(ResetTest, SeveralHeadsAreRefusedBeforeAnythingIsLost) {
  scripts(2);
  upgrade();
  write_file(folder / "versions/003.sql", "-- revision: 003\n-- parents: 001\n-- migrate:up\nSELECT 1;\n");
  EXPECT_EQ(code_of<versions::Error>([&] { reset(); }), versions::ErrorCode::several_heads);
  EXPECT_EQ(applied(), "001 002");
}

TEST_F(ResetTest, WhatHasComeSinceItWasAgreedToIsNotDropped) {
  mixed();
  const auto error = error_of<Error>([&] { reset({.agreed = std::vector<std::string>{}}); });
  EXPECT_EQ(error.code(), ErrorCode::not_applicable);
  EXPECT_EQ(read("SELECT count(*) FROM by_hand"), "1");
  EXPECT_FALSE(has_backup());
  EXPECT_NO_THROW(reset({.agreed = std::vector<std::string>{"table by_hand"}}));
}

TEST_F(ResetTest, ASchemaThatNoScratchDatabaseCanMakeIsRefusedByName) {
  scripts(2);
  upgrade();
  run("CREATE TABLE odd (x CHECK (x > 0)); PRAGMA writable_schema = ON; UPDATE sqlite_schema SET sql = 'CREATE TABLE "
      "odd "
      "(x CHECK (of_the_application(x)))' WHERE name = 'odd'");
  const auto error = error_of([&] { reset(); });
  EXPECT_EQ(error.file(), "table odd");
  EXPECT_EQ(error.next(), "drop it with the program that made it, then: belay reset");
  EXPECT_EQ(applied(), "001 002");
}

TEST_F(ResetTest, AnInterruptedRunIsSettledFirst) {
  scripts(3);
  settings.hooks_between = true;
  upgrade_until("began 002");
  const auto report = reset();
  ASSERT_TRUE(report.recovered);
  EXPECT_EQ(directions(report), "up:002 up:003 down:003 down:002 down:001 up:001 up:002 up:003");
  expect_settled();
}

TEST_F(ResetTest, AnInterruptedRunWhoseScriptsAreGoneIsSettledAndThenThereIsNothingToDo) {
  scripts(1);
  upgrade_until("began 001");
  std::filesystem::remove(folder / "versions/001.sql");
  settings.policy = Policy::back;
  EXPECT_TRUE(plan().run.empty());
  const auto report = reset();
  ASSERT_TRUE(report.recovered);
  EXPECT_TRUE(report.revisions.empty());
  EXPECT_FALSE(journal().open_run());
  EXPECT_FALSE(has_backup());
  expect_settled();
}

TEST_F(ResetTest, StampsOfWhatLeavesNoObjectsAreTakenAlone) {
  script("001", "SELECT 1;");
  upgrade();
  EXPECT_TRUE(plan().dropped.empty());
  EXPECT_EQ(directions(reset()), "unstamp:001 up:001");
  expect_settled();
}

TEST_F(ResetTest, ADatabaseThatIsNotThereIsMade) {
  scripts(2);
  EXPECT_EQ(directions(reset()), "up:001 up:002");
  EXPECT_FALSE(has_backup());
  expect_settled();
}

TEST_F(ResetTest, AnEmptyDatabaseNeedsNoBackup) {
  run("VACUUM");
  scripts(1);
  reset();
  EXPECT_FALSE(has_backup());
}

TEST_F(ResetTest, WithNothingThereAndNoScriptsThereIsNothingToDo) {
  EXPECT_TRUE(reset().revisions.empty());
  EXPECT_FALSE(std::filesystem::exists(folder / "app.db"));
}

TEST_F(ResetTest, ADatabaseThatBelayHasNeverSeenIsBackedUpAndReplaced) {
  run("CREATE TABLE t (theirs); INSERT INTO t VALUES (1)");
  scripts(2);
  EXPECT_EQ(directions(reset()), "up:001 up:002");
  EXPECT_EQ(kept("SELECT theirs FROM t"), "1");
  expect_settled();
}

TEST_F(ResetTest, ALostVersionTableDoesNotStopIt) {
  scripts(2);
  upgrade();
  run("DROP TABLE belay_version");
  EXPECT_EQ(directions(reset()), "up:001 up:002");
  expect_settled();
}

TEST_F(ResetTest, HooksRunWithTheRevisionsAndNotWithTheDrops) {
  mixed();
  settings.before_each = {
      {"each.sql", {{"CREATE TABLE IF NOT EXISTS seen (x)", 1}, {"INSERT INTO seen VALUES (1)", 2}}}};
  settings.after_run = {{"after.sql", {{"CREATE TABLE done AS SELECT count(*) AS revisions FROM seen", 1}}}};
  reset();
  EXPECT_EQ(read("SELECT revisions FROM done"), "3");
}

TEST_F(ResetTest, AHookBeforeTheRunIsThereForTheDownSections) {
  script("001", "CREATE TABLE t (id);\n-- migrate:down\nINSERT INTO noted SELECT id FROM t;\nDROP TABLE t;");
  upgrade();
  settings.before_run = {{"before.sql", {{"CREATE TABLE IF NOT EXISTS noted (id)", 1}}}};
  EXPECT_EQ(plan().why_dropped, "");
  EXPECT_EQ(directions(reset()), "down:001 up:001");
  expect_settled();
}

TEST_F(ResetTest, AHookThatWouldFailBehindTheDropsIsFoundOutBefore) {
  mixed();
  settings.before_each = {{"each.sql", {{"INSERT INTO by_hand VALUES (2)", 1}}}};
  EXPECT_EQ(error_of([&] { reset(); }).file(), "each.sql");
  EXPECT_EQ(read("SELECT count(*) FROM by_hand"), "1");
}

TEST_F(ResetTest, ItCanBeTakenBackLikeAnyRun) {
  mixed();
  const auto before = contents();
  reset();
  migrator(listener).undo_run();
  EXPECT_EQ(contents(), before);
}

// --- The order of drops ---

class DropTest : public ResetTest {
 protected:
  /// What is left when the drops have run with foreign keys on, which makes a wrong order fail.
  std::string left_by_drops(const std::string& sql) {
    run(sql);
    std::string drops = "PRAGMA foreign_keys = ON;";
    {
      const auto connection = engine::connect(Places(settings).url, {.lock_timeout = {}, .read_only = true});
      for (const auto& statement : drop_statements(engine::introspect(*connection, {}))) drops += statement.text + ";";
    }
    run(drops);
    return read("SELECT group_concat(name) FROM sqlite_schema WHERE name NOT LIKE 'sqlite%'");
  }
};

TEST_F(DropTest, ChildrenGoBeforeTheirParents) {
  EXPECT_EQ(left_by_drops(
                "CREATE TABLE a (id INTEGER PRIMARY KEY); CREATE TABLE b (id INTEGER PRIMARY KEY, a NOT NULL "
                "REFERENCES A); CREATE TABLE c (b NOT NULL REFERENCES b, self REFERENCES c);"
                "CREATE TABLE \"0 first\" (id INTEGER PRIMARY KEY); CREATE TABLE z (f NOT NULL REFERENCES \"0 first\");"
                "INSERT INTO a VALUES (1); INSERT INTO b VALUES (1, 1); INSERT INTO c VALUES (1, NULL);"
                "INSERT INTO \"0 first\" VALUES (1); INSERT INTO z VALUES (1)"),
            "NULL");
}

TEST_F(DropTest, ACycleIsCutAndWhatHangsOnItGoesFirst) {
  EXPECT_EQ(left_by_drops("CREATE TABLE a (id INTEGER PRIMARY KEY, b REFERENCES b); CREATE TABLE b (id INTEGER PRIMARY "
                          "KEY, a REFERENCES a); CREATE TABLE c (a NOT NULL REFERENCES a);"
                          "INSERT INTO a VALUES (1, NULL); INSERT INTO b VALUES (1, NULL); INSERT INTO c VALUES (1)"),
            "NULL");
}

TEST_F(DropTest, EveryKindOfObjectGoesUnderWhateverName) {
  EXPECT_EQ(
      left_by_drops("CREATE TABLE \"Übung \"\"1\"\"\" (id INTEGER PRIMARY KEY AUTOINCREMENT, [select] TEXT);"
                    "CREATE INDEX \"an index\" ON \"Übung \"\"1\"\"\" ([select]);"
                    "CREATE VIEW one AS SELECT * FROM \"Übung \"\"1\"\"\"; CREATE VIEW two AS SELECT * FROM one;"
                    "CREATE TRIGGER \"t t\" INSTEAD OF INSERT ON two BEGIN SELECT 1; END;"
                    "CREATE VIRTUAL TABLE words USING fts5(text); INSERT INTO words VALUES ('x');"
                    "CREATE TRIGGER u AFTER INSERT ON \"Übung \"\"1\"\"\" BEGIN INSERT INTO words VALUES (1); END;"
                    "INSERT INTO \"Übung \"\"1\"\"\" ([select]) VALUES ('a')"),
      "NULL");
}

// --- Killed ---

class KilledResetTest : public ResetTest {
 protected:
  void sweep_forward() {
    mixed();
    reset();  // The backup of it is there before, and has to stay.
    run("INSERT INTO t VALUES (8)");
    const auto older = newest().manifest.id;
    remember();
    int call = 1;
    for (; dies_before_write(call, [&] { reset(); }); put_back(), ++call) {
      if (call % 5 == 0) dies_before_write(1 + call % 17, [&] { upgrade(); });
      ASSERT_NO_THROW(upgrade()) << "killed before write " << call;
      const std::string rows =
          read("SELECT count(*) FROM t") == "0" ? kept("SELECT id FROM t") : read("SELECT id FROM t");
      EXPECT_EQ(schema(), "t\nu\nv\nw");
      EXPECT_EQ(applied(), "001 002 003");
      EXPECT_EQ(rows, "8");
      EXPECT_NO_THROW(verify_backup(find_backup(Places(settings).backups, older), listener));
      expect_settled();
      if (HasFailure()) FAIL() << "killed before write " << call;
    }
    EXPECT_GT(call, 40);
    RecordProperty("writes", call - 1);
  }
};

TEST_F(KilledResetTest, TheNextRunFinishesIt) {
  sweep_forward();
}

TEST_F(KilledResetTest, TheNextRunFinishesItInAWalDatabase) {
  run("PRAGMA journal_mode = WAL");
  settings.hooks_between = true;
  sweep_forward();
}

/// However small the transactions: at none of their ends may the version table speak of what was dropped, or keep
/// silent of what was not.
TEST_F(KilledResetTest, WhereItStaysVersionTableAndSchemaBelongTogether) {
  mixed();
  settings.hooks_between = true;
  remember();
  std::set<std::string> places;
  for (int call = 1; dies_before_write(call, [&] { reset(); }); put_back(), ++call) {
    migrator(listener).recover(Policy::back);
    for (const auto& problem : migrator(listener).check({}).problems())
      EXPECT_TRUE(problem.kind == "pending" || problem.where == "table by_hand")
          << "killed before write " << call << ": " << problem.message;
    places.insert(applied());
    if (HasFailure()) break;
  }
  EXPECT_EQ(places, (std::set<std::string>{"001 002 003", "001 002", "NULL", "001"}));
}

}  // namespace
}  // namespace belay::recovery

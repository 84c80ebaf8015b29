// check, as an embedding program uses it; tests/cli/check_test.cpp has every kind of problem.

#include "recovery/check.h"

#include <csignal>
#include <thread>

#include "journal/process_lock.h"
#include "recovery/backup.h"
#include "recovery/target.h"
#include "tests/recovery/fixture.h"

namespace belay::recovery {
namespace {

class CheckTest : public ProjectTest {
 protected:
  CheckReport check() { return migrator(listener).check({.schema = folder / "schema.sql"}); }
  static const CheckPart& part(const CheckReport& report, const std::string& name) {
    for (const auto& part : report.parts)
      if (part.name == name) return part;
    throw std::runtime_error("no part " + name);
  }
  std::string kinds() {
    std::string text;
    for (const auto& problem : check().problems()) text += (text.empty() ? "" : " ") + problem.kind;
    return text;
  }

  /// One that is over, as `journal_mode = PERSIST` leaves it: whoever begins to read opens it to see that.
  void leave_journal() const { write_file(folder / "app.db-journal", std::string(512, '\0')); }
  /// The `time`-th time from here on that somebody begins to read.
  void before_read(int time, const std::function<void()>& act) {
    before_open("app.db-journal", [=, this] { time == 1 ? act() : before_read(time - 1, act); });
  }

  /// Another process that is at work on the database, until it is killed.
  [[nodiscard]] pid_t runner() const {
    const Places places(settings);
    const pid_t pid = engine::start([places] {
      const auto lock =
          journal::ProcessLock::acquire(places.lock, this_process("migrate"), std::chrono::milliseconds(0), {});
      for (;;) ::pause();
    });
    while (!journal::ProcessLock::holder(places.lock)) std::this_thread::sleep_for(std::chrono::milliseconds(1));
    return pid;
  }
};

TEST_F(CheckTest, EveryKindSaysWhetherItIsADifferenceAndWhatIsNext) {
  EXPECT_TRUE(kind_of(Problem{"drift", "", ""}).is_difference);
  EXPECT_FALSE(kind_of(Problem{"edited", "", ""}).is_difference);
  EXPECT_STREQ(kind_of(Problem{"pending", "", ""}).next, "belay migrate");
  EXPECT_FALSE(kind_of(Problem{"never heard of", "", ""}).is_difference);
}

TEST_F(CheckTest, EveryPartIsThereWhateverIsFound) {
  std::string names;
  for (const auto& part : check().parts) names += part.name + " ";
  EXPECT_EQ(names, "file scripts revisions schema schema.sql journal ");
}

/// In the middle of a revision of several parts the schema is that of no revision.
TEST_F(CheckTest, WhatARunIsChangingIsNotCompared) {
  scripts(1);
  upgrade();
  run("CREATE TABLE u (x)");
  EXPECT_EQ(kinds(), "drift");
  const pid_t other = runner();
  EXPECT_EQ(kinds(), "");
  EXPECT_EQ(part(check(), "schema").note, "not compared: a run is changing it");
  ::kill(other, SIGKILL);
  engine::wait_for(other);
  EXPECT_EQ(kinds(), "drift");
}

TEST_F(CheckTest, ASchemaThatFitsIsComparedWhoeverIsAtWork) {
  scripts(1);
  upgrade();
  const pid_t other = runner();
  EXPECT_FALSE(part(check(), "schema").skipped);
  ::kill(other, SIGKILL);
  engine::wait_for(other);
}

TEST_F(CheckTest, FindingsOfAKindAreBounded) {
  std::string up = "CREATE TABLE t (id INTEGER PRIMARY KEY);";
  for (int i = 0; i < 25; ++i) up += "\nCREATE TABLE c" + std::to_string(i) + " (t REFERENCES t);";
  script("001", up);
  upgrade();
  for (int i = 0; i < 25; ++i) run("INSERT INTO c" + std::to_string(i) + " VALUES (77)");
  EXPECT_EQ(part(check(), "file").problems.size(), 20U);
}

/// Not of every table rows have numbers.
TEST_F(CheckTest, RowsWithoutNumbersThatMissTheirParentsAreCounted) {
  run("CREATE TABLE p (id PRIMARY KEY); CREATE TABLE c (p PRIMARY KEY REFERENCES p) WITHOUT ROWID; INSERT INTO c "
      "VALUES (7), (8)");
  const auto file = part(check(), "file");
  ASSERT_EQ(file.problems.size(), 1U);
  EXPECT_EQ(file.problems[0].message, "2 rows of c have no parent in p");
}

TEST_F(CheckTest, AForeignKeyThatFitsNoKeyIsSaid) {
  run("CREATE TABLE p (a); CREATE TABLE c (x REFERENCES p (a)); INSERT INTO c VALUES (1)");
  EXPECT_EQ(kinds(), "foreign-key drift drift");
}

TEST_F(CheckTest, EveryFindingOfTheIntegrityCheckIsSaid) {
  run("CREATE TABLE t (a, b); CREATE INDEX i ON t (a); INSERT INTO t VALUES (1, 2); PRAGMA writable_schema = ON; "
      "UPDATE sqlite_schema SET sql = 'CREATE INDEX i ON t (b)' WHERE name = 'i'");
  const auto file = part(check(), "file");
  ASSERT_EQ(file.problems.size(), 1U);
  EXPECT_EQ(file.problems[0].kind, "file");
  EXPECT_EQ(file.problems[0].message, "row 1 missing from index i");
}

/// That of the file is found by both questions, and neither is the fault of a key.
TEST_F(CheckTest, DamageThatTheForeignKeysCannotBeReadThroughIsThatOfTheFile) {
  run("CREATE TABLE p (id INTEGER PRIMARY KEY); CREATE TABLE c (p REFERENCES p); INSERT INTO c VALUES (NULL)");
  const auto page = std::stoul(read("SELECT rootpage FROM sqlite_schema WHERE name = 'c'"));
  write_file(folder / "app.db", read_file(folder / "app.db").replace((page - 1) * 4096, 4096, 4096, 'x'));
  const auto file = part(check(), "file");
  ASSERT_EQ(file.problems.size(), 2U);
  for (const auto& problem : file.problems) {
    EXPECT_EQ(problem.kind, "file");
    EXPECT_NE(problem.message.find("malformed"), std::string::npos) << problem.message;
  }
}

/// It was taken for a database that cannot be read, and that was no finding.
TEST_F(CheckTest, AnotherTableOfTheNameOfTheVersionTableIsSaid) {
  run("CREATE TABLE belay_version (x)");
  const auto report = check();
  ASSERT_EQ(report.problems().size(), 1U);
  EXPECT_EQ(report.problems()[0].kind, "version-table");
  EXPECT_EQ(report.problems()[0].where, "belay_version");
  EXPECT_NE(report.problems()[0].message.find("no such column"), std::string::npos) << report.problems()[0].message;
  EXPECT_EQ(part(report, "revisions").problems.size(), 1U);
}

TEST_F(CheckTest, ADatabaseOfALaterBelayIsAnErrorAndNoDamage) {
  run("CREATE TABLE belay_state (id, database_id, last_lsn, format); INSERT INTO belay_state VALUES (1, 'x', 7, 99)");
  EXPECT_EQ(code_of([&] { check(); }), engine::ErrorCode::newer_format);
}

/// As when something is copied over it in the middle of the check.
TEST_F(CheckTest, AFileThatCeasesToBeADatabaseMeanwhileIsSaid) {
  scripts(1);
  upgrade();
  before_open("/lock", [this] { write_file(folder / "app.db", std::string(8192, 'x')); });
  const auto report = check();
  ASSERT_EQ(report.problems().size(), 1U);
  EXPECT_EQ(report.problems()[0].kind, "file");
  EXPECT_NE(report.problems()[0].message.find("is not a SQLite database"), std::string::npos);
  EXPECT_EQ(part(report, "revisions").problems.size(), 1U);
  EXPECT_EQ(part(report, "revisions").note, "not compared: the database cannot be read");
  EXPECT_EQ(part(report, "schema").note, "not compared: the database cannot be read");
}

/// What is applied can be run, and is compared; what all of them make cannot be known.
TEST_F(CheckTest, APendingScriptThatCannotBeRunHidesNoDrift) {
  scripts(2);
  upgrade();
  script("003", "INSERT INTO nowhere VALUES (1);");
  write_file(folder / "schema.sql", "CREATE TABLE t (id INTEGER PRIMARY KEY);");
  EXPECT_EQ(kinds(), "replay pending");
  EXPECT_FALSE(part(check(), "schema").skipped);
  EXPECT_TRUE(part(check(), "schema.sql").skipped);
  EXPECT_EQ(part(check(), "schema.sql").note, "not compared: the revisions cannot be run");
  run("CREATE TABLE by_hand (x)");
  EXPECT_EQ(kinds(), "replay pending drift");
}

/// It is kept as it is, damage and all.
TEST_F(CheckTest, WhatWasKeptOfADamagedDatabaseIsNoBackupThatIsNotUsable) {
  const Places places(settings);
  write_file(folder / "app.db", std::string(8192, 'x'));
  const auto kept = keep_damaged(folder / "app.db", places.backups, {.database = folder / "app.db"}, listener);
  std::filesystem::remove(folder / "app.db");
  const auto report = migrator(listener).check({.schema = {}, .backups = true});
  EXPECT_TRUE(report.problems().empty());
  EXPECT_EQ(part(report, "backups").note, "1 backup");
  EXPECT_FALSE(listener.has_heard("copy: checking"));
}

TEST_F(CheckTest, ManyPendingRevisionsAreNotAllNamed) {
  scripts(7);
  const auto revisions = part(check(), "revisions");
  ASSERT_EQ(revisions.problems.size(), 1U);
  EXPECT_EQ(revisions.problems[0].message, "7 revisions are not applied: 001, 002, 003, 004, 005, ...");
}

// --- Journals ---

TEST_F(CheckTest, AJournalThatIsNoFileIsAnError) {
  scripts(1);
  std::filesystem::create_directories(Places(settings).journal);
  EXPECT_EQ(code_of<journal::Error>([&] { check(); }), journal::ErrorCode::unavailable);
  script("001", "no script\n-- migrate:nonsense");
  EXPECT_EQ(code_of<journal::Error>([&] { check(); }), journal::ErrorCode::unavailable);
}

TEST_F(CheckTest, ADamagedJournalWithoutItsDatabaseIsSaid) {
  scripts(1);
  upgrade();
  std::filesystem::remove(folder / "app.db");
  write_file(Places(settings).journal, "garbage");
  EXPECT_EQ(kinds(), "pending journal");
}

TEST_F(CheckTest, AJournalOfALaterBelayIsSaid) {
  scripts(1);
  upgrade();
  make_later(Places(settings).journal);
  EXPECT_EQ(kinds(), "journal");
  EXPECT_NE(check().problems()[0].message.find("knows formats up to"), std::string::npos)
      << check().problems()[0].message;
  EXPECT_FALSE(part(check(), "schema").skipped);
}

TEST_F(CheckTest, TheJournalIsReadThoughTheScriptsCannotBe) {
  scripts(1);
  upgrade();
  script("001", "no script\n-- migrate:nonsense");
  EXPECT_EQ(kinds(), "script");
  make_later(Places(settings).journal);
  EXPECT_EQ(kinds(), "script journal");
  EXPECT_NE(check().problems()[1].message.find("knows formats up to"), std::string::npos)
      << check().problems()[1].message;
  write_file(Places(settings).journal, "garbage");
  EXPECT_EQ(kinds(), "script journal");
}

// --- Stops and locks between two looks ---

/// Whoever waits to commit lets those read who are reading, and nobody else begin.
TEST_F(CheckTest, ALockThatComesBetweenAnyTwoReadsIsReportedAsOne) {
  scripts(1);
  upgrade();
  int reads = 0;
  const std::function<void()> count = [&] {
    ++reads;
    before_open("app.db-journal", count);
  };
  leave_journal();
  before_open("app.db-journal", count);
  EXPECT_EQ(kinds(), "");
  before_open("", {});
  EXPECT_GT(reads, 10);
  for (int read = 1; read < reads; ++read) {
    engine::Raw other(folder / "app.db");
    leave_journal();
    before_read(read, [&] {
      other.run("BEGIN IMMEDIATE; INSERT INTO t VALUES (77)");
      EXPECT_THROW(other.run("COMMIT"), std::runtime_error);
    });
    EXPECT_EQ(code_of([&] { check(); }), engine::ErrorCode::busy) << "before read " << read + 1 << " of " << reads;
  }
  EXPECT_EQ(kinds(), "");
}

/// The schema that a part of the scripts makes has to be made anew.
TEST_F(CheckTest, AStopEndsTheComparisonOfTheSchema) {
  scripts(1);
  upgrade();
  scripts(2);
  std::stop_source stop;
  Migrator stopped(settings, listener, stop.get_token());
  before_open("journal.lmdb", [&] { stop.request_stop(); });
  EXPECT_EQ(code_of([&] { stopped.check({}); }), engine::ErrorCode::interrupted);
}

TEST_F(CheckTest, AStopEndsTheTrialOfTheScripts) {
  scripts(2);
  std::stop_source stop;
  stop.request_stop();
  const auto trial = [&] {
    check_scripts({.versions = folder / "versions", .like = {"sqlite", ""}}, {}, stop.get_token());
  };
  EXPECT_EQ(code_of(trial), engine::ErrorCode::interrupted);
}

TEST_F(CheckTest, AStopEndsTheLookAtTheFile) {
  run("CREATE TABLE t (x)");
  std::stop_source stop;
  stop.request_stop();
  Migrator stopped(settings, listener, stop.get_token());
  EXPECT_EQ(code_of([&] { stopped.check({}); }), engine::ErrorCode::interrupted);
}

}  // namespace
}  // namespace belay::recovery

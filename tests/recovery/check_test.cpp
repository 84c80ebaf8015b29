// check, as an embedding program uses it; tests/cli/check_test.cpp has every kind of problem.

#include "recovery/check.h"

#include <csignal>
#include <thread>

#include "journal/process_lock.h"
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

// --- Stops and locks between two looks ---

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

// fix-state beside others, and on journals that can hardly be read.

#include <dlfcn.h>
#include <lmdb.h>

#include "journal/format.h"
#include "journal/lmdb.h"
#include "journal/stored.h"
#include "recovery/fix_state.h"
#include "tests/recovery/fix_state_fixture.h"

namespace belay::recovery {
namespace {

class FixStateFaultsTest : public FixStateFixture {
 protected:
  /// Two revisions, of which the version table knows one.
  void forgotten() {
    tables();
    upgrade("002");
    run("DELETE FROM belay_version WHERE revision = '002'");
  }
  /// Before the process lock's file is opened for the `time`-th time: to look, to make ready, to carry out.
  void before_lock(int time, const std::function<void()>& act) {
    before_open("/lock", [=, this] { time == 1 ? act() : before_lock(time - 1, act); });
  }
};

// --- What happens between its looks ---

TEST_F(FixStateFaultsTest, SchemaThatChangesBetweenItsLooksIsNotTakenForTheOneItSaw) {
  forgotten();
  for (const int time : {1, 2, 3}) {
    before_lock(time, [&] { run("CREATE TABLE extra (x)"); });
    EXPECT_EQ(code_of<Error>([&] { fix(); }), ErrorCode::unknown_schema) << time;
    EXPECT_EQ(applied(), "001");
    run("DROP TABLE extra");
  }
  fix();
  expect_fixed("001 002");
}

TEST_F(FixStateFaultsTest, WhatAnotherHasFixedMeanwhileIsNotFixedAgain) {
  forgotten();
  before_lock(2, [&] { EXPECT_EQ(run_child([&] { fix(); }), 0); });
  EXPECT_TRUE(fix().revisions.empty());
  expect_fixed("001 002");
}

/// It has no plan by which it could be told from fix-state's own.
TEST_F(FixStateFaultsTest, UndoThatWasInterruptedIsSettledFirst) {
  scripts(1);
  upgrade();
  scripts(2);
  upgrade();
  const auto undo = [&] { migrator(listener).undo_run({}); };
  for (int call = 1; !journal().open_run(); ++call) ASSERT_TRUE(dies_before_write(call, undo)) << call;
  const auto error = refused();
  EXPECT_EQ(error.code(), ErrorCode::unfinished_run);
  EXPECT_NE(error.next().find("belay recover --forward"), std::string::npos) << error.next();
  migrator(listener).recover(Policy::forward);
  expect_fixed("001 002");  // It had not begun.
}

// --- Scripts that cannot be run ---

TEST_F(FixStateFaultsTest, RevisionThatCannotBeReplayedIsNotCalledApplied) {
  script("001", "CREATE TABLE t (id);");
  script("002", "SELECT nonsense;");
  run("CREATE TABLE t (id)");
  auto error = refused("002");
  EXPECT_EQ(error.code(), ErrorCode::unknown_schema);
  EXPECT_NE(std::string(error.what()).find("it cannot be replayed"), std::string::npos) << error.what();
  EXPECT_EQ(error.next(), "it is that of 001: name that");
  run("CREATE TABLE by_hand (x)");
  error = refused("002");
  EXPECT_NE(error.next().find("belay diff db versions:002"), std::string::npos) << error.next();
}

// --- Journals ---

/// Its backups stay its own.
TEST_F(FixStateFaultsTest, DatabaseThatHasLostItsTablesKeepsTheIdThatItsJournalKnows) {
  tables();
  upgrade("002");
  const std::string id = journal().database_id();
  lose_tables();
  damage_journal();
  fix();
  EXPECT_EQ(journal().database_id(), id);
  EXPECT_EQ(journals_aside(), 1);
  expect_fixed("001 002");
}

TEST_F(FixStateFaultsTest, JournalOfALaterBelayIsLeft) {
  forgotten();
  make_later(log());
  EXPECT_EQ(code_of<journal::Error>([&] { fix(); }), journal::ErrorCode::newer_format);
  EXPECT_EQ(journals_aside(), 0);
}

/// As when other programs have taken all of LMDB's places for readers.
TEST_F(FixStateFaultsTest, JournalThatCannotBeReadNowIsNotTakenForDamaged) {
  forgotten();
  int refusals = 0;
  for (bool failed = true; failed; ++refusals) {
    fail_call({"mdb_txn_begin", 0, refusals});
    try {
      plan();
      failed = false;
    } catch (const journal::Error& error) {
      ASSERT_EQ(error.code(), journal::ErrorCode::unavailable) << error.what();
    }
  }
  fail_call({});
  EXPECT_GT(refusals, 4);
}

/// Only what lies before it is damaged: it can be settled.
}  // namespace
}  // namespace belay::recovery

extern "C" int mdb_txn_begin(MDB_env* environment, MDB_txn* parent, unsigned int flags, MDB_txn** out) {
  static const auto real = reinterpret_cast<decltype(&mdb_txn_begin)>(::dlsym(RTLD_NEXT, "mdb_txn_begin"));
  return belay::recovery::call_fails("mdb_txn_begin") ? MDB_READERS_FULL : real(environment, parent, flags, out);
}

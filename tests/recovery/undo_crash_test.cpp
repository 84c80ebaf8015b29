// Killed, or left without a disk, at every single write while something is taken back, and again while that is mended:
// the database is as before it or as after it, to the byte.

#include "tests/recovery/sweep.h"
#include "tests/recovery/undo_fixture.h"

namespace belay::recovery {
namespace {

class UndoCrashTest : public Sweep<UndoTest> {
 protected:
  /// How a disturbed process may end.
  enum Ending { done = 0, failed = 2 };

  /// What is said of a failure does not matter here; anything else is not for a process to end with.
  static void ignoring_errors(const Action& action) {
    try {
      action();
    } catch (const engine::Error&) {
      ::_exit(failed);
    } catch (const journal::Error&) {
      ::_exit(failed);
    } catch (const Error&) {
      ::_exit(failed);
    }
  }
  void expect_whole() {
    EXPECT_EQ(read("PRAGMA integrity_check"), "ok");
    journal().verify();
    EXPECT_FALSE(journal().open_run());
    EXPECT_FALSE(look().interrupted);
    EXPECT_FALSE(look().problem);
    for (const auto& name : folder.names())
      EXPECT_FALSE(name.find(".new") != std::string::npos || name.ends_with("-journal")) << name;
  }

  /// Kills `action` at every write, and, every `twice_every` times, `mend` as well; `check` has the last word.
  void kill_everywhere(const Action& action, const Action& mend, const Action& check, int twice_every = 5) {
    remember();
    int call = 1;
    for (; dies_before_write(call, action); put_back(), ++call) {
      if (call % twice_every == 0) dies_before_write(1 + call % 17, mend);
      ASSERT_NO_THROW(mend()) << "killed before write " << call;
      check();
      expect_whole();
      if (HasFailure()) FAIL() << "killed before write " << call;
    }
    EXPECT_GT(call, 10);
    RecordProperty("writes", call - 1);
  }

  /// The same with a disk that fails at every write.
  void fail_everywhere(int error, bool stays, const Action& action, const Action& mend, const Action& check) {
    remember();
    int failures = 0;
    int in_a_row = 0;
    for (int call = 1; in_a_row < 5; put_back(), ++call) {
      const int status = run_child([&] {
        fail_write({call, error, stays, {}});
        ignoring_errors(action);
      });
      ASSERT_TRUE(WIFEXITED(status) && (WEXITSTATUS(status) == done || WEXITSTATUS(status) == failed)) << status;
      failures += WEXITSTATUS(status) == failed ? 1 : 0;
      in_a_row = WEXITSTATUS(status) == failed ? 0 : in_a_row + 1;
      ASSERT_NO_THROW(mend()) << "write " << call << " failed";
      check();
      expect_whole();
      if (HasFailure()) FAIL() << "write " << call << " failed";
    }
    EXPECT_GT(failures, 3);
    RecordProperty("failures", failures);
  }

  /// Two runs, and the state between them.
  void two_runs() {
    script("001",
           "CREATE TABLE t (id INTEGER PRIMARY KEY, v TEXT);\nINSERT INTO t WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL "
           "SELECT i + 1 FROM n WHERE i < 300) SELECT i, hex(zeroblob(20)) FROM n;");
    upgrade();
    before_ = contents();
    script("002",
           "DELETE FROM t WHERE id % 2;\n-- migrate:step d transaction:off\nCREATE TABLE u AS SELECT * FROM t;\n"
           "-- migrate:step e\nDROP TABLE t;");
    upgrade();
    after_ = contents();
  }
  void check_undo_run() {
    const auto now = contents();
    EXPECT_TRUE(now == before_ || now == after_);
    if (now == after_) undo_run();
    EXPECT_TRUE(contents() == before_);
  }

  /// A second revision that fails half way, and the state before it.
  void failing_revision() {
    scripts(1);
    upgrade();
    before_ = contents();
    script("002", half + failure);
  }
  void fail() { EXPECT_EQ(failed_upgrade().code(), engine::ErrorCode::statement_failed); }
  /// The failing revision fails as often as it is tried; what matters is what it leaves.
  void settle() { fail_cleanly("001"); }
  void fail_cleanly(const std::string& to = "head") {
    try {
      upgrade(to);
    } catch (const engine::Error& error) {
      if (error.is_unfinished() || error.code() != engine::ErrorCode::statement_failed) throw;
    }
  }
  void check_before() { EXPECT_TRUE(contents() == before_); }

  /// Killed while a database was leaving WAL mode, SQLite writes its first page again, and then nothing proves that
  /// nobody else has: that is asked about, and seldom.
  void mend_wal(const Action& action) {
    try {
      action();
    } catch (const Error& error) {
      if (error.code() != ErrorCode::foreign_writes) throw;
      EXPECT_LE(++asked_, 3);
      recover(Policy::back, true);
    }
  }

  std::string before_;
  std::string after_;
  int asked_ = 0;
};

TEST_F(UndoCrashTest, KilledWhileRunsAreTakenBack) {
  two_runs();
  kill_everywhere([&] { undo_run(); }, [&] { recover(Policy::back); }, [&] { check_undo_run(); });
}

TEST_F(UndoCrashTest, KilledWhileRunsOfAWalDatabaseAreTakenBack) {
  run("PRAGMA journal_mode = WAL");
  two_runs();
  kill_everywhere([&] { undo_run(); }, [&] { mend_wal([&] { recover(Policy::back); }); }, [&] { check_undo_run(); });
}

/// The undo, and then the next run, which ends the undo.
TEST_F(UndoCrashTest, KilledOnesSayHowFarTheyCame) {
  two_runs();
  std::vector<std::string> said;
  const auto sweep = [&](const Action& action) {
    remember();
    for (int call = 1; dies_before_write(call, action); ++call) {
      const auto interrupted = look().interrupted;
      const std::string words = interrupted ? interrupted->description : "";
      if (said.empty() || said.back() != words) said.push_back(words);
      put_back();
    }
  };
  sweep([&] { undo_run(); });
  put_back();
  EXPECT_TRUE(dies_before_write(30, [&] { undo_run(); }));
  sweep([&] { recover(Policy::back); });
  const std::string run = "run 3 (recover undo-run) was interrupted";
  const std::string taking_back = run + " while it was taking back what had been committed";
  EXPECT_EQ(said, (std::vector<std::string>{"", run + " at its beginning", taking_back, run + " at its end"}));
}

TEST_F(UndoCrashTest, KilledWhileTheFirstRunIsTakenBack) {
  scripts(2);
  upgrade();
  kill_everywhere([&] { undo_run(); }, [&] { recover(Policy::back); },
                  [&] {
                    if (read("SELECT count(*) FROM sqlite_schema") != "0") undo_run();
                    EXPECT_EQ(read("SELECT count(*) FROM sqlite_schema"), "0");
                    upgrade();
                    EXPECT_EQ(applied(), "001 002");
                  });
}

/// SQLite's memory, of which there may be none for once.
int allocations_to_live = 0;  // 0: for ever
sqlite3_mem_methods usual_memory;

void* allocate_unless_due(int size) {
  return allocations_to_live > 0 && --allocations_to_live == 0 ? nullptr : usual_memory.xMalloc(size);
}

void count_allocations() {
  sqlite3_shutdown();
  sqlite3_config(SQLITE_CONFIG_GETMALLOC, &usual_memory);
  auto counted = usual_memory;
  counted.xMalloc = allocate_unless_due;
  sqlite3_config(SQLITE_CONFIG_MALLOC, &counted);
}

/// Where there was none for ROLLBACK, the undo's own connection stayed in its transaction and did not see the hot
/// journal; the undo was written off, and happened as soon as the process had ended.
TEST_F(UndoCrashTest, AllocationThatFailsBehindTheNameOfTheHotJournal) {
  two_runs();
  remember();
  int failures = 0;
  for (int allocation = 1; allocation <= 12; ++allocation, put_back()) {
    SCOPED_TRACE(allocation);
    const int status = run_child([&] {
      count_allocations();
      hear_calls([&](const Call& call) {
        if (call.name.starts_with("rename") && call.path.ends_with("app.db-journal.new"))
          allocations_to_live = allocation;
      });
      ignoring_errors([&] { undo_run(); });
    });
    ASSERT_TRUE(WIFEXITED(status));
    failures += WEXITSTATUS(status) == failed ? 1 : 0;
    ASSERT_NO_THROW(recover(Policy::forward));
    EXPECT_TRUE(contents() == before_);
    expect_whole();
  }
  EXPECT_GT(failures, 0);
}

TEST_F(UndoCrashTest, KilledWhileARevisionFailsAndIsTakenBack) {
  failing_revision();
  kill_everywhere([&] { fail(); }, [&] { settle(); }, [&] { check_before(); });
}

TEST_F(UndoCrashTest, KilledWhileARevisionOfAWalDatabaseFailsAndIsTakenBack) {
  run("PRAGMA journal_mode = WAL");
  failing_revision();
  kill_everywhere([&] { fail(); }, [&] { mend_wal([&] { settle(); }); }, [&] { check_before(); });
}

TEST_F(UndoCrashTest, KilledWhileRestartTakesBack) {
  failing_revision();
  script("002", half);
  upgrade_until_call("after commit", 2);
  settings.policy = Policy::back;
  kill_everywhere([&] { upgrade("001"); }, [&] { upgrade("001"); }, [&] { check_before(); }, 2);
}

TEST_F(UndoCrashTest, KilledWhileAStepThatNoTransactionCanHoldIsTakenBack) {
  failing_revision();
  script("002",
         "-- migrate:step v transaction:off\nPRAGMA page_size = 8192;\nVACUUM;\n-- migrate:step w transaction:off "
         "repeatable:yes\nVACUUM;\nDROP TABLE t;\n" +
             failure);
  kill_everywhere([&] { fail(); }, [&] { settle(); }, [&] { check_before(); }, 3);
}

TEST_F(UndoCrashTest, KilledWhileLaterWritesAreDiscarded) {
  two_runs();
  run("CREATE TABLE foreign_one (id); DROP TABLE foreign_one; PRAGMA user_version = 7");
  after_ = contents();
  const UndoRequest discarding{.discard_later_writes = true};
  kill_everywhere([&] { undo_run(discarding); }, [&] { recover(Policy::back, true); },
                  [&] {
                    EXPECT_EQ(read("SELECT count(*) FROM sqlite_schema WHERE name = 'u'"),
                              contents() == after_ ? "1" : "0");
                    for (const auto& copy : copies()) EXPECT_EQ(engine::read(copy, "PRAGMA user_version"), "7") << copy;
                    if (contents() == after_) undo_run(discarding);
                    EXPECT_EQ(read("SELECT count(*) FROM t"), "300");
                  });
}

// --- The rows of the decision table ---

class UndoingTest : public UndoCrashTest {
 protected:
  /// Kills an undo at one write after the other, until it leaves this.
  void undo_run_until(Verdict verdict) {
    two_runs();
    remember();
    for (int call = 1; dies_before_write(call, [&] { undo_run(); }); put_back(), ++call)
      if (evidence().verdict() == verdict) return;
    FAIL() << "nowhere: " << name_of(verdict);
  }
  void expect_taken_back(const std::optional<Recovered>& recovered, Verdict verdict) {
    ASSERT_TRUE(recovered);
    EXPECT_EQ(recovered->verdict, verdict);
    EXPECT_EQ(recovered->direction, Policy::back);
    EXPECT_TRUE(contents() == before_);
    EXPECT_FALSE(journal().open_run());
  }
};

TEST_F(UndoingTest, UndoThatHasNoEffectYetIsFinishedByTheNextRun) {
  undo_run_until(Verdict::undo);
  EXPECT_TRUE(look().interrupted);
  expect_taken_back(upgrade("001").recovered, Verdict::undo);
}

TEST_F(UndoingTest, UndoThatHasTakenEffectIsWrittenDownByTheNextRun) {
  undo_run_until(Verdict::undone);
  expect_taken_back(upgrade("001").recovered, Verdict::undone);
}

TEST_F(UndoingTest, UndoThatOthersHaveWrittenBehindIsLeftToAPerson) {
  undo_run_until(Verdict::undo);
  run("CREATE TABLE theirs (id)");
  EXPECT_EQ(code_of<Error>([&] { upgrade(); }), ErrorCode::foreign_writes);
  EXPECT_EQ(code_of<Error>([&] { recover(Policy::back); }), ErrorCode::foreign_writes);
  EXPECT_EQ(look().interrupted->back.obstacle->code(), ErrorCode::foreign_writes);
  EXPECT_EQ(evidence().verdict(), Verdict::undo);
}

TEST_F(UndoingTest, UndoThatOthersHaveWrittenBehindIsGivenUpWhenAskedTo) {
  undo_run_until(Verdict::undo);
  run("CREATE TABLE theirs (id)");
  after_ = contents();
  EXPECT_EQ(recover(Policy::forward).recovered->verdict, Verdict::undo);
  EXPECT_TRUE(contents() == after_);
  EXPECT_EQ(last_run(), "RunBegin UndoBegin UndoEnd RunEnd");
  expect_settled();
}

TEST_F(UndoingTest, UndoWhoseImagesWereLetGoIsGivenUpWhenAskedTo) {
  undo_run_until(Verdict::undo);
  journal::Journal::open(folder / "app.db-belay/journal.lmdb", journal::Journal::Access::write).prune({.runs = 1});
  EXPECT_EQ(code_of<Error>([&] { upgrade(); }), ErrorCode::in_doubt);
  EXPECT_TRUE(look().interrupted);
  recover(Policy::forward);
  EXPECT_TRUE(contents() == after_);
  expect_settled();
}

TEST_F(UndoingTest, UndoThatOthersHaveWrittenBehindIsFinishedWhenTheyAreDiscarded) {
  undo_run_until(Verdict::undo);
  run("PRAGMA user_version = 5");
  recover(Policy::back, true);
  EXPECT_TRUE(contents() == before_);
  ASSERT_EQ(copies().size(), 1U);
  EXPECT_EQ(engine::read(copies().at(0), "PRAGMA user_version"), "5");
}

/// A disk that fails is no reason to give the undo up.
TEST_F(UndoingTest, WithoutACopyOfWhatOthersWroteNothingIsDiscarded) {
  undo_run_until(Verdict::undo);
  run("CREATE TABLE big AS WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 200) SELECT "
      "randomblob(4000) FROM n");
  after_ = contents();
  listener.at["copy: reading back"] = [&] {
    std::filesystem::resize_file(scratch_in(Places(settings).backups, "packed"), 300'000);
  };
  for (const Policy policy : {Policy::forward, Policy::back})
    EXPECT_EQ(code_of<Error>([&] { recover(policy, true); }), ErrorCode::backup_damaged);
  EXPECT_TRUE(contents() == after_);
  EXPECT_TRUE(copies().empty());
  EXPECT_EQ(evidence().verdict(), Verdict::undo);
}

TEST_F(UndoingTest, WhatIsUnsoundAlreadyIsNotDiscardedAndSaysWhatElseThereIsToDo) {
  undo_run_until(Verdict::undo);
  run("CREATE TABLE p (id INTEGER PRIMARY KEY); CREATE TABLE theirs (p REFERENCES p); INSERT INTO theirs VALUES (77)");
  after_ = contents();
  const auto error = error_of<Error>([&] { recover(Policy::back, true); });
  EXPECT_EQ(error.code(), ErrorCode::foreign_writes);
  EXPECT_NE(std::string(error.what()).find("is not sound as it is"), std::string::npos) << error.what();
  EXPECT_EQ(error.next(), "restore a backup: belay recover restore");
  EXPECT_TRUE(contents() == after_);
  EXPECT_EQ(evidence().verdict(), Verdict::undo);
}

TEST_F(UndoingTest, ReaderPutsItOffOnceMore) {
  undo_run_until(Verdict::undo);
  engine::Raw reader(folder / "app.db");
  reader.run("BEGIN; SELECT * FROM u");
  EXPECT_EQ(code_of<engine::Error>([&] { recover(Policy::back); }), engine::ErrorCode::busy);
  EXPECT_EQ(evidence().verdict(), Verdict::undo);
  reader.run("COMMIT");
  expect_taken_back(recover(Policy::back).recovered, Verdict::undo);
}

TEST_F(UndoingTest, OldestImagesThatWereLetGoAreMissed) {
  two_runs();
  script("003", "DELETE FROM u;");
  upgrade();
  after_ = contents();
  remember();
  for (int call = 1; dies_before_write(call, [&] { undo_run({.back_to = journal::RunId{2}}); }); put_back(), ++call)
    if (evidence().verdict() == Verdict::undo) break;
  {
    auto log = journal::Journal::open(Places(settings).journal, journal::Journal::Access::write);
    for (std::uint64_t bytes = 1U << 16U; log.runs().at(1).image_bytes > 0; bytes -= 256) log.prune({.bytes = bytes});
    ASSERT_EQ(log.runs().size(), 4U);
  }
  const auto error = error_of<Error>([&] { recover(Policy::back); });
  EXPECT_EQ(error.code(), ErrorCode::in_doubt);
  EXPECT_NE(std::string(error.what()).find("the before-images of transaction"), std::string::npos) << error.what();
  EXPECT_TRUE(contents() == after_);
  recover(Policy::forward);
  EXPECT_TRUE(contents() == after_);
  expect_settled();
}

TEST_F(UndoingTest, TwoThatFindTheSameUndoFinishItOnce) {
  undo_run_until(Verdict::undo);
  settings.lock_timeout = std::chrono::minutes(1);
  const pid_t one = engine::start([&] { recover(Policy::back); });
  const pid_t other = engine::start([&] { recover(Policy::back); });
  EXPECT_EQ(engine::wait_for(one), 0);
  EXPECT_EQ(engine::wait_for(other), 0);
  EXPECT_TRUE(contents() == before_);
  EXPECT_EQ(journal().runs().size(), 3U);
  EXPECT_FALSE(journal().open_run());
}

// --- Disks that fail ---

TEST_F(UndoCrashTest, DiskThatIsFullWhileRunsAreTakenBack) {
  two_runs();
  fail_everywhere(
      ENOSPC, true, [&] { undo_run(); }, [&] { recover(Policy::back); }, [&] { check_undo_run(); });
}

TEST_F(UndoCrashTest, DiskThatFailsOnceWhileRunsAreTakenBack) {
  two_runs();
  fail_everywhere(
      EIO, false, [&] { undo_run(); }, [&] { recover(Policy::back); }, [&] { check_undo_run(); });
}

TEST_F(UndoCrashTest, DiskThatFailsWhileARevisionIsTakenBack) {
  failing_revision();
  fail_everywhere(
      EIO, true, [&] { fail_cleanly(); }, [&] { settle(); }, [&] { check_before(); });
}

/// The undo itself empties the WAL once more, and says what is wrong when that fails, too.
TEST_F(UndoCrashTest, DiskThatFailsOnceWhileTheWalOfAKilledRunIsEmptied) {
  run("PRAGMA journal_mode = WAL");
  failing_revision();
  script("002", half);
  upgrade_until_call("after commit", 2);
  fail_write({1, EIO, false, "/app.db"});
  const auto report = recover(Policy::back);
  fail_write({});
  ASSERT_TRUE(report.recovered);
  EXPECT_EQ(read("SELECT count(*) FROM t"), "0");
  EXPECT_EQ(applied(), "001");
  expect_whole();
}

TEST_F(UndoCrashTest, DiskThatIsFullWhileRestartTakesBack) {
  failing_revision();
  script("002", half);
  upgrade_until_call("after commit", 2);
  settings.policy = Policy::back;
  fail_everywhere(
      ENOSPC, true, [&] { upgrade("001"); }, [&] { upgrade("001"); }, [&] { check_before(); });
}

}  // namespace
}  // namespace belay::recovery

// Every row of the decision table, reached by a process that was really killed.

#include "recovery/restart.h"

#include "tests/recovery/undo_fixture.h"

namespace belay::recovery {
namespace {

class RestartTest : public UndoTest {
 protected:
  /// What the next run finds, and that it then ends where a run without a crash does.
  void expect_verdict(Verdict verdict) {
    EXPECT_EQ(name_of(evidence().verdict()), name_of(verdict));
    const auto report = upgrade();
    ASSERT_TRUE(report.recovered);
    EXPECT_EQ(name_of(report.recovered->verdict), name_of(verdict));
    expect_settled();
  }
  /// `rows` in `t`, all revisions applied.
  void expect_rows(const std::string& rows, const std::string& revisions) {
    EXPECT_EQ(read("SELECT group_concat(id, ' ') FROM t"), rows);
    EXPECT_EQ(applied(), revisions);
  }
};

TEST_F(RestartTest, NothingWhenTheLastRunIsClosed) {
  scripts(3);
  EXPECT_FALSE(upgrade().recovered);
  EXPECT_EQ(evidence().verdict(), Verdict::nothing);
  expect_settled();
}

TEST_F(RestartTest, SettlesBetweenTransactions) {
  scripts(3);
  upgrade_until("began 001");
  expect_verdict(Verdict::settle);
  expect_rows("2 3", "001 002 003");
}

TEST_F(RestartTest, DropsWhatDidNotCommit) {
  scripts(3);
  upgrade_until_call("after seal");
  expect_verdict(Verdict::drop);
  expect_rows("2 3", "001 002 003");
}

TEST_F(RestartTest, DropsTheTransactionBehindOneThatDidCommit) {
  scripts(3);
  settings.hooks_between = true;
  upgrade_until_call("after seal", 2);
  EXPECT_EQ(applied(), "001");
  expect_verdict(Verdict::drop);
  expect_rows("2 3", "001 002 003");
}

TEST_F(RestartTest, RedoesTheAcknowledgementOfWhatDidCommit) {
  scripts(3);
  settings.hooks_between = true;
  upgrade_until_call("after commit", 2);
  EXPECT_EQ(applied(), "001 002");
  expect_verdict(Verdict::redo);
  expect_rows("2 3", "001 002 003");
}

TEST_F(RestartTest, RedoesTheLastTransactionOfARun) {
  scripts(3);
  upgrade_until_call("after commit");
  expect_verdict(Verdict::redo);
  expect_rows("2 3", "001 002 003");
}

TEST_F(RestartTest, RepeatsAVacuumThatMayHaveHappened) {
  script("001",
         "CREATE TABLE t (id);\nINSERT INTO t VALUES (1);\n-- migrate:step v transaction:off\nVACUUM;\n"
         "-- migrate:step more\nINSERT INTO t VALUES (2);");
  for (const char* moment : {"before run", "after run"}) {
    upgrade_until_call(moment, 3);
    EXPECT_EQ(read("SELECT count(*) FROM t"), "1");
    EXPECT_EQ(evidence().tail, Tail::alone);
    expect_verdict(Verdict::repeat);
    expect_rows("1 2", "001");
    std::filesystem::remove_all(folder / "app.db-belay");
    std::filesystem::remove(folder / "app.db");
  }
}

TEST_F(RestartTest, RedoesTheAcknowledgementOfAVacuum) {
  script("001", "CREATE TABLE t (id);\nINSERT INTO t VALUES (1);\n-- migrate:step v transaction:off\nVACUUM;");
  upgrade_until_call("after commit", 2);
  EXPECT_EQ(evidence().tail, Tail::alone);
  expect_verdict(Verdict::redo);
  expect_rows("1", "001");
}

TEST_F(RestartTest, GoesOnInTheRevisionThatIsAppliedInPart) {
  script("001",
         "CREATE TABLE t (id);\n-- migrate:step a transaction:off\nINSERT INTO t VALUES (1);\n-- migrate:step b "
         "transaction:off\nINSERT INTO t VALUES (2);");
  for (int commit = 1; commit <= 4; ++commit) {
    for (const char* moment : {"before commit", "after commit"}) {
      upgrade_until_call(moment, commit);
      upgrade();
      expect_rows("1 2", "001");
      expect_settled();
      std::filesystem::remove_all(folder / "app.db-belay");
      std::filesystem::remove(folder / "app.db");
    }
  }
}

TEST_F(RestartTest, GoesOnBehindTheLastSliceOfABatch) {
  scripts(8);
  upgrade();
  run("ALTER TABLE t ADD COLUMN n INTEGER DEFAULT 0");
  script("009", "-- migrate:step fill batch:3 over:t.id\nUPDATE t SET n = n + 1 WHERE id BETWEEN :lo AND :hi;");
  upgrade_until_call("after commit", 2);
  EXPECT_EQ(read("SELECT group_concat(n, '') FROM t"), "1111110");
  expect_verdict(Verdict::redo);
  EXPECT_EQ(read("SELECT group_concat(n, '') FROM t"), "1111111");
}

TEST_F(RestartTest, FinishesByThePlanOfTheJournalAndNotByTheScripts) {
  scripts(3);
  upgrade_until("began 001");
  std::filesystem::remove(folder / "versions/002.sql");
  script("003", "SELECT nonsense;");
  EXPECT_EQ(code_of<Error>([&] { upgrade(); }), ErrorCode::drift);
  expect_rows("2 3", "001 002 003");
}

TEST_F(RestartTest, AtomicRunStaysAtomic) {
  scripts(3);
  settings.atomic = true;
  upgrade_until("committed 001");
  EXPECT_EQ(evidence().verdict(), Verdict::redo);
  settings.atomic = false;
  upgrade();
  EXPECT_EQ(read("SELECT count(DISTINCT lsn) FROM belay_version"), "1");
  expect_settled();
}

TEST_F(RestartTest, KilledWithinRestartAgainAndAgainItEndsAtTheSame) {
  scripts(5);
  settings.hooks_between = true;
  upgrade_until("committed 001");
  for (const char* word : {"run 4", "began 002", "committed 002", "began 004", "committed 004"}) {
    upgrade_until(word);
    EXPECT_TRUE(look().interrupted);
  }
  EXPECT_EQ(applied(), "001 002 003 004");
  EXPECT_TRUE(upgrade().recovered);
  expect_rows("2 3 4 5", "001 002 003 004 005");
  expect_settled();
}

TEST_F(RestartTest, StatementThatFailsInRestartClosesTheRun) {
  scripts(2);
  script("003", "INSERT INTO nowhere VALUES (1);");
  upgrade_until("began 001");
  EXPECT_EQ(code_of<engine::Error>([&] { upgrade(); }), engine::ErrorCode::statement_failed);
  EXPECT_EQ(applied(), "001 002");
  EXPECT_FALSE(journal().open_run());
  script("003", "INSERT INTO t VALUES (3);");
  EXPECT_FALSE(upgrade().recovered);
  expect_settled();
}

// --- Policy back ---

TEST_F(RestartTest, BackStaysAtTheLastRevisionThatIsWhole) {
  scripts(4);
  settings.hooks_between = true;
  upgrade_until("committed 002");
  settings.policy = Policy::back;
  const auto report = upgrade("002");
  ASSERT_TRUE(report.recovered);
  EXPECT_EQ(report.recovered->direction, Policy::back);
  EXPECT_TRUE(report.revisions.empty());
  expect_rows("2", "001 002");
  EXPECT_FALSE(journal().open_run());
}

TEST_F(RestartTest, BackTakesBackTheRevisionThatIsAppliedInPart) {
  scripts(1);
  upgrade();
  const auto before = contents();
  script("002",
         "INSERT INTO t VALUES (2);\n-- migrate:step a transaction:off\nINSERT INTO t VALUES (3);\n-- migrate:step b\n"
         "DROP TABLE t;");
  settings.policy = Policy::back;
  const std::pair<const char*, int> deaths[] = {
      {"after commit", 1}, {"before commit", 2}, {"after seal", 2}, {"after commit", 2}, {"after seal", 3}};
  for (const auto& [moment, commit] : deaths) {
    upgrade_until_call(moment, commit);
    EXPECT_NE(contents(), before);
    const auto report = upgrade("001");
    ASSERT_TRUE(report.recovered);
    EXPECT_EQ(report.recovered->direction, Policy::back);
    EXPECT_EQ(contents(), before) << moment << commit;
    EXPECT_FALSE(journal().open_run());
  }
}

// --- What a person has to decide ---

/// A run that was killed in a step that may not be run twice, as an earlier belay could leave it.
class DoubtfulTest : public RestartTest {
 protected:
  void interrupt_in_mixed_step(bool acknowledged) {
    interrupt_in("-- migrate:step s transaction:off\nINSERT INTO t VALUES (1);\nVACUUM;", [&](engine::Site& site) {
      const auto begin = begin_step(site);
      site.connection().query("INSERT INTO t VALUES (1)");
      if (acknowledged) site.versions().set_last_lsn(begin);
    });
  }
  /// A run of a second revision, in a process that dies behind this.
  void interrupt_in(const std::string& sql, const std::function<void(engine::Site&)>& work) {
    script("001", "CREATE TABLE t (id);");
    upgrade();
    const int status = run_child([&] {
      engine::Site site(engine::connect(Places(settings).url, {}), Places(settings).journal);
      site.journal().begin({.command = "migrate"}, {engine::up("002", sql)});
      work(site);
      die();
    });
    ASSERT_TRUE(was_killed(status));
  }
  /// Promises the first step, and keeps nothing that it overwrites.
  static journal::Lsn begin_step(engine::Site& site) {
    const auto begin = site.journal().append(journal::TransactionBegin{site.journal().last_commit()});
    site.journal().append(journal::StepBegin{0, 0, {}});
    site.journal().flush();
    return begin;
  }
};

/// As an earlier belay could leave it, and a driver that keeps no before-images does.
TEST_F(RestartTest, TransactionWithoutBeforeImagesIsNotTakenBack) {
  script("001", "CREATE TABLE t (id);");
  upgrade();
  const std::string up = "INSERT INTO t VALUES (1);\n-- migrate:step b transaction:off\nINSERT INTO t VALUES (2);";
  script("002", up);
  const int status = run_child([&] {
    engine::Site site(engine::connect(Places(settings).url, {}), Places(settings).journal);
    const auto previous = site.journal().last_commit();
    site.journal().begin({.command = "migrate"}, {engine::up("002", up)});
    const auto begin = site.journal().append(journal::TransactionBegin{previous});
    site.journal().append(journal::StepBegin{0, 0, {}});
    site.connection().query("INSERT INTO t VALUES (1)");
    site.versions().set_last_lsn(begin);
    site.journal().append(journal::TransactionCommit{begin});
    site.journal().flush();
    die();
  });
  ASSERT_TRUE(was_killed(status));
  EXPECT_FALSE(look().interrupted->forward.obstacle);
  const auto obstacle = look().interrupted->back.obstacle;
  ASSERT_TRUE(obstacle);
  const auto error = error_of<Error>([&] { recover(Policy::back); });
  EXPECT_EQ(error.code(), ErrorCode::in_doubt);
  EXPECT_EQ(obstacle->code(), error.code());
  EXPECT_STREQ(obstacle->what(), error.what());
  EXPECT_EQ(read("SELECT group_concat(id, ' ') FROM t"), "1");
  recover(Policy::forward);
  EXPECT_EQ(read("SELECT group_concat(id, ' ') FROM t"), "1 2");
}

/// Of a database whose driver keeps no before-images.
class Imageless final : public Watched {
 public:
  explicit Imageless(std::unique_ptr<Connection> below) : Watched(std::move(below), [](const auto&) {}) {}
  [[nodiscard]] const engine::Capabilities& capabilities() const override { return capabilities_; }
  std::string footprint() override { return Connection::footprint(); }

 private:
  static constexpr engine::Capabilities capabilities_{.transactional_ddl = true, .savepoints = true, .images = false};
};

TEST_F(RestartTest, PlacesOfADatabaseAreShownWhereItsDriverTellsThem) {
  scripts(3);
  settings.hooks_between = true;
  upgrade_until("began 002");
  EXPECT_EQ(look().interrupted->evidence.size(), 4U);
  const auto log = journal();
  Imageless connection(engine::connect(Places(settings).url, {.lock_timeout = {}, .read_only = true}));
  const auto analysis = analyse(log);
  const auto evidence = examine(analysis, log, engine::VersionTable(connection, "belay_version").state(), &connection);
  const auto found = look_ahead(analysis, evidence, log, &connection, in_force(log, {.first = {1}}, connection));
  EXPECT_EQ(found.evidence.size(), 2U);
  EXPECT_EQ(found.forward.would, "go on with revision 002");
  EXPECT_EQ(found.back.would, "close the run; what is applied stays");
}

/// The same step, killed in a belay that keeps before-images.
class ImagedTest : public DoubtfulTest {
 protected:
  void interrupt_with_images(bool happened) {
    interrupt_in("-- migrate:step s transaction:off\nINSERT INTO t VALUES (1);\nVACUUM;", [&](engine::Site& site) {
      engine::StepAlone alone(site.parts(), journal::StepBegin{0, 0, {}});
      if (happened) site.connection().query("INSERT INTO t VALUES (1)");
      die();
    });
    EXPECT_EQ(evidence().tail, Tail::alone_once);
    EXPECT_EQ(evidence().verdict(), Verdict::undo);
  }
};

TEST_F(ImagedTest, StepThatMayNotBeRunTwiceIsTakenBackAndRunOnce) {
  interrupt_with_images(true);
  EXPECT_EQ(read("SELECT count(*) FROM t"), "1");
  EXPECT_EQ(recover(Policy::forward).recovered->direction, Policy::forward);
  EXPECT_EQ(read("SELECT count(*) FROM t"), "1");
  EXPECT_EQ(applied(), "001 002");
  EXPECT_EQ(evidence().verdict(), Verdict::nothing);
}

TEST_F(ImagedTest, StepThatMayNotBeRunTwiceIsTakenBack) {
  interrupt_with_images(true);
  EXPECT_EQ(recover(Policy::back).recovered->direction, Policy::back);
  EXPECT_EQ(read("SELECT count(*) FROM t"), "0");
  EXPECT_EQ(applied(), "001");
  EXPECT_EQ(evidence().verdict(), Verdict::nothing);
}

TEST_F(ImagedTest, StepOfWhichNothingHappenedIsWrittenOff) {
  interrupt_with_images(false);
  recover(Policy::back);
  EXPECT_EQ(last_run(), "RunBegin PlannedRevision TransactionBegin Footprint StepBegin TransactionRollback RunEnd");
}

/// The look said that what is applied stays, and the next run took it back.
TEST_F(ImagedTest, StepThatIsCommittedOnlyToBeTakenBackIsShownAsThat) {
  interrupt_with_images(true);
  for (int call = 1; evidence().verdict() != Verdict::redo; ++call) {
    const int status = run_child([&] {
      die_before_write(call);
      recover(Policy::back);
    });
    ASSERT_TRUE(was_killed(status));
  }
  const auto found = look().interrupted;
  ASSERT_TRUE(found);
  EXPECT_EQ(found->back.would, "take back what is committed of revision 002, and close the run");
  EXPECT_FALSE(found->back.obstacle);
  EXPECT_FALSE(found->forward.obstacle);
  run("INSERT INTO t VALUES (77)");
  for (const Way& way : {look().interrupted->forward, look().interrupted->back})
    EXPECT_EQ(way.obstacle.value().code(), ErrorCode::foreign_writes);
  for (const Policy policy : {Policy::forward, Policy::back})
    EXPECT_EQ(code_of<Error>([&] { recover(policy); }), ErrorCode::foreign_writes);
  recover(Policy::back, true);
  EXPECT_EQ(read("SELECT count(*) FROM t"), "0");
  EXPECT_FALSE(journal().open_run());
}

TEST_F(ImagedTest, StepThatOthersHaveWrittenBehindIsLeftToAPerson) {
  interrupt_with_images(true);
  run("INSERT INTO t VALUES (77)");
  for (const Policy policy : {Policy::forward, Policy::back})
    EXPECT_EQ(code_of<Error>([&] { recover(policy); }), ErrorCode::foreign_writes);
  EXPECT_TRUE(look().interrupted->forward.obstacle);
  EXPECT_EQ(read("SELECT count(*) FROM t"), "2");
  recover(Policy::back, true);
  EXPECT_EQ(read("SELECT count(*) FROM t"), "0");
}

TEST_F(DoubtfulTest, StepThatMayNotBeRunTwiceIsInDoubt) {
  interrupt_in_mixed_step(false);
  EXPECT_EQ(evidence().tail, Tail::alone_blind);
  const auto error = error_of<Error>([&] { upgrade(); });
  EXPECT_EQ(error.code(), ErrorCode::in_doubt);
  EXPECT_FALSE(error.next().empty());
  const auto found = look().interrupted;
  ASSERT_TRUE(found);
  for (const Way& way : {found->forward, found->back}) {
    EXPECT_EQ(way.would, "stop at once");
    EXPECT_EQ(way.obstacle.value().code(), ErrorCode::in_doubt);
  }
  EXPECT_TRUE(journal().open_run());
  EXPECT_EQ(read("SELECT count(*) FROM t"), "1");
}

TEST_F(DoubtfulTest, StepThatIsAcknowledgedIsNot) {
  interrupt_in_mixed_step(true);
  EXPECT_EQ(evidence().tail, Tail::alone_blind);
  script("002", "-- migrate:step s transaction:off repeatable:yes\nINSERT INTO t VALUES (1);\nVACUUM;");
  EXPECT_THROW(upgrade(), Error);  // The scripts have another digest: drift, found behind the restart.
  EXPECT_EQ(applied(), "001 002");
  EXPECT_EQ(read("SELECT count(*) FROM t"), "1");
}

TEST_F(DoubtfulTest, VacuumOfWhichNothingWasKeptIsRepeatedInATransactionOfItsOwn) {
  interrupt_in("-- migrate:step v transaction:off\nVACUUM;", [](engine::Site& site) {
    begin_step(site);
    site.connection().query("VACUUM");
  });
  EXPECT_EQ(evidence().verdict(), Verdict::repeat);
  EXPECT_EQ(recover(Policy::forward).recovered->direction, Policy::forward);
  EXPECT_EQ(applied(), "001 002");
  EXPECT_TRUE(last_run().starts_with(
      "RunBegin PlannedRevision TransactionBegin StepBegin TransactionRollback TransactionBegin Footprint StepBegin "))
      << last_run();
  EXPECT_EQ(evidence().verdict(), Verdict::nothing);
}

TEST_F(DoubtfulTest, VacuumOfWhichNothingWasKeptIsWrittenOffOnTheWayBack) {
  interrupt_in("-- migrate:step v transaction:off\nVACUUM;", [](engine::Site& site) { begin_step(site); });
  EXPECT_EQ(recover(Policy::back).recovered->direction, Policy::back);
  EXPECT_EQ(applied(), "001");
  EXPECT_EQ(last_run(), "RunBegin PlannedRevision TransactionBegin StepBegin TransactionRollback RunEnd");
  EXPECT_EQ(evidence().verdict(), Verdict::nothing);
}

TEST_F(DoubtfulTest, PartOfWhichNothingWasKeptCanOnlyBeGoneOnWith) {
  interrupt_in("INSERT INTO t VALUES (1);\n-- migrate:step b transaction:off\nINSERT INTO t VALUES (2);",
               [](engine::Site& site) {
                 const auto begin = begin_step(site);
                 site.connection().query("INSERT INTO t VALUES (1)");
                 site.versions().set_last_lsn(begin);
                 site.journal().append(journal::TransactionCommit{begin});
                 site.journal().flush();
               });
  const auto error = error_of<Error>([&] { recover(Policy::back); });
  EXPECT_EQ(error.code(), ErrorCode::in_doubt);
  EXPECT_NE(std::string(error.what()).find("cannot be taken back: the before-images of transaction"), std::string::npos)
      << error.what();
  EXPECT_EQ(error.file(), Places(settings).journal.string());
  EXPECT_NE(error.next().find("--forward"), std::string::npos) << error.next();
  ASSERT_TRUE(look().interrupted->back.obstacle);
  EXPECT_EQ(look().interrupted->back.obstacle->what(), std::string(error.what()));
  EXPECT_FALSE(look().interrupted->forward.obstacle);
  EXPECT_EQ(read("SELECT count(*) FROM t"), "1");
  recover(Policy::forward);
  expect_rows("1 2", "001 002");
  EXPECT_EQ(evidence().verdict(), Verdict::nothing);
}

TEST_F(RestartTest, RefusesADatabaseThatWasPutBack) {
  scripts(1);
  upgrade();
  const std::string old = read_file(folder / "app.db");
  scripts(2);
  upgrade();
  write_file(folder / "app.db", old);
  const auto error = error_of<Error>([&] { upgrade(); });
  EXPECT_EQ(error.code(), ErrorCode::foreign);
  EXPECT_EQ(read_file(folder / "app.db"), old);
}

/// Behind the look that every command begins with.
TEST_F(RestartTest, RefusesADatabaseThatIsPutBackMeanwhile) {
  scripts(1);
  upgrade();
  const std::string old = read_file(folder / "app.db");
  scripts(2);
  upgrade();
  write_file(folder / "app.db", old);
  const auto error = error_of<Error>([&] {
    Target target(settings, "migrate", {});
    restart(target, {}, {}, listener, {});
  });
  EXPECT_EQ(error.code(), ErrorCode::foreign);
  EXPECT_NE(std::string(error.what()).find("do not fit"), std::string::npos) << error.what();
  EXPECT_EQ(read_file(folder / "app.db"), old);
}

TEST_F(RestartTest, RefusesADatabaseThatWasPutBackUnderAnOpenRun) {
  scripts(1);
  upgrade();
  const std::string old = read_file(folder / "app.db");
  scripts(2);
  upgrade();
  scripts(3);
  upgrade_until("began 003");
  write_file(folder / "app.db", old);
  EXPECT_EQ(evidence().verdict(), Verdict::refuse);
  EXPECT_EQ(code_of<Error>([&] { upgrade(); }), ErrorCode::foreign);
  EXPECT_EQ(read_file(folder / "app.db"), old);
  EXPECT_TRUE(journal().open_run());
}

}  // namespace
}  // namespace belay::recovery

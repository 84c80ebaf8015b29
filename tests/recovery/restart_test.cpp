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
  /// The database is the one of before the last run. @returns its content.
  std::string put_back() {
    scripts(1);
    upgrade();
    std::string old = read_file(folder / "app.db");
    scripts(2);
    upgrade();
    write_file(folder / "app.db", old);
    return old;
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

/// Of a database whose driver keeps no before-images.
class Imageless final : public Watched {
 public:
  explicit Imageless(std::unique_ptr<Connection> below) : Watched(std::move(below), [](const auto&) {}) {}
  [[nodiscard]] const engine::Capabilities& capabilities() const override { return capabilities_; }
  std::string footprint() override { return {}; }

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

TEST_F(RestartTest, RefusesADatabaseThatWasPutBack) {
  const std::string old = put_back();
  const auto error = error_of<Error>([&] { upgrade(); });
  EXPECT_EQ(error.code(), ErrorCode::foreign);
  EXPECT_EQ(read_file(folder / "app.db"), old);
}

/// Behind the look that every command begins with.
TEST_F(RestartTest, RefusesADatabaseThatIsPutBackMeanwhile) {
  const std::string old = put_back();
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

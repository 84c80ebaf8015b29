#include "recovery/analysis.h"

#include "engine/drivers/sqlite.h"
#include "recovery/error.h"
#include "recovery/in_force.h"
#include "tests/engine/executor_fixture.h"

namespace belay::recovery {
namespace {

using engine::Position;
using journal::Lsn;

/// A journal with an open run, to which records are added by hand.
using engine::Folder;

class AnalysisTest : public testing::Test {
 protected:
  AnalysisTest() {
    log.begin({.command = "migrate"},
              {engine::up("1", "SELECT 1;\nSELECT 2;"), engine::up("2", "SELECT 1;"),
               engine::up("3",
                          "-- migrate:step s batch:2 over:t.id\nSELECT :lo, :hi;\n-- migrate:step v "
                          "transaction:off\nVACUUM;\n-- migrate:step i transaction:off\nINSERT INTO t VALUES (1);")});
  }

  Lsn begin() { return transaction = log.append(journal::TransactionBegin{.previous = log.last_commit()}); }
  void step(std::uint64_t ordinal, std::uint64_t index) { log.append(journal::StepBegin{ordinal, index, {}}); }
  void slice(std::uint64_t ordinal, std::uint64_t index, const std::string& high) {
    log.append(journal::StepBegin{ordinal, index, journal::Slice{"0", high}});
  }
  void stamp(std::uint64_t ordinal) { log.append(journal::StampBegin{ordinal}); }
  void commit() { log.append(journal::TransactionCommit{transaction}); }
  void roll_back() { log.append(journal::TransactionRollback{transaction, "why"}); }
  Analysis analysis() {
    log.flush();
    return analyse(log);
  }
  Position position() { return analysis().position; }
  /// What follows when the database says so.
  Evidence with(const std::optional<engine::TargetState>& state) {
    const auto result = analysis();
    return examine(result, log, state, connection.get());
  }
  [[nodiscard]] static engine::TargetState at(Lsn lsn, const std::string& id = "the database") { return {id, lsn}; }

  Folder folder;
  journal::Journal log = journal::Journal::create(folder / "journal.lmdb", "the database");
  std::unique_ptr<engine::Connection> connection = engine::drivers::open_sqlite(folder / "app.db", {});
  Lsn transaction;
};

TEST_F(AnalysisTest, ClosedRunIsNothing) {
  log.end({.outcome = journal::Outcome::done}, {});
  EXPECT_FALSE(analysis().run);
  EXPECT_EQ(with(std::nullopt).tail, Tail::closed);
}

TEST_F(AnalysisTest, RunWithoutATransactionIsAtItsBeginning) {
  EXPECT_EQ(analysis().plan.size(), 3U);
  EXPECT_EQ(position(), Position{});
  EXPECT_EQ(with(std::nullopt).tail, Tail::between);
}

TEST_F(AnalysisTest, CommittedGroupIsBehindItsLastRevision) {
  begin();
  step(0, 0);
  step(0, 1);
  stamp(0);
  step(1, 0);
  stamp(1);
  commit();
  EXPECT_EQ(position(), (Position{.revision = 2, .step = 0, .after = ""}));
}

TEST_F(AnalysisTest, OpenGroupIsWhereItWouldBeIfItCommitted) {
  begin();
  step(0, 0);
  step(0, 1);
  stamp(0);
  const auto open = analysis();
  EXPECT_EQ(open.position, Position{});
  EXPECT_EQ(open.transaction->lsn, transaction);
  EXPECT_EQ(open.transaction->after, (Position{.revision = 1, .step = 0, .after = ""}));
}

TEST_F(AnalysisTest, RevisionThatWasRolledBackInItsGroupIsNotDone) {
  begin();
  step(0, 0);
  step(0, 1);
  stamp(0);
  step(1, 0);
  log.append(journal::RevisionRollback{1, "why"});
  commit();
  EXPECT_EQ(position(), (Position{.revision = 1, .step = 0, .after = ""}));
}

TEST_F(AnalysisTest, TransactionThatWasRolledBackIsNotDone) {
  begin();
  step(0, 0);
  roll_back();
  EXPECT_EQ(position(), Position{});
  EXPECT_FALSE(analysis().transaction);
}

TEST_F(AnalysisTest, CommittedPartIsBehindItsLastStep) {
  begin();
  step(0, 0);
  commit();
  EXPECT_EQ(position(), (Position{.revision = 0, .step = 1, .after = ""}));
}

TEST_F(AnalysisTest, CommittedSliceIsInItsStep) {
  begin();
  slice(2, 0, "'it''s'");
  commit();
  EXPECT_EQ(position(), (Position{.revision = 2, .step = 0, .after = "'it''s'"}));
  begin();
  slice(2, 0, "'z'");
  EXPECT_EQ(position().after, "'it''s'");
  EXPECT_EQ(analysis().transaction->after.after, "'z'");
}

TEST_F(AnalysisTest, StampAloneIsARevision) {
  begin();
  stamp(0);
  commit();
  EXPECT_EQ(position(), (Position{.revision = 1, .step = 0, .after = ""}));
}

TEST_F(AnalysisTest, OnlyTheRunAtTheEndCounts) {
  begin();
  stamp(0);
  commit();
  log.end({.outcome = journal::Outcome::done}, {});
  log.begin({.command = "next"}, {engine::up("9", "SELECT 1;")});
  EXPECT_EQ(analysis().run->command, "next");
  EXPECT_EQ(analysis().plan.size(), 1U);
  EXPECT_EQ(position(), Position{});
}

/// Another process may end it while this one reads.
TEST_F(AnalysisTest, RunThatEndsMeanwhileIsNothingToWhoReadsOn) {
  begin();
  stamp(0);
  auto result = analysis();
  ASSERT_TRUE(result.run);
  commit();
  log.end({.outcome = journal::Outcome::done}, {});
  analyse_further(result, log);
  EXPECT_FALSE(result.run);
  EXPECT_FALSE(result.transaction);
  EXPECT_TRUE(result.plan.empty());
  EXPECT_EQ(result.position, Position{});
  EXPECT_EQ(result.read_to, log.last());
}

// --- Evidence ---

TEST_F(AnalysisTest, DatabaseWithoutBelaysTablesIsLevelWithAJournalThatKnowsOfNoCommit) {
  begin();
  EXPECT_EQ(with(std::nullopt).level, Level::level);
  EXPECT_EQ(with(std::nullopt).verdict(), Verdict::drop);
}

TEST_F(AnalysisTest, LastNumberDecidesWhetherTheOpenTransactionCommitted) {
  begin();
  stamp(0);
  commit();
  const Lsn first = transaction;
  const Lsn second = begin();
  stamp(1);
  EXPECT_EQ(with(at(first)).verdict(), Verdict::drop);
  EXPECT_EQ(with(at(second)).verdict(), Verdict::redo);
  for (const std::uint64_t other : {std::uint64_t{0}, first.value - 1, second.value + 1, second.value + 100})
    EXPECT_EQ(with(at({other})).verdict(), Verdict::refuse) << other;
  EXPECT_EQ(with(std::nullopt).verdict(), Verdict::refuse);
}

TEST_F(AnalysisTest, AnotherDatabaseIsElsewhereEvenAtTheSameNumber) {
  begin();
  stamp(0);
  commit();
  EXPECT_EQ(with(at(transaction)).verdict(), Verdict::settle);
  EXPECT_EQ(with(at(transaction, "another")).verdict(), Verdict::refuse);
}

TEST_F(AnalysisTest, StepOutsideATransactionIsAloneOnlyWhenNoTransactionCanHoldIt) {
  begin();
  stamp(0);
  commit();
  begin();
  stamp(1);
  commit();
  const Lsn level = transaction;
  begin();
  step(2, 1);
  EXPECT_EQ(with(at(level)).tail, Tail::alone);
  roll_back();
  begin();
  step(2, 2);
  EXPECT_EQ(with(at(level)).tail, Tail::inside);
}

/// Only a connection knows what no transaction can hold.
TEST_F(AnalysisTest, WithoutADatabaseAStepOutsideATransactionIsLikeAnyOther) {
  begin();
  step(2, 1);
  EXPECT_EQ(examine(analysis(), log, std::nullopt, nullptr).tail, Tail::inside);
}

TEST_F(AnalysisTest, TransactionBeganWhereItsFirstFootprintSays) {
  begin();
  log.append(journal::Footprint{"found", "left"});
  log.append(journal::Footprint{"left", "left again"});
  ASSERT_TRUE(analysis().transaction);
  EXPECT_EQ(analysis().transaction->before, "found");
}

TEST_F(AnalysisTest, RecordThatTheJournalDoesNotHaveIsOfNoRun) {
  log.flush();
  EXPECT_EQ(run_of(log, Lsn{2}).run.value, 1U);
  const auto error = engine::error_of<Error>([&] { run_of(log, Lsn{1000}); });
  EXPECT_EQ(error.code(), ErrorCode::no_images);
  EXPECT_EQ(error.file(), log.file().string());
}

}  // namespace
}  // namespace belay::recovery

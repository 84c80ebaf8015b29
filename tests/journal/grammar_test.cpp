#include "journal/grammar.h"

#include <gtest/gtest.h>

#include "tests/journal/fixture.h"

namespace belay::journal {
namespace {

/// Feeds records numbered from 1.
Grammar accepted(const std::vector<Record>& records) {
  Grammar grammar;
  for (std::size_t i = 0; i < records.size(); ++i) grammar.accept({i + 1}, records[i]);
  return grammar;
}

PlannedRevision planned(std::uint64_t ordinal) {
  PlannedRevision record = revision("r");
  record.ordinal = ordinal;
  return record;
}

const Record run{RunBegin{.run = {1}, .planned = 1}};
const Record end{RunEnd{.run = {1}}};
const Record transaction{TransactionBegin{}};
const Record commit{TransactionCommit{{3}}};
const Record undo{UndoBegin{{3}, {}, "state"}};

TEST(GrammarTest, WholeRunLeavesNothingOpen) {
  const Grammar grammar = accepted({run, planned(0), transaction, StepBegin{0, 1}, RevisionRollback{0}, StampBegin{0},
                                    commit, transaction, TransactionRollback{{8}}, end});
  EXPECT_NO_THROW(grammar.finish());
  EXPECT_EQ(grammar.open_run(), std::nullopt);
  EXPECT_EQ(grammar.open_transaction(), std::nullopt);
  EXPECT_EQ(grammar.last_commit(), Lsn{3});
  EXPECT_EQ(grammar.last_undo(), Lsn{});
}

TEST(GrammarTest, FootprintStandsWhereverAPlanIsComplete) {
  EXPECT_NO_THROW(accepted({run, planned(0), Footprint{}, transaction, Footprint{}, TransactionCommit{{4}}, Footprint{},
                            UndoBegin{{4}}, Footprint{}, UndoEnd{{8}}, Footprint{}, end}));
}

TEST(GrammarTest, UndoThatIsDoneLeavesWhatItWasTo) {
  const Grammar grammar =
      accepted({run, planned(0), transaction, commit, TransactionBegin{{3}}, TransactionCommit{{5}},
                UndoBegin{{5}, {3}, "state"}, UndoEnd{.begin = {7}, .done = true, .last_commit = {3}}, transaction});
  EXPECT_EQ(grammar.last_commit(), Lsn{3});
  EXPECT_EQ(grammar.last_undo(), Lsn{8});
  EXPECT_EQ(grammar.open_undo(), std::nullopt);
}

TEST(GrammarTest, UndoOfAllLeavesNone) {
  const Grammar grammar = accepted({run, planned(0), transaction, commit, undo, UndoEnd{{5}}, end});
  EXPECT_EQ(grammar.last_commit(), std::optional(Lsn{}));
}

TEST(GrammarTest, UndoThatWasAbandonedChangesNothing) {
  const Grammar grammar = accepted({run, planned(0), transaction, commit, undo, UndoEnd{{5}, false, {3}}, end});
  EXPECT_EQ(grammar.last_commit(), Lsn{3});
  EXPECT_EQ(grammar.last_undo(), Lsn{});
}

TEST(GrammarTest, CrashMayLeaveAnUndoOpen) {
  const Grammar grammar = accepted({run, planned(0), transaction, commit, undo, Footprint{}});
  EXPECT_NO_THROW(grammar.finish());
  EXPECT_EQ(grammar.open_undo(), Lsn{5});
  EXPECT_EQ(grammar.last_commit(), Lsn{3});
}

TEST(GrammarTest, NothingIsKnownToBeInForceBeforeItIsTold) {
  EXPECT_EQ(accepted({run, planned(0), transaction}).last_commit(), std::nullopt);
}

TEST(GrammarTest, CrashMayLeaveRunAndTransactionOpen) {
  const Grammar grammar = accepted({run, planned(0), transaction, StepBegin{0, 0}});
  EXPECT_NO_THROW(grammar.finish());
  EXPECT_EQ(grammar.open_run(), RunId{1});
  EXPECT_EQ(grammar.open_transaction(), Lsn{3});
}

TEST(GrammarTest, OldestRunMayHaveAnyNumberAndTheNextFollow) {
  const Record seventh{RunBegin{.run = {7}}};
  EXPECT_NO_THROW(accepted({seventh, RunEnd{.run = {7}}, RunBegin{.run = {8}}}));
}

struct Violation {
  const char* name;
  std::vector<Record> records;  ///< The last one is wrong.
};

class GrammarViolation : public ::testing::TestWithParam<Violation> {};

TEST_P(GrammarViolation, IsDamagedAtItsRecord) {
  const std::vector<Record>& records = GetParam().records;
  EXPECT_NO_THROW(accepted({records.begin(), records.end() - 1}));
  const Error error = error_of([&] { accepted(records); });
  EXPECT_EQ(error.code(), ErrorCode::damaged);
  EXPECT_EQ(error.lsn(), Lsn{records.size()});
}

INSTANTIATE_TEST_SUITE_P(
    Rows, GrammarViolation,
    ::testing::Values(
        Violation{"RunWithinRun", {RunBegin{.run = {1}}, RunBegin{.run = {2}}}},
        Violation{"RunWithoutNumber", {RunBegin{}}},
        Violation{"RunNumberSkipped", {RunBegin{.run = {1}}, end, RunBegin{.run = {3}}}},
        Violation{"PlanOutsideRun", {planned(0)}}, Violation{"PlanTooLong", {run, planned(0), planned(1)}},
        Violation{"OrdinalSkipped", {run, planned(1)}}, Violation{"TransactionOutsideRun", {transaction}},
        Violation{"TransactionWithinPlan", {run, transaction}},
        Violation{"TransactionWithinTransaction", {run, planned(0), transaction, transaction}},
        Violation{"PreviousNotBefore", {run, planned(0), TransactionBegin{{3}}}},
        Violation{"StepOutsideTransaction", {run, planned(0), StepBegin{0, 0}}},
        Violation{"StepNotPlanned", {run, planned(0), transaction, StepBegin{0, 2}}},
        Violation{"RevisionNotPlanned", {run, planned(0), transaction, StepBegin{1, 0}}},
        Violation{"StampOutsideTransaction", {run, planned(0), StampBegin{0}}},
        Violation{"StampNotPlanned", {run, planned(0), transaction, StampBegin{1}}},
        Violation{"RollbackOutsideTransaction", {run, planned(0), RevisionRollback{0}}},
        Violation{"CommitOutsideTransaction", {run, planned(0), commit}},
        Violation{"CommitOfAnother", {run, planned(0), transaction, TransactionCommit{{2}}}},
        Violation{"CommittedTwice", {run, planned(0), transaction, commit, commit}},
        Violation{"RollbackOfAnother", {run, planned(0), transaction, TransactionRollback{{2}}}},
        Violation{"EndOutsideRun", {end}}, Violation{"EndWithinPlan", {run, end}},
        Violation{"EndWithinTransaction", {run, planned(0), transaction, end}},
        Violation{"EndOfAnotherRun", {run, planned(0), RunEnd{.run = {2}}}},
        Violation{"FootprintOutsideRun", {Footprint{}}}, Violation{"FootprintWithinPlan", {run, Footprint{}}},
        Violation{"UndoOutsideRun", {undo}}, Violation{"UndoWithinPlan", {run, undo}},
        Violation{"UndoWithinTransaction", {run, planned(0), transaction, undo}},
        Violation{"UndoWithinUndo", {run, planned(0), transaction, commit, undo, undo}},
        Violation{"UndoOfNothing", {run, planned(0), transaction, commit, UndoBegin{}}},
        Violation{"UndoOfALaterTransaction", {run, planned(0), transaction, commit, UndoBegin{{5}}}},
        Violation{"UndoLeavesWhatItTakesBack", {run, planned(0), transaction, commit, UndoBegin{{3}, {3}}}},
        Violation{"TransactionWithinUndo", {run, planned(0), transaction, commit, undo, transaction}},
        Violation{"StepWithinUndo", {run, planned(0), transaction, commit, undo, StepBegin{0, 0}}},
        Violation{"RunEndWithinUndo", {run, planned(0), transaction, commit, undo, end}},
        Violation{"UndoEndOutsideUndo", {run, planned(0), transaction, commit, UndoEnd{{4}}}},
        Violation{"UndoEndOfAnother", {run, planned(0), transaction, commit, undo, UndoEnd{{4}}}},
        Violation{"UndoneToElsewhere", {run, planned(0), transaction, commit, undo, UndoEnd{{5}, true, {3}}}},
        Violation{"AbandonedAndYetUndone", {run, planned(0), transaction, commit, undo, UndoEnd{{5}, false}}}),
    [](const auto& row) { return std::string(row.param.name); });

TEST(GrammarTest, LogMayNotEndWithinAPlan) {
  EXPECT_EQ(code_of([] { accepted({run}).finish(); }), ErrorCode::damaged);
}

}  // namespace
}  // namespace belay::journal

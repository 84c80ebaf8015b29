#include "recovery/verdict.h"

#include <gtest/gtest.h>

#include <set>
#include <string_view>

namespace belay::recovery {
namespace {

static_assert(table_is_sound());

TEST(Verdict, ClosedAndLevelIsTheUsualStart) {
  EXPECT_EQ(judge(Tail::closed, Level::level), Verdict::nothing);
}
TEST(Verdict, BetweenTransactionsSettles) {
  EXPECT_EQ(judge(Tail::between, Level::level), Verdict::settle);
}
TEST(Verdict, TransactionThatDidNotCommitIsDropped) {
  EXPECT_EQ(judge(Tail::inside, Level::level), Verdict::drop);
}
TEST(Verdict, TransactionThatDidCommitIsRedone) {
  EXPECT_EQ(judge(Tail::inside, Level::at), Verdict::redo);
}
TEST(Verdict, RepeatableStepIsRepeated) {
  EXPECT_EQ(judge(Tail::alone, Level::level), Verdict::repeat);
}
TEST(Verdict, UnrepeatableStepIsTakenBackByItsImages) {
  EXPECT_EQ(judge(Tail::alone_once, Level::level), Verdict::undo);
}
TEST(Verdict, UnrepeatableStepWithoutImagesIsInDoubt) {
  EXPECT_EQ(judge(Tail::alone_blind, Level::level), Verdict::in_doubt);
}
TEST(Verdict, UndoThatHasNoEffectYetIsFinished) {
  EXPECT_EQ(judge(Tail::undoing, Level::level), Verdict::undo);
}
TEST(Verdict, UndoThatHasTakenEffectIsWrittenDown) {
  EXPECT_EQ(judge(Tail::undoing, Level::at), Verdict::undone);
}

TEST(Verdict, WhatTakesTheTargetAsItIsIsDoneAgain) {
  EXPECT_EQ(judge(Tail::taking_over, Level::level), Verdict::take_over);
}
TEST(Verdict, WhatHasTakenTheTargetOverIsRedone) {
  EXPECT_EQ(judge(Tail::taking_over, Level::at), Verdict::redo);
}

TEST(Verdict, StepThatIsAcknowledgedInTheDatabaseIsRedone) {
  EXPECT_EQ(judge(Tail::alone, Level::at), Verdict::redo);
  EXPECT_EQ(judge(Tail::alone_once, Level::at), Verdict::redo);
  EXPECT_EQ(judge(Tail::alone_blind, Level::at), Verdict::redo);
}

TEST(Verdict, WhatIsElsewhereIsRefusedWhateverTheTail) {
  for (const Tail tail : tails) EXPECT_EQ(judge(tail, Level::elsewhere), Verdict::refuse);
}

TEST(Verdict, WithoutAnOpenTransactionThereIsNoneToBeAt) {
  EXPECT_FALSE(possible(Tail::closed, Level::at));
  EXPECT_FALSE(possible(Tail::between, Level::at));
  EXPECT_TRUE(possible(Tail::inside, Level::at));
}

TEST(Verdict, EachHasItsName) {
  EXPECT_EQ(name_of(Verdict::nothing), "nothing");
  EXPECT_EQ(name_of(Verdict::undone), "undone");
  EXPECT_EQ(name_of(Verdict::take_over), "take-over");
  EXPECT_EQ(name_of(Verdict::in_doubt), "in-doubt");
  EXPECT_EQ(name_of(Verdict::refuse), "refuse");
}

TEST(Verdict, EachHasANameOfItsOwn) {
  std::set<std::string_view> names;
  for (auto verdict = Verdict::nothing; verdict <= Verdict::refuse;
       verdict = static_cast<Verdict>(static_cast<int>(verdict) + 1))
    names.insert(name_of(verdict));
  EXPECT_EQ(names.size(), 10U);
  EXPECT_EQ(name_of(Verdict::in_doubt), "in-doubt");
}

}  // namespace
}  // namespace belay::recovery

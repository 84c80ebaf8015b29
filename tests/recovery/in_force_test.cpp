// What is in force, and what proves that nobody else has written: from records that are written by hand.

#include "recovery/in_force.h"

#include "engine/drivers/sqlite.h"
#include "tests/engine/executor_fixture.h"
#include "tests/recovery/death.h"

namespace belay::recovery {
namespace {

using journal::Lsn;
using Places = std::vector<std::string>;

/// Its places are letters: one follows itself.
class Lettered final : public Watched {
 public:
  explicit Lettered(std::unique_ptr<Connection> below) : Watched(std::move(below), [](const auto&) {}) {}
  [[nodiscard]] bool follows(std::string_view next, std::string_view end) const override { return next == end; }
};

class InForceTest : public testing::Test {
 protected:
  InForceTest() { log.begin({.command = "migrate"}, {engine::up("1", "SELECT 1;")}); }

  void footprint(const std::string& before, const std::string& after) { log.append(journal::Footprint{before, after}); }
  Lsn begin() { return log.append(journal::TransactionBegin{.previous = log.last_commit()}); }
  /// That found the target at one place and left it at another.
  Lsn transaction(const std::string& before, const std::string& after) {
    const Lsn lsn = begin();
    footprint(before, after);
    log.append(journal::TransactionCommit{lsn});
    return lsn;
  }
  void undo(Lsn first, Lsn previous, const std::string& state, const std::string& stop, bool done) {
    const Lsn lsn = log.append(journal::UndoBegin{.first = first, .previous = previous, .state = state});
    footprint(state, stop);
    log.append(journal::UndoEnd{.begin = lsn, .done = done, .last_commit = done ? previous : log.last_commit()});
  }
  InForce found() {
    log.flush();
    return in_force(log, {.first = {1}}, connection);
  }
  InForce found_with_open() {
    auto what = found();
    what.count_open();
    return what;
  }
  bool proves(const InForce& what, Lsn first, const std::string& now) {
    return !what.gap(connection, first, now).has_value();
  }

  engine::Folder folder;
  journal::Journal log = journal::Journal::create(folder / "journal.lmdb", "the database");
  Lettered connection{engine::drivers::open_sqlite(folder / "app.db", {})};
};

TEST_F(InForceTest, TransactionsThatFollowEachOtherProveThatNobodyElseHasWritten) {
  const Lsn first = transaction("a", "b");
  transaction("b", "c");
  const auto what = found();
  EXPECT_EQ(what.units.size(), 2U);
  EXPECT_EQ(what.left, "c");
  EXPECT_TRUE(proves(what, first, "c"));
  const auto gap = what.gap(connection, first, "x");
  ASSERT_TRUE(gap);
  EXPECT_EQ(gap->end + gap->found, "cx");
}

TEST_F(InForceTest, WhoeverWroteBetweenTwoIsBelowTheSecond) {
  const Lsn first = transaction("a", "b");
  const Lsn second = transaction("x", "c");
  const auto what = found();
  ASSERT_EQ(what.gaps.size(), 1U);
  EXPECT_EQ(what.gaps[0].end, "b");
  EXPECT_FALSE(proves(what, first, "c"));
  EXPECT_TRUE(proves(what, second, "c"));
}

TEST_F(InForceTest, WhoeverWroteBelowTheOneBeforeIsInNobodysWay) {
  transaction("a", "b");
  transaction("x", "c");
  const Lsn third = transaction("c", "d");
  const auto what = found();
  EXPECT_EQ(what.gaps.size(), 1U);
  EXPECT_TRUE(proves(what, third, "d"));
  EXPECT_FALSE(proves(what, third, "y"));
}

TEST_F(InForceTest, WhoeverWroteWithinOneIsAmongIt) {
  const Lsn first = begin();
  footprint("a", "b");
  footprint("x", "c");
  log.append(journal::TransactionCommit{first});
  const auto what = found();
  ASSERT_EQ(what.gaps.size(), 1U);
  EXPECT_TRUE(what.gaps[0].within);
  EXPECT_FALSE(proves(what, first, "c"));
}

TEST_F(InForceTest, WhatWasRolledBackIsNotInForce) {
  const Lsn first = begin();
  log.append(journal::StepBegin{0, 0, {}});
  log.append(journal::RevisionRollback{0, "why"});
  footprint("a", "b");
  log.append(journal::TransactionRollback{first, "why"});
  EXPECT_TRUE(found().units.empty());
}

TEST_F(InForceTest, WithoutAFootprintNothingIsProven) {
  const Lsn first = begin();
  log.append(journal::TransactionCommit{first});
  const auto what = found();
  EXPECT_EQ(what.units.size(), 1U);
  EXPECT_TRUE(what.ends.empty());
  EXPECT_FALSE(proves(what, first, "a"));
}

TEST_F(InForceTest, SettlingLeavesTheSameContentElsewhere) {
  footprint("a", "b");  // Before anything is known.
  const Lsn first = transaction("b", "c");
  footprint("c", "d");
  footprint("x", "y");  // Somebody else had written.
  const auto what = found();
  EXPECT_EQ(what.ends, (Places{"c", "d"}));
  EXPECT_TRUE(proves(what, first, "d"));
  EXPECT_FALSE(proves(what, first, "y"));
}

TEST_F(InForceTest, SpanEndsWhereItIsSaidTo) {
  transaction("a", "b");
  log.flush();
  const Lsn end = log.last();
  transaction("b", "c");
  log.flush();
  EXPECT_EQ(in_force(log, {.first = {1}, .last = end}, connection).left, "b");
}

// --- What is open ---

TEST_F(InForceTest, OpenTransactionCountsWhereItMayHaveHappened) {
  transaction("a", "b");
  const Lsn open = begin();
  footprint("b", "c");
  EXPECT_EQ(found().left, "b");
  const auto what = found_with_open();
  EXPECT_EQ(what.units.size(), 2U);
  for (const char* place : {"b", "c"}) EXPECT_TRUE(proves(what, open, place));
}

TEST_F(InForceTest, OpenUndoHasStoppedSomewhere) {
  const Lsn first = transaction("a", "b");
  log.append(journal::UndoBegin{.first = first, .previous = {}, .state = "b"});
  footprint("b", "w");
  EXPECT_EQ(found_with_open().stops, (Places{"b", "w"}));
}

// --- Undo ---

TEST_F(InForceTest, UndoThatWasGivenUpMayHaveBroughtTheTargetElsewhere) {
  const Lsn first = transaction("a", "b");
  undo(first, {}, "b", "w", false);
  EXPECT_TRUE(proves(found(), first, "w"));
}

TEST_F(InForceTest, UndoThatWasGivenUpOverWritesOfOthersProvesNothing) {
  const Lsn first = transaction("a", "b");
  undo(first, {}, "x", "w", false);
  EXPECT_FALSE(proves(found(), first, "w"));
  EXPECT_TRUE(proves(found(), first, "b"));
}

TEST_F(InForceTest, UndoLeavesWhatWasBefore) {
  const Lsn first = transaction("a", "b");
  const Lsn second = transaction("b", "c");
  undo(second, first, "c", "d", true);
  const auto what = found();
  EXPECT_EQ(what.units.size(), 1U);
  EXPECT_TRUE(proves(what, first, "d"));
}

TEST_F(InForceTest, UndoOfWhatStoodOverWritesOfOthersLeavesThem) {
  const Lsn first = transaction("a", "b");
  const Lsn second = transaction("x", "c");
  undo(second, first, "c", "d", true);
  const auto what = found();
  EXPECT_EQ(what.left, "b");
  EXPECT_TRUE(what.gaps.empty());
  EXPECT_FALSE(proves(what, first, "d"));
}

TEST_F(InForceTest, UndoThatDiscardsWhatOthersWroteLaterProvesNothing) {
  const Lsn first = transaction("a", "b");
  const Lsn second = transaction("b", "c");
  undo(second, first, "x", "d", true);
  EXPECT_FALSE(proves(found(), first, "d"));
}

}  // namespace
}  // namespace belay::recovery

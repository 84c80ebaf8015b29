// A hook and the unstamps right behind it: both or neither, whatever bounds a group has.

#include "tests/engine/executor_fixture.h"

namespace belay::engine {
namespace {

class ExecutorUnitTest : public ExecutorTest {
 protected:
  ExecutorUnitTest() {
    carry_out({up("1", "CREATE TABLE a (x);"), up("2", "CREATE TABLE b (x);")});
    options.group = false;  // Every entry would commit by itself.
  }
  static journal::PlannedRevision drop_all() {
    return planned_hook("drop", {{"DROP TABLE a", 1}, {"DROP TABLE b", 2}});
  }
  static journal::PlannedRevision unstamp(const std::string& id, const std::string& sql = "SELECT 1") {
    auto planned = planned_hook(id, {{sql, 1}});
    planned.action = journal::Action::unstamp;
    return planned;
  }
  int commits() {
    int count = 0;
    site().journal().scan({}, [&](const auto& entry) {
      count += std::holds_alternative<journal::TransactionCommit>(entry.record) ? 1 : 0;
      return true;
    });
    return count;
  }
};

TEST_F(ExecutorUnitTest, TheyCommitTogether) {
  const int before = commits();
  carry_out({up("3", "CREATE TABLE c (x);"), drop_all(), unstamp("2"), unstamp("1"), up("4", "CREATE TABLE d (x);")});
  EXPECT_EQ(commits(), before + 3);
  EXPECT_EQ(tables(), "c d");
  EXPECT_EQ(applied(), "3 4");
}

TEST_F(ExecutorUnitTest, AnUnstampThatFailsTakesTheHookWithIt) {
  const auto error = failure_of({up("3", "CREATE TABLE c (x);"), drop_all(), unstamp("2"), unstamp("1", "no sql")});
  EXPECT_EQ(error.code(), ErrorCode::statement_failed);
  EXPECT_EQ(tables(), "a b c");
  EXPECT_EQ(applied(), "1 2 3");
}

TEST_F(ExecutorUnitTest, AnUnstampThatFailsLeavesWhatSharedTheGroupApplied) {
  options.group = true;
  failure_of({up("3", "CREATE TABLE c (x);"), drop_all(), unstamp("2"), unstamp("1", "no sql")});
  EXPECT_EQ(tables(), "a b c");
  EXPECT_EQ(applied(), "1 2 3");
  EXPECT_TRUE(is_sound());
}

TEST_F(ExecutorUnitTest, AHookThatFailsLeavesWhatSharedTheGroupApplied) {
  options.group = true;
  failure_of({up("3", "CREATE TABLE c (x);"), planned_hook("drop", {{"DROP TABLE a", 1}, {"DROP TABLE z", 2}}),
              unstamp("2"), unstamp("1")});
  EXPECT_EQ(tables(), "a b c");
  EXPECT_EQ(applied(), "1 2 3");
}

/// It could not use the database between them; and if it refused, half of the unit would be done.
TEST_F(ExecutorUnitTest, NobodyIsAskedBetweenThem) {
  listener.heard.clear();
  carry_out({drop_all(), unstamp("2"), unstamp("1")});
  EXPECT_FALSE(listener.has_heard("began 2"));
  EXPECT_TRUE(listener.has_heard("committed 1"));
}

TEST_F(ExecutorUnitTest, UnstampsWithoutAHookCommitOneByOne) {
  const int before = commits();
  carry_out({unstamp("2"), unstamp("1")});
  EXPECT_EQ(commits(), before + 2);
}

}  // namespace
}  // namespace belay::engine

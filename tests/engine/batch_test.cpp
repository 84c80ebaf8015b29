#include "engine/batch.h"

#include <gtest/gtest.h>

#include <rapidcheck/gtest.h>

#include <bit>
#include <cmath>
#include <map>

#include "engine/drivers/sqlite.h"
#include "tests/engine/fixture.h"

namespace belay::engine {
namespace {

class Batch : public testing::Test {
 protected:
  Batch() { db->query("PRAGMA synchronous = OFF"); }  // Nothing crashes here.

  /// A table `t` with these keys in `k`, of that column type, and a count of visits in `n`.
  void given(const std::string& type, const std::vector<Value>& keys) {
    db->query("DROP TABLE IF EXISTS t");
    db->query("CREATE TABLE t (k " + type + ", n INTEGER NOT NULL DEFAULT 0)");
    db->query("CREATE INDEX ik ON t (k)");
    db->begin();
    for (const auto& key : keys) db->query("INSERT INTO t (k) VALUES (:k)", std::array{Parameter{":k", key}});
    db->commit();
  }

  [[nodiscard]] static journal::PlannedStep step(std::int64_t rows, const std::string& column = "k") {
    return {.batch_rows = rows, .batch_table = "t", .batch_column = column};
  }

  void visit(const BatchWalk::Slice& slice) {
    const std::array ends{Parameter{":lo", slice.low}, Parameter{":hi", slice.high}};
    db->run({"UPDATE t SET n = n + 1 WHERE k BETWEEN :lo AND :hi", "1.sql", 1}, ends);
  }
  /// Visits all slices; with `anew` each is found by a walk of its own, as after a crash.
  void walk(std::int64_t rows, bool anew = false) {
    std::string after;
    std::optional<BatchWalk> walk;
    slices = 0;
    for (;;) {
      if (!walk || anew) walk.emplace(*db, step(rows), after);
      const auto slice = walk->next();
      if (!slice) break;
      visit(*slice);
      after = to_literal(slice->high);
      ASSERT_LE(++slices, 10'000);
    }
    done = walk->done();
    total = walk->total();
  }
  std::int64_t number(const std::string& sql) { return std::get<std::int64_t>(db->query(sql).at(0).at(0)); }
  /// How many rows were not visited exactly once.
  std::int64_t wrong() { return number("SELECT count(*) FROM t WHERE n != 1"); }

  Folder folder;
  std::unique_ptr<Connection> db = drivers::open_sqlite(folder / "app.db", {});
  int slices = 0;
  std::int64_t done = 0;
  std::int64_t total = 0;
};

std::vector<Value> numbers(int count) {
  std::vector<Value> keys;
  for (int i = 1; i <= count; ++i) keys.emplace_back(std::int64_t{i} * 10);
  return keys;
}

TEST_F(Batch, WalksInSlicesOfItsSize) {
  given("INTEGER PRIMARY KEY", numbers(10));
  walk(4);
  EXPECT_EQ(slices, 3);
  EXPECT_EQ(wrong(), 0);
  EXPECT_EQ(done, 10);
  EXPECT_EQ(total, 10);
}

TEST_F(Batch, EmptyTableHasNoSlice) {
  given("INTEGER", {});
  walk(4);
  EXPECT_EQ(slices, 0);
}

TEST_F(Batch, RowsThatShareAKeyAreInOneSlice) {
  given("INTEGER", {1L, 1L, 1L, 2L, 2L, 3L});
  for (const bool anew : {false, true}) walk(2, anew);
  EXPECT_EQ(number("SELECT count(*) FROM t WHERE n != 2"), 0);
}

TEST_F(Batch, DoneCountsAllRowsOfASlice) {
  given("INTEGER", {1L, 1L, 1L, 2L, 2L, 3L});
  walk(2);
  EXPECT_EQ(done, total);
}

TEST_F(Batch, TextIsWalkedInItsCollation) {
  given("TEXT COLLATE NOCASE", {std::string("b"), std::string("A"), std::string("a"), std::string("B"),
                                std::string("C"), std::string("it's"), std::string("ä")});
  walk(1);
  EXPECT_EQ(wrong(), 0);
  EXPECT_EQ(slices, 5);
}

TEST_F(Batch, RowsThatAreAddedBehindAreWalkedAsWell) {
  given("INTEGER", numbers(4));
  BatchWalk walk(*db, step(2), "");
  visit(*walk.next());
  db->query("INSERT INTO t (k) VALUES (35), (50)");
  while (const auto slice = walk.next()) visit(*slice);
  EXPECT_EQ(wrong(), 0);
}

TEST_F(Batch, ResumedWalkKnowsWhatIsDone) {
  given("INTEGER", numbers(10));
  const BatchWalk walk(*db, step(4), "40");
  EXPECT_EQ(walk.done(), 4);
  EXPECT_EQ(walk.total(), 10);
}

TEST_F(Batch, RowWithoutAKeyIsRefused) {
  given("INTEGER", {1L, {}, 3L});
  EXPECT_EQ(code_of([&] { BatchWalk(*db, step(2), ""); }), ErrorCode::statement_failed);
}

TEST_F(Batch, MissingColumnOrTableIsAnError) {
  given("INTEGER", {1L});
  EXPECT_EQ(code_of([&] { BatchWalk(*db, step(2, "nothing"), ""); }), ErrorCode::statement_failed);
  auto missing = step(2);
  missing.batch_table = "nowhere";
  EXPECT_EQ(code_of([&] { BatchWalk(*db, missing, ""); }), ErrorCode::statement_failed);
}

TEST_F(Batch, KeysOfAllTypesAreWalked) {
  given("",
        {1L, 1.5, std::string("1"), std::string(), Blob{std::byte{1}}, Blob(), -1e300,
         std::numeric_limits<std::int64_t>::min(), std::numeric_limits<double>::infinity(), std::string("a\0b", 3)});
  for (const bool anew : {false, true}) walk(1, anew);
  EXPECT_EQ(number("SELECT count(*) FROM t WHERE n != 2"), 0);
}

rc::Gen<Value> any_key() {
  return rc::gen::oneOf(
      rc::gen::map(rc::gen::inRange<std::int64_t>(-20, 20), [](std::int64_t key) { return Value(key); }),
      rc::gen::map(rc::gen::arbitrary<std::int64_t>(), [](std::int64_t key) { return Value(key); }),
      rc::gen::map(rc::gen::resize(1000, rc::gen::arbitrary<std::uint64_t>()),
                   [](std::uint64_t bits) {
                     const auto key = std::bit_cast<double>(bits);
                     return std::isnan(key) ? Value(0.5) : Value(key);
                   }),
      rc::gen::map(rc::gen::string<std::string>(), [](std::string key) { return Value(std::move(key)); }));
}

RC_GTEST_FIXTURE_PROP(Batch, EachRowIsVisitedOnce, ()) {
  const auto type = *rc::gen::element<std::string>("", "INTEGER", "REAL", "TEXT", "NUMERIC", "TEXT COLLATE NOCASE");
  const auto keys = *rc::gen::container<std::vector<Value>>(any_key());
  given(type, keys);
  walk(*rc::gen::inRange<std::int64_t>(1, 8), *rc::gen::arbitrary<bool>());
  RC_ASSERT(wrong() == 0);
}

}  // namespace
}  // namespace belay::engine

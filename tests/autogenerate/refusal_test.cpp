// Rows that a change cannot take: it is refused before anything is touched, and applying it all the same fails.

#include "tests/autogenerate/judge_fixture.h"

namespace belay::proof {
namespace {

TEST_F(AutogenerateTest, NullsUnderNotNullAreRefused) {
  expect_refused({.current = "CREATE TABLE t (a INT);",
                  .desired = "CREATE TABLE t (a INT NOT NULL);",
                  .insert = "INSERT INTO t VALUES (1), (NULL)"});
}

TEST_F(AutogenerateTest, ColumnThatRowsHaveNoValueForIsRefused) {
  const Case it{.current = "CREATE TABLE t (a INT);", .desired = "CREATE TABLE t (a INT, b INT NOT NULL);"};
  expect_made(it);
  expect_refused({.current = it.current, .desired = it.desired, .insert = "INSERT INTO t VALUES (1)"});
}

TEST_F(AutogenerateTest, DuplicatesAreFoundByTheirCollation) {
  expect_refused({.current = "CREATE TABLE t (a TEXT);",
                  .desired = "CREATE TABLE t (a TEXT); CREATE UNIQUE INDEX i ON t (a COLLATE NOCASE);",
                  .insert = "INSERT INTO t VALUES ('x'), ('X')"});
}

TEST_F(AutogenerateTest, DuplicatesThatAPartialIndexLeavesOutAreNone) {
  expect_made({.current = "CREATE TABLE t (a TEXT, b);",
               .desired = "CREATE TABLE t (a TEXT, b); CREATE UNIQUE INDEX i ON t (lower(a)) WHERE b IS NOT NULL;",
               .insert = "INSERT INTO t VALUES ('x', 1), ('X', NULL)"});
}

TEST_F(AutogenerateTest, DuplicatesThatOnlyTheNewTypeMakesAreRefused) {
  expect_refused({.current = "CREATE TABLE t (a TEXT UNIQUE);",
                  .desired = "CREATE TABLE t (a INTEGER UNIQUE);",
                  .insert = "INSERT INTO t VALUES ('7'), ('007')"});
}

TEST_F(AutogenerateTest, RowsThatFailACheckAreRefused) {
  expect_refused({.current = "CREATE TABLE t (a INT);",
                  .desired = "CREATE TABLE t (a INT CHECK (a > 0));",
                  .insert = "INSERT INTO t VALUES (1), (NULL), (-1)"});
}

TEST_F(AutogenerateTest, CheckOnTheDefaultOfANewColumnIsRefused) {
  expect_refused({.current = "CREATE TABLE t (a INT);",
                  .desired = "CREATE TABLE t (a INT, b INT DEFAULT 0 CHECK (b > a));",
                  .insert = "INSERT INTO t VALUES (-1), (1)"});
}

TEST_F(AutogenerateTest, ValuesThatAStrictTypeDoesNotTakeAreRefused) {
  expect_refused({.current = "CREATE TABLE t (a INTEGER);",
                  .desired = "CREATE TABLE t (a INTEGER) STRICT;",
                  .insert = "INSERT INTO t VALUES (1), ('abc')"});
}

TEST_F(AutogenerateTest, NullThatWouldBeARowidIsRefused) {
  expect_refused({.current = "CREATE TABLE t (a INTEGER, b);",
                  .desired = "CREATE TABLE t (a INTEGER PRIMARY KEY, b);",
                  .insert = "INSERT INTO t VALUES (4, 1), (NULL, 2)"});
}

TEST_F(AutogenerateTest, RowsWithoutTheParentOfANewForeignKeyAreRefused) {
  expect_refused({.current = "CREATE TABLE p (id INTEGER PRIMARY KEY); CREATE TABLE c (p INT);",
                  .desired = "CREATE TABLE p (id INTEGER PRIMARY KEY); CREATE TABLE c (p INT REFERENCES p);",
                  .insert = "INSERT INTO p VALUES (1); INSERT INTO c VALUES (1), (2), (NULL)"});
}

TEST_F(AutogenerateTest, DroppedParentOfRowsIsRefused) {
  expect_refused({.current = "CREATE TABLE p (id INTEGER PRIMARY KEY); CREATE TABLE c (p INT REFERENCES p);",
                  .desired = "CREATE TABLE c (p INT REFERENCES p);",
                  .insert = "INSERT INTO p VALUES (1); INSERT INTO c VALUES (1)"});
}

TEST_F(AutogenerateTest, OrphansThatTheRunWouldNotKnowAgainAreRefused) {
  const std::string child = "(p TEXT REFERENCES p);";
  const Case it{.current = "CREATE TABLE c " + child, .desired = "CREATE TABLE c (p INT REFERENCES p);"};
  expect_made({.current = it.current, .desired = it.desired, .insert = "INSERT INTO c VALUES ('x')"});
  expect_refused({.current = it.current, .desired = it.desired, .insert = "INSERT INTO c VALUES ('8')"});
}

TEST_F(AutogenerateTest, NullInAKeyThatHasNoRowidIsRefused) {
  expect_refused({.current = "CREATE TABLE t (a TEXT PRIMARY KEY);",
                  .desired = "CREATE TABLE t (a TEXT PRIMARY KEY) WITHOUT ROWID;",
                  .insert = "INSERT INTO t VALUES ('x'), (NULL)"});
}

TEST_F(AutogenerateTest, WayBackThatRowsDoNotTakeFailsAndWasTold) {
  expect_made({.current = "CREATE TABLE t (a INT, b INT NOT NULL);",
               .desired = "CREATE TABLE t (a INT);",
               .insert = "INSERT INTO t VALUES (1, 2)"});
  EXPECT_TRUE(hazards.contains("irreversible"));
}

TEST_F(AutogenerateTest, ValuesThatCannotBeBroughtBackAreTold) {
  expect_made({.current = "CREATE TABLE t (a TEXT);",
               .desired = "CREATE TABLE t (a INTEGER);",
               .insert = "INSERT INTO t VALUES ('007'), ('12'), ('abc'), ('9223372036854775808')"});
  EXPECT_TRUE(hazards.contains("lossy-cast"));
}

}  // namespace
}  // namespace belay::proof

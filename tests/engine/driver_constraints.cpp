// The part of the conformance suite about check_constraints(): what a scope adds is found, what was there is left.

#include "tests/engine/driver_conformance.h"

namespace belay::engine {
namespace {

TEST_P(DriverConstraints, RowWithoutItsParentIsFound) {
  given({});
  const std::string verdict = verdict_of({"INSERT INTO c VALUES (30, 7)"});
  EXPECT_NE(verdict.find('7'), std::string::npos) << verdict;
  EXPECT_TRUE(violates({"UPDATE c SET p = 7 WHERE id = 10"}));
  EXPECT_TRUE(violates({"DELETE FROM p WHERE id = 1"}));
  EXPECT_TRUE(violates({"UPDATE p SET id = 7 WHERE id = 1"}));
  EXPECT_TRUE(violates({"DROP TABLE p"}));
}

TEST_P(DriverConstraints, RowWithItsParentIsFine) {
  given({});
  EXPECT_FALSE(violates({"INSERT INTO c VALUES (30, 1), (31, NULL)"}));
  EXPECT_FALSE(violates({"INSERT INTO c VALUES (30, 7)", "INSERT INTO p VALUES (7, 'g')"}));
  EXPECT_FALSE(violates({"DELETE FROM c", "DROP TABLE p"}));
  EXPECT_FALSE(violates({"DELETE FROM p", "DELETE FROM c"}));
}

TEST_P(DriverConstraints, ViolationThatWasThereIsLeft) {
  given({"INSERT INTO c VALUES (30, 7)"});
  EXPECT_FALSE(violates({"INSERT INTO c VALUES (40, 1)"}));
  EXPECT_FALSE(violates({"UPDATE c SET id = id + 100"}));
  EXPECT_FALSE(violates({"INSERT INTO p VALUES (3, 'c')"}));
}

TEST_P(DriverConstraints, ViolationBesideAnOldOneIsFound) {
  given({"INSERT INTO c VALUES (30, 7)"});
  EXPECT_TRUE(violates({"INSERT INTO c VALUES (40, 8)"}));
  EXPECT_TRUE(violates({"INSERT INTO c VALUES (40, 7)"}));
  EXPECT_TRUE(violates({"UPDATE c SET p = 9 WHERE id = 30"}));
}

TEST_P(DriverConstraints, OldViolationMayMoveToAnotherRow) {
  given({"INSERT INTO c VALUES (30, 7)"});
  EXPECT_FALSE(violates({"DELETE FROM c WHERE id = 30", "INSERT INTO c VALUES (40, 7)"}));
}

TEST_P(DriverConstraints, OldViolationMayNotMoveToAnotherForeignKey) {
  commit_all({"CREATE TABLE p (id INTEGER PRIMARY KEY)",
              "CREATE TABLE c (id INTEGER PRIMARY KEY, a REFERENCES p (id), b REFERENCES p (id))",
              "INSERT INTO c VALUES (1, 7, NULL)"});
  EXPECT_FALSE(violates({"UPDATE c SET id = 2"}));
  EXPECT_TRUE(violates({"UPDATE c SET a = NULL, b = 7"}));
}

TEST_P(DriverConstraints, RebuildOfAParentKeepsItsChildren) {
  given({});
  EXPECT_FALSE(
      violates({"CREATE TABLE p_new (id INTEGER PRIMARY KEY, v TEXT, w TEXT)",
                "INSERT INTO p_new SELECT id, v, '' FROM p", "DROP TABLE p", "ALTER TABLE p_new RENAME TO p"}));
}

TEST_P(DriverConstraints, RebuildOfAParentThatLosesARowIsFound) {
  given({});
  EXPECT_TRUE(violates({"CREATE TABLE p_new (id INTEGER PRIMARY KEY, v TEXT)",
                        "INSERT INTO p_new SELECT id, v FROM p WHERE id = 1", "DROP TABLE p",
                        "ALTER TABLE p_new RENAME TO p"}));
}

TEST_P(DriverConstraints, RebuildOfAChildWithAnOldViolationKeepsIt) {
  given({"INSERT INTO c VALUES (30, 7)"});
  EXPECT_FALSE(
      violates({"CREATE TABLE c_new (id INTEGER PRIMARY KEY, w TEXT, p INTEGER REFERENCES p (id))",
                "INSERT INTO c_new SELECT id + 1000, '', p FROM c", "DROP TABLE c", "ALTER TABLE c_new RENAME TO c"}));
}

TEST_P(DriverConstraints, RenamedParentIsStillAParent) {
  given({});
  EXPECT_FALSE(violates({"ALTER TABLE p RENAME TO q"}));
  EXPECT_TRUE(violates({"ALTER TABLE p RENAME TO q", "DELETE FROM q WHERE id = 1"}));
  EXPECT_TRUE(violates({"ALTER TABLE p RENAME COLUMN id TO key", "DELETE FROM p WHERE key = 1"}));
}

TEST_P(DriverConstraints, ParentThatAnEarlierScopeRenamedIsStillAParent) {
  given({});
  const auto fresh = open();
  fresh->begin();
  fresh->run({"ALTER TABLE p RENAME TO q", "1.sql", 1}, {});
  fresh->check_constraints();
  fresh->run({"DELETE FROM q WHERE id = 1", "1.sql", 1}, {});
  EXPECT_EQ(code_of([&] { fresh->check_constraints(); }), ErrorCode::constraint_violated);
}

TEST_P(DriverConstraints, RenamedChildIsStillAChild) {
  given({});
  EXPECT_FALSE(violates({"ALTER TABLE c RENAME TO d", "INSERT INTO d VALUES (30, 2)"}));
  EXPECT_TRUE(violates({"ALTER TABLE c RENAME TO d", "INSERT INTO d VALUES (30, 7)"}));
}

TEST_P(DriverConstraints, ViolationBeforeARenameIsFound) {
  given({});
  EXPECT_TRUE(violates({"DELETE FROM p WHERE id = 1", "ALTER TABLE p RENAME TO q"}));
  EXPECT_TRUE(violates({"INSERT INTO c VALUES (30, 7)", "ALTER TABLE c RENAME TO d"}));
  EXPECT_TRUE(violates({"INSERT INTO c VALUES (30, 7)", "ALTER TABLE c RENAME COLUMN p TO q"}));
}

TEST_P(DriverConstraints, OldViolationStaysOldUnderAnotherName) {
  given({"INSERT INTO c VALUES (30, 7)"});
  for (const std::string rename : {"TABLE p RENAME TO q", "TABLE c RENAME TO d", "TABLE c RENAME COLUMN p TO q"})
    EXPECT_FALSE(violates({"ALTER " + rename})) << rename;
  const std::vector<std::string> all = {"ALTER TABLE p RENAME TO q", "ALTER TABLE c RENAME COLUMN p TO r",
                                        "ALTER TABLE c RENAME TO d", "ALTER TABLE q RENAME TO s",
                                        "ALTER TABLE d ADD COLUMN y TEXT"};
  const auto and_then = [&](const std::string& more) {
    auto statements = all;
    statements.push_back(more);
    return statements;
  };
  EXPECT_FALSE(violates(and_then("UPDATE d SET id = id + 100")));
  EXPECT_TRUE(violates(and_then("INSERT INTO d (id, r) VALUES (31, 7)")));
  EXPECT_TRUE(violates(and_then("UPDATE d SET r = 8 WHERE id = 30")));
  EXPECT_TRUE(violates(and_then("DELETE FROM s WHERE id = 1")));
  EXPECT_TRUE(violates(and_then("DROP TABLE s")));
}

TEST_P(DriverConstraints, TablesThatExchangeTheirNamesKeepTheirViolations) {
  given({"CREATE TABLE d (id INTEGER PRIMARY KEY, p INTEGER REFERENCES p (id))", "INSERT INTO c VALUES (30, 7)"});
  const std::vector<std::string> exchanged = {"ALTER TABLE c RENAME TO t", "ALTER TABLE d RENAME TO c",
                                              "ALTER TABLE t RENAME TO d"};
  EXPECT_FALSE(violates(exchanged));
  auto worse = exchanged;
  worse.emplace_back("INSERT INTO c VALUES (1, 7)");
  EXPECT_TRUE(violates(worse));
}

TEST_P(DriverConstraints, RebuildBesideTheOldTableKeepsItsViolationsOnce) {
  given({"INSERT INTO c VALUES (30, 7)"});
  const std::vector<std::string> rebuilt = {"ALTER TABLE c RENAME TO c_old",
                                            "CREATE TABLE c (id INTEGER PRIMARY KEY, p INTEGER REFERENCES p (id))",
                                            "INSERT INTO c SELECT * FROM c_old"};
  EXPECT_TRUE(violates(rebuilt));
  auto done = rebuilt;
  done.emplace_back("DROP TABLE c_old");
  EXPECT_FALSE(violates(done));
  done.emplace_back("INSERT INTO c VALUES (31, 7)");
  EXPECT_TRUE(violates(done));
}

TEST_P(DriverConstraints, TableThatTakesTheNameOfADroppedOneHasItsViolationsOnce) {
  given({"CREATE TABLE c_new (id INTEGER PRIMARY KEY, p INTEGER REFERENCES p (id))", "INSERT INTO c VALUES (30, 7)",
         "INSERT INTO c_new VALUES (30, 7)"});
  EXPECT_FALSE(violates({"DROP TABLE c", "ALTER TABLE c_new RENAME TO c"}));
  EXPECT_TRUE(violates({"DROP TABLE c", "INSERT INTO c_new VALUES (31, 7)", "ALTER TABLE c_new RENAME TO c"}));
}

TEST_P(DriverConstraints, ParentOfATableMadeInTheSameScopeMayBeRenamed) {
  commit_all({"CREATE TABLE p (id INTEGER PRIMARY KEY)"});
  EXPECT_TRUE(violates({"CREATE TABLE c (p REFERENCES p (id))", "ALTER TABLE p RENAME TO q", "INSERT INTO q VALUES (1)",
                        "INSERT INTO c VALUES (1)", "DELETE FROM q"}));
}

TEST_P(DriverConstraints, TablesOfTheSameScopeAreLookedAt) {
  EXPECT_FALSE(violates({"CREATE TABLE a (id INTEGER PRIMARY KEY)", "CREATE TABLE b (a REFERENCES a (id))",
                         "INSERT INTO a VALUES (1)", "INSERT INTO b VALUES (1)"}));
  EXPECT_TRUE(violates(
      {"CREATE TABLE a (id INTEGER PRIMARY KEY)", "CREATE TABLE b (a REFERENCES a (id))", "INSERT INTO b VALUES (1)"}));
}

TEST_P(DriverConstraints, ColumnThatIsAddedWithItsForeignKeyIsLookedAt) {
  given({});
  EXPECT_FALSE(violates({"ALTER TABLE c ADD COLUMN q INTEGER REFERENCES p (id)", "UPDATE c SET q = 1"}));
  EXPECT_TRUE(violates({"ALTER TABLE c ADD COLUMN q INTEGER REFERENCES p (id)", "UPDATE c SET q = 7"}));
}

TEST_P(DriverConstraints, ViolationOfANewForeignKeyIsNotOldForWhatFollows) {
  given({"CREATE TABLE d (id INTEGER PRIMARY KEY, p INTEGER)", "INSERT INTO d VALUES (1, 7)"});
  EXPECT_TRUE(violates({"ALTER TABLE d ADD COLUMN q INTEGER DEFAULT 8 REFERENCES p (id)", "UPDATE d SET p = 9"}));
  EXPECT_TRUE(violates({"CREATE TABLE d_new (id INTEGER PRIMARY KEY, p INTEGER REFERENCES p (id))",
                        "INSERT INTO d_new SELECT id, p FROM d", "DROP TABLE d", "ALTER TABLE d_new RENAME TO d",
                        "DELETE FROM c", "DROP TABLE p"}));
}

TEST_P(DriverConstraints, CompositeKeysAreWhole) {
  commit_all({"CREATE TABLE p (a INTEGER, b TEXT, PRIMARY KEY (a, b))",
              "CREATE TABLE c (x INTEGER, y TEXT, FOREIGN KEY (x, y) REFERENCES p (a, b))",
              "INSERT INTO p VALUES (1, 'a'), (2, 'b')", "INSERT INTO c VALUES (2, 'zzz')"});
  EXPECT_FALSE(violates({"INSERT INTO c VALUES (1, 'a'), (7, NULL)"}));
  EXPECT_TRUE(violates({"INSERT INTO c VALUES (1, 'b')"}));
  EXPECT_TRUE(violates({"DELETE FROM c", "INSERT INTO c VALUES (1, 'zzz')"}));
}

TEST_P(DriverConstraints, TableMayReferToItself) {
  commit_all({"CREATE TABLE t (id INTEGER PRIMARY KEY, up INTEGER REFERENCES t (id))",
              "INSERT INTO t VALUES (1, NULL), (2, 1), (3, 2)"});
  EXPECT_FALSE(violates({"DELETE FROM t WHERE id = 3"}));
  EXPECT_FALSE(violates({"INSERT INTO t VALUES (4, 4)"}));
  EXPECT_TRUE(violates({"DELETE FROM t WHERE id = 2"}));
}

TEST_P(DriverConstraints, NamesAreTheSameInUpperAndLowerCase) {
  commit_all({"CREATE TABLE Parent (Id INTEGER PRIMARY KEY)", "CREATE TABLE Child (P REFERENCES pArent (iD))",
              "INSERT INTO PARENT VALUES (1)", "INSERT INTO CHILD VALUES (1)"});
  EXPECT_FALSE(violates({"INSERT INTO child VALUES (1)"}));
  EXPECT_TRUE(violates({"DELETE FROM paRENT"}));
  EXPECT_TRUE(violates({"INSERT INTO cHILD VALUES (7)"}));
  EXPECT_TRUE(violates({"DROP TABLE PARent"}));
}

TEST_P(DriverConstraints, WhatATriggerWritesIsLookedAt) {
  given({"CREATE TABLE t (id INTEGER)",
         "CREATE TRIGGER r AFTER INSERT ON t BEGIN INSERT INTO c VALUES (new.id, new.id); END"});
  EXPECT_FALSE(violates({"INSERT INTO t VALUES (2)"}));
  EXPECT_TRUE(violates({"INSERT INTO t VALUES (7)"}));
}

TEST_P(DriverConstraints, EachScopeAnswersForItself) {
  given({});
  db().begin();
  db().savepoint();
  run("INSERT INTO c VALUES (30, 7)");
  EXPECT_EQ(code_of([&] { db().check_constraints(); }), ErrorCode::constraint_violated);
  db().rollback_to_savepoint();
  db().savepoint();
  run("INSERT INTO c VALUES (31, 1)");
  db().check_constraints();
  db().release_savepoint();
  db().savepoint();
  run("DELETE FROM p WHERE id = 2");
  EXPECT_EQ(code_of([&] { db().check_constraints(); }), ErrorCode::constraint_violated);
}

TEST_P(DriverConstraints, WhatARollbackTookBackIsForgotten) {
  given({});
  db().begin();
  run_all({"ALTER TABLE p RENAME TO q", "CREATE TABLE d (p REFERENCES q (id))"});
  db().rollback();
  db().begin();
  run("DELETE FROM p WHERE id = 1");
  EXPECT_EQ(code_of([&] { db().check_constraints(); }), ErrorCode::constraint_violated);
}

TEST_P(DriverConstraints, ManyOldViolationsMayBeRenumbered) {
  given(
      {"INSERT INTO c WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 10050) SELECT 100 + i, "
       "1000 + i FROM n"});
  EXPECT_FALSE(violates({"UPDATE c SET id = -id"}));
  EXPECT_FALSE(violates({"DELETE FROM c WHERE p BETWEEN 1001 AND 1100"}));
  EXPECT_TRUE(violates({"INSERT INTO c VALUES (1, 1)", "INSERT INTO c VALUES (2, 7)"}));
}

}  // namespace
}  // namespace belay::engine

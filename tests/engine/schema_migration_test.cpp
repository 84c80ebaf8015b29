#include "engine/schema_migration.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "engine/error.h"
#include "versions/schema/difference.h"
#include "versions/statement.h"

namespace belay::engine {
namespace {

using versions::schema::MigrationStep;
using versions::schema::Rename;
using versions::schema::Renames;
using versions::schema::Schema;

const DatabaseUrl memory{"sqlite", ""};

Schema schema_of(const std::string& sql) {
  Replay scratch(memory, "belay_version");
  scratch.run("test.sql", versions::split_statements(sql));
  return scratch.schema();
}

std::vector<MigrationStep> plan(const std::string& from, const std::string& to, const Renames& renames = {}) {
  Replay scratch(memory, "belay_version");
  scratch.load(schema_of(from));
  const Schema desired = schema_of(to);
  auto steps = migrate_schema(scratch, desired, renames);
  EXPECT_TRUE(compare(scratch.schema(), desired).empty());
  return steps;
}

std::vector<std::string> statements(const std::vector<MigrationStep>& steps) {
  std::vector<std::string> all;
  for (const auto& step : steps) all.insert(all.end(), step.statements.begin(), step.statements.end());
  return all;
}

/// Each change as `kind object`.
std::vector<std::string> changes(const std::vector<MigrationStep>& steps) {
  std::vector<std::string> all;
  for (const auto& step : steps)
    for (const auto& change : step.changes) all.push_back(change.kind + " " + change.object);
  return all;
}

using Texts = std::vector<std::string>;

std::string joined(const Texts& texts) {
  std::string all;
  for (const auto& text : texts) all += text + ";\n";
  return all;
}

/// What is run when only the definition of one table changes.
std::string sql(const std::string& from, const std::string& to) {
  return joined(statements(plan(from, to)));
}

// --- Columns ---

TEST(SchemaMigration, EqualSchemasNeedNothing) {
  EXPECT_TRUE(plan("CREATE TABLE t (a INT)", "create table [T] ( A int )").empty());
}

TEST(SchemaMigration, AColumnAtTheEndIsAdded) {
  const auto steps = plan("CREATE TABLE t (a)", "CREATE TABLE t (a, b TEXT NOT NULL DEFAULT 'x')");
  EXPECT_EQ(statements(steps), Texts{"ALTER TABLE t ADD COLUMN b TEXT NOT NULL DEFAULT 'x'"});
  EXPECT_EQ(changes(steps), Texts{"add-column t.b"});
}

TEST(SchemaMigration, ATextOfSeveralLinesIsKeptAsItIs) {
  EXPECT_EQ(sql("CREATE TABLE t (a)", "CREATE TABLE t (a,\n  b /* why */ TEXT\n    COLLATE nocase)"),
            "ALTER TABLE t ADD COLUMN b /* why */ TEXT\n    COLLATE nocase;\n");
}

TEST(SchemaMigration, AConstraintBehindAllColumnsComesWithItsNewColumn) {
  EXPECT_EQ(sql("CREATE TABLE t (a)",
                "CREATE TABLE t (a, b INT, CONSTRAINT \"f k\" FOREIGN KEY (b) REFERENCES t (a) ON DELETE CASCADE)"),
            "ALTER TABLE t ADD COLUMN b INT CONSTRAINT \"f k\" REFERENCES t (a) ON DELETE CASCADE;\n");
  EXPECT_EQ(sql("CREATE TABLE t (a)", "CREATE TABLE t (a, b, c, CHECK (c > b), CHECK (b > a))"),
            "ALTER TABLE t ADD COLUMN b CHECK (b > a);\nALTER TABLE t ADD COLUMN c CHECK (c > b);\n");
}

/// What SQLite takes where there are no rows, and refuses where there are some, is a rebuild.
TEST(SchemaMigration, WhatCannotBeAddedWhereRowsAreIsARebuild) {
  for (const char* column : {"b NOT NULL", "b NOT NULL DEFAULT NULL", "b DEFAULT CURRENT_TIMESTAMP", "b DEFAULT (1+1)",
                             "b AS (a) STORED", "b UNIQUE", "b DEFAULT 1 REFERENCES t", "b INTEGER PRIMARY KEY"})
    EXPECT_EQ(changes(plan("CREATE TABLE t (a)", std::string("CREATE TABLE t (a, ") + column + ")")),
              (Texts{"rebuild-table t", "add-column t.b"}))
        << column;
}

/// SQLite's ADD COLUMN does not look at the type of a default, and the rows would break the rule of their table.
TEST(SchemaMigration, ADefaultThatAStrictTypeDoesNotTakeIsARebuild) {
  const auto kind = [](const std::string& column) {
    return changes(plan("CREATE TABLE t (a INT) STRICT", "CREATE TABLE t (a INT, " + column + ") STRICT")).front();
  };
  for (const char* column : {"b INTEGER DEFAULT 'x'", "b TEXT DEFAULT 1", "b BLOB DEFAULT 'x'", "b INT DEFAULT 1.5"})
    EXPECT_EQ(kind(column), "rebuild-table t") << column;
  for (const char* column : {"b INTEGER DEFAULT -1", "b TEXT DEFAULT 'x'", "b BLOB DEFAULT x'00'", "b REAL DEFAULT 1",
                             "b ANY DEFAULT 'x'", "b INT DEFAULT NULL"})
    EXPECT_EQ(kind(column), "add-column t.b") << column;
}

TEST(SchemaMigration, AColumnInTheMiddleIsARebuild) {
  EXPECT_EQ(changes(plan("CREATE TABLE t (a, c)", "CREATE TABLE t (a, b, c)")),
            (Texts{"rebuild-table t", "add-column t.b"}));
}

TEST(SchemaMigration, AColumnThatNothingUsesIsDropped) {
  const auto steps = plan("CREATE TABLE t (a, b, c)", "CREATE TABLE t (a, c, d)");
  EXPECT_EQ(statements(steps), (Texts{"ALTER TABLE t DROP COLUMN b", "ALTER TABLE t ADD COLUMN d"}));
  EXPECT_EQ(changes(steps), (Texts{"drop-column t.b", "add-column t.d"}));
}

TEST(SchemaMigration, AnIndexGoesBeforeItsColumn) {
  EXPECT_EQ(sql("CREATE TABLE t (a, b); CREATE INDEX i ON t (b); CREATE INDEX j ON t (a)",
                "CREATE TABLE t (a); CREATE INDEX j ON t (a)"),
            "DROP INDEX i;\nALTER TABLE t DROP COLUMN b;\n");
}

TEST(SchemaMigration, AColumnThatAConstraintUsesGoesByARebuild) {
  for (const char* rest : {"CHECK (b > 0)", "UNIQUE (b)", "FOREIGN KEY (b) REFERENCES t (a)"})
    EXPECT_EQ(changes(plan(std::string("CREATE TABLE t (a, b, ") + rest + ")", "CREATE TABLE t (a)")),
              (Texts{"rebuild-table t", "drop-column t.b"}))
        << rest;
}

// --- Rebuilds ---

TEST(SchemaMigration, ARebuildCopiesRowids) {
  EXPECT_EQ(sql("CREATE TABLE t (a TEXT)", "CREATE TABLE t (a INT)"),
            "CREATE TABLE belay_new_t (a INT);\n"
            "INSERT INTO belay_new_t (rowid, a)\n  SELECT rowid, a FROM t;\n"
            "DROP TABLE t;\n"
            "ALTER TABLE belay_new_t RENAME TO t;\n");
}

TEST(SchemaMigration, ANewIntegerPrimaryKeyIsTheRowidThatWas) {
  const auto up = sql("CREATE TABLE t (a)", "CREATE TABLE t (id INTEGER PRIMARY KEY, a)");
  EXPECT_NE(up.find("(id, a)\n  SELECT rowid, a FROM t;"), std::string::npos) << up;
  const auto down = sql("CREATE TABLE t (id INTEGER PRIMARY KEY, a)", "CREATE TABLE t (a)");
  EXPECT_NE(down.find("(rowid, a)\n  SELECT id, a FROM t;"), std::string::npos) << down;
}

TEST(SchemaMigration, ARowidIsAskedForByANameThatIsFree) {
  const auto text = sql("CREATE TABLE t (rowid, oid INT)", "CREATE TABLE t (rowid, _rowid_, oid TEXT)");
  EXPECT_NE(text.find("(rowid, oid)\n  SELECT rowid, oid FROM t;"), std::string::npos)
      << "none is left in the new table: " << text;
  const auto other = sql("CREATE TABLE t (rowid, b INT)", "CREATE TABLE t (rowid, b TEXT)");
  EXPECT_NE(other.find("(_rowid_, rowid, b)\n  SELECT _rowid_, rowid, b FROM t;"), std::string::npos) << other;
}

TEST(SchemaMigration, ATableWithoutRowidHasNoneToCopy) {
  const auto text = sql("CREATE TABLE t (a PRIMARY KEY, b) WITHOUT ROWID", "CREATE TABLE t (a PRIMARY KEY, b)");
  EXPECT_NE(text.find("(a, b)\n  SELECT a, b FROM t;"), std::string::npos) << text;
}

TEST(SchemaMigration, ASequenceIsPutBack) {
  const auto text = sql("CREATE TABLE t (id INTEGER PRIMARY KEY AUTOINCREMENT, a)",
                        "CREATE TABLE t (id INTEGER PRIMARY KEY AUTOINCREMENT, a INT)");
  EXPECT_NE(text.find("DELETE FROM sqlite_sequence WHERE name = 'belay_new_t';\n"
                      "INSERT INTO sqlite_sequence (name, seq)\n"
                      "  SELECT 'belay_new_t', seq FROM sqlite_sequence WHERE name = 't';\n"
                      "DROP TABLE t;"),
            std::string::npos)
      << text;
}

TEST(SchemaMigration, NoConflictClauseDropsRowsInACopy) {
  const auto text = sql("CREATE TABLE t (a)", "CREATE TABLE t (a UNIQUE ON CONFLICT IGNORE)");
  EXPECT_NE(text.find("INSERT OR ABORT INTO belay_new_t"), std::string::npos) << text;
  const auto not_null = sql("CREATE TABLE t (a)", "CREATE TABLE t (a NOT NULL ON CONFLICT REPLACE DEFAULT 1)");
  EXPECT_NE(not_null.find("INSERT OR ABORT INTO belay_new_t"), std::string::npos) << not_null;
}

TEST(SchemaMigration, WhatIsGeneratedIsNotWritten) {
  const auto text = sql("CREATE TABLE t (a, b AS (a), c)", "CREATE TABLE t (a INT, b, c AS (a))");
  EXPECT_NE(text.find("(rowid, a, b)\n  SELECT rowid, a, b FROM t;"), std::string::npos) << text;
}

TEST(SchemaMigration, IndexesComeBackWithTheirTableAndTriggersInTheEnd) {
  const std::string rest =
      "; CREATE INDEX i ON t (a); CREATE TRIGGER r AFTER INSERT ON t BEGIN SELECT 1; END; CREATE INDEX j ON t (b)";
  const auto steps = plan("CREATE TABLE t (a, b)" + rest, "CREATE TABLE t (a INT, b)" + rest);
  ASSERT_EQ(steps.size(), 2U);
  EXPECT_EQ(steps[0].statements.size(), 6U);
  EXPECT_EQ(steps[0].statements[4], "CREATE INDEX i ON t (a)");
  EXPECT_EQ(steps[1].statements, Texts{"CREATE TRIGGER r AFTER INSERT ON t BEGIN SELECT 1; END"});
  EXPECT_EQ(changes(steps), Texts{"rebuild-table t"});
}

TEST(SchemaMigration, ARebuildSaysWhatItStartsFromAndEndsAt) {
  const std::string from = "CREATE TABLE t (a); CREATE INDEX i ON t (a)";
  const std::string to = "CREATE TABLE t (a INT); CREATE INDEX i ON t (a)";
  const auto steps = plan(from, to);
  ASSERT_TRUE(steps.at(0).rebuild);
  EXPECT_EQ(steps[0].rebuild->table, "t");
  EXPECT_EQ(steps[0].rebuild->from, schema_of(from).fingerprint_of("t"));
  EXPECT_EQ(steps[0].rebuild->to, schema_of(to).fingerprint_of("t"));
}

TEST(SchemaMigration, ViewsAndTriggersThatReadARebuiltTableAreLeftAlone) {
  const std::string rest =
      "; CREATE VIEW v AS SELECT a FROM t; CREATE VIEW w AS SELECT * FROM v; CREATE TABLE u (x);"
      "CREATE TRIGGER r AFTER INSERT ON u BEGIN UPDATE t SET a = 1; END";
  const auto text = sql("CREATE TABLE t (a)" + rest, "CREATE TABLE t (a INT)" + rest);
  EXPECT_NE(text.find("PRAGMA legacy_alter_table = ON;\nALTER TABLE belay_new_t RENAME TO t;\n"
                      "PRAGMA legacy_alter_table = OFF;"),
            std::string::npos)
      << text;
  EXPECT_EQ(text.find("DROP VIEW"), std::string::npos);
  EXPECT_EQ(text.find("DROP TRIGGER"), std::string::npos);
}

// SQLite 3.40 says "no such column" for a UNIQUE that repeats the INTEGER PRIMARY KEY of a WITHOUT ROWID table.
TEST(SchemaMigration, WhatSqliteCannotRenameTakesItsNameInARebuild) {
  const auto steps = plan("CREATE TABLE n (a INTEGER PRIMARY KEY, x, UNIQUE (a)) WITHOUT ROWID",
                          "CREATE TABLE n (b INTEGER PRIMARY KEY, x, UNIQUE (b)) WITHOUT ROWID",
                          {{Rename::Kind::column, "n", "a", "b"}});
  EXPECT_EQ(statements(steps)[1], "INSERT INTO belay_new_n (b, x)\n  SELECT a, x FROM n");
  EXPECT_EQ(changes(steps), (Texts{"rebuild-table n", "rename-column n.b"}));
  EXPECT_EQ(steps[0].changes[0].details, Texts{"column a: renamed to b"});
}

TEST(SchemaMigration, NamesThatAreExchangedInARebuildTakeTheirValuesAlong) {
  const std::string swapped = "CREATE TABLE n (b INTEGER PRIMARY KEY, a INTEGER, UNIQUE (b)) WITHOUT ROWID";
  const std::string key = "CREATE TABLE n (a INTEGER PRIMARY KEY, b INTEGER, UNIQUE (a)) WITHOUT ROWID";
  const auto insert = [&](const std::string& to, const Renames& renames) {
    const auto all = statements(plan(key, to, renames));
    return all.at(all.size() - 3);
  };
  const Rename onward{Rename::Kind::column, "n", "a", "b"};
  EXPECT_EQ(insert("CREATE TABLE n (b INTEGER PRIMARY KEY, a TEXT, UNIQUE (b)) WITHOUT ROWID", {onward}),
            "INSERT INTO belay_new_n (b)\n  SELECT a FROM n");
  EXPECT_EQ(insert(swapped, {onward, {Rename::Kind::column, "n", "b", "a"}}),
            "INSERT INTO belay_new_n (b, a)\n  SELECT a, b FROM n");
}

TEST(SchemaMigration, AViewThatIsBrokenAnywayStopsNothing) {
  const std::string rest = "; CREATE VIEW v AS SELECT nope FROM nowhere";
  EXPECT_EQ(changes(plan("CREATE TABLE t (a)" + rest, "CREATE TABLE t (a INT)" + rest)), Texts{"rebuild-table t"});
}

/// `DROP VIEW` and back, because only a rename that follows every name corrects the name within the table.
TEST(SchemaMigration, ATableThatNamesItselfAndIsReadIsRebuilt) {
  const std::string rest = "; CREATE VIEW v AS SELECT a FROM t; CREATE VIEW w AS SELECT * FROM v";
  const auto steps =
      plan("CREATE TABLE t (a, CHECK (t.a > 0))" + rest, "CREATE TABLE t (a INT, CHECK (t.a > 0))" + rest);
  const auto all = statements(steps);
  EXPECT_EQ(all.front(), "DROP VIEW v");
  EXPECT_EQ(all.back(), "CREATE VIEW w AS SELECT * FROM v");
  EXPECT_EQ(changes(steps), Texts{"rebuild-table t"});
}

TEST(SchemaMigration, AForeignKeyToTheTableItselfStaysOne) {
  plan("CREATE TABLE t (a PRIMARY KEY, b REFERENCES t (a))", "CREATE TABLE t (a INT PRIMARY KEY, b REFERENCES t (a))");
}

TEST(SchemaMigration, ARebuildUsesANameThatIsFree) {
  const std::string rest = "; CREATE TABLE belay_new_t (x)";
  const auto text = sql("CREATE TABLE t (a)" + rest, "CREATE TABLE t (a INT)" + rest);
  EXPECT_NE(text.find("CREATE TABLE belay_new_t_ (a INT);"), std::string::npos) << text;
}

TEST(SchemaMigration, NamesAreQuotedWhereTheyHaveToBe) {
  const auto text = sql("CREATE TABLE \"my table\" (\"order\" TEXT)", "CREATE TABLE [my table] (\"order\" INT)");
  EXPECT_NE(text.find("CREATE TABLE \"belay_new_my table\" (\"order\" INT)"), std::string::npos) << text;
  EXPECT_NE(text.find("SELECT rowid, \"order\" FROM \"my table\""), std::string::npos) << text;
}

TEST(SchemaMigration, AnEarlierRuleOfTheTableMayGoBothWays) {
  plan("CREATE TABLE t (a INT PRIMARY KEY, b INT) STRICT, WITHOUT ROWID", "CREATE TABLE t (a INT PRIMARY KEY, b TEXT)");
}

// --- Whole objects ---

TEST(SchemaMigration, ANewTableComesWithItsIndexes) {
  const auto steps = plan("", "CREATE TABLE t (a); CREATE INDEX i ON t (a)");
  ASSERT_EQ(steps.size(), 1U);
  EXPECT_EQ(changes(steps), (Texts{"create-table t", "create-index i"}));
}

TEST(SchemaMigration, ParentsComeFirstAndGoLast) {
  const std::string both = "CREATE TABLE child (p REFERENCES parent); CREATE TABLE parent (id INTEGER PRIMARY KEY)";
  EXPECT_EQ(changes(plan("", both)), (Texts{"create-table parent", "create-table child"}));
  EXPECT_EQ(changes(plan(both, "")), (Texts{"drop-table child", "drop-table parent"}));
}

TEST(SchemaMigration, CircularForeignKeysAreNoObstacle) {
  plan("", "CREATE TABLE a (b REFERENCES b); CREATE TABLE b (a REFERENCES a)");
  plan("CREATE TABLE a (b REFERENCES b); CREATE TABLE b (a REFERENCES a)",
       "CREATE TABLE a (b INT REFERENCES b); CREATE TABLE b (a INT REFERENCES a)");
}

TEST(SchemaMigration, ViewsComeInTheOrderInWhichTheyReadEachOther) {
  EXPECT_EQ(changes(plan("", "CREATE VIEW w AS SELECT * FROM v; CREATE VIEW v AS SELECT 1 AS a")),
            (Texts{"create-view v", "create-view w"}));
}

TEST(SchemaMigration, AChangedViewTakesItsTriggersAlong) {
  const std::string rest = "; CREATE TABLE t (a, b); CREATE TRIGGER r INSTEAD OF INSERT ON v BEGIN SELECT 1; END";
  const auto steps = plan("CREATE VIEW v AS SELECT a FROM t" + rest, "CREATE VIEW v AS SELECT a, b FROM t" + rest);
  EXPECT_EQ(statements(steps), (Texts{"DROP VIEW v", "CREATE VIEW v AS SELECT a, b FROM t",
                                      "CREATE TRIGGER r INSTEAD OF INSERT ON v BEGIN SELECT 1; END"}));
  EXPECT_EQ(changes(steps), Texts{"replace-view v"});
}

TEST(SchemaMigration, AViewThatChangesWithItsTableGoesFirst) {
  EXPECT_EQ(sql("CREATE TABLE t (a, b); CREATE VIEW v AS SELECT a, b FROM t",
                "CREATE TABLE t (a); CREATE VIEW v AS SELECT a FROM t"),
            "DROP VIEW v;\nALTER TABLE t DROP COLUMN b;\nCREATE VIEW v AS SELECT a FROM t;\n");
}

TEST(SchemaMigration, ANameMayBecomeThatOfAnotherKindOfObject) {
  EXPECT_EQ(changes(plan("CREATE TABLE a (x); CREATE TABLE t (x); CREATE INDEX i ON t (x)",
                         "CREATE VIEW a AS SELECT 1; CREATE TABLE t (x); CREATE TABLE i (x)")),
            (Texts{"drop-table a", "drop-index i", "create-table i", "create-view a"}));
}

TEST(SchemaMigration, AnIndexMayMoveToAnotherTable) {
  EXPECT_EQ(changes(plan("CREATE TABLE a (x); CREATE INDEX i ON a (x)", "CREATE TABLE b (x); CREATE INDEX i ON b (x)")),
            (Texts{"create-table b", "replace-index i", "drop-table a"}));
  EXPECT_EQ(changes(plan("CREATE TABLE a (x); CREATE TABLE b (x INT); CREATE INDEX i ON a (x)",
                         "CREATE TABLE a (x); CREATE TABLE b (x TEXT); CREATE INDEX i ON b (x)")),
            (Texts{"rebuild-table b", "replace-index i"}));
}

/// A view that reads a view that is gone would make SQLite refuse DROP COLUMN, and a rebuild would have to do.
TEST(SchemaMigration, ReadersOfAChangedViewGoWithItForAWhile) {
  const std::string rest = "; CREATE VIEW w AS SELECT * FROM v";
  const auto steps = plan("CREATE TABLE t (a, b); CREATE TABLE k (x, y); CREATE VIEW v AS SELECT a FROM t" + rest,
                          "CREATE TABLE t (a, b); CREATE TABLE k (x); CREATE VIEW v AS SELECT b FROM t" + rest);
  EXPECT_EQ(changes(steps), (Texts{"drop-column k.y", "replace-view v"}));
}

// --- Renames ---

TEST(SchemaMigration, RenamesAreWhatTheyAreCalled) {
  const auto steps = plan(
      "CREATE TABLE old (a, b); CREATE INDEX i ON old (a); CREATE VIEW v AS SELECT a FROM old;"
      "CREATE TABLE child (r REFERENCES old)",
      "CREATE TABLE new (c, b); CREATE INDEX i ON new (c); CREATE VIEW v AS SELECT c FROM new;"
      "CREATE TABLE child (r REFERENCES new)",
      {{Rename::Kind::table, "", "old", "new"}, {Rename::Kind::column, "new", "a", "c"}});
  EXPECT_EQ(statements(steps), (Texts{"ALTER TABLE old RENAME TO new", "ALTER TABLE new RENAME COLUMN a TO c"}));
  EXPECT_EQ(changes(steps), (Texts{"rename-table new", "rename-column new.c"}));
}

TEST(SchemaMigration, TwoNamesMayChangePlaces) {
  plan("CREATE TABLE a (x); CREATE TABLE b (y)", "CREATE TABLE b (x); CREATE TABLE a (y)",
       {{Rename::Kind::table, "", "a", "b"}, {Rename::Kind::table, "", "b", "a"}});
  const auto steps = plan("CREATE TABLE t (a INT, b TEXT)", "CREATE TABLE t (b INT, a TEXT)",
                          {{Rename::Kind::column, "t", "a", "b"}, {Rename::Kind::column, "t", "b", "a"}});
  EXPECT_EQ(statements(steps).size(), 3U);
}

TEST(SchemaMigration, AnOldNameMayBeTakenByWhatIsNew) {
  const std::string table_from = "CREATE TABLE a (x)";
  const std::string table_to = "CREATE TABLE b (x); CREATE TABLE a (y)";
  const Renames tables{{Rename::Kind::table, "", "a", "b"}};
  EXPECT_EQ(changes(plan(table_from, table_to, tables)), (Texts{"rename-table b", "create-table a"}));
  EXPECT_EQ(changes(plan(table_to, table_from, inverse(tables))), (Texts{"drop-table a", "rename-table a"}));

  const std::string column_from = "CREATE TABLE t (a INTEGER PRIMARY KEY)";
  const std::string column_to = "CREATE TABLE t (b INTEGER PRIMARY KEY, a TEXT)";
  const Renames columns{{Rename::Kind::column, "t", "a", "b"}};
  EXPECT_EQ(changes(plan(column_from, column_to, columns)), (Texts{"rename-column t.b", "add-column t.a"}));
  EXPECT_EQ(changes(plan(column_to, column_from, inverse(columns))), (Texts{"drop-column t.a", "rename-column t.a"}));
}

TEST(SchemaMigration, AViewThatIsBrokenAnywayDoesNotStopARename) {
  const std::string rest = "; CREATE VIEW v AS SELECT nope FROM nowhere";
  const auto steps =
      plan("CREATE TABLE t (a)" + rest, "CREATE TABLE t (b)" + rest, {{Rename::Kind::column, "t", "a", "b"}});
  EXPECT_EQ(statements(steps),
            (Texts{"DROP VIEW v", "ALTER TABLE t RENAME COLUMN a TO b", "CREATE VIEW v AS SELECT nope FROM nowhere"}));
}

TEST(SchemaMigration, AnIndexIsRenamedByMakingItAnew) {
  const auto steps = plan("CREATE TABLE t (a); CREATE INDEX i ON t (a)", "CREATE TABLE t (a); CREATE INDEX j ON t (a)",
                          {{Rename::Kind::index, "", "i", "j"}});
  EXPECT_EQ(statements(steps), (Texts{"DROP INDEX i", "CREATE INDEX j ON t (a)"}));
  EXPECT_EQ(changes(steps), Texts{"rename-index j"});
}

TEST(SchemaMigration, ARenameOfWhatIsNotThereIsAnError) {
  EXPECT_THROW(plan("CREATE TABLE t (a)", "CREATE TABLE t (b)", {{Rename::Kind::column, "t", "x", "b"}}), Error);
}

// --- Virtual tables ---

TEST(SchemaMigration, AFullTextIndexKeepsWhatItHolds) {
  const auto steps = plan("CREATE VIRTUAL TABLE f USING fts5(a, b)", "CREATE VIRTUAL TABLE f USING fts5(b, c)");
  EXPECT_EQ(statements(steps), (Texts{"CREATE VIRTUAL TABLE belay_new_f USING fts5(b, c)",
                                      "INSERT INTO belay_new_f (rowid, b)\n  SELECT rowid, b FROM f", "DROP TABLE f",
                                      "ALTER TABLE belay_new_f RENAME TO f"}));
}

TEST(SchemaMigration, AFullTextIndexThatIsCalledRowidKeepsItsRowids) {
  const auto text = sql("CREATE VIRTUAL TABLE rowid USING fts5(a, b)", "CREATE VIRTUAL TABLE rowid USING fts5(a)");
  EXPECT_NE(text.find("(_rowid_, a)\n  SELECT _rowid_, a FROM rowid;"), std::string::npos) << text;
}

TEST(SchemaMigration, AFullTextIndexWhoseRowidHasNoNameIsMadeAnew) {
  EXPECT_EQ(sql("CREATE VIRTUAL TABLE rowid USING fts5(oid, _rowid_)",
                "CREATE VIRTUAL TABLE rowid USING fts5(oid, _rowid_, b)"),
            "DROP TABLE rowid;\nCREATE VIRTUAL TABLE rowid USING fts5(oid, _rowid_, b);\n");
}

TEST(SchemaMigration, AFullTextIndexKeepsTheLanguagesOfItsRows) {
  const auto text = sql("CREATE VIRTUAL TABLE f USING fts4(a, languageid=\"Lid\")",
                        "CREATE VIRTUAL TABLE f USING fts4(a, b, languageid=\"lid\")");
  EXPECT_NE(text.find("(rowid, a, lid)\n  SELECT rowid, a, lid FROM f;"), std::string::npos) << text;
}

TEST(SchemaMigration, AnIndexOverAnotherTableIsMadeFromThat) {
  const std::string rest = "CREATE TABLE t (a, b);";
  EXPECT_EQ(sql(rest + "CREATE VIRTUAL TABLE f USING fts5(a, content=t)",
                rest + "CREATE VIRTUAL TABLE f USING fts5(b, content=\"t\")"),
            "DROP TABLE f;\nCREATE VIRTUAL TABLE f USING fts5(b, content=\"t\");\n"
            "INSERT INTO f (f) VALUES ('rebuild');\n");
}

TEST(SchemaMigration, AnRtreeKeepsItsBoxes) {
  const auto text =
      sql("CREATE VIRTUAL TABLE r USING rtree(id, a, b)", "CREATE VIRTUAL TABLE r USING rtree(id, a, b, +c)");
  EXPECT_NE(text.find("(id, a, b)\n  SELECT id, a, b FROM r;"), std::string::npos) << text;
}

}  // namespace
}  // namespace belay::engine

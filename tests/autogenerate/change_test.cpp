// Changes that are easily got wrong, each by name: what is made, and with what kept.

#include "tests/autogenerate/judge_fixture.h"

namespace belay::proof {
namespace {

using versions::schema::Rename;

// --- What a rebuild keeps ---

TEST_F(AutogenerateTest, RebuildKeepsRowidsAndTheirHoles) {
  expect_made({.current = "CREATE TABLE t (a INT, b);",
               .desired = "CREATE TABLE t (b, a TEXT);",
               .insert = "INSERT INTO t (rowid, a, b) VALUES (3, 1, 'x'), (70, NULL, X'00'), (-2, 5, '007')"});
  EXPECT_TRUE(rebuilds());
}

TEST_F(AutogenerateTest, RebuildKeepsTheSequenceOfAnEmptyTable) {
  expect_made({.current = "CREATE TABLE t (id INTEGER PRIMARY KEY AUTOINCREMENT, a INT);",
               .desired = "CREATE TABLE t (id INTEGER PRIMARY KEY AUTOINCREMENT, a TEXT);",
               .insert = "INSERT INTO sqlite_sequence VALUES ('t', 900)"});
  EXPECT_TRUE(rebuilds());
}

TEST_F(AutogenerateTest, RebuildFiresNoTriggerOfItsOwnOrOfOthers) {
  const std::string log =
      "CREATE TABLE log (what); CREATE TRIGGER d AFTER DELETE ON t BEGIN INSERT INTO log VALUES ('gone'); END;"
      "CREATE TRIGGER i AFTER INSERT ON t BEGIN INSERT INTO log VALUES ('come'); END;"
      "CREATE TRIGGER o AFTER INSERT ON log BEGIN UPDATE t SET a = 9 WHERE a IS NULL; END;";
  expect_made({.current = "CREATE TABLE t (a INT);" + log,
               .desired = "CREATE TABLE t (a TEXT);" + log,
               .insert = "INSERT INTO t VALUES (1), (2)"});
  EXPECT_TRUE(rebuilds());
}

TEST_F(AutogenerateTest, RebuildOfAParentKeepsItsChildren) {
  const std::string child = "CREATE TABLE child (p REFERENCES parent ON DELETE CASCADE);";
  expect_made({.current = "CREATE TABLE parent (id INTEGER PRIMARY KEY, a INT);" + child,
               .desired = "CREATE TABLE parent (id INTEGER PRIMARY KEY, a REAL);" + child,
               .insert = "INSERT INTO parent VALUES (1, 5), (2, 6); INSERT INTO child VALUES (1), (2), (2)"});
  EXPECT_TRUE(rebuilds());
}

TEST_F(AutogenerateTest, RebuildKeepsViewsOnViewsAndWhatTheyAreFilledBy) {
  const std::string readers =
      "CREATE VIEW v AS SELECT a FROM t; CREATE VIEW w AS SELECT * FROM v WHERE a > 0;"
      "CREATE TRIGGER into_w INSTEAD OF INSERT ON w BEGIN INSERT INTO t (a) VALUES (new.a); END;";
  expect_made({.current = "CREATE TABLE t (a INT, b);" + readers,
               .desired = "CREATE TABLE t (b, a NUMERIC);" + readers,
               .insert = "INSERT INTO w VALUES (4)"});
  EXPECT_TRUE(rebuilds());
}

TEST_F(AutogenerateTest, ConflictClausesLoseNoRow) {
  expect_made({.current = "CREATE TABLE t (a INT UNIQUE ON CONFLICT REPLACE, b INT NOT NULL ON CONFLICT IGNORE);",
               .desired = "CREATE TABLE t (b INT NOT NULL ON CONFLICT IGNORE, a INT UNIQUE ON CONFLICT REPLACE);",
               .insert = "INSERT INTO t VALUES (1, 1), (2, 1), (NULL, 3), (NULL, 3)"});
}

TEST_F(AutogenerateTest, OldOrphansStayAndStopNothing) {
  expect_made({.current = "CREATE TABLE p (id INTEGER PRIMARY KEY); CREATE TABLE c (p INT REFERENCES p, a INT);",
               .desired = "CREATE TABLE p (id INTEGER PRIMARY KEY); CREATE TABLE c (p INT REFERENCES p, a TEXT);",
               .insert = "INSERT INTO p VALUES (1); INSERT INTO c VALUES (1, 1), (8, 2)"});
}

TEST_F(AutogenerateTest, RowidThatAColumnIsCalledIsKeptAllTheSame) {
  expect_made({.current = "CREATE TABLE t (rowid TEXT, _rowid_ INT);",
               .desired = "CREATE TABLE t (rowid TEXT, _rowid_ REAL);",
               .insert = "INSERT INTO t (oid, rowid, _rowid_) VALUES (5, 'x', 1), (9, 'y', 2)"});
}

TEST_F(AutogenerateTest, TableWithoutRowidsGetsSomeAndGivesThemUpAgain) {
  expect_made({.current = "CREATE TABLE t (a TEXT, b INT, PRIMARY KEY (b, a)) WITHOUT ROWID;",
               .desired = "CREATE TABLE t (a TEXT, b INT, PRIMARY KEY (b, a));",
               .insert = "INSERT INTO t VALUES ('x', 2), ('y', 1)"});
}

TEST_F(AutogenerateTest, GeneratedColumnsAreMadeAnew) {
  expect_made({.current = "CREATE TABLE t (a INT, b AS (a + 1) STORED, c INT);",
               .desired = "CREATE TABLE t (a INT, c TEXT, b AS (a + 2) STORED, d AS (b || c));",
               .insert = "INSERT INTO t VALUES (1, 5), (NULL, NULL)"});
}

// --- Forms ---

TEST_F(AutogenerateTest, LineFeedInANameOrDefaultDoesNotLeaveItsComment) {
  expect_made({.current = "CREATE TABLE t (a INT);",
               .desired = "CREATE TABLE t (a TEXT DEFAULT 'x\nDROP TABLE t', \"b\nc\" INT);"});
  expect_made({.current = "CREATE TABLE t (a INT);", .desired = "CREATE TABLE t (a INT, \"b\nc\" INT);"});
}

TEST_F(AutogenerateTest, CommentAtTheEndSwallowsNothing) {
  expect_made(
      {.current = "CREATE TABLE t (a INT -- the first\n);\nCREATE INDEX i ON t (a) -- of it\n;",
       .desired = "CREATE TABLE t (a INT, -- the first\n b TEXT -- the last\n);\nCREATE INDEX i ON t (b) -- x\n;"});
}

TEST_F(AutogenerateTest, TableThatIsCalledLikeTheOneARebuildMakesIsLeftAlone) {
  expect_made({.current = "CREATE TABLE t (a INT); CREATE TABLE belay_new_t (x);",
               .desired = "CREATE TABLE t (a TEXT); CREATE TABLE belay_new_t (x);",
               .insert = "INSERT INTO t VALUES (1); INSERT INTO belay_new_t VALUES (2)"});
}

TEST_F(AutogenerateTest, ColumnThatStandsAtTheEndIsAddedWithoutARebuild) {
  expect_made({.current = "CREATE TABLE t (a INT);",
               .desired = "CREATE TABLE t (a INT, b TEXT NOT NULL DEFAULT 'x' CHECK (b <> ''));",
               .insert = "INSERT INTO t VALUES (1)"});
  EXPECT_FALSE(rebuilds());
}

TEST_F(AutogenerateTest, CircleOfForeignKeysIsMadeAndTakenBack) {
  expect_made({.current = "",
               .desired = "CREATE TABLE a (id INTEGER PRIMARY KEY, b REFERENCES b DEFERRABLE INITIALLY DEFERRED);"
                          "CREATE TABLE b (id INTEGER PRIMARY KEY, a REFERENCES a, c REFERENCES b);"});
}

TEST_F(AutogenerateTest, DefaultThatIsAnExpressionIsWorkedOutForRowsThatAreThere) {
  expect_made({.current = "CREATE TABLE t (a INT);",
               .desired = "CREATE TABLE t (a INT, b INT NOT NULL DEFAULT (abs(-3)));",
               .insert = "INSERT INTO t VALUES (1), (2)"});
}

TEST_F(AutogenerateTest, FullTextIndexKeepsItsRowsWhileOthersChange) {
  Database probe;
  if (!probe.tries("CREATE VIRTUAL TABLE f USING fts5(x)")) GTEST_SKIP() << "this SQLite has no FTS5";
  const std::string text = "CREATE VIRTUAL TABLE f USING fts5(title, body, tokenize = 'porter');";
  expect_made({.current = text + "CREATE TABLE t (a INT);",
               .desired = text + "CREATE TABLE t (a TEXT);",
               .insert = "INSERT INTO f (rowid, title, body) VALUES (7, 'on ropes', 'to belay')"});
}

TEST_F(AutogenerateTest, FullTextIndexThatIsCalledRowidKeepsItsRows) {
  Database probe;
  if (!probe.tries("CREATE VIRTUAL TABLE f USING fts5(x)")) GTEST_SKIP() << "this SQLite has no FTS5";
  expect_made({.current = "CREATE VIRTUAL TABLE ROWID USING fts5(title, body);",
               .desired = "CREATE VIRTUAL TABLE ROWID USING fts5(title);",
               .insert = "INSERT INTO ROWID (_rowid_, title) VALUES (7, 'on ropes'), (9, 'on knots')"});
}

TEST_F(AutogenerateTest, SpatialIndexKeepsItsRowsWhileOthersChange) {
  Database probe;
  if (!probe.tries("CREATE VIRTUAL TABLE f USING rtree(id, x0, x1)")) GTEST_SKIP() << "this SQLite has no rtree";
  const std::string box = "CREATE VIRTUAL TABLE box USING rtree(id, x0, x1);";
  expect_made({.current = box + "CREATE TABLE t (a INT);",
               .desired = box + "CREATE TABLE t (a TEXT);",
               .insert = "INSERT INTO box VALUES (4, 1, 2), (9, -1, 1)"});
}

TEST_F(AutogenerateTest, ParentOfAComputedColumnIsRebuilt) {
  const std::string child = "CREATE TABLE k (a TEXT, g TEXT AS (a || 'x') REFERENCES p (c));";
  expect_made({.current = "CREATE TABLE p (c TEXT PRIMARY KEY);" + child,
               .desired = "CREATE TABLE p (c TEXT PRIMARY KEY) STRICT;" + child,
               .insert = "INSERT INTO p VALUES ('7x'); INSERT INTO k (a) VALUES ('7'), (NULL), ('8')"});
}

TEST_F(AutogenerateTest, ParentThatNoRowHadIsDropped) {
  expect_made({.current = "CREATE TABLE p (id INT PRIMARY KEY); CREATE TABLE c (r TEXT REFERENCES p);",
               .desired = "CREATE TABLE c (r TEXT REFERENCES p);",
               .insert = "INSERT INTO c VALUES ('x'), ('y')"});
}

TEST_F(AutogenerateTest, ComputedValueThatItsTypeNeverTookStopsNothing) {
  const std::string columns = "b INTEGER PRIMARY KEY, s BLOB AS (typeof(b)) STORED";
  expect_made({.current = "CREATE TABLE g (" + columns + ") STRICT;",
               .desired = "CREATE TABLE g (" + columns + ", a TEXT) STRICT;",
               .insert = "INSERT INTO g (b) VALUES (1)"});
}

TEST_F(AutogenerateTest, TableOfWhichNoColumnStaysKeepsItsRows) {
  expect_made({.current = "CREATE TABLE t (a PRIMARY KEY) WITHOUT ROWID;",
               .desired = "CREATE TABLE t (b TEXT DEFAULT none, c ANY) STRICT;",
               .insert = "INSERT INTO t VALUES (1), (2)"});
  EXPECT_TRUE(hazards.contains("deletes-data"));
  expect_made({.current = "CREATE TABLE t (a PRIMARY KEY) WITHOUT ROWID;",
               .desired = "CREATE TABLE t (b INTEGER PRIMARY KEY);",
               .insert = "INSERT INTO t VALUES (1), (2)"});
  expect_made({.current = "CREATE TABLE t (a PRIMARY KEY) WITHOUT ROWID;",
               .desired = "CREATE TABLE t (g AS (b + 1), b DEFAULT 7 PRIMARY KEY) WITHOUT ROWID;",
               .insert = "INSERT INTO t VALUES (1)"});
}

// --- Renames ---

TEST_F(AutogenerateTest, RenamedTableAndColumnKeepTheirRowsAndReaders) {
  expect_made(
      {.current = "CREATE TABLE t (a INT, b INT); CREATE INDEX i ON t (a); CREATE VIEW v AS SELECT a AS x FROM t;",
       .desired = "CREATE TABLE u (c INT, b TEXT); CREATE INDEX i ON u (c); CREATE VIEW v AS SELECT c AS x FROM u;",
       .renames = {{Rename::Kind::table, "", "t", "u"}, {Rename::Kind::column, "u", "a", "c"}},
       .insert = "INSERT INTO t VALUES (1, 2), (3, 4)"});
}

TEST_F(AutogenerateTest, ColumnThatSqliteCannotRenameTakesItsNameInARebuild) {
  const Case it{
      .current =
          "CREATE TABLE n (b INTEGER PRIMARY KEY, x INT, UNIQUE (b)) WITHOUT ROWID;"
          "CREATE TABLE k (p REFERENCES n (b)); CREATE INDEX i ON n (x); CREATE VIEW v AS SELECT b, x FROM n;",
      .desired =
          "CREATE TABLE n (c INTEGER PRIMARY KEY, x INT, UNIQUE (c)) WITHOUT ROWID;"
          "CREATE TABLE k (p REFERENCES n (c)); CREATE INDEX i ON n (x); CREATE VIEW v AS SELECT c, x FROM n;",
      .renames = {{Rename::Kind::column, "n", "b", "c"}},
      .insert = "INSERT INTO n VALUES (7, 1), (9, 2); INSERT INTO k VALUES (7)"};
  expect_made(it);
  EXPECT_FALSE(hazards.contains("deletes-data"));
  EXPECT_NE(script.find("column b: renamed to c"), std::string::npos) << script;
}

TEST_F(AutogenerateTest, WayBackToANameThatSqliteCannotGiveIsARebuild) {
  expect_made({.current = "CREATE TABLE n (b INTEGER PRIMARY KEY, UNIQUE (b));",
               .desired = "CREATE TABLE n (c INTEGER PRIMARY KEY, -- @renamed from=b\n UNIQUE (c)) WITHOUT ROWID;",
               .insert = "INSERT INTO n VALUES (1), (70)"});
}

TEST_F(AutogenerateTest, RowsThatDangleAlreadyStandUnderOtherNames) {
  expect_made(
      {.current = "CREATE TABLE p (a REAL PRIMARY KEY); CREATE TABLE c (x, FOREIGN KEY (x) REFERENCES p);",
       .desired = "CREATE TABLE q (a REAL PRIMARY KEY); CREATE TABLE d (z, y TEXT, FOREIGN KEY (z) REFERENCES q);",
       .renames = {{Rename::Kind::table, "", "p", "q"},
                   {Rename::Kind::table, "", "c", "d"},
                   {Rename::Kind::column, "d", "x", "z"}},
       .insert = "INSERT INTO c VALUES ('x')"});
}

TEST_F(AutogenerateTest, ForeignKeyThatIsDroppedOverDanglingRowsHasNoWayBackAndTellsSo) {
  expect_made({.current = "CREATE TABLE c (a INTEGER PRIMARY KEY, p REFERENCES q (x));",
               .desired = "CREATE TABLE c (a INTEGER PRIMARY KEY, p);",
               .insert = "INSERT INTO c VALUES (1, 7)"});
  EXPECT_TRUE(hazards.contains("irreversible"));
}

TEST_F(AutogenerateTest, HintsInTheSchemaAreRenames) {
  expect_made({.current = "CREATE TABLE t (a INT, b INT);",
               .desired = "CREATE TABLE t (\n  c INT, -- @renamed from=a\n  b TEXT\n);",
               .insert = "INSERT INTO t VALUES (1, 2)"});
  EXPECT_FALSE(hazards.contains("deletes-data"));
}

}  // namespace
}  // namespace belay::proof

// What a change of the schema does to the rows that are there: told before it is done, counted, and true.

#include "engine/hazards.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <stop_token>
#include <string>
#include <vector>

#include "tests/engine/hazards_fixture.h"

namespace belay::engine {
namespace {

using versions::schema::Hazard;
using versions::schema::Rename;
using versions::schema::Renames;
using Kind = Hazard::Kind;

Rename column(const std::string& table, const std::string& from, const std::string& to) {
  return {.kind = Rename::Kind::column, .table = table, .from = from, .to = to};
}
Rename table(const std::string& from, const std::string& to) {
  return {.kind = Rename::Kind::table, .table = {}, .from = from, .to = to};
}

// --- What depends on the rows: said to stop exactly when it fails ---

struct Case {
  const char* name;
  const char* before;   ///< What is in the parentheses of `CREATE TABLE t (…)`, and behind them.
  const char* rows;     ///< Behind INSERT INTO t VALUES.
  const char* after;    ///< As `before`.
  const char* columns;  ///< Copied.
  const char* more;     ///< Statements that follow: indexes.
  std::int64_t count;   ///< Of rows that stop it.
  const char* first;    ///< The first of them.
};

std::ostream& operator<<(std::ostream& stream, const Case& one) {
  return stream << one.name;
}

class DataDependent : public Hazards, public testing::WithParamInterface<Case> {
 protected:
  /// Done by hand, on the database itself. @returns whether it fails.
  [[nodiscard]] bool fails() const {
    const auto& one = GetParam();
    try {
      live(std::string("BEGIN; CREATE TABLE new_t ") + one.after + "; INSERT OR ABORT INTO new_t (" + one.columns +
           ") SELECT " + one.columns + " FROM t; DROP TABLE t; ALTER TABLE new_t RENAME TO t; " + one.more +
           "; COMMIT");
    } catch (const std::runtime_error&) {
      return true;
    }
    return false;
  }
};

TEST_P(DataDependent, StopsExactlyWhatFails) {
  const auto& one = GetParam();
  live(std::string("CREATE TABLE t ") + one.before);
  if (*one.rows != '\0') live(std::string("INSERT INTO t VALUES ") + one.rows);
  std::int64_t count = 0;
  std::string first;
  std::string said;
  for (const auto& hazard : find(std::string("CREATE TABLE t ") + one.after + ";" + one.more, {}, {"t"})) {
    said += hazard.message + "\n";
    if (!hazard.stops()) continue;
    count += hazard.count;
    for (const auto& row : hazard.first) first += (first.empty() ? "" : " ") + row;
  }
  EXPECT_EQ(count, one.count) << said;
  EXPECT_EQ(first, one.first) << said;
  EXPECT_EQ(fails(), one.count > 0) << said;
}

INSTANTIATE_TEST_SUITE_P(
    AllKinds, DataDependent,
    testing::Values(
        Case{"NotNull", "(a, b)", "(1, 1), (NULL, 2), (NULL, 3)", "(a NOT NULL, b)", "a, b", "", 2, "2 3"},
        Case{"NotNullWithoutNulls", "(a, b)", "(1, 1)", "(a NOT NULL, b)", "a, b", "", 0, ""},
        Case{"NotNullOnConflictIgnore", "(a)", "(NULL)", "(a NOT NULL ON CONFLICT IGNORE)", "a", "", 1, "1"},
        Case{"NotNullOfANewColumn", "(a)", "(1), (2)", "(a, b NOT NULL)", "a", "", 2, "1 2"},
        Case{"NotNullOfANewColumnOfAnEmptyTable", "(a)", "", "(a, b NOT NULL)", "a", "", 0, ""},
        Case{"NotNullOfANewColumnWithADefault", "(a)", "(1)", "(a, b NOT NULL DEFAULT 7)", "a", "", 0, ""},
        Case{"NotNullOfANewColumnWithADefaultOfNull", "(a)", "(1)", "(a, b NOT NULL DEFAULT NULL)", "a", "", 1, "1"},
        Case{"NotNullOfAComputedColumn", "(a)", "(1), (NULL)", "(a, b AS (a + 1) NOT NULL)", "a", "", 1, "2"},
        Case{"PrimaryKeyTakesNulls", "(a TEXT)", "(NULL), (NULL)", "(a TEXT PRIMARY KEY)", "a", "", 0, ""},
        Case{"PrimaryKeyOfAStrictTableDoesNot", "(a TEXT)", "(NULL)", "(a TEXT PRIMARY KEY) STRICT", "a", "", 1, "1"},
        Case{"PrimaryKeyWithoutRowidDoesNot", "(a TEXT)", "(NULL), ('x')", "(a TEXT PRIMARY KEY) WITHOUT ROWID", "a",
             "", 1, "1"},
        Case{"Unique", "(a)", "('x'), ('x'), (NULL), (NULL)", "(a UNIQUE)", "a", "", 2, "1 2"},
        Case{"UniqueByCollation", "(a)", "('x'), ('X'), ('y')", "(a COLLATE NOCASE UNIQUE)", "a", "", 2, "1 2"},
        Case{"UniqueByBytes", "(a COLLATE NOCASE)", "('x'), ('X')", "(a UNIQUE)", "a", "", 0, ""},
        Case{"UniqueOfConvertedValues", "(a TEXT)", "('7'), ('07'), ('8')", "(a INTEGER UNIQUE)", "a", "", 2, "1 2"},
        Case{"UniqueOfSeveral", "(a, b)", "(1, 2), (1, 2), (1, 3), (1, NULL), (1, NULL)", "(a, b, UNIQUE (b, a))",
             "a, b", "", 2, "1 2"},
        Case{"UniqueThatFollows", "(a UNIQUE, b)", "(1, 2), (2, 2)", "(a, b, UNIQUE (b, a))", "a, b", "", 0, ""},
        Case{"UniqueOfADefault", "(a)", "(1), (2)", "(a, b DEFAULT 'x' UNIQUE)", "a", "", 2, "1 2"},
        Case{"UniqueIndexOnAnExpression", "(a)", "('x'), ('X')", "(a)", "a", "CREATE UNIQUE INDEX i ON t (lower(a))", 2,
             "1 2"},
        Case{"UniqueIndexByItsOwnCollation", "(a)", "('x'), ('X')", "(a)", "a",
             "CREATE UNIQUE INDEX i ON t (a COLLATE NOCASE)", 2, "1 2"},
        Case{"UniqueIndexOnAnExpressionGoesByBytes", "(a COLLATE NOCASE)", "('x'), ('X')", "(a COLLATE NOCASE)", "a",
             "CREATE UNIQUE INDEX i ON t (CAST(a AS TEXT))", 0, ""},
        Case{"UniqueIndexOnAPart", "(a, b)", "('x', 1), ('x', 0), ('x', NULL)", "(a, b)", "a, b",
             "CREATE UNIQUE INDEX i ON t (a) WHERE b", 0, ""},
        Case{"UniqueIndexOfOneRow", "(a)", "(1), (2)", "(a)", "a", "CREATE UNIQUE INDEX i ON t ((1))", 2, "1 2"},
        Case{"IndexThatCannotBeComputed", "(a)", "('{'), ('1')", "(a)", "a",
             "CREATE INDEX i ON t (json_extract(a, '$'))", 2, ""},
        Case{"Check", "(a)", "(1), (-1), (NULL)", "(a CHECK (a > 0))", "a", "", 1, "2"},
        Case{"CheckWithAComment", "(a)", "(-1)", "(a CHECK (a > 0 -- above\n))", "a", "", 1, "1"},
        Case{"CheckOfAConvertedValue", "(a TEXT)", "('10'), ('9')", "(a INTEGER CHECK (a > 9))", "a", "", 1, "2"},
        Case{"CheckByTheNewAffinity", "(a TEXT)", "('7')", "(a INTEGER CHECK (a = '7'))", "a", "", 0, ""},
        Case{"CheckByTheNewCollation", "(a)", "('X')", "(a COLLATE NOCASE CHECK (a = 'x'))", "a", "", 0, ""},
        Case{"CheckOfADefault", "(a)", "(1)", "(a, b DEFAULT 0 CHECK (b > 0))", "a", "", 1, "1"},
        Case{"CheckOfTheRowid", "(a)", "(1), (2)", "(a, CHECK (rowid < 2))", "a", "", 1, "2"},
        Case{"CheckThatCannotBeComputed", "(a)", "('{')", "(a CHECK (json_extract(a, '$') > 1))", "a", "", 1, ""},
        Case{"StrictType", "(a, b)", "(7, 1), ('x', 2), (x'00', 3), (NULL, 4)", "(a INT, b ANY) STRICT", "a, b", "", 2,
             "2 3"},
        Case{"StrictTypeAfterConversion", "(a, b)", "('7', 1), (7.0, 2)", "(a INTEGER, b TEXT) STRICT", "a, b", "", 0,
             ""},
        Case{"StrictBlob", "(a)", "('x'), (x'00')", "(a BLOB) STRICT", "a", "", 1, "1"},
        Case{"IntegerPrimaryKey", "(a, b)", "('7', 1), ('x', 2), (7.5, 3)", "(a INTEGER PRIMARY KEY, b)", "a, b", "", 2,
             "2 3"},
        Case{"IntegerPrimaryKeyTwice", "(a, b)", "('7', 1), (7, 2)", "(a INTEGER PRIMARY KEY, b)", "a, b", "", 2,
             "1 2"},
        Case{"IntegerPrimaryKeyThatIsNew", "(b)", "(1), (1)", "(a INTEGER PRIMARY KEY, b)", "b", "", 0, ""},
        Case{"KeysOfATableWithoutRowids", "(a TEXT, b, PRIMARY KEY (a, b)) WITHOUT ROWID", "('x', 1), ('x', 2)",
             "(a TEXT UNIQUE, b, PRIMARY KEY (a, b)) WITHOUT ROWID", "a, b", "", 2, "('x', 1) ('x', 2)"}),
    [](const auto& one) { return std::string(one.param.name); });

TEST_F(Hazards, NullIsNotGivenANumberInSilence) {
  live("CREATE TABLE t (a, b); INSERT INTO t VALUES (NULL, 1)");
  EXPECT_EQ(messages(Kind::data_dependent, "CREATE TABLE t (a INTEGER PRIMARY KEY, b);", {}, {"t"}),
            "1 row of t has no integer as a, which becomes the INTEGER PRIMARY KEY (rowid 1)\n"
            "two rows with the same a would fail; t has none\n");
}

TEST_F(Hazards, OldConstraintsOfACopiedTableCountAsWell) {
  live("CREATE TABLE t (a NOT NULL CHECK (a > 0)); PRAGMA ignore_check_constraints = ON; INSERT INTO t VALUES (0)");
  EXPECT_EQ(messages(Kind::data_dependent, "CREATE TABLE t (a INT NOT NULL CHECK (a > 0));", {}, {"t"}),
            "1 row of t fails CHECK (a > 0) (rowid 1)\n");
}

TEST_F(Hazards, RenamedColumnsAreAskedByTheirOldNames) {
  live("CREATE TABLE t (a, b); INSERT INTO t VALUES (1, 'x'), (2, 'x')");
  EXPECT_EQ(
      messages(Kind::data_dependent, "CREATE TABLE u (a, c UNIQUE CHECK (c <> 'x' OR a < 2));",
               {table("t", "u"), column("u", "b", "c")}, {"u"}),
      "1 row of u fails CHECK (c <> 'x' OR a < 2) (rowid 2)\n2 rows of u have the c of another one (rowids 1, 2)\n");
}

TEST_F(Hazards, DefaultThatIsDrawnMayFailAndIsTold) {
  live("CREATE TABLE t (a); INSERT INTO t VALUES (1)");
  const auto told = [&](const std::string& column) {
    return messages(Kind::data_dependent, "CREATE TABLE t (a, c " + column + ")", {}, {"t"});
  };
  EXPECT_EQ(
      told("DEFAULT (random()) CHECK (c % 8 <> 0)"),
      "a row that fails CHECK (c % 8 <> 0) would stop it; t has none as it was drawn here, but a default is drawn "
      "again for each row: the script may fail\n");
  EXPECT_EQ(told("DEFAULT (random()), g AS (c % 2), UNIQUE (g)").find("two rows with the same g would fail"), 0U);
  EXPECT_EQ(told("DEFAULT (random()) CHECK (c IS NULL)"), "1 row of t fails CHECK (c IS NULL) (rowid 1)\n");
}

TEST_F(Hazards, SwappedColumnsAreNotMistaken) {
  live("CREATE TABLE t (a, b); INSERT INTO t VALUES (1, NULL)");
  EXPECT_EQ(messages(Kind::data_dependent, "CREATE TABLE t (b, a NOT NULL);",
                     {column("t", "a", "b"), column("t", "b", "a")}, {"t"}),
            "1 row of t has no a (rowid 1)\n");
}

/// SQLite stores such a value all the same, where the table has neither an index nor a CHECK.
TEST_F(Hazards, ComputedValueThatItsStrictTypeNeverTookIsNoNews) {
  const std::string columns = "b INTEGER PRIMARY KEY, s BLOB AS (typeof(b)) STORED";
  live("CREATE TABLE g (" + columns + ") STRICT; INSERT INTO g (b) VALUES (1)");
  EXPECT_EQ(messages(Kind::data_dependent, "CREATE TABLE g (" + columns + ", a TEXT) STRICT;"), "");
  EXPECT_EQ(messages(Kind::data_dependent, "CREATE TABLE g (a TEXT, " + columns + ") STRICT;", {}, {"g"}), "");
  EXPECT_EQ(messages(Kind::data_dependent, "CREATE TABLE g (" + columns + " CHECK (b > 0)) STRICT;", {}, {"g"}),
            "1 row of g has a s that is no BLOB (rowid 1)\n"
            "a row that fails CHECK (b > 0) would stop it; g has none\n");
}

TEST_F(Hazards, ComputedValueThatComesToBeOfAnotherTypeIsRefused) {
  live("CREATE TABLE g (a INTEGER, s INTEGER AS (a) STORED) STRICT; INSERT INTO g VALUES (1)");
  EXPECT_EQ(
      messages(Kind::data_dependent, "CREATE TABLE g (a INTEGER, s INTEGER AS (a || 'x') STORED) STRICT;", {}, {"g"}),
      "1 row of g has a s that is no INTEGER (rowid 1)\n");
  EXPECT_EQ(messages(Kind::data_dependent, "CREATE TABLE g (a TEXT, s BLOB AS (a) STORED) STRICT;", {}, {"g"}),
            "a row with a a that is no TEXT would fail; g has none\n"
            "1 row of g has a s that is no BLOB (rowid 1)\n");
}

TEST_F(Hazards, NoMoreThanTheFirstFiveAreNamed) {
  live("CREATE TABLE t (a); INSERT INTO t VALUES (NULL), (NULL), (NULL), (NULL), (NULL), (NULL)");
  EXPECT_EQ(messages(Kind::data_dependent, "CREATE TABLE t (a NOT NULL);", {}, {"t"}),
            "6 rows of t have no a (rowids 1, 2, 3, 4, 5, …)\n");
}

// --- What is lost ---

TEST_F(Hazards, DroppedTablesAndColumnsAreCounted) {
  live(
      "CREATE TABLE a (x); CREATE TABLE b (x); CREATE TABLE t (x, y, z AS (x)); INSERT INTO a VALUES (1), (2);"
      "INSERT INTO t VALUES (1, 'x'), (1, NULL)");
  EXPECT_EQ(messages(Kind::deletes_data, "CREATE TABLE t (x);"),
            "a is dropped, with its 2 rows\nb is dropped; it has no rows\n"
            "1 row of t loses its y: the column is dropped (rowid 1)\n");
}

TEST_F(Hazards, ColumnThatBecomesComputedLosesOtherValues) {
  live("CREATE TABLE t (a, b); INSERT INTO t VALUES (1, 2), (2, 5), (3, NULL)");
  EXPECT_EQ(messages(Kind::deletes_data, "CREATE TABLE t (a, b AS (a * 2));", {}, {"t"}),
            "1 row of t loses its b: the column becomes generated (rowid 2)\n");
}

TEST_F(Hazards, TableThatBecomesSomethingElseIsLost) {
  live("CREATE TABLE t (a); CREATE TABLE u (a); INSERT INTO t VALUES (1)");
  EXPECT_EQ(messages(Kind::deletes_data, "CREATE VIEW t AS SELECT 1; CREATE VIRTUAL TABLE u USING fts5(a);"),
            "t becomes a view, with its 1 row\nu becomes a virtual table; it has no rows\n");
}

TEST_F(Hazards, OtherTableOfARenamedOnesNameIsNew) {
  live("CREATE TABLE t (a, b); INSERT INTO t VALUES (1, 1), (2, 2)");
  EXPECT_EQ(messages(Kind::deletes_data, "CREATE TABLE u (a, b); CREATE TABLE t (c NOT NULL);", {table("t", "u")}), "");
  EXPECT_EQ(messages(Kind::data_dependent, "CREATE TABLE u (a, b); CREATE TABLE t (c NOT NULL);", {table("t", "u")}),
            "");
}

TEST_F(Hazards, VirtualTableLosesWhatCannotBeCopied) {
  live(
      "CREATE VIRTUAL TABLE a USING fts5(x, y); CREATE VIRTUAL TABLE b USING fts5(x, content='');"
      "CREATE VIRTUAL TABLE c USING rtree(id, lo, hi); CREATE TABLE t (x);"
      "CREATE VIRTUAL TABLE d USING fts5(x, content='t');"
      "INSERT INTO a VALUES ('1', '2'), ('3', NULL); INSERT INTO b (rowid, x) VALUES (1, 'x')");
  EXPECT_EQ(messages(Kind::deletes_data,
                     "CREATE VIRTUAL TABLE a USING fts5(x, tokenize='porter'); CREATE VIRTUAL TABLE b USING fts5(x);"
                     "CREATE VIRTUAL TABLE c USING rtree(id, lo, hi, +note); CREATE TABLE t (x);"
                     "CREATE VIRTUAL TABLE d USING fts5(x, content='t', prefix=2);"),
            "1 row of a loses its y: the column is dropped\nb (fts5) is dropped and made again, with its 1 row\n");
}

TEST_F(Hazards, FullTextIndexWhoseRowidHasNoNameLosesItsRows) {
  live("CREATE VIRTUAL TABLE rowid USING fts5(oid, _rowid_); INSERT INTO rowid VALUES ('x', 'y')");
  EXPECT_EQ(messages(Kind::deletes_data, "CREATE VIRTUAL TABLE rowid USING fts5(oid, _rowid_, a);"),
            "rowid (fts5) is dropped and made again, with its 1 row\n");
}

// --- Conversions ---

struct Cast {
  const char* name;
  const char* before;
  const char* value;
  const char* after;
  bool is_lossy;
};

class Conversion : public Hazards, public testing::WithParamInterface<Cast> {};

TEST_P(Conversion, IsLossyWhenTheValueDoesNotComeBack) {
  const auto& one = GetParam();
  live(std::string("CREATE TABLE t (a ") + one.before + "); INSERT INTO t VALUES (" + one.value + ")");
  std::int64_t lossy = 0;
  for (const auto& hazard : find(std::string("CREATE TABLE t (a ") + one.after + ");", {}, {"t"}))
    if (hazard.kind == Kind::lossy_cast) lossy += hazard.count;
  EXPECT_EQ(lossy, one.is_lossy ? 1 : 0);
}

INSTANTIATE_TEST_SUITE_P(
    AllKinds, Conversion,
    testing::Values(
        Cast{"LeadingZeros", "TEXT", "'007'", "INTEGER", true}, Cast{"PlainNumber", "TEXT", "'7'", "INTEGER", false},
        Cast{"Negative", "TEXT", "'-7'", "INT", false}, Cast{"Exponent", "TEXT", "'1e3'", "NUMERIC", true},
        Cast{"Blanks", "TEXT", "' 7'", "INTEGER", true}, Cast{"Word", "TEXT", "'abc'", "INTEGER", false},
        Cast{"Hexadecimal", "TEXT", "'0x10'", "INTEGER", false}, Cast{"Empty", "TEXT", "''", "INTEGER", false},
        Cast{"Null", "TEXT", "NULL", "INTEGER", false}, Cast{"Bytes", "TEXT", "x'37'", "INTEGER", false},
        Cast{"BeyondAllIntegers", "TEXT", "'9223372036854775808'", "INTEGER", true},
        Cast{"LargestInteger", "TEXT", "'9223372036854775807'", "INTEGER", false},
        Cast{"LargeIntegerToReal", "INTEGER", "9007199254740993", "REAL", true},
        Cast{"SmallIntegerToReal", "INTEGER", "9007199254740992", "REAL", false},
        Cast{"LargestIntegerToReal", "INTEGER", "9223372036854775807", "REAL", true},
        Cast{"LargestKeyToReal", "INTEGER PRIMARY KEY", "9223372036854775807", "REAL PRIMARY KEY", true},
        Cast{"SmallestIntegerToReal", "INTEGER", "-9223372036854775807 - 1", "REAL", false},
        Cast{"LongReal", "REAL", "0.1 + 0.2", "TEXT", true}, Cast{"ShortReal", "REAL", "0.1", "TEXT", false},
        Cast{"Infinity", "REAL", "9e999", "TEXT", true}, Cast{"WholeReal", "REAL", "7.0", "INTEGER", false},
        Cast{"IntegerToText", "INTEGER", "7", "TEXT", false}, Cast{"Untyped", "", "'007'", "NUMERIC", true},
        Cast{"AnyOfAStrictTable", "TEXT", "'007'", "TEXT", false},
        Cast{"NameOfATypeOnly", "VARCHAR(20)", "'007'", "TEXT", false}),
    [](const auto& one) { return std::string(one.param.name); });

TEST_F(Hazards, AnyOfAStrictTableTakesValuesAsTheyAre) {
  live("CREATE TABLE t (a TEXT); INSERT INTO t VALUES ('007')");
  EXPECT_EQ(messages(Kind::lossy_cast, "CREATE TABLE t (a ANY) STRICT;", {}, {"t"}),
            "t.a is converted from TEXT to ANY; no row loses anything\n");
}

// --- The rest ---

TEST_F(Hazards, RebuildTellsRowsAndBytesWithTheIndexes) {
  live(
      "CREATE TABLE t (a); CREATE INDEX i ON t (a);"
      "WITH n(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < 1000) INSERT INTO t SELECT hex(zeroblob(50)) "
      "FROM n");
  const auto hazards = find("CREATE TABLE t (a TEXT); CREATE INDEX i ON t (a);", {}, {"t"});
  const auto rebuild = std::ranges::find(hazards, Kind::rebuild, &Hazard::kind);
  ASSERT_NE(rebuild, hazards.end());
  EXPECT_EQ(rebuild->count, 1000);
  EXPECT_GT(rebuild->bytes, 200'000);
  EXPECT_LT(rebuild->bytes, 400'000);
}

TEST_F(Hazards, ReadersOfAnOldNameAreNamed) {
  live(
      "CREATE TABLE t (a, b); CREATE TABLE s (x); CREATE VIEW v AS SELECT a, b FROM t; CREATE VIEW w AS SELECT 1;"
      "CREATE TRIGGER r AFTER INSERT ON s BEGIN DELETE FROM t WHERE b = 1; END");
  EXPECT_EQ(messages(Kind::breaks_readers,
                     "CREATE TABLE t (a, c); CREATE TABLE s2 (x); CREATE VIEW v AS SELECT a, b FROM t;"
                     "CREATE TRIGGER r AFTER INSERT ON s2 BEGIN DELETE FROM t WHERE b = 1; END;",
                     {table("s", "s2"), column("t", "b", "c")}),
            "t.b is called c: whoever reads it by its old name fails; still so in view v, trigger r\n"
            "s is called s2: whoever reads it by its old name fails\n"
            "view w is dropped: whoever reads it by its old name fails\n");
}

TEST_F(Hazards, WayBackIsNoWayBackForWhatIsLost) {
  live(
      "CREATE TABLE t (a TEXT, b NOT NULL); CREATE TABLE u (x);"
      "INSERT INTO t VALUES ('007', 1); INSERT INTO u VALUES (1)");
  EXPECT_EQ(messages(Kind::irreversible, "CREATE TABLE t (a INTEGER);", {}, {"t"}),
            "the way back fails where t has rows: b is NOT NULL and has no default\n"
            "the way back makes t.b again, but not what was in it (1 row)\n"
            "the way back does not bring back t.a as it was in 1 row\n"
            "the way back makes u again, but not what was in it (1 row)\n");
}

TEST_F(Hazards, NothingIsAHazardWhereNothingChanges) {
  const std::string same = "CREATE TABLE t (a NOT NULL UNIQUE CHECK (a > 0)); CREATE INDEX i ON t (a);";
  live(same + "INSERT INTO t VALUES (1)");
  EXPECT_TRUE(find(same).empty());
}

TEST_F(Hazards, WithoutADatabaseAreToldAndCountNothing) {
  const auto from = schema_of("CREATE TABLE t (a TEXT, b); CREATE TABLE u (x);");
  const auto to = schema_of("CREATE TABLE t (a INTEGER NOT NULL UNIQUE CHECK (a > 0), c REFERENCES t (a));");
  const auto hazards = find_hazards({from, to, {}, {"t"}}, nullptr);
  EXPECT_TRUE(std::ranges::all_of(hazards, [](const auto& one) { return one.count == 0 && !one.stops(); }));
  EXPECT_TRUE(std::ranges::any_of(hazards, &Hazard::takes_away));
}

TEST_F(Hazards, EndOnTheStopToken) {
  live("CREATE TABLE t (a); INSERT INTO t VALUES (1)");
  const auto connection = connect({"sqlite", file()}, {.read_only = true});
  std::stop_source stop;
  connection->stop_on(stop.get_token());
  stop.request_stop();
  const auto from = introspect(*connection, {});
  const auto to = schema_of("CREATE TABLE t (a NOT NULL);");
  EXPECT_EQ(code_of([&] { find_hazards({from, to, {}, {"t"}}, connection.get()); }), ErrorCode::interrupted);
}

TEST_F(Hazards, NamesThatNeedQuotesAreQuoted) {
  live("CREATE TABLE \"my \"\"t\" (\"select\", 'it''s', [rowid]); INSERT INTO \"my \"\"t\" VALUES (NULL, 1, 5)");
  EXPECT_EQ(messages(Kind::data_dependent, "CREATE TABLE \"my \"\"t\" (\"select\" NOT NULL, 'it''s' UNIQUE, [rowid]);",
                     {}, {"my \"t"}),
            "1 row of my \"t has no select (rowid 1)\ntwo rows with the same it's would fail; my \"t has none\n");
}

}  // namespace
}  // namespace belay::engine

// What makes two schemas one and what does not, on a real SQLite: every row is a line of docs/schema.md.

#include <gtest/gtest.h>

#include <set>
#include <string>

#include "tests/versions/scratch_database.h"
#include "versions/schema/names.h"
#include "versions/schema/parser.h"

namespace belay::versions::schema {
namespace {

struct Pair {
  const char* name;
  const char* a;
  const char* b;
};

void PrintTo(const Pair& pair, std::ostream* stream) {
  *stream << pair.name;
}

std::string name_of_pair(const testing::TestParamInfo<Pair>& info) {
  return info.param.name;
}

std::string canonical_of(const std::string& sql) {
  std::set<std::string> objects;
  const Schema schema = schema_of(sql);
  for (const auto& object : schema.objects()) objects.insert(object->canonical);
  std::string text;
  for (const auto& object : objects) text += object;
  return text;
}

class Same : public testing::TestWithParam<Pair> {};

TEST_P(Same, Fingerprint) {
  EXPECT_EQ(canonical_of(GetParam().a), canonical_of(GetParam().b));
  EXPECT_EQ(fingerprint_of(GetParam().a), fingerprint_of(GetParam().b));
}

INSTANTIATE_TEST_SUITE_P(
    Schema, Same,
    testing::Values(
        Pair{"CommentsAndSpace", "CREATE TABLE t (a INT, b)",
             "CREATE  TABLE t -- c\n(/* d */ a\n\tINT,b -- last\n)/**/"},
        Pair{"CaseOfKeywordsAndNames", "CREATE TABLE t (a INT NOT NULL)", "create table T (A int not Null)"},
        Pair{"Quoting", "CREATE TABLE t (a INT, \"b c\" TEXT)", "CREATE TABLE [t] (`a` INT, [b c] 'TEXT')"},
        Pair{"QuotedFallbackKeyword", "CREATE TABLE key (action INT, end TEXT CHECK (end > action))",
             "CREATE TABLE \"key\" (`action` INT, [end] TEXT CHECK (\"end\" > \"action\"))"},
        Pair{
            "KeywordsThatNameColumns",
            "CREATE TABLE t (asc, desc, begin, PRIMARY KEY (asc, desc DESC)); CREATE TRIGGER r INSERT ON t WHEN "
            "new.begin BEGIN SELECT new.desc FROM (SELECT 1 AS end); END",
            "CREATE TABLE t (\"asc\", \"desc\", \"begin\", PRIMARY KEY (\"asc\" ASC, \"desc\" desc)); CREATE TRIGGER r "
            "INSERT ON t WHEN new.\"begin\" BEGIN SELECT new.\"desc\" FROM (SELECT 1 AS \"end\"); END"},
        Pair{"IfNotExistsAndSchema", "CREATE TABLE t (a)", "CREATE TABLE IF NOT EXISTS main.t (a)"},
        Pair{"GeneratedAlwaysBehindATypeIsNoPartOfIt", "CREATE TABLE t (a INT, b)",
             "CREATE TABLE t (a INT GENERATED ALWAYS, b generated always)"},
        Pair{"DeferralApartFromItsForeignKey",
             "CREATE TABLE t (a REFERENCES p DEFERRABLE INITIALLY DEFERRED, b, c NOT NULL)",
             "CREATE TABLE t (a REFERENCES p, b, c NOT NULL DEFERRABLE INITIALLY DEFERRED)"},
        Pair{"DeferralWithoutAForeignKey", "CREATE TABLE t (a)", "CREATE TABLE t (a DEFERRABLE INITIALLY DEFERRED)"},
        Pair{"SpaceInTypes", "CREATE TABLE t (a VARCHAR(20), b DECIMAL(10,2), c UNSIGNED BIG INT)",
             "CREATE TABLE t (a varchar ( 20 ), b DECIMAL (10, 2), c unsigned  big int)"},
        Pair{"OrderOfColumnConstraints", "CREATE TABLE t (a TEXT NOT NULL COLLATE NOCASE DEFAULT 'x' UNIQUE)",
             "CREATE TABLE t (a TEXT UNIQUE DEFAULT 'x' NOT NULL COLLATE nocase)"},
        Pair{"PrimaryKeyOfOneColumn", "CREATE TABLE t (a INTEGER PRIMARY KEY AUTOINCREMENT)",
             "CREATE TABLE t (a INTEGER, PRIMARY KEY (a ASC AUTOINCREMENT))"},
        Pair{"UniqueOfOneColumn", "CREATE TABLE t (a UNIQUE ON CONFLICT IGNORE)",
             "CREATE TABLE t (a, UNIQUE (A) ON CONFLICT IGNORE)"},
        Pair{"ReferenceOfOneColumn", "CREATE TABLE t (a REFERENCES p(id) ON DELETE CASCADE)",
             "CREATE TABLE t (a, FOREIGN KEY (a) REFERENCES \"p\" (\"id\") ON DELETE CASCADE)"},
        Pair{"CheckOfOneColumn", "CREATE TABLE t (a CHECK (a > 0))", "CREATE TABLE t (a, CHECK (a > 0))"},
        Pair{"NamedConstraintEitherWay", "CREATE TABLE t (a CONSTRAINT u UNIQUE)",
             "CREATE TABLE t (a, CONSTRAINT \"U\" UNIQUE (a))"},
        Pair{"OrderOfTableConstraints", "CREATE TABLE t (a, b, UNIQUE (a, b), CHECK (a <> b))",
             "CREATE TABLE t (a, b, CHECK (a <> b), UNIQUE (a, b))"},
        Pair{"CommaBetweenTableConstraints", "CREATE TABLE t (a, b, UNIQUE (a), CHECK (b))",
             "CREATE TABLE t (a, b, UNIQUE (a) CHECK (b))"},
        Pair{"ActionsThatAreTheDefault", "CREATE TABLE t (a REFERENCES p, b UNIQUE, c NOT NULL)",
             "CREATE TABLE t (a REFERENCES p ON DELETE NO ACTION ON UPDATE NO ACTION NOT DEFERRABLE, b UNIQUE ON "
             "CONFLICT ABORT, c NOT NULL ON CONFLICT ABORT)"},
        Pair{"DeferrableThatIsNotDeferred", "CREATE TABLE t (a REFERENCES p)",
             "CREATE TABLE t (a REFERENCES p DEFERRABLE INITIALLY IMMEDIATE)"},
        Pair{"NullableSaid", "CREATE TABLE t (a TEXT)", "CREATE TABLE t (a TEXT NULL)"},
        Pair{"GeneratedInFull", "CREATE TABLE t (a, b AS (a + 1))",
             "CREATE TABLE t (a, b GENERATED ALWAYS AS (a+1) VIRTUAL)"},
        Pair{"LiteralDefaultInParentheses", "CREATE TABLE t (a DEFAULT -1, b DEFAULT 'x', c DEFAULT CURRENT_TIMESTAMP)",
             "CREATE TABLE t (a DEFAULT (- 1), b DEFAULT ('x'), c DEFAULT (current_timestamp))"},
        Pair{"WordAsDefault", "CREATE TABLE t (a DEFAULT 'abc')", "CREATE TABLE t (a DEFAULT abc)"},
        Pair{"StringInDoubleQuotes", "CREATE TABLE t (a CHECK (a <> 'Abc'), b DEFAULT 'Abc')",
             "CREATE TABLE t (a CHECK (\"a\" <> \"Abc\"), b DEFAULT \"Abc\")"},
        Pair{"TableOptions", "CREATE TABLE t (a INT PRIMARY KEY) STRICT, WITHOUT ROWID",
             "CREATE TABLE t (a INT PRIMARY KEY) without rowid,strict"},
        Pair{"IndexSaidInFull", "CREATE TABLE t (a, b); CREATE INDEX i ON t (a, b DESC) WHERE a > 0",
             "CREATE TABLE t (a, b); CREATE INDEX IF NOT EXISTS main.\"I\" ON [t] (\"a\" ASC, 'b' desc) where \"a\">0"},
        Pair{"ViewSpeltOtherwise", "CREATE TABLE t (a); CREATE VIEW v AS SELECT a AS b FROM t WHERE a = 'X'",
             "CREATE TABLE t (a); create view \"V\" as select [a] as 'b' -- c\nfrom `t` where A = 'X';"},
        Pair{"TriggerSaidInFull",
             "CREATE TABLE t (a); CREATE TRIGGER r INSERT ON t BEGIN DELETE FROM t WHERE a = CASE WHEN new.a THEN 1 "
             "END; "
             "END",
             "CREATE TABLE t (a); CREATE TRIGGER R BEFORE INSERT ON \"t\" FOR EACH ROW\nBEGIN delete from t where a = "
             "case when NEW.A then 1 end; end"},
        Pair{"SpaceInVirtualTable", "CREATE VIRTUAL TABLE f USING fts5(a, b, tokenize = 'porter')",
             "create virtual table \"F\" using FTS5 ( a,b,tokenize='porter' )"},
        Pair{"OrderOfObjects", "CREATE TABLE a (x); CREATE TABLE b (x); CREATE INDEX i ON a (x)",
             "CREATE TABLE b (x); CREATE TABLE a (x); CREATE INDEX i ON a (x)"},
        Pair{"ColumnThatWasAdded", "CREATE TABLE t (a, b TEXT NOT NULL DEFAULT '', UNIQUE (a))",
             "CREATE TABLE t (a, UNIQUE (a)); ALTER TABLE t ADD COLUMN \"b\" text DEFAULT '' NOT NULL"},
        Pair{"ColumnThatWasDropped", "CREATE TABLE t (a, c, CHECK (a < c))",
             "CREATE TABLE t (a, b REFERENCES p, c, CHECK (a < c)); ALTER TABLE t DROP COLUMN b"},
        Pair{"ColumnThatWasRenamed",
             "CREATE TABLE t (b, CHECK (b > 0)); CREATE INDEX i ON t (b, lower(b)); CREATE VIEW v AS SELECT b FROM t; "
             "CREATE TRIGGER r AFTER UPDATE OF b ON t BEGIN SELECT new.b; END",
             "CREATE TABLE t (a, CHECK (a > 0)); CREATE INDEX i ON t (a, lower(a)); CREATE VIEW v AS SELECT a FROM t; "
             "CREATE TRIGGER r AFTER UPDATE OF a ON t BEGIN SELECT new.a; END; ALTER TABLE t RENAME a TO \"b\""},
        Pair{"TableThatWasRenamed",
             "CREATE TABLE n (a); CREATE TABLE c (x REFERENCES n(a)); CREATE INDEX i ON n (a); CREATE VIEW v AS SELECT "
             "n.a FROM n; CREATE TRIGGER r AFTER INSERT ON n BEGIN DELETE FROM n; END",
             "CREATE TABLE t (a); CREATE TABLE c (x REFERENCES t(a)); CREATE INDEX i ON t (a); CREATE VIEW v AS SELECT "
             "t.a FROM t; CREATE TRIGGER r AFTER INSERT ON t BEGIN DELETE FROM t; END; ALTER TABLE t RENAME TO n"},
        Pair{"TableMadeOfAQuery", "CREATE TABLE t (a INT, \"count(*)\")",
             "CREATE TABLE s (a INT); CREATE TABLE t AS SELECT a, count(*) FROM s; DROP TABLE s"}),
    name_of_pair);

class Different : public testing::TestWithParam<Pair> {};

TEST_P(Different, Fingerprint) {
  EXPECT_NE(fingerprint_of(GetParam().a), fingerprint_of(GetParam().b)) << canonical_of(GetParam().a);
}

INSTANTIATE_TEST_SUITE_P(
    Schema, Different,
    testing::Values(
        Pair{"NothingAndATable", "", "CREATE TABLE t (a)"},
        Pair{"TableAndView", "CREATE TABLE s (a); CREATE TABLE t (a)",
             "CREATE TABLE s (a); CREATE VIEW t AS SELECT a FROM s"},
        Pair{"OrderOfColumns", "CREATE TABLE t (a, b)", "CREATE TABLE t (b, a)"},
        Pair{"TypeOfColumn", "CREATE TABLE t (a INT)", "CREATE TABLE t (a INTEGER)"},
        Pair{"NotNull", "CREATE TABLE t (a)", "CREATE TABLE t (a NOT NULL)"},
        Pair{"ConflictClause", "CREATE TABLE t (a UNIQUE)", "CREATE TABLE t (a UNIQUE ON CONFLICT REPLACE)"},
        Pair{"Collation", "CREATE TABLE t (a)", "CREATE TABLE t (a COLLATE NOCASE)"},
        Pair{"Default", "CREATE TABLE t (a DEFAULT 1)", "CREATE TABLE t (a DEFAULT 2)"},
        Pair{"CaseOfAStringDefault", "CREATE TABLE t (a DEFAULT 'a')", "CREATE TABLE t (a DEFAULT 'A')"},
        Pair{"CaseOfAWordDefault", "CREATE TABLE t (a DEFAULT abc)", "CREATE TABLE t (a DEFAULT Abc)"},
        Pair{"StringAndNumberDefault", "CREATE TABLE t (a DEFAULT 1)", "CREATE TABLE t (a DEFAULT '1')"},
        Pair{"StringAndTimeDefault", "CREATE TABLE t (a DEFAULT CURRENT_DATE)",
             "CREATE TABLE t (a DEFAULT \"current_date\")"},
        Pair{"StringAndTruthDefault", "CREATE TABLE t (a DEFAULT TRUE)", "CREATE TABLE t (a DEFAULT 'true')"},
        Pair{"StringInDoubleQuotes", "CREATE TABLE t (a CHECK (a <> \"Abc\"))",
             "CREATE TABLE t (a CHECK (a <> \"abc\"))"},
        Pair{"GeneratedExpression", "CREATE TABLE t (a, b AS (a + 1))", "CREATE TABLE t (a, b AS (a + 2))"},
        Pair{"StoredAndVirtual", "CREATE TABLE t (a, b AS (a))", "CREATE TABLE t (a, b AS (a) STORED)"},
        Pair{"Check", "CREATE TABLE t (a CHECK (a > 0))", "CREATE TABLE t (a CHECK (a >= 0))"},
        Pair{"NameOfConstraint", "CREATE TABLE t (a CONSTRAINT x UNIQUE)", "CREATE TABLE t (a CONSTRAINT y UNIQUE)"},
        Pair{"PrimaryKey", "CREATE TABLE t (a, b, PRIMARY KEY (a, b))", "CREATE TABLE t (a, b, PRIMARY KEY (b, a))"},
        Pair{"DescendingKeyOfColumnAndTable", "CREATE TABLE t (a INTEGER PRIMARY KEY DESC)",
             "CREATE TABLE t (a INTEGER, PRIMARY KEY (a DESC))"},
        Pair{"Autoincrement", "CREATE TABLE t (a INTEGER PRIMARY KEY)",
             "CREATE TABLE t (a INTEGER PRIMARY KEY AUTOINCREMENT)"},
        Pair{"Parent", "CREATE TABLE t (a REFERENCES p(x))", "CREATE TABLE t (a REFERENCES p(y))"},
        Pair{"Action", "CREATE TABLE t (a REFERENCES p ON DELETE CASCADE)",
             "CREATE TABLE t (a REFERENCES p ON DELETE SET NULL)"},
        Pair{"Deferral", "CREATE TABLE t (a REFERENCES p)",
             "CREATE TABLE t (a REFERENCES p DEFERRABLE INITIALLY DEFERRED)"},
        Pair{"Strict", "CREATE TABLE t (a INT)", "CREATE TABLE t (a INT) STRICT"},
        Pair{"WithoutRowid", "CREATE TABLE t (a INT PRIMARY KEY)", "CREATE TABLE t (a INT PRIMARY KEY) WITHOUT ROWID"},
        Pair{"UniqueIndex", "CREATE TABLE t (a); CREATE INDEX i ON t (a)",
             "CREATE TABLE t (a); CREATE UNIQUE INDEX i ON t (a)"},
        Pair{"OrderOfIndex", "CREATE TABLE t (a); CREATE INDEX i ON t (a)",
             "CREATE TABLE t (a); CREATE INDEX i ON t (a DESC)"},
        Pair{"CollationOfIndex", "CREATE TABLE t (a); CREATE INDEX i ON t (a)",
             "CREATE TABLE t (a); CREATE INDEX i ON t (a COLLATE NOCASE)"},
        Pair{"ExpressionOfIndex", "CREATE TABLE t (a); CREATE INDEX i ON t (lower(a))",
             "CREATE TABLE t (a); CREATE INDEX i ON t (upper(a))"},
        Pair{"ConditionOfIndex", "CREATE TABLE t (a); CREATE INDEX i ON t (a)",
             "CREATE TABLE t (a); CREATE INDEX i ON t (a) WHERE a > 0"},
        Pair{"QueryOfView", "CREATE VIEW v AS SELECT 1", "CREATE VIEW v AS SELECT 2"},
        Pair{"ColumnsOfView", "CREATE VIEW v (a) AS SELECT 1", "CREATE VIEW v (b) AS SELECT 1"},
        Pair{"AliasAndJoin", "CREATE VIEW v AS SELECT 1 FROM t \"left\" JOIN t b",
             "CREATE VIEW v AS SELECT 1 FROM t left JOIN t b"},
        Pair{"NameAndTime", "CREATE VIEW v AS SELECT \"current_time\"", "CREATE VIEW v AS SELECT current_time"},
        Pair{"TimeOfTrigger", "CREATE TABLE t (a); CREATE TRIGGER r AFTER INSERT ON t BEGIN SELECT 1; END",
             "CREATE TABLE t (a); CREATE TRIGGER r INSERT ON t BEGIN SELECT 1; END"},
        Pair{"ConditionOfTrigger", "CREATE TABLE t (a); CREATE TRIGGER r INSERT ON t BEGIN SELECT 1; END",
             "CREATE TABLE t (a); CREATE TRIGGER r INSERT ON t WHEN new.a BEGIN SELECT 1; END"},
        Pair{"BodyOfTrigger", "CREATE TABLE t (a); CREATE TRIGGER r INSERT ON t BEGIN SELECT 1; END",
             "CREATE TABLE t (a); CREATE TRIGGER r INSERT ON t BEGIN SELECT 1; SELECT 1; END"},
        Pair{"ColumnsOfTrigger", "CREATE TABLE t (a, b); CREATE TRIGGER r UPDATE OF a ON t BEGIN SELECT 1; END",
             "CREATE TABLE t (a, b); CREATE TRIGGER r UPDATE OF a, b ON t BEGIN SELECT 1; END"},
        Pair{"ArgumentsOfVirtualTable", "CREATE VIRTUAL TABLE f USING fts5(a)",
             "CREATE VIRTUAL TABLE f USING fts5(a, tokenize='porter')"}),
    name_of_pair);

/// As docs/schema.md has it.
TEST(Canonical, FormIsAsDocumented) {
  EXPECT_EQ(canonical_of("CREATE TABLE [Rooms] (id INTEGER PRIMARY KEY, code text UNIQUE Not Null, \"order\" DEFAULT "
                         "(0));"),
            "table rooms\ncolumn id integer\ncolumn code text not null\ncolumn \"order\" default 0\nprimary key (id)\n"
            "unique (code)\n");
}

// --- The model ---

TEST(Parse, DefinitionsAreKeptByteForByte) {
  const std::string sql = "CREATE TABLE t (a  INT -- first\n NOT NULL,\n \"b c\" CHECK (a\t> 0), UNIQUE (a /*x*/))";
  const auto table = std::get<Table>(parse_object(sql));
  ASSERT_EQ(table.columns.size(), 2U);
  EXPECT_EQ(table.columns[0].definition.text, "a  INT -- first\n NOT NULL");
  EXPECT_EQ(table.columns[1].definition.text, "\"b c\" CHECK (a\t> 0)");
  ASSERT_EQ(table.constraints.size(), 2U);
  EXPECT_EQ(table.constraints[0].definition.text, "CHECK (a\t> 0)");
  EXPECT_EQ(table.constraints[0].on_column, 1U);
  EXPECT_EQ(table.constraints[1].definition.text, "UNIQUE (a /*x*/)");
  for (const auto& column : table.columns)
    EXPECT_EQ(sql.substr(column.definition.offset, column.definition.text.size()), column.definition.text);
  EXPECT_EQ(sql.find("UNIQUE"), table.constraints[1].definition.offset);
}

TEST(Parse, EveryPartOfAColumnIsFound) {
  const auto table = std::get<Table>(parse_object(
      "CREATE TABLE t (a VARCHAR (20) CONSTRAINT n NOT NULL ON CONFLICT FAIL DEFAULT (1 + 1) COLLATE nocase "
      "REFERENCES p (x) ON DELETE SET NULL ON UPDATE CASCADE MATCH full DEFERRABLE INITIALLY DEFERRED)"));
  const Column& column = table.columns.at(0);
  EXPECT_EQ(column.type, "VARCHAR(20)");
  EXPECT_EQ(column.not_null->name, "n");
  EXPECT_EQ(column.not_null->conflict, "fail");
  EXPECT_EQ(column.default_value->value.text, "1 + 1");
  EXPECT_TRUE(column.default_value->in_parentheses);
  EXPECT_EQ(column.collation, "nocase");
  const ForeignKey& key = table.constraints.at(0).references;
  EXPECT_EQ(key.table + "(" + key.columns.at(0) + ")", "p(x)");
  EXPECT_EQ(key.on_delete + ", " + key.on_update + ", " + key.match, "set null, cascade, full");
  EXPECT_TRUE(key.deferred);
}

TEST(Parse, OtherStatementsAreNotUnderstoodAndComparedByTheirTokens) {
  for (const char* sql :
       {"", "SELECT 1", "CREATE", "CREATE TABLE", "CREATE TABLE t", "CREATE TABLE t (a", "CREATE TABLE t ()",
        "CREATE TABLE t AS SELECT 1", "CREATE INDEX i ON t", "CREATE INDEX i ON t (a) x", "CREATE VIEW v",
        "CREATE TRIGGER r INSERT ON t", "CREATE VIRTUAL TABLE f", "CREATE TABLE t (a) WITH STRICT",
        "CREATE TABLE t (a DEFAULT", "CREATE TABLE t (a CHECK (b)"})
    EXPECT_TRUE(std::holds_alternative<std::monostate>(parse_object(sql))) << sql;
  ObjectReader reader;
  const auto a = reader.read({"table", "t", "t", "CREATE TABLE T AS  SELECT [x] -- c"});
  const auto b = reader.read({"table", "t", "t", "create table t as select X"});
  const auto c = reader.read({"table", "t", "t", "create table t as select Y"});
  EXPECT_EQ(a->canonical, b->canonical);
  EXPECT_NE(a->canonical, c->canonical);
}

TEST(Names, AreQuotedOnlyWhereTheyMustBe) {
  EXPECT_EQ(canonical_name("Rooms"), "rooms");
  EXPECT_EQ(canonical_name("KEY"), "key");
  EXPECT_EQ(canonical_name("Order"), "\"order\"");
  EXPECT_EQ(canonical_name("a b"), "\"a b\"");
  EXPECT_EQ(canonical_name("a\"b"), "\"a\"\"b\"");
  EXPECT_EQ(canonical_name("1a"), "\"1a\"");
  EXPECT_EQ(canonical_name(""), "\"\"");
  EXPECT_EQ(canonical_name("größe"), "größe");
}

/// A word needs its quotes exactly where SQLite does not take it for a name, and where it is one of a join: SQLite
/// takes those, but behind a table they mean something else without quotes.
TEST(Names, ReservedWordsAreThoseOfSqlite) {
  for (int i = 0; i < sqlite3_keyword_count(); ++i) {
    const char* text = nullptr;
    int size = 0;
    sqlite3_keyword_name(i, &text, &size);
    const std::string word(text, static_cast<std::size_t>(size));
    bool taken = true;
    try {
      ScratchDatabase("CREATE TABLE t (" + word + " INT)");
    } catch (const std::runtime_error&) {
      taken = false;
    }
    const std::string folded = fold(word);
    const bool joins = folded == "cross" || folded == "full" || folded == "inner" || folded == "left" ||
                       folded == "natural" || folded == "outer" || folded == "right";
    EXPECT_EQ(is_reserved(word), joins || !taken) << word;
  }
}

}  // namespace
}  // namespace belay::versions::schema

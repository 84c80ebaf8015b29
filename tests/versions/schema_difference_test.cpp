#include "versions/schema/difference.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tests/versions/scratch_database.h"

namespace belay::versions::schema {
namespace {

using Lines = std::vector<std::string>;

/// `changed table t`, and its details below it.
Lines differences(const std::string& from, const std::string& to) {
  Lines lines;
  for (const auto& difference : compare(schema_of(from), schema_of(to))) {
    lines.push_back(std::string(name_of(difference.kind)) + " " + std::string(name_of(difference.type)) + " " +
                    difference.name);
    for (const auto& detail : difference.details) lines.push_back("  " + detail);
  }
  return lines;
}

/// The details of the one change there is.
Lines change(const std::string& from, const std::string& to) {
  Lines lines = differences(from, to);
  if (!lines.empty()) lines.erase(lines.begin());
  for (auto& line : lines) line.erase(0, 2);
  return lines;
}

TEST(Compare, EqualSchemasHaveNoDifference) {
  EXPECT_EQ(differences("", ""), Lines{});
  EXPECT_EQ(differences("CREATE TABLE t (a)", "create table T ([a])"), Lines{});
}

TEST(Compare, ObjectsAreAddedAndRemovedTablesFirst) {
  EXPECT_EQ(differences("CREATE TABLE b (x); CREATE TABLE a (x); CREATE INDEX i ON a (x)",
                        "CREATE TABLE b (x); CREATE TABLE c (x); CREATE VIEW v AS SELECT 1; CREATE TRIGGER r INSERT ON "
                        "c BEGIN SELECT 1; END; CREATE VIRTUAL TABLE f USING fts5(x)"),
            (Lines{"removed table a", "added table c", "added virtual table f", "added view v", "removed index i",
                   "added trigger r"}));
}

TEST(Compare, TableThatBecameAViewIsRemovedAndAdded) {
  EXPECT_EQ(differences("CREATE TABLE t (a)", "CREATE VIEW T AS SELECT 1"), (Lines{"removed table t", "added view T"}));
}

TEST(Compare, ColumnsAreNamedWithWhatHasChangedOfThem) {
  EXPECT_EQ(
      change("CREATE TABLE t (a INT, b TEXT NOT NULL, c DEFAULT 0, d COLLATE NOCASE, e AS (a))",
             "CREATE TABLE t (a TEXT NOT NULL, c DEFAULT (1 + 1), d, e AS (a + 1) STORED, f TEXT -- new\n UNIQUE)"),
      (Lines{"column b removed", "column a: type INT → TEXT", "column a: NOT NULL added",
             "column c: default 0 → (1 + 1)", "column d: collation NOCASE → nothing",
             "column e: generated (a) → (a + 1) STORED", "column f added: f TEXT UNIQUE"}));
}

TEST(Compare, OrderOfColumnsIsToldOnlyWhereItIsAnother) {
  EXPECT_EQ(change("CREATE TABLE t (a, b)", "CREATE TABLE t (b, a)"), Lines{"order of columns a, b → b, a"});
  EXPECT_EQ(change("CREATE TABLE t (a, b)", "CREATE TABLE t (a, x, b)"), Lines{"column x added: x"});
}

TEST(Compare, ConstraintsAndOptionsAreAddedAndRemoved) {
  EXPECT_EQ(change("CREATE TABLE t (a INT UNIQUE, b INT, CHECK (a  >  b)) STRICT",
                   "CREATE TABLE t (a INT, b INT, PRIMARY KEY (a, b), CHECK (a > b)) WITHOUT ROWID"),
            (Lines{"column a: UNIQUE removed", "PRIMARY KEY (a, b) added", "STRICT removed", "WITHOUT ROWID added"}));
  EXPECT_EQ(change("CREATE TABLE t (a REFERENCES p)", "CREATE TABLE t (a REFERENCES p ON DELETE CASCADE)"),
            (Lines{"column a: REFERENCES p removed", "column a: REFERENCES p ON DELETE CASCADE added"}));
}

TEST(Compare, NameOfAConstraintIsAChange) {
  EXPECT_EQ(change("CREATE TABLE t (a CONSTRAINT x NOT NULL)", "CREATE TABLE t (a CONSTRAINT y NOT NULL)"),
            Lines{"column a: name of NOT NULL x → y"});
  EXPECT_EQ(change("CREATE TABLE t (a DEFAULT 1)", "CREATE TABLE t (a CONSTRAINT y DEFAULT 1)"),
            Lines{"column a: name of DEFAULT nothing → y"});
}

TEST(Compare, IndexViewAndTriggerSayWhatIsAnother) {
  const std::string table = "CREATE TABLE t (a, b);";
  EXPECT_EQ(change(table + "CREATE INDEX i ON t (a)", table + "CREATE UNIQUE INDEX i ON t (b DESC) WHERE a > 0"),
            (Lines{"UNIQUE added", "columns a → b desc", "condition nothing → a > 0"}));
  EXPECT_EQ(change("CREATE VIEW v AS SELECT 1", "CREATE VIEW v (x) AS SELECT 2"),
            (Lines{"columns nothing → x", "query SELECT 1 → SELECT 2"}));
  EXPECT_EQ(change(table + "CREATE TRIGGER r AFTER INSERT ON t BEGIN SELECT 1; END",
                   table + "CREATE TRIGGER r UPDATE OF a ON t WHEN new.a BEGIN SELECT 2; END"),
            (Lines{"time after → before", "event insert → update", "columns nothing → a", "condition nothing → new.a",
                   "body SELECT 1; → SELECT 2;"}));
  EXPECT_EQ(change("CREATE VIRTUAL TABLE f USING fts5(a)", "CREATE VIRTUAL TABLE f USING fts5(a, b)"),
            Lines{"arguments a → a, b"});
}

TEST(Compare, LongTextIsShownWhereItDiffers) {
  const std::string start = "CREATE VIEW v AS SELECT " + std::string(200, 'x') + " FROM t WHERE \"long\" AND a = ";
  EXPECT_EQ(change(start + "1 ORDER BY " + std::string(90, 'y'), start + "2 ORDER BY " + std::string(90, 'y')),
            Lines{"query … \"long\" AND a = 1 ORDER BY … → … \"long\" AND a = 2 ORDER BY …"});
}

TEST(Schema, FindsItsObjectsByTypeAndName) {
  const Schema schema = schema_of("CREATE TABLE Rooms (a); CREATE INDEX i ON Rooms (a)");
  EXPECT_EQ(schema.find(ObjectType::table, "rooms")->name, "Rooms");
  EXPECT_EQ(schema.find(ObjectType::index, "I")->table, "Rooms");
  EXPECT_EQ(schema.find(ObjectType::view, "rooms"), nullptr);
  EXPECT_TRUE(Schema().empty());
}

/// What backups and reports have noted stays comparable: a change here is a new form, and has to be said.
TEST(Schema, FingerprintIsPinned) {
  EXPECT_EQ(Schema().fingerprint(), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  EXPECT_EQ(fingerprint_of("CREATE TABLE t (a INT, b TEXT NOT NULL DEFAULT 'x' UNIQUE); CREATE INDEX i ON t (a)"),
            "c67bdddd57b8af2292454ea671e7a6f2aee4cce586937b463b3266cde0dfb095");
}

}  // namespace
}  // namespace belay::versions::schema

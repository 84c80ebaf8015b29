// Rows whose parent goes missing by a change of the schema: those, and no others.

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <string>

#include "tests/engine/hazards_fixture.h"

namespace belay::engine {
namespace {

using versions::schema::Hazard;
using Kind = Hazard::Kind;

constexpr const char* parents = "CREATE TABLE p (id INTEGER PRIMARY KEY, code TEXT UNIQUE COLLATE NOCASE);";

TEST_F(Hazards, ForeignKeyCountsRowsWithoutAParent) {
  live(std::string(parents) +
       "CREATE TABLE c (p, code); INSERT INTO p VALUES (1, 'x'), (2, 'y');"
       "INSERT INTO c VALUES (1, 'X'), ('2', 'z'), (3, NULL), (NULL, 'y')");
  EXPECT_EQ(messages(Kind::data_dependent,
                     std::string(parents) + "CREATE TABLE c (p REFERENCES p, code REFERENCES p (code));", {}, {"c"}),
            "1 row of c has a p that is not in p (rowid 3)\n1 row of c has a code that is not in p (rowid 2)\n");
}

TEST_F(Hazards, ForeignKeyThatWasBrokenBeforeIsNoNews) {
  live(std::string(parents) + "CREATE TABLE c (p REFERENCES p); INSERT INTO c VALUES (9)");
  EXPECT_EQ(messages(Kind::data_dependent, std::string(parents) + "CREATE TABLE c (p REFERENCES p, b);", {}, {"c"}),
            "");
}

TEST_F(Hazards, OnlyMoreOrphansThanBeforeAreNews) {
  live(std::string(parents) +
       "CREATE TABLE c (code TEXT REFERENCES p (code)); INSERT INTO p VALUES (1, '7.0');"
       "INSERT INTO c VALUES ('x'), ('7.0')");
  EXPECT_EQ(messages(Kind::data_dependent, std::string(parents) + "CREATE TABLE c (code BLOB REFERENCES p (code));", {},
                     {"c"}),
            "a row whose code is not in p would fail; c has none\n");
  const auto worse = find(std::string(parents) + "CREATE TABLE c (code INTEGER REFERENCES p (code));", {}, {"c"});
  EXPECT_EQ(std::ranges::find_if(worse, &Hazard::stops)->count, 1);
}

TEST_F(Hazards, DroppedParentLeavesOrphans) {
  live(std::string(parents) +
       "CREATE TABLE c (p REFERENCES p); INSERT INTO p VALUES (1, 'x'); INSERT INTO c VALUES (1)");
  EXPECT_EQ(messages(Kind::data_dependent, "CREATE TABLE c (p REFERENCES p);"),
            "1 row of c has a p that is not in p (rowid 1)\n");
}

TEST_F(Hazards, OrphansOfADroppedParentAreThoseThatHadIt) {
  live(std::string(parents) +
       "CREATE TABLE c (p REFERENCES p); INSERT INTO p VALUES (1, 'x'); INSERT INTO c VALUES (8), (9)");
  EXPECT_EQ(messages(Kind::data_dependent, "CREATE TABLE c (p REFERENCES p);"),
            "a row whose p is not in p would fail; c has none\n");
  live("INSERT INTO c VALUES (1)");
  const auto hazards = find("CREATE TABLE c (p REFERENCES p);");
  EXPECT_EQ(std::ranges::find_if(hazards, &Hazard::stops)->count, 1);
}

TEST_F(Hazards, OrphansOfAParentThatNeverWasAreNoNewsWhileTheirKeyStays) {
  live("CREATE TABLE c (p TEXT REFERENCES p); INSERT INTO c VALUES ('x')");
  EXPECT_EQ(messages(Kind::data_dependent, "CREATE TABLE c (p INT REFERENCES p);", {}, {"c"}),
            "a row whose p is not in p would fail; c has none\n");
  live("INSERT INTO c VALUES ('8')");
  const auto hazards = find("CREATE TABLE c (p INT REFERENCES p);", {}, {"c"});
  EXPECT_EQ(std::ranges::find_if(hazards, &Hazard::stops)->count, 1);
}

TEST_F(Hazards, OrphansThatLoseTheirRowidsAreRefused) {
  live("CREATE TABLE c (a PRIMARY KEY, p REFERENCES p); INSERT INTO c VALUES (1, 9)");
  const std::string desired = "CREATE TABLE c (a PRIMARY KEY NOT NULL, p REFERENCES p) WITHOUT ROWID;";
  EXPECT_NE(messages(Kind::data_dependent, desired, {}, {"c"}).find("1 row of c has a p that is not in p"),
            std::string::npos);
}

TEST_F(Hazards, OrphansUnderAnotherNameAreNoNews) {
  live(std::string(parents) + "CREATE TABLE c (p REFERENCES p); INSERT INTO c VALUES (9)");
  EXPECT_EQ(messages(Kind::data_dependent, std::string(parents) + "CREATE TABLE d (p REFERENCES p);",
                     {{versions::schema::Rename::Kind::table, "", "c", "d"}}),
            "");
}

TEST_F(Hazards, ForeignKeyThatIsDroppedOverOrphansCannotComeBack) {
  live(std::string(parents) +
       "CREATE TABLE c (p REFERENCES p); INSERT INTO p VALUES (1, 'x'); INSERT INTO c VALUES (1)");
  const auto dropped = std::string(parents) + "CREATE TABLE d (p);";
  const versions::schema::Renames renamed{{versions::schema::Rename::Kind::table, "", "c", "d"}};
  EXPECT_EQ(messages(Kind::irreversible, dropped, renamed, {"d"}), "");
  live("INSERT INTO c VALUES (9), (NULL)");
  EXPECT_EQ(messages(Kind::irreversible, dropped, renamed, {"d"}),
            "the way back fails: the foreign key c(p) cannot come back over 1 row without a parent in p\n");
  EXPECT_EQ(messages(Kind::irreversible, std::string(parents) + "CREATE TABLE c (p TEXT REFERENCES p);", {}, {"c"}),
            "");
}

TEST_F(Hazards, ForeignKeyOfAComputedColumnThatGoesOverOrphansCannotComeBack) {
  live(
      "CREATE TABLE p (c TEXT PRIMARY KEY); CREATE TABLE k (a TEXT, g TEXT AS (a || 'x') REFERENCES p (c));"
      "INSERT INTO k (a) VALUES ('7')");
  EXPECT_EQ(messages(Kind::irreversible, "CREATE TABLE p (c TEXT PRIMARY KEY); CREATE TABLE k (a TEXT);", {}, {"k"}),
            "the way back fails: the foreign key k(g) cannot come back over 1 row without a parent in p\n");
}

TEST_F(Hazards, OrphansOfAnotherKeyOfTheSameParentAreNoNews) {
  live(std::string(parents) +
       "CREATE TABLE c (p REFERENCES p); INSERT INTO p VALUES (1, 'x'); INSERT INTO c VALUES (9)");
  const auto desired = std::string(parents) + "CREATE TABLE c (p REFERENCES p (code));";
  EXPECT_EQ(messages(Kind::data_dependent, desired, {}, {"c"}), "a row whose p is not in p would fail; c has none\n");
  live("INSERT INTO c VALUES (1)");
  const auto hazards = find(desired, {}, {"c"});
  EXPECT_EQ(std::ranges::find_if(hazards, &Hazard::stops)->count, 1);
}

TEST_F(Hazards, ForeignKeyThatFittedNoKeyCannotComeBack) {
  const std::string parent = "CREATE TABLE p (a);";
  live(parent + "CREATE TABLE c (p REFERENCES p (a))");
  const std::string message = "the way back fails: the foreign key c(p) fits no key of p\n";
  EXPECT_EQ(messages(Kind::irreversible, parent + "CREATE TABLE c (p);", {}, {"c"}), message);
  EXPECT_EQ(messages(Kind::irreversible, "CREATE TABLE p (a UNIQUE); CREATE TABLE c (p REFERENCES p (a), x);"),
            message);
}

TEST_F(Hazards, ForeignKeyOfAComputedColumnIsAsked) {
  const std::string child = "CREATE TABLE k (a TEXT, g TEXT AS (a || 'x') REFERENCES p (c));";
  live("CREATE TABLE p (c TEXT PRIMARY KEY);" + child + "INSERT INTO p VALUES ('7x'); INSERT INTO k (a) VALUES ('7')");
  EXPECT_EQ(messages(Kind::data_dependent, "CREATE TABLE p (c TEXT PRIMARY KEY) STRICT;" + child, {}, {"p"}),
            "a row without c would fail; p has none\na row with a c that is no TEXT would fail; p has none\n"
            "a row whose g is not in p would fail; k has none\n");
  EXPECT_EQ(messages(Kind::data_dependent, child), "1 row of k has a g that is not in p (rowid 1)\n");
}

TEST_F(Hazards, ForeignKeyThatFitsNoKeyStopsItWithoutRows) {
  live("CREATE TABLE p (a); CREATE TABLE c (p)");
  EXPECT_EQ(messages(Kind::data_dependent, "CREATE TABLE p (a); CREATE TABLE c (p REFERENCES p (a));", {}, {"c"}),
            "the foreign key c(p) fits no key of p: it needs a PRIMARY KEY or a UNIQUE there\n");
  EXPECT_TRUE(find("CREATE TABLE p (a); CREATE TABLE c (p REFERENCES p (a));", {}, {"c"}).front().stops());
}

/// SQLite looks for a value by the parent's affinity and collation, whatever the child's are.
TEST_F(Hazards, OrphansAreThoseThatSqliteFinds) {
  constexpr const char* values =
      "VALUES ('7'), ('07'), (7), (7.5), ('7.0'), ('x'), ('X'), (x'37'), ('8'), (8.0), ('9 '), (9), ('9.5')";
  int tables = 0;
  for (const char* parent : {"TEXT", "INTEGER", "REAL", "BLOB", "TEXT COLLATE NOCASE", "NUMERIC COLLATE RTRIM"})
    for (const char* child : {"TEXT", "INTEGER", "REAL", "BLOB", "TEXT COLLATE NOCASE"}) {
      const int n = ++tables;
      const auto p = fmt::format("CREATE TABLE p{} (k {} UNIQUE);", n, parent);
      const auto c = fmt::format("CREATE TABLE c{} (k {}", n, child);
      live(fmt::format("{0}{1}); INSERT OR IGNORE INTO p{2} SELECT * FROM ({3}) LIMIT 6; INSERT INTO c{2} {3}", p, c, n,
                       values));
      std::int64_t count = 0;
      for (const auto& hazard : find(fmt::format("{}{} REFERENCES p{} (k));", p, c, n)))
        count += hazard.stops() ? hazard.count : 0;
      live(
          fmt::format("DROP TABLE IF EXISTS f; CREATE TABLE f (k {0} REFERENCES p{1} (k)); INSERT INTO f SELECT k "
                      "FROM c{1}",
                      child, n));
      EXPECT_EQ(std::to_string(count), engine::read(file(), "SELECT count(*) FROM pragma_foreign_key_check('f')"))
          << parent << " <- " << child;
      live(fmt::format("DROP TABLE f; DROP TABLE c{0}; DROP TABLE p{0}", n));
    }
}

TEST_F(Hazards, ParentThatIsTheTableItself) {
  live("CREATE TABLE t (id INTEGER PRIMARY KEY, up); INSERT INTO t VALUES (1, NULL), (2, 1), (3, 7)");
  EXPECT_EQ(messages(Kind::data_dependent, "CREATE TABLE t (id INTEGER PRIMARY KEY, up REFERENCES t);", {}, {"t"}),
            "1 row of t has a up that is not in t (rowid 3)\n");
}

}  // namespace
}  // namespace belay::engine

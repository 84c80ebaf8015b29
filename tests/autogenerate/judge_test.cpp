// The judge finds what is wrong with a script: each of these is what a careless generator would have written.

#include "tests/autogenerate/judge_fixture.h"

namespace belay::proof {
namespace {

class AutogenerateJudge : public AutogenerateTest {
 protected:
  /// What the judge says of a script in which one piece is another one.
  std::string found(Case it, const std::string& piece, const std::string& instead) {
    bool was_there = false;
    it.tamper = [&](std::string text) {
      const auto at = text.find(piece);
      was_there = at != std::string::npos;
      return was_there ? text.replace(at, piece.size(), instead) : text;
    };
    // The guards of the rebuild would find most of it first.
    const auto result = verdict(unguarded(std::move(it)));
    EXPECT_TRUE(was_there) << result.script;
    EXPECT_EQ(result.outcome, Verdict::Outcome::wrong);
    return result.why;
  }
  static bool has(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

 private:
  static Case unguarded(Case it) {
    it.tamper = [change = it.tamper](const std::string& generated) {
      std::string text = change(generated);
      const auto marker = text.find("rebuild:");
      return marker == std::string::npos ? text : text.erase(marker, text.find('\n', marker) - marker);
    };
    return it;
  }
};

const Case rebuild{.current = "CREATE TABLE t (id INTEGER PRIMARY KEY AUTOINCREMENT, a INT, b);",
                   .desired = "CREATE TABLE t (id INTEGER PRIMARY KEY AUTOINCREMENT, b, a TEXT);",
                   .insert = "INSERT INTO t VALUES (1, 1, 'x'), (5, 2, 'y'); UPDATE sqlite_sequence SET seq = 80"};
const Case plain{.current = "CREATE TABLE t (a INT, b);",
                 .desired = "CREATE TABLE t (b, a TEXT);",
                 .insert = "INSERT INTO t (rowid, a, b) VALUES (3, 1, 1), (8, 2, 2)"};

TEST_F(AutogenerateJudge, SeesThatRowsAreGone) {
  EXPECT_TRUE(has(found(rebuild, "a FROM t", "a FROM t WHERE id < 5"), "the rows of t are other ones"));
}

TEST_F(AutogenerateJudge, SeesThatRowidsAreOtherOnes) {
  EXPECT_TRUE(has(found(plain, "rowid, b, a)\n  SELECT rowid, b, a", "b, a)\n  SELECT b, a"), "the rows of t are"));
}

TEST_F(AutogenerateJudge, SeesColumnsThatWereMixedUp) {
  EXPECT_TRUE(has(found(rebuild, "SELECT id, b, a", "SELECT id, a, b"), "the rows of t are other ones"));
}

TEST_F(AutogenerateJudge, SeesThatTheSequenceIsAnotherOne) {
  EXPECT_TRUE(has(found(rebuild, "SELECT 'belay_new_t', seq", "SELECT 'belay_new_t', 5"), "the sequence of t"));
}

TEST_F(AutogenerateJudge, SeesAnotherSchema) {
  const Case it{.current = "CREATE TABLE t (a);", .desired = "CREATE TABLE t (a); CREATE INDEX i ON t (a);"};
  EXPECT_TRUE(has(found(it, "ON t (a)", "ON t (a DESC)"), "SQLite sees another schema"));
}

TEST_F(AutogenerateJudge, SeesWhatATriggerDid) {
  const std::string log =
      "CREATE TABLE log (x); CREATE TRIGGER r AFTER DELETE ON t BEGIN INSERT INTO log VALUES (1); END;";
  const Case it{.current = "CREATE TABLE t (a INT);" + log,
                .desired = "CREATE TABLE t (a TEXT);" + log,
                .insert = "INSERT INTO t VALUES (1)"};
  EXPECT_TRUE(has(found(it, "DROP TABLE t", "DELETE FROM t; DROP TABLE t"), "the rows of log are other ones"));
}

TEST_F(AutogenerateJudge, SeesAWayBackThatLeavesSomething) {
  const Case it{.current = "CREATE TABLE t (a);", .desired = "CREATE TABLE t (a); CREATE TABLE u (b);"};
  EXPECT_TRUE(has(found(it, "DROP TABLE u", "SELECT 1"), "after the downgrade"));
}

TEST_F(AutogenerateJudge, SeesAWayBackThatLosesRows) {
  const Case it{
      .current = "CREATE TABLE t (a);", .desired = "CREATE TABLE t (a, b);", .insert = "INSERT INTO t VALUES (1)"};
  EXPECT_TRUE(has(found(it, "ALTER TABLE t DROP COLUMN b", "DROP TABLE t; CREATE TABLE t (a)"), "after the downgrade"));
}

}  // namespace
}  // namespace belay::proof

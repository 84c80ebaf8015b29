#include "versions/statement.h"

#include <gtest/gtest.h>
#include <sqlite3.h>

#include <string>
#include <utility>
#include <vector>
// After GoogleTest, which it adds to.
#include <rapidcheck/gtest.h>

#include "tests/versions/fixtures.h"

namespace belay::versions {
namespace {

using Texts = std::vector<std::string>;

Texts texts_of(std::string_view sql) {
  Texts texts;
  for (Statement& statement : split_statements(sql)) texts.push_back(std::move(statement.text));
  return texts;
}

TEST(SplitStatements, SemicolonEndsAStatement) {
  EXPECT_EQ(texts_of("SELECT 1; SELECT 2;"), (Texts{"SELECT 1", "SELECT 2"}));
}

TEST(SplitStatements, LastSemicolonMayBeMissing) {
  EXPECT_EQ(texts_of("SELECT 1; SELECT 2 -- the end"), (Texts{"SELECT 1", "SELECT 2"}));
}

TEST(SplitStatements, NothingButCommentsAndSemicolonsIsNoStatement) {
  EXPECT_EQ(texts_of(" ;; -- a comment;\n /* another; */ ;\n"), Texts{});
  EXPECT_EQ(texts_of(""), Texts{});
}

TEST(SplitStatements, SemicolonInQuotesIsText) {
  for (const char* sql : {"SELECT ';''; --'", "SELECT \";\"\"; /*\"", "SELECT `;``;`", "SELECT [;']"}) {
    EXPECT_EQ(texts_of(sql + std::string(";")), Texts{sql});
  }
}

TEST(SplitStatements, SemicolonInACommentIsText) {
  EXPECT_EQ(texts_of("SELECT -- one; two\n 1; SELECT /* ; ' */ 2;"),
            (Texts{"SELECT -- one; two\n 1", "SELECT /* ; ' */ 2"}));
}

TEST(SplitStatements, CommentsAroundAStatementAreLeftOut) {
  EXPECT_EQ(texts_of("-- before\nSELECT 1 /* after */ ; -- behind"), Texts{"SELECT 1"});
}

TEST(SplitStatements, TriggerEndsAtItsEnd) {
  const std::string body = " x AFTER INSERT ON t BEGIN UPDATE t SET a = CASE a WHEN 1 THEN 2 END; DELETE FROM u; END";
  for (const char* head :
       {"CREATE TRIGGER", "create temp trigger", "CREATE TEMPORARY TRIGGER", "EXPLAIN CREATE TRIGGER",
        "EXPLAIN QUERY PLAN CREATE TRIGGER", "CREATE /* a */ TEMP -- b\n TRIGGER"}) {
    EXPECT_EQ(texts_of(head + body + "; SELECT 1"), (Texts{head + body, "SELECT 1"}));
  }
}

TEST(SplitStatements, ExplainBeforeAnotherKeywordIsNoTrigger) {
  for (const std::string word : {"EXPLAIN", "TEMP", "TEMPORARY", "TRIGGER", "END"}) {
    EXPECT_EQ(texts_of("EXPLAIN " + word + " CREATE TRIGGER x BEGIN a; b").size(), 2U) << word;
  }
}

TEST(SplitStatements, FormFeedIsWhiteSpace) {
  EXPECT_EQ(texts_of("\f;\fSELECT 1\f;"), Texts{"SELECT 1"});
}

TEST(SplitStatements, CommentIsNotClosedByItsOwnStar) {
  EXPECT_EQ(texts_of("/*/ ; */ SELECT 1"), Texts{"SELECT 1"});
}

TEST(SplitStatements, WordThatOnlyContainsAKeywordIsNone) {
  EXPECT_EQ(texts_of("CREATE TABLE trigger_x (a); CREATE TRIGGERS; SELECT 1"),
            (Texts{"CREATE TABLE trigger_x (a)", "CREATE TRIGGERS", "SELECT 1"}));
}

TEST(SplitStatements, LineIsThatOfTheFirstToken) {
  const auto statements = split_statements("SELECT 1;\r\n-- a\r\n/* b\r\n */ SELECT\r\n2;SELECT 3", 10);
  ASSERT_EQ(statements.size(), 3U);
  EXPECT_EQ(statements[0].line, 10);
  EXPECT_EQ(statements[1].line, 13);
  EXPECT_EQ(statements[1].text, "SELECT\r\n2");
  EXPECT_EQ(statements[2].line, 14);
}

TEST(SplitStatements, WhatIsNeverClosedIsMalformedWhereItBegins) {
  for (const char* open : {"'a", "\"a", "`a", "[a", "/* a", "/*"}) {
    const Error error = error_of([open] { split_statements("SELECT 1;\nSELECT\n" + std::string(open) + "\n;\n"); });
    EXPECT_EQ(error.code(), ErrorCode::malformed);
    EXPECT_EQ(error.line(), 3) << open;
    EXPECT_TRUE(error.file().empty());
  }
}

TEST(SplitStatements, TriggerWithoutEndIsMalformed) {
  for (const char* sql :
       {"\nCREATE TRIGGER x BEGIN SELECT 1;", "\nCREATE TRIGGER x BEGIN SELECT 1; END x; SELECT 2;"}) {
    const Error error = error_of([sql] { split_statements(sql); });
    EXPECT_EQ(error.code(), ErrorCode::malformed);
    EXPECT_EQ(error.line(), 2);
  }
}

TEST(SplitStatements, TriggersLastSemicolonMayBeMissing) {
  EXPECT_EQ(texts_of("CREATE TRIGGER x BEGIN SELECT 1; END"), Texts{"CREATE TRIGGER x BEGIN SELECT 1; END"});
}

TEST(SplitStatements, OpenParenthesisAtTheEndIsMalformed) {
  const Error error = error_of([] { split_statements("SELECT (1);\nCREATE TABLE t (a, (b)"); });
  EXPECT_EQ(error.code(), ErrorCode::malformed);
  EXPECT_EQ(error.line(), 2);
}

TEST(SplitStatements, ParenthesesOfAnEarlierStatementDoNotCount) {
  EXPECT_EQ(texts_of("SELECT (; SELECT 1"), (Texts{"SELECT (", "SELECT 1"}));
}

TEST(SplitStatements, LargeInsertFullOfSemicolonsIsOneStatement) {
  std::string sql = "INSERT INTO t VALUES ('";
  for (int i = 0; i < 500'000; ++i) sql += "a;''--;\n/*;*/";
  sql += "')";
  EXPECT_EQ(texts_of(sql + ";"), Texts{sql});
}

// Each closes what it opens.
const std::vector<std::string> fragments = divide(
    "CREATE|temp|TEMPORARY|Trigger|EXPLAIN|QUERY PLAN|END|end|BEGIN|SELECT|a|END1|1|é|$|_|;|;|; | ;| |\n|\t|\r\n|\f|\v|"
    "'a;b'|\"x;--\"|`;/*`|[;']|]|-- c;'\n|/* ;' */|)|-|*|:|;END;|; end ;|; END x;|/**/|@|''|--;END;\n|\\|#|,|"
    "CREATE TRIGGER|; explain create temp trigger|; CREATE/**/TEMPORARY TRIGGER");

std::vector<std::string> with_open_ends() {
  std::vector<std::string> all = fragments;
  for (std::string& open : divide("'|\"|`|[|/*|/|--|*/|(|(")) all.push_back(std::move(open));
  return all;
}

std::string some_sql(const std::vector<std::string>& words = fragments) {
  std::string sql;
  for (const auto& word : *rc::gen::container<std::vector<std::string>>(rc::gen::elementOf(words))) {
    sql += word + (*rc::gen::inRange(0, 3) == 0 ? "" : " ");
  }
  return sql;
}

/// Cuts off one statement after the other as soon as SQLite calls it complete; the last one is the rest. Quadratic.
Texts split_by_sqlite(const std::string& sql) {
  Texts pieces;
  std::size_t begin = 0;
  for (std::size_t i = 0; i < sql.size(); ++i) {
    if (sql[i] != ';' || sqlite3_complete(sql.substr(begin, i + 1 - begin).c_str()) == 0) continue;
    pieces.push_back(sql.substr(begin, i - begin));
    begin = i + 1;
  }
  pieces.push_back(sql.substr(begin));
  return pieces;
}

RC_GTEST_PROP(SplitStatements, SplitsWhereSqliteCallsAStatementComplete, ()) {
  const std::string sql = some_sql() + "\n;END";
  Texts expected;
  for (const std::string& piece : split_by_sqlite(sql)) {
    if (std::string text = normalise(piece); !text.empty()) expected.push_back(std::move(text));
  }
  Texts found;
  for (const std::string& text : texts_of(sql)) found.push_back(normalise(text));
  RC_ASSERT(found == expected);
}

RC_GTEST_PROP(SplitStatements, StatementIsCompleteAndNoBeginningOfItIs, ()) {
  for (const std::string& text : texts_of(some_sql() + "\n;END")) {
    RC_ASSERT(sqlite3_complete((text + ";").c_str()) != 0);
    for (std::size_t end = text.find(';'); end != std::string::npos; end = text.find(';', end + 1)) {
      RC_ASSERT(sqlite3_complete(text.substr(0, end + 1).c_str()) == 0);
    }
  }
}

RC_GTEST_PROP(SplitStatements, RefusesOnlyWhatASemicolonDoesNotFinish, ()) {
  const std::string sql = some_sql(with_open_ends());
  const std::string rest = split_by_sqlite(sql).back();
  const bool open = rest.find('(') != std::string::npos;
  bool refused = false;
  try {
    split_statements(sql);
  } catch (const Error&) {
    refused = true;
  }
  const bool completed = sqlite3_complete((rest + "\n;").c_str()) != 0;
  RC_ASSERT(completed || refused);
  RC_ASSERT(!completed || open || !refused);
}

TEST(Normalise, CommentsAndWhiteSpaceBecomeOneSpace) {
  EXPECT_EQ(normalise("  SELECT\r\n\t1 -- one\n ,/* two */2  "), "SELECT 1 , 2");
  EXPECT_EQ(normalise("a/**/b"), "a b");
  EXPECT_EQ(normalise("-- nothing"), "");
}

TEST(Normalise, QuotesAndCaseAreKept) {
  for (const char* sql : {"select 'a  -- b' || \"c  /* d */\"", "SELECT `a  b`, [c\n\nd], 'it''s  '"}) {
    EXPECT_EQ(normalise(sql), sql);
  }
}

RC_GTEST_PROP(Normalise, ChangesNothingTheSecondTime, ()) {
  const std::string once = normalise(some_sql(with_open_ends()));
  RC_ASSERT(normalise(once) == once);
}

}  // namespace
}  // namespace belay::versions

#include "versions/script.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>
// After GoogleTest, which it adds to.
#include <rapidcheck/gtest.h>

#include "tests/versions/fixtures.h"

namespace belay::versions {
namespace {

using namespace std::string_literals;

Script parse(std::string_view text, const char* file = "0001_test.sql") {
  return parse_script(text, file);
}

Error refusal_of(std::string_view text, const char* file = "0001_test.sql") {
  Error error = error_of([&] { parse(text, file); });
  EXPECT_EQ(error.code(), ErrorCode::malformed) << text;
  EXPECT_EQ(error.file(), file) << text;
  return error;
}

std::vector<std::string> texts_of(const Step& step) {
  std::vector<std::string> texts;
  texts.reserve(step.statements.size());
  for (const Statement& statement : step.statements) texts.push_back(statement.text);
  return texts;
}

constexpr const char* example = R"(-- revision: 20261122125453
-- parents:  20261101090000
-- message:  add rooms
-- created:  2026-11-22T12:54:53Z

-- migrate:up
CREATE TABLE rooms (id INTEGER PRIMARY KEY, code TEXT NOT NULL UNIQUE);

-- migrate:step backfill batch:5000 over:rooms.id
UPDATE rooms SET code = upper(code) WHERE id BETWEEN :lo AND :hi;

-- migrate:verify
SELECT count(*) = 0 FROM rooms WHERE code IS NULL;

-- migrate:down
DROP TABLE rooms;
)";

TEST(ParseScript, ExampleOfTheDocumentsHasAHeader) {
  const Script script = parse(example, "add.sql");
  EXPECT_EQ(script.id.text, "20261122125453");
  EXPECT_EQ(ids_of(script.parents), "20261101090000");
  EXPECT_EQ(script.message, "add rooms");
  EXPECT_EQ(script.created, "2026-11-22T12:54:53Z");
  EXPECT_EQ(script.file, "add.sql");
  EXPECT_EQ(script.digest, digest_of(script));
}

TEST(ParseScript, ExampleOfTheDocumentsHasItsSections) {
  const Script script = parse(example);
  ASSERT_EQ(script.up.size(), 2U);
  EXPECT_EQ(script.up[0].name, "");
  EXPECT_EQ(script.up[0].line, 7);
  EXPECT_FALSE(script.up[0].batch);
  EXPECT_EQ(script.up[1].name, "backfill");
  EXPECT_EQ(script.up[1].line, 10);
  EXPECT_EQ(script.up[1].batch->rows, 5000);
  ASSERT_EQ(script.verify.size(), 1U);
  EXPECT_EQ(script.verify[0].line, 13);
  ASSERT_EQ(script.down->size(), 1U);
  EXPECT_EQ(texts_of(script.down->front()), (std::vector{"DROP TABLE rooms"s}));
  EXPECT_EQ(script.irreversible, std::nullopt);
}

TEST(ParseScript, HeaderWinsOverTheFilesName) {
  const Script script = parse("-- revision: a1\n-- message:\n-- migrate:up\n", "0007_rooms.sql");
  EXPECT_EQ(script.id.text, "a1");
  EXPECT_EQ(script.message, "");
}

TEST(ParseScript, FilesNameGivesIdAndMessage) {
  const Script script = parse("-- migrate:up\n", "folder/20261122125453_add_rooms.sql");
  EXPECT_EQ(script.id.text, "20261122125453");
  EXPECT_EQ(script.message, "add rooms");
  EXPECT_EQ(parse("-- migrate:up\n", "0001-init.sql").id.text, "0001");
  EXPECT_EQ(parse("-- migrate:up\n", "0001-init.sql").message, "init");
  EXPECT_EQ(parse("-- migrate:up\n", "7.sql").message, "");
}

TEST(ParseScript, IdThatBeginsTheFilesNameIsNotInTheMessage) {
  EXPECT_EQ(parse("-- revision: ae10\n-- migrate:up\n", "ae10_add_rooms.sql").message, "add rooms");
  EXPECT_EQ(parse("-- revision: ae10\n-- migrate:up\n", "add_rooms.sql").message, "add rooms");
}

TEST(ParseScript, ParentsAreDividedByCommasAndBlanks) {
  EXPECT_EQ(ids_of(parse("-- parents: a, b,c  d ,\n-- migrate:up\n").parents), "a b c d");
  EXPECT_EQ(ids_of(parse("--parents : a\n-- migrate:up\n").parents), "a");
}

TEST(ParseScript, BaseAndNothingAreNoParents) {
  for (const char* header : {"-- parents: base\n", "-- parents:\n", "-- parents: \r\n"}) {
    EXPECT_TRUE(parse_script(header + "-- migrate:up\n"s, "2.sql", RevisionId{"1"}).parents.empty()) << header;
  }
}

TEST(ParseScript, PreviousScriptIsTheDefaultParent) {
  EXPECT_EQ(ids_of(parse_script("-- migrate:up\n", "2.sql", RevisionId{"1"}).parents), "1");
  EXPECT_TRUE(parse_script("-- migrate:up\n", "1.sql").parents.empty());
}

TEST(ParseScript, OtherCommentsInTheHeaderAreLeftAlone) {
  const Script script =
      parse("-- Copyright: us\n-- see http://example.org\n--author:me\n/* revision: x */\n-- migrate:up\n");
  EXPECT_EQ(script.id.text, "0001");
}

TEST(ParseScript, HeaderEndsAtTheFirstMarker) {
  EXPECT_EQ(parse("-- migrate:up\n-- revision: x\n-- revison: y\n").id.text, "0001");
}

TEST(ParseScript, ByteOrderMarkAndCarriageReturnsAreSkipped) {
  const Script script = parse("\xEF\xBB\xBF-- revision: a1\r\n-- message: add rooms\r\n-- migrate:up\r\nSELECT 1;\r\n");
  EXPECT_EQ(script.id.text, "a1");
  EXPECT_EQ(script.message, "add rooms");
  EXPECT_EQ(script.up.front().line, 4);
}

TEST(ParseScript, SectionsMayComeInAnyOrder) {
  const Script script = parse("-- migrate:down\nD;\n-- migrate:verify\nV;\n-- migrate:up\nU;\n");
  EXPECT_EQ(texts_of(script.up.front()), (std::vector{"U"s}));
  EXPECT_EQ(texts_of(script.down->front()), (std::vector{"D"s}));
  EXPECT_EQ(script.verify.front().text, "V");
}

TEST(ParseScript, SectionsMayBeEmptyAndDownMayBeAbsent) {
  EXPECT_TRUE(parse("-- migrate:up").up.empty());
  EXPECT_EQ(parse("-- migrate:up\n").down, std::nullopt);
  EXPECT_TRUE(parse("-- migrate:up\n-- migrate:down\n").down->empty());
}

TEST(ParseScript, EachStatementIsAStepUntilAStepIsMarked) {
  const Script script = parse("-- migrate:up\nA;\nB;\n-- migrate:step two\nC;\nD;\n-- migrate:step\nE;");
  ASSERT_EQ(script.up.size(), 4U);
  EXPECT_EQ(texts_of(script.up[1]), (std::vector{"B"s}));
  EXPECT_EQ(script.up[2].name, "two");
  EXPECT_EQ(script.up[2].line, 5);
  EXPECT_EQ(texts_of(script.up[2]), (std::vector{"C"s, "D"s}));
  EXPECT_EQ(texts_of(script.up[3]), (std::vector{"E"s}));
}

TEST(ParseScript, EachStatementOfVerifyIsAQuery) {
  EXPECT_EQ(parse("-- migrate:up\n-- migrate:verify\nSELECT 1; SELECT 2;").verify.size(), 2U);
}

TEST(ParseScript, StepTakesTheSectionsTransactionUnlessItHasItsOwn) {
  const Script script = parse(
      "-- migrate:up transaction:off\nA;\n-- migrate:step\nB;\n-- migrate:step transaction:on\nC;\n"
      "-- migrate:down\nD;\n");
  EXPECT_FALSE(script.up[0].transactional);
  EXPECT_FALSE(script.up[1].transactional);
  EXPECT_TRUE(script.up[2].transactional);
  EXPECT_TRUE(script.down->front().transactional);
}

TEST(ParseScript, RepeatableStepIsOutsideATransaction) {
  EXPECT_TRUE(parse("-- migrate:up transaction:off\n-- migrate:step repeatable:yes\nVACUUM;").up.front().repeatable);
  EXPECT_TRUE(parse("-- migrate:up\n-- migrate:step repeatable:yes transaction:off\nVACUUM;").up.front().repeatable);
}

TEST(ParseScript, IrreversibleDownHasAReason) {
  const Script script = parse("-- migrate:up\n-- migrate:down irreversible:\"data is gone\"\n-- nothing\n");
  EXPECT_EQ(script.irreversible, "data is gone");
  EXPECT_TRUE(script.down->empty());
}

TEST(ParseScript, MarkerInAStringOrBlockCommentIsText) {
  const Script script =
      parse("-- migrate:up\nSELECT '\n-- migrate:down\n';\n/*\n-- migrate:down\n*/\nSELECT \"\n--migrate:x\";");
  EXPECT_EQ(script.up.size(), 2U);
  EXPECT_EQ(script.down, std::nullopt);
}

TEST(ParseScript, CommentInAStatementIsKept) {
  EXPECT_EQ(texts_of(parse("-- migrate:up\nSELECT -- migrate the old ones\n 1;").up.front()),
            (std::vector{"SELECT -- migrate the old ones\n 1"s}));
}

TEST(ParseScript, LastStatementOfASectionNeedsNoSemicolon) {
  const Script script = parse("-- migrate:up\nA\n-- migrate:verify\nSELECT 1\n-- migrate:down\nB");
  EXPECT_EQ(texts_of(script.up.front()), (std::vector{"A"s}));
  EXPECT_EQ(script.verify.front().text, "SELECT 1");
  EXPECT_EQ(texts_of(script.down->front()), (std::vector{"B"s}));
}

TEST(ParseScript, IndentedMarkerIsAMarker) {
  EXPECT_TRUE(parse("\t -- migrate:up\n  --migrate:down\n").down);
}

struct Refused {
  const char* name;
  std::string text;
  int line;
  const char* what;  ///< A part of the message.
  const char* next;  ///< A part of the advice.
};

void PrintTo(const Refused& refused, std::ostream* out) {
  *out << refused.name;
}

class RefusedScript : public testing::TestWithParam<Refused> {};

TEST_P(RefusedScript, SaysWhatAndWhereAndWhatNext) {
  const Error error = refusal_of(GetParam().text);
  EXPECT_EQ(error.line(), GetParam().line);
  EXPECT_NE(std::string(error.what()).find(GetParam().what), std::string::npos) << error.what();
  EXPECT_NE(error.next().find(GetParam().next), std::string::npos) << error.next();
}

const Refused refused[] = {
    {"InvalidId", "-- revision: a b\n-- migrate:up\n", 1, "`a b` cannot be the id", "64 letters"},
    {"EmptyId", "\n-- revision:\n-- migrate:up\n", 2, "`` cannot be the id", ""},
    {"TargetWordAsId", "-- revision: head\n-- migrate:up\n", 1, "`head` cannot be", ""},
    {"InvalidParent", "-- parents: a, b/c\n-- migrate:up\n", 1, "`b/c` cannot be the id", ""},
    {"BaseBesidesAParent", "-- parents: base a\n-- migrate:up\n", 1, "`base` cannot be", ""},
    {"ParentTwice", "-- parents: a b a\n-- migrate:up\n", 1, "`a` is named twice", "remove"},
    {"HeaderKeyTwice", "-- message: a\n-- message: b\n-- migrate:up\n", 2, "`message:` twice", "remove"},
    {"RevisionTwice", "-- revision: a\n-- revision: a\n-- migrate:up\n", 2, "`revision:` twice", "remove"},
    {"MisspeltHeaderKey", "-- parent: a\n-- migrate:up\n", 1, "`parent:` is not a key", "`-- parents: …`"},
    {"HeaderKeyInCapitals", "-- Revision: a\n-- migrate:up\n", 1, "`Revision:` is not a key", "`-- revision: …`"},
    {"SqlBeforeTheFirstMarker", "-- a\nSELECT 1;\n-- migrate:up\n", 2, "SQL stands before", "`-- migrate:up`"},
    {"UnfinishedSqlBeforeTheFirstMarker", "SELECT 1\n-- migrate:up\n", 1, "SQL stands before", "`-- migrate:up`"},
    {"NothingAtAll", "", 0, "no `-- migrate:up`", ""},
    {"NoUp", "-- migrate:down\nDROP TABLE t;\n", 0, "no `-- migrate:up`", ""},
    {"UpTwice", "-- migrate:up\n-- migrate:down\n-- migrate:up\n", 3, "has this section already", "join"},
    {"DownTwice", "-- migrate:up\n-- migrate:down\n-- migrate:down\n", 3, "has this section already", "join"},
    {"VerifyTwice", "-- migrate:verify\n\n-- migrate:verify\n", 3, "has this section already", "join"},
    {"MisspeltMarker", "-- migrate:up\nSELECT 1;\n-- migrate:dwon\n", 3, "is not a marker", "`-- migrate:down`"},
    {"MisspeltMarkerInAStatement", "-- migrate:up\nSELECT\n-- migrate:dwon\n1;", 3, "is not a marker", "down`"},
    {"MarkerOfGoose", "-- +goose Up\nSELECT 1;\n", 1, "goose", "`-- migrate:up`"},
    {"MisspeltOption", "-- migrate:up transacton:off\n", 1, "not an option", "did you mean `transaction`?"},
    {"MarkerBehindAStatement", "-- migrate:up\nSELECT 1; -- migrate:down\n", 2, "behind a statement", "own"},
    {"MarkerBehindABlockComment", "/* a */ -- migrate:up\n", 1, "behind a statement", "own"},
    {"StepBeforeASection", "-- migrate:step\nSELECT 1;\n", 1, "outside of a section", "`-- migrate:up`"},
    {"StepInVerify", "-- migrate:verify\n-- migrate:step\nSELECT 1;\n", 2, "no steps", "remove"},
    {"EmptyStep", "-- migrate:up\n-- migrate:step\n-- a\n-- migrate:step\nA;\n", 2, "the step is empty", "remove"},
    {"EmptyLastStep", "-- migrate:up\n-- migrate:step\n;\n", 2, "the step is empty", "remove"},
    {"StepInAStatement", "-- migrate:up\nA;\nB\n-- migrate:step\nC;\n", 4, "began at line 3 has no semicolon", "`;`"},
    {"SectionInParentheses", "-- migrate:up\nA;\nB (\n-- migrate:down\n);\n", 3, "a parenthesis is still open", ""},
    {"SectionInATrigger", "-- migrate:up\nCREATE TRIGGER x BEGIN A;\n-- migrate:down\nEND;\n", 2, "its END", ""},
    {"TriggerWithoutEnd", "-- migrate:up\nA;\nCREATE TRIGGER x BEGIN B;\n", 3, "never reaches its END", ""},
    {"UnclosedString", "-- migrate:up\nA;\nSELECT 'a\n;\n", 3, "never closed", ""},
    {"UnclosedComment", "-- migrate:up\nA;\n/* the end\n", 3, "never closed", ""},
    {"RepeatableInATransaction", "-- migrate:up\n-- migrate:step repeatable:yes\nA;", 2, "outside", "transaction:off"},
    {"BatchOutsideATransaction", "-- migrate:up\n-- migrate:step batch:5 over:t.c transaction:off\nSELECT :lo, :hi;", 2,
     "batch", "one of the two"},
    {"RebuildOutsideATransaction", "-- migrate:up\n-- migrate:step rebuild:t transaction:off\nDROP TABLE t;", 2,
     "stop half way", "transaction:on"},
    {"RebuildInASectionOutsideATransaction", "-- migrate:up transaction:off\n-- migrate:step rebuild:t\nA;", 2,
     "stop half way", "transaction:on"},
    {"BatchInASectionOutsideATransaction",
     "-- migrate:up transaction:off\n-- migrate:step batch:5 over:t.c\nSELECT :lo, :hi;", 2, "batch", "one of the two"},
    {"BatchOfTwoStatements", "-- migrate:up\n-- migrate:step batch:5 over:t.c\nSELECT :lo, :hi;\nB;", 4,
     "more than one statement", "own"},
    {"BatchWithoutItsBounds", "-- migrate:up\n-- migrate:step batch:5 over:t.c\nUPDATE t SET a = ':lo :hi';", 3,
     "must use :lo and :hi", "`WHERE c BETWEEN :lo AND :hi`"},
    {"BatchWithColumnsForBounds", "-- migrate:up\n-- migrate:step batch:5 over:t.c\nSELECT lo, :x, hi;", 3,
     "must use :lo and :hi", ""},
    {"BatchWithoutItsUpperBound", "-- migrate:up\n-- migrate:step batch:5 over:t.c\nSELECT :lo, :high;", 3,
     "must use :lo and :hi", ""},
    {"IrreversibleWithStatements", "-- migrate:up\n-- migrate:down irreversible:\"a\"\nB;", 3, "has statements",
     "remove"},
    {"IrreversibleWithStatementsAboveUp", "-- migrate:down irreversible:\"a\"\nB;\n-- migrate:up\n", 2,
     "has statements", "remove"},
    {"NotUtf8", "-- migrate:up\nSELECT '\xE9';\n", 2, "not UTF-8", "save the file"},
    {"NulByte", "-- migrate:up\n\n\0\n"s, 3, "NUL", ""},
};

INSTANTIATE_TEST_SUITE_P(ParseScript, RefusedScript, testing::ValuesIn(refused),
                         [](const auto& row) { return row.param.name; });

TEST(ParseScript, FileWithoutIdSaysHowToNameIt) {
  const Error error = refusal_of("-- migrate:up\n", "add_rooms.sql");
  EXPECT_NE(error.next().find("20261122125453_add_rooms.sql"), std::string::npos);
  refusal_of("-- migrate:up\n", (std::string(65, '1') + ".sql").c_str());
}

/// Whatever is read, only an Error may come of it.
void survive(const std::string& text) {
  try {
    parse_script(text, "1.sql");
  } catch (const Error& error) {
    RC_ASSERT(error.code() == ErrorCode::malformed);
  }
}

RC_GTEST_PROP(ParseScript, SurvivesAnyBytes, (const std::string& bytes)) {
  survive(bytes);
  survive("-- migrate:up\n" + bytes);
}

RC_GTEST_PROP(ParseScript, SurvivesAnyLines, ()) {
  const auto pieces = divide(
      "-- migrate:up|-- migrate:down|-- migrate:verify|-- migrate:step|-- migrate|-- |--|migrate:|up|-- +goose| Up|:|"
      "-- revision:|-- parents:| a|,|\n|\n|\n|\r\n| transaction:off| batch:5| over:a.b| over:| over:\"| rebuild:| "
      "from:|0123456789abcdef| \"|\"\"|x\"|"
      " irreversible:\"| irreversible:|SELECT :lo, :hi;|A;|B|(|)|'|/*|*/|CREATE TRIGGER| BEGIN A;| END;|\xEF\xBB\xBF");
  const auto chosen = *rc::gen::container<std::vector<std::string>>(rc::gen::elementOf(pieces));
  std::string text;
  for (const std::string& piece : chosen) text += piece;
  survive(text);
}

}  // namespace
}  // namespace belay::versions

#include "versions/schema/rename_hints.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tests/versions/scratch_database.h"
#include "versions/error.h"
#include "versions/schema/rename_match.h"

namespace belay::versions::schema {
namespace {

std::string text_of(const RenameHint& hint) {
  const std::string of = hint.of == RenameHint::Of::column ? hint.table + "." : "";
  const std::string kind = hint.of == RenameHint::Of::index            ? "index "
                           : hint.of == RenameHint::Of::table_or_index ? "either "
                                                                       : "";
  return kind + of + hint.from + "=" + hint.to;
}

/// All hints of a file, each with its line.
std::string hints(const std::string& sql) {
  std::string text;
  for (const auto& hint : read_rename_hints(sql, "schema.sql"))
    text += (text.empty() ? "" : ", ") + text_of(hint) + " :" + std::to_string(hint.line);
  return text;
}

/// The line and the message of what is wrong with a file.
std::string complaint(const std::string& sql) {
  try {
    return "hints: " + hints(sql);
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::malformed);
    EXPECT_EQ(error.file(), "schema.sql");
    EXPECT_FALSE(error.next().empty());
    return std::to_string(error.line()) + ": " + error.what();
  }
}

constexpr const char* unreadable = ": a hint about a rename that cannot be read";
constexpr const char* beside_nothing = ": a hint about a rename stands beside no column, table or index";

TEST(RenameHints, AColumnIsHintedOnItsLineOrOnTheLineBefore) {
  EXPECT_EQ(hints("CREATE TABLE rooms (\n"
                  "  id INTEGER PRIMARY KEY,\n"
                  "  title TEXT NOT NULL,  -- @renamed from=name\n"
                  "  -- @renamed from=key\n"
                  "  code TEXT DEFAULT 'a, b' CHECK (code <> ';'),\n"
                  "  size INTEGER -- @renamed from=area\n"
                  ");\n"),
            "rooms.name=title :3, rooms.key=code :4, rooms.area=size :6");
}

TEST(RenameHints, OtherCommentsMayStandBetweenAHintAndItsColumn) {
  EXPECT_EQ(hints("CREATE TABLE t (\n  -- @renamed from=a\n  -- what it is called\n  b TEXT)"), "t.a=b :2");
  EXPECT_EQ(complaint("CREATE TABLE t (\n  -- @renamed from=a\n\n  b TEXT)"), std::string("2") + beside_nothing);
}

TEST(RenameHints, ATableAndAnIndexAreHintedAtTheirCreate) {
  EXPECT_EQ(hints("-- @renamed from=rooms\nCREATE TABLE IF NOT EXISTS main.halls (id INTEGER);"), "rooms=halls :1");
  EXPECT_EQ(hints("CREATE TABLE halls (  -- @renamed from=rooms\n  id INTEGER);"), "rooms=halls :1");
  EXPECT_EQ(hints("CREATE TABLE a (x); -- @renamed from=b\nCREATE TABLE c (y);"), "b=a :1");
  EXPECT_EQ(hints("CREATE UNIQUE INDEX by_code\n  ON halls (code); -- @renamed from=old_index\n"),
            "index old_index=by_code :2");
  EXPECT_EQ(hints("/* @renamed from=old */ CREATE VIRTUAL TABLE docs USING fts5(title);"), "old=docs :1");
}

TEST(RenameHints, ABlockCommentBelongsToWhatItStandsBeside) {
  EXPECT_EQ(hints("CREATE TABLE t (a INTEGER, /* @renamed from=x */ b TEXT, c TEXT /* @renamed from=y */, d TEXT)"),
            "t.x=b :1, t.y=c :1");
  EXPECT_EQ(hints("CREATE TABLE t (\n  /* @renamed\n     from=x */\n  b TEXT)"), "t.x=b :2");
}

TEST(RenameHints, TheLastColumnIsHintedBehindTheParenthesisOfItsTable) {
  EXPECT_EQ(hints("CREATE TABLE t (\n  a INTEGER,\n  b TEXT); -- @renamed from=x"), "t.x=b :3");
}

TEST(RenameHints, NamesAreQuotedAsInSql) {
  EXPECT_EQ(hints("CREATE TABLE \"my rooms\" (\n  [the title] TEXT, -- @renamed from=\"old \"\"name\"\"\"\n"
                  "  `b` TEXT -- @renamed from = [x y]\n)"),
            "my rooms.old \"name\"=the title :2, my rooms.x y=b :3");
}

TEST(RenameHints, ATriggersOwnStatementsAreNoTables) {
  EXPECT_EQ(hints("CREATE TRIGGER t AFTER INSERT ON a BEGIN\n  DELETE FROM b;\n  SELECT 1;\nEND;\n"
                  "CREATE TABLE c (x -- @renamed from=y\n);"),
            "c.y=x :5");
}

TEST(RenameHints, WhatIsCommentedOutIsNoHint) {
  EXPECT_EQ(
      hints("-- CREATE TABLE rooms (\n--   title TEXT  -- @renamed from=name\n-- );\n-- @param x\n-- renamed a lot\n"
            "CREATE TABLE t (a TEXT DEFAULT '-- @renamed from=b', b TEXT); -- reads @renamed from=x\n"),
      "");
}

TEST(RenameHints, AHintThatCannotBeReadIsAnErrorWithItsLine) {
  for (const char* hint : {"@renamed", "@renamed name", "@renamed from=", "@renamed from=a b", "@renamed from=a.b",
                           "@rename from=a", "@Renamed from=a", "@renmaed from=a", "@renamed_from=a", "renamed from=a",
                           "@renamed from=\"a", "@renamed form=a", "@renamed from=\"\""})
    EXPECT_EQ(complaint("CREATE TABLE t (\n  b TEXT -- " + std::string(hint) + "\n)"), std::string("2") + unreadable)
        << hint;
}

TEST(RenameHints, AHintBesideNothingIsAnErrorWithItsLine) {
  EXPECT_EQ(complaint("-- @renamed from=a"), std::string("1") + beside_nothing);
  EXPECT_EQ(complaint("CREATE VIEW v AS SELECT 1; -- @renamed from=a"), std::string("1") + beside_nothing);
  EXPECT_EQ(complaint("CREATE TABLE t (a, UNIQUE (a)  -- @renamed from=b\n)"), std::string("1") + beside_nothing);
  EXPECT_EQ(complaint("CREATE TABLE t (\n  a\n) STRICT; -- @renamed from=b"), std::string("3") + beside_nothing);
  EXPECT_EQ(complaint("CREATE TABLE t (a);\n-- @renamed from=b\nCREATE VIEW v AS SELECT 1;"),
            std::string("2") + beside_nothing);
}

// --- Words ---

TEST(RenameWords, SayAColumnOrATable) {
  EXPECT_EQ(text_of(parse_rename("rooms.name=title")), "rooms.name=title");
  EXPECT_EQ(text_of(parse_rename("rooms=halls")), "either rooms=halls");
  EXPECT_EQ(text_of(parse_rename("\"my rooms\".\"a=b\"=[c d]")), "my rooms.a=b=c d");
}

TEST(RenameWords, ThatCannotBeReadAreErrors) {
  for (const char* word : {"", "rooms", "rooms=", "=halls", "a.b.c=d", "a=b=c", "a b=c", "a=b.c", "1=2", "\"a=b"})
    EXPECT_THROW(parse_rename(word), Error) << word;
}

TEST(RenameWords, AreGivenAsAShellAndAFileTakeThem) {
  const Rename plain{.kind = Rename::Kind::column, .table = "rooms", .from = "name", .to = "title"};
  EXPECT_EQ(option_of(plain), "--rename rooms.name=title");
  EXPECT_EQ(hint_of(plain), "-- @renamed from=name");
  const Rename odd{.kind = Rename::Kind::table, .table = {}, .from = "it's", .to = "order"};
  EXPECT_EQ(option_of(odd), "--rename '\"it'\\''s\"=\"order\"'");
  EXPECT_EQ(hint_of(odd), "-- @renamed from=\"it's\"");
}

// --- What applies ---

std::string text_of(const Renames& renames) {
  std::string text;
  for (const auto& rename : renames) {
    const std::string table = rename.kind == Rename::Kind::column ? rename.table + "." : "";
    text += (text.empty() ? "" : ", ") + table + rename.from + "=" + rename.to;
  }
  return text;
}

/// The hints of `desired`, and words, between what two texts make.
std::string applied(const std::string& current, const std::string& desired,
                    const std::vector<std::string>& words = {}) {
  auto all = read_rename_hints(desired, "schema.sql");
  for (const auto& word : words) all.push_back(parse_rename(word));
  try {
    return text_of(renames_that_apply(all, schema_of(current), schema_of(desired)));
  } catch (const Error& error) {
    EXPECT_FALSE(error.next().empty());
    const bool file = error.code() == ErrorCode::malformed;
    return (file ? "schema.sql:" + std::to_string(error.line()) + ": " : "") + error.what();
  }
}

TEST(RenamesThatApply, HaveTheOldNameOnOneSideAndTheNewOneOnTheOther) {
  const std::string desired = "CREATE TABLE rooms (id, title -- @renamed from=name\n)";
  EXPECT_EQ(applied("CREATE TABLE rooms (id, name)", desired), "rooms.name=title");
  EXPECT_EQ(applied("CREATE TABLE rooms (id, Title)", desired), "");
  EXPECT_EQ(applied("CREATE TABLE rooms (id)", desired), "");
  EXPECT_EQ(applied("CREATE TABLE rooms (id, name, title)", desired), "");
  EXPECT_EQ(applied("", desired), "");
}

TEST(RenamesThatApply, TellAColumnByTheNewNameOfItsTable) {
  const std::string current = "CREATE TABLE rooms (name)";
  EXPECT_EQ(applied(current, "-- @renamed from=rooms\nCREATE TABLE halls (title -- @renamed from=name\n)"),
            "rooms=halls, halls.name=title");
  EXPECT_EQ(applied(current, "CREATE TABLE halls (title)", {"rooms.name=title", "rooms=halls"}),
            "rooms=halls, halls.name=title");
  EXPECT_EQ(applied(current, "CREATE TABLE halls (title)", {"halls.name=title", "rooms=halls"}),
            "rooms=halls, halls.name=title");
}

TEST(RenamesThatApply, FollowTheHistoryThatHintsTell) {
  const std::string desired = "CREATE TABLE t (\n-- @renamed from=a\n-- @renamed from=b\nc)";
  EXPECT_EQ(applied("CREATE TABLE t (a)", desired), "t.a=c");
  EXPECT_EQ(applied("CREATE TABLE t (b)", desired), "t.b=c");
  EXPECT_EQ(applied("CREATE TABLE t (a, b)", desired), "schema.sql:3: t.c cannot be both a and b renamed (line 2)");
}

TEST(RenamesThatApply, NeverContradictEachOther) {
  EXPECT_EQ(applied("CREATE TABLE t (a)", "CREATE TABLE t (b, c -- @renamed from=a\n)", {"t.a=b"}),
            "t.a cannot become both c and b (line 1)");
  EXPECT_EQ(applied("CREATE TABLE t (a)", "CREATE TABLE t (a, b -- @renamed from=a\n)"),
            "schema.sql:1: t.b cannot be a renamed: a is to stay");
  EXPECT_EQ(applied("CREATE TABLE t (a)", "CREATE TABLE t (b -- @renamed from=a\n)", {"t.a=b"}), "t.a=b");
}

TEST(RenamesThatApply, AreIndexesToo) {
  const std::string table = "CREATE TABLE t (a); ";
  EXPECT_EQ(applied(table + "CREATE INDEX i ON t (a)", table + "CREATE INDEX j ON t (a)", {"i=j"}), "i=j");
  EXPECT_EQ(applied(table + "CREATE INDEX i ON t (a)", table + "CREATE INDEX j ON t (a) -- @renamed from=i\n"), "i=j");
}

TEST(RenamesThatApply, AWordThatDoesNotIsAnErrorWithTheNearestName) {
  const std::string current = "CREATE TABLE rooms (id, name)";
  const std::string desired = "CREATE TABLE rooms (id, title)";
  EXPECT_EQ(applied(current, desired, {"rooms.nane=title"}),
            "--rename rooms.nane=title: there is no column rooms.nane to be renamed; did you mean name?");
  EXPECT_EQ(applied(current, desired, {"room.name=title"}),
            "--rename room.name=title: there is no table room to be renamed; did you mean rooms?");
  EXPECT_EQ(applied(current, desired, {"rooms.name=titel"}),
            "--rename rooms.name=titel: there is no column rooms.titel in the desired schema; did you mean title?");
  EXPECT_EQ(applied(current, desired, {"rooms=hall"}),
            "--rename rooms=hall: there is no table hall in the desired schema");
  EXPECT_EQ(applied(current, desired, {"rooms.name=id"}), "--rename rooms.name=id: there is a column rooms.id already");
}

// --- What nobody has told ---

std::string suspected(const std::string& current, const std::string& desired) {
  const Schema from = schema_of(current);
  const Schema to = schema_of(desired);
  return text_of(suspected_renames(from, to, renames_that_apply(read_rename_hints(desired, "schema.sql"), from, to)));
}

TEST(SuspectedRenames, AreColumnsThatGoBesideThoseThatComeTheMostLikelyFirst) {
  EXPECT_EQ(suspected("CREATE TABLE t (id, name TEXT)", "CREATE TABLE t (id, size INTEGER, nam TEXT)"),
            "t.name=nam, t.name=size");
  EXPECT_EQ(suspected("CREATE TABLE t (id, a TEXT, b BLOB)", "CREATE TABLE t (id, x BLOB, y TEXT)"),
            "t.a=y, t.b=x, t.a=x, t.b=y");
}

TEST(SuspectedRenames, AreNoneWhereNothingGoesOrNothingComes) {
  EXPECT_EQ(suspected("CREATE TABLE t (id, a)", "CREATE TABLE t (id)"), "");
  EXPECT_EQ(suspected("CREATE TABLE t (id)", "CREATE TABLE t (id, a)"), "");
  EXPECT_EQ(suspected("CREATE TABLE t (id, a)", "CREATE TABLE t (id, b AS (id + 1))"), "");
  EXPECT_EQ(suspected("CREATE TABLE t (id, a)", "CREATE TABLE t (id); CREATE TABLE u (b)"), "");
}

TEST(SuspectedRenames, AreNotWhatAHintHasTold) {
  EXPECT_EQ(suspected("CREATE TABLE t (id, a)", "CREATE TABLE t (id, b -- @renamed from=a\n)"), "");
  EXPECT_EQ(suspected("CREATE TABLE t (id, a)", "-- @renamed from=t\nCREATE TABLE u (id, b)"), "u.a=b");
}

TEST(SuspectedRenames, AreTablesThatHaveHalfOfTheColumns) {
  EXPECT_EQ(
      suspected("CREATE TABLE rooms (id, name, size)", "CREATE TABLE halls (id, name); CREATE TABLE logs (id, at, t)"),
      "rooms=halls");
}

}  // namespace
}  // namespace belay::versions::schema

#include "versions/schema/migration.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "versions/schema/order.h"
#include "versions/schema/relevance.h"
#include "versions/schema/rename.h"
#include "versions/schema/table_copy.h"
#include "versions/script.h"

namespace belay::versions::schema {
namespace {

// --- A script's section ---

TEST(MigrationSql, StepsAreSetApartByTheirComments) {
  const std::vector<MigrationStep> steps{{{}, {"add table a"}, {"CREATE TABLE a (x)"}, {}},
                                         {{}, {"drop table b"}, {"DROP TABLE b"}, {}}};
  EXPECT_EQ(to_sql(steps), "-- add table a\nCREATE TABLE a (x);\n\n-- drop table b\nDROP TABLE b;\n");
}

/// Below a marker everything is one step.
TEST(MigrationSql, BehindARebuildEachStepHasAMarkerOfItsOwn) {
  const std::vector<MigrationStep> steps{
      {{}, {"add table a"}, {"CREATE TABLE a (x)"}, {}},
      {{}, {"rebuild"}, {"SELECT 1", "SELECT 2"}, Rebuild{"my rooms", "0123456789abcdef", "fedcba9876543210"}},
      {{}, {"drop table b"}, {"DROP TABLE b"}, {}}};
  const std::string sql = to_sql(steps);
  EXPECT_NE(sql.find("-- migrate:step rebuild:\"my rooms\" from:0123456789abcdef to:fedcba9876543210\n-- rebuild\n"),
            std::string::npos)
      << sql;
  const auto script = parse_script("-- migrate:up\n" + sql, "1_a.sql");
  ASSERT_EQ(script.up.size(), 3U);
  EXPECT_EQ(script.up[1].statements.size(), 2U);
  EXPECT_EQ(script.up[1].rebuild->table, "my rooms");
}

TEST(MigrationSql, ACommentIsOneLineWhateverItQuotes) {
  EXPECT_EQ(to_sql(std::vector<MigrationStep>{{{}, {"add column a\nb\r"}, {"SELECT 1"}, {}}}),
            "-- add column a b \nSELECT 1;\n");
}

TEST(MigrationSql, ACommentAtTheEndHidesNoSemicolon) {
  EXPECT_EQ(with_semicolon("SELECT 1 -- one"), "SELECT 1 -- one\n;");
  EXPECT_EQ(with_semicolon("SELECT '--'"), "SELECT '--';");
  EXPECT_EQ(with_semicolon(""), ";");
}

// --- Renames ---

TEST(RenameTest, TheWayBackIsByTheOldNames) {
  const Renames renames{{Rename::Kind::table, "", "old", "new"}, {Rename::Kind::column, "new", "a", "b"}};
  EXPECT_EQ(old_table(renames, "NEW"), "old");
  EXPECT_EQ(old_column(renames, "new", "B"), "a");
  EXPECT_EQ(old_column(renames, "other", "b"), "b");
  const Renames back = inverse(renames);
  EXPECT_EQ(old_table(back, "old"), "new");
  EXPECT_EQ(old_column(back, "old", "a"), "b");
}

// --- What matters for a difference ---

Schema schema(const std::vector<CatalogRow>& rows) {
  ObjectReader reader;
  Schema::Objects objects;
  for (const auto& row : rows) objects.push_back(reader.read(row));
  return Schema(std::move(objects));
}

CatalogRow table(const std::string& name, const std::string& columns) {
  return {"table", name, name, "CREATE TABLE " + name + " (" + columns + ")"};
}

CatalogRow index(const std::string& name, const std::string& of) {
  return {"index", name, of, "CREATE INDEX " + name + " ON " + of + " (x)"};
}

std::string names(const Schema& part) {
  std::string all;
  for (const auto& object : part.objects()) all += (all.empty() ? "" : " ") + object->name;
  return all;
}

TEST(Relevance, WhatIsTheSameAndAloneIsLeftOut) {
  const Schema from = schema({table("a", "x"), index("ai", "a"), table("b", "x"), index("bi", "b")});
  const Schema to = schema({table("a", "x"), index("ai", "a"), table("b", "x INT"), index("bi", "b")});
  EXPECT_EQ(names(relevant_part(from, to, {}).from), "b bi");
  EXPECT_EQ(names(relevant_part(from, to, {}).to), "b bi");
}

TEST(Relevance, ATableWhoseIndexChangesIsThere) {
  const Schema from = schema({table("a", "x"), table("b", "x")});
  const Schema to = schema({table("a", "x"), table("b", "x"), index("ai", "a")});
  EXPECT_EQ(names(relevant_part(from, to, {}).from), "a");
  EXPECT_EQ(names(relevant_part(from, to, {}).to), "a ai");
}

TEST(Relevance, ChildrenOfWhatChangesAreThere) {
  const Schema from = schema({table("a", "x REFERENCES B"), table("b", "x"), table("c", "x")});
  const Schema to = schema({table("a", "x REFERENCES B"), table("b", "x INT"), table("c", "x")});
  EXPECT_EQ(names(relevant_part(from, to, {}).from), "a b");
}

TEST(Relevance, ViewsThatReadWhatChangesAreThereAndWhatTheyReadBesides) {
  const CatalogRow view{"view", "v", "v", "CREATE VIEW v AS SELECT * FROM \"B\", a"};
  const CatalogRow other{"view", "w", "w", "CREATE VIEW w AS SELECT * FROM V"};
  const Schema from = schema({table("a", "x"), table("b", "x"), table("c", "x"), view, other});
  const Schema to = schema({table("a", "x"), table("b", "x INT"), table("c", "x"), view, other});
  EXPECT_EQ(names(relevant_part(from, to, {}).from), "a b v w");
  EXPECT_TRUE(relevant_part(from, to, {}).readers.empty());
}

TEST(Relevance, OtherViewsAreLeftOutUnlessAllAreWanted) {
  const CatalogRow view{"view", "v", "v", "CREATE VIEW v AS SELECT * FROM a"};
  const Schema from = schema({table("a", "x"), table("b", "x"), table("c", "x"), view});
  const Schema to = schema({table("a", "x"), table("b", "x INT"), table("c", "x"), view});
  EXPECT_EQ(names(relevant_part(from, to, {}).from), "b");
  EXPECT_EQ(names(relevant_part(from, to, {}).readers), "a v");
  EXPECT_EQ(names(relevant_part(from, to, {}, {}, /*all_readers=*/true).from), "a b v");
}

TEST(Relevance, WhatViewsBesideReadIsThere) {
  const CatalogRow view{"view", "v", "v", "CREATE VIEW v AS SELECT * FROM a"};
  const CatalogRow other{"view", "w", "w", "CREATE VIEW w AS SELECT * FROM d"};
  const Schema from = schema({table("a", "x"), table("b", "x"), table("c", "x"), table("d", "x"), view, other});
  const Schema to = schema({table("a", "x"), table("b", "x INT"), table("c", "x"), table("d", "x"), view, other});
  const Schema beside = schema({table("e", "x"), {"view", "u", "u", "CREATE VIEW u AS SELECT * FROM v, c, e"}});
  EXPECT_EQ(names(relevant_part(from, to, {}, beside).from), "a b c v");
  EXPECT_EQ(names(relevant_part(from, to, {}, beside).readers), "d w");
}

/// Tables, indexes and views share one set of names, and a rebuild takes one of its own for a while.
TEST(Relevance, WhatHasTheNameOfARebuildIsThere) {
  const CatalogRow view{"view", "belay_old_b", "belay_old_b", "CREATE VIEW belay_old_b AS SELECT 1"};
  const Schema from = schema({table("a", "x"), index("belay_new_b", "a"), table("b", "x"), view});
  const Schema to = schema({table("a", "x"), index("belay_new_b", "a"), table("b", "x INT"), view});
  EXPECT_EQ(names(relevant_part(from, to, {}).from), "a belay_new_b b belay_old_b");
}

// --- Order ---

TEST(OrderTest, ALongChainOfParentsIsFollowed) {
  constexpr int length = 20'000;
  std::vector<CatalogRow> rows;
  rows.reserve(length);
  for (int i = 0; i < length; ++i)
    rows.push_back(table("t" + std::to_string(i), "x REFERENCES t" + std::to_string(i + 1)));
  const Schema all = schema(rows);
  const auto ordered = in_order(all);
  ASSERT_EQ(ordered.size(), rows.size());
  EXPECT_EQ(ordered.front()->name, "t" + std::to_string(length - 1));
  EXPECT_EQ(ordered.back()->name, "t0");
}

// --- Copies ---

Table parsed(const std::string& columns) {
  return std::get<Table>(ObjectReader().read(table("t", columns))->definition);
}

TEST(TableCopyTest, TheRowidIsTheIntegerPrimaryKey) {
  const auto is_rowid = [](const std::string& columns) { return rowid_column(parsed(columns)) != nullptr; };
  EXPECT_TRUE(is_rowid("a INTEGER PRIMARY KEY"));
  EXPECT_TRUE(is_rowid("a integer, PRIMARY KEY (A DESC)"));
  EXPECT_FALSE(is_rowid("a INTEGER PRIMARY KEY DESC"));
  EXPECT_FALSE(is_rowid("a INT PRIMARY KEY"));
  EXPECT_FALSE(is_rowid("a INTEGER, b, PRIMARY KEY (a, b)"));
  EXPECT_FALSE(is_rowid("a INTEGER"));
}

TEST(TableCopyTest, OnlyTheNameOfTheTableChangesInItsText) {
  EXPECT_EQ(with_name("CREATE TABLE  rooms(rooms /* rooms */ TEXT)", "r 2"),
            "CREATE TABLE \"r 2\"(rooms /* rooms */ TEXT)");
  EXPECT_EQ(with_name("create table if not exists main.\"a b\" (x)", "c"), "CREATE TABLE c (x)");
  EXPECT_EQ(with_name("CREATE VIRTUAL TABLE f USING fts5(a)", "g"), "CREATE VIRTUAL TABLE g USING fts5(a)");
}

VirtualTable index_of(const std::string& arguments, const std::string& name = "f", const std::string& module = "fts5") {
  const CatalogRow row{"table", name, name,
                       "CREATE VIRTUAL TABLE " + name + " USING " + module + "(" + arguments + ")"};
  return std::get<VirtualTable>(ObjectReader().read(row)->definition);
}

TEST(TableCopyTest, TheRowidOfAFullTextIndexHasTheNameThatNoColumnHas) {
  EXPECT_EQ(rowid_name(index_of("a, b")), "rowid");
  EXPECT_EQ(rowid_name(index_of("a, \"Oid\"", "ROWID")), "_rowid_");
  EXPECT_EQ(rowid_name(index_of("a, [_rowid_] UNINDEXED", "ROWID")), "oid");
  EXPECT_EQ(rowid_name(index_of("a, languageid=\"rowid\"", "f", "fts4")), "_rowid_");
}

TEST(TableCopyTest, AFullTextIndexWhoseRowidHasNoNameCannotBeCopied) {
  EXPECT_FALSE(can_be_copied(index_of("oid, _rowid_", "rowid")));
  EXPECT_TRUE(can_be_copied(index_of("oid, _rowid_", "f")));
  EXPECT_TRUE(can_be_copied(index_of("rowid, oid, _rowid_", "f", "rtree")));
}

TEST(TableCopyTest, AnIndexOverOtherContentIsMadeFromThat) {
  EXPECT_TRUE(can_be_copied(index_of("a, b")));
  EXPECT_FALSE(can_be_copied(index_of("a, content = 'rooms'")));
  EXPECT_TRUE(reads_other_table(index_of("a, content='rooms'")));
  EXPECT_FALSE(can_be_copied(index_of("a, content=''")));
  EXPECT_FALSE(reads_other_table(index_of("a, content=''")));
}

}  // namespace
}  // namespace belay::versions::schema

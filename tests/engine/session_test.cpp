// What a script sets on the connection and forgets: it is gone when the next revision begins, and it is there again
// when a run goes on in the middle of the same revision.

#include <gtest/gtest.h>

#include <string>

#include "tests/engine/executor_fixture.h"

namespace belay::engine {
namespace {

class SessionTest : public ExecutorTest {
 protected:
  std::string value_of(const std::string& sql) {
    const auto rows = site().connection().query(sql);
    return rows.empty() ? "nothing" : to_literal(rows.at(0).at(0));
  }
  /// What `sql` gives while the next revision runs.
  std::string next_revision_sees(const std::string& sql) {
    std::string seen;
    listener.at_statement = [&](Connection&) { seen = value_of(sql); };
    carry_out({up("next", "SELECT 1;")});
    listener.at_statement = {};
    return seen;
  }
};

struct Setting {
  const char* name;
  const char* sql;
  const char* shown_by;
};
std::ostream& operator<<(std::ostream& out, const Setting& setting) {
  return out << setting.name;
}

class EachSetting : public SessionTest, public testing::WithParamInterface<Setting> {};

TEST_P(EachSetting, DoesNotLeakIntoTheNextRevision) {
  const std::string before = value_of(GetParam().shown_by);
  carry_out({up("1", "CREATE TABLE t (a CHECK (a > 0));\n" + std::string(GetParam().sql) + ";")});
  ASSERT_NE(value_of(GetParam().shown_by), before);
  EXPECT_EQ(next_revision_sees(GetParam().shown_by), before);
}

TEST_P(EachSetting, DoesNotLeakOutOfAFailedRevision) {
  const std::string before = value_of(GetParam().shown_by);
  failure_of({up("1", "CREATE TABLE t (a CHECK (a > 0));\n" + std::string(GetParam().sql) + ";\nSELECT nothing;")});
  EXPECT_EQ(next_revision_sees(GetParam().shown_by), before);
}

TEST_P(EachSetting, DoesNotLeakIntoARevisionThatSharesItsTransaction) {
  const std::string before = value_of(GetParam().shown_by);
  std::string seen;
  listener.at["began 2"] = [&] { listener.at_statement = [&](Connection&) { seen = value_of(GetParam().shown_by); }; };
  carry_out({up("1", std::string(GetParam().sql) + ";"), up("2", "SELECT 1;")});
  EXPECT_EQ(seen, before);
}

INSTANTIATE_TEST_SUITE_P(
    Sqlite, EachSetting,
    testing::Values(
        Setting{"LegacyAlterTable", "PRAGMA legacy_alter_table = ON", "PRAGMA legacy_alter_table"},
        Setting{"WithItsSchema", "PRAGMA main.legacy_alter_table = ON", "PRAGMA legacy_alter_table"},
        Setting{"InCapitals", "pragma Legacy_Alter_Table(1)", "PRAGMA legacy_alter_table"},
        Setting{"IgnoreCheckConstraints", "PRAGMA ignore_check_constraints = ON", "PRAGMA ignore_check_constraints"},
        Setting{"RecursiveTriggers", "PRAGMA recursive_triggers = ON", "PRAGMA recursive_triggers"},
        Setting{"ReverseUnorderedSelects", "PRAGMA reverse_unordered_selects = ON", "PRAGMA reverse_unordered_selects"},
        Setting{"WritableSchema", "PRAGMA writable_schema = ON", "PRAGMA writable_schema"},
        Setting{"CaseSensitiveLike", "PRAGMA case_sensitive_like = ON", "SELECT 'a' LIKE 'A'"},
        Setting{"TrustedSchema", "PRAGMA trusted_schema = OFF", "PRAGMA trusted_schema"},
        Setting{"AutomaticIndex", "PRAGMA automatic_index = OFF", "PRAGMA automatic_index"},
        Setting{"AnalysisLimit", "PRAGMA analysis_limit = 5", "PRAGMA analysis_limit"},
        Setting{"MaxPageCount", "PRAGMA max_page_count = 500", "PRAGMA max_page_count"},
        Setting{"TemporaryTable", "CREATE TEMP TABLE shadow (a)",
                "SELECT count(*) FROM temp.sqlite_schema WHERE name = 'shadow'"},
        Setting{"TemporaryView", "CREATE TEMP VIEW shadow AS SELECT 1",
                "SELECT count(*) FROM temp.sqlite_schema WHERE name = 'shadow'"}),
    [](const auto& suite) { return suite.param.name; });

/// PRAGMA defer_foreign_keys ends with the transaction by itself; the group's is still open here.
TEST_F(SessionTest, DeferForeignKeysDoesNotLeakIntoARevisionThatSharesItsTransaction) {
  std::string seen;
  listener.at["began 2"] = [&] {
    listener.at_statement = [&](Connection&) { seen = value_of("PRAGMA defer_foreign_keys"); };
  };
  carry_out({up("1", "PRAGMA defer_foreign_keys = ON;"), up("2", "SELECT 1;")});
  EXPECT_EQ(seen, "0");
}

TEST_F(SessionTest, TemporaryTriggerDoesNotFireInTheNextRevision) {
  carry_out({up("1",
                "CREATE TABLE t (a);\nCREATE TABLE log (a);\n"
                "CREATE TEMP TRIGGER watch AFTER INSERT ON t BEGIN INSERT INTO log VALUES (new.a); END;\n"
                "INSERT INTO t VALUES (1);"),
             up("2", "INSERT INTO t VALUES (2);")});
  EXPECT_EQ(read("SELECT group_concat(a) FROM log"), "1");
}

/// What a rollback has brought back is found as well.
TEST_F(SessionTest, TemporaryTableIsGoneAlsoWhenTheRevisionThatDroppedItFails) {
  carry_out({up("1", "CREATE TEMP TABLE shadow (a);")});
  failure_of({up("2", "SELECT nothing;")});
  EXPECT_EQ(next_revision_sees("SELECT count(*) FROM temp.sqlite_schema WHERE name = 'shadow'"), "0");
}

TEST_F(SessionTest, WhatOnlyMakesStatementsFasterIsLeft) {
  carry_out({up("1", "PRAGMA cache_size = -12345;")});
  EXPECT_EQ(next_revision_sees("PRAGMA cache_size"), "-12345");
}

TEST_F(SessionTest, WhatTheFileHoldsIsLeft) {
  carry_out({up("1", "PRAGMA user_version = 7;\nPRAGMA application_id = 8;"), up("2", "SELECT 1;")});
  EXPECT_EQ(read("PRAGMA user_version") + read("PRAGMA application_id"), "78");
}

TEST_F(SessionTest, PageSizeThatNoVacuumHasTakenUpIsForgotten) {
  carry_out({up("0", "CREATE TABLE t (a);"),
             planned_script("1", "-- migrate:up transaction:off\nPRAGMA page_size = 8192;"),
             planned_script("2", "-- migrate:up transaction:off\nVACUUM;")});
  EXPECT_EQ(read("PRAGMA page_size"), "4096");
}

TEST_F(SessionTest, PageSizeThatAVacuumHasTakenUpStays) {
  carry_out({up("0", "CREATE TABLE t (a);"),
             planned_script("1",
                            "-- migrate:up transaction:off\nPRAGMA page_size = 8192;\nPRAGMA auto_vacuum = FULL;\n"
                            "VACUUM;"),
             planned_script("2", "-- migrate:up transaction:off\nVACUUM;")});
  EXPECT_EQ(read("PRAGMA page_size"), "8192");
  EXPECT_EQ(read("PRAGMA auto_vacuum"), "1");
}

/// Else the next footprint would say that somebody has written in between.
TEST_F(SessionTest, PuttingBackWritesNothingToTheFile) {
  carry_out({up("0", "CREATE TABLE t (a);"),
             planned_script("1", "-- migrate:up transaction:off\nPRAGMA auto_vacuum = INCREMENTAL;\nVACUUM;")});
  const std::string before = read_file(folder / "app.db");
  site().connection().reset_session();
  EXPECT_EQ(read_file(folder / "app.db"), before);
}

// --- A revision that commits in several parts ---

class SessionInParts : public SessionTest {
 protected:
  /// What the last step finds set.
  const std::string parts =
      "PRAGMA recursive_triggers = ON;\nPRAGMA case_sensitive_like = ON;\nPRAGMA legacy_alter_table = ON;\n"
      "CREATE TABLE t (a);\nPRAGMA legacy_alter_table = OFF;\n"
      "-- migrate:step alone transaction:off\nCREATE TABLE u (a);\n"
      "-- migrate:step last\nINSERT INTO u SELECT recursive_triggers || ('a' LIKE 'A') || legacy_alter_table FROM "
      "pragma_recursive_triggers, pragma_legacy_alter_table;";

  std::string found() { return read("SELECT a FROM u"); }
};

TEST_F(SessionInParts, KeepsItsSettingsFromPartToPart) {
  carry_out({up("1", parts)});
  EXPECT_EQ(found(), "100");
}

TEST_F(SessionInParts, IsResumedWithTheSettingsOfItsEarlierParts) {
  auto plan = Plan{up("1", parts)};
  listener.at_statement = [&, runs = 0](Connection&) mutable {
    if (++runs == 7) throw Error(ErrorCode::timed_out, "the process is gone");
  };
  const Error error = failure_of(plan);
  ASSERT_TRUE(error.is_unfinished()) << error.what();
  listener.at_statement = {};
  reopen();
  Executor(site().parts(), listener, options, stop.get_token()).resume(plan, {.revision = 0, .step = 6, .after = ""});
  EXPECT_EQ(found(), "100");
}

/// On the same connection, which has everything set that the interrupted revision had.
TEST_F(SessionInParts, IsResumedInTheSameWayOnAConnectionThatHasMoreSet) {
  auto plan = Plan{up("1", parts)};
  listener.at_statement = [&, runs = 0](Connection&) mutable {
    if (++runs == 7) throw Error(ErrorCode::timed_out, "the process is gone");
  };
  failure_of(plan);
  listener.at_statement = {};
  site().connection().run({"PRAGMA legacy_alter_table = ON", "", 0}, {});
  Executor(site().parts(), listener, options, stop.get_token()).resume(plan, {.revision = 0, .step = 6, .after = ""});
  EXPECT_EQ(found(), "100");
}

}  // namespace
}  // namespace belay::engine

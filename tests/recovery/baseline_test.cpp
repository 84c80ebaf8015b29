#include "recovery/baseline.h"

#include "tests/recovery/fix_state_fixture.h"

namespace belay::recovery {
namespace {

namespace fs = std::filesystem;

class BaselineTest : public FixStateFixture {
 protected:
  const ScriptHeader header{.id = "001", .message = "as found", .created = "2026-11-22T12:00:00Z", .author = "me"};

  Baseline plan_baseline() { return migrator(listener).plan_baseline(header, file()); }
  [[nodiscard]] fs::path file() const { return folder / "versions/001.sql"; }
  /// As the command does it.
  void baseline() { baseline(listener); }
  void baseline(Listener& heard) {
    Migrator migrator(settings, heard);
    const auto planned = migrator.plan_baseline(header, file());
    if (!planned.text.empty()) write_file(file(), planned.text);
    migrator.stamp_baseline(planned.existing.empty() ? header.id : planned.existing);
  }
  void killed_at(const std::string& word) {
    const int status = run_child([&] {
      Listener deadly;
      deadly.at[word] = die;
      baseline(deadly);
    });
    ASSERT_TRUE(was_killed(status)) << "nothing said: " << word;
  }
  Error refused_baseline() {
    return error_of<Error>([&] { plan_baseline(); });
  }
};

TEST_F(BaselineTest, LiveSchemaBecomesTheFirstRevision) {
  run("CREATE TABLE rooms (id INTEGER PRIMARY KEY, code TEXT NOT NULL UNIQUE); INSERT INTO rooms VALUES (1, 'a')");
  baseline();
  EXPECT_EQ(read("SELECT code FROM rooms"), "a");
  expect_fixed("001");
  EXPECT_EQ(read_file(file()),
            "-- revision: 001\n-- parents:  base\n-- message:  as found\n-- created:  2026-11-22T12:00:00Z\n"
            "-- author:   me\n\n-- The schema as it was found when belay took the database over.\n\n-- migrate:up\n"
            "CREATE TABLE rooms (id INTEGER PRIMARY KEY, code TEXT NOT NULL UNIQUE);\n\n-- migrate:down\n"
            "DROP TABLE rooms;\n");
}

TEST_F(BaselineTest, ObjectsComeInTheOrderInWhichTheyNeedEachOther) {
  run("CREATE TABLE child (p REFERENCES \"Parent of all\"); CREATE TABLE \"Parent of all\" (id INTEGER PRIMARY KEY);"
      "CREATE VIEW outer_view AS SELECT * FROM inner_view; CREATE VIEW inner_view AS SELECT p FROM child;"
      "CREATE TRIGGER tr AFTER INSERT ON child BEGIN UPDATE child SET p = 1; DELETE FROM child; END;"
      "CREATE INDEX child_p ON child (p) WHERE p > 1");
  const auto connection = engine::connect(Places(settings).url, {.lock_timeout = {}, .read_only = true});
  const auto sql = sql_of(live_schema(*connection, "belay_version"));
  EXPECT_EQ(sql.down,
            (std::vector<std::string>{"DROP TRIGGER tr", "DROP VIEW outer_view", "DROP VIEW inner_view",
                                      "DROP INDEX child_p", "DROP TABLE child", "DROP TABLE \"Parent of all\""}));
  EXPECT_EQ(sql.up.front(), "CREATE TABLE \"Parent of all\" (id INTEGER PRIMARY KEY)");
}

TEST_F(BaselineTest, EveryKindOfObjectIsMadeAgainExactly) {
  run("CREATE TABLE a (id INTEGER PRIMARY KEY AUTOINCREMENT, n TEXT COLLATE NOCASE DEFAULT 'it''s; -- no', g AS (n || "
      "1),"
      " CHECK (n <> '/*')); CREATE TABLE b (k TEXT PRIMARY KEY, a INTEGER REFERENCES c) STRICT, WITHOUT ROWID;"
      "CREATE TABLE c (b TEXT PRIMARY KEY REFERENCES b); ALTER TABLE a ADD COLUMN late INT;"
      "CREATE VIRTUAL TABLE f USING fts5(body, tokenize = 'porter'); INSERT INTO f VALUES ('words');"
      "CREATE INDEX e ON a (lower(n) DESC) WHERE late IS NOT NULL; INSERT INTO a (n) VALUES ('x');"
      "CREATE VIEW w (x) AS SELECT n FROM a -- trailing\n; CREATE TRIGGER i INSTEAD OF INSERT ON w BEGIN"
      " INSERT INTO a (n) VALUES (NEW.x); END; ANALYZE");
  baseline();
  EXPECT_EQ(read("SELECT body FROM f"), "words");
  expect_fixed("001");
  EXPECT_EQ(read_file(file()).find("f_data"), std::string::npos);
  settings.database = "again.db";
  upgrade();
  downgrade("base");
  EXPECT_EQ(engine::read(folder / "again.db",
                         "SELECT count(*) FROM sqlite_schema WHERE name NOT LIKE 'belay%' AND name "
                         "NOT LIKE 'sqlite%'"),
            "0");
}

TEST_F(BaselineTest, TablesOfOtherToolsAreLeftAlone) {
  run("CREATE TABLE t (id INTEGER); CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL)");
  baseline();
  EXPECT_EQ(read_file(file()).find("alembic"), std::string::npos);
  EXPECT_EQ(read("SELECT count(*) FROM sqlite_schema WHERE name = 'alembic_version'"), "1");
  expect_fixed("001");
}

TEST_F(BaselineTest, ScriptThatAKilledOneLeftIsOnlyStamped) {
  run("CREATE TABLE t (id INTEGER)");
  write_file(file(), plan_baseline().text);
  EXPECT_EQ(plan_baseline().text, "");
  baseline();
  expect_fixed("001");
}

TEST_F(BaselineTest, KilledOneIsFinishedByTheSameCommand) {
  run("CREATE TABLE t (id INTEGER)");
  killed_at("began 001");
  EXPECT_EQ(plan_baseline().existing, "001");
  killed_at("committed 001");
  EXPECT_EQ(applied(), "001");
  EXPECT_EQ(plan_baseline().existing, "001");
  baseline();
  expect_fixed("001");
}

/// Its stamp is then one like any other.
TEST_F(BaselineTest, KilledOneWhoseScriptIsNoLongerTheOnlyOneIsNotFinished) {
  run("CREATE TABLE t (id INTEGER)");
  killed_at("committed 001");
  script("002", "CREATE TABLE u (id INTEGER);");
  auto error = refused_baseline();
  EXPECT_EQ(error.code(), ErrorCode::not_applicable);
  EXPECT_NE(std::string(error.what()).find("says that revisions are applied"), std::string::npos) << error.what();
  fs::remove(file());
  script("002", "CREATE TABLE t (id INTEGER);\n-- migrate:down\nDROP TABLE t;");
  error = refused_baseline();
  EXPECT_EQ(error.code(), ErrorCode::not_applicable);
  EXPECT_NE(std::string(error.what()).find("says that revisions are applied"), std::string::npos) << error.what();
}

TEST_F(BaselineTest, OtherScriptsAreInTheWay) {
  run("CREATE TABLE t (id INTEGER)");
  script("001", "CREATE TABLE u (id INTEGER);");
  EXPECT_EQ(refused_baseline().code(), ErrorCode::unknown_schema);
  script("002", "CREATE TABLE v (id INTEGER);");
  EXPECT_EQ(refused_baseline().code(), ErrorCode::not_applicable);
}

TEST_F(BaselineTest, InterruptedRunIsSettledFirst) {
  scripts(2);
  upgrade_until_call("before commit");
  EXPECT_EQ(refused_baseline().code(), ErrorCode::unfinished_run);
}

TEST_F(BaselineTest, StampsAreInTheWay) {
  scripts(2);
  upgrade();
  fs::remove_all(folder / "versions");
  fs::create_directory(folder / "versions");
  EXPECT_EQ(refused_baseline().code(), ErrorCode::not_applicable);
}

TEST_F(BaselineTest, EmptyDatabaseHasNone) {
  EXPECT_EQ(refused_baseline().code(), ErrorCode::not_applicable);
}

TEST_F(BaselineTest, SchemaThatNoScriptCanMakeIsRefused) {
  run("CREATE TABLE t (id INTEGER,\n-- migrate:down\nn TEXT)");
  EXPECT_EQ(refused_baseline().code(), ErrorCode::unknown_schema);
  EXPECT_FALSE(fs::exists(file()));
}

TEST_F(BaselineTest, ScriptThatIsThereHasToMakeExactlyThisSchemaAndTakeItBack) {
  run("CREATE TABLE t (id)");
  for (const char* up :
       {"CREATE TABLE u (id);", "SELECT nonsense;", "CREATE TABLE t (id);\n-- migrate:down\nSELECT 1;"}) {
    script("001", up);
    EXPECT_EQ(refused_baseline().code(), ErrorCode::unknown_schema) << up;
  }
}

TEST_F(BaselineTest, WithoutAnAuthorItNamesNone) {
  EXPECT_EQ(baseline_script(versions::schema::Schema(), {.id = "001", .message = "", .created = "", .author = ""})
                .find("author"),
            std::string::npos);
}

TEST_F(BaselineTest, DatabaseWhoseJournalIsLostCanHaveOne) {
  scripts(1);
  upgrade();
  run("DELETE FROM belay_version");
  fs::remove(folder / "versions/001.sql");
  lose_journal();
  baseline();
  expect_fixed("001");
}

}  // namespace
}  // namespace belay::recovery

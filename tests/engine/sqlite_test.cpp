// What only SQLite has: its settings, files, PRAGMAs and locks.

#include "engine/drivers/sqlite.h"

#include <pwd.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <csignal>

#include "tests/engine/driver_conformance.h"
#include "tests/engine/raw.h"

namespace belay::engine {
namespace {

namespace fs = std::filesystem;

std::unique_ptr<Connection> open_app(const Folder& folder, const ConnectionOptions& options) {
  return drivers::open_sqlite(folder / "app.db", options);
}

const DriverUnderTest sqlite{
    .name = "sqlite",
    .open = open_app,
    .endless = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT max(i) FROM n"};

INSTANTIATE_TEST_SUITE_P(Sqlite, DriverConformance, testing::Values(sqlite),
                         [](const auto& suite) { return suite.param.name; });
INSTANTIATE_TEST_SUITE_P(Sqlite, DriverConstraints, testing::Values(sqlite),
                         [](const auto& suite) { return suite.param.name; });

class Sqlite : public testing::Test {
 protected:
  static constexpr ConnectionOptions read_only{.lock_timeout = std::chrono::milliseconds(0), .read_only = true};

  std::unique_ptr<Connection> open(const ConnectionOptions& options = {}) const { return open_app(folder, options); }
  Connection& db() {
    if (!connection_) connection_ = open({.lock_timeout = std::chrono::milliseconds(0)});
    return *connection_;
  }
  void run(const std::string& sql) { db().run({sql, "1.sql", 1}, {}); }
  ErrorCode refusal_of(const std::string& sql) {
    return code_of([&] { run(sql); });
  }
  std::int64_t pragma(const std::string& name) {
    return std::get<std::int64_t>(db().query("PRAGMA " + name).at(0).at(0));
  }
  std::string journal_mode() { return std::get<std::string>(db().query("PRAGMA journal_mode").at(0).at(0)); }

  Folder folder;

 private:
  std::unique_ptr<Connection> connection_;
};

TEST_F(Sqlite, SyncsTheUnlinkOfItsJournalAndLeavesForeignKeysToBelay) {
  EXPECT_EQ(pragma("synchronous"), 3);
  EXPECT_EQ(pragma("foreign_keys"), 0);
}

TEST_F(Sqlite, PagesThatAreFreedAreOverwrittenOnlyOnRequest) {
  for (const bool requested : {false, true}) {
    const fs::path file = folder / (requested ? "requested.db" : "app.db");
    const auto connection = drivers::open_sqlite(file, {.secure_delete = requested});
    connection->query("CREATE TABLE t (v)");
    connection->query(
        "WITH n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 100) "
        "INSERT INTO t SELECT 'a secret' || hex(zeroblob(500)) FROM n");
    connection->query("DROP TABLE t");
    EXPECT_EQ(read_file(file).find("a secret") == std::string::npos, requested);
  }
}

TEST_F(Sqlite, ReadOnlyConnectionCreatesNoFile) {
  EXPECT_EQ(code_of([&] { open(read_only); }), ErrorCode::unavailable);
  EXPECT_TRUE(folder.names().empty());
}

TEST_F(Sqlite, ReadOnlyConnectionWritesNothing) {
  engine::run(folder / "app.db", "CREATE TABLE t (id)");
  const std::string before = read_file(folder / "app.db");
  const auto connection = open(read_only);
  for (const char* sql : {"INSERT INTO t VALUES (1)", "CREATE TABLE u (id)", "DROP TABLE t", "PRAGMA user_version = 1"})
    EXPECT_EQ(code_of([&] { connection->run({sql, "1.sql", 1}, {}); }), ErrorCode::read_only) << sql;
  EXPECT_EQ(code_of([&] {
              connection->run({"PRAGMA query_only = OFF", "1.sql", 1}, {});
            }),
            ErrorCode::refused_statement);
  EXPECT_EQ(read_file(folder / "app.db"), before);
  EXPECT_EQ(folder.names(), std::set<std::string>{"app.db"});
}

TEST_F(Sqlite, ReadOnlyConnectionToAWalDatabaseLeavesNoFiles) {
  engine::run(folder / "app.db", "PRAGMA journal_mode = WAL; CREATE TABLE t (id)");
  const std::string before = read_file(folder / "app.db");
  open(read_only)->query("SELECT * FROM t");
  EXPECT_EQ(read_file(folder / "app.db"), before);
  EXPECT_EQ(folder.names(), std::set<std::string>{"app.db"});
}

TEST_F(Sqlite, FileThatIsNoDatabaseIsLeftAlone) {
  write_file(folder / "app.db", std::string(5000, 'x'));
  EXPECT_EQ(code_of([&] { open(); }), ErrorCode::not_a_database);
  EXPECT_EQ(read_file(folder / "app.db"), std::string(5000, 'x'));
}

TEST_F(Sqlite, FolderIsNoDatabase) {
  fs::create_directory(folder / "app.db");
  EXPECT_EQ(code_of([&] { open(); }), ErrorCode::unavailable);
}

TEST_F(Sqlite, MissingFolderIsNamed) {
  const auto error = error_of([&] { drivers::open_sqlite(folder / "no/app.db", {}); });
  EXPECT_EQ(error.code(), ErrorCode::unavailable);
  EXPECT_NE(std::string(error.what()).find((folder / "no").string()), std::string::npos);
}

TEST_F(Sqlite, FileAsTheFolderOfADatabaseIsUnavailable) {
  write_file(folder / "file", "x");
  EXPECT_EQ(code_of([&] { drivers::open_sqlite(folder / "file/app.db", {}); }), ErrorCode::unavailable);
}

/// Permissions hold for others than root only.
void as_nobody() {
  if (geteuid() != 0) return;
  const passwd* nobody = getpwnam("nobody");
  ASSERT_NE(nobody, nullptr);
  ASSERT_EQ(setgid(nobody->pw_gid), 0);
  ASSERT_EQ(setuid(nobody->pw_uid), 0);
}

TEST_F(Sqlite, FileThatMayNotBeWrittenIsReadOnlyAndCanBeRead) {
  engine::run(folder / "app.db", "CREATE TABLE t (id); INSERT INTO t VALUES (1)");
  chmod((folder / "app.db").c_str(), 0444);
  chmod(folder.path().c_str(), 0777);
  const int status = run_child([&] {
    as_nobody();
    EXPECT_EQ(code_of([&] { open(); }), ErrorCode::read_only);
    EXPECT_EQ(open(read_only)->query("SELECT id FROM t").at(0).at(0), Value(std::int64_t{1}));
  });
  EXPECT_EQ(status, 0);
}

TEST_F(Sqlite, FolderThatMayNotBeWrittenIsReadOnly) {
  engine::run(folder / "app.db", "CREATE TABLE t (id)");
  chmod((folder / "app.db").c_str(), 0666);
  chmod(folder.path().c_str(), 0555);
  const int status = run_child([&] {
    as_nobody();
    EXPECT_EQ(code_of([&] { open(); }), ErrorCode::read_only);
    EXPECT_EQ(code_of([&] { drivers::open_sqlite(folder / "new.db", {}); }), ErrorCode::read_only);
  });
  EXPECT_EQ(status, 0);
}

TEST_F(Sqlite, FileThatMayNotBeReadIsUnavailable) {
  engine::run(folder / "app.db", "CREATE TABLE t (id)");
  chmod((folder / "app.db").c_str(), 0000);
  chmod(folder.path().c_str(), 0777);
  const int status = run_child([&] {
    as_nobody();
    EXPECT_EQ(code_of([&] { open(read_only); }), ErrorCode::unavailable);
  });
  EXPECT_EQ(status, 0);
}

TEST_F(Sqlite, FullDatabaseIsAnErrorOfItsOwnAndLeavesNothing) {
  run("CREATE TABLE t (v)");
  db().query("PRAGMA max_page_count = 10");
  db().begin();
  EXPECT_EQ(refusal_of("INSERT INTO t VALUES (randomblob(100000))"), ErrorCode::no_space);
  db().rollback();
  EXPECT_EQ(read(folder / "app.db", "SELECT count(*) FROM t; PRAGMA integrity_check"), "0\nok");
}

TEST_F(Sqlite, NoRoomForTheFilesOfAWalIsAFullDisk) {
  engine::run(folder / "app.db", "PRAGMA journal_mode = WAL; CREATE TABLE t (id)");
  const int status = run_child([&] {
    std::signal(SIGXFSZ, SIG_IGN);
    const rlimit page{4096, 4096};
    setrlimit(RLIMIT_FSIZE, &page);
    EXPECT_EQ(code_of([&] { open()->begin(); }), ErrorCode::no_space);
  });
  EXPECT_EQ(status, 0);
}

// --- PRAGMAs ---

TEST_F(Sqlite, SettingsThatBelayReliesOnAreRefused) {
  for (const char* sql : {"PRAGMA foreign_keys = ON", "PRAGMA foreign_keys(0)", "PRAGMA Foreign_Keys = OFF",
                          "PRAGMA synchronous = OFF", "PRAGMA main.synchronous = NORMAL",
                          "PRAGMA locking_mode = EXCLUSIVE", "PRAGMA query_only = ON", "PRAGMA busy_timeout = 0"})
    EXPECT_EQ(refusal_of(sql), ErrorCode::refused_statement) << sql;
  EXPECT_EQ(pragma("synchronous"), 3);
}

TEST_F(Sqlite, SettingsMayBeRead) {
  for (const char* sql : {"PRAGMA foreign_keys", "PRAGMA synchronous", "PRAGMA journal_mode", "PRAGMA table_info(t)",
                          "PRAGMA busy_timeout"})
    run(sql);
}

TEST_F(Sqlite, JournalModeIsRefusedInATransactionAndAllowedOutside) {
  db().begin();
  EXPECT_EQ(refusal_of("PRAGMA journal_mode = WAL"), ErrorCode::refused_statement);
  db().rollback();
  run("PRAGMA journal_mode = WAL");
  EXPECT_EQ(journal_mode(), "wal");
  EXPECT_EQ(pragma("synchronous"), 3);
}

/// Without a journal of SQLite's own a crash leaves a corrupt database.
TEST_F(Sqlite, JournalModesThatDoNotOutliveACrashAreRefused) {
  for (const char* sql : {"PRAGMA journal_mode = OFF", "PRAGMA journal_mode = memory", "PRAGMA journal_mode('Memory')",
                          "PRAGMA main.journal_mode = off"})
    EXPECT_EQ(refusal_of(sql), ErrorCode::refused_statement) << sql;
  EXPECT_EQ(journal_mode(), "delete");
}

TEST_F(Sqlite, VacuumWorksOutsideATransactionAndNotIntoAnotherFile) {
  run("CREATE TABLE t (id)");
  run("VACUUM");
  EXPECT_EQ(refusal_of("VACUUM INTO 'other.db'"), ErrorCode::refused_statement);
  EXPECT_EQ(refusal_of("VACUUM main INTO '" + (folder / "other.db").string() + "'"), ErrorCode::refused_statement);
  EXPECT_EQ(folder.names(), std::set<std::string>{"app.db"});
  db().begin();
  EXPECT_EQ(refusal_of("VACUUM"), ErrorCode::statement_failed);
}

TEST_F(Sqlite, RulesHoldAgainAfterAVacuum) {
  db().protect({"belay_state"});
  db().query("CREATE TABLE belay_state (id)");
  run("VACUUM");
  EXPECT_EQ(refusal_of("DROP TABLE belay_state"), ErrorCode::refused_statement);
  EXPECT_EQ(refusal_of("BEGIN"), ErrorCode::refused_statement);
}

TEST_F(Sqlite, StandaloneIsWhatSqliteKeepsOutOfTransactions) {
  for (const char* sql : {"VACUUM", "vacuum main", "/* c */ VACUUM", "-- c\nVACUUM", "PRAGMA journal_mode = WAL",
                          "pragma main.journal_mode=wal", "PRAGMA page_size = 8192", "PRAGMA auto_vacuum = 1",
                          "PRAGMA wal_checkpoint(TRUNCATE)"})
    EXPECT_TRUE(db().standalone(sql) && db().repeatable(sql)) << sql;
  for (const char* sql : {"CREATE TABLE vacuum (id)", "SELECT 'VACUUM'", "PRAGMA user_version = 1",
                          "PRAGMA incremental_vacuum", "INSERT INTO t VALUES ('PRAGMA journal_mode')", ""})
    EXPECT_FALSE(db().standalone(sql)) << sql;
}

// --- Violations that only SQLite can have ---

class SqliteConstraints : public Sqlite {
 protected:
  std::string verdict_of(std::initializer_list<std::string> statements) {
    const auto fresh = open();
    fresh->begin();
    for (const auto& sql : statements) fresh->run({sql, "1.sql", 1}, {});
    try {
      fresh->check_constraints();
    } catch (const Error& error) {
      return error.what();
    }
    return "";
  }
  bool violates(std::initializer_list<std::string> statements) { return !verdict_of(statements).empty(); }
  void given(const std::string& sql) const { engine::run(folder / "app.db", sql); }
};

TEST_F(SqliteConstraints, ChildWithoutRowidIsLookedAt) {
  given(
      "CREATE TABLE p (id INTEGER PRIMARY KEY); INSERT INTO p VALUES (1);"
      "CREATE TABLE c (id TEXT PRIMARY KEY, p REFERENCES p) WITHOUT ROWID; INSERT INTO c VALUES ('old', 7)");
  EXPECT_FALSE(violates({"INSERT INTO c VALUES ('a', 1)", "UPDATE c SET id = 'older' WHERE id = 'old'"}));
  EXPECT_TRUE(violates({"INSERT INTO c VALUES ('a', 8)"}));
}

TEST_F(SqliteConstraints, ColumnCalledRowidIsNoRowid) {
  given(
      "CREATE TABLE p (id INTEGER PRIMARY KEY);"
      "CREATE TABLE c (rowid TEXT, p REFERENCES p); CREATE TABLE d (rowid, _rowid_, oid, p REFERENCES p)");
  const std::string verdict = verdict_of({"INSERT INTO c VALUES ('a', 77)"});
  EXPECT_NE(verdict.find("77"), std::string::npos) << verdict;
  EXPECT_TRUE(violates({"INSERT INTO d VALUES ('a', 'b', 'c', 7)"}));
}

TEST_F(SqliteConstraints, ForeignKeyThatFitsNoKeyIsFound) {
  given("CREATE TABLE p (id INTEGER, v)");
  const std::string verdict = verdict_of({"CREATE TABLE c (p REFERENCES p (id))"});
  EXPECT_NE(verdict.find("mismatch"), std::string::npos) << verdict;
  EXPECT_FALSE(violates({"CREATE TABLE c (p REFERENCES p (id))", "CREATE UNIQUE INDEX i ON p (id)"}));
}

TEST_F(SqliteConstraints, ForeignKeyThatFittedNoKeyBeforeIsLeft) {
  given("CREATE TABLE p (id INTEGER, v); CREATE TABLE c (p REFERENCES p (id))");
  EXPECT_FALSE(violates({"INSERT INTO c VALUES (1)"}));
}

TEST_F(SqliteConstraints, IndexThatAForeignKeyNeedsMayNotGo) {
  given(
      "CREATE TABLE p (id INTEGER); CREATE UNIQUE INDEX i ON p (id); CREATE TABLE c (p REFERENCES p (id));"
      "INSERT INTO p VALUES (1); INSERT INTO c VALUES (1)");
  EXPECT_TRUE(violates({"DROP INDEX i"}));
}

TEST_F(SqliteConstraints, TemporaryTablesAreOnesOwnBusiness) {
  given("CREATE TABLE p (id INTEGER PRIMARY KEY)");
  EXPECT_FALSE(violates({"CREATE TEMP TABLE c (p REFERENCES p)", "INSERT INTO c VALUES (7)"}));
}

TEST_F(SqliteConstraints, RewrittenSchemaIsLookedAtAsAWhole) {
  given("CREATE TABLE p (id INTEGER PRIMARY KEY); CREATE TABLE c (p); INSERT INTO c VALUES (7)");
  EXPECT_TRUE(violates({"PRAGMA writable_schema = ON",
                        "UPDATE sqlite_schema SET sql = 'CREATE TABLE c (p REFERENCES p)' WHERE name = 'c'",
                        "PRAGMA writable_schema = RESET"}));
}

TEST_F(SqliteConstraints, RewrittenSchemaLeavesViolationsThatWereThere) {
  given("CREATE TABLE p (id INTEGER PRIMARY KEY); CREATE TABLE c (p REFERENCES p); INSERT INTO c VALUES (7)");
  EXPECT_FALSE(violates({"PRAGMA writable_schema = ON", "PRAGMA writable_schema = RESET"}));
  EXPECT_FALSE(violates({"PRAGMA writable_schema = ON", "UPDATE sqlite_schema SET sql = sql",
                         "PRAGMA writable_schema = RESET", "INSERT INTO c VALUES (NULL)"}));
}

TEST_F(SqliteConstraints, VirtualTablesAreNoTrouble) {
  given("CREATE TABLE p (id INTEGER PRIMARY KEY); CREATE TABLE c (p REFERENCES p)");
  EXPECT_FALSE(violates({"CREATE VIRTUAL TABLE f USING fts5(v)", "INSERT INTO f VALUES ('words')",
                         "INSERT INTO c SELECT NULL FROM f WHERE f MATCH 'words'", "DROP TABLE f"}));
}

}  // namespace
}  // namespace belay::engine

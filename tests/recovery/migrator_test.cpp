#include "recovery/migrator.h"

#include "tests/recovery/fixture.h"
#include "versions/error.h"

namespace belay::recovery {
namespace {

namespace fs = std::filesystem;

class MigratorTest : public ProjectTest {
 protected:
  static std::string texts(const std::vector<versions::RevisionId>& ids) {
    std::string text;
    for (const auto& id : ids) text += (text.empty() ? "" : " ") + id.text;
    return text;
  }
  static std::string done(const Report& report) {
    std::string text;
    for (const auto& revision : report.revisions) text += (text.empty() ? "" : " ") + revision.revision.text;
    return text;
  }
  ErrorCode refusal() {
    return code_of<Error>([&] { upgrade(); });
  }
};

// --- Forward and back ---

TEST_F(MigratorTest, UpgradeAppliesWhatIsPendingAndSaysSo) {
  scripts(3);
  upgrade("002");
  const auto report = upgrade();
  EXPECT_EQ(texts(report.from), "002");
  EXPECT_EQ(texts(report.to), "003");
  EXPECT_EQ(done(report), "003");
  expect_settled();
}

/// As in a container that knows no users.
TEST_F(MigratorTest, UserWithoutANameIsANumber) {
  scripts(1);
  fail_call({.name = "getpwuid"});
  upgrade();
  const auto number = std::to_string(::geteuid()) + "@";
  EXPECT_EQ(read("SELECT applied_by FROM belay_version").substr(0, number.size()), number);
}

TEST_F(MigratorTest, DowngradeTakesBackNewestFirst) {
  scripts(3);
  upgrade();
  const auto report = downgrade("001");
  EXPECT_EQ(done(report), "003 002");
  EXPECT_EQ(report.revisions.at(0).action, journal::Action::down);
  EXPECT_EQ(texts(report.to), "001");
  EXPECT_EQ(read("SELECT count(*) FROM t"), "0");
  EXPECT_EQ(texts(downgrade("base").to), "");
  EXPECT_EQ(applied(), "NULL");
}

TEST_F(MigratorTest, StampRecordsWithoutRunning) {
  scripts(3);
  EXPECT_EQ(texts(stamp({"002"}).to), "002");
  EXPECT_EQ(applied(), "001 002");
  EXPECT_EQ(read("SELECT count(*) FROM sqlite_schema WHERE name = 't'"), "0");
  stamp({"001"});
  EXPECT_EQ(applied(), "001");
  stamp({"base"});
  EXPECT_EQ(applied(), "NULL");
}

TEST_F(MigratorTest, StampAcceptsAnEditedScript) {
  scripts(2);
  upgrade();
  script("002", "SELECT 1;");
  EXPECT_EQ(refusal(), ErrorCode::drift);
  EXPECT_EQ(done(stamp({"head"})), "002");
  expect_settled();
}

TEST_F(MigratorTest, DatabaseThatBelayHasNotMadeIsMigratedAsItIs) {
  run("CREATE TABLE mine (id); INSERT INTO mine VALUES (1)");
  scripts(2);
  upgrade();
  EXPECT_EQ(read("SELECT * FROM mine"), "1");
  expect_settled();
}

TEST_F(MigratorTest, SqlHooksRunWithTheRevisionsAndAreNoRevisions) {
  scripts(2);
  run("CREATE TABLE log (what)");
  const auto hook = [](const std::string& what) {
    return std::vector<SqlHook>{{what + ".sql", {{"INSERT INTO log VALUES ('" + what + "')", 1}}}};
  };
  settings.before_run = hook("first");
  settings.before_each = hook("before");
  settings.after_each = hook("after");
  settings.after_run = hook("last");
  EXPECT_EQ(done(upgrade()), "001 002");
  EXPECT_EQ(read("SELECT group_concat(what, ' ') FROM log"), "first before after before after last");
  upgrade();
  EXPECT_EQ(read("SELECT count(*) FROM log"), "6");
}

TEST_F(MigratorTest, SqlHookThatFailsStopsTheRunBeforeItsRevision) {
  scripts(2);
  settings.before_each = {{"bad.sql", {{"INSERT INTO nowhere VALUES (1)", 1}}}};
  EXPECT_THROW(upgrade(), engine::Error);
  EXPECT_EQ(read("SELECT count(*) FROM sqlite_schema"), "0");
}

TEST_F(MigratorTest, AtomicUpgradeIsAllOrNothing) {
  scripts(2);
  script("003", "INSERT INTO nowhere VALUES (1);");
  settings.atomic = true;
  EXPECT_THROW(upgrade(), engine::Error);
  EXPECT_EQ(read("SELECT count(*) FROM sqlite_schema"), "0");
  scripts(3);
  upgrade();
  EXPECT_EQ(read("SELECT count(DISTINCT lsn) FROM belay_version"), "1");
  expect_settled();
}

// --- Looking, and having nothing to do ---

TEST_F(MigratorTest, LookAtNothingMakesNothing) {
  scripts(2);
  const auto before = folder.names();
  const auto situation = look();
  EXPECT_FALSE(situation.exists);
  EXPECT_TRUE(situation.current.empty());
  EXPECT_TRUE(situation.consistent());
  EXPECT_EQ(folder.names(), before);
}

TEST_F(MigratorTest, UpgradeWithoutScriptsMakesNothing) {
  const auto before = folder.names();
  EXPECT_TRUE(upgrade().revisions.empty());
  EXPECT_EQ(folder.names(), before);
}

TEST_F(MigratorTest, NothingToDoOpensNothingForWriting) {
  scripts(2);
  upgrade();
  const auto names = folder.names();
  const auto database = read_file(folder / "app.db");
  const auto log = read_file(folder / "app.db-belay/journal.lmdb");
  upgrade();
  look();
  EXPECT_EQ(folder.names(), names);
  EXPECT_EQ(read_file(folder / "app.db"), database);
  EXPECT_EQ(read_file(folder / "app.db-belay/journal.lmdb"), log);
}

TEST_F(MigratorTest, UnknownTargetMakesNothing) {
  scripts(2);
  const auto before = folder.names();
  EXPECT_THROW(upgrade("nine"), versions::Error);
  EXPECT_THROW(downgrade("001"), versions::Error);
  EXPECT_EQ(folder.names(), before);
}

TEST_F(MigratorTest, LookTellsWhereTheDatabaseIs) {
  scripts(3);
  upgrade("002");
  const auto situation = look();
  EXPECT_TRUE(situation.exists);
  EXPECT_EQ(situation.stamps.size(), 2U);
  EXPECT_EQ(texts(situation.current), "002");
  EXPECT_EQ(situation.applied, (std::vector<bool>{true, true, false}));
  EXPECT_FALSE(situation.running);
}

TEST_F(MigratorTest, LookTellsOfAnInterruptedRunAndLeavesIt) {
  scripts(3);
  settings.hooks_between = true;
  upgrade_until("committed 002");
  const auto log = read_file(folder / "app.db-belay/journal.lmdb");
  const auto situation = look();
  ASSERT_TRUE(situation.interrupted);
  EXPECT_EQ(situation.interrupted->verdict, Verdict::redo);
  EXPECT_FALSE(situation.interrupted->description.empty());
  EXPECT_EQ(texts(situation.current), "002");
  EXPECT_EQ(read_file(folder / "app.db-belay/journal.lmdb"), log);
  EXPECT_TRUE(upgrade().recovered);
  expect_settled();
}

/// Killed while SQLite was writing the database itself: what it wrote is rolled back by whoever looks first.
TEST_F(MigratorTest, LookAtADatabaseWithAHotJournalSeesItAsBefore) {
  scripts(1);
  upgrade();
  const int status = run_child([&] {
    const auto connection = engine::connect(Places(settings).url, {});
    connection->query("PRAGMA cache_size = 1");
    connection->begin();
    connection->query(
        "INSERT INTO t WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 50000) "
        "SELECT i FROM n");
    die();
  });
  ASSERT_TRUE(was_killed(status));
  ASSERT_TRUE(folder.names().contains("app.db-journal"));
  EXPECT_EQ(texts(look().current), "001");
  EXPECT_EQ(read("SELECT count(*) FROM t"), "0");
  expect_settled();
}

// --- Drift ---

TEST_F(MigratorTest, EditedScriptIsRefused) {
  scripts(3);
  upgrade("002");
  script("001", "CREATE TABLE other (id);");
  const auto error = error_of<Error>([&] { upgrade(); });
  EXPECT_EQ(error.code(), ErrorCode::drift);
  EXPECT_NE(error.file().find("001.sql"), std::string::npos);
  EXPECT_EQ(applied(), "001 002");
  EXPECT_FALSE(look().consistent());
}

TEST_F(MigratorTest, MissingScriptIsRefused) {
  scripts(3);
  upgrade();
  fs::remove(folder / "versions/003.sql");
  EXPECT_EQ(refusal(), ErrorCode::drift);
  EXPECT_EQ(look().drift.size(), 1U);
}

TEST_F(MigratorTest, CommentMayBeEdited) {
  scripts(1);
  upgrade();
  script("001", "-- a table\nCREATE TABLE t (id   INTEGER PRIMARY KEY);\n-- migrate:down\nDROP TABLE t;");
  expect_settled();
}

// --- Journal and database that do not belong together ---

TEST_F(MigratorTest, LostJournalIsRefused) {
  scripts(2);
  upgrade("001");
  fs::remove_all(folder / "app.db-belay");
  const auto before = folder.names();
  EXPECT_EQ(refusal(), ErrorCode::journal_lost);
  ASSERT_TRUE(look().problem);
  EXPECT_EQ(look().problem->code(), ErrorCode::journal_lost);
  EXPECT_EQ(folder.names(), before);
  EXPECT_EQ(applied(), "001");
}

TEST_F(MigratorTest, JournalOfAnotherDatabaseIsRefused) {
  scripts(2);
  upgrade("001");
  settings.database = "other.db";
  upgrade("001");
  fs::remove_all(folder / "app.db-belay");
  fs::rename(folder / "other.db-belay", folder / "app.db-belay");
  settings.database = "app.db";
  EXPECT_EQ(refusal(), ErrorCode::foreign);
  EXPECT_EQ(applied(), "001");
}

TEST_F(MigratorTest, SwappedDatabaseIsRefused) {
  scripts(2);
  upgrade("001");
  settings.database = "other.db";
  upgrade("001");
  fs::rename(folder / "other.db", folder / "app.db");
  settings.database = "app.db";
  EXPECT_EQ(refusal(), ErrorCode::foreign);
}

TEST_F(MigratorTest, RemovedDatabaseIsRefusedAndNotMadeAnew) {
  scripts(2);
  upgrade();
  fs::remove(folder / "app.db");
  EXPECT_EQ(refusal(), ErrorCode::foreign);
  EXPECT_FALSE(fs::exists(folder / "app.db"));
}

TEST_F(MigratorTest, DatabaseThatIsRemovedUnderAnOpenRunIsRefusedAndNotMadeAnew) {
  scripts(2);
  upgrade("001");
  upgrade_until("began 002");
  fs::remove(folder / "app.db");
  EXPECT_EQ(refusal(), ErrorCode::foreign);
  EXPECT_FALSE(fs::exists(folder / "app.db"));
}

TEST_F(MigratorTest, FileThatIsNoDatabaseIsRefusedAndLeft) {
  scripts(2);
  write_file(folder / "app.db", std::string(5000, 'x'));
  const auto before = folder.names();
  EXPECT_EQ(code_of<engine::Error>([&] { upgrade(); }), engine::ErrorCode::not_a_database);
  EXPECT_EQ(read_file(folder / "app.db"), std::string(5000, 'x'));
  EXPECT_EQ(folder.names(), before);
}

TEST_F(MigratorTest, DamagedJournalIsRefusedAndLeft) {
  scripts(2);
  upgrade("001");
  write_file(folder / "app.db-belay/journal.lmdb", "garbage");
  EXPECT_EQ(code_of<journal::Error>([&] { upgrade(); }), journal::ErrorCode::damaged);
  EXPECT_EQ(read_file(folder / "app.db-belay/journal.lmdb"), "garbage");
  EXPECT_EQ(applied(), "001");
}

TEST_F(MigratorTest, DatabaseBehindALinkHasOneJournal) {
  scripts(2);
  fs::create_directory(folder / "data");
  fs::create_symlink("data/real.db", folder / "app.db");
  upgrade("001");
  EXPECT_EQ(texts(upgrade().to), "002");
  EXPECT_TRUE(fs::exists(folder / "data/real.db-belay"));
}

// --- Stopping ---

TEST_F(MigratorTest, StoppedUpgradeIsClosedAndTheNextGoesOn) {
  scripts(6);
  settings.hooks_between = true;
  std::stop_source stop;
  listener.at["committed 003"] = [&] { stop.request_stop(); };
  EXPECT_EQ(code_of<engine::Error>([&] { Migrator(settings, listener, stop.get_token()).upgrade(); }),
            engine::ErrorCode::interrupted);
  EXPECT_EQ(applied(), "001 002 003");
  EXPECT_FALSE(look().interrupted);
  EXPECT_EQ(done(upgrade()), "004 005 006");
  expect_settled();
}

}  // namespace
}  // namespace belay::recovery

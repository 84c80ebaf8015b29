// check: finds what is wrong, says it with its kind and place, and writes nothing.

#include "tests/cli/project.h"

namespace belay::cli {
namespace {

namespace fs = std::filesystem;

class Check : public Project {
 protected:
  Check() {
    configure();
    script("1001",
           {.up = "CREATE TABLE rooms (id INTEGER PRIMARY KEY, code TEXT);\nCREATE INDEX by_code ON rooms (code);"});
    script("1002",
           {.parents = "1001",
            .up = "CREATE TABLE bookings (id INTEGER PRIMARY KEY, room REFERENCES rooms);\n"
                  "CREATE VIEW busy AS SELECT room FROM bookings;\n"
                  "CREATE TRIGGER t AFTER DELETE ON rooms BEGIN DELETE FROM bookings WHERE room = old.id; END;"});
  }
  void migrate() const { must({"migrate", "-q"}); }
  void change(const std::string& sql) const { Database(root / "app.db").run(sql); }

  /// `kind: where` of each problem, a line each. Text and JSON have to agree, and nothing may have changed.
  [[nodiscard]] std::string found(int exit, Words words = {}, const Surroundings& surroundings = {}) const {
    const auto before = files();
    words.insert(words.begin(), "check");
    const Outcome plain = run(words, surroundings);
    words.push_back("--json");
    const Outcome outcome = run(words, surroundings);
    EXPECT_EQ(changed_since(before), "");
    EXPECT_EQ(outcome.exit, exit) << outcome;
    EXPECT_EQ(plain.exit, exit) << plain;
    const Json json = outcome.json();
    EXPECT_EQ(json.at("ok"), exit == exit_done);
    std::string text;
    for (const auto& problem : json.at("problems")) {
      const auto kind = problem.at("kind").get<std::string>();
      EXPECT_NE(plain.out.find(kind + ": " + problem.at("message").get<std::string>()), std::string::npos) << plain;
      EXPECT_NE(problem.at("message"), "");
      const auto where = problem.at("where").get<std::string>();
      text += (text.empty() ? "" : "\n") + kind + ": " +
              (where.starts_with('/') ? fs::path(where).lexically_proximate(root).string() : where);
    }
    return text;
  }
  /// The state of one part, and its note.
  [[nodiscard]] std::string part(const std::string& name, const Words& words = {"check", "--json"}) const {
    const Json json = run(words).json();
    for (const auto& part : json.at("parts"))
      if (part.at("part") == name)
        return part.at("state").get<std::string>() + ": " + part.at("note").get<std::string>();
    return "";
  }
  void flip(const fs::path& name, std::size_t from, std::size_t count) const {
    std::string bytes = text(name);
    ASSERT_GT(bytes.size(), from + count);
    for (std::size_t at = from; at < from + count; ++at) bytes[at] = static_cast<char>(~bytes[at]);
    write(name, bytes);
  }
};

TEST_F(Check, FindsNothingWhereEverythingIsAsItShouldBe) {
  migrate();
  EXPECT_EQ(found(exit_done), "");
  EXPECT_EQ(part("file"), "ok: integrity_check, foreign_key_check");
  EXPECT_EQ(part("schema"), "ok: 5 objects compared with what the applied revisions make");
  EXPECT_EQ(part("schema.sql"), "skipped: there is no schema.sql");
  EXPECT_EQ(part("journal").substr(0, 3), "ok:");
}

TEST_F(Check, WithoutADatabaseFindsWhatIsPending) {
  EXPECT_EQ(found(exit_differences), "pending: versions/1001.sql");
  EXPECT_EQ(part("file"), "skipped: there is no database yet");
  EXPECT_FALSE(fs::exists(root / "app.db"));
}

TEST_F(Check, FindsWhatIsPending) {
  must({"migrate", "-q", "--steps", "1"});
  EXPECT_EQ(found(exit_differences), "pending: versions/1002.sql");
}

// --- Drift ---

TEST_F(Check, FindsEveryKindOfObjectThatWasMadeByHand) {
  migrate();
  change(
      "CREATE TABLE \"Übung\" (x); CREATE INDEX i ON rooms (id, code); CREATE VIEW v AS SELECT 1; CREATE TRIGGER u "
      "AFTER INSERT ON rooms BEGIN SELECT 1; END; CREATE VIRTUAL TABLE words USING fts5(text)");
  EXPECT_EQ(found(exit_differences),
            "drift: table Übung\ndrift: virtual table words\ndrift: view v\ndrift: index i\ndrift: trigger u");
}

TEST_F(Check, FindsAColumnThatWasAddedByHand) {
  migrate();
  change("ALTER TABLE rooms ADD COLUMN floor INTEGER");
  EXPECT_EQ(found(exit_differences), "drift: table rooms");
  EXPECT_NE(run({"check"}).out.find("floor"), std::string::npos);
}

TEST_F(Check, FindsWhatWasDroppedByHand) {
  migrate();
  change("DROP INDEX by_code; DROP VIEW busy; DROP TRIGGER t");
  EXPECT_EQ(found(exit_differences), "drift: view busy\ndrift: index by_code\ndrift: trigger t");
}

TEST_F(Check, TakesTheTableOfAnotherToolForNoDrift) {
  migrate();
  change(
      "CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL, CONSTRAINT alembic_version_pkc PRIMARY KEY "
      "(version_num))");
  EXPECT_EQ(found(exit_done), "");
}

// --- The file ---

TEST_F(Check, FindsDamageInTheMiddleOfTheFile) {
  migrate();
  change(
      "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 5000) INSERT INTO rooms SELECT i, "
      "'room ' || i FROM n");
  flip("app.db", text("app.db").size() / 2, 4096);
  EXPECT_EQ(found(exit_integrity).substr(0, 12), "file: app.db");
}

TEST_F(Check, FindsAFileThatIsNoDatabaseAndLooksAtTheRest) {
  migrate();
  write("app.db", std::string(8192, 'x'));
  EXPECT_EQ(found(exit_integrity), "file: app.db");
  EXPECT_EQ(part("journal").substr(0, 3), "ok:");
  EXPECT_EQ(part("schema"), "skipped: not compared: the database cannot be read");
}

TEST_F(Check, TakesAConstraintThatOnlyTheApplicationCanCheckForNoDamage) {
  migrate();
  change(
      "CREATE TABLE odd (x CHECK (x > 0)); PRAGMA writable_schema = ON; UPDATE sqlite_schema SET sql = 'CREATE TABLE "
      "odd (x CHECK (of_the_application(x)))' WHERE name = 'odd'");
  EXPECT_EQ(found(exit_differences), "drift: table odd");
  EXPECT_EQ(part("file"), "skipped: integrity_check cannot be run: unknown function: of_the_application()");
}

TEST_F(Check, FindsADamagedCatalogue) {
  migrate();
  change("PRAGMA writable_schema = ON; UPDATE sqlite_schema SET sql = 'CREATE TABLE rooms (' WHERE name = 'rooms'");
  EXPECT_EQ(found(exit_integrity).substr(0, 12), "file: app.db");
}

TEST_F(Check, FindsRowsWithoutTheirParents) {
  migrate();
  change("INSERT INTO bookings VALUES (1, 77), (2, 78)");
  EXPECT_EQ(found(exit_integrity), "foreign-key: table bookings");
  EXPECT_NE(run({"check"}).out.find("2 rows of bookings have no parent in rooms, the first is row 1"),
            std::string::npos);
}

TEST_F(Check, AFolderInThePlaceOfTheDatabaseIsAnError) {
  fs::create_directory(root / "app.db");
  EXPECT_EQ(refusal({"check"}), (Refusal{exit_unavailable, "unavailable", "app.db"}));
}

// --- Scripts ---

TEST_F(Check, FindsAnEditedScript) {
  migrate();
  script("1002", {.parents = "1001", .up = "CREATE TABLE bookings (id INTEGER PRIMARY KEY);"});
  EXPECT_EQ(found(exit_integrity),
            "edited: versions/1002.sql\ndrift: table bookings\ndrift: view busy\ndrift: trigger t");
}

TEST_F(Check, FindsAMissingScript) {
  migrate();
  fs::remove(root / "versions/1002.sql");
  EXPECT_EQ(found(exit_integrity), "missing: 1002");
  EXPECT_EQ(part("schema"), "skipped: not compared: an applied revision has no script");
}

TEST_F(Check, FindsAParentThatIsNotApplied) {
  migrate();
  change("DELETE FROM belay_version WHERE revision = '1001'");
  EXPECT_EQ(found(exit_integrity).substr(0, 36), "parent-unapplied: versions/1002.sql\n");
}

TEST_F(Check, FindsALostVersionTable) {
  migrate();
  change("DROP TABLE belay_version");
  EXPECT_EQ(found(exit_integrity), "version-table: belay_version");
}

TEST_F(Check, FindsSeveralHeads) {
  script("1003", {.parents = "1001", .up = "SELECT 1;"});
  must({"migrate", "-q", "--to", "1003"});
  must({"migrate", "-q", "--to", "1002"});
  EXPECT_EQ(found(exit_differences), "several-heads: 1002, 1003");
}

TEST_F(Check, FindsAScriptThatIsNone) {
  migrate();
  write("versions/1003.sql", "-- migrate:upp\nSELECT 1;\n");
  EXPECT_EQ(found(exit_integrity), "script: versions/1003.sql:1");
  EXPECT_EQ(part("file"), "ok: integrity_check, foreign_key_check");
}

TEST_F(Check, FindsAScriptThatCannotBeRunFromTheBeginning) {
  script("1003", {.parents = "1002", .up = "SELECT 1;\nINSERT INTO nowhere VALUES (1);"});
  must({"stamp", "head", "--yes"});
  EXPECT_EQ(found(exit_differences, {"--files"}), "replay: versions/1003.sql:6");
}

// --- schema.sql ---

TEST_F(Check, FindsASchemaFileThatIsOutOfStep) {
  migrate();
  write("schema.sql", "CREATE TABLE rooms (id INTEGER PRIMARY KEY, code TEXT NOT NULL);\nCREATE TABLE new (x);\n");
  EXPECT_EQ(found(exit_differences),
            "schema-sql: table bookings\nschema-sql: table new\nschema-sql: table rooms\nschema-sql: view busy\n"
            "schema-sql: index by_code\nschema-sql: trigger t");
}

TEST_F(Check, TakesAnotherOrderAndFormattingForTheSameSchema) {
  migrate();
  write("schema.sql",
        "create trigger t after delete on rooms begin delete from bookings where room = old.id; end;\n"
        "create table bookings (id integer primary key, room references rooms);\n");
  EXPECT_EQ(found(exit_differences), "schema-sql: schema.sql:1");  // SQLite wants the table first.
  write("schema.sql",
        "create table bookings (id integer primary key, -- the one\n room references rooms);\n"
        "create view busy as select room from bookings;\n"
        "create table if not exists \"rooms\" (id integer primary key, code text);\n"
        "create index by_code on rooms(code);\n"
        "create trigger t after delete on rooms begin delete from bookings where room = old.id; end;\n");
  EXPECT_EQ(found(exit_done), "");
}

TEST_F(Check, ASchemaFileOfNothingButCommentsIsNotBegunYet) {
  migrate();
  write("schema.sql", "-- the desired schema\n/* later */\n");
  EXPECT_EQ(found(exit_done), "");
  EXPECT_EQ(part("schema.sql"), "skipped: nothing is in it yet");
}

TEST_F(Check, FindsASyntaxErrorInTheSchemaFile) {
  migrate();
  write("schema.sql", "CREATE TABLE rooms (id);\n\nCREATE TABEL b (x);\n");
  EXPECT_EQ(found(exit_differences), "schema-sql: schema.sql:3");
  write("schema.sql", "CREATE TABLE rooms (id);\nCREATE TABLE b (x\n");
  EXPECT_EQ(found(exit_differences), "schema-sql: schema.sql:2");
}

TEST_F(Check, FindsASchemaFileThatIsAFolder) {
  migrate();
  fs::create_directory(root / "schema.sql");
  EXPECT_EQ(found(exit_differences), "schema-sql: schema.sql");
}

// --- The journal and the backups ---

TEST_F(Check, FindsADamagedJournal) {
  migrate();
  const std::string bytes = text("app.db-belay/journal.lmdb");
  for (auto at = bytes.find("CREATE"); at != std::string::npos; at = bytes.find("CREATE", at + 1))
    flip("app.db-belay/journal.lmdb", at, 1);
  EXPECT_EQ(found(exit_integrity), "journal: app.db-belay/journal.lmdb");
  EXPECT_EQ(part("schema").substr(0, 3), "ok:");
}

TEST_F(Check, FindsALostJournal) {
  migrate();
  fs::remove_all(root / "app.db-belay");
  EXPECT_EQ(found(exit_integrity), "journal: app.db-belay/journal.lmdb");
}

TEST_F(Check, FindsAJournalOfAnotherDatabase) {
  migrate();
  must({"--database", "sqlite:other.db", "migrate", "-q"});
  fs::copy_file(root / "other.db-belay/journal.lmdb", root / "app.db-belay/journal.lmdb",
                fs::copy_options::overwrite_existing);
  EXPECT_EQ(found(exit_integrity), "journal: app.db-belay/journal.lmdb");
}

TEST_F(Check, FindsADatabaseThatWasRemoved) {
  migrate();
  fs::remove(root / "app.db");
  EXPECT_EQ(found(exit_integrity), "pending: versions/1001.sql\njournal: app.db-belay/journal.lmdb");
}

TEST_F(Check, FindsADamagedBackupOnlyWhereItIsAskedTo) {
  migrate();
  must({"backup", "-q"});
  const auto id = must({"backup", "--list", "--json"}).json().at(0).at("id").get<std::string>();
  EXPECT_EQ(found(exit_done, {"--backups"}), "");
  flip("app.db-belay/backups/" + id + ".db.zst", 100, 8);
  EXPECT_EQ(found(exit_done), "");
  EXPECT_EQ(found(exit_integrity, {"--backups"}), "backup: " + id);
}

TEST_F(Check, FindsABackupWhoseDataIsGoneOrWhoseManifestIsNone) {
  migrate();
  must({"backup", "-q"});
  const auto id = must({"backup", "--list", "--json"}).json().at(0).at("id").get<std::string>();
  const auto data = root / "app.db-belay/backups" / (id + ".db.zst");
  fs::rename(data, root / "elsewhere");
  EXPECT_EQ(found(exit_integrity, {"--backups"}), "backup: " + id);
  fs::rename(root / "elsewhere", data);
  write("app.db-belay/backups/" + id + ".json", "{}");
  EXPECT_EQ(found(exit_integrity, {"--backups"}), "backup: " + id);
}

// --- Where it may be used ---

TEST_F(Check, FindsAnInterruptedRun) {
  configure("[hooks]\nbefore_each = \"test $BELAY_REVISION != 1002 || { touch began; sleep 60; }\"\n");
  Process running = start({"migrate"});
  ASSERT_TRUE(eventually([&] { return fs::exists(root / "began"); }));
  running.send_to_all(SIGKILL);
  running.wait();
  EXPECT_EQ(found(exit_differences), "interrupted: app.db-belay/journal.lmdb\npending: versions/1002.sql");
  EXPECT_EQ(part("schema"), "skipped: not compared: a run was interrupted");
}

TEST_F(Check, WorksBesideARunningCommand) {
  configure("[hooks]\nbefore_each = \"test $BELAY_REVISION != 1002 || { touch began; sleep 60; }\"\n");
  const Process running = start({"migrate"});
  ASSERT_TRUE(eventually([&] { return fs::exists(root / "began"); }));
  EXPECT_EQ(found(exit_done), "");
  EXPECT_NE(part("revisions").find("1 applied; migrate is at work (pid "), std::string::npos);
}

TEST_F(Check, WorksBesideAnApplicationThatWrites) {
  migrate();
  const Process holder = hold("BEGIN IMMEDIATE; INSERT INTO rooms VALUES (1, 'x')");
  EXPECT_EQ(found(exit_done), "");
}

TEST_F(Check, WorksOnAWalThatIsInUse) {
  migrate();
  change("PRAGMA journal_mode = WAL");
  EXPECT_EQ(found(exit_done), "");
  const Process holder = hold("INSERT INTO rooms VALUES (1, 'x')");
  EXPECT_EQ(run({"check"}).exit, exit_done);
}

TEST_F(Check, ALockThatIsNotGivenUpIsReportedAsOne) {
  migrate();
  const Process holder = hold("BEGIN EXCLUSIVE");
  EXPECT_EQ(run({"check", "--lock-timeout", "0"}).exit, exit_busy);
}

TEST_F(Check, WorksOnADatabaseThatCannotBeWritten) {
  migrate();
  fs::permissions(root / "app.db", fs::perms::owner_read);
  give_away();
  EXPECT_EQ(found(exit_done, {}, {.unprivileged = true}), "");
}

TEST_F(Check, FilesNeedNeitherADatabaseNorAConfiguration) {
  fs::remove(root / "belay.toml");
  EXPECT_EQ(found(exit_done, {"--files"}), "");
  write("belay.toml", "versions = \"versions\"\n");
  write("schema.sql", "CREATE TABLE other (x);\n");
  EXPECT_EQ(found(exit_differences, {"--files"}).substr(0, 26), "schema-sql: table bookings");
}

TEST_F(Check, FilesAloneDoNotLookAtTheDatabase) {
  migrate();
  change("CREATE TABLE by_hand (x)");
  EXPECT_EQ(found(exit_done, {"--files"}), "");
}

TEST_F(Check, FilesWithoutAFolderOfScriptsAreAnError) {
  fs::remove_all(root / "versions");
  EXPECT_EQ(refusal({"check", "--files"}), (Refusal{exit_missing_input, "unreadable", "versions"}));
}

TEST_F(Check, FilesAndBackupsExcludeEachOther) {
  EXPECT_EQ(refusal({"check", "--files", "--backups"}), (Refusal{exit_usage, "usage"}));
}

}  // namespace
}  // namespace belay::cli

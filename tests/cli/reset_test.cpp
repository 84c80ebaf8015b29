// reset, as it is typed.

#include "tests/cli/project.h"

namespace belay::cli {
namespace {

namespace fs = std::filesystem;

class Reset : public Project {
 protected:
  Reset() {
    configure();
    chain(3);
    must({"migrate", "-q"});
    Database(root / "app.db").run("INSERT INTO log VALUES (77)");
  }
  void make_by_hand() const {
    Database(root / "app.db").run("CREATE TABLE \"by hand\" (x); INSERT INTO \"by hand\" VALUES (1)");
  }
  [[nodiscard]] Json backups() const { return must({"backup", "--list", "--json"}).json(); }
};

TEST_F(Reset, SaysWhatItDidAsMigrateDoes) {
  const Json json = must({"reset", "--yes", "--json"}).json();
  EXPECT_EQ(json.at("ok"), true);
  EXPECT_EQ(json.at("exit"), 0);
  EXPECT_EQ(json.at("from"), Json::array({"1003"}));
  EXPECT_EQ(json.at("to"), Json::array({"1003"}));
  EXPECT_EQ(json.at("revisions").size(), 6U);
  EXPECT_EQ(json.at("revisions").at(0).at("direction"), "down");
  EXPECT_EQ(json.at("recovered"), nullptr);
  EXPECT_EQ(json.at("backup"), backups().at(0).at("id"));
  EXPECT_EQ(logged(), "1001 1002 1003");
}

TEST_F(Reset, WithoutATerminalIsRefused) {
  EXPECT_EQ(refusal({"reset"}), (Refusal{exit_refused, "not-confirmed"}));
}

TEST_F(Reset, ProtectedEnvironmentRefusesEvenIfConfirmed) {
  configure("protected = true\n");
  EXPECT_EQ(refusal({"reset", "--yes"}), (Refusal{exit_refused, "protected"}));
}

TEST_F(Reset, AsksForTheNameOfTheFile) {
  make_by_hand();
  for (const char* typed : {"y\n", "yes\n", "app\n"}) {
    const Outcome refused = run_on_terminal({"reset"}, {.input = typed});
    EXPECT_EQ(refused.exit, exit_refused) << refused;
  }
  EXPECT_EQ(logged(), "1001 1002 1003 77");
  const Outcome outcome = run_on_terminal({"reset"}, {.input = "app.db\n"});
  EXPECT_EQ(outcome.exit, exit_done) << outcome;
  EXPECT_NE(outcome.out.find("table by hand"), std::string::npos);
  EXPECT_NE(outcome.out.find("Type app.db to go on: "), std::string::npos);
  EXPECT_EQ(logged(), "1001 1002 1003");
}

TEST_F(Reset, DryRunNamesWhatNoRevisionKnowsAndChangesNothing) {
  make_by_hand();
  const auto before = files();
  const Json json = must({"reset", "--dry-run", "--json"}).json();
  EXPECT_EQ(json.at("unknown"), Json::array({"table by hand"}));
  EXPECT_EQ(json.at("plan").size(), 6U);
  EXPECT_NE(must({"reset", "--dry-run"}).out.find("table by hand"), std::string::npos);
  EXPECT_EQ(changed_since(before), "");
}

TEST_F(Reset, WhatNoRevisionKnowsIsInTheBackupAndGone) {
  make_by_hand();
  must({"reset", "--yes"});
  EXPECT_EQ(schema(), "CREATE TABLE log (id INTEGER)");
  must({"backup", "-o", "unused.db"});
  const auto id = backups().at(0).at("id").get<std::string>();
  must({"recover", "restore", id, "--yes"});
  EXPECT_EQ(query("SELECT x FROM \"by hand\""), "1");
  EXPECT_EQ(logged(), "1001 1002 1003 77");
}

TEST_F(Reset, TheSqlDoesTheSame) {
  make_by_hand();
  script("1002", {.parents = "1001", .up = "INSERT INTO log VALUES (1002);", .down = "DROP TABLE nowhere;"});
  const std::string sql = must({"reset", "--sql"}).out;
  Database(root / "app.db").run(sql);
  EXPECT_EQ(logged(), "1001 1002 1003");
  EXPECT_EQ(schema(), "CREATE TABLE log (id INTEGER)");
  EXPECT_EQ(query("SELECT group_concat(revision) FROM belay_version"), "1001,1002,1003");
}

TEST_F(Reset, ABackupFolderThatCannotBeWrittenStopsItBeforeAnything) {
  fs::create_directory(root / "kept");
  configure("[backup]\ndirectory = \"kept\"\n");
  give_away();
  fs::permissions(root / "kept", fs::perms::owner_read | fs::perms::owner_exec);
  const Outcome outcome = run({"reset", "--yes", "--json"}, {.unprivileged = true});
  fs::permissions(root / "kept", fs::perms::owner_all);
  EXPECT_EQ(outcome.exit, exit_unavailable) << outcome;
  EXPECT_EQ(logged(), "1001 1002 1003 77");
  EXPECT_EQ(must({"journal", "--json"}).out.find("\"reset\""), std::string::npos);
}

TEST_F(Reset, ABackupFolderThatIsAFileStopsItBeforeAnything) {
  write("kept", "a file");
  configure("[backup]\ndirectory = \"kept\"\n");
  const Json error = run({"reset", "--yes", "--json"}).error();
  EXPECT_EQ(error.at("state"), "nothing was changed");
  EXPECT_EQ(logged(), "1001 1002 1003 77");
}

TEST_F(Reset, ADamagedDatabaseIsLeftAlone) {
  Database(root / "app.db")
      .run(
          "CREATE TABLE pages AS WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 2000) SELECT "
          "i, hex(randomblob(20)) FROM n");
  std::string bytes = text("app.db");
  for (std::size_t at = bytes.size() / 2; at < bytes.size() / 2 + 4096; ++at) bytes[at] = static_cast<char>(~bytes[at]);
  write("app.db", bytes);
  const Outcome outcome = run({"reset", "--yes", "--json"});
  EXPECT_EQ(outcome.exit, exit_integrity) << outcome;
  EXPECT_EQ(outcome.error().at("kind"), "database-damaged");
  EXPECT_EQ(text("app.db"), bytes);
  EXPECT_EQ(must({"journal", "--json"}).out.find("\"reset\""), std::string::npos);
}

TEST_F(Reset, ALostJournalIsForAPersonToSettle) {
  fs::remove_all(root / "app.db-belay");
  EXPECT_EQ(refusal({"reset", "--yes"}), (Refusal{exit_integrity, "journal-lost", "app.db-belay/journal.lmdb"}));
}

TEST_F(Reset, EveryKindOfObjectComesAndGoes) {
  script("1004",
         {.parents = "1003",
          .up = "CREATE TABLE a (id INTEGER PRIMARY KEY AUTOINCREMENT, b REFERENCES b);\n"
                "CREATE TABLE b (id INTEGER PRIMARY KEY, a REFERENCES a);\n"
                "INSERT INTO a (b) VALUES (NULL);\n"
                "CREATE VIEW \"Übersicht\" AS SELECT * FROM a;\nCREATE VIEW two AS SELECT * FROM \"Übersicht\";\n"
                "CREATE VIRTUAL TABLE words USING fts5(text);\nINSERT INTO words VALUES ('rope');\n"
                "CREATE TRIGGER t AFTER INSERT ON a BEGIN INSERT INTO words VALUES (new.id); END;",
          .down = "SELECT * FROM gone;"});
  must({"migrate", "-q"});
  const std::string before = schema();
  Database(root / "app.db")
      .run("INSERT INTO a (b) VALUES (NULL), (NULL); UPDATE a SET b = 1 WHERE id = 1; INSERT INTO b VALUES (1, 1)");
  must({"reset", "--yes"});
  EXPECT_EQ(schema(), before);
  EXPECT_EQ(query("SELECT name || seq FROM sqlite_sequence"), "a1");
  EXPECT_EQ(query("PRAGMA integrity_check"), "ok");
  EXPECT_EQ(query("SELECT count(*) FROM words('rope')"), "1");
  EXPECT_EQ(must({"check"}).exit, exit_done);
}

TEST_F(Reset, AnInterruptedRunIsFinishedFirst) {
  chain(5);
  configure("[hooks]\nbefore_each = \"test $BELAY_REVISION != 1005 || { touch began; sleep 60; }\"\n");
  {
    Process migrate = start({"migrate"});
    ASSERT_TRUE(eventually([&] { return fs::exists(root / "began"); }));
    migrate.send_to_all(SIGKILL);
    migrate.wait();
  }
  configure();
  const Json json = must({"reset", "--yes", "--json"}).json();
  EXPECT_EQ(json.at("recovered").at("direction"), "forward");
  EXPECT_EQ(logged(), "1001 1002 1003 1004 1005");
  EXPECT_EQ(must({"check"}).exit, exit_done);
}

TEST_F(Reset, ADatabaseThatIsLockedIsLeftAlone) {
  const Process holder = hold("BEGIN IMMEDIATE");
  EXPECT_EQ(run({"reset", "--yes", "--lock-timeout", "0"}).exit, exit_busy);
}

TEST_F(Reset, NothingToDoNeedsNoConfirmation) {
  fs::remove(root / "app.db");
  fs::remove_all(root / "app.db-belay");
  must({"reset"});
  EXPECT_EQ(logged(), "1001 1002 1003");
}

TEST_F(Reset, SeveralHeadsAreRefused) {
  script("1004", {.parents = "1002", .up = "SELECT 1;"});
  EXPECT_EQ(refusal({"reset", "--yes"}), (Refusal{exit_refused, "several-heads"}));
}

TEST_F(Reset, AScriptThatCannotComeUpAgainIsRefusedWithItsPlace) {
  script("1003", {.parents = "1002", .up = "INSERT INTO nowhere VALUES (1);"});
  EXPECT_EQ(refusal({"reset", "--yes"}), (Refusal{exit_failed, "statement-failed", "versions/1003.sql:5"}));
}

TEST_F(Reset, AVirtualTableOfAnUnknownModuleIsRefusedByName) {
  Database(root / "app.db")
      .run(
          "PRAGMA writable_schema = ON; INSERT INTO sqlite_schema VALUES ('table', 'maps', 'maps', 0, 'CREATE VIRTUAL "
          "TABLE maps USING spatial(x)')");
  const Json error = run({"reset", "--yes", "--json"}).error();
  EXPECT_EQ(error.at("message"), "no such module: spatial");
  EXPECT_EQ(error.at("file"), "virtual table maps");
  EXPECT_EQ(logged(), "1001 1002 1003 77");
}

}  // namespace
}  // namespace belay::cli

// recover: what an interrupted run left, and its two ways out.

#include <fmt/format.h>

#include <csignal>

#include "tests/cli/project.h"

namespace belay::cli {
namespace {

namespace fs = std::filesystem;

/// 1001 is applied by run 1. 1002 commits in parts and is killed behind the first one, by run 2.
class Recover : public Project {
 protected:
  Recover() {
    configure();
    script("1001", {.up = "CREATE TABLE log (id INTEGER);\nINSERT INTO log VALUES (1001);"});
    must({"migrate"});
    before_ = database_bytes();
  }
  void kill_in_the_middle(const std::string& more = "") const {
    script("1002",
           {.parents = "1001",
            .up = "-- migrate:step first transaction:off\nINSERT INTO log VALUES (1);\n-- migrate:step second\n" +
                  std::string("INSERT INTO log SELECT max(i) FROM (WITH RECURSIVE n (i) AS (SELECT 2 UNION ALL "
                              "SELECT i + 1 FROM n WHERE i < 1e12) SELECT i FROM n);")});
    configure(more);
    {
      const Process migration = start({"migrate"});
      ASSERT_TRUE(eventually([&] { return query("SELECT count(*) FROM log WHERE id = 1") == "1"; }));
    }
  }
  /// Before anything of it is done.
  void kill_in_a_hook(const std::string& more = "", const std::string& up = "INSERT INTO log VALUES (1002);") const {
    script("1002", {.parents = "1001", .up = up});
    configure("[hooks]\nbefore_each = \"touch begun; sleep 60\"\n" + more);
    {
      const Process migration = start({"migrate"});
      ASSERT_TRUE(eventually([&] { return fs::exists(root / "begun"); }));
    }
    configure(more);
  }
  void write_beside() const {
    Database(root / "app.db").run("CREATE TABLE application (x); INSERT INTO application VALUES (7)");
  }

  std::string before_;
};

// --- A look ---

TEST_F(Recover, FindsNothingWhereNothingWasInterrupted) {
  const auto before = files();
  const std::string out = must({"recover"}).out;
  EXPECT_TRUE(
      out.starts_with("database   sqlite:app.db\nstate      clean\nleft       nothing: no run was "
                      "interrupted\nundo       run 1 (migrate, 1 revision) of 20"))
      << out;
  const Json json = must({"recover", "--json"}).json();
  EXPECT_EQ(json.at("state"), "clean");
  for (const char* key : {"run", "verdict", "interrupted", "forward", "back", "running"})
    EXPECT_EQ(json.at(key), Json()) << key;
  EXPECT_EQ(json.at("evidence"), Json::array());
  EXPECT_EQ(json.at("undoable").at(0).at("run"), 1);
  EXPECT_EQ(json.at("next"), "");
  EXPECT_EQ(changed_since(before), "");
}

TEST_F(Recover, LookMakesNoDatabase) {
  for (const char* name : {"app.db", "app.db-belay"}) fs::remove_all(root / name);
  const auto before = files();
  EXPECT_EQ(must({"recover", "--json"}).json().at("undoable"), Json::array());
  for (const char* flag : {"--forward", "--back"})
    EXPECT_EQ(must({"recover", flag}).out, "nothing to recover: the database is at base\n");
  EXPECT_EQ(changed_since(before), "");
}

TEST_F(Recover, ShowsWhatWasLeftAndBothWaysOut) {
  kill_in_the_middle();
  must({"status"});  // SQLite takes back what was cut off when somebody reads.
  const auto before = files();
  const std::string out = must({"recover"}).out;
  for (const char* part : {"state      interrupted\n", "left       run 2 (migrate) was interrupted: ",
                           "\nbegun      20", "\nverdict    ", "\nevidence   ", "\nforward    ", "\nback       ",
                           "\nnext       belay migrate finishes it; or belay recover --back\n"})
    EXPECT_NE(out.find(part), std::string::npos) << part << "\n" << out;
  EXPECT_EQ(out.find("undo-run"), std::string::npos) << out;
  EXPECT_EQ(changed_since(before), "");
}

TEST_F(Recover, LookInJsonHasTheEvidence) {
  kill_in_the_middle();
  const Json json = must({"recover", "--json"}).json();
  EXPECT_EQ(json.at("state"), "interrupted");
  EXPECT_EQ(json.at("run"), 2);
  EXPECT_EQ(json.at("verdict"), "redo");
  EXPECT_EQ(json.at("interrupted").at("command"), "migrate");
  EXPECT_GE(json.at("evidence").size(), 2U);
  for (const char* way : {"forward", "back"}) {
    EXPECT_NE(json.at(way).at("would").get<std::string>(), "");
    EXPECT_EQ(json.at(way).at("obstacle"), Json());
  }
  EXPECT_EQ(json.at("undoable"), Json::array());
}

TEST_F(Recover, LookBesideARunningCommandNamesIt) {
  configure("[hooks]\nbefore_each = \"touch begun; sleep 60\"\n");
  script("1002", {.parents = "1001", .up = "INSERT INTO log VALUES (1002);"});
  Process migration = start({"migrate"});
  ASSERT_TRUE(eventually([&] { return fs::exists(root / "begun"); }));
  EXPECT_EQ(must({"recover", "--json"}).json().at("running").at("pid"), migration.pid());
  EXPECT_NE(must({"recover"}).out.find(fmt::format("running    migrate by pid {} on ", migration.pid())),
            std::string::npos);
  EXPECT_EQ(run({"recover", "--back", "--lock-timeout", "20ms"}).exit, exit_busy);
}

// --- The ways out ---

TEST_F(Recover, ForwardGoesOnWhateverThePolicySays) {
  kill_in_a_hook("[recovery]\npolicy = \"back\"\n");
  const Json json = must({"recover", "--forward", "--json"}).json();
  EXPECT_EQ(json.at("recovered"), Json::parse(R"({"run":2,"verdict":"settle","direction":"forward"})"));
  EXPECT_EQ(json.at("to"), Json::array({"1002"}));
  EXPECT_EQ(json.at("revisions").at(0).at("revision"), "1002");
  EXPECT_EQ(logged(), "1001 1002");
}

TEST_F(Recover, BackTakesBackTheCommittedPartByteForByte) {
  kill_in_the_middle();
  const Json json = must({"recover", "--back", "--json"}).json();
  EXPECT_EQ(json.at("recovered"), Json::parse(R"({"run":2,"verdict":"redo","direction":"back"})"));
  EXPECT_EQ(json.at("to"), Json::array({"1001"}));
  EXPECT_EQ(logged(), "1001");
  EXPECT_EQ(database_bytes(), before_);
  EXPECT_EQ(must({"status", "--json"}).json().at("state"), "clean");
  must({"journal", "verify"});
}

TEST_F(Recover, StatementThatFailsOnTheWayForwardTakesItBackAtOnce) {
  kill_in_a_hook("", "-- migrate:step transaction:off\nINSERT INTO log VALUES (1);\n-- migrate:step\nSELECT nothing;");
  const Outcome outcome = run({"recover", "--forward", "--json"});
  EXPECT_EQ(outcome.exit, exit_failed) << outcome;
  EXPECT_EQ(outcome.error().at("kind"), "statement-failed");
  EXPECT_EQ(database_bytes(), before_);
  EXPECT_EQ(must({"status", "--json"}).json().at("state"), "clean");
}

TEST_F(Recover, ForwardRunsTheHookAfterTheRun) {
  kill_in_a_hook();
  configure("[hooks]\nbefore_migrate = \"touch before\"\nafter_migrate = \"touch after\"\n");
  must({"recover", "--forward"});
  EXPECT_TRUE(fs::exists(root / "after"));
  EXPECT_FALSE(fs::exists(root / "before"));  // It ran before the run was killed.
}

TEST_F(Recover, TextSaysWhichWayItWent) {
  kill_in_the_middle();
  const Outcome outcome = must({"recover", "--back"});
  EXPECT_EQ(outcome.out, "run 2 was taken back; the database is at 1001\n");
  EXPECT_TRUE(outcome.err.starts_with("belay: run 2 (migrate) was interrupted: ")) << outcome;
  EXPECT_EQ(must({"recover", "--back"}).out, "nothing to recover: the database is at 1001\n");
}

TEST_F(Recover, PolicyBackTakesItBackBeforeTheNextCommand) {
  kill_in_the_middle("[recovery]\npolicy = \"back\"\n");
  script("1002", {.parents = "1001", .up = "INSERT INTO log VALUES (1002);"});
  const Json json = must({"migrate", "--json"}).json();
  EXPECT_EQ(json.at("recovered").at("direction"), "back");
  EXPECT_EQ(logged(), "1001 1002");
}

TEST_F(Recover, EveryWritingCommandSaysWhatItRecovered) {
  for (const Words& words : {Words{"migrate", "--steps", "1"}, Words{"upgrade", "1001"}, Words{"downgrade", "1001"},
                             Words{"stamp", "1001", "--yes"}, Words{"recover", "--back"}}) {
    kill_in_the_middle("[recovery]\npolicy = \"back\"\n");
    script("1002", {.parents = "1001", .up = "SELECT 1;"});
    Words json_words = words;
    json_words.emplace_back("--json");
    const Json json = must(json_words).json();
    EXPECT_EQ(json.at("recovered").at("direction"), "back") << words[0];
    EXPECT_EQ(logged(), "1001");
    must({"downgrade", "1001"});
  }
}

// --- When a person has to decide ---

class RecoverBesideOthers : public Recover {
 protected:
  RecoverBesideOthers() {
    kill_in_the_middle("[recovery]\npolicy = \"back\"\n");
    write_beside();
  }
};

TEST_F(RecoverBesideOthers, GoingBackOverTheirWritesIsRefused) {
  for (const Words& words : {Words{"migrate"}, Words{"rollback"}, Words{"recover", "--back"}}) {
    EXPECT_EQ(run(words).exit, exit_undecided) << words[0];
    Words json_words = words;
    json_words.emplace_back("--json");
    EXPECT_EQ(run(json_words).error().at("kind"), "foreign-writes") << words[0];
  }
  EXPECT_EQ(query("SELECT x FROM application"), "7");
}

TEST_F(RecoverBesideOthers, LookEndsWithThreeAndNamesTheChoices) {
  const Outcome outcome = run({"recover"});
  EXPECT_EQ(outcome.exit, exit_undecided) << outcome;
  EXPECT_NE(outcome.out.find("\n           refused: "), std::string::npos) << outcome;
  for (const char* choice : {"belay recover --forward", "belay recover --back --discard-later-writes"})
    EXPECT_NE(outcome.out.find(choice, outcome.out.find("\nnext       ")), std::string::npos) << outcome;
  EXPECT_EQ(run({"recover", "--json"}).exit, exit_undecided);
  EXPECT_NE(must({"status"}).out.find("next       belay recover\n"), std::string::npos);
}

TEST_F(RecoverBesideOthers, DiscardingNeedsConsentAndKeepsACopy) {
  EXPECT_EQ(refusal({"recover", "--back", "--discard-later-writes"}), (Refusal{exit_refused, "not-confirmed"}));
  must({"recover", "--back", "--discard-later-writes", "--yes"});
  EXPECT_EQ(logged(), "1001");
  EXPECT_EQ(query("SELECT count(*) FROM sqlite_schema WHERE name = 'application'"), "0");
  EXPECT_EQ(Database(kept("before undo")).read("SELECT x FROM application"), "7");
}

TEST_F(Recover, DatabaseThatWasSwappedIsAnIntegrityError) {
  kill_in_the_middle();
  Database(root / "app.db").run("UPDATE belay_state SET last_lsn = 1");
  const Outcome outcome = run({"recover"});
  EXPECT_EQ(outcome.exit, exit_integrity) << outcome;
  EXPECT_NE(outcome.out.find("state      inconsistent\n"), std::string::npos) << outcome;
  for (const char* flag : {"--forward", "--back"}) EXPECT_EQ(refusal({"recover", flag}).exit, exit_integrity);
}

TEST_F(Recover, LostJournalIsAnIntegrityError) {
  fs::remove_all(root / "app.db-belay");
  EXPECT_EQ(run({"recover"}).exit, exit_integrity);
  EXPECT_EQ(run({"recover", "--json"}).json().at("problems").size(), 1U);
  EXPECT_EQ(refusal({"recover", "--back"}), (Refusal{exit_integrity, "journal-lost", "app.db-belay/journal.lmdb"}));
}

// --- Bad input ---

TEST_F(Recover, WordsThatExcludeEachOtherAreUsageErrors) {
  for (const Words& words :
       {Words{"recover", "--forward", "--back"}, Words{"recover", "--discard-later-writes"},
        Words{"recover", "--forward", "--discard-later-writes"}, Words{"recover", "everything"}, Words{"recover", "1"}})
    EXPECT_EQ(refusal(words), (Refusal{exit_usage, "usage"})) << words.back();
}

TEST_F(Recover, ReadOnlyFolderCanBeLookedAt) {
  kill_in_a_hook();
  fs::create_directory(root / "data");
  for (const char* name : {"app.db", "app.db-belay"}) fs::rename(root / name, root / "data" / name);
  write("belay.toml", "database = \"sqlite:data/app.db\"\n");
  give_away();
  fs::permissions(root / "data", fs::perms::owner_read | fs::perms::owner_exec);
  EXPECT_EQ(must({"recover", "--json"}, {.unprivileged = true}).json().at("run"), 2);
  EXPECT_EQ(refusal({"recover", "--back"}, {.unprivileged = true}).exit, exit_unavailable);
  fs::permissions(root / "data", fs::perms::owner_all);
}

TEST_F(Recover, UndoRunWaitsUntilTheInterruptedRunIsSettled) {
  kill_in_the_middle();
  EXPECT_EQ(refusal({"recover", "undo-run", "--yes"}).kind, "not-applicable");
  must({"recover", "--back"});
  must({"recover", "undo-run", "--yes"});
  EXPECT_EQ(schema(), "");
}

TEST_F(Recover, DryRunOfAWayOutOnlyLooks) {
  kill_in_a_hook();
  const auto before = files();
  EXPECT_NE(must({"recover", "--back", "--dry-run"}).out.find("\nback       "), std::string::npos);
  EXPECT_EQ(changed_since(before), "");
}

}  // namespace
}  // namespace belay::cli

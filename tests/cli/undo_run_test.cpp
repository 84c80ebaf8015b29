// recover undo-run: finished runs are taken back, and what they dropped or overwrote comes back.

#include <fmt/format.h>

#include <csignal>

#include "tests/cli/project.h"

namespace belay::cli {
namespace {

namespace fs = std::filesystem;

/// Run 1 makes a table of rooms, run 2 drops it.
class UndoRun : public Project {
 protected:
  UndoRun() {
    configure();
    script("1001", {.up = "CREATE TABLE rooms (id INTEGER PRIMARY KEY, code TEXT);\n"
                          "INSERT INTO rooms (code) WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n "
                          "WHERE i < 2000) SELECT 'room ' || i FROM n;"});
    script("1002", {.parents = "1001", .up = "DROP TABLE rooms;", .down = "CREATE TABLE rooms (id, code);"});
    must({"migrate", "--steps", "1"});
    before_ = database_bytes();
    must({"migrate"});
  }
  [[nodiscard]] std::string rooms() const { return query("SELECT count(*), max(code) FROM rooms"); }
  void write_beside(const std::string& sql = "CREATE TABLE application (x); INSERT INTO application VALUES (7)") const {
    Database(root / "app.db").run(sql);
  }
  [[nodiscard]] Json undoable() const { return must({"status", "--json"}).json().at("undoable"); }

  std::string before_;
};

TEST_F(UndoRun, DroppedTableComesBackByteForByte) {
  const Json json = must({"recover", "undo-run", "--yes", "--json"}).json();
  EXPECT_EQ(json.at("ok"), true);
  EXPECT_EQ(json.at("exit"), 0);
  EXPECT_EQ(json.at("from"), Json::array({"1002"}));
  EXPECT_EQ(json.at("to"), Json::array({"1001"}));
  EXPECT_EQ(json.at("recovered"), Json());
  EXPECT_EQ(json.at("revisions").at(0).at("revision"), "1002");
  EXPECT_EQ(json.at("revisions").at(0).at("direction"), "down");
  EXPECT_EQ(rooms(), "2000|room 999");
  EXPECT_EQ(database_bytes(), before_);
  must({"journal", "verify"});
}

TEST_F(UndoRun, TextSaysWhatIsGoneAndWhereTheDatabaseIs) {
  const Outcome outcome = must({"recover", "undo-run", "--yes"});
  EXPECT_EQ(outcome.out,
            "  - 1002  revision 1002\nrun 2 (migrate, 1 revision) was taken back; the database is at 1001\n");
  EXPECT_EQ(outcome.err, "");
}

TEST_F(UndoRun, TakesBackAllRunsDownToOne) {
  const Outcome outcome = must({"recover", "undo-run", "1", "--yes"});
  EXPECT_EQ(outcome.out,
            "  - 1002  revision 1002\n  - 1001  revision 1001\n2 runs were taken back; the database is at base\n");
  EXPECT_EQ(schema(), "");
  EXPECT_EQ(must({"status", "--json"}).json().at("applied"), Json::array());
  must({"migrate"});
  EXPECT_EQ(must({"current", "--json"}).json().at("current"), Json::array({"1002"}));
}

TEST_F(UndoRun, RunIsTakenBackOnceAndThenTheOneBeforeIt) {
  must({"recover", "undo-run", "--yes"});
  EXPECT_EQ(refusal({"recover", "undo-run", "2", "--yes"}), (Refusal{exit_usage, "not-applicable"}));
  must({"recover", "undo-run", "--yes"});
  EXPECT_EQ(schema(), "");
  EXPECT_EQ(refusal({"recover", "undo-run", "--yes"}), (Refusal{exit_usage, "not-applicable"}));
}

TEST_F(UndoRun, RollbackIsTakenBackWithTheDataThatItDestroyed) {
  must({"recover", "undo-run", "--yes"});
  script("1002", {.parents = "1001", .up = "UPDATE rooms SET code = upper(code);", .down = "DELETE FROM rooms;"});
  must({"migrate"});
  must({"rollback"});
  EXPECT_EQ(rooms(), "0|NULL");
  const Json json = must({"recover", "undo-run", "-y", "--json"}).json();
  EXPECT_EQ(json.at("revisions").at(0).at("direction"), "up");
  EXPECT_EQ(json.at("to"), Json::array({"1002"}));
  EXPECT_EQ(rooms(), "2000|ROOM 999");
}

TEST_F(UndoRun, StampIsTakenBack) {
  must({"stamp", "base", "--yes"});
  must({"recover", "undo-run", "--yes"});
  EXPECT_EQ(must({"current", "--json"}).json().at("current"), Json::array({"1002"}));
}

TEST_F(UndoRun, DryRunShowsTheRunsAndChangesNothing) {
  const auto before = files();
  const std::string out = must({"recover", "undo-run", "1", "--dry-run"}).out;
  for (const char* part :
       {"run 2 (migrate, 1 revision) of 20", "run 1 (migrate --steps 1, 1 revision) of 20",
        "  - 1002  revision 1002\n  - 1001  revision 1001\n", "proven: nobody else has written since\n",
        "2 runs would be taken back; the database is at 1002, and nothing was changed\n"})
    EXPECT_NE(out.find(part), std::string::npos) << part << "\n" << out;
  const Json json = must({"recover", "undo-run", "1", "--dry-run", "--json"}).json();
  EXPECT_EQ(json.at("dry_run"), true);
  EXPECT_EQ(json.at("runs").size(), 2U);
  EXPECT_EQ(json.at("plan").at(1), Json::parse(R"({"revision":"1001","direction":"down","message":"revision 1001"})"));
  EXPECT_EQ(json.at("proven"), true);
  EXPECT_EQ(json.at("obstacle"), Json());
  EXPECT_EQ(changed_since(before), "");
}

// --- Consent ---

TEST_F(UndoRun, WithoutConfirmationIsRefused) {
  EXPECT_EQ(refusal({"recover", "undo-run"}), (Refusal{exit_refused, "not-confirmed"}));
}

TEST_F(UndoRun, AsksOnATerminal) {
  Outcome outcome = run_on_terminal({"recover", "undo-run"}, {.input = "n\n"});
  EXPECT_EQ(outcome.exit, exit_refused) << outcome;
  EXPECT_NE(outcome.out.find("  - 1002  revision 1002"), std::string::npos) << outcome;
  EXPECT_NE(outcome.out.find("Take this back? What it has written is gone then. [y/N]"), std::string::npos) << outcome;
  EXPECT_EQ(schema(), "");
  outcome = run_on_terminal({"recover", "undo-run"}, {.input = "y\n"});
  EXPECT_EQ(outcome.exit, exit_done) << outcome;
  EXPECT_EQ(rooms(), "2000|room 999");
}

TEST_F(UndoRun, InterruptAtTheQuestionEndsTheCommand) {
  const auto before = files();
  const Outcome outcome = run_on_terminal({"recover", "undo-run"}, {.input = "\x03"});
  EXPECT_EQ(outcome.exit, exit_signalled + SIGINT) << outcome;
  EXPECT_EQ(changed_since(before), "");
}

TEST_F(UndoRun, ProtectedEnvironmentKeepsOneRevisionAtLeast) {
  configure("protected = true\n");
  EXPECT_EQ(refusal({"recover", "undo-run", "1", "--yes"}), (Refusal{exit_refused, "protected"}));
  EXPECT_EQ(refusal({"recover", "undo-run", "1", "--dry-run"}), (Refusal{exit_refused, "protected"}));
  must({"recover", "undo-run", "--yes"});
  EXPECT_EQ(rooms(), "2000|room 999");
}

// --- Writes of others ---

TEST_F(UndoRun, WriteOfAnotherProgramIsNeverDestroyedSilently) {
  write_beside();
  EXPECT_EQ(refusal({"recover", "undo-run", "--yes"}), (Refusal{exit_undecided, "foreign-writes"}));
  const Outcome outcome = run({"recover", "undo-run", "--yes"});
  EXPECT_NE(outcome.err.find("counter="), std::string::npos) << outcome;
  EXPECT_NE(outcome.err.find("--discard-later-writes"), std::string::npos) << outcome;
  EXPECT_EQ(query("SELECT x FROM application"), "7");
}

TEST_F(UndoRun, DryRunSaysWhyItIsNotProven) {
  write_beside();
  const std::string out = must({"recover", "undo-run", "--dry-run"}).out;
  EXPECT_NE(out.find("not proven: "), std::string::npos) << out;
  EXPECT_NE(out.find("1 run would be taken back with --discard-later-writes; "), std::string::npos) << out;
  const Json json = must({"recover", "undo-run", "--dry-run", "--json"}).json();
  EXPECT_EQ(json.at("proven"), false);
  EXPECT_NE(json.at("obstacle").get<std::string>(), "");
}

TEST_F(UndoRun, DiscardingLaterWritesNeedsConsentOfItsOwn) {
  write_beside();
  EXPECT_EQ(refusal({"recover", "undo-run", "--discard-later-writes"}), (Refusal{exit_refused, "not-confirmed"}));
  const Outcome outcome = run_on_terminal({"recover", "undo-run", "--discard-later-writes"}, {.input = "y\n"});
  EXPECT_EQ(outcome.exit, exit_refused) << outcome;
  EXPECT_NE(outcome.out.find("Type discard to go on:"), std::string::npos) << outcome;
  EXPECT_EQ(query("SELECT x FROM application"), "7");
}

TEST_F(UndoRun, DiscardedWritesAreKeptInACopy) {
  write_beside();
  const Outcome outcome = run_on_terminal({"recover", "undo-run", "--discard-later-writes"}, {.input = "discard\n"});
  EXPECT_EQ(outcome.exit, exit_done) << outcome;
  EXPECT_EQ(rooms(), "2000|room 999");
  EXPECT_EQ(query("SELECT count(*) FROM sqlite_schema WHERE name = 'application'"), "0");
  EXPECT_EQ(Database(kept("before undo")).read("SELECT x FROM application"), "7");
  must({"migrate"});
}

TEST_F(UndoRun, OpenConnectionInWalModeMakesItBusy) {
  must({"recover", "undo-run", "1", "--yes"});
  Database(root / "app.db").run("PRAGMA journal_mode = WAL");
  must({"migrate"});
  Process other = hold("SELECT count(*) FROM sqlite_schema");
  EXPECT_EQ(run({"recover", "undo-run", "--yes", "--lock-timeout", "50ms", "--json"}).error().at("kind"), "busy");
  EXPECT_EQ(run({"recover", "undo-run", "--yes", "--lock-timeout", "50ms"}).exit, exit_busy);
  other.send(SIGKILL);
  other.wait();
  must({"recover", "undo-run", "--yes"});
  EXPECT_EQ(schema(), "");
}

// --- Bad input ---

TEST_F(UndoRun, WordsThatMakeNoSenseAreUsageErrors) {
  for (const Words& words : {Words{"recover", "undo-run", "two"}, Words{"recover", "undo-run", "0"},
                             Words{"recover", "undo-run", "-1"}, Words{"recover", "undo-run", "1", "2"},
                             Words{"recover", "undo-run", "99999999999999999999"}, Words{"recover", "undo-run", "1.5"},
                             Words{"recover", "undo-run", "--back"}, Words{"recover", "--forward", "undo-run"}})
    EXPECT_EQ(refusal(words), (Refusal{exit_usage, "usage"})) << words.back();
}

TEST_F(UndoRun, UnknownRunIsRefused) {
  EXPECT_EQ(refusal({"recover", "undo-run", "77", "--yes"}), (Refusal{exit_usage, "not-applicable"}));
}

TEST_F(UndoRun, PrunedRunIsRefused) {
  must({"journal", "prune", "--keep", "1"});
  EXPECT_EQ(refusal({"recover", "undo-run", "1", "--yes"}), (Refusal{exit_usage, "not-applicable"}));
  must({"recover", "undo-run", "2", "--yes"});
  EXPECT_EQ(rooms(), "2000|room 999");
}

TEST_F(UndoRun, RunWithoutItsImagesIsRefused) {
  configure("[journal]\nkeep_bytes = \"5kB\"\n");  // Less than the images of run 2, more than all records.
  EXPECT_EQ(must({"journal", "prune", "--json"}).json().at("images_pruned"), 1);
  EXPECT_EQ(refusal({"recover", "undo-run", "1", "--yes"}), (Refusal{exit_refused, "no-images"}));
  must({"recover", "undo-run", "--yes"});
}

TEST_F(UndoRun, DatabaseThatWasNeverMigratedHasNothingToTakeBack) {
  for (const char* name : {"app.db", "app.db-belay"}) fs::remove_all(root / name);
  EXPECT_EQ(refusal({"recover", "undo-run", "--yes"}), (Refusal{exit_usage, "not-applicable"}));
}

TEST_F(UndoRun, LostJournalIsAnIntegrityError) {
  fs::remove_all(root / "app.db-belay");
  EXPECT_EQ(refusal({"recover", "undo-run", "--yes"}),
            (Refusal{exit_integrity, "journal-lost", "app.db-belay/journal.lmdb"}));
}

TEST_F(UndoRun, ReadOnlyDatabaseIsLeftAlone) {
  give_away();
  fs::permissions(root / "app.db", fs::perms::owner_read);
  must({"recover", "undo-run", "--dry-run"}, {.unprivileged = true});
  EXPECT_EQ(refusal({"recover", "undo-run", "--yes"}, {.unprivileged = true}).exit, exit_unavailable);
}

// --- What can be taken back ---

TEST_F(UndoRun, StatusOffersTheNewestRun) {
  EXPECT_EQ(must({"status"}).out,
            "database   sqlite:app.db\nstate      clean\nat         1002  revision 1002 (head, current)\napplied    "
            "2\npending    0\nundo       run 2 (migrate, 1 revision) can be taken back: belay recover undo-run\n");
  const Json runs = undoable();
  ASSERT_EQ(runs.size(), 2U);
  EXPECT_EQ(runs[0].at("run"), 2);
  EXPECT_EQ(runs[0].at("command"), "migrate");
  EXPECT_TRUE(runs[0].at("ended_at").get<std::string>().starts_with("20")) << runs;
  EXPECT_EQ(runs[0].at("revisions"), Json::parse(R"([{"revision":"1002","direction":"up"}])"));
  must({"recover", "undo-run", "--yes"});
  EXPECT_EQ(undoable().size(), 1U);
}

TEST_F(UndoRun, HistoryMarksWhatCanBeTakenBack) {
  EXPECT_EQ(must({"history"}).out, "* 1002  revision 1002 (head, current) [run 2]\n* 1001  revision 1001 [run 1]\n");
  Json history = must({"history", "--json"}).json();
  EXPECT_EQ(history.at(0).at("undoable_run"), 2);
  EXPECT_EQ(history.at(1).at("undoable_run"), 1);
  must({"recover", "undo-run", "1", "--yes"});
  EXPECT_EQ(must({"history"}).out, "  1002  revision 1002 (head)\n  1001  revision 1001\n");
  EXPECT_EQ(must({"history", "--json"}).json().at(0).at("undoable_run"), Json());
}

TEST_F(UndoRun, StatusSaysThatOthersHaveWritten) {
  write_beside();
  EXPECT_NE(must({"status"}).out.find("can be taken back only with what was written since"), std::string::npos);
  EXPECT_EQ(must({"status", "--json"}).json().at("written_since"), true);
  EXPECT_EQ(must({"history"}).out, "* 1002  revision 1002 (head, current)\n* 1001  revision 1001\n");
}

TEST_F(UndoRun, JournalTellsWhatWasTakenBack) {
  must({"recover", "undo-run", "--yes"});
  const std::string out = must({"journal"}).out;
  EXPECT_NE(out.find("recover undo-run  "), std::string::npos) << out;
  EXPECT_NE(out.find(" and all after it, back to "), std::string::npos) << out;
  EXPECT_NE(out.find(" done\n"), std::string::npos) << out;
}

}  // namespace
}  // namespace belay::cli

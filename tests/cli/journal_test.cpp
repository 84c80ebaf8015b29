// journal, journal verify, journal prune.

#include "tests/cli/project.h"

namespace belay::cli {
namespace {

class JournalCommand : public Project {
 protected:
  JournalCommand() {
    configure();
    chain(3);
  }

  void damage(const std::string& record_with) {
    std::string bytes = text("app.db-belay/journal.lmdb");
    std::size_t found = 0;  // More than once, if a page of a former transaction still has it.
    for (auto at = bytes.find(record_with); at != std::string::npos; at = bytes.find(record_with), ++found)
      bytes[at] = '?';
    ASSERT_GT(found, 0U);
    write("app.db-belay/journal.lmdb", bytes);
  }
};

TEST_F(JournalCommand, PrintsARunForAPerson) {
  must({"migrate", "--to", "1001"});
  const std::string out = must({"journal"}).out;
  for (const char* part : {"       1  run 1  migrate --to 1001  ", "  plan 0  up 1001  revision 1001\n",
                           "    step 1001.1  CREATE TABLE log (id INTEGER)\n", "end of run 1  done  "})
    EXPECT_NE(out.find(part), std::string::npos) << part << "\n" << out;
}

TEST_F(JournalCommand, JsonHasEveryRecord) {
  must({"migrate"});
  must({"rollback"});
  const Json json = must({"journal", "--json"}).json();
  EXPECT_EQ(json.at("file"), (root / "app.db-belay/journal.lmdb").string());
  EXPECT_EQ(json.at("database_id"), query("SELECT database_id FROM belay_state"));
  const Json& records = json.at("records");
  EXPECT_EQ(records.at(0).at("command"), "migrate");
  EXPECT_EQ(records.at(0).at("planned"), 3);
  std::size_t last = 0;
  for (const Json& record : records) EXPECT_EQ(record.at("lsn"), ++last);
  EXPECT_EQ(records.back().at("outcome"), "done");
  EXPECT_EQ(records.back().at("to"), Json::array({"1002"}));
}

TEST_F(JournalCommand, CountsTheBeforeImagesOfEachTransaction) {
  must({"migrate", "--steps", "1"});
  must({"migrate"});
  const std::string out = must({"journal", "--run", "2"}).out;
  EXPECT_NE(out.find(" before-images, "), std::string::npos) << out;
  EXPECT_NE(out.find("    footprint  counter="), std::string::npos) << out;
  std::map<std::string, Json> records;
  const Json json = must({"journal", "--run", "2", "--json"}).json();
  for (const Json& record : json.at("records")) records[record.at("type")] = record;
  EXPECT_EQ(records.at("TransactionBegin").at("image_bytes"),
            records.at("TransactionBegin").at("images").get<int>() * 4096);
  EXPECT_NE(records.at("Footprint").at("before"), records.at("Footprint").at("after"));
}

TEST_F(JournalCommand, OneRunCanBeChosen) {
  must({"migrate", "--steps", "1"});
  must({"migrate"});
  const Json json = must({"journal", "--run", "2", "--json"}).json();
  EXPECT_EQ(json.at("records").at(0).at("run"), 2);
  EXPECT_EQ(json.at("records").at(0).at("type"), "RunBegin");
  EXPECT_EQ(json.at("records").back().at("run"), 2);
  EXPECT_EQ(must({"journal", "--run", "77", "--json"}).json().at("records"), Json::array());
}

TEST_F(JournalCommand, NoJournalIsNoError) {
  const auto before = files();
  EXPECT_EQ(must({"journal"}).out, "");
  EXPECT_EQ(must({"journal", "--json"}).json().at("records"), Json::array());
  must({"journal", "verify"});
  must({"journal", "prune"});
  EXPECT_EQ(changed_since(before), "");
}

TEST_F(JournalCommand, VerifyCountsWhatIsWhole) {
  must({"migrate"});
  EXPECT_TRUE(must({"journal", "verify"}).out.starts_with("the journal is whole: "));
  const Json json = must({"journal", "verify", "--json"}).json();
  EXPECT_EQ(json.at("ok"), true);
  EXPECT_EQ(json.at("runs"), 1);
  EXPECT_EQ(json.at("records"), must({"journal", "--json"}).json().at("records").size());
}

TEST_F(JournalCommand, DamageIsAnIntegrityError) {
  must({"migrate"});
  damage("INSERT INTO log");
  EXPECT_EQ(refusal({"journal", "verify"}), (Refusal{exit_integrity, "journal-damaged", "app.db-belay/journal.lmdb"}));
  EXPECT_EQ(run({"journal", "--json"}).exit, exit_integrity);
}

TEST_F(JournalCommand, TruncatedJournalIsAnIntegrityError) {
  must({"migrate"});
  std::filesystem::resize_file(root / "app.db-belay/journal.lmdb", 5000);
  for (const Words& words : {Words{"journal", "verify"}, Words{"status"}, Words{"rollback"}})
    EXPECT_EQ(refusal(words), (Refusal{exit_integrity, "journal-damaged", "app.db-belay/journal.lmdb"})) << words[0];
}

TEST_F(JournalCommand, JournalThatIsGoneIsAnIntegrityError) {
  must({"migrate"});
  std::filesystem::remove_all(root / "app.db-belay");
  EXPECT_EQ(refusal({"rollback"}), (Refusal{exit_integrity, "journal-lost", "app.db-belay/journal.lmdb"}));
  const Outcome status = run({"status", "--json"});
  EXPECT_EQ(status.exit, exit_integrity);
  EXPECT_EQ(status.json().at("state"), "inconsistent");
}

TEST_F(JournalCommand, JournalOfAnotherDatabaseIsAnIntegrityError) {
  must({"migrate"});
  must({"migrate", "--database", "other.db"});
  std::filesystem::remove_all(root / "app.db-belay");
  std::filesystem::rename(root / "other.db-belay", root / "app.db-belay");
  EXPECT_EQ(refusal({"rollback"}), (Refusal{exit_integrity, "foreign-journal", "app.db-belay/journal.lmdb"}));
}

TEST_F(JournalCommand, DatabaseThatIsGoneIsAnIntegrityError) {
  must({"migrate"});
  std::filesystem::remove(root / "app.db");
  EXPECT_EQ(refusal({"migrate"}), (Refusal{exit_integrity, "foreign-journal", "app.db-belay/journal.lmdb"}));
}

TEST_F(JournalCommand, PruneKeepsTheNewestRuns) {
  for (int i = 0; i < 3; ++i) must({"migrate", "--steps", "1"});
  EXPECT_TRUE(must({"journal", "prune", "--keep", "1"}).out.starts_with("2 runs pruned ("));
  EXPECT_EQ(must({"journal", "verify", "--json"}).json().at("runs"), 1);
  EXPECT_EQ(must({"journal", "prune", "--keep", "1", "--json"}).json(),
            Json::parse(R"({"ok":true,"exit":0,"pruned":0,"images_pruned":0,"image_bytes_pruned":0})"));
  must({"rollback"});
  EXPECT_EQ(must({"status", "--json"}).json().at("state"), "clean");
}

/// It said `0 runs pruned`, or pruned what was still whole.
TEST_F(JournalCommand, PruneRefusesADamagedJournal) {
  for (int i = 0; i < 3; ++i) must({"migrate", "--steps", "1"});
  damage("CREATE TABLE log");
  EXPECT_EQ(refusal({"journal", "prune", "--keep", "1"}),
            (Refusal{exit_integrity, "journal-damaged", "app.db-belay/journal.lmdb"}));
}

TEST_F(JournalCommand, PruneObeysTheConfiguration) {
  configure("[journal]\nkeep_runs = 100\n");
  for (int i = 0; i < 3; ++i) must({"migrate", "--steps", "1"});
  configure("[journal]\nkeep_runs = 2\n");
  EXPECT_TRUE(must({"journal", "prune"}).out.starts_with("1 run pruned ("));
}

TEST_F(JournalCommand, PruneLetsGoOfTheOldestBeforeImagesFirst) {
  script("1002", {.parents = "1001", .up = "CREATE TABLE large AS SELECT randomblob(1000) AS bytes FROM log;"});
  for (int i = 0; i < 3; ++i) must({"migrate", "--steps", "1"});
  const std::uint64_t kept = must({"journal", "verify", "--json"}).json().at("image_bytes");
  configure("[journal]\nkeep_bytes = 4000\n");
  const Json pruned = must({"journal", "prune", "--json"}).json();
  EXPECT_EQ(pruned.at("pruned"), 0);
  EXPECT_EQ(pruned.at("images_pruned"), 2);
  const Json left = must({"journal", "verify", "--json"}).json();
  EXPECT_EQ(left.at("runs"), 3);
  EXPECT_EQ(pruned.at("image_bytes_pruned"), kept - left.at("image_bytes").get<std::uint64_t>());
  EXPECT_EQ(must({"status", "--json"}).json().at("undoable").size(), 1U);
}

TEST_F(JournalCommand, JournalCanLieElsewhere) {
  configure("[journal]\npath = \"state/belay\"\n");
  must({"migrate"});
  EXPECT_TRUE(std::filesystem::exists(root / "state/belay/journal.lmdb"));
  EXPECT_FALSE(std::filesystem::exists(root / "app.db-belay"));
}

}  // namespace
}  // namespace belay::cli

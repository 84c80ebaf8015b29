// fix-state: what the schema proves is believed, and nothing else.

#include "recovery/fix_state.h"

#include "tests/recovery/fix_state_fixture.h"

namespace belay::recovery {
namespace {

namespace fs = std::filesystem;

class FixStateTest : public FixStateFixture {};

// --- What the schema proves ---

TEST_F(FixStateTest, NothingIsToBeDoneWhereAllAgrees) {
  tables();
  upgrade("003");
  const auto before = folder.names();
  EXPECT_TRUE(plan().nothing_to_do());
  EXPECT_TRUE(fix().revisions.empty());
  EXPECT_EQ(folder.names(), before);
}

TEST_F(FixStateTest, SchemaIsKnownWithoutAnyTableOfBelays) {
  tables();
  upgrade();
  lose_everything();
  EXPECT_EQ(words(plan()), "stamp:001 stamp:002 stamp:003 stamp:004");
  const auto report = fix();
  EXPECT_EQ(report.to.at(0).text, "004");
  EXPECT_EQ(report.revisions.size(), 4U);
  EXPECT_EQ(read("SELECT count(*) FROM u"), "1");
  expect_fixed("001 002 003 004");
}

TEST_F(FixStateTest, SchemaIsKnownInTheMiddleOfTheRevisions) {
  tables();
  upgrade("002");
  lose_everything();
  fix();
  expect_fixed("001 002");
  EXPECT_EQ(applied(), "001 002 003 004");
}

TEST_F(FixStateTest, SchemaThatAnotherToolHasMadeIsKnown) {
  tables();
  run("CREATE TABLE \"t\" ( id integer  PRIMARY KEY ); create table u(t references t(id), note text)");
  run("CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL); INSERT INTO alembic_version VALUES ('3f2a')");
  run("DROP TABLE u; CREATE TABLE u (t references t)");
  EXPECT_NE(evidence_of(plan()).find("Alembic (alembic_version) is at 3f2a"), std::string::npos);
  fix();
  EXPECT_EQ(read("SELECT version_num FROM alembic_version"), "3f2a");
  expect_fixed("001 002");
}

TEST_F(FixStateTest, EmptyDatabaseIsAtBase) {
  tables();
  EXPECT_TRUE(plan().nothing_to_do());
  EXPECT_NE(plan().description.find("base"), std::string::npos);
  EXPECT_FALSE(fs::exists(folder / "app.db"));
}

TEST_F(FixStateTest, BranchesAreTriedOneByOne) {
  script("001", "CREATE TABLE t (id INTEGER);");
  const auto on = [this](const std::string& parent, const std::string& id) {
    const std::string up = "CREATE TABLE t" + id + " (id INTEGER);\n";
    write_file(folder / "versions" / (id + ".sql"),
               "-- revision: " + id + "\n-- parents: " + parent + "\n-- migrate:up\n" + up);
  };
  on("001", "002");
  on("002", "003");
  on("001", "004");
  on("004", "005");
  upgrade("005");
  lose_everything();
  EXPECT_EQ(words(plan()), "stamp:001 stamp:004 stamp:005");
  fix();
  EXPECT_EQ(applied(), "001 004 005");
}

// --- Rows prove nothing ---

TEST_F(FixStateTest, RevisionsOfOneSchemaAreAmbiguousAndBothAreNamed) {
  rows();
  upgrade("002");
  lose_everything();
  const auto error = refused();
  EXPECT_EQ(error.code(), ErrorCode::ambiguous);
  EXPECT_NE(std::string(error.what()).find("001, 002, 003"), std::string::npos) << error.what();
  EXPECT_NE(error.next().find("--to"), std::string::npos);
}

TEST_F(FixStateTest, OneOfSeveralIsSingledOutByAPerson) {
  rows();
  upgrade("002");
  lose_everything();
  fix("002");
  expect_fixed("001 002");
}

TEST_F(FixStateTest, OneOfSeveralIsSingledOutByTheVersionTable) {
  rows();
  upgrade("002");
  lose_journal();
  EXPECT_NE(plan().description.find("as the version table says"), std::string::npos) << plan().description;
  fix();
  expect_fixed("001 002");
}

TEST_F(FixStateTest, OneOfSeveralIsSingledOutByTheJournal) {
  rows();
  upgrade("002");
  lose_tables();
  EXPECT_NE(plan().description.find("as the journal says"), std::string::npos) << plan().description;
  fix();
  expect_fixed("001 002");
}

TEST_F(FixStateTest, OneOfSeveralIsSingledOutByAnotherToolsTable) {
  rows();
  run("CREATE TABLE t (id INTEGER PRIMARY KEY); INSERT INTO t VALUES (2);"
      "CREATE TABLE schema_migrations (version varchar(128) primary key);"
      "INSERT INTO schema_migrations VALUES ('001'), ('002')");
  EXPECT_NE(plan().description.find("as dbmate says"), std::string::npos) << plan().description;
  fix();
  expect_fixed("001 002");
}

TEST_F(FixStateTest, WitnessesThatDisagreeSingleNoneOut) {
  rows();
  upgrade("002");
  run("CREATE TABLE schema_migrations (version varchar(128) primary key); INSERT INTO schema_migrations VALUES "
      "('001')");
  EXPECT_TRUE(plan().nothing_to_do());  // The version table has the last word.
  lose_tables();
  const auto error = refused();
  EXPECT_EQ(error.code(), ErrorCode::ambiguous);
  EXPECT_NE(std::string(error.what()).find("dbmate says 001 and the journal says 002"), std::string::npos)
      << error.what();
}

TEST_F(FixStateTest, VersionThatAnotherToolLeftInDoubtIsNotCalledApplied) {
  rows();
  run("CREATE TABLE t (id INTEGER PRIMARY KEY); CREATE TABLE schema_migrations (version uint64, dirty bool);"
      "INSERT INTO schema_migrations VALUES (002, 1)");
  EXPECT_EQ(refused().code(), ErrorCode::ambiguous);
  script("2", "CREATE TABLE v (id INTEGER);");
  run("CREATE TABLE v (id INTEGER)");
  for (const std::string id : {"002", "003"}) fs::remove(folder / "versions" / (id + ".sql"));
  const auto error = refused();
  EXPECT_EQ(error.code(), ErrorCode::ambiguous);
  EXPECT_NE(std::string(error.what()).find("golang-migrate has left 2 in doubt"), std::string::npos) << error.what();
  fix("2");
  EXPECT_EQ(applied(), "001 2");
}

// --- Refused ---

TEST_F(FixStateTest, PointWithinARevisionIsRefusedWithItsPlace) {
  script("001", "CREATE TABLE t (id INTEGER);");
  script("002", "CREATE TABLE u (id INTEGER);\n\nCREATE TABLE v (id INTEGER);\nCREATE TABLE w (id INTEGER);");
  run("CREATE TABLE t (id INTEGER); CREATE TABLE u (id INTEGER); CREATE TABLE v (id INTEGER)");
  const auto error = refused();
  EXPECT_EQ(error.code(), ErrorCode::half_applied);
  EXPECT_NE(std::string(error.what()).find("revision 002 after step 2 of 3"), std::string::npos) << error.what();
  EXPECT_NE(std::string(error.what()).find("002.sql:5)"), std::string::npos) << error.what();
  EXPECT_EQ(refused("002").code(), ErrorCode::unknown_schema);
}

TEST_F(FixStateTest, TableByHandIsRefusedWithTheNearestRevisionAndTheDifference) {
  tables();
  upgrade("003");
  lose_journal();
  run("CREATE TABLE by_hand (x)");
  const auto error = refused();
  EXPECT_EQ(error.code(), ErrorCode::unknown_schema);
  EXPECT_NE(std::string(error.what()).find("nearest is 003, but for: + table by_hand"), std::string::npos)
      << error.what();
}

TEST_F(FixStateTest, RevisionThatDoesNotFitIsRefusedWhoeverNamesIt) {
  tables();
  upgrade("003");
  lose_journal();
  const auto error = refused("002");
  EXPECT_EQ(error.code(), ErrorCode::unknown_schema);
  EXPECT_NE(std::string(error.what()).find("~ table u"), std::string::npos) << error.what();
  EXPECT_NE(error.next().find("003"), std::string::npos) << error.next();
}

TEST_F(FixStateTest, WithoutScriptsABaselineIsProposed) {
  run("CREATE TABLE t (id INTEGER)");
  const auto error = refused();
  EXPECT_EQ(error.code(), ErrorCode::unknown_schema);
  EXPECT_NE(error.next().find("belay revision --baseline"), std::string::npos);
}

TEST_F(FixStateTest, RunThatCanBeSettledComesFirst) {
  scripts(1);
  upgrade();
  script("002", "INSERT INTO t VALUES (20);\n-- migrate:step a transaction:off\nINSERT INTO t VALUES (21);");
  upgrade_until_call("after commit", 1);
  const auto error = refused();
  EXPECT_EQ(error.code(), ErrorCode::unfinished_run);
  EXPECT_NE(error.next().find("belay recover --forward"), std::string::npos);
}

// --- The version table is wrong ---

TEST_F(FixStateTest, RowWithoutAScriptGoesWhereTheSchemaProvesThatItIsNotApplied) {
  tables();
  upgrade("002");
  run("INSERT INTO belay_version (revision, digest) VALUES ('009', 'x')");
  EXPECT_EQ(words(plan()), "unstamp:009");
  fix();
  expect_fixed("001 002");
}

TEST_F(FixStateTest, RowOfARevisionThatTheSchemaProvesNotToBeAppliedGoes) {
  tables();
  upgrade();
  run("DROP INDEX u_t; DELETE FROM belay_version WHERE revision = '001'");
  EXPECT_EQ(words(plan()), "unstamp:004 stamp:001");
  fix();
  expect_fixed("001 002 003");
}

TEST_F(FixStateTest, RowWithoutAScriptStaysWhereItsTablesAre) {
  tables();
  upgrade();
  fs::remove(folder / "versions/004.sql");
  EXPECT_EQ(refused().code(), ErrorCode::unknown_schema);
  EXPECT_EQ(applied(), "001 002 003 004");
}

TEST_F(FixStateTest, EditedScriptOfTheSameEffectIsAccepted) {
  tables();
  upgrade();
  script("002", "CREATE TABLE IF NOT EXISTS u (\"t\" references t);\nINSERT INTO u VALUES (2);");
  EXPECT_EQ(code_of<Error>([&] { upgrade(); }), ErrorCode::drift);
  EXPECT_EQ(words(plan()), "stamp:002");
  fix();
  expect_fixed("001 002 003 004");
}

TEST_F(FixStateTest, EditedScriptOfAnotherEffectIsRefused) {
  tables();
  upgrade();
  script("002", "CREATE TABLE u (t REFERENCES t, more TEXT);");
  const auto error = refused();
  EXPECT_EQ(error.code(), ErrorCode::unknown_schema);
  EXPECT_NE(std::string(error.what()).find("column more"), std::string::npos) << error.what();
}

TEST_F(FixStateTest, VersionTableThatWasDroppedIsMadeAnew) {
  tables();
  upgrade("003");
  run("DROP TABLE belay_version");
  fix();
  expect_fixed("001 002 003");
}

// --- The journal is wrong ---

TEST_F(FixStateTest, LostJournalIsFollowedByAnotherThatGoesOnBehindIt) {
  tables();
  upgrade("003");
  const auto id = read("SELECT database_id FROM belay_state");
  const auto lsn = std::stoull(read("SELECT last_lsn FROM belay_state"));
  lose_journal();
  fix();
  EXPECT_EQ(read("SELECT database_id FROM belay_state"), id);  // Its backups stay its own.
  EXPECT_GT(std::stoull(read("SELECT last_lsn FROM belay_state")), lsn);
  EXPECT_GT(journal().runs().at(0).first.value, lsn);
  expect_fixed("001 002 003");
}

TEST_F(FixStateTest, DamagedJournalIsSetAside) {
  tables();
  upgrade("003");
  damage_journal();
  EXPECT_NE(evidence_of(plan()).find("the journal is damaged"), std::string::npos);
  fix();
  EXPECT_EQ(journals_aside(), 1);
  expect_fixed("001 002 003");
}

TEST_F(FixStateTest, JournalOfAnotherDatabaseIsSetAside) {
  tables();
  settings.database = "other.db";
  upgrade("001");
  settings.database = "app.db";
  upgrade("003");
  lose_journal();
  fs::rename(folder / "other.db-belay", folder / "app.db-belay");
  EXPECT_NE(evidence_of(plan()).find("the journal is of another database"), std::string::npos);
  fix();
  EXPECT_EQ(journals_aside(), 1);
  expect_fixed("001 002 003");
}

TEST_F(FixStateTest, DatabaseThatWasPutBackByHandGoesOnWithItsJournal) {
  tables();
  upgrade("002");
  const auto old = read_file(folder / "app.db");
  upgrade();
  write_file(folder / "app.db", old);
  EXPECT_EQ(code_of<Error>([&] { upgrade(); }), ErrorCode::foreign);
  fix();
  EXPECT_EQ(journals_aside(), 0);
  expect_fixed("001 002");
}

TEST_F(FixStateTest, JournalThatWasPutBackByHandGivesItsNumbersNoSecondTime) {
  tables();
  upgrade("001");
  const auto old = read_file(log());
  upgrade("003");
  const auto lsn = std::stoull(read("SELECT last_lsn FROM belay_state"));
  write_file(log(), old);
  fix();
  EXPECT_EQ(journals_aside(), 1);
  EXPECT_GT(std::stoull(read("SELECT last_lsn FROM belay_state")), lsn);
  expect_fixed("001 002 003");
}

TEST_F(FixStateTest, DatabaseThatWasSwappedIsTakenForWhatItIs) {
  tables();
  settings.database = "other.db";
  upgrade("003");
  settings.database = "app.db";
  upgrade("001");
  fs::copy_file(folder / "other.db", folder / "app.db", fs::copy_options::overwrite_existing);
  fix();
  EXPECT_EQ(journals_aside(), 1);
  expect_fixed("001 002 003");
}

TEST_F(FixStateTest, DatabaseThatWasDeletedIsBegunAnew) {
  tables();
  upgrade("003");
  fs::remove(folder / "app.db");
  EXPECT_EQ(code_of<Error>([&] { upgrade(); }), ErrorCode::foreign);
  fix();
  EXPECT_TRUE(backups().empty());  // There was nothing to be kept.
  EXPECT_TRUE(look().consistent());
  upgrade();
  expect_settled();
}

TEST_F(FixStateTest, InterruptedRunThatFitsNoDatabaseIsReplaced) {
  scripts(2);
  upgrade();
  const auto old = read_file(folder / "app.db");
  script("003",
         "CREATE TABLE u (id INTEGER);\n-- migrate:step a transaction:off\nCREATE TABLE v (id INTEGER);\n"
         "-- migrate:step b\nCREATE TABLE w (id INTEGER);");
  upgrade_until_call("after commit", 2);
  write_file(folder / "app.db", old);
  EXPECT_EQ(code_of<Error>([&] { upgrade(); }), ErrorCode::foreign);
  fix();
  EXPECT_EQ(journals_aside(), 0);
  EXPECT_FALSE(journal().open_run());
  expect_fixed("001 002");
}

// --- How it is done ---

TEST_F(FixStateTest, BackupIsMadeFirst) {
  tables();
  upgrade("003");
  lose_journal();
  const auto report = fix();
  ASSERT_EQ(backups().size(), 1U);
  EXPECT_EQ(backups()[0].backup.manifest.reason, "before fix-state");
  EXPECT_EQ(report.backup, backups()[0].id);
}

TEST_F(FixStateTest, RunThatIsInterruptedBeforeItsEffectIsFinishedByTheNextCommand) {
  tables();
  upgrade("003");
  lose_everything();
  const int status = run_child([&] {
    Listener deadly;
    deadly.at["began 002"] = die;
    migrator(deadly).fix_state();
  });
  ASSERT_TRUE(was_killed(status));
  EXPECT_TRUE(plan().finishes_own_run);
  EXPECT_EQ(fix().recovered->verdict, Verdict::take_over);
  expect_fixed("001 002 003");
}

TEST_F(FixStateTest, TakingOverAndAllStampsAreOneTransactionWhateverTheHooks) {
  tables();
  upgrade("003");
  lose_everything();
  settings.hooks_between = true;
  run_child([&] {
    Listener deadly;
    deadly.at["began 003"] = die;
    migrator(deadly).fix_state();
  });
  EXPECT_EQ(read("SELECT count(*) FROM sqlite_schema WHERE name LIKE 'belay%'"), "0");
  fix();
  expect_fixed("001 002 003");
}

TEST_F(FixStateTest, RunThatWasInterruptedIsNotFinishedOnAnotherSchema) {
  tables();
  upgrade("003");
  lose_everything();
  run_child([&] {
    Listener deadly;
    deadly.at["began 002"] = die;
    migrator(deadly).fix_state();
  });
  run("CREATE INDEX u_t ON u (t)");
  EXPECT_EQ(code_of<Error>([&] { upgrade(); }), ErrorCode::foreign);
  fix();
  expect_fixed("001 002 003 004");
}

TEST_F(FixStateTest, SchemaThatChangesUnderItsHandsIsNotStamped) {
  tables();
  upgrade("003");
  lose_everything();
  Listener meddling;
  // The last moment before its transaction begins.
  meddling.at["run 4"] = [&] { run("CREATE TABLE by_hand (x)"); };
  const auto error = error_of<engine::Error>([&] { migrator(meddling).fix_state(); });
  EXPECT_EQ(error.code(), engine::ErrorCode::verification_failed);
  EXPECT_EQ(read("SELECT count(*) FROM sqlite_schema WHERE name LIKE 'belay%'"), "0");
  run("DROP TABLE by_hand");
  fix();
  expect_fixed("001 002 003");
}

TEST_F(FixStateTest, NobodyElseIsAtWorkMeanwhile) {
  tables();
  upgrade("003");
  const auto lock = journal::ProcessLock::acquire(folder / "app.db-belay/lock", this_process("migrate"), {});
  EXPECT_EQ(code_of<journal::Error>([&] { plan(); }), journal::ErrorCode::locked);
}

}  // namespace
}  // namespace belay::recovery

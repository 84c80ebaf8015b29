// Undo where journal or disk are not what they should be: the database that comes out is looked at before it counts.

#include "recovery/undo.h"

#include "recovery/finished_runs.h"
#include "recovery/outlook.h"
#include "tests/recovery/undo_fixture.h"

namespace belay::recovery {
namespace {

class UndoFaultsTest : public UndoTest {
 protected:
  /// A run that calls another transaction its previous one than the database did.
  void run_behind_another() {
    scripts(1);
    upgrade();
    engine::Site site(engine::connect(Places(settings).url, {}), Places(settings).journal);
    auto& log = site.journal();
    const journal::Lsn another{log.last_commit().value - 1};
    log.begin({.command = "migrate"}, {engine::up("002", "INSERT INTO t VALUES (2);")});
    engine::ImagesToJournal images(log);
    site.connection().capture(&images);
    site.connection().begin();
    const auto begin = log.append(journal::TransactionBegin{.previous = another});
    log.append(journal::StepBegin{0, 0, {}});
    log.append(journal::StampBegin{.ordinal = 0});
    site.connection().query("INSERT INTO t VALUES (2)");
    site.versions().set_last_lsn(begin);
    site.connection().commit();
    site.connection().capture(nullptr);
    log.append(journal::TransactionCommit{.begin = begin});
    engine::end_run(site.parts(), journal::Outcome::done, "", {}, listener);
  }
};

TEST_F(UndoFaultsTest, DatabaseOfAnotherTransactionThanItWasToBeIsNotTakenForIt) {
  run_behind_another();
  const auto error = error_of<engine::Error>([&] { undo_run(); });
  EXPECT_EQ(error.code(), engine::ErrorCode::outcome_unknown);
  EXPECT_NE(std::string(error.what()).find("has put back"), std::string::npos) << error.what();
  EXPECT_EQ(code_of<Error>([&] { upgrade(); }), ErrorCode::foreign);
}

TEST_F(UndoFaultsTest, DatabaseOfAnotherTransactionIsFoundOutInTheRehearsal) {
  run_behind_another();
  run("INSERT INTO t VALUES (77)");
  const auto before = contents();
  const auto error = error_of<Error>([&] { undo_run({.discard_later_writes = true}); });
  EXPECT_EQ(error.code(), ErrorCode::foreign_writes);
  EXPECT_NE(std::string(error.what()).find("its last transaction is"), std::string::npos) << error.what();
  EXPECT_TRUE(contents() == before);
  expect_settled();
}

TEST_F(UndoFaultsTest, WithoutACopyOfWhatOthersWroteNothingIsDiscarded) {
  scripts(2);
  upgrade();
  run("CREATE TABLE big AS WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 200) SELECT "
      "randomblob(4000) FROM n");
  const auto before = contents();
  listener.at["copy: reading back"] = [&] {
    std::filesystem::resize_file(scratch_in(Places(settings).backups, "packed"), 300'000);
  };
  EXPECT_EQ(code_of<Error>([&] { undo_run({.discard_later_writes = true}); }), ErrorCode::backup_damaged);
  EXPECT_TRUE(contents() == before);
  EXPECT_TRUE(copies().empty());
  EXPECT_FALSE(journal().open_run());
}

TEST_F(UndoFaultsTest, DatabaseThatIsDamagedAlreadyIsNotDiscardedFrom) {
  scripts(1);
  upgrade();
  run("CREATE TABLE u (id REFERENCES t)");
  scripts(2);
  upgrade();
  run("INSERT INTO u VALUES (77)");  // An orphan.
  const auto error = error_of<Error>([&] { undo_run({.discard_later_writes = true}); });
  EXPECT_EQ(error.code(), ErrorCode::foreign_writes);
  EXPECT_NE(std::string(error.what()).find("is not sound as it is"), std::string::npos) << error.what();
  EXPECT_EQ(applied(), "001 002");
}

// --- A look beside a run that has begun meanwhile ---

TEST_F(UndoFaultsTest, OpenRunIsNotOneThatCanBeTakenBack) {
  scripts(2);
  upgrade("001");
  upgrade_until_call("after seal");
  const auto connection = engine::connect(Places(settings).url, {.lock_timeout = {}, .read_only = true});
  ASSERT_EQ(journal().runs().size(), 2U);
  const auto found = undoable_runs(journal(), *connection);
  ASSERT_EQ(found.size(), 1U);
  EXPECT_EQ(found[0].run.value, 1U);
}

TEST_F(UndoFaultsTest, RunOfWhichOnlyTheBeginningIsThereTakesNothingOver) {
  scripts(1);
  upgrade();
  run_child([&] {
    auto log = journal::Journal::open(Places(settings).journal, journal::Journal::Access::write);
    log.begin({.command = "recover undo-run"}, {});
    die();
  });
  const auto connection = engine::connect(Places(settings).url, {.lock_timeout = {}, .read_only = true});
  EXPECT_EQ(undoable_runs(journal(), *connection).size(), 1U);
}

}  // namespace
}  // namespace belay::recovery

// Undo where journal or disk are not what they should be: the database that comes out is looked at before it counts.

#include "recovery/undo.h"

#include <utility>

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
    const journal::Lsn another{site.journal().last_commit().value - 1};
    site.journal().begin({.command = "migrate"}, {engine::up("002", "INSERT INTO t VALUES (2);")});
    engine::ImagesToJournal images(site.journal());
    commit(site, another, &images);
    engine::end_run(site.parts(), journal::Outcome::done, "", {}, listener);
  }
  /// A run whose second transaction has left where it stood, and nothing of what it has overwritten.
  void run_without_an_image() {
    scripts(1);
    upgrade();
    engine::Site site(engine::connect(Places(settings).url, {}), Places(settings).journal);
    auto& log = site.journal();
    log.begin({.command = "migrate"}, {engine::up("002", "INSERT INTO t VALUES (2);")});
    engine::ImagesToJournal images(log);
    commit(site, log.last_commit(), &images);
    const auto before = site.connection().footprint();
    const auto begin = commit(site, log.last_commit(), nullptr);
    log.append(journal::Footprint{.before = before, .after = site.connection().footprint()});
    log.append(journal::TransactionCommit{.begin = begin});
    engine::end_run(site.parts(), journal::Outcome::done, "", {}, listener);
  }
  /// A transaction that is acknowledged when it has images.
  static journal::Lsn commit(engine::Site& site, journal::Lsn previous, engine::BeforeImages* images) {
    auto& log = site.journal();
    site.connection().capture(images);
    site.connection().begin();
    const auto begin = log.append(journal::TransactionBegin{.previous = previous});
    log.append(journal::StepBegin{0, 0, {}});
    log.append(journal::StampBegin{.ordinal = 0});
    site.connection().query("INSERT INTO t VALUES (NULL)");
    site.versions().set_last_lsn(begin);
    site.connection().commit();
    site.connection().capture(nullptr);
    if (images != nullptr) log.append(journal::TransactionCommit{.begin = begin});
    return begin;
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

TEST_F(UndoFaultsTest, TransactionWhoseImagesAreMissingIsNotTakenBack) {
  run_without_an_image();
  const auto before = contents();
  const auto error = error_of<Error>([&] { undo_run(); });
  EXPECT_EQ(error.code(), ErrorCode::no_images);
  const auto missing = "the before-images of transaction " + std::to_string(journal().last_commit().value);
  EXPECT_NE(std::string(error.what()).find(missing), std::string::npos) << error.what();
  EXPECT_EQ(error.file(), Places(settings).journal.string());
  EXPECT_TRUE(contents() == before);
  EXPECT_EQ(last_run(), "RunBegin UndoBegin UndoEnd RunEnd");
  expect_settled();
}

/// Between the proof that nobody has written and the lock.
TEST_F(UndoFaultsTest, WhoeverWritesWhileTheUndoBeginsIsNotOverwritten) {
  scripts(2);
  upgrade();
  bool wrote = false;
  hear_calls([&](const Call& call) {
    if (call.name != "unlink" || !call.path.ends_with("app.db-journal.new") || std::exchange(wrote, true)) return;
    run("INSERT INTO t VALUES (77)");
  });
  const auto error = error_of<Error>([&] { undo_run(); });
  hear_calls({});
  EXPECT_TRUE(wrote);
  EXPECT_EQ(error.code(), ErrorCode::foreign_writes);
  EXPECT_NE(std::string(error.what()).find("somebody else has written to"), std::string::npos) << error.what();
  EXPECT_EQ(read("SELECT group_concat(id, ' ') FROM t"), "2 77");
  EXPECT_EQ(last_run(), "RunBegin UndoBegin UndoEnd RunEnd");
  expect_settled();
}

TEST_F(UndoFaultsTest, DatabaseWithDamagedPagesIsNotDiscardedFrom) {
  scripts(2);
  upgrade();
  run("CREATE TABLE u AS WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 20) SELECT "
      "randomblob(4000) FROM n");
  std::string bytes = read_file(folder / "app.db");
  bytes.replace(bytes.size() - 4096, 64, 64, '\x55');
  write_file(folder / "app.db", bytes);
  const auto error = error_of<Error>([&] { undo_run({.discard_later_writes = true}); });
  EXPECT_EQ(error.code(), ErrorCode::foreign_writes);
  EXPECT_NE(std::string(error.what()).find("is not sound as it is"), std::string::npos) << error.what();
  EXPECT_TRUE(read_file(folder / "app.db") == bytes);
  EXPECT_TRUE(copies().empty());
  EXPECT_FALSE(journal().open_run());
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

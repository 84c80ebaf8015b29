// What else happens to a database and its journal between a crash and the next run: refused with a reason and nothing
// changed, or mended.

#include "tests/recovery/undo_fixture.h"

namespace belay::recovery {
namespace {

namespace fs = std::filesystem;

class BadDaysTest : public UndoTest {
 protected:
  /// A second revision of which two parts are committed.
  void interrupted() {
    scripts(1);
    upgrade();
    before_ = contents();
    script("002", half);
    upgrade_until_call("after commit", 2);
    left_ = contents();
  }
  [[nodiscard]] fs::path log() const { return folder / "app.db-belay/journal.lmdb"; }

  /// Puts `with` wherever the journal's file has `what`.
  void overwrite(const std::string& what, const std::string& with) {
    std::string bytes = read_file(log());
    std::size_t times = 0;
    for (auto at = bytes.find(what); at != std::string::npos; at = bytes.find(what, at + 1), ++times)
      bytes.replace(at, with.size(), with);
    ASSERT_GT(times, 0U);
    write_file(log(), bytes);
  }
  /// Neither way is gone, and nothing is changed.
  template <typename Thrown, typename Code>
  void expect_refused(Code code) {
    const auto file = read_file(log());
    EXPECT_EQ(code_of<Thrown>([&] { upgrade(); }), code);
    for (const Policy policy : {Policy::forward, Policy::back})
      EXPECT_EQ(code_of<Thrown>([&] { recover(policy); }), code);
    EXPECT_EQ(code_of<Thrown>([&] { recover(Policy::back, true); }), code);
    EXPECT_TRUE(contents() == left_);
    EXPECT_TRUE(read_file(log()) == file);
    EXPECT_TRUE(copies().empty());
  }

  std::string before_;
  std::string left_;
};

TEST_F(BadDaysTest, DeletedJournalIsMissed) {
  interrupted();
  fs::remove_all(folder / "app.db-belay");
  expect_refused<Error>(ErrorCode::journal_lost);
}

TEST_F(BadDaysTest, TruncatedJournalIsFoundOut) {
  interrupted();
  fs::resize_file(log(), fs::file_size(log()) / 2);
  expect_refused<journal::Error>(journal::ErrorCode::damaged);
}

TEST_F(BadDaysTest, DamagedPlanIsFoundOut) {
  interrupted();
  overwrite("INSERT INTO t VALUES (21)", "DELETE");
  expect_refused<journal::Error>(journal::ErrorCode::damaged);
}

/// Going forward needs none.
TEST_F(BadDaysTest, DamagedBeforeImageIsFoundOutBeforeAnythingIsPutBack) {
  interrupted();
  overwrite("CHECK", "check");  // In page 1.
  EXPECT_EQ(code_of<journal::Error>([&] { recover(Policy::back); }), journal::ErrorCode::damaged);
  EXPECT_TRUE(contents() == left_);
  EXPECT_TRUE(look().interrupted);
}

TEST_F(BadDaysTest, JournalOfALaterBelayIsLeft) {
  interrupted();
  make_later(log());
  expect_refused<journal::Error>(journal::ErrorCode::newer_format);
}

TEST_F(BadDaysTest, JournalOfAnotherDatabaseIsLeft) {
  interrupted();
  settings.database = "other.db";
  upgrade();
  settings.database = "app.db";
  fs::remove_all(folder / "app.db-belay");
  fs::rename(folder / "other.db-belay", folder / "app.db-belay");
  expect_refused<Error>(ErrorCode::foreign);
}

TEST_F(BadDaysTest, DatabaseThatWasReplacedByAnotherIsLeft) {
  interrupted();
  settings.database = "other.db";
  upgrade();
  settings.database = "app.db";
  fs::rename(folder / "other.db", folder / "app.db");
  left_ = contents();
  expect_refused<Error>(ErrorCode::foreign);
}

TEST_F(BadDaysTest, DatabaseThatWasPutBackIsLeft) {
  scripts(1);
  upgrade();
  const auto old = read_file(folder / "app.db");
  scripts(2);
  upgrade();
  script("003", half);
  upgrade_until_call("after commit", 2);
  write_file(folder / "app.db", old);
  left_ = contents();
  expect_refused<Error>(ErrorCode::foreign);
}

TEST_F(BadDaysTest, JournalThatWasPutBackIsLeft) {
  interrupted();
  const auto old = read_file(log());
  recover(Policy::back);
  scripts(4);
  upgrade();
  write_file(log(), old);
  left_ = contents();
  expect_refused<Error>(ErrorCode::foreign);
  EXPECT_EQ(code_of<Error>([&] { undo_run(); }), ErrorCode::foreign);
}

TEST_F(BadDaysTest, TableOfBelaysThatWasDroppedIsMissed) {
  interrupted();
  run("DROP TABLE belay_state");
  left_ = contents();
  expect_refused<Error>(ErrorCode::foreign);
}

TEST_F(BadDaysTest, VersionTableThatWasDroppedIsNotTakenForAnEmptyOne) {
  scripts(3);
  upgrade();
  run("DROP TABLE belay_version");
  EXPECT_EQ(code_of<Error>([&] { upgrade(); }), ErrorCode::drift);
  EXPECT_FALSE(look().consistent());
  EXPECT_EQ(read("SELECT count(*) FROM t"), "2");
  stamp({"head"});
  EXPECT_EQ(applied(), "001 002 003");
  expect_settled();
}

TEST_F(BadDaysTest, EditsByHandAfterACrashAreKeptByGoingOn) {
  interrupted();
  run("INSERT INTO t VALUES (77)");
  settings.policy = Policy::back;
  EXPECT_EQ(code_of<Error>([&] { upgrade(); }), ErrorCode::foreign_writes);
  settings.policy = Policy::forward;
  EXPECT_TRUE(upgrade().recovered);
  EXPECT_EQ(read("SELECT group_concat(id, ' ') FROM (SELECT id FROM t ORDER BY id)"), "20 21 22 77");
  expect_settled();
}

TEST_F(BadDaysTest, SpaceThatIsMissingForTheCopyIsSaidAndNothingIsChanged) {
  interrupted();
  run("INSERT INTO t VALUES (77)");
  left_ = contents();
  const int status = run_child([&] {
    fail_write({1, ENOSPC, true, "-copy.db"});
    EXPECT_EQ(code_of<engine::Error>([&] { recover(Policy::back, true); }), engine::ErrorCode::no_space);
  });
  EXPECT_EQ(status, 0);
  EXPECT_TRUE(contents() == left_);
  EXPECT_TRUE(copies().empty());
  recover(Policy::back, true);
  EXPECT_EQ(applied(), "001");
}

// --- Beside other processes ---

/// A process of somebody else's that has the database open until this ends.
class Other {
 public:
  explicit Other(const fs::path& database) {
    EXPECT_EQ(::pipe(there_), 0);
    EXPECT_EQ(::pipe(go_), 0);
    pid_ = engine::start([&] {
      ::close(go_[1]);
      engine::Raw raw(database);
      raw.read("SELECT * FROM t");
      char letter = 'x';
      EXPECT_EQ(::write(there_[1], &letter, 1), 1);
      while (::read(go_[0], &letter, 1) == 1) {
        const auto seen = raw.read("SELECT count(*) FROM t");
        EXPECT_EQ(::write(there_[1], seen.data(), 1), 1);
      }
    });
    wait();
  }
  Other(const Other&) = delete;
  Other& operator=(const Other&) = delete;
  ~Other() {
    ::close(go_[1]);
    EXPECT_EQ(engine::wait_for(pid_), 0);
    for (const int end : {there_[0], there_[1], go_[0]}) ::close(end);
  }

  /// How many rows of `t` it sees now.
  char rows() {
    EXPECT_EQ(::write(go_[1], "x", 1), 1);
    return wait();
  }

 private:
  char wait() {
    char letter = 0;
    EXPECT_EQ(::read(there_[0], &letter, 1), 1);
    return letter;
  }
  int there_[2]{};
  int go_[2]{};
  pid_t pid_ = 0;
};

TEST_F(BadDaysTest, ProcessThatKeepsAWalDatabaseOpenPutsTheUndoOff) {
  run("PRAGMA journal_mode = WAL");
  interrupted();
  settings.policy = Policy::back;
  {
    Other other(folder / "app.db");
    EXPECT_EQ(code_of<engine::Error>([&] { upgrade("001"); }), engine::ErrorCode::busy);
    EXPECT_EQ(other.rows(), '2');
    EXPECT_TRUE(look().interrupted);
  }
  EXPECT_EQ(upgrade("001").recovered->direction, Policy::back);
  EXPECT_EQ(read("SELECT count(*) FROM t; PRAGMA journal_mode; PRAGMA integrity_check"), "0\nwal\nok");
}

TEST_F(BadDaysTest, ProcessThatIsIdleMeanwhileSeesWhatIsThere) {
  scripts(3);
  upgrade();
  Other other(folder / "app.db");
  EXPECT_EQ(other.rows(), '2');
  script("004", "INSERT INTO t VALUES (30), (31);");
  upgrade();
  EXPECT_EQ(other.rows(), '4');
  undo_run();
  EXPECT_EQ(other.rows(), '2');
  script("004", "INSERT INTO t VALUES (30);");
  upgrade();
  EXPECT_EQ(other.rows(), '3');
}

}  // namespace
}  // namespace belay::recovery

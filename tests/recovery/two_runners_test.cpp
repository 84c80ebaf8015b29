#include <array>
#include <thread>

#include "tests/recovery/fixture.h"

namespace belay::recovery {
namespace {

using TwoRunnersTest = ProjectTest;

/// A process in the middle of an upgrade, which goes on when it is let.
class Runner {
 public:
  Runner(const Settings& settings, const std::string& word) {
    EXPECT_EQ(::pipe(there_), 0);
    EXPECT_EQ(::pipe(go_on_), 0);
    pid_ = engine::start([&] {
      Listener listener;
      listener.at[word] = [&] {
        char letter = 'x';
        EXPECT_EQ(::write(there_[1], &letter, 1), 1);
        EXPECT_EQ(::read(go_on_[0], &letter, 1), 1);
      };
      Migrator(settings, listener).upgrade();
    });
    char letter = 0;
    EXPECT_EQ(::read(there_[0], &letter, 1), 1);
  }
  Runner(const Runner&) = delete;
  Runner& operator=(const Runner&) = delete;
  ~Runner() {
    for (const int end : {there_[0], there_[1], go_on_[0], go_on_[1]}) ::close(end);
  }

  [[nodiscard]] pid_t pid() const { return pid_; }
  void go_on() { EXPECT_EQ(::write(go_on_[1], "x", 1), 1); }
  int wait() { return engine::wait_for(pid_); }

 private:
  int there_[2]{};
  int go_on_[2]{};
  pid_t pid_ = 0;
};

TEST_F(TwoRunnersTest, SecondIsToldWhoIsAtWork) {
  scripts(3);
  Runner first(settings, "began 002");
  const auto error = error_of<journal::Error>([&] { upgrade(); });
  EXPECT_EQ(error.code(), journal::ErrorCode::locked);
  EXPECT_NE(std::string(error.what()).find("pid " + std::to_string(first.pid())), std::string::npos) << error.what();
  first.go_on();
  EXPECT_EQ(first.wait(), 0);
  expect_settled();
}

TEST_F(TwoRunnersTest, LookTellsWhoIsAtWorkAndCallsNothingInterrupted) {
  scripts(3);
  settings.hooks_between = true;
  Runner first(settings, "began 002");
  const auto situation = look();
  ASSERT_TRUE(situation.running);
  EXPECT_EQ(situation.running->pid, first.pid());
  EXPECT_FALSE(situation.interrupted);
  EXPECT_FALSE(situation.problem);
  first.go_on();
  EXPECT_EQ(first.wait(), 0);
  EXPECT_FALSE(look().running);
}

TEST_F(TwoRunnersTest, SecondWaitsAndThenHasNothingToDo) {
  scripts(3);
  Runner first(settings, "began 002");
  settings.lock_timeout = std::chrono::minutes(1);
  std::thread later([&] {
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
    first.go_on();
  });
  const auto report = upgrade();
  later.join();
  EXPECT_EQ(first.wait(), 0);
  EXPECT_TRUE(report.revisions.empty());
  EXPECT_FALSE(report.recovered);
  EXPECT_EQ(applied(), "001 002 003");
  expect_settled();
}

TEST_F(TwoRunnersTest, SecondFinishesWhatAKilledFirstLeft) {
  scripts(3);
  settings.hooks_between = true;
  Runner first(settings, "began 002");
  ::kill(first.pid(), SIGKILL);
  EXPECT_TRUE(was_killed(first.wait()));
  EXPECT_TRUE(upgrade().recovered);
  EXPECT_EQ(applied(), "001 002 003");
  expect_settled();
}

/// Another process comes, migrates and goes between a look at the database and the look at its journal.
TEST_F(TwoRunnersTest, LookBesideAnUpgradeThatComesAndGoesSeesNoProblem) {
  scripts(2);
  upgrade();
  scripts(3);
  bool came = false;
  before_open("journal.lmdb", [&] { came = embed() == 0; });
  const auto situation = look();
  EXPECT_TRUE(came);
  EXPECT_FALSE(situation.problem);
  EXPECT_EQ(situation.stamps.size(), 3U);
}

TEST_F(TwoRunnersTest, UpgradeBesideAnUpgradeThatComesAndGoesHasNothingToDo) {
  scripts(2);
  bool came = false;
  before_open("lock", [&] { came = embed() == 0; });
  EXPECT_TRUE(upgrade().revisions.empty());
  EXPECT_TRUE(came);
  EXPECT_EQ(applied(), "001 002");
}

TEST_F(TwoRunnersTest, ResetThatSeesNothingToDoDoesNotPassByARunner) {
  scripts(1);
  Runner first(settings, "began 001");
  std::filesystem::remove(folder / "versions/001.sql");
  EXPECT_EQ(code_of<journal::Error>([&] { migrator(listener).reset(); }), journal::ErrorCode::locked);
  first.go_on();
  EXPECT_EQ(first.wait(), 0);
  EXPECT_EQ(applied(), "001");
}

/// It comes between the look that finds nothing interrupted and the lock.
TEST_F(TwoRunnersTest, UndoBesideARunThatIsKilledIsRefused) {
  scripts(2);
  upgrade();
  scripts(3);
  int go_on[2]{};
  ASSERT_EQ(::pipe(go_on), 0);
  const pid_t other = engine::start([&] {
    char letter = 0;
    EXPECT_EQ(::read(go_on[0], &letter, 1), 1);
    Listener deadly;
    deadly.at["began 003"] = die;
    migrator(deadly).upgrade();
  });
  const auto come_and_die = [&] {
    EXPECT_EQ(::write(go_on[1], "x", 1), 1);
    EXPECT_TRUE(was_killed(engine::wait_for(other)));
  };
  before_open("belay/lock", [&] { before_open("belay/lock", come_and_die); });
  const auto error = error_of<Error>([&] { migrator(listener).undo_run(); });
  EXPECT_EQ(error.code(), ErrorCode::not_applicable);
  EXPECT_EQ(error.next(), "belay recover");
  EXPECT_TRUE(journal().open_run());
  EXPECT_EQ(applied(), "001 002");
  for (const int end : go_on) ::close(end);
}

TEST_F(TwoRunnersTest, ManyThatStartAtOnceApplyEachRevisionOnce) {
  scripts(8);
  settings.lock_timeout = std::chrono::minutes(1);
  settings.hooks_between = true;
  for (int round = 0; round < 5; ++round) {
    std::array<pid_t, 6> runners{};
    for (pid_t& runner : runners) runner = engine::start([&] { upgrade(); });
    for (const pid_t runner : runners) EXPECT_EQ(engine::wait_for(runner), 0);
    EXPECT_EQ(read("SELECT count(*) FROM t"), "7");
    expect_settled();
    std::filesystem::remove(folder / "app.db");
    std::filesystem::remove_all(folder / "app.db-belay");
  }
}

TEST_F(TwoRunnersTest, LookingAllTheTimeNeverSeesAProblem) {
  scripts(40);
  settings.lock_timeout = std::chrono::minutes(1);
  settings.hooks_between = true;
  const pid_t runner = engine::start([&] {
    upgrade("020");
    upgrade();
  });
  const pid_t looker = engine::start([&] {
    for (bool done = false; !done;) {
      const auto situation = look();
      ASSERT_FALSE(situation.problem) << situation.problem->what();
      ASSERT_FALSE(situation.interrupted) << situation.interrupted->description;
      done = situation.stamps.size() == 40 && !situation.running;
    }
  });
  EXPECT_EQ(engine::wait_for(runner), 0);
  EXPECT_EQ(engine::wait_for(looker), 0);
}

}  // namespace
}  // namespace belay::recovery

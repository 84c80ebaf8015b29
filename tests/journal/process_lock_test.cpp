#include "journal/process_lock.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/stat.h>

#include <thread>

#include "tests/journal/fixture.h"

namespace belay::journal {
namespace {

using std::chrono::milliseconds;

class ProcessLockTest : public ::testing::Test {
 protected:
  ProcessLock acquire(milliseconds timeout = milliseconds(0)) const {
    return ProcessLock::acquire(file_, us_, timeout);
  }

  /// A process that takes the lock, says so, and holds it until it is killed.
  [[nodiscard]] pid_t start_holder() const {
    int ends[2];
    if (::pipe(ends) != 0) std::abort();
    const pid_t pid = start([&] {
      const ProcessLock lock = ProcessLock::acquire(file_, {::getpid(), "other-host", "belay migrate", "now"}, {});
      if (::write(ends[1], "x", 1) != 1) std::abort();
      ::pause();
    });
    char ready = 0;
    if (::read(ends[0], &ready, 1) != 1) std::abort();
    ::close(ends[0]);
    ::close(ends[1]);
    return pid;
  }

  static void kill(pid_t pid) {
    ::kill(pid, SIGKILL);
    wait_for(pid);
  }

  Folder folder_;
  std::filesystem::path file_ = folder_ / "lock";
  Holder us_{::getpid(), "host", "belay\tmigrate\n", "2026-01-02T03:04:05Z"};
};

TEST_F(ProcessLockTest, FreeLockHasNoHolder) {
  EXPECT_FALSE(ProcessLock::holder(file_));
  EXPECT_FALSE(std::filesystem::exists(file_));
  { const ProcessLock lock = acquire(); }
  EXPECT_FALSE(ProcessLock::holder(file_));
}

TEST_F(ProcessLockTest, HolderIsReadableWhileHeld) {
  const ProcessLock lock = acquire();
  const auto holder = ProcessLock::holder(file_);
  ASSERT_TRUE(holder);
  EXPECT_EQ(holder->pid, ::getpid());
  EXPECT_EQ(holder->host, "host");
  EXPECT_EQ(holder->since, "2026-01-02T03:04:05Z");
  EXPECT_EQ(holder->command, "belay migrate ");
}

TEST_F(ProcessLockTest, SecondTakerInTheSameProcessIsLockedOut) {
  const ProcessLock lock = acquire();
  EXPECT_EQ(code_of([&] { acquire(); }), ErrorCode::locked);
}

TEST_F(ProcessLockTest, OtherProcessIsNamedToWhoeverWaits) {
  const pid_t pid = start_holder();
  const Error error = error_of([&] { acquire(milliseconds(60)); });
  EXPECT_EQ(error.code(), ErrorCode::locked);
  EXPECT_EQ(error.what(),
            "the database is being migrated by pid " + std::to_string(pid) + " on other-host since now: belay migrate");
  EXPECT_EQ(ProcessLock::holder(file_).value().pid, pid);
  kill(pid);
}

TEST_F(ProcessLockTest, LockDiesWithItsKilledHolder) {
  kill(start_holder());
  EXPECT_FALSE(ProcessLock::holder(file_));
  EXPECT_NO_THROW(acquire());
}

TEST_F(ProcessLockTest, WaiterGetsTheLockWhenItIsReleased) {
  const pid_t pid = start_holder();
  std::jthread killer([pid] {
    std::this_thread::sleep_for(milliseconds(50));
    kill(pid);
  });
  EXPECT_NO_THROW(acquire(std::chrono::minutes(1)));
}

TEST_F(ProcessLockTest, WaitingEndsWhenStopIsRequested) {
  const ProcessLock lock = acquire();
  std::stop_source source;
  source.request_stop();
  EXPECT_EQ(code_of([&] { ProcessLock::acquire(file_, us_, std::chrono::hours(1), source.get_token()); }),
            ErrorCode::interrupted);
}

TEST_F(ProcessLockTest, MovedLockIsHeldOnce) {
  ProcessLock first = acquire();
  ProcessLock second = std::move(first);
  EXPECT_TRUE(ProcessLock::holder(file_));
  { const ProcessLock third = std::move(second); }
  EXPECT_FALSE(ProcessLock::holder(file_));
}

TEST_F(ProcessLockTest, GarbageInTheFileDoesNotMatter) {
  write_file(file_, std::string(10000, '\xFF'));
  EXPECT_FALSE(ProcessLock::holder(file_));
  const ProcessLock lock = acquire();
  EXPECT_EQ(ProcessLock::holder(file_).value().pid, ::getpid());
}

TEST_F(ProcessLockTest, HolderThatCannotBeReadHasNoPid) {
  const ProcessLock lock = acquire();
  for (const char* line :
       {"", "\n", "12", "0\ta\tb\tc\n", "-3\ta\tb\tc\n", "12x\ta\tb\tc\n", "99999999999999999999\ta\tb\tc\n"}) {
    write_file(file_, line);
    EXPECT_EQ(ProcessLock::holder(file_).value().pid, 0) << line;
  }
  EXPECT_STREQ(error_of([&] { acquire(); }).what(), "the database is being migrated by another process");
}

TEST_F(ProcessLockTest, FolderInItsPlaceIsUnavailable) {
  std::filesystem::create_directory(file_);
  EXPECT_EQ(code_of([&] { acquire(); }), ErrorCode::unavailable);
}

TEST_F(ProcessLockTest, MissingFolderIsUnavailable) {
  EXPECT_EQ(code_of([&] { ProcessLock::acquire(folder_ / "no" / "lock", us_, {}); }), ErrorCode::unavailable);
}

TEST_F(ProcessLockTest, FileIsReadableByOthers) {
  const ProcessLock lock = acquire();
  const auto permissions = std::filesystem::status(file_).permissions();
  EXPECT_EQ(permissions & std::filesystem::perms::owner_all,
            std::filesystem::perms::owner_read | std::filesystem::perms::owner_write);
}

}  // namespace
}  // namespace belay::journal

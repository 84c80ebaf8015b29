#include <gtest/gtest.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <chrono>
#include <fstream>
#include <random>
#include <thread>

#include "journal/grammar.h"
#include "journal/journal.h"
#include "tests/journal/fixture.h"

// The journal and other processes: readers beside a writer, killed writers, limits. A child is forked while no journal
// is open.

namespace belay::journal {
namespace {

class Pipe {
 public:
  Pipe() {
    if (::pipe(ends_) != 0) std::abort();
  }
  Pipe(const Pipe&) = delete;
  Pipe& operator=(const Pipe&) = delete;
  ~Pipe() {
    ::close(ends_[0]);
    close_writing();
  }
  void close_writing() {
    if (ends_[1] >= 0) ::close(std::exchange(ends_[1], -1));
  }
  void write(std::uint64_t number) const {
    if (::write(ends_[1], &number, sizeof number) != sizeof number) std::abort();
  }
  /// Nothing at the end of the pipe.
  std::optional<std::uint64_t> read() const {
    std::uint64_t number = 0;
    return ::read(ends_[0], &number, sizeof number) == sizeof number ? std::optional(number) : std::nullopt;
  }

 private:
  int ends_[2]{};
};

class ProcessesTest : public ::testing::Test {
 protected:
  Journal create() { return Journal::create(file_, "database-1"); }
  Journal open(Journal::Access access = Journal::Access::write) { return Journal::open(file_, access); }

  Folder folder_;
  std::filesystem::path file_ = folder_ / "journal.lmdb";
};

TEST_F(ProcessesTest, ReaderSeesWholeFlushesBesideAGrowingWriter) {
  create();
  const pid_t writer = start([&] {
    Journal journal = open();
    for (;;) write_run(journal, 100, {.runs = 20});
  });
  const Journal reader = open(Journal::Access::read);
  Lsn last;
  while (last < Lsn{20000}) {
    const Journal::Summary summary = reader.verify();
    EXPECT_GE(summary.last, last);
    last = summary.last;
    reader.scan({}, [](const Journal::Entry&) { return true; });
  }
  ::kill(writer, SIGKILL);
  wait_for(writer);
}

TEST_F(ProcessesTest, ReaderIsUpToDateUntilSomebodyHasWritten) {
  create();
  const Pipe go;
  const pid_t writer = start([&] {
    go.read();
    Journal journal = open();
    write_run(journal, 1, {.runs = 20});
  });
  const Journal reader = open(Journal::Access::read);
  EXPECT_TRUE(reader.is_up_to_date());
  go.write(1);
  wait_for(writer);
  EXPECT_FALSE(reader.is_up_to_date());
}

TEST_F(ProcessesTest, ReaderOfAJournalThatWasReplacedIsNotUpToDate) {
  create();
  const Journal reader = open(Journal::Access::read);
  std::filesystem::rename(file_, folder_ / "aside.lmdb");
  EXPECT_FALSE(reader.is_up_to_date());
  create();
  EXPECT_FALSE(reader.is_up_to_date());
}

TEST_F(ProcessesTest, OpeningBesideAWriterNeverFindsDamage) {
  create();
  const pid_t writer = start([&] {
    Journal journal = open();
    for (;;) write_run(journal, 1, {.runs = 3});
  });
  Lsn last;
  while (last < Lsn{5000}) last = open(Journal::Access::read).verify().last;
  ::kill(writer, SIGKILL);
  wait_for(writer);
}

TEST_F(ProcessesTest, ReaderThatWasKilledDoesNotKeepPagesForEver) {
  create();
  Pipe ready;
  const pid_t reader = start([&] {
    open(Journal::Access::read).scan({}, [](const Journal::Entry&) { return true; });
    const Journal journal = open(Journal::Access::read);
    ready.write(1);
    for (;;) journal.verify();
  });
  ready.read();
  ::kill(reader, SIGKILL);
  wait_for(reader);
  Journal journal = open();
  for (int i = 0; i < 50; ++i) write_run(journal, 100, {.runs = 2});
  EXPECT_LT(journal.verify().bytes, 2U << 20U);
}

TEST_F(ProcessesTest, RunThatAnotherProcessBeganIsNotOverwritten) {
  Pipe go;
  const pid_t other = start([&] {
    go.read();
    open().begin({}, {});
  });
  Journal journal = create();
  go.write(1);
  EXPECT_EQ(wait_for(other), 0);
  EXPECT_EQ(code_of([&] { journal.begin({}, {}); }), ErrorCode::unfinished_run);
}

TEST_F(ProcessesTest, WriterGoesOnBehindWhatAnotherProcessWrote) {
  Pipe go;
  const pid_t other = start([&] {
    go.read();
    Journal journal = open();
    write_run(journal, 20000);
  });
  Journal journal = create();
  go.write(1);
  EXPECT_EQ(wait_for(other), 0);
  EXPECT_EQ(write_run(journal), RunId{2});
  EXPECT_EQ(journal.verify().runs, 2U);
}

TEST_F(ProcessesTest, SecondWriterInAnOpenRunIsNoticedBeforeItIsWrittenOver) {
  Pipe go;
  const pid_t other = start([&] {
    go.read();
    Journal journal = open();
    append_transaction(journal);
    journal.flush();
  });
  Journal journal = create();
  journal.begin({}, {revision("1")});
  append_transaction(journal);
  go.write(1);
  EXPECT_EQ(wait_for(other), 0);
  EXPECT_EQ(code_of([&] { journal.flush(); }), ErrorCode::unfinished_run);
  EXPECT_EQ(code_of([&] { journal.append(StampBegin{0}); }), ErrorCode::unavailable);
  EXPECT_EQ(journal.verify().records, 6U);
}

TEST_F(ProcessesTest, ReadOnlyFolderCanBeRead) {
  {
    Journal journal = create();
    write_run(journal);
  }
  std::filesystem::remove(folder_ / "journal.lmdb-lock");
  ::chmod(file_.c_str(), 0444);
  ::chmod(folder_.path().c_str(), 0555);
  EXPECT_EQ(run_child([&] {
              if (::geteuid() == 0 && ::setuid(65534) != 0) std::abort();
              if (open(Journal::Access::read).verify().runs != 1) std::abort();
              if (code_of([&] { open(); }) != ErrorCode::unavailable) std::abort();
            }),
            0);
  ::chmod(folder_.path().c_str(), 0755);
}

/// A write behind `limit` bytes of a file fails, as on a full disk.
void limit_file_size(std::uint64_t limit) {
  ::signal(SIGXFSZ, SIG_IGN);
  const rlimit wanted{limit, RLIM_INFINITY};
  if (::setrlimit(RLIMIT_FSIZE, &wanted) != 0) std::abort();
}

TEST_F(ProcessesTest, FailedFlushStopsAllWritesAndLeavesTheRestWhole) {
  EXPECT_EQ(run_child([&] {
              Journal journal = create();
              write_run(journal);
              journal.begin({}, {revision("1")});
              limit_file_size(std::filesystem::file_size(file_));
              for (int i = 0; i < 1000; ++i) append_transaction(journal);
              const ErrorCode code = code_of([&] { journal.flush(); });
              if (code != ErrorCode::no_space && code != ErrorCode::unavailable) std::abort();
              limit_file_size(RLIM_INFINITY);
              if (code_of([&] { journal.flush(); }) != ErrorCode::unavailable) std::abort();
              if (code_of([&] { journal.end({}, {}); }) != ErrorCode::unavailable) std::abort();
            }),
            0);
  EXPECT_EQ(open().open_run(), RunId{2});
  EXPECT_EQ(open().verify().records, 9U);
}

TEST_F(ProcessesTest, FullDiskWhileCreatingLeavesNoJournal) {
  for (const std::uint64_t limit : {0U, 4096U, 8192U, 9000U, 12288U}) {
    EXPECT_EQ(run_child([&] {
                limit_file_size(limit);
                const ErrorCode code = code_of([&] { create(); });
                if (code != ErrorCode::no_space && code != ErrorCode::unavailable) std::abort();
              }),
              0);
    EXPECT_EQ(code_of([&] { open(); }), ErrorCode::not_found);
  }
  EXPECT_NO_THROW(create());
}

void limit_address_space(std::size_t more) {
  std::size_t pages = 0;
  std::ifstream("/proc/self/statm") >> pages;
  const rlimit wanted{pages * 4096 + more, RLIM_INFINITY};
  if (::setrlimit(RLIMIT_AS, &wanted) != 0) std::abort();
}

TEST_F(ProcessesTest, LittleAddressSpaceSuffices) {
  if (sanitized) GTEST_SKIP() << "a sanitizer needs the address space";
  EXPECT_EQ(run_child([&] {
              limit_address_space(8U << 20U);
              Journal journal = create();
              write_run(journal);
            }),
            0);
  EXPECT_EQ(open().verify().runs, 1U);
}

TEST_F(ProcessesTest, FlushThatDoesNotFitTheAddressSpaceIsReportedAsNoSpace) {
  if (sanitized) GTEST_SKIP() << "a sanitizer needs the address space";
  EXPECT_EQ(run_child([&] {
              Journal journal = create();
              journal.begin({}, {revision("1")});
              const Lsn begin = journal.append(TransactionBegin{});
              for (int i = 0; i < 200; ++i) journal.append(RevisionRollback{0, std::string(100000, 'x')});
              journal.append(TransactionCommit{begin});
              limit_address_space(8U << 20U);
              if (code_of([&] { journal.flush(); }) != ErrorCode::no_space) std::abort();
              if (code_of([&] { journal.verify(); }) != ErrorCode::unavailable) std::abort();
            }),
            0);
  EXPECT_EQ(open().verify().records, 2U);
}

/// What restart does in small: closes what the last process left open.
void close_open_run(Journal& journal) {
  if (!journal.open_run()) return;
  Grammar grammar;
  journal.scan(journal.checkpoint(), [&grammar](const Journal::Entry& entry) {
    grammar.accept(entry.lsn, entry.record);
    return true;
  });
  if (const auto open = grammar.open_transaction()) journal.append(TransactionRollback{*open, "killed"});
  journal.end({.outcome = Outcome::closed_back}, {.runs = 5});
}

/// Creates, begins, flushes, ends and prunes until it is killed, and tells the pipe what is durable.
void write_until_killed(const std::filesystem::path& file, const Pipe& durable) {
  Journal journal =
      std::filesystem::exists(file) ? Journal::open(file, Journal::Access::write) : Journal::create(file, "database-1");
  durable.write(journal.last().value);
  close_open_run(journal);
  for (;;) {
    journal.begin({}, {revision("1")});
    durable.write(journal.last().value);
    for (int i = 0; i < 3; ++i) {
      append_transaction(journal);
      journal.flush();
      durable.write(journal.last().value);
    }
    journal.end({}, {.runs = 5});
    durable.write(journal.last().value);
  }
}

TEST_F(ProcessesTest, WhateverIsKilledWhatWasDurableIsThereAndWhole) {
  std::mt19937 random(20260101);
  std::uniform_int_distribution<int> microseconds(0, 12000);
  for (int kill = 0; kill < 60; ++kill) {
    if (kill % 3 == 0) {
      for (const char* name : {"journal.lmdb", "journal.lmdb-lock"}) std::filesystem::remove(folder_ / name);
    }
    Pipe durable;
    const pid_t writer = start([&] { write_until_killed(file_, durable); });
    durable.close_writing();
    std::this_thread::sleep_for(std::chrono::microseconds(microseconds(random)));
    ::kill(writer, SIGKILL);
    ASSERT_TRUE(WIFSIGNALED(wait_for(writer)));
    std::optional<std::uint64_t> told;
    while (const auto lsn = durable.read()) told = lsn;
    if (!std::filesystem::exists(file_)) {
      EXPECT_FALSE(told);
      continue;
    }
    const Journal journal = open();
    EXPECT_GE(journal.verify().last, Lsn{told.value_or(0)});
  }
}

}  // namespace
}  // namespace belay::journal

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/mman.h>

#include "journal/grammar.h"
#include "journal/images.h"
#include "journal/journal.h"
#include "tests/journal/images.h"
#include "tests/recovery/death.h"

// Killed before each call that changes the journal's file: nothing that was durable is lost, nothing is half there.

namespace belay::journal {
namespace {

const std::filesystem::path golden_file = std::filesystem::path(BELAY_SOURCE_DIR) / "tests/golden/journal-1.lmdb";

/// How far a child came: it is killed, and cannot say.
class Progress {
 public:
  Progress()
      : stage_(static_cast<int*>(
            ::mmap(nullptr, sizeof(int), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0))) {
    if (stage_ == MAP_FAILED) std::abort();
  }
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;
  ~Progress() { ::munmap(stage_, sizeof(int)); }
  void reach(int stage) const { *stage_ = stage; }
  [[nodiscard]] int stage() const { return *stage_; }

 private:
  int* stage_;
};

bool is_prefix(const Images& images, const Images& of) {
  return images.size() <= of.size() && std::equal(images.begin(), images.end(), of.begin());
}

class ImageCrashTest : public ImagesTest {
 protected:
  /// Runs `act` on the journal as it is now, disturbed at its first call, its second, … until it comes to its end; each
  /// time `check` looks at what is left, and the journal is written on.
  /// @param disturbed  what waitpid gives for a child that was.
  void disturb_each_call(const std::function<void(int call)>& disturb, int disturbed,
                         const std::function<void(Journal&)>& act, const std::function<void(int stage)>& check) {
    journal_.reset();
    const std::string prepared = read_file(file_);
    for (int call = 1, status = 1; status != 0; ++call) {
      ASSERT_LT(call, 1000);
      write_file(file_, prepared);
      progress_.reach(0);
      status = run_child([&] {
        Journal journal = Journal::open(file_, Journal::Access::write);
        disturb(call);
        act(journal);
        disturb(0);
      });
      SCOPED_TRACE("disturbed at call " + std::to_string(call));
      EXPECT_TRUE(status == disturbed || (status == 0 && call > 3)) << status;
      reopen();
      journal_->verify();
      check(progress_.stage());
      write_on();
      journal_.reset();
    }
    write_file(file_, prepared);
  }

  void kill_at_each_call(const std::function<void(Journal&)>& act, const std::function<void(int stage)>& check) {
    disturb_each_call([](int call) { recovery::die_before_write(call); }, SIGKILL, act, check);
  }

  /// What restart does in small, and a run after it.
  void write_on() {
    if (journal_->open_run()) {
      Grammar grammar;
      journal_->scan(journal_->checkpoint(), [&grammar](const Journal::Entry& entry) {
        grammar.accept(entry.lsn, entry.record);
        return true;
      });
      if (const auto open = grammar.open_transaction()) journal_->append(TransactionRollback{*open, "killed"});
      if (const auto undo = grammar.open_undo()) journal_->append(UndoEnd{*undo, false, journal_->last_commit()});
      end_run({.runs = 3});
      journal_->verify();
    }
    const Lsn transaction = write_images(pages(70), {.runs = 3});
    EXPECT_EQ(images_of(*journal_, transaction), pages(70));
    journal_->verify();
  }

  Progress progress_;
};

class ImageFlushTest : public ImageCrashTest {
 protected:
  void SetUp() override {
    ImageCrashTest::SetUp();
    EXPECT_EQ(write_images(pages(100)), before_);
  }

  void write(Journal& journal) const {
    journal.begin({}, {revision("1")});
    journal.append(TransactionBegin{before_});
    for (const auto& [place, content] : kept_) journal.keep_image(place, content);
    journal.flush();
    progress_.reach(1);
    journal.append(TransactionCommit{begin_});
    journal.end({}, {});
    progress_.reach(2);
  }

  void expect_whole_batches(int stage) const {
    EXPECT_EQ(images_of(*journal_, before_), pages(100));
    const Images images = images_of(*journal_, begin_);
    EXPECT_TRUE(is_prefix(images, kept_));
    EXPECT_TRUE(stage < 1 || images.size() == kept_.size());
    EXPECT_TRUE(stage < 2 || journal_->last_commit() == begin_);
  }

  const Lsn before_{3};
  const Lsn begin_{8};
  const Images kept_ = pages(sanitized ? 2100 : 5000);  // some are flushed before the transaction is
};

TEST_F(ImageFlushTest, KilledLeavesWholeBatchesInOrder) {
  kill_at_each_call([&](Journal& journal) { write(journal); }, [&](int stage) { expect_whole_batches(stage); });
}

TEST_F(ImageFlushTest, FailedWriteStopsAllWritesAndLeavesWholeBatchesInOrder) {
  const auto act = [&](Journal& journal) {
    try {
      write(journal);
    } catch (const Error&) {
      if (code_of([&] { journal.prune({}); }) != ErrorCode::unavailable) std::abort();
      if (code_of([&] { journal.keep_image(1, "x"); }) != ErrorCode::unavailable) std::abort();
      throw;
    }
  };
  for (const int error : {EIO, ENOSPC}) {
    constexpr int exited_with_1 = 1 << 8;
    disturb_each_call([error](int call) { recovery::fail_write({.call = call, .error = error}); }, exited_with_1, act,
                      [&](int stage) { expect_whole_batches(stage); });
  }
}

TEST_F(ImageCrashTest, RollbackInPiecesLeavesNoGap) {
  const Lsn before = write_images(pages(100));
  begin_run();
  const Lsn begin = begin_transaction();
  const Images kept(64 * (2 * erased_batches_max + 10), {1, "small"});
  for (const auto& [place, content] : kept) journal_->keep_image(place, content);
  journal_->flush();
  const auto act = [&](Journal& journal) {
    journal.append(TransactionRollback{begin, "failed"});
    journal.end({}, {});
    progress_.reach(1);
  };
  kill_at_each_call(act, [&](int stage) {
    EXPECT_EQ(images_of(*journal_, before), pages(100));
    const Images images = images_of(*journal_, begin);
    EXPECT_TRUE(is_prefix(images, kept));
    if (!journal_->open_run()) {
      EXPECT_EQ(images, Images());
    }
    if (stage == 1) {
      EXPECT_FALSE(journal_->open_run());
    }
  });
}

TEST_F(ImageCrashTest, UndoTakesAllImagesOrNone) {
  const Lsn stays = write_images(pages(100));
  const Lsn first = write_images(pages(200));
  const Lsn second = write_images(pages(3));
  const auto act = [&](Journal& journal) {
    journal.begin({}, {revision("1")});
    const Lsn undo = journal.append(UndoBegin{first, stays, "state"});
    journal.flush();
    progress_.reach(1);
    journal.append(UndoEnd{undo, true, stays});
    journal.end({}, {});
    progress_.reach(2);
  };
  kill_at_each_call(act, [&](int stage) {
    const bool undone = journal_->last_commit() == stays;
    EXPECT_EQ(undone, static_cast<bool>(journal_->last_undo()));
    EXPECT_TRUE(undone || stage < 2);
    EXPECT_EQ(images_of(*journal_, stays), pages(100));
    EXPECT_EQ(images_of(*journal_, first), undone ? Images() : pages(200));
    EXPECT_EQ(images_of(*journal_, second), undone ? Images() : pages(3));
  });
}

TEST_F(ImageCrashTest, PruningLetsAllImagesOfARunGoOrNone) {
  begin_run();
  for (std::uint64_t i = 0; i < 2 * erased_batches_max + 10; ++i) {
    journal_->append(TransactionCommit{begin_transaction({{i, "small"}})});
  }
  end_run();
  const std::uint64_t bytes = journal_->runs().at(0).image_bytes;
  const Lsn newest = write_images(pages(3));
  const auto act = [&](Journal& journal) {
    journal.prune({.bytes = 150000});
    progress_.reach(1);
  };
  kill_at_each_call(act, [&](int stage) {
    const bool gone = journal_->runs().at(0).image_bytes == 0;
    if (!gone) {
      EXPECT_EQ(journal_->runs().at(0).image_bytes, bytes);
    }
    EXPECT_TRUE(gone || stage == 0);
    for (const Lsn transaction : {Lsn{3}, Lsn{3 + 2 * erased_batches_max}}) {
      EXPECT_EQ(images_of(*journal_, transaction).empty(), gone);
    }
    EXPECT_EQ(images_of(*journal_, newest), pages(3));
  });
}

TEST_F(ImageCrashTest, FirstWriteToAJournalOfFormat1LeavesEitherFormat) {
  journal_.reset();
  std::filesystem::copy_file(golden_file, file_, std::filesystem::copy_options::overwrite_existing);
  const auto act = [&](Journal& journal) {
    journal.append(TransactionRollback{{19}, "failed"});
    journal.end({}, {});
    progress_.reach(1);
  };
  kill_at_each_call(act, [&](int stage) {
    EXPECT_EQ(journal_->last(), Lsn{journal_->open_run() ? 20U : 22U});
    if (stage == 1) {
      EXPECT_FALSE(journal_->open_run());
    }
  });
}

}  // namespace
}  // namespace belay::journal

#include <gtest/gtest.h>

#include "journal/images.h"
#include "journal/journal.h"
#include "journal/log_reader.h"
#include "tests/journal/images.h"

// Which runs and images go, and when. A run of 64 pages of noise takes about 264 KiB.

namespace belay::journal {
namespace {

constexpr std::uint64_t kib = 1024;

class RetentionTest : public ImagesTest {
 protected:
  [[nodiscard]] std::vector<bool> runs_with_images() const {
    std::vector<bool> with;
    for (const Journal::Run& run : journal_->runs()) with.push_back(run.image_bytes > 0);
    return with;
  }

  /// All that the table holds, what was let go and not yet erased included.
  std::uint64_t stored_batches() {
    journal_.reset();
    std::uint64_t batches = 0;
    {
      const lmdb::Environment environment(file_, lmdb::Environment::Access::read);
      environment.read([&batches](lmdb::Transaction& transaction) {
        batches = transaction.count(find_images(transaction).value());
      });
    }
    reopen();
    return batches;
  }

  /// A run of many transactions with one image each: as many batches.
  void write_batches(std::uint64_t count) {
    begin_run();
    for (std::uint64_t i = 0; i < count; ++i) {
      journal_->append(TransactionCommit{begin_transaction({{i, "small"}})});
    }
    end_run();
  }
};

TEST_F(RetentionTest, ImagesOfTheOldestRunsGoFirstAndTheirRecordsStay) {
  std::vector<Lsn> transactions;
  transactions.reserve(4);
  for (int i = 0; i < 4; ++i) transactions.push_back(write_images(pages(64), {.bytes = 700 * kib}));
  EXPECT_EQ(runs_with_images(), (std::vector<bool>{false, false, true, true}));
  EXPECT_EQ(images_of(*journal_, transactions[1]), Images());
  EXPECT_EQ(images_of(*journal_, transactions[2]), pages(64));
  const Journal::Summary summary = journal_->verify();
  EXPECT_EQ(summary.runs, 4U);
  EXPECT_EQ(summary.first, Lsn{1});
  EXPECT_EQ(summary.images, 2U);
  EXPECT_EQ(stored_batches(), 2U);
}

TEST_F(RetentionTest, ImagesOfTheNewestRunStayHoweverLarge) {
  write_images(pages(64));
  const Lsn newest = write_images(pages(300), {.bytes = 10 * kib});
  EXPECT_EQ(runs_with_images(), (std::vector<bool>{false, true}));
  EXPECT_EQ(journal_->prune({.runs = 0, .bytes = 0}), 1U);
  EXPECT_EQ(images_of(*journal_, newest), pages(300));
}

TEST_F(RetentionTest, ImagesStayWhileNoNewerRunHasAny) {
  write_images(pages(64));
  const Lsn large = write_images(pages(300));
  write_images({}, {.bytes = 10 * kib});
  EXPECT_EQ(runs_with_images(), (std::vector<bool>{false, true, false}));
  EXPECT_EQ(images_of(*journal_, large), pages(300));
  write_images(pages(1), {.bytes = 10 * kib});
  EXPECT_EQ(runs_with_images(), (std::vector<bool>{false, false, false, true}));
}

TEST_F(RetentionTest, RecordsGoWhenTheyAloneAreTooLarge) {
  for (int i = 0; i < 3; ++i) write_images(pages(64));
  EXPECT_EQ(journal_->prune({.bytes = 1400}), 1U);
  EXPECT_EQ(runs_with_images(), (std::vector<bool>{false, true}));
  EXPECT_EQ(journal_->verify().images, 1U);
}

TEST_F(RetentionTest, RunThatGoesTakesItsImagesWithIt) {
  for (int i = 0; i < 4; ++i) write_images(pages(100), {.runs = 2});
  EXPECT_EQ(runs_with_images(), (std::vector<bool>{true, true}));
  EXPECT_EQ(journal_->verify().images, 4U);
  EXPECT_EQ(stored_batches(), 4U);
}

/// No later run could end, and what it had done was said not to have happened.
TEST_F(RetentionTest, RunWhoseEntryIsDamagedStaysAndLaterOnesEnd) {
  write_images(pages(64));
  tamper_with_file([](lmdb::Transaction& transaction) {
    transaction.put(open_tables(transaction).runs, key_of(RunId{1}), "garbage");
  });
  reopen();
  const Lsn newest = write_images(pages(64), {.runs = 1, .bytes = 0});
  EXPECT_EQ(images_of(*journal_, newest), pages(64));
  EXPECT_EQ(journal_->prune({.runs = 1}), 0U);
  EXPECT_EQ(code_of([this] { journal_->verify(); }), ErrorCode::damaged);
}

TEST_F(RetentionTest, ImagesOfAnOpenRunAreNeverLetGo) {
  write_images(pages(64));
  begin_run();
  const Lsn committed = commit_transaction(pages(64));
  const Lsn open = begin_transaction(pages(70));
  journal_->flush();
  EXPECT_EQ(journal_->prune({.runs = 1, .bytes = 0}), 1U);
  EXPECT_EQ(images_of(*journal_, committed), pages(64));
  EXPECT_EQ(images_of(*journal_, open), pages(70));
  journal_->verify();
}

TEST_F(RetentionTest, WhatWasLetGoStaysSoWhenThereIsRoomAgain) {
  const Lsn first = write_images(pages(64));
  write_images(pages(64), {.bytes = 300 * kib});
  write_images({}, {});
  EXPECT_EQ(runs_with_images(), (std::vector<bool>{false, true, false}));
  reopen();
  EXPECT_EQ(images_of(*journal_, first), Images());
}

TEST_F(RetentionTest, MoreBatchesThanOneTransactionErasesGoAllTheSame) {
  write_batches(2 * erased_batches_max + 10);
  write_images(pages(64), {.bytes = 300 * kib});
  EXPECT_EQ(runs_with_images(), (std::vector<bool>{false, true}));
  EXPECT_EQ(stored_batches(), 1U);
  write_batches(erased_batches_max);
  write_images({}, {.runs = 1});
  EXPECT_EQ(stored_batches(), 0U);
}

TEST_F(RetentionTest, RollbackOfMoreBatchesThanOneTransactionErases) {
  const Lsn stays = write_images(pages(64));
  begin_run();
  const Lsn begin = begin_transaction();
  for (std::uint64_t i = 0; i < 64 * (2 * erased_batches_max + 10); ++i) journal_->keep_image(i, "small");
  journal_->flush();
  journal_->append(TransactionRollback{begin, "failed"});
  end_run();
  EXPECT_EQ(stored_batches(), 1U);
  EXPECT_EQ(images_of(*journal_, stays), pages(64));
}

TEST_F(RetentionTest, SpaceOfImagesIsUsedAgain) {
  for (int i = 0; i < 4; ++i) write_images(pages(500), {.runs = 2});
  const std::uint64_t bytes = journal_->verify().bytes;
  for (int i = 0; i < 20; ++i) write_images(pages(500), {.runs = 2});
  EXPECT_LE(journal_->verify().bytes, bytes * 3 / 2);
}

}  // namespace
}  // namespace belay::journal

#include <gtest/gtest.h>

#include "journal/journal.h"
#include "tests/journal/images.h"

// Before-images: what is kept is there after a flush, as long as its transaction is in force.

namespace belay::journal {
namespace {

TEST_F(ImagesTest, ImagesSurviveReopeningInTheOrderKept) {
  const Images kept = pages(1000);
  const Lsn begin = write_images(kept);
  reopen(Journal::Access::read);
  EXPECT_EQ(images_of(*journal_, begin), kept);
}

TEST_F(ImagesTest, TransactionHasItsOwnImagesOnly) {
  begin_run();
  const Lsn first = commit_transaction(pages(3));
  const Lsn second = commit_transaction({});
  const Lsn third = commit_transaction(pages(70));
  end_run();
  EXPECT_EQ(images_of(*journal_, first), pages(3));
  EXPECT_EQ(images_of(*journal_, second), Images());
  EXPECT_EQ(images_of(*journal_, third), pages(70));
}

TEST_F(ImagesTest, ImagesAreLostWithoutAFlush) {
  begin_run();
  const Lsn begin = begin_transaction(pages(100));
  EXPECT_EQ(images_of(*journal_, begin), Images());
  reopen();
  EXPECT_EQ(images_of(*journal_, begin), Images());
  EXPECT_EQ(journal_->last(), Lsn{2});
}

TEST_F(ImagesTest, ManyImagesAreFlushedBeforeTheTransactionIs) {
  begin_run();
  const Lsn begin = begin_transaction(pages(5000));
  const std::size_t durable = images_of(*journal_, begin).size();
  EXPECT_GT(durable, 1000U);
  EXPECT_LT(durable, 5000U);
  reopen();
  EXPECT_EQ(journal_->last(), begin);
  EXPECT_EQ(images_of(*journal_, begin).size(), durable);
}

TEST_F(ImagesTest, WriteIsRepeatedWholeWhenTheMapWasFull) {
  begin_run();
  const Lsn begin = begin_transaction(pages(1500));  // six times the first map, and nothing reserved for a run's end
  journal_->append(TransactionCommit{begin});
  end_run();
  EXPECT_EQ(images_of(*journal_, begin), pages(1500));
}

TEST_F(ImagesTest, ImagesMayBeEmptyOrLargerThanABatch) {
  const Images kept{{0, ""}, {~std::uint64_t{0}, noise(3U << 20U, 1)}, {5, "x"}, {5, std::string(1U << 20U, '\0')}};
  EXPECT_EQ(images_of(*journal_, write_images(kept)), kept);
}

TEST_F(ImagesTest, RollbackTakesDurableAndWaitingImagesWithIt) {
  begin_run();
  const Lsn before = commit_transaction(pages(10));
  const Lsn begin = begin_transaction(pages(5000));
  journal_->append(TransactionRollback{begin, "failed"});
  const Lsn after = commit_transaction(pages(20));
  end_run();
  EXPECT_EQ(images_of(*journal_, before), pages(10));
  EXPECT_EQ(images_of(*journal_, begin), Images());
  EXPECT_EQ(images_of(*journal_, after), pages(20));
}

TEST_F(ImagesTest, UndoTakesTheImagesOfAllThatItTookBack) {
  const Lsn stays = write_images(pages(10));
  const Lsn first = write_images(pages(300));
  const Lsn second = write_images(pages(5));
  begin_run();
  const Lsn undo = journal_->append(UndoBegin{first, stays, "state"});
  journal_->flush();
  EXPECT_EQ(images_of(*journal_, second), pages(5));
  const Lsn end = journal_->append(UndoEnd{undo, true, stays});
  EXPECT_EQ(journal_->last_commit(), stays);
  end_run();
  reopen();
  EXPECT_EQ(journal_->last_commit(), stays);
  EXPECT_EQ(journal_->last_undo(), end);
  EXPECT_EQ(images_of(*journal_, stays), pages(10));
  EXPECT_EQ(images_of(*journal_, first), Images());
  EXPECT_EQ(images_of(*journal_, second), Images());
}

TEST_F(ImagesTest, AbandonedUndoLeavesEverything) {
  const Lsn begin = write_images(pages(300));
  begin_run();
  const Lsn undo = journal_->append(UndoBegin{begin, {}, "state"});
  journal_->append(UndoEnd{undo, false, begin});
  end_run();
  EXPECT_EQ(journal_->last_commit(), begin);
  EXPECT_EQ(journal_->last_undo(), Lsn{});
  EXPECT_EQ(images_of(*journal_, begin), pages(300));
}

TEST_F(ImagesTest, TransactionOfAnEarlierProcessIsCarriedOnBehindItsImages) {
  begin_run();
  const Lsn begin = begin_transaction(pages(70));
  journal_->flush();
  reopen();
  journal_->carry_on(begin);
  journal_->keep_image(5, "more");
  journal_->flush();
  journal_->append(TransactionCommit{begin});
  end_run();
  Images all = pages(70);
  all.emplace_back(5, "more");
  EXPECT_EQ(images_of(*journal_, begin), all);
  EXPECT_EQ(journal_->verify().images, 3U);
}

TEST_F(ImagesTest, RunsTellWhereTheyAreAndWhatTheirImagesTake) {
  write_images({});
  write_images(pages(256));
  begin_run();
  const std::vector<Journal::Run> runs = journal_->runs();
  ASSERT_EQ(runs.size(), 3U);
  EXPECT_EQ(runs[0].run, RunId{1});
  EXPECT_EQ(runs[0].first, Lsn{1});
  EXPECT_EQ(runs[0].last, Lsn{5});
  EXPECT_EQ(runs[0].image_bytes, 0U);
  EXPECT_GT(runs[1].image_bytes, 1U << 20U);
  EXPECT_LT(runs[1].image_bytes, (1U << 20U) * 1.02);
  EXPECT_EQ(runs[2].first, Lsn{11});
  EXPECT_EQ(runs[2].last, Lsn{12});
}

}  // namespace
}  // namespace belay::journal

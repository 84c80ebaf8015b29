#include <gtest/gtest.h>

#include "tests/journal/fixture.h"
#include "tests/journal/images.h"

namespace belay::journal {
namespace {

// A run that takes the place of one that was never finished, and a journal that goes on behind another.

class SupersedeTest : public ::testing::Test {
 protected:
  SupersedeTest() {
    write_run(journal_);
    journal_.begin({}, {revision("20260101000000")});
    open_ = journal_.append(TransactionBegin{journal_.last_commit()});
    journal_.append(StepBegin{0, 0, std::nullopt});
    journal_.keep_image(1, "content");
    journal_.flush();
  }

  RunId supersede() {
    return journal_.supersede(TransactionRollback{open_, "superseded"}, {.outcome = Outcome::closed_back}, {},
                              {{.revision = "backup", .action = Action::restore}});
  }
  Folder folder_;
  Journal journal_ = Journal::create(folder_ / "journal.lmdb", "database-1");
  Lsn open_;
};

TEST_F(SupersedeTest, TheOpenRunIsClosedAndTheOtherOneIsOpen) {
  const auto last = journal_.last();
  EXPECT_EQ(supersede(), RunId{3});
  EXPECT_EQ(journal_.open_run(), RunId{3});
  EXPECT_EQ(journal_.checkpoint(), Lsn{last.value + 3});
  EXPECT_EQ(journal_.verify().runs, 3U);
  EXPECT_EQ(std::get<RunEnd>(journal_.record({last.value + 2}).value()).run, RunId{2});
}

TEST_F(SupersedeTest, ItGoesOnAsAnyOtherRun) {
  supersede();
  const auto begin = journal_.append(TransactionBegin{journal_.last_commit()});
  journal_.append(StampBegin{0});
  journal_.append(TransactionCommit{begin});
  journal_.end({.outcome = Outcome::done}, {});
  EXPECT_EQ(journal_.last_commit(), begin);
  EXPECT_EQ(journal_.verify().runs, 3U);
  EXPECT_EQ(write_run(journal_), RunId{4});
}

TEST_F(SupersedeTest, ImagesOfEarlierRunsAreLetGo) {
  supersede();
  EXPECT_EQ(images_of(journal_, open_), Images());
  EXPECT_EQ(journal_.verify().images, 0U);
  for (const auto& run : journal_.runs()) EXPECT_EQ(run.image_bytes, 0U);
}

TEST_F(SupersedeTest, BothAreDurableTogether) {
  supersede();
  const auto last = journal_.last();
  std::optional<Journal>(std::move(journal_)).reset();
  const auto journal = Journal::open(folder_ / "journal.lmdb", Journal::Access::read);
  EXPECT_EQ(journal.open_run(), RunId{3});
  EXPECT_EQ(journal.verify().last, last);
}

TEST_F(SupersedeTest, AnUndoThatIsOpenIsGivenUp) {
  journal_.append(TransactionCommit{open_});
  const auto undo = journal_.append(UndoBegin{open_, {3}, "here"});
  journal_.flush();
  journal_.supersede(UndoEnd{undo, false, open_}, {.outcome = Outcome::closed_back}, {}, {});
  EXPECT_EQ(journal_.last_commit(), open_);
  EXPECT_EQ(journal_.verify().runs, 3U);
}

TEST(JournalAfterTest, NumbersGoOnBehindThoseOfTheOneThatWasLost) {
  const Folder folder;
  Journal journal = Journal::create(folder / "journal.lmdb", "database-1", {41});
  EXPECT_EQ(journal.last_commit(), Lsn{41});
  EXPECT_EQ(journal.checkpoint(), Lsn{42});
  EXPECT_EQ(journal.verify().records, 0U);
  write_run(journal);
  EXPECT_EQ(journal.verify().first, Lsn{42});
  EXPECT_EQ(journal.open_run(), std::nullopt);
}

}  // namespace
}  // namespace belay::journal

#include <gtest/gtest.h>

#include <functional>

#include "journal/format.h"
#include "journal/images.h"
#include "journal/journal.h"
#include "journal/stored.h"
#include "tests/journal/images.h"

// What can stand in the table of images and should not. Nothing wrong is handed on, and `verify` finds all of it.

namespace belay::journal {
namespace {

/// The table of images, to be changed as nobody should.
struct Writing {
  lmdb::Transaction& transaction;
  lmdb::Table images;

  [[nodiscard]] std::string get(const ImageKey& key) const {
    return std::string(transaction.get(images, key_of(key)).value());
  }
  void put(const ImageKey& key, const std::string& value) const { transaction.put(images, key_of(key), value); }
  void erase(const ImageKey& key) const { transaction.erase(images, key_of(key)); }
};

/// The transactions 3 and 8 with two batches each, 13 without any; then 18 was rolled back and 13 undone, by 21.
class ImageDamageTest : public ImagesTest {
 protected:
  void SetUp() override {
    ImagesTest::SetUp();
    EXPECT_EQ(write_images(pages(100)), Lsn{3});
    EXPECT_EQ(write_images(pages(100)), Lsn{8});
    EXPECT_EQ(write_images({}), Lsn{13});
    begin_run();
    EXPECT_EQ(begin_transaction(), Lsn{18});
    journal_->append(TransactionRollback{{18}, "failed"});
    const Lsn undo = journal_->append(UndoBegin{{13}, {8}, "state"});
    journal_->append(UndoEnd{undo, true, {8}});
    end_run();
    EXPECT_EQ(journal_->verify().images, 4U);
  }

  void tamper(const std::function<void(Writing)>& change) {
    tamper_with_file([&change](lmdb::Transaction& transaction) {
      change({transaction, find_images(transaction).value()});
    });
    reopen(Journal::Access::read);
  }
};

struct Row {
  const char* name;
  void (*change)(Writing);
  Lsn blamed;
  bool scanned = true;  ///< A scan of the blamed transaction finds it too.
};

void put_sealed(Writing writing, const ImageKey& key) {
  ImageBatch batch;
  batch.add(1, "content");
  writing.put(key, batch.seal(key));
}

void flip_bit(Writing writing, const ImageKey& key, std::size_t byte) {
  std::string value = writing.get(key);
  value[byte] = static_cast<char>(value[byte] ^ 0x10);
  writing.put(key, value);
}

void cut(Writing writing, const ImageKey& key, std::size_t size) {
  writing.put(key, writing.get(key).substr(0, size));
}

void exchange(Writing writing, const ImageKey& one, const ImageKey& other) {
  const std::string value = writing.get(one);
  writing.put(one, writing.get(other));
  writing.put(other, value);
}

class ImageDamageRows : public ImageDamageTest, public ::testing::WithParamInterface<Row> {};

TEST_P(ImageDamageRows, IsFoundByVerifyAndNeverHandedOn) {
  const Row& row = GetParam();
  tamper(row.change);
  const Error found = error_of([&] { journal_->verify(); });
  EXPECT_EQ(found.code(), ErrorCode::damaged);
  EXPECT_EQ(found.lsn(), row.blamed);
  EXPECT_EQ(found.file(), file_);
  const Images whole = pages(100);
  Images seen;
  const auto scan = [&] {
    journal_->scan_images(
        row.blamed, [&seen](std::uint64_t place, std::string_view content) { seen.emplace_back(place, content); });
  };
  if (row.scanned) {
    EXPECT_EQ(error_of(scan).lsn(), row.blamed);
    ASSERT_LE(seen.size(), whole.size());
    EXPECT_TRUE(std::equal(seen.begin(), seen.end(), whole.begin()));
  }
  EXPECT_EQ(images_of(*journal_, row.blamed == Lsn{8} ? Lsn{3} : Lsn{8}), whole);
}

/// Outside the macro, which would shadow their parameters.
const std::vector<Row> rows{
    {"BitFlippedInTheChecksum",
     [](Writing writing) {
       flip_bit(writing, {{8}, 0}, 0);
     },
     {8}},
    {"BitFlippedInTheSize",
     [](Writing writing) {
       flip_bit(writing, {{8}, 1}, 9);
     },
     {8}},
    {"BitFlippedInTheFirstImage",
     [](Writing writing) {
       flip_bit(writing, {{8}, 0}, 100);
     },
     {8}},
    {"BitFlippedInALaterBatch",
     [](Writing writing) {
       flip_bit(writing, {{8}, 1}, 90000);
     },
     {8}},
    {"CutToNothing",
     [](Writing writing) {
       cut(writing, {{8}, 1}, 0);
     },
     {8}},
    {"CutWithinTheHeader",
     [](Writing writing) {
       cut(writing, {{8}, 0}, 11);
     },
     {8}},
    {"CutWithinTheImages",
     [](Writing writing) {
       cut(writing, {{8}, 1}, 50000);
     },
     {8}},
    {"FirstBatchMissing",
     [](Writing writing) {
       writing.erase({{8}, 0});
     },
     {8}},
    {"BatchesExchanged",
     [](Writing writing) {
       exchange(writing, {{8}, 0}, {{8}, 1});
     },
     {8}},
    {"BatchOfAnotherTransaction",
     [](Writing writing) {
       writing.put({{8}, 1}, writing.get({{3}, 1}));
     },
     {8}},
    {"BatchBehindAGap",
     [](Writing writing) {
       put_sealed(writing, {{8}, 3});
     },
     {8}},
    {"OfATransactionThatNeverWas",
     [](Writing writing) {
       put_sealed(writing, {{4}, 0});
     },
     {4},
     false},
    {"OfATransactionYetToCome",
     [](Writing writing) {
       put_sealed(writing, {{99}, 0});
     },
     {99},
     false},
    {"OfATransactionThatWasRolledBack",
     [](Writing writing) {
       put_sealed(writing, {{18}, 0});
     },
     {18},
     false},
    {"OfATransactionThatWasUndone",
     [](Writing writing) {
       put_sealed(writing, {{13}, 0});
     },
     {21},
     false},
};

INSTANTIATE_TEST_SUITE_P(Rows, ImageDamageRows, ::testing::ValuesIn(rows),
                         [](const auto& row) { return std::string(row.param.name); });

TEST_F(ImageDamageTest, KeyThatIsNoneIsDamaged) {
  tamper([](Writing writing) { writing.transaction.put(writing.images, "odd", "value"); });
  EXPECT_EQ(code_of([&] { journal_->verify(); }), ErrorCode::damaged);
}

TEST_F(ImageDamageTest, JournalWithoutItsTableOfImagesIsDamaged) {
  journal_.reset();
  std::string bytes = read_file(file_);
  for (auto at = bytes.find("images"); at != std::string::npos; at = bytes.find("images")) bytes[at] = 'I';
  write_file(file_, bytes);
  EXPECT_EQ(code_of([&] { reopen(); }), ErrorCode::damaged);
}

/// It was found by the run that wrote there, and so half way.
TEST_F(ImageDamageTest, BatchWhereTheNextOneBelongsIsFoundByWhoeverWouldWriteIt) {
  for (const ImageKey& key : {ImageKey{{8}, 7}, ImageKey{{99}, 0}}) {
    tamper([&](Writing writing) { writing.put(key, writing.get({{8}, 1})); });
    EXPECT_EQ(code_of([this] { reopen(); }), ErrorCode::damaged);
    tamper([&](Writing writing) { writing.erase(key); });
    reopen();
  }
}

}  // namespace
}  // namespace belay::journal

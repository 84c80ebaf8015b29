#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <map>
#include <random>

#include "journal/journal.h"
#include "tests/journal/images.h"

// Damaged journals: whatever happened to the file, the journal reads as it was or is refused. No case may end the
// process by a signal, so each runs in a child.

namespace belay::journal {
namespace {

constexpr std::size_t page_size = 4096;

enum Verdict {
  same = 0,
  refused = 10,
  different = 11,
  other_error = 12,
  without_the_last_flush = 13,
  overlooked = 14,  ///< Refused to a writer, where a reader's `verify` has found nothing.
};

/// The records, each transaction's followed by its images.
std::vector<std::string> everything(const Journal& journal) {
  std::vector<std::string> all;
  journal.scan({}, [&](const Journal::Entry& entry) {
    all.push_back(std::to_string(entry.lsn.value) + ":" + encode(entry.record));
    if (!std::holds_alternative<TransactionBegin>(entry.record)) return true;
    for (const auto& [place, content] : images_of(journal, entry.lsn)) {
      all.push_back(std::to_string(entry.lsn.value) + "@" + std::to_string(place) + ":" + content);
    }
    return true;
  });
  return all;
}

class DamageTest : public ::testing::Test {
 protected:
  void SetUp() override {
    Journal journal = Journal::create(file_, "database-1");
    PlannedRevision large = revision("large", 1);
    large.steps[0].statements[0].text.assign(20000, 'x');
    for (int i = 0; i < 8; ++i) {
      journal.begin({.command = "migrate"}, {revision("1"), large});
      for (int j = 0; j < 40; ++j) append_transaction(journal);
      journal.append(TransactionCommit{append_images(journal, 12)});
      journal.append(TransactionRollback{append_images(journal, 20), "failed"});
      journal.append(TransactionCommit{append_images(journal, 1)});
      journal.end({.to = {"1"}}, {.runs = 4});
    }
    journal.begin({.command = "migrate"}, {revision("1")});
    append_images(journal, 8);
    contents_ = everything(journal);
    bytes_ = {};
  }

  /// A transaction that is left open.
  static Lsn append_images(Journal& journal, std::size_t images) {
    const Lsn begin = journal.append(TransactionBegin{journal.last_commit()});
    for (const auto& [place, content] : pages(images)) journal.keep_image(place, content);
    journal.flush();
    return begin;
  }

  /// The undamaged file. Not before the journal is closed.
  const std::string& bytes() {
    if (bytes_.empty()) bytes_ = read_file(file_);
    return bytes_;
  }

  [[nodiscard]] Verdict look_at(const std::filesystem::path& file) const {
    const Verdict to_a_reader = open(file, Journal::Access::read, [](Journal& journal) { journal.verify(); });
    const Verdict to_a_writer = open(file, Journal::Access::write, &go_on);
    if (to_a_reader == refused || to_a_reader == to_a_writer) return to_a_writer;
    return to_a_writer == refused && to_a_reader != different ? overlooked : to_a_reader;
  }

  [[nodiscard]] Verdict open(const std::filesystem::path& file, Journal::Access access,
                             const std::function<void(Journal&)>& use) const {
    try {
      Journal journal = Journal::open(file, access);
      const auto found = everything(journal);
      if (found.size() < contents_.size() && std::equal(found.begin(), found.end(), contents_.begin()))
        return without_the_last_flush;
      if (found != contents_) return different;
      use(journal);
      return same;
    } catch (const Error& error) {
      return error.code() == ErrorCode::damaged || error.code() == ErrorCode::newer_format ? refused : other_error;
    }
  }

  static void go_on(Journal& journal) {
    journal.verify();
    journal.append(TransactionRollback{journal.last(), "crash"});
    journal.end({}, {.runs = 2});
    write_run(journal, 200, {.runs = 1});
    journal.verify();
  }

  /// Looks at a file of these bytes in a child; a signal gives its negative number.
  int look_at_damaged(const std::string& damaged) {
    const std::filesystem::path file = folder_ / "damaged.lmdb";
    std::filesystem::remove(folder_ / "damaged.lmdb-lock");
    write_file(file, damaged);
    const int status = run_child([&] { ::_exit(look_at(file)); });
    return WIFSIGNALED(status) ? -WTERMSIG(status) : WEXITSTATUS(status);
  }

  /// Every outcome must be `same` or `refused`; both must occur, or the test shows nothing.
  static void expect_same_or_refused(const std::map<int, int>& outcomes) {
    for (const auto& [outcome, count] : outcomes) {
      EXPECT_TRUE(outcome == same || outcome == refused) << count << " times " << outcome;
    }
    EXPECT_TRUE(outcomes.contains(refused));
  }

  Folder folder_{"/dev/shm"};  // thousands of small writes, none of which has to outlive the test
  std::filesystem::path file_ = folder_ / "journal.lmdb";
  std::vector<std::string> contents_;
  std::string bytes_;
};

TEST_F(DamageTest, UndamagedFileIsTheSame) {
  EXPECT_EQ(look_at_damaged(bytes()), same);
}

TEST_F(DamageTest, FileCutAnywhereIsRefused) {
  std::map<int, int> outcomes;
  for (std::size_t length = 0; length < bytes().size(); length += 1499) {
    ++outcomes[look_at_damaged(bytes().substr(0, length))];
  }
  EXPECT_EQ(outcomes.size(), 1U);
  EXPECT_TRUE(outcomes.contains(refused));
}

TEST_F(DamageTest, FlippedBitIsHarmlessOrRefused) {
  std::mt19937 random(7);
  std::uniform_int_distribution<std::size_t> place(0, bytes().size() * 8 - 1);
  std::map<int, int> outcomes;
  for (int i = 0; i < (sanitized ? 100 : 1000); ++i) {
    const std::size_t bit = place(random);
    std::string damaged = bytes();
    damaged[bit / 8] = static_cast<char>(damaged[bit / 8] ^ (1 << bit % 8));
    const int outcome = look_at_damaged(damaged);
    EXPECT_TRUE(outcome == same || outcome == refused) << "bit " << bit << ": " << outcome;
    ++outcomes[outcome];
  }
  expect_same_or_refused(outcomes);
}

TEST_F(DamageTest, FlippedBitInAPageHeaderIsHarmlessOrRefused) {
  std::map<int, int> outcomes;
  for (std::size_t page = 0; page < bytes().size(); page += page_size) {
    for (std::size_t bit = 0; bit < 1280; bit += page < 2 * page_size && !sanitized ? 1 : 131) {
      std::string damaged = bytes();
      char& byte = damaged[page + bit / 8];
      byte = static_cast<char>(byte ^ (1 << bit % 8));
      const int outcome = look_at_damaged(damaged);
      // A commit whose header LMDB failed to write leaves the same bytes, and that journal must be opened again.
      const bool in_number = page < 2 * page_size && bit / 8 >= 144 && bit / 8 < 152;
      if (in_number && outcome == without_the_last_flush) continue;
      EXPECT_TRUE(outcome == same || outcome == refused) << "page " << page / 4096 << " bit " << bit << ": " << outcome;
      ++outcomes[outcome];
    }
  }
  expect_same_or_refused(outcomes);
}

TEST_F(DamageTest, PageOfZerosOrNoiseIsHarmlessOrRefused) {
  std::mt19937 random(8);
  std::map<int, int> outcomes;
  for (std::size_t page = 0; page < bytes().size(); page += page_size) {
    std::string damaged = bytes();
    damaged.replace(page, page_size, page_size, '\0');
    ++outcomes[look_at_damaged(damaged)];
    for (std::size_t i = 0; i < page_size; ++i) damaged[page + i] = static_cast<char>(random());
    ++outcomes[look_at_damaged(damaged)];
  }
  expect_same_or_refused(outcomes);
}

TEST_F(DamageTest, StalePageIsHarmlessOrRefused) {
  std::mt19937 random(9);
  std::uniform_int_distribution<std::size_t> place(0, bytes().size() / page_size - 1);
  std::map<int, int> outcomes;
  for (int i = 0; i < (sanitized ? 30 : 300); ++i) {
    std::string damaged = bytes();
    damaged.replace(place(random) * page_size, page_size, bytes().substr(place(random) * page_size, page_size));
    ++outcomes[look_at_damaged(damaged)];
  }
  expect_same_or_refused(outcomes);
}

TEST_F(DamageTest, AnythingElseInItsPlaceIsDamaged) {
  for (const std::string& foreign :
       {std::string(), std::string("SQLite format 3"), std::string(100000, 'x'), std::string(100000, '\0')}) {
    EXPECT_EQ(look_at_damaged(foreign), refused);
  }
}

TEST_F(DamageTest, GarbageInTheLockFileDoesNotMatter) {
  write_file(folder_ / "journal.lmdb-lock", std::string(8192, '\xA5'));
  EXPECT_EQ(everything(Journal::open(file_, Journal::Access::write)), contents_);
}

TEST_F(DamageTest, DamagedRecordIsNamed) {
  std::string damaged = bytes();
  const std::size_t place = damaged.rfind("TABLE t1");
  ASSERT_NE(place, std::string::npos);
  for (std::size_t at = damaged.find("TABLE t1"); at != std::string::npos; at = damaged.find("TABLE t1"))
    damaged[at] = 'X';
  write_file(file_, damaged);
  const Journal journal = Journal::open(file_, Journal::Access::read);
  const Error error = error_of([&] { journal.verify(); });
  EXPECT_EQ(error.code(), ErrorCode::damaged);
  EXPECT_EQ(error.file(), file_);
  EXPECT_GT(error.lsn(), Lsn{});
}

}  // namespace
}  // namespace belay::journal

#include "journal/journal.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <algorithm>

#include "tests/journal/fixture.h"

namespace belay::journal {
namespace {

class JournalTest : public ::testing::Test {
 protected:
  Journal create() { return Journal::create(file_, "database-1"); }
  Journal reopen(Journal::Access access = Journal::Access::write) { return Journal::open(file_, access); }

  Folder folder_;
  std::filesystem::path file_ = folder_ / "journal.lmdb";
};

TEST_F(JournalTest, NewJournalIsEmptyAndBoundToItsDatabase) {
  const Journal journal = create();
  EXPECT_EQ(journal.file(), file_);
  EXPECT_EQ(journal.database_id(), "database-1");
  EXPECT_EQ(journal.last(), Lsn{});
  EXPECT_EQ(journal.checkpoint(), Lsn{1});
  EXPECT_EQ(journal.last_commit(), Lsn{});
  EXPECT_EQ(journal.open_run(), std::nullopt);
  EXPECT_EQ(journal.verify().records, 0U);
}

TEST_F(JournalTest, CreationLeavesTheJournalAndItsLockFileAlone) {
  { const Journal journal = create(); }
  std::vector<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(folder_.path())) {
    names.push_back(entry.path().filename());
  }
  std::sort(names.begin(), names.end());
  EXPECT_EQ(names, (std::vector<std::string>{"journal.lmdb", "journal.lmdb-lock"}));
}

TEST_F(JournalTest, CreationReplacesWhatAnEarlierOneLeftUnfinished) {
  write_file(folder_ / "journal.lmdb.new", "half a journal");
  write_file(folder_ / "journal.lmdb.new-lock", "");
  EXPECT_EQ(create().verify().records, 0U);
  EXPECT_FALSE(std::filesystem::exists(folder_ / "journal.lmdb.new"));
}

TEST_F(JournalTest, CreationNeverReplacesAJournal) {
  {
    Journal journal = create();
    write_run(journal);
  }
  EXPECT_EQ(code_of([&] { create(); }), ErrorCode::unavailable);
  EXPECT_EQ(reopen().verify().runs, 1U);
}

TEST_F(JournalTest, RecordIsTheOneOfThatNumber) {
  Journal journal = create();
  write_run(journal);
  EXPECT_TRUE(std::holds_alternative<RunBegin>(journal.record({1}).value()));
  EXPECT_TRUE(std::holds_alternative<RunEnd>(journal.record(journal.last()).value()));
}

TEST_F(JournalTest, ThereIsNoRecordBesideTheLogOrBeforeWhatIsKept) {
  Journal journal = create();
  write_run(journal);
  const Lsn first_end = journal.last();
  write_run(journal);
  journal.prune({.runs = 1});
  EXPECT_FALSE(journal.record({}));
  EXPECT_FALSE(journal.record(first_end));
  EXPECT_TRUE(journal.record({first_end.value + 1}));
  EXPECT_FALSE(journal.record({journal.last().value + 1}));
}

TEST_F(JournalTest, RunSurvivesReopening) {
  std::vector<std::string> written;
  {
    Journal journal = create();
    EXPECT_EQ(write_run(journal), RunId{1});
    written = contents(journal);
  }
  const Journal journal = reopen();
  EXPECT_EQ(written.size(), 7U);
  EXPECT_EQ(contents(journal), written);
  EXPECT_EQ(journal.last(), Lsn{7});
  EXPECT_EQ(journal.checkpoint(), Lsn{8});
  EXPECT_EQ(journal.last_commit(), Lsn{3});
  EXPECT_EQ(journal.verify().runs, 1U);
}

TEST_F(JournalTest, BeginFillsInWhatTheJournalKnows) {
  Journal journal = create();
  write_run(journal);
  EXPECT_EQ(journal.begin({.command = "migrate"}, {revision("1"), revision("2")}), RunId{2});
  std::vector<Record> records;
  journal.scan(journal.checkpoint(), [&records](const Journal::Entry& entry) {
    records.push_back(entry.record);
    return true;
  });
  ASSERT_EQ(records.size(), 3U);
  EXPECT_EQ(std::get<RunBegin>(records[0]).run, RunId{2});
  EXPECT_EQ(std::get<RunBegin>(records[0]).planned, 2U);
  EXPECT_EQ(std::get<PlannedRevision>(records[1]).ordinal, 0U);
  EXPECT_EQ(std::get<PlannedRevision>(records[2]).ordinal, 1U);
}

TEST_F(JournalTest, AppendedRecordsAreNumberedAtOnceAndLostWithoutAFlush) {
  {
    Journal journal = create();
    journal.begin({}, {revision("1")});
    EXPECT_EQ(append_transaction(journal), Lsn{3});
    EXPECT_EQ(journal.last(), Lsn{6});
    EXPECT_EQ(journal.last_commit(), Lsn{3});
    EXPECT_EQ(contents(journal).size(), 2U);
  }
  const Journal journal = reopen();
  EXPECT_EQ(journal.last(), Lsn{2});
  EXPECT_EQ(journal.last_commit(), Lsn{});
}

TEST_F(JournalTest, FlushOfNothingWritesNothing) {
  Journal journal = create();
  journal.begin({}, {revision("1")});
  const std::string before = read_file(file_);
  journal.flush();
  EXPECT_EQ(read_file(file_), before);
}

TEST_F(JournalTest, RunInterruptedByACrashIsOpenAfterwards) {
  {
    Journal journal = create();
    write_run(journal);
    journal.begin({}, {revision("1")});
    append_transaction(journal, false);
    journal.flush();
  }
  Journal journal = reopen();
  EXPECT_EQ(journal.open_run(), RunId{2});
  EXPECT_EQ(journal.checkpoint(), Lsn{8});
  EXPECT_EQ(journal.last_commit(), Lsn{3});
  journal.append(TransactionRollback{{10}, "the process died"});
  journal.end({.outcome = Outcome::closed_back}, {});
  EXPECT_EQ(journal.open_run(), std::nullopt);
  EXPECT_EQ(journal.verify().runs, 2U);
}

TEST_F(JournalTest, BeginOverAnOpenRunIsRefused) {
  {
    Journal journal = create();
    journal.begin({}, {});
    EXPECT_EQ(code_of([&] { journal.begin({}, {}); }), ErrorCode::unfinished_run);
  }
  Journal journal = reopen();
  EXPECT_EQ(code_of([&] { journal.begin({}, {}); }), ErrorCode::unfinished_run);
  EXPECT_EQ(journal.last(), Lsn{1});
}

TEST_F(JournalTest, ScanBeginsWhereItIsAskedAndStopsWhenTold) {
  Journal journal = create();
  write_run(journal, 500);
  std::vector<std::uint64_t> seen;
  journal.scan({700}, [&seen](const Journal::Entry& entry) {
    seen.push_back(entry.lsn.value);
    return seen.size() < 600;
  });
  EXPECT_EQ(seen.size(), 600U);
  EXPECT_EQ(seen.front(), 700U);
  EXPECT_EQ(seen.back(), 1299U);
}

TEST_F(JournalTest, ScanBehindTheLastRecordVisitsNothing) {
  Journal journal = create();
  write_run(journal);
  journal.scan({8}, [](const Journal::Entry&) -> bool { throw std::logic_error("visited"); });
  journal.scan({~std::uint64_t{0}}, [](const Journal::Entry&) -> bool { throw std::logic_error("visited"); });
}

TEST_F(JournalTest, VisitorMayWriteToTheJournal) {
  Journal journal = create();
  journal.begin({}, {revision("1")});
  int visited = 0;
  journal.scan({}, [&](const Journal::Entry&) {
    append_transaction(journal);
    journal.flush();
    return ++visited > 0;
  });
  EXPECT_EQ(visited, 2);
  EXPECT_EQ(journal.verify().records, 10U);
}

TEST_F(JournalTest, JournalGrowsFarBeyondItsFirstMap) {
  Journal journal = create();
  std::vector<PlannedRevision> plan(50, revision("big", 1));
  for (PlannedRevision& planned : plan) planned.steps[0].statements[0].text.assign(1U << 20U, 'x');
  journal.begin({}, plan);
  for (int i = 0; i < 2000; ++i) append_transaction(journal);
  journal.flush();
  const Journal::Summary summary = journal.verify();
  EXPECT_EQ(summary.records, 51U + 8000U);
  EXPECT_GT(summary.bytes, 50U << 20U);
}

TEST_F(JournalTest, OldestRunsGoWhenThereAreTooMany) {
  Journal journal = create();
  for (int i = 0; i < 5; ++i) write_run(journal, 1, {.runs = 3});
  EXPECT_EQ(journal.verify().runs, 3U);
  EXPECT_EQ(journal.verify().first, Lsn{15});
  EXPECT_EQ(contents(journal).size(), 21U);
  EXPECT_EQ(journal.last(), Lsn{35});
}

TEST_F(JournalTest, OldestRunsGoWhenTheyAreTooLargeAndTheNewestStays) {
  Journal journal = create();
  for (int i = 0; i < 4; ++i) write_run(journal, 1, {.bytes = 1500});
  EXPECT_EQ(journal.verify().runs, 2U);
  EXPECT_EQ(journal.prune({.bytes = 0}), 1U);
  EXPECT_EQ(journal.verify().runs, 1U);
  EXPECT_EQ(journal.prune({.runs = 0, .bytes = 0}), 0U);
}

TEST_F(JournalTest, PrunedSpaceIsUsedAgain) {
  Journal journal = create();
  for (int i = 0; i < 20; ++i) write_run(journal, 200, {.runs = 2});
  const std::uint64_t bytes = journal.verify().bytes;
  for (int i = 0; i < 60; ++i) write_run(journal, 200, {.runs = 2});
  EXPECT_LE(journal.verify().bytes, bytes * 2);
}

TEST_F(JournalTest, OpenRunIsNeverPruned) {
  Journal journal = create();
  write_run(journal);
  journal.begin({}, {revision("1")});
  EXPECT_EQ(journal.prune({.runs = 1, .bytes = 0}), 1U);
  EXPECT_EQ(journal.prune({.runs = 1, .bytes = 0}), 0U);
  EXPECT_EQ(journal.open_run(), RunId{2});
  EXPECT_EQ(journal.verify().first, Lsn{8});
}

TEST_F(JournalTest, NumbersGoOnAfterPruningAndReopening) {
  {
    Journal journal = create();
    write_run(journal);
    write_run(journal, 0, {.runs = 1});
  }
  Journal journal = reopen();
  EXPECT_EQ(journal.last_commit(), Lsn{3});
  EXPECT_EQ(write_run(journal), RunId{3});
  EXPECT_EQ(journal.verify().first, Lsn{8});
}

TEST_F(JournalTest, MissingJournalIsNotFound) {
  EXPECT_EQ(code_of([&] { reopen(); }), ErrorCode::not_found);
  EXPECT_EQ(code_of([&] { reopen(Journal::Access::read); }), ErrorCode::not_found);
  EXPECT_FALSE(std::filesystem::exists(folder_ / "journal.lmdb-lock"));
}

TEST_F(JournalTest, MissingFolderIsUnavailable) {
  EXPECT_EQ(code_of([&] { Journal::create(folder_ / "no" / "journal.lmdb", "d"); }), ErrorCode::unavailable);
}

TEST_F(JournalTest, FolderInItsPlaceIsUnavailable) {
  std::filesystem::create_directory(file_);
  EXPECT_EQ(code_of([&] { reopen(); }), ErrorCode::unavailable);
  EXPECT_EQ(code_of([&] { create(); }), ErrorCode::unavailable);
}

TEST_F(JournalTest, SecondOpeningInTheProcessIsUnavailable) {
  const Journal journal = create();
  std::filesystem::create_hard_link(file_, folder_ / "other.lmdb");
  EXPECT_EQ(code_of([&] { reopen(Journal::Access::read); }), ErrorCode::unavailable);
  EXPECT_EQ(code_of([&] { Journal::open(folder_ / "other.lmdb", Journal::Access::write); }), ErrorCode::unavailable);
}

TEST_F(JournalTest, FailedOpeningLeavesTheFileFree) {
  {
    Journal journal = create();
    write_run(journal);
  }
  const std::string whole = read_file(file_);
  write_file(file_, whole.substr(0, 8192));
  EXPECT_EQ(code_of([&] { reopen(); }), ErrorCode::damaged);
  write_file(file_, whole);
  EXPECT_EQ(reopen().verify().runs, 1U);
}

TEST_F(JournalTest, JournalOpenedForReadingTakesNoWrites) {
  { const Journal journal = create(); }
  Journal journal = reopen(Journal::Access::read);
  EXPECT_EQ(code_of([&] { journal.begin({}, {}); }), ErrorCode::unavailable);
  EXPECT_EQ(code_of([&] { journal.prune({}); }), ErrorCode::unavailable);
}

TEST_F(JournalTest, LaterFormatIsRefusedBeforeItIsInterpreted) {
  { const Journal journal = create(); }
  std::string bytes = read_file(file_);
  const std::string head("head\4\0\0\0", 8);
  ASSERT_NE(bytes.find(head), std::string::npos);
  for (auto at = bytes.find(head); at != std::string::npos; at = bytes.find(head)) bytes[at + 4] = 5;
  write_file(file_, bytes);
  EXPECT_EQ(code_of([&] { reopen(); }), ErrorCode::newer_format);
}

TEST_F(JournalTest, LaterLmdbIsRefused) {
  { const Journal journal = create(); }
  std::string bytes = read_file(file_);
  bytes[20] = 2;
  write_file(file_, bytes);
  EXPECT_EQ(code_of([&] { reopen(); }), ErrorCode::newer_format);
}

TEST_F(JournalTest, ErrorsNameTheFile) {
  EXPECT_EQ(error_of([&] { reopen(); }).file(), file_);
}

}  // namespace
}  // namespace belay::journal

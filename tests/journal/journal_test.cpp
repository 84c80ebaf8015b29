#include "journal/journal.h"

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/stat.h>

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

}  // namespace
}  // namespace belay::journal

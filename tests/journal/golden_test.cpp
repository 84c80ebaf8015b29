#include <gtest/gtest.h>

#include "journal/journal.h"
#include "journal/stored.h"
#include "tests/journal/fixture.h"

// A journal of format 1 as it was once written, so that every later version reads it. To write the one of a new format,
// beside the old ones:
//
//     journal_tests --gtest_also_run_disabled_tests --gtest_filter='GoldenTest.DISABLED_Write' && cp golden.lmdb …

namespace belay::journal {
namespace {

/// Every kind of record and every field, in three runs: one done, one failed, one open as after a crash.
std::vector<Record> golden_records() {
  const PlannedRevision rooms{.ordinal = 0,
                              .revision = "20260102030405",
                              .action = Action::up,
                              .message = "add rooms",
                              .digest = std::string(64, 'd'),
                              .file = "versions/20260102030405_add_rooms.sql",
                              .steps = {{.statements = {{"CREATE TABLE rooms (id INTEGER PRIMARY KEY, code TEXT)", 7}}},
                                        {.name = "backfill",
                                         .statements = {{"UPDATE rooms SET code = upper(code)", 10}, {"ANALYZE", 11}},
                                         .transactional = false,
                                         .repeatable = true,
                                         .batch_rows = 5000,
                                         .batch_table = "rooms",
                                         .batch_column = "id"}},
                              .verify = {{"SELECT count(*) = 0 FROM rooms WHERE code IS NULL", 14}}};
  const PlannedRevision hook{.ordinal = 1, .revision = "after.sql", .action = Action::hook};
  const auto begin = [](std::uint64_t run, std::string command, std::uint64_t planned) {
    return RunBegin{.run = {run},
                    .command = std::move(command),
                    .started_at = "2026-01-02T03:04:05Z",
                    .host = "host",
                    .pid = 4711,
                    .user = "user",
                    .version = "0.1.0",
                    .from = {"20260101000000", "20260101000001"},
                    .planned = planned,
                    .atomic = run == 2};
  };
  return {
      begin(1, "migrate", 2),                                                                              // 1
      rooms,                                                                                               // 2
      hook,                                                                                                // 3
      TransactionBegin{},                                                                                  // 4
      StepBegin{0, 0, std::nullopt},                                                                       // 5
      StepBegin{0, 1, Slice{"1", "'ä\n'"}},                                                                // 6
      StampBegin{0},                                                                                       // 7
      TransactionCommit{{4}},                                                                              // 8
      RunEnd{{1}, Outcome::done, "2026-01-02T03:04:06Z", {"20260102030405"}, ""},                          // 9
      begin(2, "downgrade -1", 1),                                                                         // 10
      PlannedRevision{.revision = "20260102030405", .action = Action::down, .steps = {{.name = "drop"}}},  // 11
      TransactionBegin{{4}},                                                                               // 12
      StepBegin{0, 0, std::nullopt},                                                                       // 13
      RevisionRollback{0, "no such table: rooms"},                                                         // 14
      TransactionRollback{{12}, "no such table: rooms"},                                                   // 15
      RunEnd{
          {2}, Outcome::failed, "2026-01-02T03:04:07Z", {"20260102030405"}, "versions/x.sql:9: no such table"},  // 16
      begin(3, "migrate", 1),                                                                                    // 17
      PlannedRevision{.revision = "20260103000000", .action = Action::stamp},                                    // 18
      TransactionBegin{{4}},                                                                                     // 19
      StampBegin{0},                                                                                             // 20
  };
}

/// Feeds the records to a journal by the calls that write them.
void write_golden(Journal& journal) {
  const std::vector<Record> records = golden_records();
  for (std::size_t i = 0; i < records.size(); ++i) {
    if (const auto* begin = std::get_if<RunBegin>(&records[i])) {
      std::vector<PlannedRevision> plan;
      for (std::size_t j = 1; j <= begin->planned; ++j) plan.push_back(std::get<PlannedRevision>(records[i + j]));
      journal.begin(*begin, plan);
      i += plan.size();
    } else if (const auto* end = std::get_if<RunEnd>(&records[i])) {
      journal.end(*end, {});
    } else {
      journal.append(records[i]);
    }
  }
  journal.flush();
}

void expect_golden(const Journal& journal) {
  std::vector<std::string> expected;
  for (const Record& record : golden_records()) {
    expected.push_back(std::to_string(expected.size() + 1) + ":" + encode(record));
  }
  EXPECT_EQ(contents(journal), expected);
  const Journal::Summary summary = journal.verify();
  EXPECT_EQ(summary.first, Lsn{1});
  EXPECT_EQ(summary.last, Lsn{20});
  EXPECT_EQ(summary.runs, 3U);
  EXPECT_EQ(journal.database_id(), "0123456789abcdef0123456789abcdef");
  EXPECT_EQ(journal.checkpoint(), Lsn{17});
  EXPECT_EQ(journal.last_commit(), Lsn{4});
  EXPECT_EQ(journal.open_run(), RunId{3});
}

const std::filesystem::path golden_file = std::filesystem::path(BELAY_SOURCE_DIR) / "tests/golden/journal-1.lmdb";

TEST(GoldenTest, JournalOfFormat1IsRead) {
  const Folder folder;
  std::filesystem::copy_file(golden_file, folder / "journal.lmdb");
  expect_golden(Journal::open(folder / "journal.lmdb", Journal::Access::read));
}

TEST(GoldenTest, JournalOfFormat1IsWrittenOn) {
  const Folder folder;
  std::filesystem::copy_file(golden_file, folder / "journal.lmdb");
  Journal journal = Journal::open(folder / "journal.lmdb", Journal::Access::write);
  journal.append(TransactionCommit{{19}});
  journal.end({.outcome = Outcome::done}, {.runs = 2});
  EXPECT_EQ(write_run(journal), RunId{4});
  EXPECT_EQ(journal.verify().first, Lsn{10});
}

TEST(GoldenTest, RecordsAreWrittenAsEver) {
  const std::string file = read_file(golden_file);
  for (const Record& record : golden_records()) {
    EXPECT_NE(file.find(encode(record)), std::string::npos) << name_of(record);
  }
}

TEST(GoldenTest, StoredRecordIsTheOneInTheDocumentation) {
  const std::string key("\0\0\0\0\0\0\0\x08", 8);
  const std::string value(
      "\x2d\xb5\x33\xa3\xc9\xad\xc8\x79"  // checksum
      "\x0b\xe6\x11\x01\x00\xde\x27\x8a"  // chain
      "\x07\x01"                          // TransactionCommit, little endian
      "\x04\0\0\0\0\0\0\0",
      26);
  EXPECT_NE(read_file(golden_file).find(key + value), std::string::npos);
  const auto record = decode(open_record({8}, value).payload);
  EXPECT_EQ(std::get<TransactionCommit>(record).begin, Lsn{4});
}

TEST(GoldenTest, DISABLED_Write) {
  Journal journal = Journal::create("golden.lmdb", "0123456789abcdef0123456789abcdef");
  write_golden(journal);
}

}  // namespace
}  // namespace belay::journal

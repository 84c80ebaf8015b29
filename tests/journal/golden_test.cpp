#include <gtest/gtest.h>

#include <chrono>
#include <thread>

#include "journal/image_batch.h"
#include "journal/journal.h"
#include "journal/stored.h"
#include "tests/journal/images.h"

// A journal of each format as it was once written, so that every later version reads it. To write the one of a new
// format, beside the old ones:
//
//     journal_tests --gtest_also_run_disabled_tests --gtest_filter='GoldenTest.DISABLED_Write' && cp golden.lmdb …

namespace belay::journal {
namespace {

constexpr const char* golden_id = "0123456789abcdef0123456789abcdef";

RunBegin golden_run(std::uint64_t run, std::string command, std::uint64_t planned) {
  return {.run = {run},
          .command = std::move(command),
          .started_at = "2026-01-02T03:04:05Z",
          .host = "host",
          .pid = 4711,
          .user = "user",
          .version = "0.1.0",
          .from = {"20260101000000", "20260101000001"},
          .planned = planned,
          .atomic = run == 2};
}

PlannedRevision golden_revision() {
  return {.ordinal = 0,
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
}

/// Every kind of record of format 1 and every field, in three runs: one done, one failed, one open as after a crash.
std::vector<Record> golden_records_1() {
  const PlannedRevision hook{.ordinal = 1, .revision = "after.sql", .action = Action::hook};
  return {
      golden_run(1, "migrate", 2),                                                                         // 1
      golden_revision(),                                                                                   // 2
      hook,                                                                                                // 3
      TransactionBegin{},                                                                                  // 4
      StepBegin{0, 0, std::nullopt},                                                                       // 5
      StepBegin{0, 1, Slice{"1", "'ä\n'"}},                                                                // 6
      StampBegin{0},                                                                                       // 7
      TransactionCommit{{4}},                                                                              // 8
      RunEnd{{1}, Outcome::done, "2026-01-02T03:04:06Z", {"20260102030405"}, ""},                          // 9
      golden_run(2, "downgrade -1", 1),                                                                    // 10
      PlannedRevision{.revision = "20260102030405", .action = Action::down, .steps = {{.name = "drop"}}},  // 11
      TransactionBegin{{4}},                                                                               // 12
      StepBegin{0, 0, std::nullopt},                                                                       // 13
      RevisionRollback{0, "no such table: rooms"},                                                         // 14
      TransactionRollback{{12}, "no such table: rooms"},                                                   // 15
      RunEnd{
          {2}, Outcome::failed, "2026-01-02T03:04:07Z", {"20260102030405"}, "versions/x.sql:9: no such table"},  // 16
      golden_run(3, "migrate", 1),                                                                               // 17
      PlannedRevision{.revision = "20260103000000", .action = Action::stamp},                                    // 18
      TransactionBegin{{4}},                                                                                     // 19
      StampBegin{0},                                                                                             // 20
  };
}

/// The kinds of record that format 2 added, in three runs: one with images, one that took back its second transaction,
/// one open within an undo.
std::vector<Record> golden_records_2() {
  const PlannedRevision stamp{.revision = "20260103000000", .action = Action::stamp};
  return {
      golden_run(1, "migrate", 1),                    // 1
      golden_revision(),                              // 2
      TransactionBegin{},                             // 3
      StepBegin{0, 0, std::nullopt},                  // 4
      Footprint{"8192 1 delete", "12288 2 delete"},   // 5
      TransactionCommit{{3}},                         // 6
      TransactionBegin{{3}},                          // 7
      StepBegin{0, 1, std::nullopt},                  // 8
      Footprint{"12288 2 delete", "8192 3 delete"},   // 9
      TransactionCommit{{7}},                         // 10
      RunEnd{{1}},                                    // 11
      golden_run(2, "recover undo-run", 0),           // 12
      UndoBegin{{7}, {3}, "8192 3 delete"},           // 13
      Footprint{"8192 3 delete", "12288 4 delete"},   // 14
      UndoEnd{{13}, true, {3}},                       // 15
      Footprint{"12288 4 delete", "12288 5 delete"},  // 16
      RunEnd{{2}},                                    // 17
      golden_run(3, "recover undo-run", 1),           // 18
      stamp,                                          // 19
      UndoBegin{{3}, {}, "12288 5 delete"},           // 20
      UndoEnd{{20}, false, {3}},                      // 21
      UndoBegin{{3}, {}, "12288 5 delete"},           // 22
  };
}

/// The actions that format 3 added: a run that restored a backup, and one open in which a database is adopted.
std::vector<Record> golden_records_3() {
  const PlannedRevision restore{.revision = "20260104T050607Z",
                                .action = Action::restore,
                                .message = "restore",
                                .digest = std::string(64, 'e'),
                                .file = "app.db-belay/backups/20260104T050607Z.db.zst"};
  const PlannedRevision adopt{.revision = golden_id, .action = Action::adopt};
  const PlannedRevision stamp{.ordinal = 1, .revision = "20260103000000", .action = Action::stamp};
  return {
      golden_run(1, "recover restore", 1),    // 1
      restore,                                // 2
      TransactionBegin{},                     // 3
      StampBegin{0},                          // 4
      TransactionCommit{{3}},                 // 5
      RunEnd{{1}},                            // 6
      golden_run(2, "recover fix-state", 2),  // 7
      adopt,                                  // 8
      stamp,                                  // 9
      TransactionBegin{{3}},                  // 10
      StampBegin{0},                          // 11
      StampBegin{1},                          // 12
  };
}

/// The rebuilds that format 4 added: a plan with two of them and a revision without, open in the second.
std::vector<Record> golden_records_4() {
  const PlannedRevision rebuilds{
      .revision = "20260105000000",
      .steps = {{.statements = {{"DROP VIEW busy", 3}}},
                {.name = "rooms",
                 .statements = {{"CREATE TABLE belay_new_rooms (id INTEGER)", 6}},
                 .rebuild_table = "rooms",
                 .rebuild_from = "0123456789abcdef",
                 .rebuild_to = "fedcba9876543210"},
                {.statements = {{"DROP TABLE \"my chairs\"", 11}}, .rebuild_table = "my chairs"}}};
  PlannedRevision plain = golden_revision();
  plain.ordinal = 1;
  return {
      golden_run(1, "migrate", 2),    // 1
      rebuilds,                       // 2
      plain,                          // 3
      TransactionBegin{},             // 4
      StepBegin{0, 0, std::nullopt},  // 5
      StepBegin{0, 1, std::nullopt},  // 6
      StepBegin{0, 2, std::nullopt},  // 7
  };
}

/// Kept for the transactions 3 and 7; the latter's went with it. The last batch is the one in the documentation.
Images golden_images() {
  Images images = pages(64, 40);
  images.emplace_back(2, "abc");
  return images;
}

/// Feeds the records to a journal by the calls that write them.
void write_golden(Journal& journal, const std::vector<Record>& records, const Images& images) {
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
    if (!std::holds_alternative<TransactionBegin>(records[i])) continue;
    for (const auto& [place, content] : images) journal.keep_image(place, content);
  }
  journal.flush();
}

std::vector<std::string> numbered(const std::vector<Record>& records) {
  std::vector<std::string> numbered;
  numbered.reserve(records.size());
  for (const Record& record : records) {
    numbered.push_back(std::to_string(numbered.size() + 1) + ":" + encode(record));
  }
  return numbered;
}

const std::filesystem::path golden_files = std::filesystem::path(BELAY_SOURCE_DIR) / "tests/golden";

class GoldenTest : public ::testing::Test {
 protected:
  Journal open(const char* name, Journal::Access access) {
    std::filesystem::copy_file(golden_files / name, folder_ / "journal.lmdb");
    return Journal::open(folder_ / "journal.lmdb", access);
  }

  Folder folder_;
};

TEST_F(GoldenTest, JournalOfFormat1IsRead) {
  const Journal journal = open("journal-1.lmdb", Journal::Access::read);
  EXPECT_EQ(contents(journal), numbered(golden_records_1()));
  const Journal::Summary summary = journal.verify();
  EXPECT_EQ(summary.first, Lsn{1});
  EXPECT_EQ(summary.last, Lsn{20});
  EXPECT_EQ(summary.runs, 3U);
  EXPECT_EQ(summary.images, 0U);
  EXPECT_EQ(journal.database_id(), golden_id);
  EXPECT_EQ(journal.checkpoint(), Lsn{17});
  EXPECT_EQ(journal.last_commit(), Lsn{4});
  EXPECT_EQ(journal.last_undo(), Lsn{});
  EXPECT_EQ(journal.open_run(), RunId{3});
  EXPECT_EQ(journal.runs().size(), 3U);
  EXPECT_EQ(images_of(journal, {19}), Images());
}

TEST_F(GoldenTest, ReadingLeavesFormat1AsItIs) {
  { open("journal-1.lmdb", Journal::Access::write).verify(); }
  EXPECT_EQ(read_file(folder_ / "journal.lmdb"), read_file(golden_files / "journal-1.lmdb"));
}

TEST_F(GoldenTest, JournalOfFormat1BecomesThePresentOneByItsFirstWrite) {
  const std::string head("head\4\0\0\0", 8);
  {
    Journal journal = open("journal-1.lmdb", Journal::Access::write);
    journal.append(TransactionRollback{{19}, "failed"});
    EXPECT_EQ(read_file(journal.file()).find(head), std::string::npos);
    const Lsn begin = journal.append(TransactionBegin{{4}});
    journal.keep_image(7, "content");
    journal.flush();
    EXPECT_NE(read_file(journal.file()).find(head), std::string::npos);
    EXPECT_EQ(images_of(journal, begin), (Images{{7, "content"}}));
    journal.append(StampBegin{0});
    journal.flush();
  }
  const Journal journal = Journal::open(folder_ / "journal.lmdb", Journal::Access::read);
  EXPECT_EQ(images_of(journal, {22}), (Images{{7, "content"}}));
  EXPECT_EQ(journal.database_id(), golden_id);
  EXPECT_EQ(journal.last_commit(), Lsn{4});
  EXPECT_EQ(journal.verify().records, 23U);
}

TEST_F(GoldenTest, ReaderOfFormat1SeesTheImagesThatAnotherProcessThenWrites) {
  std::filesystem::copy_file(golden_files / "journal-1.lmdb", folder_ / "journal.lmdb");
  const pid_t writer = start([this] {
    while (!std::filesystem::exists(folder_ / "go")) std::this_thread::sleep_for(std::chrono::milliseconds(1));
    Journal journal = Journal::open(folder_ / "journal.lmdb", Journal::Access::write);
    journal.carry_on({19});
    journal.keep_image(7, "content");
    journal.flush();
  });
  const Journal reader = Journal::open(folder_ / "journal.lmdb", Journal::Access::read);
  EXPECT_EQ(images_of(reader, {19}), Images());
  write_file(folder_ / "go", "");
  EXPECT_EQ(wait_for(writer), 0);
  EXPECT_EQ(images_of(reader, {19}), (Images{{7, "content"}}));
  EXPECT_EQ(reader.verify().images, 1U);
}

TEST_F(GoldenTest, PruningAloneMakesFormat1ThePresentOne) {
  Journal journal = open("journal-1.lmdb", Journal::Access::write);
  EXPECT_EQ(journal.prune({.runs = 2}), 1U);
  EXPECT_EQ(journal.verify().first, Lsn{10});
  EXPECT_NE(read_file(journal.file()).find(std::string("head\4\0\0\0", 8)), std::string::npos);
}

TEST_F(GoldenTest, JournalOfFormat1IsWrittenOn) {
  Journal journal = open("journal-1.lmdb", Journal::Access::write);
  journal.append(TransactionCommit{{19}});
  journal.end({.outcome = Outcome::done}, {.runs = 2});
  EXPECT_EQ(write_run(journal), RunId{4});
  EXPECT_EQ(journal.verify().first, Lsn{10});
}

TEST_F(GoldenTest, JournalOfFormat2IsRead) {
  const Journal journal = open("journal-2.lmdb", Journal::Access::read);
  EXPECT_EQ(contents(journal), numbered(golden_records_2()));
  const Journal::Summary summary = journal.verify();
  EXPECT_EQ(summary.last, Lsn{22});
  EXPECT_EQ(summary.images, 2U);
  EXPECT_EQ(journal.database_id(), golden_id);
  EXPECT_EQ(journal.last_commit(), Lsn{3});
  EXPECT_EQ(journal.last_undo(), Lsn{15});
  EXPECT_EQ(images_of(journal, {3}), golden_images());
  EXPECT_EQ(images_of(journal, {7}), Images());
  EXPECT_EQ(journal.runs().at(0).image_bytes, summary.image_bytes);
}

TEST_F(GoldenTest, JournalOfFormat2BecomesThePresentOneByItsFirstWrite) {
  Journal journal = open("journal-2.lmdb", Journal::Access::write);
  EXPECT_EQ(read_file(journal.file()).find(std::string("head\4\0\0\0", 8)), std::string::npos);
  journal.append(UndoEnd{{22}, false, {3}});
  journal.flush();
  EXPECT_NE(read_file(journal.file()).find(std::string("head\4\0\0\0", 8)), std::string::npos);
  EXPECT_EQ(images_of(journal, {3}), golden_images());
  EXPECT_EQ(journal.verify().last, Lsn{23});
}

TEST_F(GoldenTest, JournalOfFormat3IsRead) {
  const Journal journal = open("journal-3.lmdb", Journal::Access::read);
  EXPECT_EQ(contents(journal), numbered(golden_records_3()));
  EXPECT_EQ(journal.verify().last, Lsn{12});
  EXPECT_EQ(journal.database_id(), golden_id);
  EXPECT_EQ(journal.last_commit(), Lsn{3});
  EXPECT_EQ(journal.open_run(), RunId{2});
}

TEST_F(GoldenTest, JournalOfFormat3BecomesThePresentOneByItsFirstWrite) {
  Journal journal = open("journal-3.lmdb", Journal::Access::write);
  journal.append(TransactionCommit{{10}});
  journal.flush();
  EXPECT_NE(read_file(journal.file()).find(std::string("head\4\0\0\0", 8)), std::string::npos);
  EXPECT_EQ(journal.verify().last, Lsn{13});
}

TEST_F(GoldenTest, JournalOfFormat4IsRead) {
  const Journal journal = open("journal-4.lmdb", Journal::Access::read);
  EXPECT_EQ(contents(journal), numbered(golden_records_4()));
  EXPECT_EQ(journal.verify().last, Lsn{7});
  const auto steps = std::get<PlannedRevision>(*journal.record({2})).steps;
  EXPECT_FALSE(steps[0].is_rebuild());
  EXPECT_EQ(steps[1].rebuild_to, "fedcba9876543210");
  EXPECT_EQ(steps[2].rebuild_table, "my chairs");
}

TEST_F(GoldenTest, RecordsAreWrittenAsEver) {
  const std::string first = read_file(golden_files / "journal-1.lmdb");
  for (const Record& record : golden_records_1()) {
    EXPECT_NE(first.find(encode(record)), std::string::npos) << name_of(record);
  }
  const std::string second = read_file(golden_files / "journal-2.lmdb");
  for (const Record& record : golden_records_2()) {
    EXPECT_NE(second.find(encode(record)), std::string::npos) << name_of(record);
  }
  const std::string third = read_file(golden_files / "journal-3.lmdb");
  for (const Record& record : golden_records_3()) {
    EXPECT_NE(third.find(encode(record)), std::string::npos) << name_of(record);
  }
  const std::string fourth = read_file(golden_files / "journal-4.lmdb");
  for (const Record& record : golden_records_4()) {
    EXPECT_NE(fourth.find(encode(record)), std::string::npos) << name_of(record);
  }
}

TEST_F(GoldenTest, StoredRecordIsTheOneInTheDocumentation) {
  const std::string key("\0\0\0\0\0\0\0\x08", 8);
  const std::string value(
      "\x2d\xb5\x33\xa3\xc9\xad\xc8\x79"  // checksum
      "\x0b\xe6\x11\x01\x00\xde\x27\x8a"  // chain
      "\x07\x01"                          // TransactionCommit, little endian
      "\x04\0\0\0\0\0\0\0",
      26);
  EXPECT_NE(read_file(golden_files / "journal-1.lmdb").find(key + value), std::string::npos);
  const auto record = decode(open_record({8}, value).payload);
  EXPECT_EQ(std::get<TransactionCommit>(record).begin, Lsn{4});
}

TEST_F(GoldenTest, StoredBatchIsTheOneInTheDocumentation) {
  const std::string key("\0\0\0\0\0\0\0\x03\0\0\0\x01", 12);
  const std::string value(
      "\x26\xfa\xc3\x9b\x62\x99\x25\x0c"  // checksum
      "\x0f\0\0\0"                        // 15 bytes
      "\x22\x02\0\x01\0"                  // literals 02 00, then 00 six times
      "\x70\x03\0\0\0abc",                // seven literals
      25);
  EXPECT_NE(read_file(golden_files / "journal-2.lmdb").find(key + value), std::string::npos);
  std::string raw;
  open_images({{3}, 1}, value, raw);
  EXPECT_EQ(raw, std::string("\x02\0\0\0\0\0\0\0\x03\0\0\0abc", 15));
}

TEST_F(GoldenTest, DISABLED_Write) {
  Journal journal = Journal::create("golden.lmdb", golden_id);
  write_golden(journal, golden_records_4(), {});
}

}  // namespace
}  // namespace belay::journal

#include "journal/record.h"

#include <gtest/gtest.h>

#include <rapidcheck/gtest.h>
#include <string>
#include <type_traits>

#include "journal/error.h"
#include "tests/journal/fixture.h"
#include "tests/journal/records.h"

namespace rc {
template <>
struct Arbitrary<belay::journal::Record> {
  static Gen<belay::journal::Record> arbitrary() { return belay::journal::any_record(); }
};
}  // namespace rc

namespace belay::journal {
namespace {

/// Whatever the bytes are: a record that gives these very bytes again, or `damaged`.
void expect_record_or_damaged(const std::string& bytes) {
  try {
    RC_ASSERT(encode(decode(bytes)) == bytes);
  } catch (const Error& error) {
    RC_ASSERT(error.code() == ErrorCode::damaged);
  }
}

RC_GTEST_PROP(RecordTest, EncodedRecordDecodesToItself, (const Record& record)) {
  const std::string bytes = encode(record);
  const Record decoded = decode(bytes);
  RC_ASSERT(decoded.index() == record.index());
  RC_ASSERT(encode(decoded) == bytes);
}

RC_GTEST_PROP(RecordTest, ArbitraryBytesAreDamagedOrARecord, (const std::string& bytes, std::uint8_t type)) {
  expect_record_or_damaged(bytes);
  expect_record_or_damaged(static_cast<char>(type % 14) + std::string("\1") + bytes);
}

RC_GTEST_PROP(RecordTest, MutatedBytesAreDamagedOrARecord, (const Record& record)) {
  std::string bytes = encode(record);
  const auto place = *rc::gen::inRange<std::size_t>(0, bytes.size());
  bytes[place] = *rc::gen::arbitrary<char>();
  expect_record_or_damaged(bytes);
}

RC_GTEST_PROP(RecordTest, CutOrLengthenedBytesAreDamaged, (const Record& record)) {
  const std::string bytes = encode(record);
  const auto length = *rc::gen::inRange<std::size_t>(0, bytes.size());
  RC_ASSERT_THROWS_AS(decode(bytes.substr(0, length)), Error);
  RC_ASSERT_THROWS_AS(decode(bytes + '\0'), Error);
}

TEST(RecordTest, EveryFieldSurvives) {
  const PlannedRevision written{
      .ordinal = 3,
      .revision = "r",
      .action = Action::hook,
      .message = "m",
      .digest = "d",
      .file = "f.sql",
      .steps = {{"s", {{"SELECT 1", 7}}, false, true, 5000, "t", "c", "u", "before", "after"}},
      .verify = {{"SELECT 2", -1}}};
  const auto read = std::get<PlannedRevision>(decode(encode(written)));
  EXPECT_EQ(read.ordinal, 3U);
  EXPECT_EQ(read.revision, "r");
  EXPECT_EQ(read.action, Action::hook);
  EXPECT_EQ(read.message, "m");
  EXPECT_EQ(read.digest, "d");
  EXPECT_EQ(read.file, "f.sql");
  ASSERT_EQ(read.steps.size(), 1U);
  const PlannedStep& step = read.steps[0];
  EXPECT_EQ(step.name, "s");
  ASSERT_EQ(step.statements.size(), 1U);
  EXPECT_EQ(step.statements[0].text, "SELECT 1");
  EXPECT_EQ(step.statements[0].line, 7);
  EXPECT_FALSE(step.transactional);
  EXPECT_TRUE(step.repeatable);
  EXPECT_EQ(step.batch_rows, 5000);
  EXPECT_EQ(step.batch_table, "t");
  EXPECT_EQ(step.batch_column, "c");
  EXPECT_EQ(step.rebuild_table, "u");
  EXPECT_EQ(step.rebuild_from, "before");
  EXPECT_EQ(step.rebuild_to, "after");
  ASSERT_EQ(read.verify.size(), 1U);
  EXPECT_EQ(read.verify[0].line, -1);
}

TEST(RecordTest, TypeZeroIsNoRecord) {
  std::string bytes = encode(StampBegin{1});
  bytes[0] = 0;
  EXPECT_EQ(code_of([&] { decode(bytes); }), ErrorCode::damaged);
  EXPECT_EQ(code_of([] { decode(std::string(64, '\0')); }), ErrorCode::damaged);
  EXPECT_EQ(code_of([] { decode(""); }), ErrorCode::damaged);
}

TEST(RecordTest, ClaimedLengthIsNotBelieved) {
  std::string bytes = encode(RevisionRollback{0, "reason"});
  for (std::size_t i = 0; i < 7; ++i) bytes[10 + i] = '\xFF';  // the length of `reason`, behind type, mark and ordinal
  EXPECT_EQ(code_of([&] { decode(bytes); }), ErrorCode::damaged);
}

TEST(RecordTest, ClaimedNumberOfStepsIsNotBelieved) {
  std::string bytes = encode(PlannedRevision{});
  for (std::size_t i = bytes.size() - 16; i < bytes.size() - 8; ++i) bytes[i] = '\xFF';
  EXPECT_EQ(code_of([&] { decode(bytes); }), ErrorCode::damaged);
}

TEST(RecordTest, RevisionWithoutARebuildIsStoredAsBeforeThereWereAny) {
  EXPECT_EQ(encode(PlannedRevision{.steps = {{.name = "s"}}})[0], 2);
  EXPECT_EQ(encode(PlannedRevision{.steps = {{.name = "s"}, {.rebuild_table = "t"}}})[0], 13);
}

TEST(RecordTest, RebuildOfAStepThatIsNotThereIsDamaged) {
  std::string bytes = encode(PlannedRevision{.steps = {{.name = "s"}, {.rebuild_table = "t"}}});
  const std::size_t step = bytes.size() - (8 + 8 + 1 + 8 + 8);  // its number, before three texts
  ASSERT_EQ(bytes[step], 1);
  bytes[step] = 2;
  EXPECT_EQ(code_of([&] { decode(bytes); }), ErrorCode::damaged);
}

TEST(RecordTest, RevisionWithRebuildsThatHasNoneIsDamaged) {
  std::string bytes = encode(PlannedRevision{});
  bytes[0] = 13;
  EXPECT_EQ(code_of([&] { decode(bytes); }), ErrorCode::damaged);
  EXPECT_EQ(code_of([&] { decode(bytes + std::string(8, '\0')); }), ErrorCode::damaged);
}

TEST(RecordTest, ActionThatDoesNotExistIsDamaged) {
  std::string bytes = encode(PlannedRevision{});
  bytes[2 + 8 + 8] = 8;  // behind type, mark, ordinal and an empty revision
  EXPECT_EQ(code_of([&] { decode(bytes); }), ErrorCode::damaged);
}

TEST(RecordTest, NamesAreThoseOfTheDocumentation) {
  EXPECT_EQ(name_of(Record(RunBegin{})), "RunBegin");
  EXPECT_EQ(name_of(Record(PlannedRevision{})), "PlannedRevision");
  EXPECT_EQ(name_of(Record(TransactionBegin{})), "TransactionBegin");
  EXPECT_EQ(name_of(Record(StepBegin{})), "StepBegin");
  EXPECT_EQ(name_of(Record(StampBegin{})), "StampBegin");
  EXPECT_EQ(name_of(Record(RevisionRollback{})), "RevisionRollback");
  EXPECT_EQ(name_of(Record(TransactionCommit{})), "TransactionCommit");
  EXPECT_EQ(name_of(Record(TransactionRollback{})), "TransactionRollback");
  EXPECT_EQ(name_of(Record(RunEnd{})), "RunEnd");
  EXPECT_EQ(name_of(Record(Footprint{})), "Footprint");
  EXPECT_EQ(name_of(Record(UndoBegin{})), "UndoBegin");
  EXPECT_EQ(name_of(Record(UndoEnd{})), "UndoEnd");
  EXPECT_EQ(name_of(Action::up), "up");
  EXPECT_EQ(name_of(Action::hook), "hook");
  EXPECT_EQ(name_of(Outcome::done), "done");
  EXPECT_EQ(name_of(Outcome::closed_back), "closed back");
}

}  // namespace
}  // namespace belay::journal

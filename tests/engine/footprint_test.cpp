#include "engine/drivers/sqlite_footprint.h"

#include <gtest/gtest.h>

#include "tests/engine/fixture.h"

namespace belay::engine::drivers {
namespace {

const SqliteFootprint rollback{.page_size = 4096, .pages = 25, .counter = 17, .schema = 5, .modified = "9.000000001"};
const SqliteFootprint in_wal{.page_size = 4096,
                             .pages = 25,
                             .counter = 17,
                             .schema = 5,
                             .wal = true,
                             .frames = 12,
                             .salt = 0xfedcba9876543210,
                             .modified = "9.000000001"};
const SqliteFootprint emptied{.page_size = 4096, .pages = 25, .counter = 17, .wal = true, .modified = "9.000000001"};

template <typename Change>
SqliteFootprint changed(SqliteFootprint footprint, Change change) {
  change(footprint);
  return footprint;
}

TEST(SqliteFootprint, TextIsReadBack) {
  for (const auto& footprint : {rollback, in_wal, emptied, SqliteFootprint{}})
    EXPECT_EQ(SqliteFootprint::parse(footprint.text()), footprint) << footprint.text();
}

TEST(SqliteFootprint, TextIsEvidenceForAPerson) {
  EXPECT_EQ(in_wal.text(),
            "pages=25 page_size=4096 counter=17 schema=5 mode=wal frames=12 salt=fedcba9876543210 "
            "modified=9.000000001");
}

TEST(SqliteFootprint, AnythingElseIsRefused) {
  for (const char* text : {"", "pages", "pages=", "pages=x", "pages=1", "pages=99999999999 page_size=1",
                           "pages=1 page_size=1 counter=1 schema=1 mode=wal frames=1 salt=zz modified=1", "a=1"})
    EXPECT_EQ(code_of([text] { SqliteFootprint::parse(text); }), ErrorCode::foreign_writes) << text;
}

TEST(SqliteFootprint, CommitOfARollbackModeIsSeenByItsCounter) {
  EXPECT_TRUE(nobody_wrote_between(rollback, rollback));
  EXPECT_FALSE(nobody_wrote_between(rollback, changed(rollback, [](auto& next) { ++next.counter; })));
  EXPECT_FALSE(nobody_wrote_between(rollback, changed(rollback, [](auto& next) { ++next.pages; })));
}

TEST(SqliteFootprint, CopiedFileOfARollbackModeIsKnownAgain) {
  EXPECT_TRUE(nobody_wrote_between(rollback, changed(rollback, [](auto& next) { next.modified = "10.0"; })));
}

TEST(SqliteFootprint, CommitInWalModeIsSeenByItsFrames) {
  EXPECT_TRUE(nobody_wrote_between(in_wal, in_wal));
  EXPECT_FALSE(nobody_wrote_between(in_wal, changed(in_wal, [](auto& next) { ++next.frames; })));
}

TEST(SqliteFootprint, WalThatBeganAnewIsSeenByItsSalt) {
  EXPECT_FALSE(nobody_wrote_between(in_wal, changed(in_wal, [](auto& next) { ++next.salt; })));
}

TEST(SqliteFootprint, WalThatSomebodyEmptiedProvesNothing) {
  EXPECT_FALSE(nobody_wrote_between(in_wal, emptied));
  EXPECT_FALSE(nobody_wrote_between(emptied, in_wal));
}

TEST(SqliteFootprint, WithAnEmptyWalTheMainFileMustNotHaveBeenWritten) {
  const auto written = changed(emptied, [](auto& next) { next.modified = "10.0"; });
  EXPECT_TRUE(nobody_wrote_between(emptied, emptied));
  EXPECT_FALSE(nobody_wrote_between(emptied, written));
  EXPECT_TRUE(nobody_wrote_between(rollback, emptied));
  EXPECT_FALSE(nobody_wrote_between(rollback, written));
}

}  // namespace
}  // namespace belay::engine::drivers

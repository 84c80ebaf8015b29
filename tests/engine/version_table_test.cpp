#include "engine/version_table.h"

#include "engine/drivers/sqlite.h"
#include "tests/engine/fixture.h"
#include "tests/engine/raw.h"

namespace belay::engine {
namespace {

versions::Stamp stamp(const std::string& id) {
  return {.revision = {id},
          .message = "it's " + id,
          .digest = "digest",
          .applied_at = "2026-01-02T03:04:05Z",
          .execution_ms = 7,
          .applied_by = "ann@host",
          .lsn = 12};
}

class VersionTables : public testing::Test {
 protected:
  explicit VersionTables(std::string name = "belay_version") : table(*db, std::move(name)) {}

  void create() {
    db->begin();
    table.create("the database");
    db->commit();
  }
  std::string ids() {
    std::string text;
    for (const auto& found : table.stamps()) text += (text.empty() ? "" : " ") + found.revision.text;
    return text;
  }
  std::string read(const std::string& sql) { return engine::read(folder / "app.db", sql); }

  Folder folder;
  std::unique_ptr<Connection> db = drivers::open_sqlite(folder / "app.db", {});
  VersionTable table;
};

TEST_F(VersionTables, NewDatabaseHasNeitherStateNorStamps) {
  EXPECT_FALSE(table.state());
  EXPECT_TRUE(table.stamps().empty());
  EXPECT_EQ(read("SELECT count(*) FROM sqlite_schema"), "0");
}

TEST_F(VersionTables, CreatedStateIsBeforeTheFirstTransaction) {
  create();
  ASSERT_TRUE(table.state());
  EXPECT_EQ(table.state()->database_id, "the database");
  EXPECT_EQ(table.state()->last_lsn, journal::Lsn{});
}

TEST_F(VersionTables, CreatingTwiceKeepsWhatIsThere) {
  create();
  table.write(stamp("1"));
  table.set_last_lsn({9});
  db->begin();
  table.create("another");
  db->commit();
  EXPECT_EQ(table.state()->database_id, "the database");
  EXPECT_EQ(table.state()->last_lsn.value, 9U);
  EXPECT_EQ(ids(), "1");
}

TEST_F(VersionTables, CreationIsTakenBackWithItsTransaction) {
  db->begin();
  table.create("the database");
  db->rollback();
  EXPECT_FALSE(table.state());
}

TEST_F(VersionTables, StampComesBackWhole) {
  create();
  table.write(stamp("1"));
  const auto found = table.stamps().at(0);
  EXPECT_EQ(found.revision.text, "1");
  EXPECT_EQ(found.message, "it's 1");
  EXPECT_EQ(found.digest, "digest");
  EXPECT_EQ(found.applied_at, "2026-01-02T03:04:05Z");
  EXPECT_EQ(found.execution_ms, 7);
  EXPECT_EQ(found.applied_by, "ann@host");
  EXPECT_EQ(found.lsn, 12U);
}

TEST_F(VersionTables, StampsAreInTheOrderInWhichTheyWereApplied) {
  create();
  for (const char* id : {"2", "1", "3"}) table.write(stamp(id));
  EXPECT_EQ(ids(), "2 1 3");
  table.remove({"1"});
  table.write(stamp("1"));
  EXPECT_EQ(ids(), "2 3 1");
}

TEST_F(VersionTables, StampThatIsWrittenAgainIsRenewed) {
  create();
  table.write(stamp("1"));
  auto renewed = stamp("1");
  renewed.digest = "new";
  table.write(renewed);
  ASSERT_EQ(table.stamps().size(), 1U);
  EXPECT_EQ(table.stamps()[0].digest, "new");
}

TEST_F(VersionTables, RowOfAPersonMayLackWhatBelayWrites) {
  create();
  engine::run(folder / "app.db", "INSERT INTO belay_version (revision) VALUES ('1')");
  EXPECT_EQ(ids(), "1");
  EXPECT_EQ(table.stamps()[0].digest, "");
}

TEST_F(VersionTables, LaterFormatIsRefused) {
  create();
  engine::run(folder / "app.db", "UPDATE belay_state SET format = 2");
  EXPECT_EQ(code_of([&] { table.state(); }), ErrorCode::newer_format);
}

TEST_F(VersionTables, SqlForAPersonDoesTheSame) {
  Raw person(folder / "app.db");
  person.run(VersionTable::create_sql("belay_version"));
  person.run(VersionTable::write_sql("belay_version", stamp("it's")));
  EXPECT_EQ(ids(), "it's");
  person.run(VersionTable::remove_sql("belay_version", {"it's"}));
  EXPECT_EQ(ids(), "");
}

class OddlyNamedVersionTable : public VersionTables {
 protected:
  OddlyNamedVersionTable() : VersionTables("my \"versions\" of it") {}
};

TEST_F(OddlyNamedVersionTable, WorksAsAnyOther) {
  create();
  table.write(stamp("1"));
  EXPECT_EQ(ids(), "1");
  EXPECT_TRUE(db->has_table("my \"versions\" of it"));
  EXPECT_EQ(code_of([&] {
              db->run({"DELETE FROM \"My \"\"Versions\"\" of it\"", "1.sql", 1}, {});
            }),
            ErrorCode::refused_statement);
}

}  // namespace
}  // namespace belay::engine

#include "recovery/allowed_drops.h"

#include "engine/introspect.h"
#include "tests/recovery/fixture.h"
#include "versions/error.h"

namespace belay::recovery {
namespace {

using versions::schema::Rename;
using versions::schema::Renames;

class AllowedDropsTest : public ProjectTest {
 protected:
  AllowedDropsTest() {
    run("CREATE TABLE rooms (id, name); CREATE VIRTUAL TABLE words USING fts5 (text); CREATE VIEW v AS SELECT 1");
    const auto connection = engine::connect(Places(settings).url, {.lock_timeout = {}, .read_only = true});
    schema_ = engine::introspect(*connection, {});
  }
  static AllowedDrops allowed(const std::string& word) {
    AllowedDrops drops;
    drops.allow(word);
    return drops;
  }
  void expect_known(const std::string& word, const Renames& renames = {}) {
    EXPECT_NO_THROW(allowed(word).require_known(schema_, renames)) << word;
  }
  std::string unknown(const std::string& word) {
    const auto error = error_of<versions::Error>([&] { allowed(word).require_known(schema_, {}); });
    EXPECT_EQ(error.code(), versions::ErrorCode::bad_name);
    return error.what();
  }

  versions::schema::Schema schema_;
};

TEST_F(AllowedDropsTest, WordsNameATableOrAColumn) {
  EXPECT_TRUE(allowed("ROOMS").allows("rooms", ""));
  EXPECT_TRUE(allowed("rooms").allows("rooms", "name"));
  EXPECT_TRUE(allowed("\"rooms\".name").allows("rooms", "Name"));
  EXPECT_FALSE(allowed("rooms.name").allows("rooms", ""));
  EXPECT_FALSE(allowed("rooms.name").allows("rooms", "id"));
  EXPECT_FALSE(allowed("rooms.name").allows("guests", "name"));
  EXPECT_FALSE(AllowedDrops().allows("rooms", "name"));
}

TEST_F(AllowedDropsTest, WithoutAWordEverythingIsAllowed) {
  AllowedDrops everything;
  everything.allow_all();
  EXPECT_TRUE(everything.allows("rooms", ""));
  EXPECT_TRUE(everything.allows("rooms", "name"));
  EXPECT_NO_THROW(everything.require_known(schema_, {}));
}

TEST_F(AllowedDropsTest, WhatIsNoNameIsRefused) {
  for (const char* word : {"", ".", "rooms.", "rooms.name.more", "rooms name", "'", "rooms;"})
    EXPECT_EQ(code_of<versions::Error>([&] { allowed(word); }), versions::ErrorCode::bad_name) << word;
}

TEST_F(AllowedDropsTest, WhatIsThereIsKnownByItsOldAndItsNewName) {
  expect_known("rooms");
  expect_known("rooms.NAME");
  expect_known("words");
  expect_known("words.whatever");  // What columns it has its module knows.
  expect_known("halls", {{.kind = Rename::Kind::table, .table = {}, .from = "rooms", .to = "halls"}});
  expect_known("rooms.title", {{.kind = Rename::Kind::column, .table = "rooms", .from = "name", .to = "title"}});
}

TEST_F(AllowedDropsTest, WhatIsNotThereIsSaidWithTheNearest) {
  EXPECT_NE(unknown("room").find("no table room; did you mean rooms?"), std::string::npos);
  EXPECT_NE(unknown("wordz").find("did you mean words?"), std::string::npos);
  EXPECT_EQ(unknown("something_else").find("did you mean"), std::string::npos);
  EXPECT_NE(unknown("rooms.nam").find("no column nam; did you mean name?"), std::string::npos);
  EXPECT_NE(unknown("v").find("no table v"), std::string::npos);
}

TEST_F(AllowedDropsTest, TheOptionIsWrittenForAShell) {
  EXPECT_EQ(AllowedDrops::option_for("rooms", ""), "--allow-drop=rooms");
  EXPECT_EQ(AllowedDrops::option_for("rooms", "name"), "--allow-drop=rooms.name");
}

}  // namespace
}  // namespace belay::recovery

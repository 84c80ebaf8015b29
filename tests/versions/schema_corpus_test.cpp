// Schemas of public projects, in pairs. They lie beside the source tree and are no part of it.

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "tests/versions/scratch_database.h"
#include "versions/schema/difference.h"

namespace belay::versions::schema {
namespace {

struct SchemaPair {
  std::string id;
  std::string current;
  std::string desired;
  bool different = false;
};

class Corpus : public testing::Test {
 protected:
  void SetUp() override {
    const auto file = std::filesystem::path(BELAY_SOURCE_DIR) / "../shared/corpus/schema_pairs.jsonl";
    if (!std::filesystem::exists(file)) GTEST_SKIP() << "the corpus of schema pairs is not there: " << file;
    std::ifstream lines(file);
    for (std::string line; std::getline(lines, line);) {
      const auto json = nlohmann::json::parse(line);
      const std::string id = json.at("id");
      // Another text, and no other table: VIRTUAL is what nothing means.
      const bool equivalent = id.ends_with("/GeneratedColumnNoKeywordEquivalentToVirtual");
      const bool different = json.at("kind") != "no-op" && !equivalent;
      pairs_.push_back({id, json.at("current"), json.at("desired"), different});
    }
    ASSERT_GT(pairs_.size(), 100U);
  }

  std::vector<SchemaPair> pairs_;
};

/// What is not understood of a schema.
std::string raw_objects(const Schema& schema) {
  std::string names;
  for (const auto& object : schema.objects())
    if (std::holds_alternative<std::monostate>(object->definition)) names += object->sql + "\n";
  return names;
}

/// The schema of a database that is made of the SQL which another one has in its catalogue.
Schema reloaded(const Schema& schema) {
  ScratchDatabase database;
  for (const auto type :
       {ObjectType::table, ObjectType::virtual_table, ObjectType::view, ObjectType::index, ObjectType::trigger})
    for (const auto& object : schema.objects())
      if (object->type == type) database.run(object->sql);
  return database.schema();
}

TEST_F(Corpus, EveryObjectIsUnderstood) {
  std::size_t objects = 0;
  for (const auto& pair : pairs_)
    for (const auto* sql : {&pair.current, &pair.desired}) {
      const Schema schema = schema_of(*sql);
      EXPECT_EQ(raw_objects(schema), "") << pair.id;
      objects += schema.objects().size();
    }
  RecordProperty("objects", static_cast<int>(objects));
  EXPECT_GT(objects, 1000U);
}

TEST_F(Corpus, SchemaThatIsDumpedAndLoadedAgainHasItsFingerprint) {
  for (const auto& pair : pairs_)
    for (const auto* sql : {&pair.current, &pair.desired}) {
      const Schema schema = schema_of(*sql);
      EXPECT_EQ(schema.fingerprint(), reloaded(schema).fingerprint()) << pair.id;
    }
}

TEST_F(Corpus, SchemasOfAPairDifferWhereItSaysSo) {
  for (const auto& pair : pairs_) {
    const Schema current = schema_of(pair.current);
    const Schema desired = schema_of(pair.desired);
    const auto differences = compare(current, desired);
    EXPECT_EQ(differences.empty(), !pair.different) << pair.id;
    EXPECT_EQ(differences.empty(), current.fingerprint() == desired.fingerprint()) << pair.id;
    for (const auto& difference : differences)
      EXPECT_EQ(difference.details.empty(), difference.kind != Difference::Kind::changed) << pair.id;
  }
}

}  // namespace
}  // namespace belay::versions::schema

#include "recovery/schema_proof.h"

#include "recovery/clues.h"
#include "recovery/foreign_tools.h"
#include "tests/recovery/fix_state_fixture.h"

namespace belay::recovery {
namespace {

/// Six revisions that each come after the first, and a database that is none of them.
class SchemaProofTest : public FixStateFixture {
 protected:
  SchemaProofTest() : graph_(load()), connection_(open()) {
    request_.like = Places(settings).url;
    request_.version_table = settings.version_table;
  }
  versions::Graph load(const std::string& first = "CREATE TABLE t (id INTEGER);") {
    script("001", first);
    for (const char* id : {"002", "003", "004", "005", "006", "007"})
      write_file(
          folder / "versions" / (std::string(id) + ".sql"),
          "-- revision: " + std::string(id) + "\n-- parents: 001\n-- migrate:up\nCREATE TABLE t" + id + " (id);\n");
    return versions::Graph(versions::load_scripts(folder / "versions"));
  }
  std::unique_ptr<engine::Connection> open() {
    run("CREATE TABLE by_hand (x)");
    return engine::connect(Places(settings).url, {.lock_timeout = {}, .read_only = true});
  }
  /// Makes it what such statements make.
  void make(const std::string& sql) { run("DROP TABLE by_hand; " + sql); }
  RevisionSet set_of(const std::vector<std::string>& ids) {
    RevisionSet set(graph_.size());
    for (const auto& id : ids) set[graph_.position({id})] = true;
    return set;
  }
  SchemaProof proof(const std::stop_token& stop = {}) {
    return prove(live_schema(*connection_, settings.version_table), graph_, request_, stop);
  }

  std::string said(const SchemaProof& proof) {
    std::string text;
    for (const auto& clue : clues({}, proof, graph_)) text += clue.message + "\n";
    return text;
  }

  versions::Graph graph_;
  std::unique_ptr<engine::Connection> connection_;
  ProofRequest request_;
};

TEST_F(SchemaProofTest, AllBranchesAreTried) {
  EXPECT_EQ(proof().not_tried, 0U);
  EXPECT_TRUE(proof().fits.empty());
}

TEST_F(SchemaProofTest, WaysThatWereNotTriedAreCountedAndSaid) {
  request_.walks_max = 3;
  const auto bounded = proof();
  EXPECT_GT(bounded.not_tried, 0U);
  const auto text = said(bounded);
  EXPECT_NE(text.find("ways through the branches were not tried"), std::string::npos) << text;
}

TEST_F(SchemaProofTest, EveryHeadOfWhatFitsIsNamed) {
  run("DROP TABLE by_hand; CREATE TABLE t (id INTEGER); CREATE TABLE t002 (id); CREATE TABLE t003 (id)");
  const auto text = said(proof());
  EXPECT_NE(text.find("the schema is exactly that of 002 and 003\n"), std::string::npos) << text;
}

TEST_F(SchemaProofTest, ManyDifferencesAreCountedAndNotAllNamed) {
  run("CREATE TABLE c1 (x); CREATE TABLE c2 (x); CREATE TABLE c3 (x); CREATE TABLE c4 (x); CREATE TABLE c5 (x)");
  const auto text = said(proof());
  EXPECT_NE(text.find("the nearest is base, but for: + table by_hand; "), std::string::npos) << text;
  EXPECT_NE(text.find("+ table c4; … (6 in all)\n"), std::string::npos) << text;
  EXPECT_EQ(text.find("c5"), std::string::npos) << text;
}

TEST_F(SchemaProofTest, OfALongHistoryOnlyTheNewestBranchesAreTried) {
  request_.branching_max = 2;
  EXPECT_EQ(proof().not_tried, 5U);
}

TEST_F(SchemaProofTest, WhatSeveralWaysPassIsFoundOnce) {
  make("CREATE TABLE t (id INTEGER)");
  EXPECT_EQ(proof().fits, std::vector<RevisionSet>{set_of({"001"})});
}

TEST_F(SchemaProofTest, MiddleThatSeveralWaysPassIsFoundOnce) {
  graph_ = load("CREATE TABLE t (id INTEGER);\nCREATE TABLE more (id);");
  make("CREATE TABLE t (id INTEGER)");
  const auto found = proof();
  EXPECT_TRUE(found.fits.empty());
  ASSERT_EQ(found.middles.size(), 1U);
  EXPECT_EQ(found.middles[0].revision, 0U);
  EXPECT_TRUE(found.middles[0].description.starts_with("revision 001 after step 1 of 2 "))
      << found.middles[0].description;
}

/// Two replays are not enough for the four branches that are left.
TEST_F(SchemaProofTest, CandidateThatWasAskedForIsTriedOnce) {
  request_.walks_max = 2;
  request_.asked = set_of({"001", "003"});
  request_.candidates = {*request_.asked};
  const auto other = proof();
  EXPECT_EQ(other.not_tried, 4U);
  ASSERT_TRUE(other.asked);
  EXPECT_EQ(other.asked->revisions, *request_.asked);
  make("CREATE TABLE t (id INTEGER); CREATE TABLE t003 (id)");
  const auto fitting = proof();
  EXPECT_EQ(fitting.not_tried, 4U);
  EXPECT_EQ(fitting.fits, std::vector<RevisionSet>{*request_.asked});
}

TEST_F(SchemaProofTest, SecondBeginningIsABranch) {
  for (const char* id : {"003", "004", "005", "006", "007"})
    std::filesystem::remove(folder / "versions" / (std::string(id) + ".sql"));
  write_file(folder / "versions/002.sql", "-- revision: 002\n-- parents: base\n-- migrate:up\nCREATE TABLE u (id);\n");
  graph_ = versions::Graph(versions::load_scripts(folder / "versions"));
  make("CREATE TABLE u (id)");
  EXPECT_EQ(proof().fits, std::vector<RevisionSet>{set_of({"002"})});
}

/// Objects cannot be told by counting where some are ignored.
TEST_F(SchemaProofTest, WhereSomethingIsIgnoredEachPointIsMeasuredAtOnce) {
  request_.ignored = {"audit_*"};
  const auto found = proof();
  EXPECT_TRUE(found.fits.empty());
  ASSERT_TRUE(found.nearest);
  EXPECT_TRUE(heads_of(graph_, found.nearest->revisions).empty());
}

TEST_F(SchemaProofTest, StopEndsIt) {
  std::stop_source stop;
  stop.request_stop();
  EXPECT_EQ(code_of<engine::Error>([&] { proof(stop.get_token()); }), engine::ErrorCode::interrupted);
}

}  // namespace
}  // namespace belay::recovery

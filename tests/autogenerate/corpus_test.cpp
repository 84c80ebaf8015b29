// Schemas of public projects, in pairs. They lie beside the source tree and are no part of it.

#include <gtest/gtest.h>

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "tests/autogenerate/judge.h"

namespace belay::proof {
namespace {

struct SchemaPair {
  std::string id;
  std::string source;
  std::string current;
  std::string desired;
};

/// What became of the pairs of one source.
struct Score {
  int passed = 0;
  int refused = 0;
  int wrong = 0;
  std::map<std::string, int> hazards;  ///< Of what was refused.
};

class AutogenerateCorpus : public testing::Test {
 protected:
  void SetUp() override {
    const auto file = std::filesystem::path(BELAY_SOURCE_DIR) / "../shared/corpus/schema_pairs.jsonl";
    if (!std::filesystem::exists(file)) GTEST_SKIP() << "the corpus of schema pairs is not there: " << file;
    std::ifstream lines(file);
    for (std::string line; std::getline(lines, line);) {
      const auto json = nlohmann::json::parse(line);
      pairs_.push_back({json.at("id"), json.at("source"), json.at("current"), json.at("desired")});
    }
    ASSERT_EQ(pairs_.size(), 159U);
  }

  void run(bool rows, bool back) {
    const auto mode = std::string(rows ? "rows" : "empty") + (back ? " back" : " forward");
    for (const auto& pair : pairs_)
      judge({.current = back ? pair.desired : pair.current,
             .desired = back ? pair.current : pair.desired,
             .rows = rows,
             .seed = 1},
            pair, mode);
    print();
    EXPECT_GE(100 * passed_, 99 * (passed_ + wrong_));
  }

 private:
  void judge(const Case& it, const SchemaPair& pair, const std::string& mode) {
    const auto verdict = judge_.judge(it);
    auto& score = scores_[pair.source + ", " + mode];
    if (verdict.outcome == Verdict::Outcome::passed) ++score.passed, ++passed_;
    if (verdict.outcome == Verdict::Outcome::refused) {
      ++score.refused;
      for (const auto& hazard : verdict.hazards) ++score.hazards[hazard];
    }
    if (verdict.outcome != Verdict::Outcome::wrong) return;
    ++score.wrong, ++wrong_;
    ADD_FAILURE() << pair.id << ", " << mode << ": " << verdict.why << "\n" << verdict.script;
  }

  void print() const {
    std::printf("%-36s %6s %7s %5s\n", "source", "passed", "refused", "wrong");
    for (const auto& [name, score] : scores_) {
      std::printf("%-36s %6d %7d %5d", name.c_str(), score.passed, score.refused, score.wrong);
      for (const auto& [hazard, count] : score.hazards) std::printf("  %s %d", hazard.c_str(), count);
      std::printf("\n");
    }
  }

  std::vector<SchemaPair> pairs_;
  std::map<std::string, Score> scores_;
  Judge judge_;
  int passed_ = 0;
  int wrong_ = 0;
};

TEST_F(AutogenerateCorpus, EveryChangeIsMadeOnEmptyTables) {
  run(/*rows=*/false, /*back=*/false);
}

TEST_F(AutogenerateCorpus, EveryChangeIsMadeBackwardsOnEmptyTables) {
  run(/*rows=*/false, /*back=*/true);
}

TEST_F(AutogenerateCorpus, EveryChangeIsMadeOnRowsOrRefused) {
  run(/*rows=*/true, /*back=*/false);
}

TEST_F(AutogenerateCorpus, EveryChangeIsMadeBackwardsOnRowsOrRefused) {
  run(/*rows=*/true, /*back=*/true);
}

}  // namespace
}  // namespace belay::proof

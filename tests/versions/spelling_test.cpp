#include "versions/spelling.h"

#include <gtest/gtest.h>

#include <array>
#include <vector>
// After GoogleTest, which it adds to.
#include <rapidcheck/gtest.h>

namespace belay::versions {
namespace {

constexpr std::array<std::string_view, 4> commands = {"migrate", "rollback", "status", "up"};

TEST(EditDistance, CountsEachKindOfMistakeOnce) {
  EXPECT_EQ(edit_distance("status", "status", 3), 0U);
  EXPECT_EQ(edit_distance("status", "stats", 3), 1U);
  EXPECT_EQ(edit_distance("status", "statuss", 3), 1U);
  EXPECT_EQ(edit_distance("status", "statas", 3), 1U);
  EXPECT_EQ(edit_distance("status", "sttaus", 3), 1U);
  EXPECT_EQ(edit_distance("status", "STATUS", 3), 0U);
}

TEST(EditDistance, BeyondTheLimitIsOneMore) {
  EXPECT_EQ(edit_distance("abcdef", "uvwxyz", 2), 3U);
  EXPECT_EQ(edit_distance("a", "abcdefgh", 2), 3U);
  EXPECT_EQ(edit_distance("ab", "ba", 0), 1U);
  EXPECT_EQ(edit_distance("xxab", "abyy", 2), 3U);
}

/// The textbook's full table, without a limit.
std::size_t full_distance(const std::string& a, const std::string& b) {
  std::vector<std::vector<std::size_t>> d(a.size() + 1, std::vector<std::size_t>(b.size() + 1));
  for (std::size_t i = 0; i <= a.size(); ++i) {
    for (std::size_t j = 0; j <= b.size(); ++j) {
      if (i == 0 || j == 0) {
        d[i][j] = i + j;
        continue;
      }
      d[i][j] = std::min({d[i - 1][j] + 1, d[i][j - 1] + 1, d[i - 1][j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1)});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
        d[i][j] = std::min(d[i][j], d[i - 2][j - 2] + 1);
    }
  }
  return d[a.size()][b.size()];
}

RC_GTEST_PROP(EditDistance, IsTheFullTablesUpToTheLimit, ()) {
  const auto word = rc::gen::container<std::string>(rc::gen::elementOf(std::string("abc")));
  const std::string a = *word;
  const std::string b = *word;
  const auto limit = *rc::gen::inRange<std::size_t>(0, 8);
  RC_ASSERT(edit_distance(a, b, limit) == std::min(full_distance(a, b), limit + 1));
}

TEST(Nearest, MisspeltWordFindsItsCandidate) {
  EXPECT_EQ(nearest("migrat", commands), "migrate");
  EXPECT_EQ(nearest("rolback", commands), "rollback");
  EXPECT_EQ(nearest("STATUS", commands), "status");
  EXPECT_EQ(nearest("upp", commands), "up");
}

TEST(Nearest, NothingIsNearEnough) {
  EXPECT_EQ(nearest("frobnicate", commands), "");
  EXPECT_EQ(nearest("statistics", commands), "");
  EXPECT_EQ(nearest("", commands), "");
  EXPECT_EQ(nearest("up", {}), "");
}

TEST(Nearest, LetterThatIsAllWrongIsNotNear) {
  constexpr std::array<std::string_view, 1> candidates = {"v"};
  EXPECT_EQ(nearest("x", candidates), "");
}

TEST(Nearest, FirstOfEqualsAndNearerOfTwoWins) {
  constexpr std::array<std::string_view, 3> candidates = {"batches", "patch", "batch"};
  EXPECT_EQ(nearest("catch", candidates), "patch");
  EXPECT_EQ(nearest("btach", candidates), "batch");
}

}  // namespace
}  // namespace belay::versions

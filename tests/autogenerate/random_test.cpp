// Schemas that no project has: any of them is brought to any other one, on any rows, or it is refused for a reason.

#include <gtest/gtest.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>
// After GoogleTest, which it adds to.
#include <rapidcheck/gtest.h>

#include "tests/autogenerate/judge.h"
#include "tests/autogenerate/random_case.h"

namespace belay::proof {
namespace {

/// 2,000 cases, from one seed, or as many as 45 seconds are enough for; RC_PARAMS says otherwise.
rc::detail::TestParams parameters() {
  rc::detail::Configuration configuration;
  configuration.testParams.seed = 20261123;
  configuration.testParams.maxSuccess = 2000;
  const char* wanted = std::getenv("RC_PARAMS");
  if (wanted != nullptr) configuration = rc::detail::configFromString(wanted, configuration);
  return configuration.testParams;
}

TEST(AutogenerateProperty, AnySchemaBecomesAnyOtherOneOnAnyRows) {
  const auto numbers = rc::gen::resize(
      numbers_max, rc::gen::container<std::vector<std::uint32_t>>(rc::gen::inRange<std::uint32_t>(0, 1U << 20U)));
  using Clock = std::chrono::steady_clock;
  auto deadline = Clock::now() + std::chrono::seconds(std::getenv("RC_PARAMS") == nullptr ? 45 : 24 * 60 * 60);
  int cases = 0;
  int refused = 0;
  int failed = 0;
  std::string first;
  std::string wrong;  // The smallest, which may be wrong in another way.
  Judge judge;
  const auto property = [&] {
    if (Clock::now() > deadline) return;
    const Case it = random_case(*numbers);
    const auto verdict = judge.judge(it);
    ++cases;
    if (verdict.outcome == Verdict::Outcome::refused) ++refused;
    if (verdict.outcome != Verdict::Outcome::wrong) return;
    ++failed;
    if (wrong.empty()) deadline = Clock::now() + std::chrono::seconds(60);  // To make it smaller.
    if (wrong.empty()) first = describe(it) + verdict.why;
    wrong = describe(it) + verdict.script + "\n" + verdict.why;
    RC_FAIL(wrong);
  };
  const auto result = rc::detail::checkTestable(property, rc::detail::TestMetadata{}, parameters());
  EXPECT_TRUE(result.is<rc::detail::SuccessResult>()) << wrong << "\nThe first was\n" << first;
  std::printf("%d cases ran: %d passed, %d refused, %d wrong\n", cases, cases - refused - failed, refused, failed);
}

}  // namespace
}  // namespace belay::proof

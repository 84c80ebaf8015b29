#pragma once

#include <gtest/gtest.h>

#include <string>

#include "tests/autogenerate/database.h"
#include "tests/autogenerate/judge.h"

namespace belay::proof {

/// Changes that were thought of by somebody, each with what becomes of it.
class AutogenerateTest : public testing::Test {
 protected:
  Verdict verdict(const Case& it) { return judge_.judge(it); }

  /// Made, all checks passed.
  void expect_made(const Case& it) {
    const auto found = verdict(it);
    EXPECT_EQ(found.outcome, Verdict::Outcome::passed) << found.why << "\n" << found.script;
    script = found.script;
    hazards = found.hazards;
  }
  /// Refused before anything was touched, and rightly.
  void expect_refused(const Case& it) {
    const auto found = verdict(it);
    EXPECT_EQ(found.outcome, Verdict::Outcome::refused) << found.why << "\n" << found.script;
    EXPECT_TRUE(found.hazards.contains("data-dependent"));
  }
  [[nodiscard]] bool rebuilds() const { return script.find("rebuild:") != std::string::npos; }

  std::string script;
  std::set<std::string> hazards;

 private:
  Judge judge_;
};

}  // namespace belay::proof

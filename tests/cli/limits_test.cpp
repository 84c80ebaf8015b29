// Limits that a user or a service manager sets: `ulimit`.

#include <fmt/format.h>

#include "tests/cli/project.h"
#include "tests/sanitizers.h"

namespace belay::cli {
namespace {

class Limits : public Project {
 protected:
  Limits() {
    configure();
    chain(3);
  }
  [[nodiscard]] Outcome migrate_with(const std::string& limit) const {
    return execute("/bin/sh", {"-c", "ulimit " + limit + " && exec \"$0\" migrate", BELAY_PROGRAM});
  }
  /// From a little to more, until it is enough. @returns how much that is.
  [[nodiscard]] int grow(const char* limit, int first, int last, int step) const {
    for (int amount = first; amount <= last; amount += step) {
      const Outcome outcome = migrate_with(fmt::format("{} {}", limit, amount));
      EXPECT_EQ(outcome.signal, 0) << amount << "\n" << outcome;
      if (outcome.exit == exit_done) return amount;
      EXPECT_NE(outcome.err, "") << amount;
    }
    ADD_FAILURE() << last << " is not enough";
    return last;
  }
  void expect_complete() const {
    EXPECT_EQ(query("PRAGMA integrity_check"), "ok");
    EXPECT_EQ(logged(), "1001 1002 1003");
    EXPECT_EQ(must({"status", "--json"}).json().at("state"), "clean");
  }
};

TEST_F(Limits, TooFewDescriptorsAreSaidAndTheRunThatHasEnoughCompletes) {
  if (address_sanitized) GTEST_SKIP() << "UBSan looks at what a pointer points to through a pipe";
  EXPECT_GT(grow("-n", 3, 64, 1), 6);
  expect_complete();
}

/// The journal's map grows with it, from a small one on.
TEST_F(Limits, TooLittleAddressSpaceIsSaidAndAHundredMebibytesAreEnough) {
  if (sanitized) GTEST_SKIP() << "a sanitizer needs the address space";
  EXPECT_GT(grow("-v", 16'000, 100'000, 4'000), 16'000);
  expect_complete();
}

}  // namespace
}  // namespace belay::cli

// Classes A, B, C, K and L: what happens to one process. What it wrote is all there; power loss is another subject.

#include <fmt/format.h>

#include <array>
#include <cerrno>
#include <functional>
#include <random>

#include "tests/faults/classes.h"

namespace belay::faults {
namespace {

/// The command is killed at each of its mutating calls, in this way, and the next run mends it.
void kill_at_each_call(Ground& ground, Cases& cases, Fault fault) {
  for (std::uint64_t call = 1; call <= ground.calls() && !cases.enough(); ++call) {
    cases.run(std::to_string(call), [&] {
      ground.reset();
      ground.expect_mended(ground.run({.fault = fault, .at = call}).err);
    });
  }
}

struct Failure {
  const char* name;
  int error;
  bool stays;
};
constexpr std::array failures{Failure{"EIO", EIO, false}, Failure{"EIO-stays", EIO, true},
                              Failure{"ENOSPC", ENOSPC, false}, Failure{"ENOSPC-stays", ENOSPC, true}};

}  // namespace

void kill_before_calls(Ground& ground, Cases& cases) {
  kill_at_each_call(ground, cases, Fault::kill);
}

void cut_writes_short(Ground& ground, Cases& cases) {
  kill_at_each_call(ground, cases, Fault::short_write);
}

void fail_calls(Ground& ground, Cases& cases) {
  for (const auto& failure : failures) {
    for (std::uint64_t call = 1; call <= ground.calls() && !cases.enough(); ++call) {
      cases.run(fmt::format("{}-{}", failure.name, call), [&] {
        ground.reset();
        ground.expect_honest(
            ground.run({.fault = Fault::error, .at = call, .error = failure.error, .stays = failure.stays}));
      });
    }
  }
}

}  // namespace belay::faults

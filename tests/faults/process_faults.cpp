// Classes A, B, C, D, K and L: what happens to one process. What it wrote is all there; power loss is another subject.

#include <fmt/format.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <random>

#include "tests/faults/classes.h"
#include "tests/faults/traced.h"

namespace belay::faults {
namespace {

/// The command is killed at each of its mutating calls, in this way, and the next run mends it.
void kill_at_each_call(Ground& ground, Cases& cases, Fault fault) {
  for (std::uint64_t call = 1; call <= ground.calls() && !cases.enough(); ++call) {
    cases.run(std::to_string(call), [&] {
      ground.reset();
      ground.expect_mended(ground.run({.fault = fault, .at = call}).said());
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

/// Points that many runs can tell apart and no run has twice: where a time or a place is drawn.
std::mt19937_64 dice(const Cases& cases, std::uint64_t number) {
  return std::mt19937_64(cases.choice().seed * 1'000'003 + number);
}

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

void kill_at_system_calls(Ground& ground, Cases& cases) {
  ground.reset();
  const auto& words = ground.setting().scenario->command;
  const auto& binary = ground.program().binary();
  const auto free = run_traced(binary, ground.folder(), words, 0);
  if (free.exit != ground.setting().scenario->exit)
    throw std::runtime_error("traced, the command itself fails: " + free.said);
  for (std::uint64_t call = 1; call <= free.calls && !cases.enough(); ++call) {
    cases.run(std::to_string(call), [&] {
      ground.reset();
      ground.expect_mended(run_traced(binary, ground.folder(), words, call).said);
    });
  }
}

void kill_at_any_time(Ground& ground, Cases& cases) {
  constexpr std::uint64_t times = 50;
  for (std::uint64_t number = 1; number <= times && !cases.enough(); ++number) {
    cases.run(std::to_string(number), [&] {
      const auto longest = static_cast<std::uint64_t>(ground.duration().count());
      const std::chrono::microseconds time(1 + dice(cases, number)() % longest);
      ground.reset();
      ground.expect_mended(ground.run({.kill_after = time}).said());
    });
  }
}

void fail_allocations(Ground& ground, Cases& cases) {
  for (const bool stays : {false, true}) {
    for (std::uint64_t number = 1; number <= ground.allocations() && !cases.enough(); ++number) {
      cases.run(fmt::format("{}-{}", stays ? "stays" : "once", number), [&] {
        ground.reset();
        const auto outcome =
            ground.run({.fault = Fault::error, .at = number, .error = ENOMEM, .stays = stays, .allocations = true});
        if (outcome.late) throw Violation("O6: it did not end by itself");
        ground.expect_mended(outcome.exit == 0 ? all_told : outcome.said());
      });
    }
  }
}

}  // namespace belay::faults

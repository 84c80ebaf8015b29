#include "tests/faults/mutants.h"

#include <fmt/format.h>

#include <ostream>

namespace belay::faults {

const std::vector<Mutant>& mutants() {
  static const std::vector<Mutant> all{
      {"synchronous-full", "FULL instead of EXTRA", "E", "create-and-fill", "delete", "forward"},
      {"synchronous-normal", "NORMAL instead of FULL in WAL mode", "E", "outside", "wal", "forward"},
      {"journal-without-sync", "the journal opened with NOSYNC", "E", "outside", "delete", "forward"},
      {"journal-without-meta-sync", "the journal opened with NOMETASYNC", "E", "outside", "delete", "forward"},
      {"told-before-commit", "a revision is reported before its commit", "A", "second-run", "delete", "back"},
      {"journal-created-in-place", "the journal is made under its own name", "A", "first-run", "delete", "forward"},
      {"folders-not-synced", "the folder of a new journal is not synced", "E", "first-run", "delete", "forward"},
      {"checksums-not-checked", "no checksum of a record or an image is looked at", "J", "undo-run", "delete",
       "forward"},
      {"newest-image-counts", "undo takes the newest image of a page", "A", "outside", "delete", "back"},
      {"commit-error-is-failure", "a commit that gives an I/O error counts as failed", "C", "second-run", "delete",
       "forward"},
      {"seal-not-durable", "promise and images are not durable before the commit", "A", "second-run", "delete",
       "forward"},
      {"hot-journal-not-synced", "undo publishes a hot journal before it is synced", "E", "undo-run", "delete",
       "forward"},
      {"last-lsn-apart", "last_lsn has a transaction of its own", "A", "second-run", "delete", "forward"},
      {"redo-forgotten", "a commit that was not acknowledged is written off", "A", "second-run", "delete", "forward"},
  };
  return all;
}

namespace {

/// The first case that it fails; nothing, with why, when there is none.
struct Verdict {
  bool killed = false;
  std::string how{};
  bool stopped = false;
};

Verdict search(const Plan& plan) {
  const auto report = run_cases(plan);
  if (report.stopped) return {.stopped = true};
  if (!report.complete) return {.how = "the laboratory itself has died"};
  for (const auto& cell : report.cells) {
    for (const auto& [replay, what] : cell.broken) {
      const auto line = what.substr(0, what.find('\n'));
      // What fails without a fault shows nothing of the harness.
      if (what.starts_with("the setting itself")) return {false, line};
      return {true, fmt::format("{}: {}", replay, line)};
    }
  }
  return {false, fmt::format("{} cases, and none of them noticed", report.cases())};
}

}  // namespace

std::size_t kill_mutants(const Plan& plan, std::ostream& out) {
  std::size_t killed = 0;
  for (const auto& mutant : mutants()) {
    Plan search_plan = plan;
    search_plan.binary = plan.mutants / fmt::format("belay_{}", mutant.name);
    search_plan.classes = mutant.classes;
    search_plan.scenario = mutant.scenario;
    search_plan.mode = mutant.mode;
    search_plan.policy = mutant.policy;
    search_plan.sample = false;
    search_plan.every_case = true;
    search_plan.choice.share = 1;
    search_plan.choice.max_violations = 1;
    const auto verdict = search(search_plan);
    if (verdict.stopped) break;
    killed += verdict.killed ? 1 : 0;
    out << fmt::format("N  {:<26} {:<55} {} {}\n", mutant.name, mutant.what,
                       verdict.killed ? "killed by" : "SURVIVED:", verdict.how)
        << std::flush;
  }
  return killed;
}

}  // namespace belay::faults

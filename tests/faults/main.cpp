// The fault laboratory: runs the matrix of fault classes and settings against the real binary (docs/crash-testing.md).

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <filesystem>
#include <iostream>
#include <optional>
#include <random>

#include "tests/faults/laboratory.h"

using namespace belay::faults;

int main(int argc, char** argv) {
  CLI::App app("Breaks belay in every way it knows, and looks whether the next run mends it.");
  Plan plan;
  std::string classes;
  std::string replay;
  std::optional<std::uint64_t> seed;
  app.add_option("--belay", plan.binary, "the program under test")->required()->check(CLI::ExistingFile);
  app.add_option("--interposer", plan.interposer, "the shared object that is preloaded into it")
      ->required()
      ->check(CLI::ExistingFile);
  app.add_option("--class", classes, "only these classes, by their letters: ABE");
  app.add_option("--scenario", plan.scenario, "only this scenario");
  app.add_option("--mode", plan.mode, "only this journal mode: delete, wal, truncate or persist");
  app.add_option("--policy", plan.policy, "only this policy: forward or back");
  app.add_option("--share", plan.choice.share, "so much of all cases, 0 to 1")->check(CLI::Range(0.0, 1.0));
  app.add_flag("--sample", plan.sample, "a few settings of each class, and a share of their cases");
  app.add_option("--hours", plan.hours, "the matrix again and again for so long, each time with the next seed");
  app.add_option("--seed", seed, "which cases are in the share, and all that is random; with --hours any, else 1");
  app.add_option("--jobs", plan.jobs, "so many processes at once")->check(CLI::Range(1, 64));
  app.add_option("--folder", plan.folder, "where the cases work; best in memory");
  app.add_option("--mutants", plan.mutants, "also searches the mutants whose binaries are in this folder")
      ->check(CLI::ExistingDirectory);
  app.add_option("--report", plan.report, "writes report.json and matrix.svg into this folder");
  app.add_option("--replay", replay, "one case, by its name: A/rebuild/wal/back/57");
  app.add_option("--max-violations", plan.choice.max_violations, "in one setting of a class; no more are looked for");
  CLI11_PARSE(app, argc, argv);
  plan.classes = classes;
  // The programs under test are started in folders of their own.
  for (auto* path : {&plan.binary, &plan.interposer, &plan.mutants})
    if (!path->empty()) *path = std::filesystem::canonical(*path);
  plan.choice.seed = seed ? *seed : plan.hours > 0 ? std::random_device()() : 1;
  try {
    if (!replay.empty()) plan.replay(replay);
    return run(plan, std::cout);
  } catch (const std::exception& error) {
    std::cerr << "belay_faults: " << error.what() << "\n";
    return 70;
  }
}

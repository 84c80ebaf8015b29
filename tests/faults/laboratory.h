#pragma once

#include <cstdint>
#include <filesystem>
#include <iosfwd>
#include <string>
#include <vector>

#include "tests/faults/cases.h"

namespace belay::faults {

/// What is run, and by which means.
struct Plan {
  std::filesystem::path binary;
  std::filesystem::path interposer;
  std::filesystem::path folder = "/dev/shm";
  std::filesystem::path report{};
  std::filesystem::path mutants{};  ///< The folder of their binaries; nothing: they are not searched.
  Choice choice{};
  bool every_case = false;  ///< Of each class; else its share of a run of the whole matrix.
  bool sample = false;  ///< A few settings of each class, and a share of their cases: for the default run of the tests.
  double hours = 0;     ///< Above 0: the matrix again and again for so long, each time with the next seed.
  int jobs = 2;
  // Nothing: all of them.
  std::string classes{};
  std::string scenario{};
  std::string mode{};
  std::string policy{};

  /// Only the case of that name.
  /// @throws std::invalid_argument when it is none.
  void replay(const std::string& name);
};

/// What came of one class in one setting.
struct Cell {
  char letter = ' ';
  std::string scenario;
  std::string mode;
  std::string policy;
  std::uint64_t seed = 1;
  std::uint64_t cases = 0;
  std::uint64_t known = 0;  ///< Of them, those that have left what an earlier one had left.
  double seconds = 0;
  double cpu_seconds = 0;  ///< Of the laboratory and of what it has run.
  std::vector<Cases::Broken> broken;
};

/// What came of all.
struct Report {
  std::vector<Cell> cells;
  struct NotRun {
    char letter;
    std::string why;
  };
  std::vector<NotRun> not_run;
  double seconds = 0;
  bool stopped = false;  ///< By a signal, before all was done.
  bool complete = true;  ///< No process of the laboratory has died, and the cells that it was at with it.

  [[nodiscard]] std::uint64_t cases() const;
  [[nodiscard]] std::uint64_t violations() const;
};

/// The cases of the plan, on as many processes as it says; with `hours`, no case is begun after that time. Says on
/// stderr how far it is. SIGINT and SIGTERM stop it: what has been done by then is reported.
Report run_cases(const Plan& plan);

/// A table of classes and scenarios, and each violation with the line that replays it.
void print(const Report& report, std::ostream& out);
std::string svg(const Report& report);
std::string json(const Report& report);

/// All of it. @returns an exit status: 0 without a violation, 1 with one or when the report is not complete, 77 where
/// nothing of it can be run here, 130 when a signal has stopped it.
int run(const Plan& plan, std::ostream& out);

}  // namespace belay::faults

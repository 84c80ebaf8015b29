#include "tests/faults/classes.h"

namespace belay::faults {
namespace {

std::optional<std::string> no_obstacle() {
  return {};
}

/// A journal mode that a script asks for is of no interest where no script is run.
bool runs_scripts(const Setting& setting) {
  const bool is_migration = setting.scenario->completes;
  return is_migration || setting.mode == Mode::rollback || setting.mode == Mode::wal;
}

}  // namespace

const std::vector<FaultClass>& fault_classes() {
  static const std::vector<FaultClass> all{
      {'A', "killed before a call", kill_before_calls, runs_scripts, no_obstacle, 0.02},
      {'B', "a write cut short, then killed", cut_writes_short, runs_scripts, no_obstacle, 0.02},
      {'C', "EIO or ENOSPC, once or from there on", fail_calls, runs_scripts, no_obstacle, 0.01},
      {'E', "the power goes", cut_power, runs_scripts, no_obstacle, 0.005},
      {'F', "the power goes while a crash is mended", cut_power_while_mending, runs_scripts, no_obstacle, 0.005},
  };
  return all;
}

}  // namespace belay::faults

#include "tests/faults/block_device.h"
#include "tests/faults/classes.h"
#include "tests/faults/mount.h"

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

/// Both ways in which SQLite commits, and every scenario once: the policy makes no difference to the disk.
bool is_on_real_disks(const Setting& setting) {
  return runs_scripts(setting) && setting.policy == Policy::forward &&
         (setting.mode == Mode::rollback || setting.mode == Mode::wal);
}

/// The same, but whoever goes back sees what was lost before it is done again.
bool may_lose_its_power(const Setting& setting) {
  return is_on_real_disks({setting.scenario, setting.mode, Policy::forward}) && setting.policy == Policy::back;
}

/// An error is one of a few kinds, whatever the scenario.
bool is_on_failing_disks(const Setting& setting) {
  return is_on_real_disks(setting) && (setting.scenario->name == "rebuild" || setting.scenario->name == "first-run");
}

}  // namespace

const std::vector<FaultClass>& fault_classes() {
  static const std::vector<FaultClass> all{
      {'A', "killed before a call", kill_before_calls, runs_scripts, no_obstacle, 0.02},
      {'B', "a write cut short, then killed", cut_writes_short, runs_scripts, no_obstacle, 0.02},
      {'C', "EIO or ENOSPC, once or from there on", fail_calls, runs_scripts, no_obstacle, 0.01},
      {'E', "the power goes", cut_power, runs_scripts, no_obstacle, 0.005},
      {'F', "the power goes while a crash is mended", cut_power_while_mending, runs_scripts, no_obstacle, 0.005},
      {'G', "the power goes under a file system", cut_power_of_disk, may_lose_its_power, block_obstacle, 0.02},
      {'H', "a disk fails to write", fail_block_writes, is_on_failing_disks, block_obstacle, 0.02},
      {'I', "no room", lack_room, is_on_real_disks, mount_obstacle, 0.02},
  };
  return all;
}

}  // namespace belay::faults

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

/// Each call is a stop of the process: two scenarios, in both ways in which SQLite commits.
bool is_traced(const Setting& setting) {
  return is_on_real_disks(setting) && (setting.scenario->name == "rebuild" || setting.scenario->name == "second-run");
}

/// Where there is a journal, or a backup, to damage.
bool is_damaged(const Setting& setting) {
  return is_on_real_disks(setting) && (setting.scenario->name == "second-run" || setting.scenario->name == "restore" ||
                                       setting.scenario->name == "outside" || setting.scenario->name == "undo-run");
}

/// Its commands are its own; a mode and a policy matter.
bool is_any(const Setting& setting) {
  return setting.scenario->name == "second-run" && (setting.mode == Mode::rollback || setting.mode == Mode::wal);
}

}  // namespace

const std::vector<FaultClass>& fault_classes() {
  static const std::vector<FaultClass> all{
      {'A', "killed before a call", kill_before_calls, runs_scripts, no_obstacle, 0.4, 0.02},
      {'B', "a write cut short, then killed", cut_writes_short, runs_scripts, no_obstacle, 0.25, 0.02},
      {'C', "EIO or ENOSPC, once or from there on", fail_calls, runs_scripts, no_obstacle, 0.22, 0.01},
      {'D', "killed at a system call", kill_at_system_calls, is_traced, no_obstacle, 1, 0.02},
      {'E', "the power goes", cut_power, runs_scripts, no_obstacle, 0.68, 0.01},
      {'F', "the power goes while a crash is mended", cut_power_while_mending, runs_scripts, no_obstacle, 0.76, 0.01},
      {'G', "the power goes under a file system", cut_power_of_disk, may_lose_its_power, block_obstacle, 0.8, 0.02},
      {'H', "a disk fails to write", fail_block_writes, is_on_failing_disks, block_obstacle, 0.5, 0.02},
      {'I', "no room", lack_room, is_on_real_disks, mount_obstacle, 0.3, 0.01},
      {'J', "damaged journals and backups", damage_files, is_damaged, no_obstacle, 1, 0.005},
      {'K', "killed at any time", kill_at_any_time, runs_scripts, no_obstacle, 0.9, 0.05},
      {'L', "an allocation fails", fail_allocations, runs_scripts, no_obstacle, 0.0008, 0.0001},
      {'M', "any commands, broken off anywhere", run_any_commands, is_any, no_obstacle, 1, 0.01},
  };
  return all;
}

}  // namespace belay::faults

#pragma once

#include "tests/faults/cases.h"

namespace belay::faults {

// The classes of faults; the letters are those of docs/crash-testing.md.

/// A: SIGKILL before each mutating call.
void kill_before_calls(Ground& ground, Cases& cases);
/// B: half of what a call writes is written, then SIGKILL.
void cut_writes_short(Ground& ground, Cases& cases);
/// C: EIO and ENOSPC, once and from there on, at each mutating call.
void fail_calls(Ground& ground, Cases& cases);
/// D: SIGKILL at each system call of any kind, with nothing preloaded.
void kill_at_system_calls(Ground& ground, Cases& cases);
/// E: the power goes while the command runs: whatever a power cut may leave of it, by the strict model of images.h.
void cut_power(Ground& ground, Cases& cases);
/// F: the same while the next run mends a crash.
void cut_power_while_mending(Ground& ground, Cases& cases);
/// G: the power goes under a real file system: ext4, XFS, btrfs.
void cut_power_of_disk(Ground& ground, Cases& cases);
/// H: the disk under a real file system fails to write.
void fail_block_writes(Ground& ground, Cases& cases);
/// I: a full or read-only file system; a limit on file sizes, open files, memory.
void lack_room(Ground& ground, Cases& cases);
/// J: a journal or a backup that is damaged: a bit, zeros, garbage, cut off, a page from earlier.
void damage_files(Ground& ground, Cases& cases);
/// K: SIGKILL after a random time, nothing ordered.
void kill_at_any_time(Ground& ground, Cases& cases);
/// L: an allocation fails, once and from there on.
void fail_allocations(Ground& ground, Cases& cases);
/// M: any commands in any order, each of which may be broken off, against a model.
void run_any_commands(Ground& ground, Cases& cases);

}  // namespace belay::faults

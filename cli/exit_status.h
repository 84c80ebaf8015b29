#pragma once

namespace belay::cli {

/// What a command's end tells its caller. The numbers are part of the command line's contract; those from 64 on are
/// those of sysexits.h.
enum ExitStatus : int {
  exit_done = 0,         ///< Done, or nothing to do.
  exit_failed = 1,       ///< The database is as it was before the failing revision.
  exit_differences = 2,  ///< Pending revisions or differences were found, and asked for.
  exit_undecided = 3,    ///< An interrupted run needs a person's decision; nothing was changed.
  exit_integrity = 5,    ///< Scripts, journal or database are not what they were, or do not belong together.
  exit_refused = 6,      ///< Confirmation missing, protected, ambiguous, irreversible.
  exit_usage = 64,
  exit_missing_input = 66,
  exit_unavailable = 69,  ///< The database cannot be reached, read or written.
  exit_busy = 75,         ///< Somebody else holds the lock; try again.
  exit_config = 78,       ///< A file that users write (configuration, script) makes no sense.
  exit_signalled = 128    ///< Plus the number of the signal; the state is consistent.
};

}  // namespace belay::cli

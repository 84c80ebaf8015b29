#pragma once

#include "cli/context.h"

namespace belay::cli {

// One function a command; each returns the exit status, and throws what stops it. The table that names them, their
// options and their examples is in command_table.h.

// commands_run.cpp: they change the database.
int migrate(Context& context);
int upgrade(Context& context);
int downgrade(Context& context);
int rollback(Context& context);
int stamp(Context& context);

// commands_recover.cpp
int recover(Context& context);
int undo_run(Context& context);

// commands_fix_state.cpp
int fix_state(Context& context);

// commands_restore.cpp
int restore(Context& context);

// commands_backup.cpp
int backup(Context& context);

// commands_reset.cpp, commands_check.cpp
int reset(Context& context);
int check(Context& context);

// commands_scripts.cpp: they write files.
int init(Context& context);
int new_revision(Context& context);
int merge(Context& context);

// commands_autogenerate.cpp: `revision --autogenerate`.
int autogenerate(Context& context);

// commands_look.cpp: they only read.
int status(Context& context);
int history(Context& context);
int current(Context& context);
int heads(Context& context);
int show(Context& context);

// commands_diff.cpp
int diff(Context& context);

// commands_journal.cpp
int journal(Context& context);
int journal_verify(Context& context);
int journal_prune(Context& context);

// commands_config.cpp
int config(Context& context);

}  // namespace belay::cli

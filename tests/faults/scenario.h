#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "tests/faults/program.h"

namespace belay::faults {

enum class Mode { rollback, wal, truncate, persist };  ///< The database's journal mode; `rollback` is DELETE.
enum class Policy { forward, back };

std::string_view name(Mode mode);
std::string_view name(Policy policy);

/// A migration script, as statements that plain SQLite takes too.
struct Script {
  std::string id;
  std::vector<std::string> up;
  std::vector<std::string> down;
  /// What stands in the file's up section, if it is not just the statements; `up` is what it does.
  std::string text = {};
};

/// Something that a user does, and what may be there when it was cut off.
struct Scenario {
  std::string name;
  std::vector<std::string> database;  ///< SQL that makes the database before belay comes to it; empty: there is none.
  std::vector<Script> scripts;
  std::size_t applied = 0;         ///< How many of them are migrated before, by a run that nothing happens to.
  std::vector<Words> before = {};  ///< Commands that nothing happens to, once all scripts are there.
  std::string by_hand = {};        ///< SQL that somebody else runs after all that.
  bool backs_up = false;           ///< Each run takes a backup first.
  Words command;                   ///< What is cut off.
  int exit = 0;                    ///< How it ends when nothing happens.
  int signal_at_percent = 0;       ///< Above 0: SIGTERM comes at so much of its calls.
  /// How many of the scripts are in force in the states that the command goes through, the one before it first. The
  /// database may be in any of these after a crash, and in no other.
  std::vector<std::size_t> path;
  /// What is done after a crash with policy forward; it brings the database to the end of the path if `completes`.
  Words mend;
  bool completes = true;
  int mend_exit = 0;
  /// What is done after that if it does not complete; it writes, and ends well.
  Words finish = {};
};

/// All of them: the twelve of the matrix, and the commands that do not migrate.
const std::vector<Scenario>& scenarios();
/// @throws std::out_of_range
const Scenario& scenario(std::string_view name);

}  // namespace belay::faults

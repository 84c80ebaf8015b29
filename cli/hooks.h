#pragma once

#include <filesystem>
#include <stop_token>
#include <string>
#include <vector>

#include "cli/config.h"
#include "journal/record.h"
#include "recovery/settings.h"

namespace belay::cli {

/// The hooks that are commands. Each is run by `/bin/sh -c` in the folder of the configuration, with BELAY_COMMAND,
/// BELAY_DATABASE, and for a revision BELAY_REVISION, BELAY_DIRECTION and BELAY_MESSAGE in its environment. One that
/// does not exit with 0 stops the run. No transaction is open meanwhile, so that it can use the database.
class CommandHooks {
 public:
  /// @param stop  once requested, the hook that is running is told to end.
  CommandHooks(const Config& config, std::string command, std::stop_token stop);

  /// Whether something is to be run between revisions.
  [[nodiscard]] bool between() const { return !before_each_.empty() || !after_each_.empty(); }
  [[nodiscard]] bool around() const { return !before_migrate_.empty(); }

  /// @throws engine::Error `hook_failed`, or `interrupted` when the hook was.
  void before_migrate() const;
  void after_migrate() const;
  void before_each(const journal::PlannedRevision& revision) const;
  void after_each(const journal::PlannedRevision& revision) const;

 private:
  using Variables = std::vector<std::string>;
  void run(const std::vector<std::string>& commands, const char* when, const Variables& variables) const;

  std::filesystem::path folder_;
  Variables variables_;
  std::stop_token stop_;
  std::vector<std::string> before_migrate_, after_migrate_, before_each_, after_each_;
};

/// The hooks that are SQL files (their names end in `.sql`), read and split.
/// @throws ConfigError when one cannot be read.
void read_sql_hooks(const Config& config, recovery::Settings& settings);

}  // namespace belay::cli

#pragma once

#include <optional>
#include <string>

#include "cli/config.h"
#include "cli/event_loop.h"
#include "cli/hooks.h"
#include "cli/options.h"
#include "cli/progress.h"
#include "cli/terminal.h"
#include "recovery/migrator.h"

namespace belay::cli {

/// What a command works with; each part is opened when it is first asked for.
class Context {
 public:
  /// @param command_line  as the journal is to call the run: `upgrade +2`.
  Context(const Options& options, Terminal& terminal, EventLoop& events, std::string command_line);

  [[nodiscard]] const Options& options() const { return options_; }
  [[nodiscard]] Terminal& terminal() { return terminal_; }
  [[nodiscard]] const std::string& command_line() const { return command_line_; }
  /// Requested by the first signal that asks belay to end.
  [[nodiscard]] std::stop_token stop_token() const { return events_.stop_token(); }

  const Config& config();
  CommandHooks& hooks();
  /// @throws ConfigError when nothing says which database.
  recovery::Migrator& migrator();
  /// What shows a command's work; that of the migrator.
  engine::Observer& observer();
  /// The scripts, without a need for a database.
  const versions::Graph& graph();

 private:
  recovery::Settings settings();
  void warn_of_network();

  const Options& options_;
  Terminal& terminal_;
  EventLoop& events_;
  std::string command_line_;
  std::optional<Config> config_;
  std::optional<CommandHooks> hooks_;
  std::optional<Progress> progress_;
  std::optional<recovery::Migrator> migrator_;
  std::optional<versions::Graph> graph_;
};

}  // namespace belay::cli

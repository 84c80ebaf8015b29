#pragma once

#include <string>
#include <vector>

namespace belay::cli {

/// What a shell has to know of a command.
struct CommandWords {
  std::string name;  ///< `journal verify` for a command of a command.
  std::string summary;
  std::vector<std::string> options;  ///< `--to`, `-q`, …
  bool takes_revisions = false;
};

/// The completion script for `bash`, `zsh` or `fish`. Revisions are completed by asking `belay history --json`.
/// @throws Error exit_usage for another shell.
std::string completion_script(const std::string& shell, const std::vector<CommandWords>& commands);

}  // namespace belay::cli

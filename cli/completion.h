#pragma once

#include <string>
#include <vector>

namespace belay::cli {

/// What a shell has to know of a command.
struct CommandWords {
  std::string name;
  std::string summary;
  std::vector<std::string> words;  ///< `--to`, `-q`, …; `verify` and its like.
  bool takes_revisions = false;
};

/// The completion script for `bash`, `zsh` or `fish`. Revisions are completed by asking `belay history`.
/// @param valued  the global options that are followed by a value, which may stand before the command.
/// @throws Error exit_usage for another shell.
std::string completion_script(const std::string& shell, const std::vector<CommandWords>& commands,
                              const std::vector<std::string>& valued);

}  // namespace belay::cli

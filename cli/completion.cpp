#include "cli/completion.h"

#include <fmt/format.h>

#include "cli/failure.h"

namespace belay::cli {
namespace {

std::string joined(const std::vector<std::string>& words, const char* between = " ") {
  return fmt::format("{}", fmt::join(words, between));
}

/// The revisions, one a line; nothing where they cannot be read.
constexpr std::string_view list_revisions = "belay history 2>/dev/null | sed -n 's/^[* ] \\([^ ]*\\) .*/\\1/p'";

std::string names(const std::vector<CommandWords>& commands) {
  std::string text;
  for (const auto& command : commands) text += (text.empty() ? "" : " ") + command.name;
  return text;
}

std::string bash(const std::vector<CommandWords>& commands, const std::vector<std::string>& valued) {
  std::string cases;
  for (const auto& command : commands) {
    const std::string revisions = command.takes_revisions ? fmt::format(" $({})", list_revisions) : "";
    cases += fmt::format("    {}) words=\"{}{}\" ;;\n", command.name, joined(command.words), revisions);
  }
  return fmt::format(R"(# belay completion for bash: source <(belay completion bash)
_belay() {{
  local word before="" command="" words
  for word in "${{COMP_WORDS[@]:1:COMP_CWORD-1}}"; do
    case "$before" in
      {}) ;;
      *) case "$word" in -*) ;; *) command="$word"; break ;; esac ;;
    esac
    before="$word"
  done
  case "$command" in
{}    *) words="{}" ;;
  esac
  COMPREPLY=($(compgen -W "$words" -- "${{COMP_WORDS[COMP_CWORD]}}"))
}}
complete -o default -F _belay belay
)",
                     joined(valued, "|"), cases, names(commands));
}

std::string quoted(std::string text) {
  for (std::size_t at = 0; (at = text.find('\'', at)) != std::string::npos; at += 4) text.replace(at, 1, "'\\''");
  return "'" + text + "'";
}

std::string zsh(const std::vector<CommandWords>& commands) {
  std::string described;
  std::string cases;
  for (const auto& command : commands) {
    described += fmt::format("    {}\n", quoted(command.name + ":" + command.summary));
    const std::string revisions = command.takes_revisions ? fmt::format(" ${{(f)\"$({})\"}}", list_revisions) : "";
    cases += fmt::format("    {}) compadd -- {}{} ;;\n", command.name, joined(command.words), revisions);
  }
  return fmt::format(R"(#compdef belay
# belay completion for zsh: belay completion zsh > "${{fpath[1]}}/_belay"
_belay() {{
  local -a commands=(
{})
  if (( CURRENT == 2 )); then
    _describe command commands
    return
  fi
  case "${{words[2]}}" in
{}  esac
}}
_belay "$@"
)",
                     described, cases);
}

std::string fish(const std::vector<CommandWords>& commands) {
  std::string text = "# belay completion for fish: belay completion fish | source\ncomplete -c belay -f\n";
  for (const auto& command : commands) {
    text +=
        fmt::format("complete -c belay -n __fish_use_subcommand -a {} -d {}\n", command.name, quoted(command.summary));
    const std::string seen = fmt::format("complete -c belay -n '__fish_seen_subcommand_from {}'", command.name);
    for (const auto& word : command.words)
      text += word.starts_with("--")  ? fmt::format("{} -l {}\n", seen, word.substr(2))
              : word.starts_with("-") ? fmt::format("{} -s {}\n", seen, word.substr(1))
                                      : fmt::format("{} -a {}\n", seen, word);
    if (command.takes_revisions)
      text += fmt::format("{} -a \"({})\"\n", seen,
                          "belay history 2>/dev/null | string match -r '[0-9A-Za-z][^ ]*' | string split ' ' -f1");
  }
  return text;
}

}  // namespace

std::string completion_script(const std::string& shell, const std::vector<CommandWords>& commands,
                              const std::vector<std::string>& valued) {
  if (shell == "bash") return bash(commands, valued);
  if (shell == "zsh") return zsh(commands);
  if (shell == "fish") return fish(commands);
  throw Error(exit_usage, "usage", "no completion for " + shell, "belay completion bash, zsh or fish");
}

}  // namespace belay::cli

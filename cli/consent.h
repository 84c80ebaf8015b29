#pragma once

#include <string>
#include <string_view>

#include "cli/context.h"

namespace belay::cli {

// What stands between a command and something that cannot be taken back.

/// @throws Error exit_refused `protected`.
[[noreturn]] void refuse_protected(std::string_view what);

/// A yes on the terminal, and nothing else: for what `--yes` cannot know.
/// @throws engine::Error `interrupted`.
bool ask_whether(Context& context, const std::string& question);

/// `--yes`, or a yes on the terminal.
/// @param refusal  why it is not done without.
/// @throws Error exit_refused `not-confirmed`.
void ask_for_yes(Context& context, const std::string& question, const std::string& refusal);

/// `--yes`, or this word typed on the terminal: for what is not the command's own to destroy.
void ask_for_word(Context& context, const std::string& question, std::string_view word, const std::string& refusal);

}  // namespace belay::cli

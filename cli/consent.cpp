#include "cli/consent.h"

#include <fmt/format.h>

namespace belay::cli {
namespace {

[[noreturn]] void refuse(const std::string& refusal) {
  throw Error(exit_refused, "not-confirmed", refusal, "look with --dry-run, then give --yes");
}

}  // namespace

void refuse_protected(std::string_view what) {
  throw Error(exit_refused, "protected", fmt::format("this environment is protected: {} is refused", what),
              "belay config shows where protected = true comes from");
}

void ask_for_yes(Context& context, const std::string& question, const std::string& refusal) {
  if (!context.options().yes && !context.terminal().confirm(question)) refuse(refusal);
}

void ask_for_word(Context& context, const std::string& question, std::string_view word, const std::string& refusal) {
  if (context.options().yes) return;
  if (context.terminal().ask(fmt::format("{}\nType {} to go on:", question, word)) != word) refuse(refusal);
}

}  // namespace belay::cli

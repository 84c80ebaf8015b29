#include "cli/consent.h"

#include <fmt/format.h>

#include "engine/error.h"

namespace belay::cli {
namespace {

[[noreturn]] void refuse(const std::string& refusal) {
  throw Error(exit_refused, "not-confirmed", refusal, "look with --dry-run, then give --yes");
}

std::string answer(Context& context, const std::string& question) {
  std::string text = context.terminal().ask(question, context.stop_token());
  if (context.stop_token().stop_requested())
    throw engine::Error(engine::ErrorCode::interrupted, "interrupted").next("run the command again");
  return text;
}

}  // namespace

void refuse_protected(std::string_view what) {
  throw Error(exit_refused, "protected", fmt::format("this environment is protected: {} is refused", what),
              "belay config shows where protected = true comes from");
}

bool ask_whether(Context& context, const std::string& question) {
  const std::string typed = answer(context, question + " [y/N]");
  return typed == "y" || typed == "Y" || typed == "yes";
}

void ask_for_yes(Context& context, const std::string& question, const std::string& refusal) {
  if (context.options().yes) return;
  if (!ask_whether(context, question)) refuse(refusal);
}

void ask_for_word(Context& context, const std::string& question, std::string_view word, const std::string& refusal) {
  if (context.options().yes) return;
  if (answer(context, fmt::format("{}\nType {} to go on:", question, word)) != word) refuse(refusal);
}

}  // namespace belay::cli

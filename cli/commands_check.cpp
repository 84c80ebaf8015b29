#include <fmt/format.h>

#include <algorithm>

#include "cli/commands.h"
#include "cli/json.h"
#include "cli/situation.h"

namespace belay::cli {
namespace {

using recovery::CheckPart;
using recovery::CheckReport;
using recovery::Problem;

int exit_of(const std::vector<Problem>& problems) {
  const auto is_difference = [](const Problem& problem) { return recovery::kind_of(problem).is_difference; };
  if (problems.empty()) return exit_done;
  return std::ranges::all_of(problems, is_difference) ? exit_differences : exit_integrity;
}

std::string_view state_of(const CheckPart& part) {
  if (!part.problems.empty()) return "problem";
  return part.skipped ? "skipped" : "ok";
}

Color color_of(const CheckPart& part) {
  if (!part.problems.empty()) return Color::red;
  return part.skipped ? Color::dim : Color::green;
}

Json check_json(const CheckReport& report, const std::vector<Problem>& problems) {
  Json json{
      {"ok", problems.empty()}, {"exit", exit_of(problems)}, {"problems", Json::array()}, {"parts", Json::array()}};
  for (const auto& problem : problems)
    json["problems"].push_back({{"kind", problem.kind}, {"where", problem.where}, {"message", problem.message}});
  for (const auto& part : report.parts)
    json["parts"].push_back({{"part", part.name}, {"state", std::string(state_of(part))}, {"note", part.note}});
  return json;
}

void print(Terminal& terminal, const CheckReport& report) {
  for (const auto& part : report.parts) {
    const auto state = fmt::format("{:<8}", state_of(part));
    terminal.data(labelled(part.name, terminal.paint(color_of(part), state) + part.note));
    const recovery::ProblemKind* last = nullptr;
    for (const auto& problem : part.problems) {
      const auto& kind = recovery::kind_of(problem);
      if (last && last != &kind) terminal.data(labelled("", fmt::format("  next: {}", last->next)));
      last = &kind;
      const bool said = problem.message.find(problem.where) != std::string::npos;
      terminal.data(labelled(
          "", fmt::format("{}: {}{}", problem.kind, problem.message, said ? "" : fmt::format(" ({})", problem.where))));
    }
    if (last) terminal.data(labelled("", fmt::format("  next: {}", last->next)));
  }
}

CheckReport look(Context& context) {
  const auto& config = context.config();
  const auto schema = config.folder / config.schema;
  if (!context.options().files)
    return context.migrator().check({.schema = schema, .backups = context.options().check_backups});
  return recovery::check_scripts({.versions = config.folder / config.versions,
                                  .version_table = config.version_table,
                                  .ignored = config.ignored,
                                  .like = {"sqlite", ""}},
                                 schema, context.stop_token());
}

}  // namespace

int check(Context& context) {
  const CheckReport report = look(context);
  const auto problems = report.problems();
  auto& terminal = context.terminal();
  if (terminal.json()) {
    terminal.data(dump(check_json(report, problems)));
  } else {
    print(terminal, report);
    terminal.data(problems.empty()
                      ? "all is well"
                      : fmt::format("{} {}", problems.size(), problems.size() == 1 ? "problem" : "problems"));
  }
  return exit_of(problems);
}

}  // namespace belay::cli

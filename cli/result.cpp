#include "cli/result.h"

#include <fmt/format.h>

#include <algorithm>

#include "cli/exit_status.h"
#include "cli/json.h"
#include "engine/error.h"
#include "versions/error.h"

namespace belay::cli {

std::string joined(const std::vector<versions::RevisionId>& ids) {
  std::string text;
  for (const auto& id : ids) text += (text.empty() ? "" : ", ") + id.text;
  return text.empty() ? "base" : text;
}

std::string place(const std::vector<versions::RevisionId>& current, const versions::Graph& graph) {
  const auto heads = graph.heads();
  const bool at_head = current.size() == heads.size() && std::all_of(heads.begin(), heads.end(), [&](std::size_t head) {
                         return std::find(current.begin(), current.end(), graph.scripts()[head].id) != current.end();
                       });
  return joined(current) + (at_head && !heads.empty() ? " (head)" : "");
}

/// Scripts that cannot be read do not make what was done undone.
static std::string place_of(Context& context, const std::vector<versions::RevisionId>& current) {
  try {
    return place(current, context.migrator().overview());
  } catch (const versions::Error&) {
    return joined(current);
  }
}

std::string revisions_text(std::size_t count) {
  return fmt::format("{} {}", count, count == 1 ? "revision" : "revisions");
}

void after_migrate(Context& context, const recovery::Report& report) {
  if (report.revisions.empty()) return;
  try {
    context.hooks().after_migrate();
  } catch (engine::Error& error) {
    error.state("the run is done; the database is at " + place(report.to, context.migrator().overview()));
    throw;
  }
}

int finish(Context& context, const recovery::Report& report, const std::string& done) {
  auto& terminal = context.terminal();
  if (terminal.json())
    terminal.data(dump(to_json(report)));
  else
    terminal.say(done + "the database is at " + place_of(context, report.to));
  return exit_done;
}

}  // namespace belay::cli

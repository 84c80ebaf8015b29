#include "cli/pending_hazards.h"

#include <fmt/format.h>

namespace belay::cli {
namespace {

using recovery::PendingHazard;
using versions::schema::Hazard;

std::string object_of(const Hazard& hazard) {
  return hazard.column.empty() ? hazard.table : hazard.table + "." + hazard.column;
}

std::string message_of(const PendingHazard& pending) {
  const auto& hazard = pending.hazard;
  return hazard.message + (pending.may_be_mended && hazard.count > 0 ? ", unless the script mends them first" : "");
}

bool is_about_rows(const Hazard& hazard) {
  return hazard.kind == Hazard::Kind::data_dependent || hazard.kind == Hazard::Kind::lossy_cast;
}

}  // namespace

recovery::PendingHazards pending_hazards(Context& context, const recovery::Situation& situation,
                                         const std::vector<journal::PlannedRevision>& plan) {
  return recovery::find_pending_hazards(plan, context.migrator().settings(), situation.exists, context.stop_token());
}

Json to_json(const recovery::PendingHazards& pending) {
  Json json = Json::array();
  for (const auto& one : pending.hazards)
    json.push_back({{"revision", one.revision},
                    {"kind", std::string(name_of(one.hazard.kind))},
                    {"object", object_of(one.hazard)},
                    {"message", message_of(one)},
                    {"count", one.hazard.count}});
  return json;
}

std::vector<std::string> hazard_lines(const recovery::PendingHazards& pending, const std::string& revision) {
  std::vector<std::string> lines;
  for (const auto& one : pending.hazards) {
    const bool told = one.hazard.count > 0 || !is_about_rows(one.hazard);
    if (told && one.revision == revision)
      lines.push_back(fmt::format("      {}: {}", name_of(one.hazard.kind), message_of(one)));
  }
  return lines;
}

}  // namespace belay::cli

#include "cli/json.h"

namespace belay::cli {
namespace {

Json or_null(const std::string& text) {
  return text.empty() ? Json(nullptr) : Json(text);
}

}  // namespace

Json to_json(const std::vector<versions::RevisionId>& ids) {
  Json json = Json::array();
  for (const auto& id : ids) json.push_back(id.text);
  return json;
}

Json to_json(const std::vector<std::size_t>& positions, const versions::Graph& graph) {
  Json json = Json::array();
  for (const auto position : positions) json.push_back(graph.scripts()[position].id.text);
  return json;
}

Json to_json(const std::vector<versions::schema::Hazard>& hazards) {
  Json json = Json::array();
  for (const auto& hazard : hazards) {
    json.push_back({{"kind", std::string(name_of(hazard.kind))},
                    {"table", hazard.table},
                    {"column", or_null(hazard.column)},
                    {"message", hazard.message},
                    {"count", hazard.count},
                    {"first", hazard.first}});
    if (hazard.kind == versions::schema::Hazard::Kind::rebuild) json.back()["bytes"] = hazard.bytes;
  }
  return json;
}

Json to_json(const Failure& failure) {
  Json json{{"ok", false},
            {"exit", failure.exit},
            {"error",
             {{"kind", failure.kind},
              {"message", failure.message},
              {"file", or_null(failure.file)},
              {"line", failure.line ? Json(failure.line) : Json(nullptr)},
              {"column", failure.column ? Json(failure.column) : Json(nullptr)},
              {"statement", or_null(failure.statement)},
              {"state", failure.state},
              {"next", failure.next}}}};
  if (!failure.hazards.empty()) json["error"]["hazards"] = to_json(failure.hazards);
  return json;
}

Json to_json(const recovery::Report& report) {
  Json revisions = Json::array();
  for (const auto& done : report.revisions)
    revisions.push_back({{"revision", done.revision.text},
                         {"direction", std::string(journal::name_of(done.action))},
                         {"ms", done.took.count()}});
  Json recovered = nullptr;
  if (report.recovered)
    recovered = {{"run", report.recovered->run.value},
                 {"verdict", std::string(recovery::name_of(report.recovered->verdict))},
                 {"direction", report.recovered->direction == recovery::Policy::forward ? "forward" : "back"}};
  return {{"ok", true},
          {"exit", 0},
          {"from", to_json(report.from)},
          {"to", to_json(report.to)},
          {"revisions", revisions},
          {"recovered", recovered},
          {"backup", report.backup ? Json(*report.backup) : Json(nullptr)}};
}

Json dry_run_json(const recovery::Situation& situation) {
  recovery::Report nothing;
  nothing.from = nothing.to = situation.current;
  Json json = to_json(nothing);
  json["dry_run"] = true;
  return json;
}

std::string dump(const Json& json) {
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

}  // namespace belay::cli

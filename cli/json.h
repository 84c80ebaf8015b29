#pragma once

#include <nlohmann/json.hpp>
#include <vector>

#include "cli/failure.h"
#include "recovery/migrator.h"

namespace belay::cli {

/// Keys in the order in which they are given.
using Json = nlohmann::ordered_json;

Json to_json(const std::vector<versions::RevisionId>& ids);
Json to_json(const std::vector<std::size_t>& positions, const versions::Graph& graph);
/// The object that `--json` gives for an error.
Json to_json(const Failure& failure);
Json to_json(const std::vector<versions::schema::Hazard>& hazards);
/// The object that `--json` gives for a command that changed a database.
Json to_json(const recovery::Report& report);

/// The beginning of what `--dry-run --json` gives: nothing is done.
Json dry_run_json(const recovery::Situation& situation);

/// One line; bytes that are not UTF-8 are replaced.
std::string dump(const Json& json);

}  // namespace belay::cli

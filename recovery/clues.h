#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "recovery/findings.h"
#include "recovery/schema_proof.h"

namespace belay::recovery {

/// One thing that was found.
struct Clue {
  enum class Kind { database, state, version_table, journal, tool, schema };
  Kind kind = Kind::database;
  std::string message;  ///< A sentence for a person.
};

/// `database`, `state`, `versions`, `journal`, `tool`, `schema`.
std::string_view name_of(Clue::Kind kind);

/// All that was found, in words.
std::vector<Clue> clues(const Findings& findings, const SchemaProof& proof, const versions::Graph& graph);

/// `1002`, `1002 and 2001`, `base`.
std::string name_of(const versions::Graph& graph, const RevisionSet& revisions);
/// Several of these.
std::string names_of(const versions::Graph& graph, const std::vector<RevisionSet>& sets);

/// The first few words of a list, and how many there are in all.
std::string listed(const std::vector<std::string>& words, std::string_view between);

/// `+ table extra` and the like, on one line.
std::string describe(const std::vector<versions::schema::Difference>& differences);

}  // namespace belay::recovery

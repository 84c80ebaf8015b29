#pragma once

#include <optional>
#include <string>
#include <vector>

#include "recovery/restart.h"
#include "recovery/undo.h"

namespace belay::recovery {

/// One of the two ways to settle an interrupted run.
struct Way {
  std::string would{};              ///< What it would do, as a sentence.
  std::optional<Error> obstacle{};  ///< Why it would be refused, unless a person asks for it.
};

/// The run that is open in the journal, with nobody running it.
struct Interrupted {
  journal::RunBegin run;
  Verdict verdict = Verdict::nothing;
  std::string description;
  std::vector<std::string> evidence{};  ///< A line each: what the journal says last, what the database says.
  Way forward{};
  Way back{};
};

/// What restart would find and do. Writes nothing.
/// @param connection  null when there is no database, or nobody asks for more than what was interrupted.
/// @param in_force  of the open run, where there is a connection.
Interrupted look_ahead(const Analysis& analysis, const Evidence& evidence, const journal::Journal& journal,
                       engine::Connection* connection, InForce in_force);

}  // namespace belay::recovery

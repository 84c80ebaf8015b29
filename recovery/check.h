#pragma once

#include <cstddef>
#include <filesystem>
#include <stop_token>
#include <string>
#include <vector>

#include "engine/connection.h"
#include "engine/observer.h"
#include "recovery/settings.h"

namespace belay::recovery {

/// One thing that is not as it should be.
struct Problem {
  std::string kind;     ///< `drift`, `edited`, `journal`, …: one of `problem_kinds`.
  std::string where;    ///< A file, `file:line`, an object of the schema, or a revision.
  std::string message;  ///< A sentence.
};

/// What a kind of problem means.
struct ProblemKind {
  const char* name;
  bool is_difference;  ///< Two things are both whole, and not the same yet; else something is damaged or was tampered.
  const char* next;    ///< What to do about it.
};

/// All kinds there are. @returns that of an unknown name: the last one.
const ProblemKind& kind_of(const Problem& problem);

/// One subject of a check.
struct CheckPart {
  std::string name;      ///< `file`, `scripts`, `revisions`, `schema`, `schema.sql`, `journal`, `backups`
  bool skipped = false;  ///< There was nothing to look at, or no way to do so; `note` says why.
  std::string note;      ///< What was looked at.
  std::vector<Problem> problems{};
};

struct CheckReport {
  std::vector<CheckPart> parts;

  [[nodiscard]] std::vector<Problem> problems() const;
};

struct CheckRequest {
  std::filesystem::path schema;  ///< The desired schema, one file of SQL; it need not be there.
  bool backups = false;          ///< Read every backup, too.
};

/// What is checked where there is no database.
struct ScriptsToCheck {
  std::filesystem::path versions;  ///< Their folder.
  std::string version_table = "belay_version";
  std::vector<std::string> ignored{};  ///< Settings::ignored.
  engine::DatabaseUrl like;            ///< What kind of database they are for.
};

/// Scripts alone: they can be read, have one head, can be run from an empty database, and make what `schema` says.
/// Needs no database.
/// @throws versions::Error `unreadable`.
CheckReport check_scripts(const ScriptsToCheck& scripts, const std::filesystem::path& schema,
                          const std::stop_token& stop);

/// Everything: the same; the database's file; version table, journal and scripts beside each other; the live schema
/// beside that which the applied revisions make; the journal; the backups. Each part is looked at however bad the
/// others are. Writes nothing, takes no lock of belay's, and can be used beside a running command; what is moving then
/// is not compared.
/// @throws engine::Error when the database cannot be opened, or is locked; versions::Error `unreadable`.
CheckReport check(const Settings& settings, const Places& places, const CheckRequest& request,
                  engine::Observer& observer, const std::stop_token& stop);

}  // namespace belay::recovery

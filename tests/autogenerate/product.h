#pragma once

#include <filesystem>
#include <set>
#include <string>
#include <vector>

#include "recovery/migrator.h"
#include "versions/schema/hazard.h"
#include "versions/schema/rename.h"

namespace belay::proof {

/// What autogenerate has to say about a database and the schema that is wanted.
struct Generated {
  bool anything = false;  ///< There is something to change.
  bool refused = false;   ///< Though every drop is allowed.
  std::string script;     ///< With its header, as it is to be written. Proven.
  std::vector<std::string> up;
  versions::schema::Renames renames;
  std::vector<versions::schema::Hazard> hazards;
  std::set<std::string> rebuilt;  ///< Tables, by their new names in lower case.

  /// Whether there is such a hazard. @param table, column  any, when empty.
  [[nodiscard]] bool warns(versions::schema::Hazard::Kind kind, const std::string& table,
                           const std::string& column = "") const;
  [[nodiscard]] std::set<std::string> kinds() const;
  /// What is said against it.
  [[nodiscard]] std::string stops() const;
};

/// @param parents  the revisions that are applied, by their positions.
/// @throws engine::Error, recovery::Error, versions::Error
Generated generate(recovery::Migrator& migrator, const std::string& desired, const versions::schema::Renames& renames,
                   const std::vector<std::size_t>& parents);

/// The fingerprint of a database file, as belay sees it.
std::string fingerprint_of(const std::filesystem::path& database);
/// The objects of a database file: SQL by type and name.
std::set<std::string> objects_of(const std::filesystem::path& database);

}  // namespace belay::proof

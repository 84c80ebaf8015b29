#pragma once

#include <optional>
#include <string>
#include <vector>

#include "engine/replay.h"
#include "recovery/check.h"
#include "versions/graph.h"
#include "versions/schema/difference.h"

namespace belay::recovery {

/// The parts of a check that need no database, and what the others need of them.
class ScriptsCheck {
 public:
  /// @throws versions::Error `unreadable`; engine::Error `interrupted`.
  ScriptsCheck(ScriptsToCheck scripts, std::stop_token stop);

  [[nodiscard]] const CheckPart& part() const { return part_; }
  /// Null when the scripts make no graph.
  [[nodiscard]] const versions::Graph* graph() const { return graph_ ? &*graph_ : nullptr; }
  /// What all of them make; null when they cannot be run.
  [[nodiscard]] const versions::schema::Schema* made() const { return made_ ? &*made_ : nullptr; }

  /// What some of them make. @throws engine::Error
  [[nodiscard]] versions::schema::Schema made_by(const std::vector<bool>& chosen) const;

  /// Whether this file of SQL makes the same.
  [[nodiscard]] CheckPart schema_file(const std::filesystem::path& file) const;

 private:
  void load();
  void replay_all();
  void compare_file(const std::filesystem::path& file, CheckPart& part) const;
  [[nodiscard]] engine::Replay scratch() const;

  ScriptsToCheck scripts_;
  std::stop_token stop_;
  CheckPart part_;
  std::optional<versions::Graph> graph_;
  std::optional<versions::schema::Schema> made_;
};

/// `versions/1.sql:3`, the file alone without a line.
std::string place_of(const std::string& file, int line);

/// A difference as a problem: of two makers of a schema, which the sentence names.
/// @param wanted  who should know every object: `the applied revisions make`
/// @param found  where they were looked for: `the database`
Problem problem_of(const versions::schema::Difference& difference, const std::string& kind, const std::string& wanted,
                   const std::string& found);

/// `2 tables, 1 index`
std::string count_text(std::size_t count, const char* one, const char* several);

}  // namespace belay::recovery

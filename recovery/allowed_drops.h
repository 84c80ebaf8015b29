#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "versions/schema/rename.h"
#include "versions/schema/schema.h"

namespace belay::recovery {

/// What a person lets go.
class AllowedDrops {
 public:
  /// Everything: then what goes beside something that comes is a drop, and no rename.
  void allow_all() { all_ = true; }
  /// @param word  `rooms`: the table, or whatever of it; `rooms.name`: the column, or its values. Quoted as in SQL.
  /// @throws versions::Error `bad_name`.
  void allow(std::string_view word);

  /// @param column  empty: the table itself.
  [[nodiscard]] bool allows(const std::string& table, const std::string& column) const;

  /// What to give on a command line for that: `--allow-drop=rooms.name`.
  static std::string option_for(const std::string& table, const std::string& column);

  /// @throws versions::Error `bad_name`, with the nearest that there is, for a word that names nothing in `current`,
  ///         by the names that are there or the new ones.
  void require_known(const versions::schema::Schema& current, const versions::schema::Renames& renames) const;

 private:
  struct Name {
    std::string word;
    std::string table;
    std::string column;
  };
  bool all_ = false;
  std::vector<Name> names_;
};

}  // namespace belay::recovery

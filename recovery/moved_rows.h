#pragma once

#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "versions/schema/cursor.h"
#include "versions/schema/rename.h"
#include "versions/schema/schema.h"

namespace belay::recovery {

/// Follows the statements of scripts that are not run yet, in their order, and tells where the rows of now are going to
/// be: under which names their tables and columns go on. That is what the scripts say themselves: ALTER TABLE … RENAME,
/// and a table that is copied as a whole into a new one and then dropped, whatever the two are called in between.
///
/// Nothing of it is guessed from what two schemas have in common. A statement that is not understood moves nothing.
class MovedRows {
 public:
  /// @param live  what is there now.
  explicit MovedRows(const versions::schema::Schema& live);

  /// Another script begins.
  void begin();
  void look(std::string_view statement);
  /// It has led to this schema.
  void end(const versions::schema::Schema& schema);

  /// From the schema of now to the one that has been reached.
  [[nodiscard]] versions::schema::Renames renames() const;
  /// The tables, as they are called now, whose rows are not there any more.
  [[nodiscard]] const std::set<std::string>& gone() const { return gone_; }
  /// The tables that this script copies, by their new names.
  [[nodiscard]] std::vector<std::string> rebuilt() const { return {rebuilt_.begin(), rebuilt_.end()}; }
  /// Whether a script changes values of this table, by its new name, so that what rows are like by then is not known.
  [[nodiscard]] bool writes(std::string_view table) const;

 private:
  using Names = std::map<std::string, std::string>;  // folded → as it is called then

  /// A table of now.
  struct Known {
    std::string was;
    std::string is;  ///< As the scripts call it at this point; empty when it is dropped.
    Names columns{};
    bool written = false;
  };
  /// One that a script has made.
  struct Created {
    std::string name;
    std::vector<std::string> columns{};
    std::string copy_of{};  ///< A table whose rows are all in it; folded.
    Names copied{};         ///< Its columns, each by what it is called here.
    bool written = false;
  };

  void create(versions::schema::Cursor& cursor, std::string_view statement);
  void alter(versions::schema::Cursor& cursor);
  void drop(versions::schema::Cursor& cursor);
  void insert(versions::schema::Cursor& cursor);
  void write(const std::string& table);
  void rename_table(const std::string& from, const std::string& to);
  void rename_column(const std::string& table, const std::string& from, const std::string& to);
  void read_copy(versions::schema::Cursor& cursor, Created& into, const std::vector<std::string>& columns);
  bool go_on_in_copy(Known& known);

  Known* find(std::string_view name);
  Created* find_created(std::string_view name);

  std::vector<Known> known_;
  std::vector<Created> created_;
  std::set<std::string> gone_;
  std::set<std::string> rebuilt_;
};

}  // namespace belay::recovery

#pragma once

#include <memory>
#include <set>
#include <string>
#include <vector>

#include "tests/autogenerate/database.h"
#include "versions/schema/rename.h"

namespace belay::proof {

/// What a migration should leave: a fresh database made by the new schema, into which plain INSERTs put the rows of all
/// tables that are kept. SQLite itself converts the values and says what its constraints do not take.
struct Expectation {
  std::unique_ptr<Database> database;
  std::string obstacle;       ///< Why these rows cannot be had in the new schema; empty when they can.
  bool invents_keys = false;  ///< The obstacle is a NULL for which SQLite would make a rowid up.

  /// A table's old name by its new one, for those that are kept; lower case.
  std::map<std::string, std::string> kept;
  std::set<std::string> dropped;                                 ///< Tables by their old names, lower case.
  std::set<std::pair<std::string, std::string>> lost;            ///< Columns with values, of kept tables (new name).
  std::map<std::string, std::set<std::string>> any_value_right;  ///< New columns whose default is another each time.
  std::set<std::string> any_rowid_right;                         ///< Tables that had none before.
};

Expectation expect(Database& before, const std::string& schema, const versions::schema::Renames& renames);

/// The rows of a table as they are expected and compared: without what may be any value.
std::vector<std::string> comparable(Database& database, const TableInfo& table, const Expectation& expected);

/// The violations of foreign keys, each with the key that dangles, and what SQLite says when it cannot look for them.
/// Rowids do not count.
/// @param now  what tables are called, lower case, that have another name by now.
std::multiset<std::string> violations(Database& database, const std::map<std::string, std::string>& now,
                                      bool by_columns);

}  // namespace belay::proof

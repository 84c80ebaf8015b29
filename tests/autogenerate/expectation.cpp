#include "tests/autogenerate/expectation.h"

#include <fmt/format.h>

#include <algorithm>

namespace belay::proof {
namespace {

using versions::schema::Rename;
using versions::schema::Renames;

/// The old name of what is called `name` now; empty when there was none.
/// @param table  of a column, by the new name.
std::string old_name(const Renames& renames, Rename::Kind kind, const std::string& table, const std::string& name) {
  const auto applies = [&](const Rename& rename) {
    return rename.kind == kind && (kind == Rename::Kind::table || lower(rename.table) == lower(table));
  };
  std::string old = lower(name);
  for (const auto& rename : renames) {
    if (!applies(rename)) continue;
    if (lower(rename.to) == lower(name)) return lower(rename.from);
    if (lower(rename.from) == lower(name)) old.clear();  // It is called something else now.
  }
  return old;
}

bool differs_each_time(const std::string& default_value) {
  const std::string text = lower(default_value);
  return std::ranges::any_of(Values{"current_", "random", "now", "julianday("},
                             [&](const auto& word) { return text.find(word) != std::string::npos; });
}

/// Puts the rows of one kept table into the new one.
class Mover {
 public:
  Mover(Database& before, const TableInfo& from, const TableInfo& to, const Renames& renames, Expectation& expected)
      : before_(before), from_(from), to_(to), expected_(expected) {
    std::set<std::string> taken;
    for (const auto& column : to.columns) {
      const std::string old = old_name(renames, Rename::Kind::column, to.name, column.name);
      const auto* source = old.empty() ? nullptr : from.find(old);
      if (source != nullptr) taken.insert(lower(source->name));
      if (source != nullptr && !column.generated) pairs_.emplace_back(source->name, column.name);
      if (source == nullptr && differs_each_time(column.default_value))
        expected.any_value_right[lower(to.name)].insert(lower(column.name));
    }
    if (const auto drawn = expected.any_value_right.find(lower(to.name)); drawn != expected.any_value_right.end())
      for (const auto& column : to.columns)
        if (column.generated) drawn->second.insert(lower(column.name));  // It may be made of one that is drawn.
    for (const auto& column : from.columns)
      if (!column.generated && !taken.contains(lower(column.name)))
        expected.lost.emplace(lower(to.name), lower(column.name));
  }

  void move() {
    Values names;
    Values sources;
    for (const auto& [source, target] : pairs_) {
      sources.push_back(quoted(source));
      names.push_back(quoted(target));
    }
    if (!from_.rowid.empty() && !to_.rowid.empty() && !has_key_from_column()) {
      sources.push_back(from_.rowid);
      names.push_back(to_.rowid);
    } else if (!to_.rowid.empty() && !has_key_from_column()) {
      expected_.any_rowid_right.insert(lower(to_.name));
    }
    if (names.empty()) return move_empty();
    const std::string order = from_.rowid.empty() ? "" : " ORDER BY " + from_.rowid;
    for (const auto& row : before_.rows("SELECT " + joined(sources) + " FROM " + quoted(from_.name) + order))
      insert(names, row);
    move_sequence();
  }

 private:
  [[nodiscard]] bool has_key_from_column() const {
    return !to_.integer_key.empty() &&
           std::ranges::any_of(pairs_, [&](const auto& pair) { return lower(pair.second) == lower(to_.integer_key); });
  }

  /// Nothing of the rows is kept but that there are so many.
  void move_empty() {
    for (std::size_t i = before_.rows("SELECT 1 FROM " + quoted(from_.name)).size(); i > 0; --i)
      expected_.database->run("INSERT OR ABORT INTO " + quoted(to_.name) + " DEFAULT VALUES");
  }

  void insert(const Values& names, const Values& row) {
    for (std::size_t i = 0; i < names.size(); ++i)
      if (row[i] == "NULL" && lower(names[i]) == lower(quoted(to_.integer_key))) {
        expected_.invents_keys = true;
        throw SqlError("NULL in " + to_.integer_key + ", which is the key");
      }
    expected_.database->run("INSERT OR ABORT INTO " + quoted(to_.name) + " (" + joined(names) + ") VALUES (" +
                            joined(row) + ")");
  }

  /// Ahead of the rows if it was; else where the rows have brought it.
  void move_sequence() {
    if (!from_.autoincrement || !to_.autoincrement) return;
    const auto old = sequence_of(before_, from_.name);
    if (!old) return;
    auto& database = *expected_.database;
    database.run("DELETE FROM sqlite_sequence WHERE name = " + literal_of(to_.name) +
                 "; INSERT INTO sqlite_sequence (name, seq) VALUES (" + literal_of(to_.name) + ", " + *old + ")");
  }

  Database& before_;
  const TableInfo& from_;
  const TableInfo& to_;
  Expectation& expected_;
  std::vector<std::pair<std::string, std::string>> pairs_;
};

/// Triggers do not count while rows are put in.
Rows take_off_triggers(Database& database) {
  Rows triggers;
  for (const auto& row : database.rows("SELECT name, sql FROM sqlite_schema WHERE type = 'trigger'")) {
    database.run("DROP TRIGGER " + quoted(text_of(row[0])));
    triggers.push_back({text_of(row[1])});
  }
  return triggers;
}

std::string new_violation(Database& before, const Renames& renames, const Expectation& expected) {
  const bool by_columns = std::ranges::none_of(renames, [](const auto& r) { return r.kind == Rename::Kind::column; });
  std::map<std::string, std::string> now;
  for (const auto& [name, old] : expected.kept) now[old] = name;
  auto known = violations(before, now, by_columns);
  for (const auto& violation : violations(*expected.database, {}, by_columns)) {
    const auto found = known.find(violation);
    if (found == known.end()) return "a foreign key: " + violation;
    known.erase(found);
  }
  return {};
}

/// `fts5`; empty for an ordinary table.
std::string module_of(const TableInfo& table) {
  if (!table.is_virtual) return {};
  const std::string sql = lower(table.sql);
  const auto begin = sql.rfind(" using ") + 7;
  return sql.substr(begin, sql.find('(', begin) - begin);
}

/// All that is kept and lost is known before the first row is put in, which may fail.
std::vector<Mover> movers(Database& before, const Tables& old_tables, const Tables& new_tables, const Renames& renames,
                          Expectation& expected) {
  std::vector<Mover> found;
  for (const auto& [name, table] : old_tables) expected.dropped.insert(name);
  for (const auto& [name, table] : new_tables) {
    const std::string old = old_name(renames, Rename::Kind::table, "", name);
    const auto source = old_tables.find(old);
    if (source == old_tables.end() || source->second.is_virtual != table.is_virtual) continue;
    if (module_of(source->second) != module_of(table)) continue;
    expected.kept[name] = old;
    expected.dropped.erase(old);
    found.emplace_back(before, source->second, table, renames, expected);
  }
  return found;
}

}  // namespace

Expectation expect(Database& before, const std::string& schema, const Renames& renames) {
  Expectation expected;
  expected.database = std::make_unique<Database>();
  expected.database->run(schema);
  const Tables old_tables = tables_of(before);
  const Tables new_tables = tables_of(*expected.database);
  auto to_move = movers(before, old_tables, new_tables, renames, expected);
  try {
    const Rows triggers = take_off_triggers(*expected.database);
    for (auto& mover : to_move) mover.move();
    for (const auto& trigger : triggers) expected.database->run(trigger[0]);
    expected.obstacle = new_violation(before, renames, expected);
  } catch (const SqlError& error) {
    expected.obstacle = error.what();
  }
  return expected;
}

std::vector<std::string> comparable(Database& database, const TableInfo& table, const Expectation& expected) {
  TableInfo seen = table;
  const auto any = expected.any_value_right.find(lower(table.name));
  if (any != expected.any_value_right.end())
    std::erase_if(seen.columns, [&](const auto& column) { return any->second.contains(lower(column.name)); });
  if (expected.any_rowid_right.contains(lower(table.name))) seen.rowid.clear();
  return dump(database, seen);
}

std::multiset<std::string> violations(Database& database, const std::map<std::string, std::string>& now,
                                      bool by_columns) {
  std::multiset<std::string> found;
  const auto name_of = [&](const std::string& name) {
    const auto renamed = now.find(lower(name));
    return renamed == now.end() ? lower(name) : renamed->second;
  };
  for (const auto& [name, table] : tables_of(database)) {
    std::map<std::string, Values> columns;
    for (const auto& row : database.rows("PRAGMA foreign_key_list(" + quoted(table.name) + ")"))
      columns[row[0]].push_back(quoted(lower(text_of(row[3]))));
    try {
      for (const auto& row : database.rows("PRAGMA foreign_key_check(" + quoted(table.name) + ")")) {
        const auto list = joined(columns[row[3]]);
        const bool has_rowid = !table.rowid.empty() && row[1] != "NULL";
        std::string key = "a row";
        if (has_rowid)
          key = joined(database.rows(
              fmt::format("SELECT {} FROM {} WHERE {} = {}", list, quoted(table.name), table.rowid, row[1]))[0]);
        found.insert(fmt::format("{} ({}) {} needs {}", name_of(table.name), by_columns ? list : "", key,
                                 name_of(text_of(row[2]))));
      }
    } catch (const SqlError&) {
      found.insert(name_of(table.name) + " has a foreign key that fits no key");
    }
  }
  return found;
}

}  // namespace belay::proof

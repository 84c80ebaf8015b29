#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "engine/value.h"

namespace belay::engine::drivers {

/// Finds the foreign-key violations that a scope (a revision's savepoint, a transaction) adds while SQLite itself does
/// not look, because `foreign_keys` is off. Violations that were there before are left alone.
///
/// Only tables that are touched are looked at, and the tables that refer to them: as children, with SQLite's own
/// `foreign_key_check`, once before the first statement that touches them and once at the end. A violation is
/// identified by child, columns, parent and the dangling key, not by rowid: a rebuild may renumber rows.
class ForeignKeys {
 public:
  using Query = std::function<std::vector<Row>(const std::string&)>;
  explicit ForeignKeys(Query query) : query_(std::move(query)) {}

  /// Starts a new scope.
  void begin();
  /// The schema may be any again: after a rollback.
  void forget();

  /// The next statement writes rows of `table`.
  void writes(std::string_view table);
  /// The next statement creates or drops `table`.
  void changes(std::string_view table);
  /// The next statement alters `table`, perhaps its name.
  void alters(std::string_view table);
  /// From here on any statement may do anything to any table (`writable_schema`).
  void anything();

  /// To be called between preparing a statement and running it: takes the baseline of what it touches.
  void before_statement();

  /// The first violation that the scope added, as a sentence.
  std::optional<std::string> new_violation();

 private:
  using Counts = std::map<std::string, std::int64_t>;  // what is violated → in how many rows

  struct Violations {
    Counts references;  // by child, columns and parent
    Counts keys;        // the same with the dangling key
    bool told_apart = true;
  };

  void refresh();
  void load_all();
  void load(const std::string& table);
  [[nodiscard]] std::set<std::string> affected(const std::set<std::string>& tables) const;
  Violations violations(const std::string& child);
  static std::optional<std::string> added(const Counts& before, const Counts& after);
  std::map<std::int64_t, std::string> columns_of(const std::string& child);
  std::string rowid_of(const std::string& child);
  std::string dangling_key(const std::string& child, const std::string& rowid, const Value& number,
                           const std::string& columns);

  Query query_;
  std::unordered_map<std::string, std::vector<std::string>> parents_;  // of each table that has any; lower case
  std::set<std::string> stale_;                                        // tables whose foreign keys may have changed
  bool all_stale_ = true;
  bool anything_ = false;
  std::set<std::string> touched_;  // in this scope

  // What the statement that has just been prepared will do.
  struct Next {
    std::set<std::string> touches;
    std::set<std::string> changes;
    bool renames = false;  // or may do so: the foreign keys of other tables follow
  };
  Next next_;
  std::map<std::string, Violations> baseline_;
};

}  // namespace belay::engine::drivers

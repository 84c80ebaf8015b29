#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
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
/// identified by child, columns, parent and the dangling key, not by rowid: a rebuild may renumber rows. What was there
/// before follows ALTER TABLE … RENAME to the names of child, columns and parent. A table that is made again under a
/// name stands for the one that had it, whether that was dropped or has another name now; where both are there, their
/// violations count together.
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
  /// A foreign key of a child; lower case. Without columns, `parent` is what SQLite says of one that fits no key.
  struct Reference {
    std::vector<std::string> columns{};
    std::string parent{};
    friend auto operator<=>(const Reference&, const Reference&) = default;
  };
  using Counts = std::map<std::string, std::int64_t>;  // dangling key → in how many rows
  struct Violations {
    std::map<Reference, Counts> of{};
    bool told_apart = true;  // else all keys are empty
  };
  using Baseline = std::shared_ptr<Violations>;

  /// A table while it is altered.
  struct Alteration {
    std::string table;
    std::int64_t root_page = 0;
    std::vector<std::string> columns;
  };

  void refresh();
  void load_all();
  void load(const std::string& table);
  void refers(const std::string& child, const std::string& parent);
  [[nodiscard]] std::set<std::string> affected(const std::set<std::string>& tables) const;
  Violations violations(const std::string& child);
  static void add(Violations& sum, const Violations& more);
  static std::optional<std::string> added(const std::string& child, const Violations& before, const Violations& after);
  std::map<std::int64_t, std::vector<std::string>> references_of(const std::string& child);
  std::vector<std::string> columns_of(const std::string& table);
  std::string rowid_of(const std::string& child);
  std::string dangling_key(const std::string& child, const std::string& rowid, const Value& number,
                           const std::vector<std::string>& columns);

  std::optional<Alteration> look_at(const std::string& table);
  void follow_alteration();
  void rename_table(const std::string& from, const std::string& to);
  void rename_column(const std::string& table, const std::string& from, const std::string& to);
  bool rewrites_references();

  Query query_;
  std::unordered_map<std::string, std::vector<std::string>> parents_;  // of each table that has any; lower case
  std::unordered_map<std::string, std::set<std::string>> children_;    // the same, of each table that is referred to
  std::set<std::string> stale_;                                        // tables whose foreign keys may have changed
  bool all_stale_ = true;
  bool anything_ = false;
  std::set<std::string> touched_;  // in this scope

  // What the statement that has just been prepared will do.
  struct Next {
    std::set<std::string> touches;
    std::set<std::string> changes;
    std::string alters;  // perhaps its name: the foreign keys of other tables follow
  };
  Next next_;
  std::map<std::string, Baseline> baseline_;  // by the child's name; of one that has gone, too
  std::set<std::string> left_;                // names whose tables have other ones now
  std::optional<Alteration> altered_;         // by the last statement
};

}  // namespace belay::engine::drivers

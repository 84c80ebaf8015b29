#include "engine/hazard_references.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <optional>
#include <set>
#include <utility>

#include "engine/value.h"
#include "versions/schema/names.h"
#include "versions/words.h"

namespace belay::engine {
namespace {

using versions::equal_ignoring_case;
using versions::schema::Column;
using versions::schema::Constraint;
using versions::schema::fold;
using versions::schema::Hazard;
using versions::schema::Index;
using versions::schema::Object;
using versions::schema::ObjectType;
using versions::schema::Table;

/// A foreign key with nothing left to be looked up.
struct Reference {
  std::vector<std::string> columns;
  std::string parent;
  std::vector<std::string> keys;  ///< Of the parent; empty when it has no primary key to mean.

  friend bool operator==(const Reference&, const Reference&) = default;
};

std::vector<Reference> references_of(const Table& table, const TablesOf& tables) {
  std::vector<Reference> references;
  for (const auto& constraint : table.constraints) {
    if (constraint.kind != Constraint::Kind::foreign_key) continue;
    Reference reference{.columns = {}, .parent = constraint.references.table, .keys = constraint.references.columns};
    for (const auto& column : constraint.columns) reference.columns.push_back(column.name);
    const auto* parent = tables.table(reference.parent);
    if (reference.keys.empty() && parent != nullptr) reference.keys = primary_key_of(*parent);
    references.push_back(std::move(reference));
  }
  return references;
}

Reference folded(Reference reference) {
  for (auto& name : reference.columns) name = fold(name);
  for (auto& name : reference.keys) name = fold(name);
  reference.parent = fold(reference.parent);
  return reference;
}

std::set<std::string> folded(const std::vector<std::string>& names) {
  std::set<std::string> result;
  for (const auto& name : names) result.insert(fold(name));
  return result;
}

/// Whether SQLite can look for the parent at all ("foreign key mismatch"). A parent that is not there can be looked
/// for: it has no rows.
bool fits(const Reference& reference, const TablesOf& tables) {
  if (tables.find(reference.parent) == nullptr) return true;
  const auto* parent = tables.table(reference.parent);
  return parent != nullptr && reference.keys.size() == reference.columns.size() &&
         is_parent_key(*parent, tables.indexes(reference.parent), reference.keys);
}

class References {
 public:
  References(const SchemaChange& change, const TablesOf& before, const TablesOf& after, Connection* live)
      : change_(change), before_(before), after_(after), live_(live) {}

  void look_at(const Table& child);
  std::vector<Hazard> found;

 private:
  [[nodiscard]] const Table* old_of(std::string_view table) const {
    return before_.table(name_before(change_.renames, table));
  }
  [[nodiscard]] bool is_unchanged(std::string_view table) const {
    return change_.renames.empty() && engine::is_unchanged(table, before_, after_);
  }
  [[nodiscard]] Reference old_of(const Table& child, const Reference& reference) const;
  [[nodiscard]] bool stays(std::string_view table, const std::vector<std::string>& columns) const;
  [[nodiscard]] std::optional<StoredRows> rows_after(std::string_view table,
                                                     const std::vector<std::string>& columns) const;
  /// @param is_unknown  to the run as well: no row of it can have dangled.
  void look_at(const TablePair& pair, const Reference& reference, bool is_new, const Reference& old, bool is_unknown);
  void count_orphans(const TablePair& pair, const Reference& reference, Hazard hazard, const Reference* old);
  void way_back(const TablePair& pair, const std::vector<Reference>& now);
  static std::string dangling_keys(const Table& child, const std::vector<std::string>& columns,
                                   const std::string& rows);
  /// @param old  fits.
  [[nodiscard]] std::string orphans_before(const Table& child, const Reference& old) const;
  /// @param old  null when no row is known to dangle.
  [[nodiscard]] std::int64_t count_new(const TablePair& pair, const Reference& reference, const std::string& missing,
                                       const Reference* old) const;
  [[nodiscard]] std::string orphans(const StoredRows& rows, const Reference& reference,
                                    const std::optional<StoredRows>& parents) const;

  const SchemaChange& change_;
  const TablesOf& before_;
  const TablesOf& after_;
  Connection* live_;
};

/// A new table has no rows that could miss anything.
void References::look_at(const Table& child) {
  const auto* old = old_of(child.name);
  if (old == nullptr) return;
  const TablePair pair{*old, child, change_.renames};
  std::vector<Reference> known;
  for (const auto& reference : references_of(*old, before_)) known.push_back(folded(reference));
  const bool same = is_unchanged(child.name);
  std::vector<Reference> kept;
  for (const auto& reference : references_of(child, after_)) {
    const auto before = old_of(child, reference);
    if (fits(reference, after_) == fits(before, before_)) kept.push_back(folded(before));
    if (same && is_unchanged(reference.parent)) continue;
    const bool is_new = std::ranges::find(known, folded(before)) == known.end();
    // The run knows a foreign key again by its columns and its parent alone, whatever it refers to there.
    const auto same_to_run = std::ranges::find_if(known, [old = folded(before)](const Reference& one) {
      return one.columns == old.columns && one.parent == old.parent;
    });
    look_at(pair, reference, is_new, is_new && same_to_run != known.end() ? *same_to_run : before,
            is_new && same_to_run == known.end());
  }
  if (!same) way_back(pair, kept);
}

/// A foreign key that goes, over rows without a parent, would find them new when it comes back; and so would one that
/// fits no key. Where a column goes as well it is empty by then, unless it is generated.
/// @param kept  the foreign keys that stay, by the names of before.
void References::way_back(const TablePair& pair, const std::vector<Reference>& kept) {
  for (const auto& reference : references_of(pair.before, before_)) {
    const auto stays = [old = folded(reference)](const Reference& one) { return one == old; };
    const auto goes = [&](const auto& name) {
      const auto* column = pair.before.find(name);
      return column == nullptr || (!column->generated && pair.successor(*column) == nullptr);
    };
    if (std::ranges::any_of(kept, stays) || std::ranges::any_of(reference.columns, goes)) continue;
    Hazard hazard;
    hazard.kind = Hazard::Kind::irreversible;
    hazard.table = pair.after.name;
    if (reference.columns.size() == 1) hazard.column = reference.columns[0];
    const auto columns = fmt::format("{}", fmt::join(reference.columns, ", "));
    if (!fits(reference, before_)) {
      hazard.message = fmt::format("the way back fails: the foreign key {}({}) fits no key of {}", pair.before.name,
                                   columns, reference.parent);
    } else {
      if (live_ == nullptr) continue;
      hazard.count = ask_number(
          *live_, fmt::format("SELECT coalesce(sum(n), 0) FROM ({})", orphans_before(pair.before, reference)));
      if (hazard.count == 0) continue;
      hazard.message =
          fmt::format("the way back fails: the foreign key {}({}) cannot come back over {} without a parent in {}",
                      pair.before.name, columns, rows_text(hazard.count), reference.parent);
    }
    found.push_back(std::move(hazard));
  }
}

/// The same by the names of before. A parent that goes away leaves it to the old one what an unnamed key is.
Reference References::old_of(const Table& child, const Reference& reference) const {
  Reference old{.columns = {}, .parent = name_before(change_.renames, reference.parent), .keys = {}};
  for (const auto& column : reference.columns)
    old.columns.push_back(versions::schema::old_column(change_.renames, child.name, column));
  for (const auto& column : reference.keys)
    old.keys.push_back(versions::schema::old_column(change_.renames, reference.parent, column));
  const auto* parent = before_.table(old.parent);
  if (old.keys.empty() && parent != nullptr) old.keys = primary_key_of(*parent);
  return old;
}

/// Whether the values of these columns are the same before and after, and are found in the same way.
bool References::stays(std::string_view table, const std::vector<std::string>& columns) const {
  const auto* after = after_.table(table);
  const auto* before = old_of(table);
  if (after == nullptr || before == nullptr) return after == before;
  const TablePair pair{*before, *after, change_.renames};
  return std::ranges::all_of(columns, [&](const auto& name) {
    const auto* column = after->find(name);
    const auto* origin = column ? pair.origin(*column) : nullptr;
    return origin != nullptr && !pair.converts(*column) && !origin->generated &&
           equal_ignoring_case(collation_of(*origin), collation_of(*column));
  });
}

std::optional<StoredRows> References::rows_after(std::string_view table,
                                                 const std::vector<std::string>& columns) const {
  const auto* after = after_.table(table);
  const auto* before = old_of(table);
  if (after == nullptr || before == nullptr) return std::nullopt;
  return StoredRows({*before, *after, change_.renames}, folded(columns));
}

void References::look_at(const TablePair& pair, const Reference& reference, bool is_new, const Reference& old,
                         bool is_unknown) {
  Hazard hazard;
  hazard.kind = Hazard::Kind::data_dependent;
  hazard.table = pair.after.name;
  if (reference.columns.size() == 1) hazard.column = reference.columns[0];
  if (!fits(reference, after_)) {
    if (!is_new && !fits(old, before_)) return;
    hazard.count = live_ ? ask_number(*live_, "SELECT count(*) FROM main." + quoted_name(pair.before.name)) : 0;
    if (live_ != nullptr && hazard.count == 0) hazard.count = 1;  // SQLite does not look for rows first.
    hazard.message = fmt::format("the foreign key {}({}) fits no key of {}: it needs a PRIMARY KEY or a UNIQUE there",
                                 pair.after.name, fmt::join(reference.columns, ", "), reference.parent);
    found.push_back(std::move(hazard));
    return;
  }
  const bool same = !is_new && stays(pair.after.name, reference.columns) && stays(reference.parent, reference.keys);
  if (same && pair.before.without_rowid == pair.after.without_rowid) return;
  count_orphans(pair, reference, std::move(hazard), is_unknown ? nullptr : &old);
  if (same && found.back().count == 0) found.pop_back();
}

/// A join on the parent's side of the comparison: its affinity and its collation decide, as in a look-up by SQLite.
std::string References::orphans(const StoredRows& rows, const Reference& reference,
                                const std::optional<StoredRows>& parents) const {
  std::string sql = "FROM " + rows.as("child");
  std::vector<std::string> present;
  std::vector<std::string> equal;
  for (std::size_t i = 0; i < reference.columns.size(); ++i) {
    const auto value = "child." + quoted_name(reference.columns[i]);
    present.push_back(value + " IS NOT NULL");
    if (parents) equal.push_back(fmt::format("parent.{} = +{}", quoted_name(reference.keys[i]), value));
  }
  if (parents) {
    sql += fmt::format(" LEFT JOIN {} ON {}", parents->as("parent"), fmt::join(equal, " AND "));
    present.push_back(fmt::format("parent.{} IS NULL", quoted_name(reference.keys[0])));
  }
  return sql + fmt::format(" WHERE {}", fmt::join(present, " AND "));
}

/// How many rows there are of each dangling key. Where there are no rowids, the run does not tell keys apart.
std::string References::dangling_keys(const Table& child, const std::vector<std::string>& columns,
                                      const std::string& rows) {
  std::string key = "''";
  for (const auto& column : columns)
    if (!child.without_rowid) key += fmt::format(" || ' ' || quote(child.{})", quoted_name(column));
  return fmt::format("SELECT {} AS dangling, count(*) AS n {} GROUP BY 1", key, rows);
}

std::string References::orphans_before(const Table& child, const Reference& old) const {
  const versions::schema::Renames none;
  const auto* parent = before_.table(old.parent);
  const StoredRows children({child, child, none}, folded(old.columns));
  const auto parents = parent ? std::optional(StoredRows({*parent, *parent, none}, folded(old.keys))) : std::nullopt;
  return dangling_keys(child, old.columns, orphans(children, old, parents));
}

/// What dangled before, by the same key, is no news.
std::int64_t References::count_new(const TablePair& pair, const Reference& reference, const std::string& missing,
                                   const Reference* old) const {
  if (old == nullptr || !fits(*old, before_)) return ask_number(*live_, "SELECT count(*) " + missing);
  return ask_number(
      *live_, fmt::format("SELECT coalesce(sum(max(now.n - coalesce(old.n, 0), 0)), 0) FROM ({}) AS now "
                          "LEFT JOIN ({}) AS old ON old.dangling = now.dangling",
                          dangling_keys(pair.after, reference.columns, missing), orphans_before(pair.before, *old)));
}

void References::count_orphans(const TablePair& pair, const Reference& reference, Hazard hazard, const Reference* old) {
  const auto rows = rows_after(pair.after.name, reference.columns);
  const auto parents = rows_after(reference.parent, reference.keys);
  const auto columns = fmt::format("{}", fmt::join(reference.columns, ", "));
  const auto missing = orphans(*rows, reference, parents);
  if (live_ != nullptr) hazard.count = count_new(pair, reference, missing, old);
  if (hazard.count == 0) {
    hazard.message =
        fmt::format("a row whose {} is not in {} would fail; {} has none", columns, reference.parent, pair.after.name);
    found.push_back(std::move(hazard));
    return;
  }
  std::vector<std::string> keys;
  for (const auto& key : rows->keys()) keys.push_back("child." + key);
  hazard.first = first_rows(*live_, keys, missing);
  hazard.message = fmt::format("{} of {} {} {} that is not in {}{}", rows_text(hazard.count), pair.after.name,
                               hazard.count == 1 ? "has a" : "have a", columns, reference.parent,
                               first_text(hazard, !pair.before.without_rowid));
  found.push_back(std::move(hazard));
}

}  // namespace

TablesOf::TablesOf(const versions::schema::Schema& schema) {
  for (const auto& object : schema.objects()) {
    if (object->type == ObjectType::table || object->type == ObjectType::virtual_table) {
      entries_[fold(object->name)].object = object.get();
      objects_.push_back(object.get());
    } else if (const auto* index = std::get_if<Index>(&object->definition)) {
      auto& entry = entries_[fold(index->table)];
      entry.indexes.push_back(index);
      entry.canonical.insert(object->canonical);
    }
  }
}

const TablesOf::Entry* TablesOf::find(std::string_view name) const {
  const auto found = entries_.find(fold(name));
  return found == entries_.end() || found->second.object == nullptr ? nullptr : &found->second;
}

const Table* TablesOf::table(std::string_view name) const {
  const auto* entry = find(name);
  return entry ? std::get_if<Table>(&entry->object->definition) : nullptr;
}

const Indexes& TablesOf::indexes(std::string_view name) const {
  static const Indexes none;
  const auto* entry = find(name);
  return entry ? entry->indexes : none;
}

bool is_unchanged(std::string_view table, const TablesOf& before, const TablesOf& after) {
  const auto* old = before.find(table);
  const auto* now = after.find(table);
  if (old == nullptr || now == nullptr) return old == now;
  return old->object->canonical == now->object->canonical && old->canonical == now->canonical;
}

std::vector<Hazard> reference_hazards(const SchemaChange& change, const TablesOf& before, const TablesOf& after,
                                      Connection* live) {
  References references(change, before, after, live);
  for (const auto* object : after.objects())
    if (const auto* table = std::get_if<Table>(&object->definition)) references.look_at(*table);
  return std::move(references.found);
}

}  // namespace belay::engine

#include "engine/drivers/foreign_keys.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <numeric>
#include <utility>

#include "engine/error.h"

namespace belay::engine::drivers {
namespace {

/// Beyond this many, violations of one table are only counted, to bound memory.
constexpr std::size_t violations_told_apart_max = 10'000;

std::string lower(std::string_view name) {
  std::string result(name);
  for (char& c : result) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return result;
}

const std::string& text(const Value& value) {
  return std::get<std::string>(value);
}

std::string list_of(const std::vector<std::string>& columns) {
  std::string list;
  for (const auto& column : columns) list += (list.empty() ? "" : ", ") + quoted_name(column);
  return list;
}

std::string replaced(std::string where, const std::string& what, const std::string& with) {
  for (auto at = where.find(what); at != std::string::npos; at = where.find(what, at + with.size()))
    where.replace(at, what.size(), with);
  return where;
}

}  // namespace

void ForeignKeys::begin() {
  touched_.clear();
  next_ = {};
  baseline_.clear();
  left_.clear();
  altered_.reset();
}

void ForeignKeys::forget() {
  begin();
  all_stale_ = true;
}

void ForeignKeys::writes(std::string_view table) {
  next_.touches.insert(lower(table));
}

void ForeignKeys::changes(std::string_view table) {
  next_.touches.insert(lower(table));
  next_.changes.insert(lower(table));
}

void ForeignKeys::alters(std::string_view table) {
  changes(table);
  next_.alters = lower(table);
}

void ForeignKeys::anything() {
  anything_ = true;
  all_stale_ = true;
}

void ForeignKeys::before_statement() {
  follow_alteration();
  if (next_.touches.empty()) return;
  refresh();
  for (const auto& child : affected(next_.touches))
    if (!baseline_.contains(child)) baseline_[child] = std::make_shared<Violations>(violations(child));
  for (const auto& table : next_.touches)  // What has no foreign key yet has nothing that could be old.
    if (!baseline_.contains(table)) baseline_[table] = std::make_shared<Violations>();
  if (!next_.alters.empty()) altered_ = look_at(next_.alters);
  for (const auto& table : next_.changes)
    if (table != next_.alters) left_.erase(table);  // Made again.
  touched_.merge(next_.touches);
  stale_.merge(next_.changes);
  all_stale_ = anything_ || (!next_.alters.empty() && !parents_.empty());
  next_ = {};
}

std::optional<std::string> ForeignKeys::new_violation() {
  follow_alteration();
  if (touched_.empty()) return std::nullopt;
  refresh();
  const auto children = affected(touched_);
  for (const auto& child : children)
    if (!baseline_.contains(child)) baseline_[child] = std::make_shared<Violations>();
  std::map<Baseline, std::vector<std::string>> tables;  // that share one
  for (const auto& [name, baseline] : baseline_)
    if (parents_.contains(name)) tables[baseline].push_back(name);
  std::set<Baseline> known;
  for (const auto& child : children) {
    const auto& baseline = baseline_.at(child);
    if (!known.insert(baseline).second) continue;
    Violations after;
    for (const auto& table : tables[baseline]) add(after, violations(table));
    if (auto found = added(child, *baseline, after)) return found;
  }
  return std::nullopt;
}

void ForeignKeys::add(Violations& sum, const Violations& more) {
  sum.told_apart = sum.told_apart && more.told_apart;
  for (const auto& [reference, counts] : more.of)
    for (const auto& [key, count] : counts) sum.of[reference][key] += count;
}

std::optional<std::string> ForeignKeys::added(const std::string& child, const Violations& before,
                                              const Violations& after) {
  const auto total = [](const Counts& counts) {
    return std::accumulate(counts.begin(), counts.end(), Counts{},
                           [](Counts sum, const auto& one) { return sum[""] += one.second, sum; });
  };
  for (const auto& [reference, counts] : after.of) {
    const bool told_apart = before.told_apart && after.told_apart;
    const auto known = before.of.find(reference);
    const Counts old = known == before.of.end() ? Counts{} : told_apart ? known->second : total(known->second);
    for (const auto& [key, count] : told_apart ? counts : total(counts)) {
      const std::int64_t more = count - (old.contains(key) ? old.at(key) : 0);
      if (more <= 0) continue;
      const auto what = reference.columns.empty() ? reference.parent
                                                  : fmt::format("{}.{}{} refers to {}, and it is not there", child,
                                                                list_of(reference.columns), key, reference.parent);
      return fmt::format("{} ({} {})", what, more, more == 1 ? "row" : "rows");
    }
  }
  return std::nullopt;
}

// --- Renames ---

/// Nothing where the table is not in `main`, or has no page of its own: it is virtual then, and has no foreign keys.
std::optional<ForeignKeys::Alteration> ForeignKeys::look_at(const std::string& table) {
  const auto rows = query_("SELECT rootpage FROM main.sqlite_schema WHERE type = 'table' AND lower(name) = " +
                           to_literal(Value(table)));
  if (rows.empty() || std::get<std::int64_t>(rows[0][0]) == 0) return std::nullopt;
  return Alteration{table, std::get<std::int64_t>(rows[0][0]), columns_of(table)};
}

/// Once it has run. A table keeps its root page, and a column its place, whatever they are called.
void ForeignKeys::follow_alteration() {
  if (!altered_) return;
  const Alteration old = *std::exchange(altered_, std::nullopt);
  const auto rows =
      query_(fmt::format("SELECT name FROM main.sqlite_schema WHERE type = 'table' AND rootpage = {}", old.root_page));
  if (rows.empty()) return;
  const std::string table = lower(text(rows[0][0]));
  if (table != old.table) rename_table(old.table, table);
  const auto columns = columns_of(table);
  if (columns.size() != old.columns.size()) return;
  for (std::size_t i = 0; i < columns.size(); ++i)
    if (columns[i] != old.columns[i]) rename_column(table, old.columns[i], columns[i]);
}

/// A table that takes the name of one that was dropped stands for that one, too, but not for both at once: of what
/// dangled in both, the greater number may stay.
void ForeignKeys::rename_table(const std::string& from, const std::string& to) {
  touched_.insert(to);
  if (const auto own = baseline_.find(from); own != baseline_.end()) {
    auto& there = baseline_[to];
    if (there && !left_.contains(to)) {
      for (const auto& [reference, counts] : there->of)
        for (const auto& [key, count] : counts) {
          auto& now = own->second->of[reference][key];
          now = std::max(now, count);
        }
      own->second->told_apart = own->second->told_apart && there->told_apart;
    }
    there = own->second;
  }
  left_.erase(to);
  left_.insert(from);
  if (!rewrites_references()) return;
  for (auto& [child, baseline] : baseline_) {
    Violations renamed{.of = {}, .told_apart = baseline->told_apart};
    for (auto& [reference, counts] : baseline->of) {
      Reference now = reference;
      if (now.columns.empty())
        now.parent = replaced(now.parent, '"' + from + '"', '"' + to + '"');
      else if (now.parent == from)
        now.parent = to;
      for (const auto& [key, count] : counts) renamed.of[now][key] += count;
    }
    *baseline = std::move(renamed);
  }
}

void ForeignKeys::rename_column(const std::string& table, const std::string& from, const std::string& to) {
  const auto found = baseline_.find(table);
  if (found == baseline_.end()) return;
  Violations renamed{.of = {}, .told_apart = found->second->told_apart};
  for (const auto& [reference, counts] : found->second->of) {
    Reference now = reference;
    std::ranges::replace(now.columns, from, to);
    renamed.of[now] = counts;
  }
  *found->second = std::move(renamed);
}

/// Else the foreign keys of others go on naming what a table was called.
bool ForeignKeys::rewrites_references() {
  const auto is_on = [this](const char* pragma) {
    return query_(std::string("PRAGMA ") + pragma).at(0).at(0) == Value(std::int64_t{1});
  };
  return is_on("foreign_keys") || !is_on("legacy_alter_table");
}

// --- The schema ---

void ForeignKeys::refresh() {
  if (all_stale_) return load_all();
  for (const auto& table : std::exchange(stale_, {})) load(table);
}

void ForeignKeys::load_all() {
  parents_.clear();
  children_.clear();
  for (const auto& row :
       query_("SELECT m.name, f.\"table\" FROM main.sqlite_schema AS m, pragma_foreign_key_list(m.name, "
              "'main') AS f WHERE m.type = 'table'"))
    refers(lower(text(row[0])), lower(text(row[1])));
  all_stale_ = false;
  stale_.clear();
}

void ForeignKeys::load(const std::string& table) {
  if (const auto old = parents_.extract(table))
    for (const auto& parent : old.mapped()) children_[parent].erase(table);
  for (const auto& row : query_("PRAGMA main.foreign_key_list(" + quoted_name(table) + ")"))
    refers(table, lower(text(row[2])));
}

void ForeignKeys::refers(const std::string& child, const std::string& parent) {
  parents_[child].push_back(parent);
  children_[parent].insert(child);
}

std::set<std::string> ForeignKeys::affected(const std::set<std::string>& tables) const {
  std::set<std::string> children;
  if (anything_)
    for (const auto& [child, parents] : parents_) children.insert(child);
  for (const auto& table : tables) {
    if (parents_.contains(table)) children.insert(table);
    if (const auto found = children_.find(table); found != children_.end())
      children.insert(found->second.begin(), found->second.end());
  }
  return children;
}

ForeignKeys::Violations ForeignKeys::violations(const std::string& child) {
  Violations found;
  std::vector<Row> rows;
  try {
    rows = query_("PRAGMA main.foreign_key_check(" + quoted_name(child) + ")");
  } catch (const Error& error) {
    // A foreign key that fits no key of its parent: SQLite reports it here instead of when the table is made.
    if (error.code() != ErrorCode::statement_failed) throw;
    found.of[{{}, lower(error.what())}][""] = 1;
  }
  if (rows.empty()) return found;
  const auto references = references_of(child);
  const std::string rowid = rowid_of(child);
  found.told_apart = rows.size() <= violations_told_apart_max;
  for (const auto& row : rows) {
    const auto& columns = references.at(std::get<std::int64_t>(row[3]));
    const auto key = found.told_apart ? dangling_key(child, rowid, row[1], columns) : "";
    ++found.of[{columns, lower(text(row[2]))}][key];
  }
  return found;
}

/// The columns of each foreign key, by SQLite's number for it.
std::map<std::int64_t, std::vector<std::string>> ForeignKeys::references_of(const std::string& child) {
  std::map<std::int64_t, std::vector<std::string>> columns;
  for (const auto& row : query_("PRAGMA main.foreign_key_list(" + quoted_name(child) + ")"))
    columns[std::get<std::int64_t>(row[0])].push_back(lower(text(row[3])));
  return columns;
}

std::vector<std::string> ForeignKeys::columns_of(const std::string& table) {
  std::vector<std::string> columns;
  for (const auto& row : query_("PRAGMA main.table_xinfo(" + quoted_name(table) + ")"))
    columns.push_back(lower(text(row[1])));
  return columns;
}

/// The name of the rowid that no column has taken; empty when all are taken.
std::string ForeignKeys::rowid_of(const std::string& child) {
  const auto columns = columns_of(child);
  for (const char* name : {"rowid", "_rowid_", "oid"})
    if (std::ranges::find(columns, name) == columns.end()) return name;
  return "";
}

std::string ForeignKeys::dangling_key(const std::string& child, const std::string& rowid, const Value& number,
                                      const std::vector<std::string>& columns) {
  if (rowid.empty() || !std::holds_alternative<std::int64_t>(number)) return "";  // WITHOUT ROWID: only counted.
  const auto rows = query_(fmt::format("SELECT {} FROM main.{} WHERE {} = {}", list_of(columns), quoted_name(child),
                                       rowid, to_literal(number)));
  std::string key;
  for (const auto& value : rows.at(0)) key += (key.empty() ? " = " : ", ") + to_literal(value);
  return key;
}

}  // namespace belay::engine::drivers

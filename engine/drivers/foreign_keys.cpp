#include "engine/drivers/foreign_keys.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
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

}  // namespace

void ForeignKeys::begin() {
  touched_.clear();
  next_ = {};
  baseline_.clear();
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
  next_.renames = true;
}

void ForeignKeys::anything() {
  anything_ = true;
  all_stale_ = true;
}

void ForeignKeys::before_statement() {
  if (next_.touches.empty()) return;
  refresh();
  for (const auto& child : affected(next_.touches))
    if (!baseline_.contains(child)) baseline_[child] = violations(child);
  touched_.merge(next_.touches);
  stale_.merge(next_.changes);
  all_stale_ = anything_ || (next_.renames && !parents_.empty());
  next_ = {};
}

std::optional<std::string> ForeignKeys::new_violation() {
  if (touched_.empty()) return std::nullopt;
  refresh();
  for (const auto& child : affected(touched_)) {
    const Violations before = baseline_[child];
    const Violations after = violations(child);
    const bool told_apart = before.told_apart && after.told_apart;
    if (auto found = added(told_apart ? before.keys : before.references, told_apart ? after.keys : after.references))
      return found;
  }
  return std::nullopt;
}

std::optional<std::string> ForeignKeys::added(const Counts& before, const Counts& after) {
  for (const auto& [what, count] : after) {
    const auto old = before.find(what);
    const std::int64_t more = count - (old == before.end() ? 0 : old->second);
    if (more > 0) return fmt::format("{} ({} {})", what, more, more == 1 ? "row" : "rows");
  }
  return std::nullopt;
}

void ForeignKeys::refresh() {
  if (all_stale_) return load_all();
  for (const auto& table : std::exchange(stale_, {})) load(table);
}

void ForeignKeys::load_all() {
  parents_.clear();
  for (const auto& row :
       query_("SELECT m.name, f.\"table\" FROM main.sqlite_schema AS m, pragma_foreign_key_list(m.name, "
              "'main') AS f WHERE m.type = 'table'"))
    parents_[lower(text(row[0]))].push_back(lower(text(row[1])));
  all_stale_ = false;
  stale_.clear();
}

void ForeignKeys::load(const std::string& table) {
  parents_.erase(table);
  for (const auto& row : query_("PRAGMA main.foreign_key_list(" + quoted_name(table) + ")"))
    parents_[table].push_back(lower(text(row[2])));
}

std::set<std::string> ForeignKeys::affected(const std::set<std::string>& tables) const {
  std::set<std::string> children;
  for (const auto& [child, parents] : parents_) {
    const auto is_touched = [&](const std::string& parent) { return tables.contains(parent); };
    if (anything_ || tables.contains(child) || std::any_of(parents.begin(), parents.end(), is_touched))
      children.insert(child);
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
    found.references[error.what()] = found.keys[error.what()] = 1;
  }
  if (rows.empty()) return found;
  const auto columns = columns_of(child);
  const std::string rowid = rowid_of(child);
  found.told_apart = rows.size() <= violations_told_apart_max;
  for (const auto& row : rows) {
    const auto& reference = columns.at(std::get<std::int64_t>(row[3]));
    const std::string missing = " refers to " + text(row[2]) + ", and it is not there";
    ++found.references[fmt::format("{}.{}", child, reference) + missing];
    if (found.told_apart)
      ++found.keys[fmt::format("{}.{}", child, reference) + dangling_key(child, rowid, row[1], reference) + missing];
  }
  return found;
}

/// The columns of each foreign key, by SQLite's number for it.
std::map<std::int64_t, std::string> ForeignKeys::columns_of(const std::string& child) {
  std::map<std::int64_t, std::string> columns;
  for (const auto& row : query_("PRAGMA main.foreign_key_list(" + quoted_name(child) + ")")) {
    auto& list = columns[std::get<std::int64_t>(row[0])];
    list += (list.empty() ? "" : ", ") + quoted_name(text(row[3]));
  }
  return columns;
}

/// The name of the rowid that no column has taken; empty when all are taken.
std::string ForeignKeys::rowid_of(const std::string& child) {
  std::set<std::string> columns;
  for (const auto& row : query_("PRAGMA main.table_xinfo(" + quoted_name(child) + ")"))
    columns.insert(lower(text(row[1])));
  for (const char* name : {"rowid", "_rowid_", "oid"})
    if (!columns.contains(name)) return name;
  return "";
}

std::string ForeignKeys::dangling_key(const std::string& child, const std::string& rowid, const Value& number,
                                      const std::string& columns) {
  if (rowid.empty() || !std::holds_alternative<std::int64_t>(number)) return "";  // WITHOUT ROWID: only counted.
  const auto rows = query_(
      fmt::format("SELECT {} FROM main.{} WHERE {} = {}", columns, quoted_name(child), rowid, to_literal(number)));
  std::string key;
  for (const auto& value : rows.at(0)) key += (key.empty() ? " = " : ", ") + to_literal(value);
  return key;
}

}  // namespace belay::engine::drivers

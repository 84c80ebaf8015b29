#include "versions/schema/rename_match.h"

#include <fmt/format.h>

#include <algorithm>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>

#include "versions/error.h"
#include "versions/schema/canonical.h"
#include "versions/schema/names.h"
#include "versions/spelling.h"
#include "versions/words.h"

namespace belay::versions::schema {
namespace {

using Kind = Rename::Kind;
using Names = std::vector<std::string>;

const Object* find_table(const Schema& schema, std::string_view name) {
  const auto* table = schema.find(ObjectType::table, name);
  return table != nullptr ? table : schema.find(ObjectType::virtual_table, name);
}

bool has_column(const Schema& schema, std::string_view table, std::string_view column) {
  const auto* object = schema.find(ObjectType::table, table);
  const auto* definition = object != nullptr ? std::get_if<Table>(&object->definition) : nullptr;
  return definition != nullptr && definition->find(std::string(column)) != nullptr;
}

/// Whether `schema` has a thing of this kind.
/// @param table  of a column, by the name that the schema has for it.
bool has(const Schema& schema, Kind kind, std::string_view table, std::string_view name) {
  switch (kind) {
    case Kind::table:
      return find_table(schema, name) != nullptr;
    case Kind::index:
      return schema.find(ObjectType::index, name) != nullptr;
    case Kind::column:
      break;
  }
  return has_column(schema, table, name);
}

Names names_in(const Schema& schema, Kind kind, std::string_view table) {
  Names names;
  if (kind == Kind::column) {
    const auto* object = schema.find(ObjectType::table, table);
    const auto* definition = object != nullptr ? std::get_if<Table>(&object->definition) : nullptr;
    if (definition != nullptr)
      for (const auto& column : definition->columns) names.push_back(column.name);
    return names;
  }
  for (const auto& object : schema.objects()) {
    const bool is_table = object->type == ObjectType::table || object->type == ObjectType::virtual_table;
    if (kind == Kind::table ? is_table : object->type == ObjectType::index) names.push_back(object->name);
  }
  return names;
}

std::string_view word_for(Kind kind) {
  return kind == Kind::column ? "column" : kind == Kind::table ? "table" : "index";
}

std::string full_name(Kind kind, const std::string& table, const std::string& name) {
  return kind == Kind::column ? written_name(table) + "." + written_name(name) : written_name(name);
}

/// Takes the hints one by one: tables before columns, which are told by the new names of theirs.
class Matcher {
 public:
  Matcher(const Schema& current, const Schema& desired) : current_(current), desired_(desired) {}

  void consider(const RenameHint& hint);
  [[nodiscard]] Renames result() && { return std::move(renames_); }

 private:
  [[nodiscard]] Rename rename_of(const RenameHint& hint) const;
  [[nodiscard]] std::string table_before(const Rename& rename) const {
    return rename.kind == Kind::column ? old_table(renames_, rename.table) : std::string();
  }
  void require_sense(const RenameHint& hint, const Rename& rename) const;
  void accept(const RenameHint& hint, const Rename& rename);

  const Schema& current_;
  const Schema& desired_;
  Renames renames_;
  std::vector<const RenameHint*> told_;  // Where each of them comes from.
};

Error contradiction(const RenameHint& hint, const std::string& message) {
  if (!hint.file.empty()) return Error(ErrorCode::malformed, message).at(hint.file, hint.line).next("correct the hint");
  return Error(ErrorCode::bad_name, message).next("belay diff shows what is different");
}

/// A word may say a table by the name that it has, or by the one that it is to have.
Rename Matcher::rename_of(const RenameHint& hint) const {
  Rename rename{.kind = Kind::column, .table = hint.table, .from = hint.from, .to = hint.to};
  if (hint.of == RenameHint::Of::column) {
    for (const auto& known : renames_)
      if (known.kind == Kind::table && equal_ignoring_case(known.from, hint.table) && hint.file.empty())
        rename.table = known.to;
    return rename;
  }
  rename.kind = hint.of == RenameHint::Of::index ? Kind::index : Kind::table;
  const bool is_index = hint.of == RenameHint::Of::table_or_index && find_table(current_, hint.from) == nullptr &&
                        current_.find(ObjectType::index, hint.from) != nullptr;
  if (is_index) rename.kind = Kind::index;
  return rename;
}

void Matcher::consider(const RenameHint& hint) {
  const Rename rename = rename_of(hint);
  const std::string table = table_before(rename);
  if (hint.file.empty()) require_sense(hint, rename);
  const bool comes = has(desired_, rename.kind, rename.table, rename.to);
  if (!comes || !has(current_, rename.kind, table, rename.from) || has(current_, rename.kind, table, rename.to)) return;
  if (has(desired_, rename.kind, rename.table, rename.from))
    throw contradiction(hint, fmt::format("{} cannot be {} renamed: {} is to stay",
                                          full_name(rename.kind, rename.table, rename.to), rename.from, rename.from));
  accept(hint, rename);
}

/// What was typed was meant for now.
void Matcher::require_sense(const RenameHint& hint, const Rename& rename) const {
  const auto require = [&](const Schema& schema, const std::string& table, const std::string& name, const char* where) {
    const bool no_table = rename.kind == Kind::column && find_table(schema, table) == nullptr;
    if (has(schema, rename.kind, table, name)) return;
    const Names names = names_in(schema, no_table ? Kind::table : rename.kind, table);
    const auto near = nearest(no_table ? table : name, std::vector<std::string_view>(names.begin(), names.end()));
    const std::string what = no_table
                                 ? fmt::format("table {}", written_name(table))
                                 : fmt::format("{} {}", word_for(rename.kind), full_name(rename.kind, table, name));
    throw contradiction(hint, fmt::format("{}: there is no {} {}{}", option_of(rename), what, where,
                                          near.empty() ? "" : fmt::format("; did you mean {}?", written_name(near))));
  };
  const std::string table = table_before(rename);
  require(current_, table, rename.from, "to be renamed");
  require(desired_, rename.table, rename.to, "in the desired schema");
  if (has(current_, rename.kind, table, rename.to))
    throw contradiction(hint, fmt::format("{}: there is a {} {} already", option_of(rename), word_for(rename.kind),
                                          full_name(rename.kind, rename.table, rename.to)));
}

void Matcher::accept(const RenameHint& hint, const Rename& rename) {
  for (std::size_t i = 0; i < renames_.size(); ++i) {
    const auto& known = renames_[i];
    if (known.kind != rename.kind || !equal_ignoring_case(known.table, rename.table)) continue;
    const bool same_from = equal_ignoring_case(known.from, rename.from);
    const bool same_to = equal_ignoring_case(known.to, rename.to);
    if (same_from && same_to) return;
    const std::string other = told_[i]->file.empty() ? option_of(known) : fmt::format("line {}", told_[i]->line);
    if (same_to)
      throw contradiction(
          hint, fmt::format("{} cannot be both {} and {} renamed ({})", full_name(rename.kind, rename.table, rename.to),
                            known.from, rename.from, other));
    if (same_from)
      throw contradiction(
          hint, fmt::format("{} cannot become both {} and {} ({})", full_name(rename.kind, rename.table, rename.from),
                            known.to, rename.to, other));
  }
  renames_.push_back(rename);
  told_.push_back(&hint);
}

// --- What nobody has told ---

struct Suspicion {
  Rename rename;
  std::size_t distance = 0;
};

constexpr std::size_t unlike = 1000;  // More than any two names are apart.

std::size_t distance_of_names(const std::string& a, const std::string& b) {
  constexpr std::size_t distance_max = 60;
  return edit_distance(a, b, distance_max);
}

bool renamed(const Renames& renames, Kind kind, std::string_view table, std::string_view name, bool by_new_name) {
  return std::ranges::any_of(renames, [&](const Rename& rename) {
    return rename.kind == kind && equal_ignoring_case(rename.table, table) &&
           equal_ignoring_case(by_new_name ? rename.to : rename.from, name);
  });
}

/// A generated column has nothing of its own to keep or to lose.
void suspect_columns(const Table& before, const Table& after, const Renames& renames, std::vector<Suspicion>& found) {
  for (const auto& old : before.columns) {
    if (old.generated || after.find(old.name) || renamed(renames, Kind::column, after.name, old.name, false)) continue;
    for (const auto& fresh : after.columns) {
      if (fresh.generated || before.find(fresh.name) || renamed(renames, Kind::column, after.name, fresh.name, true))
        continue;
      const bool alike = canonical_type(old) == canonical_type(fresh);
      found.push_back({{.kind = Kind::column, .table = after.name, .from = old.name, .to = fresh.name},
                       distance_of_names(old.name, fresh.name) + (alike ? 0 : unlike)});
    }
  }
}

/// In hundredths: how many of the columns of the larger one both have.
std::size_t common_columns(const Table& a, const Table& b) {
  const auto count = std::ranges::count_if(a.columns, [&b](const Column& column) { return b.find(column.name); });
  return static_cast<std::size_t>(count) * 100 / std::max<std::size_t>({a.columns.size(), b.columns.size(), 1});
}

/// By folded name: a schema itself looks through all that it has.
using Tables = std::unordered_map<std::string, const Table*>;

Tables tables_of(const Schema& schema) {
  Tables tables;
  for (const auto& object : schema.objects())
    if (const auto* table = std::get_if<Table>(&object->definition)) tables.emplace(fold(object->name), table);
  return tables;
}

const Table* find(const Tables& tables, const std::string& name) {
  const auto found = tables.find(fold(name));
  return found == tables.end() ? nullptr : found->second;
}

void suspect_tables(const Table& old, const std::vector<const Table*>& fresh_ones, std::vector<Suspicion>& found) {
  constexpr std::size_t alike_min = 50;
  for (const auto* fresh : fresh_ones) {
    const auto common = common_columns(old, *fresh);
    if (common < alike_min) continue;
    found.push_back({{.kind = Kind::table, .table = {}, .from = old.name, .to = fresh->name},
                     (100 - common) * unlike + distance_of_names(old.name, fresh->name)});
  }
}

}  // namespace

Renames renames_that_apply(const std::vector<RenameHint>& hints, const Schema& current, const Schema& desired) {
  Matcher matcher(current, desired);
  for (const auto& hint : hints)
    if (hint.of != RenameHint::Of::column) matcher.consider(hint);
  for (const auto& hint : hints)
    if (hint.of == RenameHint::Of::column) matcher.consider(hint);
  return std::move(matcher).result();
}

Renames suspected_renames(const Schema& current, const Schema& desired, const Renames& renames) {
  std::vector<Suspicion> found;
  const Tables before = tables_of(current);
  const Tables after = tables_of(desired);
  std::vector<const Table*> fresh;
  for (const auto& object : desired.objects()) {
    const auto* table = std::get_if<Table>(&object->definition);
    if (table == nullptr) continue;
    if (const auto* old = find(before, old_table(renames, object->name)))
      suspect_columns(*old, *table, renames, found);
    else
      fresh.push_back(table);
  }
  for (const auto& object : current.objects()) {
    const auto* old = std::get_if<Table>(&object->definition);
    const bool goes = old != nullptr && find(after, object->name) == nullptr &&
                      !renamed(renames, Kind::table, "", object->name, false);
    if (goes) suspect_tables(*old, fresh, found);
  }
  std::ranges::stable_sort(found, {}, &Suspicion::distance);
  Renames suspected;
  for (auto& suspicion : found) suspected.push_back(std::move(suspicion.rename));
  return suspected;
}

}  // namespace belay::versions::schema

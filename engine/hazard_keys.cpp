#include "engine/hazard_keys.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <optional>
#include <set>
#include <utility>

#include "engine/hazard_constraints.h"
#include "engine/value.h"
#include "versions/schema/canonical.h"
#include "versions/schema/names.h"
#include "versions/schema/table_copy.h"
#include "versions/words.h"

namespace belay::engine {
namespace {

using versions::equal_ignoring_case;
using versions::schema::Column;
using versions::schema::Constraint;
using versions::schema::fold;
using versions::schema::Hazard;
using versions::schema::IndexedColumn;
using versions::schema::Table;

/// A key of a table, whatever it is written as.
struct Key {
  const std::vector<IndexedColumn>* columns = nullptr;
  std::string where;  ///< Of a partial index.
  std::string index;  ///< Its name; empty for a constraint.
  bool unique = true;
};

std::vector<Key> keys_of(const Table& table, const Indexes& indexes) {
  std::vector<Key> keys;
  for (const auto& constraint : table.constraints)
    if (constraint.kind == Constraint::Kind::primary_key || constraint.kind == Constraint::Kind::unique)
      keys.push_back({.columns = &constraint.columns, .where = {}, .index = {}});
  for (const auto* index : indexes)
    keys.push_back({.columns = &index->columns,
                    .where = index->where ? index->where->text : "",
                    .index = index->name,
                    .unique = index->unique});
  return keys;
}

std::string collation_of(const Table& table, const IndexedColumn& column) {
  if (!column.collation.empty()) return column.collation;
  const auto* own = column.name.empty() ? nullptr : table.find(column.name);
  return own ? engine::collation_of(*own) : "BINARY";
}

/// What two keys have in common that let the same rows pass: the columns with their collations, and the condition.
struct Signature {
  std::set<std::string> columns;
  std::string where;
};

/// By the columns' new names. @returns nothing where values are converted on the way, because then nothing follows.
std::optional<Signature> signature_before(const TablePair& pair, const Key& key) {
  Signature signature;
  signature.where = carried_over(pair, key.where);
  const auto changes = [&pair](const std::string& name) {
    const auto* column = pair.before.find(name);
    const auto* successor = column ? pair.successor(*column) : nullptr;
    if (successor == nullptr) return column != nullptr;
    return pair.converts(*successor) || successor->generated.has_value() != column->generated.has_value() ||
           !equal_ignoring_case(engine::collation_of(*column), engine::collation_of(*successor));
  };
  for (const auto& column : *key.columns) {
    const auto text = column.name.empty() ? column.expression.text : quoted_name(column.name);
    for (const auto& name : names_in(text + " " + key.where))
      if (changes(name)) return std::nullopt;
    signature.columns.insert(carried_over(pair, text) + " " + fold(collation_of(pair.before, column)));
  }
  return signature;
}

Signature signature_after(const TablePair& pair, const Key& key) {
  Signature signature;
  signature.where = versions::schema::canonical_expression(key.where, &pair.after);
  for (const auto& column : *key.columns) {
    const auto text = column.name.empty() ? column.expression.text : quoted_name(column.name);
    signature.columns.insert(versions::schema::canonical_expression(text, &pair.after) + " " +
                             fold(collation_of(pair.after, column)));
  }
  return signature;
}

/// Rows that differ in fewer columns differ in more.
bool follows(const Signature& after, const Signature& before) {
  const bool whole = before.where.empty() || before.where == after.where;
  return whole && std::ranges::includes(after.columns, before.columns);
}

std::string sql_of(const Table& table, const IndexedColumn& column) {
  const auto text = column.name.empty() ? "(" + column.expression.text + "\n)" : quoted_name(column.name);
  return text + " COLLATE " + quoted_name(collation_of(table, column));
}

std::string words_of(const std::vector<IndexedColumn>& columns) {
  std::vector<std::string> names;
  names.reserve(columns.size());
  for (const auto& column : columns) names.push_back(column.name.empty() ? column.expression.text : column.name);
  const auto list = fmt::format("{}", fmt::join(names, ", "));
  return names.size() == 1 ? list : "(" + list + ")";
}

std::string condition_of(const Key& key) {
  return key.where.empty() ? "" : "(" + key.where + "\n)";
}

Hazard hazard_of(const TablePair& pair, const Key& key) {
  Hazard hazard;
  hazard.kind = Hazard::Kind::data_dependent;
  hazard.table = pair.after.name;
  if (key.columns->size() == 1) hazard.column = key.columns->front().name;
  return hazard;
}

Hazard ask_unique(const TablePair& pair, const Key& key, RowQuestions& questions) {
  std::vector<std::string> columns(key.columns->size());
  std::ranges::transform(*key.columns, columns.begin(),
                         [&pair](const auto& column) { return sql_of(pair.after, column); });
  const auto words = words_of(*key.columns);
  const auto index = key.index.empty() ? "" : fmt::format(", and {} is unique", key.index);
  return questions.ask_duplicates(
      {.hazard = hazard_of(pair, key),
       .where = condition_of(key),
       .has = fmt::format("has the {} of another one{}", words, index),
       .have = fmt::format("have the {} of another one{}", words, index),
       .none = fmt::format("two rows with the same {} would fail; {} has none{}", words, pair.after.name, index)},
      columns);
}

/// An index that is not unique can fail, too: its expressions are computed for each row.
std::optional<Hazard> ask_computable(const TablePair& pair, const Key& key, RowQuestions& questions) {
  for (const auto& column : *key.columns) {
    const bool computes = column.name.empty() || !key.where.empty();
    if (!computes) continue;
    const auto why = questions.failure_of(sql_of(pair.after, column), condition_of(key));
    if (why.empty()) continue;
    auto hazard = hazard_of(pair, key);
    hazard.count = std::max<std::int64_t>(1, questions.count());
    hazard.message = fmt::format("index {} cannot be made on the rows of {}: {}", key.index, pair.after.name, why);
    return hazard;
  }
  return std::nullopt;
}

bool is_there(const Indexes& indexes, const TablePair& pair, const Key& key) {
  return std::ranges::any_of(indexes, [&](const auto* index) {
    const Key old{.columns = &index->columns,
                  .where = index->where ? index->where->text : "",
                  .index = index->name,
                  .unique = index->unique};
    const auto before = signature_before(pair, old);
    const auto after = signature_after(pair, key);
    return before && before->columns == after.columns && before->where == after.where;
  });
}

/// SQLite numbers the rows by itself.
bool is_new_rowid(const TablePair& pair, const Key& key) {
  const auto* rowid =
      key.index.empty() && key.columns->size() == 1 ? versions::schema::rowid_column(pair.after) : nullptr;
  return rowid != nullptr && equal_ignoring_case(rowid->name, key.columns->front().name) &&
         pair.origin(*rowid) == nullptr;
}

}  // namespace

std::vector<Hazard> key_hazards(const TablePair& pair, const Indexes& before, const Indexes& after,
                                RowQuestions& questions, bool rebuilt) {
  std::vector<Signature> kept;
  for (const auto& key : keys_of(pair.before, before))
    if (auto signature = key.unique ? signature_before(pair, key) : std::nullopt) kept.push_back(std::move(*signature));
  std::vector<Hazard> found;
  for (const auto& key : keys_of(pair.after, after)) {
    if (is_new_rowid(pair, key)) continue;
    const auto wanted = signature_after(pair, key);
    if (key.unique && std::ranges::none_of(kept, [&](const auto& one) { return follows(wanted, one); })) {
      found.push_back(ask_unique(pair, key, questions));
      kept.push_back(wanted);  // What follows from it needs not be asked again.
    } else if (!key.index.empty() && (rebuilt || !is_there(before, pair, key))) {
      if (auto hazard = ask_computable(pair, key, questions)) found.push_back(std::move(*hazard));
    }
  }
  return found;
}

bool is_parent_key(const Table& table, const Indexes& indexes, const std::vector<std::string>& columns) {
  std::set<std::string> wanted;
  for (const auto& name : columns) wanted.insert(fold(name));
  return std::ranges::any_of(keys_of(table, indexes), [&](const Key& key) {
    std::set<std::string> names;
    for (const auto& column : *key.columns) {
      const auto* own = table.find(column.name);
      if (own == nullptr || !equal_ignoring_case(engine::collation_of(*own), collation_of(table, column))) return false;
      names.insert(fold(column.name));
    }
    return key.unique && key.where.empty() && names == wanted && key.columns->size() == columns.size();
  });
}

}  // namespace belay::engine

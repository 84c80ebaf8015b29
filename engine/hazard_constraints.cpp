#include "engine/hazard_constraints.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <string_view>
#include <utility>

#include "engine/value.h"
#include "versions/schema/canonical.h"
#include "versions/schema/lexer.h"
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
using versions::schema::Table;

bool contains(const std::vector<std::string>& names, std::string_view name) {
  return std::ranges::any_of(names, [name](const auto& one) { return equal_ignoring_case(one, name); });
}

/// Where a NULL is refused, by its own words or by those of the primary key: that of an ordinary table takes NULLs.
bool refuses_null(const Table& table, const Column& column) {
  if (versions::schema::rowid_column(table) == &column) return false;
  if (column.not_null) return true;
  return (table.without_rowid || table.strict) && contains(primary_key_of(table), column.name);
}

/// Whether SQLite asks a stored computed value for its STRICT type while rows are put in.
bool checks_computed(const Table& table) {
  return std::ranges::any_of(table.constraints, [&table](const auto& one) {
    const bool is_rowid = one.kind == Constraint::Kind::primary_key && versions::schema::rowid_column(table) != nullptr;
    return one.kind != Constraint::Kind::foreign_key && !is_rowid;
  });
}

class RowProbes {
 public:
  RowProbes(const TablePair& pair, const StoredRows& rows, RowsAre rows_are)
      : pair_(pair), rows_(rows), rows_are_(rows_are) {}

  std::vector<Probe> all() {
    for (const auto& column : pair_.before.columns) look_at_old(column);
    for (const auto& column : pair_.after.columns) {
      not_null(column);
      strict_type(column);
      rowid(column);
      conversion(column);
    }
    checks();
    return std::move(probes_);
  }

 private:
  void look_at_old(const Column& column);
  void not_null(const Column& column);
  void strict_type(const Column& column);
  void rowid(const Column& column);
  void conversion(const Column& column);
  void checks();

  Hazard hazard(Hazard::Kind kind, const std::string& column) const {
    Hazard hazard;
    hazard.kind = kind;
    hazard.table = pair_.after.name;
    hazard.column = column;
    return hazard;
  }
  [[nodiscard]] const Column* same_computation(const Column& column) const;
  [[nodiscard]] std::string object(const Column& column) const { return pair_.after.name + "." + column.name; }

  const TablePair& pair_;
  const StoredRows& rows_;
  RowsAre rows_are_;
  std::vector<Probe> probes_;
};

void RowProbes::look_at_old(const Column& column) {
  if (column.generated) return;
  const auto* successor = pair_.successor(column);
  if (successor != nullptr && !successor->generated) return;
  const auto value = rows_.value_before(column);
  const char* why = successor ? "the column becomes generated" : "the column is dropped";
  const auto where = successor ? fmt::format("{0} IS NOT NULL AND {0} IS NOT {1}", value, quoted_name(successor->name))
                               : value + " IS NOT NULL";
  probes_.push_back({.hazard = hazard(Hazard::Kind::deletes_data, column.name),
                     .where = where,
                     .has = fmt::format("loses its {}: {}", column.name, why),
                     .have = fmt::format("lose their {}: {}", column.name, why),
                     .none = successor ? fmt::format("{} becomes generated; no row has another value", object(column))
                                       : fmt::format("{} is dropped; no row has a value in it", object(column))});
}

void RowProbes::not_null(const Column& column) {
  if (!refuses_null(pair_.after, column)) return;
  const auto* old = pair_.predecessor(column);
  const bool is_new = old == nullptr || !refuses_null(pair_.before, *old);
  if (!is_new && rows_are_ == RowsAre::left_alone) return;
  const bool has_default = old == nullptr && column.default_value && !column.generated;
  std::string why;
  if (old == nullptr && !column.generated && !column.default_value)
    why = ": the new column is NOT NULL and has no default";
  probes_.push_back({.hazard = hazard(Hazard::Kind::data_dependent, column.name),
                     .where = quoted_name(column.name) + " IS NULL",
                     .has = fmt::format("has no {}{}", column.name, why),
                     .have = fmt::format("have no {}{}", column.name, why),
                     .none = fmt::format("a row without {} would fail; {} has none", column.name, pair_.after.name),
                     .told_when_none = is_new && !has_default});
}

/// The column that had the same values, of the same expression; null when they may be others now.
const Column* RowProbes::same_computation(const Column& column) const {
  const auto* old = pair_.predecessor(column);
  if (old == nullptr || !old->generated) return nullptr;
  if (std::ranges::any_of(pair_.after.columns, [this](const auto& one) { return pair_.converts(one); })) return nullptr;
  const auto now = versions::schema::canonical_expression(column.generated->expression.text, &pair_.after);
  return carried_over(pair_, old->generated->expression.text) == now ? old : nullptr;
}

/// The type check comes after the conversion by the column's affinity. (SQLite 3.40 forgets it for a stored computed
/// value where the table has neither an index nor a CHECK; a row that comes to be wrong is wrong all the same, one that
/// was so before is no news.)
void RowProbes::strict_type(const Column& column) {
  constexpr std::array<std::pair<std::string_view, std::string_view>, 5> types{
      {{"int", "integer"}, {"integer", "integer"}, {"real", "real"}, {"text", "text"}, {"blob", "blob"}}};
  const bool computed = column.generated && !column.generated->stored;
  if (!pair_.after.strict || computed) return;
  const auto* old = column.generated ? same_computation(column) : pair_.origin(column);
  const bool is_new = old == nullptr || !pair_.before.strict || !equal_ignoring_case(old->type, column.type);
  const bool forgotten = column.generated && !checks_computed(pair_.after);
  if (!is_new && (rows_are_ != RowsAre::copied || forgotten)) return;
  const auto wanted =
      std::ranges::find(types, fold(column.type), [](const auto& one) { return std::string(one.first); });
  if (wanted == types.end()) return;  // ANY
  const auto rest = fmt::format("a {} that is no {}", column.name, column.type);
  probes_.push_back({.hazard = hazard(Hazard::Kind::data_dependent, column.name),
                     .where = fmt::format("typeof({}) NOT IN ('{}', 'null')", quoted_name(column.name), wanted->second),
                     .has = "has " + rest,
                     .have = "have " + rest,
                     .none = fmt::format("a row with {} would fail; {} has none", rest, pair_.after.name),
                     .told_when_none = is_new && old != nullptr});
}

/// A NULL would not fail: SQLite would make up a number for it, which nobody has asked for.
void RowProbes::rowid(const Column& column) {
  if (versions::schema::rowid_column(pair_.after) != &column) return;
  const auto* old = pair_.origin(column);
  if (old == nullptr || versions::schema::rowid_column(pair_.before) == old) return;
  const auto what = fmt::format("no integer as {}, which becomes the INTEGER PRIMARY KEY", column.name);
  probes_.push_back({.hazard = hazard(Hazard::Kind::data_dependent, column.name),
                     .where = fmt::format("typeof({}) <> 'integer'", quoted_name(column.name)),
                     .has = "has " + what,
                     .have = "have " + what,
                     .none = fmt::format("a row with {} would fail; {} has none", what, pair_.after.name)});
}

/// Whether a value comes back when it is converted into what it was. A CAST to INTEGER alone makes the largest one of
/// what is beyond it, where storing leaves that a real.
void RowProbes::conversion(const Column& column) {
  if (!pair_.converts(column)) return;
  const auto* old = pair_.origin(column);
  const auto before = rows_.value_before(*old);
  const auto after = quoted_name(column.name);
  const auto type = [](const Column& one) { return one.type.empty() ? std::string("no type") : one.type; };
  const auto rest = fmt::format("{} that {} cannot give back", column.name, type(column));
  probes_.push_back(
      {.hazard = hazard(Hazard::Kind::lossy_cast, column.name),
       .where = fmt::format("typeof({0}) <> typeof({1}) AND +{0} IS NOT CASE typeof({0}) WHEN 'text' THEN "
                            "CAST({1} AS TEXT) WHEN 'integer' THEN iif(typeof({1}) = 'real' AND {1} >= "
                            "9223372036854775808.0, NULL, CAST({1} AS INTEGER)) WHEN 'real' THEN "
                            "CAST({1} AS REAL) ELSE {1} END COLLATE BINARY",
                            before, after),
       .has = "has a " + rest,
       .have = "have a " + rest,
       .none = fmt::format("{} is converted from {} to {}; no row loses anything", object(column), type(*old),
                           type(column))});
}

void RowProbes::checks() {
  std::set<std::string> known;
  for (const auto& constraint : pair_.before.constraints)
    if (constraint.kind == Constraint::Kind::check) known.insert(carried_over(pair_, constraint.expression.text));
  for (const auto& constraint : pair_.after.constraints) {
    if (constraint.kind != Constraint::Kind::check) continue;
    const auto canonical = versions::schema::canonical_expression(constraint.expression.text, &pair_.after);
    const bool is_new = !known.contains(canonical);
    if (!is_new && rows_are_ == RowsAre::left_alone) continue;
    const auto check =
        (constraint.name.empty() ? "" : constraint.name + ": ") + fmt::format("CHECK ({})", constraint.expression.text);
    probes_.push_back({.hazard = hazard(Hazard::Kind::data_dependent, ""),
                       .where = fmt::format("NOT ({}\n)", constraint.expression.text),
                       .has = "fails " + check,
                       .have = "fail " + check,
                       .none = fmt::format("a row that fails {} would stop it; {} has none", check, pair_.after.name),
                       .told_when_none = is_new});
  }
}

}  // namespace

std::vector<Probe> row_probes(const TablePair& pair, const StoredRows& rows, RowsAre rows_are) {
  return RowProbes(pair, rows, rows_are).all();
}

std::string carried_over(const TablePair& pair, std::string_view expression) {
  const auto canonical = versions::schema::canonical_expression(expression, &pair.before);
  std::string text;
  for (const auto& token : versions::schema::lex(canonical)) {
    using versions::schema::TokenKind;
    std::string word(token.text);
    if (token.kind == TokenKind::word || token.kind == TokenKind::name) {
      const auto* column = pair.before.find(versions::schema::unquoted(token));
      const auto* successor = column ? pair.successor(*column) : nullptr;
      if (successor != nullptr) word = versions::schema::canonical_name(successor->name);
    }
    text += (text.empty() ? "" : " ") + word;
  }
  return text;
}

std::set<std::string> columns_used(const TablePair& pair, const std::vector<std::string>& expressions) {
  std::set<std::string> used;
  for (const auto& constraint : pair.after.constraints) {
    used.merge(names_in(constraint.expression.text));
    for (const auto& column : constraint.columns) used.insert(fold(column.name));
  }
  for (const auto& column : pair.after.columns) {
    const auto* old = pair.predecessor(column);
    const bool takes_the_place = old != nullptr && !old->generated;
    if (column.not_null || takes_the_place) used.insert(fold(column.name));
  }
  for (const auto& expression : expressions) used.merge(names_in(expression));
  return used;
}

}  // namespace belay::engine

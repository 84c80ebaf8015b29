#include "engine/hazards.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <string_view>
#include <utility>

#include "engine/error.h"
#include "engine/hazard_constraints.h"
#include "engine/hazard_keys.h"
#include "engine/hazard_probes.h"
#include "engine/hazard_readers.h"
#include "engine/hazard_references.h"
#include "engine/hazard_rows.h"
#include "engine/value.h"
#include "versions/schema/lexer.h"
#include "versions/schema/names.h"
#include "versions/schema/table_copy.h"
#include "versions/words.h"

namespace belay::engine {
namespace {

using versions::equal_ignoring_case;
using versions::schema::Fragment;
using versions::schema::Hazard;
using versions::schema::Object;
using versions::schema::ObjectType;
using versions::schema::Rename;
using versions::schema::Table;
using versions::schema::VirtualTable;

/// The column that an argument of a virtual table names; empty for an option.
std::string column_of(const Fragment& argument) {
  const auto tokens = versions::schema::lex(argument.text);
  const bool is_option = std::ranges::any_of(tokens, [](const auto& token) { return token.text == "="; });
  if (tokens.empty() || is_option) return "";
  const bool is_auxiliary = tokens.front().text == "+" && tokens.size() > 1;  // rtree
  return versions::schema::unquoted(is_auxiliary ? tokens[1] : tokens[0]);
}

bool same_arguments(const VirtualTable& one, const VirtualTable& other) {
  return equal_ignoring_case(one.module, other.module) &&
         std::ranges::equal(one.arguments, other.arguments, {}, &Fragment::text, &Fragment::text);
}

class Finder {
 public:
  Finder(const SchemaChange& change, Connection* live)
      : change_(change), live_(live), before_(change.from), after_(change.to) {}

  std::vector<Hazard> all() {
    for (const auto* object : before_.objects()) look_at(*object);
    add(reference_hazards(change_, before_, after_, live_));
    for (const auto& table : change_.rebuilt) rebuild(table);
    add(reader_hazards(change_, before_, after_));
    way_back();
    std::ranges::stable_sort(found_, {}, &Hazard::kind);
    return std::move(found_);
  }

 private:
  void look_at(const Object& object);
  void look_at(const Table& before, const Table& after);
  void look_at(const VirtualTable& before, const VirtualTable& after);
  void taken(const Object& object, const std::string& table, const std::string& how);
  void rebuild(const std::string& table);
  void way_back();
  void way_back(const Table& before, const Table& after);
  void not_brought_back(const Hazard& lost);

  void add(std::vector<Hazard> more) {
    for (auto& hazard : more) found_.push_back(std::move(hazard));
  }
  [[nodiscard]] std::string new_name(const Object& object) const;
  [[nodiscard]] bool is_rebuilt(std::string_view table) const {
    return std::ranges::any_of(change_.rebuilt, [&](const auto& one) { return equal_ignoring_case(one, table); });
  }
  [[nodiscard]] std::optional<std::int64_t> number(const std::string& sql) const;
  [[nodiscard]] std::int64_t bytes_of(const std::string& table, std::int64_t rows) const;
  [[nodiscard]] std::int64_t estimated_bytes(const std::string& table, std::int64_t rows) const;

  const SchemaChange& change_;
  Connection* live_;
  TablesOf before_;
  TablesOf after_;
  std::vector<Hazard> found_;
};

std::string Finder::new_name(const Object& object) const {
  for (const auto& rename : change_.renames)
    if (rename.kind == Rename::Kind::table && equal_ignoring_case(rename.from, object.name)) return rename.to;
  return object.name;
}

/// Nothing where it cannot be asked: without a database, or a virtual table whose module is not there.
std::optional<std::int64_t> Finder::number(const std::string& sql) const {
  if (live_ == nullptr) return std::nullopt;
  try {
    return ask_number(*live_, sql);
  } catch (const Error& error) {
    if (error.code() != ErrorCode::statement_failed) throw;
    return std::nullopt;
  }
}

void Finder::look_at(const Object& object) {
  const auto name = new_name(object);
  const auto* now = after_.find(name);
  if (now == nullptr) {
    const bool is_view = change_.to.find(ObjectType::view, name) != nullptr;
    return taken(object, object.name, is_view ? "becomes a view" : "is dropped");
  }
  const auto* table = std::get_if<Table>(&object.definition);
  const auto* table_now = std::get_if<Table>(&now->object->definition);
  const auto* virtual_table = std::get_if<VirtualTable>(&object.definition);
  const auto* virtual_now = std::get_if<VirtualTable>(&now->object->definition);
  if (table != nullptr && table_now != nullptr) return look_at(*table, *table_now);
  if (virtual_table != nullptr && virtual_now != nullptr) return look_at(*virtual_table, *virtual_now);
  if (object.type != now->object->type)
    taken(object, name, fmt::format("becomes a {}", versions::schema::name_of(now->object->type)));
}

void Finder::taken(const Object& object, const std::string& table, const std::string& how) {
  Hazard hazard;
  hazard.kind = Hazard::Kind::deletes_data;
  hazard.table = table;
  const auto count = number("SELECT count(*) FROM main." + quoted_name(object.name));
  hazard.count = count.value_or(0);
  if (hazard.count > 0)
    hazard.message = fmt::format("{} {}, with its {}", object.name, how, rows_text(hazard.count));
  else if (live_ != nullptr && !count)
    hazard.message = fmt::format("{} {}; its rows cannot be counted here", object.name, how);
  else
    hazard.message = fmt::format("{} {}; it has no rows", object.name, how);
  found_.push_back(std::move(hazard));
}

void Finder::look_at(const Table& before, const Table& after) {
  const bool rebuilt = is_rebuilt(after.name);
  const bool renamed = !equal_ignoring_case(before.name, after.name);
  if (!rebuilt && !renamed && is_unchanged(after.name, before_, after_)) return;
  const TablePair pair{before, after, change_.renames};
  const auto is_added = [&pair](const auto& column) { return pair.predecessor(column) == nullptr; };
  const bool looked_at = std::ranges::any_of(after.columns, is_added);
  const auto rows_are = rebuilt ? RowsAre::copied : looked_at ? RowsAre::looked_at : RowsAre::left_alone;
  std::vector<std::string> expressions;
  for (const auto* index : after_.indexes(after.name)) {
    for (const auto& column : index->columns) expressions.push_back(quoted_name(column.name) + column.expression.text);
    if (index->where) expressions.push_back(index->where->text);
  }
  const StoredRows rows(pair, columns_used(pair, expressions));
  RowQuestions questions(pair, rows, live_);
  add(questions.ask(row_probes(pair, rows, rows_are)));
  add(key_hazards(pair, before_.indexes(before.name), after_.indexes(after.name), questions, rebuilt));
  way_back(before, after);
}

void Finder::look_at(const VirtualTable& before, const VirtualTable& after) {
  if (same_arguments(before, after)) return;
  const auto* object = before_.find(before.name)->object;
  if (reads_other_table(before)) return;  // Nothing is its own.
  const bool is_copied =
      equal_ignoring_case(before.module, after.module) && can_be_copied(before) && can_be_copied(after);
  if (!is_copied) return taken(*object, after.name, fmt::format("({}) is dropped and made again", before.module));
  for (const auto& argument : before.arguments) {
    const auto column = column_of(argument);
    const auto stays = [&](const Fragment& other) { return equal_ignoring_case(column_of(other), column); };
    if (column.empty() || std::ranges::any_of(after.arguments, stays)) continue;
    Hazard hazard;
    hazard.kind = Hazard::Kind::deletes_data;
    hazard.table = after.name;
    hazard.column = column;
    hazard.count =
        number(fmt::format("SELECT count({}) FROM main.{}", quoted_name(column), quoted_name(before.name))).value_or(0);
    hazard.message = hazard.count == 0
                         ? fmt::format("{}.{} is dropped; no row has a value in it", after.name, column)
                         : fmt::format("{} of {} {} {}: the column is dropped", rows_text(hazard.count), after.name,
                                       hazard.count == 1 ? "loses its" : "lose their", column);
    found_.push_back(std::move(hazard));
  }
}

void Finder::rebuild(const std::string& table) {
  const auto before = name_before(change_.renames, table);
  if (before_.find(before) == nullptr) return;
  Hazard hazard;
  hazard.kind = Hazard::Kind::rebuild;
  hazard.table = table;
  hazard.count = number("SELECT count(*) FROM main." + quoted_name(before)).value_or(0);
  hazard.bytes = bytes_of(before, hazard.count);
  hazard.message = fmt::format("{} is copied: {}, {} bytes", table, rows_text(hazard.count), hazard.bytes);
  found_.push_back(std::move(hazard));
}

/// With its indexes. Not every SQLite can tell.
std::int64_t Finder::bytes_of(const std::string& table, std::int64_t rows) const {
  const auto bytes = number(
      fmt::format("SELECT sum(pgsize) FROM dbstat WHERE aggregate = 1 AND name IN (SELECT name FROM main.sqlite_schema "
                  "WHERE lower(tbl_name) = lower({}) AND type IN ('table', 'index'))",
                  versions::schema::quoted_string(table)));
  return bytes ? *bytes : estimated_bytes(table, rows);
}

/// By what the values of the first rows take up, in the table and once more in its indexes.
std::int64_t Finder::estimated_bytes(const std::string& table, std::int64_t rows) const {
  const auto* known = before_.table(table);
  if (known == nullptr || rows == 0) return 0;
  constexpr std::int64_t sample = 1000;
  std::string size = "8";
  const auto add = [&size](const std::string& column) {
    size += fmt::format(" + 1 + coalesce(length(CAST({} AS BLOB)), 0)", quoted_name(column));
  };
  for (const auto& column : known->columns)
    if (!column.generated) add(column.name);
  for (const auto* index : before_.indexes(table))
    for (const auto& column : index->columns)
      if (known->find(column.name) != nullptr) add(column.name);
  return rows * number(fmt::format("SELECT CAST(avg({}) AS INTEGER) FROM (SELECT * FROM main.{} LIMIT {})", size,
                                   quoted_name(table), sample))
                    .value_or(0);
}

// --- The way back ---

void Finder::not_brought_back(const Hazard& lost) {
  Hazard hazard;
  hazard.kind = Hazard::Kind::irreversible;
  hazard.table = lost.table;
  hazard.column = lost.column;
  hazard.count = lost.count;
  const auto object = lost.column.empty() ? lost.table : lost.table + "." + lost.column;
  hazard.message = fmt::format("the way back makes {} again, but not what was in it{}", object,
                               lost.count > 0 ? fmt::format(" ({})", rows_text(lost.count)) : "");
  if (lost.kind == Hazard::Kind::lossy_cast)
    hazard.message = fmt::format("the way back does not bring back {} as it was in {}", object, rows_text(lost.count));
  found_.push_back(std::move(hazard));
}

void Finder::way_back() {
  const auto lost = found_;
  for (const auto& hazard : lost)
    if (hazard.takes_away()) not_brought_back(hazard);
}

/// A column that has to have a value, and gets none on the way back.
void Finder::way_back(const Table& before, const Table& after) {
  const TablePair pair{before, after, change_.renames};
  for (const auto& column : before.columns) {
    if (pair.successor(column) != nullptr || !column.not_null || column.default_value || column.generated) continue;
    Hazard hazard;
    hazard.kind = Hazard::Kind::irreversible;
    hazard.table = after.name;
    hazard.column = column.name;
    hazard.count = number("SELECT count(*) FROM main." + quoted_name(before.name)).value_or(0);
    hazard.message =
        fmt::format("the way back fails where {} has rows: {} is NOT NULL and has no default", after.name, column.name);
    found_.push_back(std::move(hazard));
  }
}

}  // namespace

std::vector<Hazard> find_hazards(const SchemaChange& change, Connection* live) {
  return Finder(change, live).all();
}

}  // namespace belay::engine

#include "engine/rebuild_guard.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <set>
#include <variant>

#include "engine/introspect.h"
#include "versions/schema/lexer.h"
#include "versions/schema/names.h"
#include "versions/schema/schema.h"

namespace belay::engine {
namespace {

using versions::schema::Object;
using versions::schema::ObjectType;
using versions::schema::Schema;
using versions::schema::Table;

/// What a table is called while rows are copied to it (docs/autogenerate.md).
constexpr const char* new_table_prefix = "belay_new_";

Error failure(const std::string& message, std::string next) {
  Error error(ErrorCode::verification_failed, message);
  error.next(std::move(next));
  return error;
}

const Object* table_of(const Schema& family) {
  for (const auto& object : family.objects())
    if (object->type == ObjectType::table || object->type == ObjectType::virtual_table) return object.get();
  return nullptr;
}

/// `index rooms_code`, and of the table `column code`, each.
std::vector<std::pair<std::string, std::string>> parts_of(const Schema& family) {
  std::vector<std::pair<std::string, std::string>> parts;
  for (const auto& object : family.objects()) {
    if (const auto* table = std::get_if<Table>(&object->definition)) {
      for (const auto& column : table->columns) parts.emplace_back("column", column.name);
    } else if (object->type == ObjectType::index || object->type == ObjectType::trigger) {
      parts.emplace_back(name_of(object->type), object->name);
    }
  }
  return parts;
}

std::string list(const Schema& family) {
  std::vector<std::string> words;
  for (const auto& [kind, name] : parts_of(family)) words.push_back(fmt::format("{} {}", kind, name));
  return fmt::format("{}", fmt::join(words, ", "));
}

bool keeps_sequence(const Schema& family) {
  const Object* object = table_of(family);
  const auto* table = object == nullptr ? nullptr : std::get_if<Table>(&object->definition);
  return table != nullptr &&
         std::ranges::any_of(table->constraints, [](const auto& constraint) { return constraint.autoincrement; });
}

}  // namespace

RebuildGuard::RebuildGuard(Connection& connection, const journal::PlannedRevision& revision,
                           const journal::PlannedStep& step, Scope scope)
    : connection_(connection), revision_(revision), step_(step), scope_(scope) {
  try {
    look();
  } catch (const Error& error) {
    throw placed(error);
  }
}

void RebuildGuard::check() {
  try {
    compare();
  } catch (const Error& error) {
    throw placed(error);
  }
}

void RebuildGuard::look() {
  const Schema family = introspect_family(connection_, step_.rebuild_table);
  if (table_of(family) == nullptr)
    throw failure(fmt::format("{} cannot be rebuilt: there is no such table", step_.rebuild_table),
                  "correct the name behind rebuild:");
  if (!step_.rebuild_from.empty() && family.fingerprint_of(step_.rebuild_table) != step_.rebuild_from)
    throw failure(
        fmt::format("{} is not the table that its rebuild was written for, and would lose what has come to it "
                    "since: it has {}{}",
                    step_.rebuild_table, list(family), unknown_to_the_revision(family)),
        "generate the script again (belay revision --autogenerate), or remove from: and to: from the step's "
        "marker if it is meant so");
  new_tables_ = tables_beginning_with(connection_, new_table_prefix);
  if (scope_ == Scope::schema) return;
  rows_ = count_rows();
  sequence_ = connection_.sequence_of(step_.rebuild_table);
}

void RebuildGuard::compare() {
  check_leftovers();
  const Schema family = introspect_family(connection_, step_.rebuild_table);
  if (table_of(family) == nullptr)
    throw failure(fmt::format("the rebuild of {} leaves no such table", step_.rebuild_table),
                  "rename the new table to it in this step");
  if (!step_.rebuild_to.empty() && family.fingerprint_of(step_.rebuild_table) != step_.rebuild_to)
    throw failure(fmt::format("the rebuild of {} does not end where it says: it leaves the table with {}",
                              step_.rebuild_table, list(family)),
                  "generate the script again (belay revision --autogenerate), or remove to: from the step's marker if "
                  "its statements are meant so");
  if (scope_ == Scope::schema) return;
  check_rows();
  if (keeps_sequence(family)) check_sequence();
}

void RebuildGuard::check_leftovers() const {
  for (const auto& table : tables_beginning_with(connection_, new_table_prefix))
    if (std::ranges::find(new_tables_, table) == new_tables_.end())
      throw failure(fmt::format("the rebuild of {} leaves the table {} behind", step_.rebuild_table, table),
                    "rename it, or drop it in this step");
}

void RebuildGuard::check_rows() const {
  const std::int64_t rows = count_rows();
  if (rows != rows_)
    throw failure(fmt::format("the rebuild of {} does not keep its rows: there were {}, and now there are {}",
                              step_.rebuild_table, rows_, rows),
                  "copy all of them; what is to go, delete in a step of its own");
}

void RebuildGuard::check_sequence() const {
  const std::int64_t before = sequence_.value_or(0);
  const std::int64_t after = connection_.sequence_of(step_.rebuild_table).value_or(0);
  if (after < before)
    throw failure(fmt::format("the rebuild of {} would number new rows as deleted ones were: the last number given was "
                              "{}, and now it is {}",
                              step_.rebuild_table, before, after),
                  "carry the old number over in this step (SQLite: in the table sqlite_sequence)");
}

/// As a query of the script: the table may be large, and a user may want to stop. Counted is what is there, rather than
/// taken from what the INSERT reports, because another statement of the step may add or delete: 0.05 s of the 2 s that
/// a rebuild of two million rows takes.
std::int64_t RebuildGuard::count_rows() const {
  const std::string sql = "SELECT count(*) FROM " + connection_.quote(step_.rebuild_table);
  return std::get<std::int64_t>(connection_.ask({.text = sql, .file = {}, .line = 0}).at(0).at(0));
}

/// What of the table the revision does not even name. A help to find what has come to it, no proof: a name may be there
/// for something else.
std::string RebuildGuard::unknown_to_the_revision(const Schema& family) const {
  std::set<std::string> named;
  for (const auto& step : revision_.steps)
    for (const auto& statement : step.statements)
      for (const auto& token : versions::schema::lex(statement.text))
        named.insert(versions::schema::fold(versions::schema::unquoted(token)));
  std::vector<std::string> unknown;
  for (const auto& [kind, name] : parts_of(family))
    if (!named.contains(versions::schema::fold(name))) unknown.push_back(fmt::format("{} {}", kind, name));
  return unknown.empty() ? "" : fmt::format("; the revision does not mention {}", fmt::join(unknown, ", "));
}

Error RebuildGuard::placed(Error error) const {
  const auto& first = step_.statements.at(0);
  error.at(revision_.file, first.line, first.text);
  return error;
}

}  // namespace belay::engine

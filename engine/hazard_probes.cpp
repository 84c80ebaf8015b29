#include "engine/hazard_probes.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <utility>

#include "engine/error.h"
#include "engine/value.h"

namespace belay::engine {
namespace {

using versions::schema::Hazard;

constexpr std::size_t first_max = 5;

/// So often is a default drawn before all that it can be counts as wrong.
constexpr int draws_max = 16;

std::string key_text(const Row& row) {
  std::vector<std::string> literals;
  for (const auto& value : row) literals.push_back(to_literal(value));
  const auto list = fmt::format("{}", fmt::join(literals, ", "));
  return literals.size() == 1 ? list : "(" + list + ")";
}

}  // namespace

std::vector<Row> ask(Connection& live, const std::string& sql) {
  return live.ask({sql, "", 0});
}

std::int64_t ask_number(Connection& live, const std::string& sql) {
  const auto rows = ask(live, sql);
  const auto* number = std::get_if<std::int64_t>(&rows.at(0).at(0));
  return number ? *number : 0;
}

std::string rows_text(std::int64_t count) {
  return fmt::format("{} {}", count, count == 1 ? "row" : "rows");
}

std::string first_text(const Hazard& hazard, bool by_rowid) {
  if (hazard.first.empty()) return "";
  const bool more = hazard.count > static_cast<std::int64_t>(hazard.first.size());
  return fmt::format(" ({}{} {}{})", by_rowid ? "rowid" : "key", hazard.first.size() == 1 ? "" : "s",
                     fmt::join(hazard.first, ", "), more ? ", …" : "");
}

std::vector<std::string> first_rows(Connection& live, const std::vector<std::string>& keys, const std::string& rows) {
  std::vector<std::string> first;
  if (keys.empty()) return first;
  for (const auto& row :
       ask(live, fmt::format("SELECT {0} {1} ORDER BY {0} LIMIT {2}", fmt::join(keys, ", "), rows, first_max)))
    first.push_back(key_text(row));
  return first;
}

std::int64_t RowQuestions::count() {
  if (live_ == nullptr) return 0;
  return ask_number(*live_, "SELECT count(*) FROM main." + quoted_name(pair_.before.name));
}

std::vector<std::int64_t> RowQuestions::counts(const std::vector<Probe>& probes) {
  if (live_ == nullptr || probes.empty()) return std::vector<std::int64_t>(probes.size(), 0);
  std::vector<std::string> columns;
  columns.reserve(probes.size());
  for (const auto& probe : probes) columns.push_back(fmt::format("count(CASE WHEN {} THEN 1 END)", probe.where));
  const auto found = engine::ask(*live_, fmt::format("SELECT {} FROM {}", fmt::join(columns, ", "), rows_.from()));
  std::vector<std::int64_t> counts;
  for (const auto& value : found.at(0)) counts.push_back(std::get<std::int64_t>(value));
  return counts;
}

std::vector<Hazard> RowQuestions::ask(std::vector<Probe> probes) {
  try {
    const auto found = counts(probes);
    for (std::size_t i = 0; i < probes.size(); ++i) {
      probes[i].hazard.count = found[i];
      draw_again(probes[i], probes[i].where, [&] { return counts({probes[i]}).at(0); });
      finish(probes[i], fmt::format("FROM {} WHERE {}", rows_.from(), probes[i].where));
    }
  } catch (const Error& error) {
    if (error.code() != ErrorCode::statement_failed) throw;
    count_one_by_one(probes);
  }
  std::vector<Hazard> told;
  for (auto& probe : probes)
    if (probe.hazard.count > 0 || probe.told_when_none) told.push_back(std::move(probe.hazard));
  return told;
}

/// One of the expressions cannot be evaluated: for a row, or at all.
void RowQuestions::count_one_by_one(std::vector<Probe>& probes) {
  for (auto& probe : probes) try {
      probe.hazard.count = counts({probe}).at(0);
      draw_again(probe, probe.where, [&] { return counts({probe}).at(0); });
      finish(probe, fmt::format("FROM {} WHERE {}", rows_.from(), probe.where));
    } catch (const Error& error) {
      if (error.code() != ErrorCode::statement_failed) throw;
      fail(probe, error.what());
    }
}

/// A row that one draw of its default makes wrong may be right by the next, and the other way round. Only what is wrong
/// in each of them is sure to fail; else it is told that it may.
/// @param asked  the expressions that are evaluated.
void RowQuestions::draw_again(Probe& probe, const std::string& asked, const std::function<std::int64_t()>& count) {
  if (drawn_.empty() || probe.hazard.kind != Hazard::Kind::data_dependent) return;
  if (!have_common(names_in(asked), drawn_) || this->count() == 0) return;
  for (int draw = 1; probe.hazard.count > 0 && draw < draws_max; ++draw) probe.hazard.count = count();
  probe.none += " as it was drawn here, but a default is drawn again for each row: the script may fail";
  probe.told_when_none = true;
}

void RowQuestions::finish(Probe& probe, const std::string& rows) {
  auto& hazard = probe.hazard;
  if (hazard.count == 0) {
    hazard.message = probe.none;
    return;
  }
  hazard.first = first_rows(*live_, rows_.keys(), rows);
  hazard.message =
      fmt::format("{} of {} {}{}", rows_text(hazard.count), hazard.table, hazard.count == 1 ? probe.has : probe.have,
                  first_text(hazard, !pair_.before.without_rowid));
}

void RowQuestions::fail(Probe& probe, const std::string& why) {
  auto& hazard = probe.hazard;
  hazard.count = std::max<std::int64_t>(1, count());
  hazard.message = fmt::format("{}; on the rows of {} this cannot be evaluated: {}", probe.none, hazard.table, why);
}

Hazard RowQuestions::ask_duplicates(Probe probe, const std::vector<std::string>& keys) {
  if (live_ == nullptr) {
    probe.hazard.message = probe.none;
    return probe.hazard;
  }
  std::vector<std::string> columns;
  std::vector<std::string> names;
  std::vector<std::string> present;
  for (const auto& key : keys) {
    names.push_back(fmt::format("\"belay key {}\"", names.size()));
    columns.push_back(key + " AS " + names.back());
    present.push_back(names.back() + " IS NOT NULL");
  }
  const auto source = fmt::format("(SELECT {}, {} FROM {}{})", fmt::join(columns, ", "),
                                  rows_.keys().empty() ? "1" : fmt::format("{}", fmt::join(rows_.keys(), ", ")),
                                  rows_.from(), probe.where.empty() ? "" : " WHERE " + probe.where);
  const auto there = fmt::format("{}", fmt::join(present, " AND "));
  const auto by = fmt::format("{}", fmt::join(names, ", "));
  try {
    const auto duplicates = fmt::format(
        "SELECT coalesce(sum(n), 0) FROM (SELECT count(*) AS n FROM {} WHERE {} GROUP BY {} HAVING count(*) > 1)",
        source, there, by);
    probe.hazard.count = ask_number(*live_, duplicates);
    draw_again(probe, fmt::format("{} {}", fmt::join(keys, ", "), probe.where),
               [&] { return ask_number(*live_, duplicates); });
    finish(probe, fmt::format("FROM (SELECT *, count(*) OVER (PARTITION BY {}) AS \"belay n\" FROM {} WHERE {}) WHERE "
                              "\"belay n\" > 1",
                              by, source, there));
  } catch (const Error& error) {
    if (error.code() != ErrorCode::statement_failed) throw;
    fail(probe, error.what());
  }
  return probe.hazard;
}

std::string RowQuestions::failure_of(const std::string& expression, const std::string& where) {
  if (live_ == nullptr) return "";
  try {
    engine::ask(*live_, fmt::format("SELECT count({}) FROM {}{}", expression, rows_.from(),
                                    where.empty() ? "" : " WHERE " + where));
  } catch (const Error& error) {
    if (error.code() != ErrorCode::statement_failed) throw;
    return error.what();
  }
  return "";
}

}  // namespace belay::engine

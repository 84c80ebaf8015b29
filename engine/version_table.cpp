#include "engine/version_table.h"

#include <fmt/format.h>

#include <array>
#include <utility>

namespace belay::engine {
namespace {

std::string text_of(Value& value) {
  auto* text = std::get_if<std::string>(&value);
  return text ? std::move(*text) : std::string();
}

std::int64_t integer_of(const Value& value) {
  const auto* integer = std::get_if<std::int64_t>(&value);
  return integer ? *integer : 0;
}

constexpr std::string_view state_table =
    "CREATE TABLE IF NOT EXISTS belay_state (\n"
    "  id INTEGER PRIMARY KEY CHECK (id = 1),\n"
    "  database_id TEXT NOT NULL,\n"
    "  last_lsn INTEGER NOT NULL,\n"
    "  format INTEGER NOT NULL\n"
    ")";

}  // namespace

VersionTable::VersionTable(Connection& connection, std::string name)
    : connection_(connection), name_(std::move(name)), quoted_(connection_.quote(name_)) {
  connection_.protect({name_, "belay_state"});
}

std::optional<TargetState> VersionTable::state() {
  if (!connection_.has_table("belay_state")) return std::nullopt;
  const auto formats = connection_.query("SELECT format FROM belay_state");
  if (formats.empty()) return std::nullopt;
  if (const auto found = integer_of(formats[0][0]); found > format)
    throw Error(ErrorCode::newer_format,
                fmt::format("the database was written by a later belay: its format is {}, and this belay knows {}",
                            found, format))
        .next("install the newer belay");
  auto rows = connection_.query("SELECT database_id, last_lsn FROM belay_state");
  return TargetState{text_of(rows[0][0]), {static_cast<std::uint64_t>(integer_of(rows[0][1]))}};
}

std::vector<versions::Stamp> VersionTable::stamps() {
  std::vector<versions::Stamp> stamps;
  if (!connection_.has_table(name_)) return stamps;
  auto rows = connection_.query("SELECT revision, message, digest, applied_at, execution_ms, applied_by, lsn FROM " +
                                quoted_ + " ORDER BY rowid");
  stamps.reserve(rows.size());
  for (auto& row : rows)
    stamps.push_back({.revision = {text_of(row[0])},
                      .message = text_of(row[1]),
                      .digest = text_of(row[2]),
                      .applied_at = text_of(row[3]),
                      .execution_ms = integer_of(row[4]),
                      .applied_by = text_of(row[5]),
                      .lsn = static_cast<std::uint64_t>(integer_of(row[6]))});
  return stamps;
}

std::string VersionTable::create_sql(std::string_view name) {
  return "CREATE TABLE IF NOT EXISTS " + quoted_name(name) +
         " (\n"
         "  revision TEXT PRIMARY KEY,\n"
         "  message TEXT,\n"
         "  digest TEXT,\n"
         "  applied_at TEXT,\n"
         "  execution_ms INTEGER,\n"
         "  applied_by TEXT,\n"
         "  lsn INTEGER\n"
         ")";
}

void VersionTable::create(const std::string& database_id) {
  connection_.query(create_sql(name_));
  connection_.query(state_table);
  const std::array parameters{Parameter{":id", database_id}, Parameter{":format", format}};
  connection_.query("INSERT OR IGNORE INTO belay_state (id, database_id, last_lsn, format) VALUES (1, :id, 0, :format)",
                    parameters);
}

void VersionTable::write(const versions::Stamp& stamp) {
  const std::array parameters{Parameter{":revision", stamp.revision.text},
                              Parameter{":message", stamp.message},
                              Parameter{":digest", stamp.digest},
                              Parameter{":applied_at", stamp.applied_at},
                              Parameter{":execution_ms", stamp.execution_ms},
                              Parameter{":applied_by", stamp.applied_by},
                              Parameter{":lsn", static_cast<std::int64_t>(stamp.lsn)}};
  connection_.query("INSERT OR REPLACE INTO " + quoted_ +
                        " (revision, message, digest, applied_at, execution_ms, applied_by, lsn)"
                        " VALUES (:revision, :message, :digest, :applied_at, :execution_ms, :applied_by, :lsn)",
                    parameters);
}

void VersionTable::remove(const versions::RevisionId& revision) {
  const std::array parameters{Parameter{":revision", revision.text}};
  connection_.query("DELETE FROM " + quoted_ + " WHERE revision = :revision", parameters);
}

void VersionTable::set_last_lsn(journal::Lsn lsn) {
  const std::array parameters{Parameter{":lsn", static_cast<std::int64_t>(lsn.value)}};
  connection_.query("UPDATE belay_state SET last_lsn = :lsn", parameters);
}

void VersionTable::set_database_id(const std::string& database_id) {
  const std::array parameters{Parameter{":id", database_id}};
  connection_.query("UPDATE belay_state SET database_id = :id", parameters);
}

std::string VersionTable::write_sql(std::string_view name, const versions::Stamp& stamp) {
  return fmt::format("INSERT OR REPLACE INTO {} VALUES ({}, {}, {}, strftime('%Y-%m-%dT%H:%M:%SZ', 'now'), 0, {}, 0)",
                     quoted_name(name), to_literal(stamp.revision.text), to_literal(stamp.message),
                     to_literal(stamp.digest), to_literal(stamp.applied_by));
}

std::string VersionTable::remove_sql(std::string_view name, const versions::RevisionId& revision) {
  return fmt::format("DELETE FROM {} WHERE revision = {}", quoted_name(name), to_literal(revision.text));
}

}  // namespace belay::engine

#include "tests/faults/state.h"

#include <fmt/format.h>
#include <sqlite3.h>

#include <algorithm>
#include <utility>

#include "tests/without_counter.h"

namespace belay::faults {
namespace {

bool is_own(std::string_view name) {
  return name == "belay_version" || name == "belay_state";
}

/// Whether the mode is kept in the file: else it belongs to a connection, and a script asks for it.
bool is_kept(Mode mode) {
  return mode == Mode::wal;
}

std::string in_quotes(std::string_view name) {
  std::string text = "\"";
  for (const char letter : name) text.append(letter == '"' ? 2 : 1, letter);
  return text + "\"";
}

}  // namespace

struct PlainDatabase::Handle {
  sqlite3* database = nullptr;
};

PlainDatabase::PlainDatabase(const std::filesystem::path& file) : handle_(new Handle) {
  if (sqlite3_open(file.c_str(), &handle_->database) != SQLITE_OK) {
    sqlite3_close(handle_->database);
    delete handle_;
    throw std::runtime_error("cannot open " + file.string());
  }
  sqlite3_db_config(handle_->database, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, nullptr);
  run("PRAGMA synchronous = OFF");
}

PlainDatabase::~PlainDatabase() {
  sqlite3_close(handle_->database);
  delete handle_;
}

void PlainDatabase::run(const std::string& sql) {
  char* message = nullptr;
  if (sqlite3_exec(handle_->database, sql.c_str(), nullptr, nullptr, &message) == SQLITE_OK) return;
  const std::string error = message ? message : "";
  sqlite3_free(message);
  throw std::runtime_error(error + ": " + sql);
}

std::vector<std::string> PlainDatabase::rows(const std::string& sql) {
  sqlite3_stmt* statement = nullptr;
  const auto check = [&](int code) {
    if (code == SQLITE_OK || code == SQLITE_ROW || code == SQLITE_DONE) return code;
    const std::string error = sqlite3_errmsg(handle_->database);
    sqlite3_finalize(statement);
    throw std::runtime_error(error + ": " + sql);
  };
  check(sqlite3_prepare_v2(handle_->database, sql.c_str(), -1, &statement, nullptr));
  std::vector<std::string> rows;
  while (check(sqlite3_step(statement)) == SQLITE_ROW) {
    std::string& row = rows.emplace_back();
    for (int i = 0; i < sqlite3_column_count(statement); ++i) {
      const auto* value = static_cast<const char*>(sqlite3_column_blob(statement, i));
      const auto type = sqlite3_column_type(statement, i);
      row.append(i > 0 ? "|" : "").append(1, static_cast<char>('0' + type));
      if (type == SQLITE_BLOB || type == SQLITE_TEXT) {
        row.append(value ? value : "", static_cast<std::size_t>(sqlite3_column_bytes(statement, i)));
      } else if (type != SQLITE_NULL) {
        row += reinterpret_cast<const char*>(sqlite3_column_text(statement, i));
      }
    }
  }
  sqlite3_finalize(statement);
  return rows;
}

State PlainDatabase::state() {
  State state;
  const auto add = [&](std::string_view what, const std::vector<std::string>& found) {
    state.contents += fmt::format("{}\n  {}\n", what, fmt::join(found, "\n  "));
  };
  for (const auto* const setting :
       {"page_size", "encoding", "auto_vacuum", "user_version", "application_id", "journal_mode"})
    add(setting, rows(std::string("PRAGMA ") + setting));
  bool is_managed = false;
  std::vector<std::string> tables;
  for (const auto& table : rows("SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name")) {
    const auto name = table.substr(1);
    is_managed = is_managed || name == "belay_version";
    if (!is_own(name)) tables.push_back(name);
  }
  add("schema", rows("SELECT type, name, tbl_name, sql FROM sqlite_schema WHERE tbl_name NOT IN ('belay_version', "
                     "'belay_state') ORDER BY type, name"));
  // Of a table without rowids, the key says what the rowid says of others.
  const auto without_rowids = rows("SELECT name FROM pragma_table_list WHERE schema = 'main' AND wr");
  for (const auto& table : tables) {
    const auto name = in_quotes(table);
    const bool without = std::find(without_rowids.begin(), without_rowids.end(), "3" + table) != without_rowids.end();
    add(table, rows("SELECT " + std::string(without ? "*" : "rowid, *") + " FROM " + name + " ORDER BY " +
                    (without || table == "sqlite_sequence" ? "1, 2" : "rowid")));
  }
  if (is_managed)
    for (const auto& stamp : rows("SELECT revision FROM belay_version ORDER BY revision"))
      state.stamps.push_back(stamp.substr(1));
  return state;
}

std::string PlainDatabase::bytes() {
  rows("SELECT count(*) FROM sqlite_schema");  // Takes the WAL into account, or what a crash has left.
  sqlite3_int64 size = 0;
  unsigned char* const content = sqlite3_serialize(handle_->database, "main", &size, 0);
  if (content == nullptr) return {};
  std::string bytes(reinterpret_cast<const char*>(content), static_cast<std::size_t>(size));
  sqlite3_free(content);
  return without_counter(std::move(bytes));
}

std::optional<OwnRow> PlainDatabase::own_row() {
  if (rows("SELECT 1 FROM sqlite_schema WHERE name = 'belay_state'").empty()) return {};
  const auto ids = rows("SELECT database_id FROM belay_state");
  const auto numbers = rows("SELECT last_lsn FROM belay_state");
  if (ids.size() != 1) throw Violation(fmt::format("O2: belay_state has {} rows", ids.size()));
  return OwnRow{ids[0].substr(1), std::stoull(numbers[0].substr(1))};
}

void PlainDatabase::expect_sound() {
  const auto found = rows("PRAGMA integrity_check");
  if (found != std::vector<std::string>{"3ok"})
    throw Violation(fmt::format("O4: integrity_check: {}", fmt::join(found, "; ")));
  const auto dangling = rows("PRAGMA foreign_key_check");
  if (!dangling.empty()) throw Violation(fmt::format("O4: foreign_key_check: {}", fmt::join(dangling, "; ")));
}

void make_database(const Scenario& scenario, Mode mode, const std::filesystem::path& file) {
  if (scenario.database.empty() && !is_kept(mode)) return;
  PlainDatabase database(file);
  if (is_kept(mode)) database.rows(fmt::format("PRAGMA journal_mode = {}", name(mode)));
  for (const auto& sql : scenario.database) database.run(sql);
  if (is_kept(mode)) database.rows("PRAGMA wal_checkpoint(TRUNCATE)");
}

std::vector<State> model(const Scenario& scenario, Mode mode, const std::filesystem::path& file) {
  make_database(scenario, mode, file);
  PlainDatabase database(file);
  std::size_t at = 0;
  const auto go_to = [&](std::size_t end) {
    for (; at < end; ++at)
      for (const auto& sql : scenario.scripts[at].up) database.run(sql);
    for (; at > end; --at)
      for (const auto& sql : scenario.scripts[at - 1].down) database.run(sql);
  };
  std::vector<State> states;
  for (const auto end : scenario.path) {
    go_to(end);
    auto& state = states.emplace_back(database.state());
    for (std::size_t i = 0; i < end; ++i) state.stamps.push_back(scenario.scripts[i].id);
  }
  return states;
}

}  // namespace belay::faults

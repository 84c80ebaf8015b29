#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

#include "tests/faults/scenario.h"

namespace belay::faults {

/// Something that must not happen; `what` says what was expected, and what was there.
class Violation : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// What a user can tell of a database: schema, rows with rowids, sqlite_sequence, and the settings that are kept in it;
/// and which revisions belay calls applied. Nothing of belay's own tables else.
struct State {
  std::string contents;
  std::vector<std::string> stamps;

  friend bool operator==(const State&, const State&) = default;
};

/// belay's row in a database.
struct OwnRow {
  std::string database_id;
  std::uint64_t last_lsn = 0;
};

/// SQLite without belay: the application that uses the database.
class PlainDatabase {
 public:
  /// Opens or creates it. It leaves a WAL as it is when it closes.
  explicit PlainDatabase(const std::filesystem::path& file);
  PlainDatabase(const PlainDatabase&) = delete;
  PlainDatabase& operator=(const PlainDatabase&) = delete;
  ~PlainDatabase();

  /// @throws std::runtime_error with SQLite's message and the statement.
  void run(const std::string& sql);
  /// The rows, each column as an SQL literal, divided by `|`.
  std::vector<std::string> rows(const std::string& sql);

  State state();
  /// All of its pages, whether they are in the file or in its WAL, but for the change counter and what goes with it.
  std::string bytes();
  std::optional<OwnRow> own_row();
  /// @throws Violation with what integrity_check and foreign_key_check say (O4).
  void expect_sound();

 private:
  struct Handle;
  Handle* handle_;
};

/// What the scripts make of the scenario's database by plain SQLite, for each entry of its path, in order.
/// @param file  a database to work on; it must not be there.
std::vector<State> model(const Scenario& scenario, Mode mode, const std::filesystem::path& file);

/// Makes a scenario's database, where it has one, in this journal mode.
void make_database(const Scenario& scenario, Mode mode, const std::filesystem::path& file);

}  // namespace belay::faults

#include "tests/faults/scenario.h"

#include <algorithm>
#include <stdexcept>

namespace belay::faults {
namespace {

/// Numbers 1 to `count` as `i`, for an INSERT … SELECT.
std::string numbers(int count) {
  return "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < " + std::to_string(count) + ") ";
}

std::vector<std::string> rooms() {
  return {"CREATE TABLE rooms (id INTEGER PRIMARY KEY, code TEXT NOT NULL, seats INTEGER)",
          "INSERT INTO rooms " + numbers(40) + "SELECT i, 'room ' || i, i % 7 FROM n",
          "DELETE FROM rooms WHERE id % 9 = 0"};
}

Script script(std::string id, std::vector<std::string> up, std::vector<std::string> down = {"SELECT 1"}) {
  return {.id = std::move(id), .up = std::move(up), .down = std::move(down)};
}

/// Three small ones, each of which adds a table and rows.
std::vector<Script> small_scripts(int count) {
  std::vector<Script> scripts;
  for (int i = 1; i <= count; ++i) {
    const auto n = std::to_string(i);
    scripts.push_back(script(
        "00" + n,
        {"CREATE TABLE t" + n + " (id INTEGER PRIMARY KEY, v TEXT)", "INSERT INTO t" + n + " (v) VALUES ('a'), ('b')"},
        {"DROP TABLE t" + n}));
  }
  return scripts;
}

Scenario migrates(std::string name, std::vector<std::string> database, std::vector<Script> scripts) {
  Scenario made{.name = std::move(name),
                .database = std::move(database),
                .scripts = std::move(scripts),
                .command = {"migrate"},
                .path = {},
                .mend = {"migrate"}};
  for (std::size_t i = 0; i <= made.scripts.size(); ++i) made.path.push_back(i);
  return made;
}

Scenario add_column() {
  return migrates(
      "add-column", rooms(),
      {script("001", {"ALTER TABLE rooms ADD COLUMN label TEXT", "UPDATE rooms SET label = upper(code) WHERE seats > 2",
                      "UPDATE rooms SET label = '' WHERE label IS NULL"})});
}

Scenario rebuild() {
  auto database = rooms();
  database.insert(database.end(),
                  {"CREATE INDEX rooms_seats ON rooms (seats, code)", "CREATE TABLE log (what TEXT)",
                   "CREATE TRIGGER rooms_gone AFTER DELETE ON rooms BEGIN INSERT INTO log VALUES (old.code); END",
                   "CREATE VIEW big AS SELECT code FROM rooms WHERE seats > 3"});
  return migrates(
      "rebuild", std::move(database),
      {script("001",
              {"DROP VIEW big",
               "CREATE TABLE rooms_new (id INTEGER PRIMARY KEY, code TEXT NOT NULL UNIQUE, seats INTEGER NOT NULL)",
               "INSERT INTO rooms_new SELECT id, code, seats FROM rooms", "DROP TABLE rooms",
               "ALTER TABLE rooms_new RENAME TO rooms", "CREATE INDEX rooms_seats ON rooms (seats, code)",
               "CREATE TRIGGER rooms_gone AFTER DELETE ON rooms BEGIN INSERT INTO log VALUES (old.code); END",
               "CREATE VIEW big AS SELECT code FROM rooms WHERE seats > 3"}),
       script("002", {"INSERT INTO rooms (code, seats) VALUES ('new', 9)"})});
}

Scenario update_rows() {
  return migrates("update", rooms(),
                  {script("001", {"UPDATE rooms SET seats = seats + 1, code = code || '!'"}),
                   script("002", {"DELETE FROM rooms WHERE seats = 3"})});
}

Scenario drop_table() {
  auto database = rooms();
  database.push_back("CREATE TABLE kept (v BLOB)");
  database.push_back("INSERT INTO kept " + numbers(5) + "SELECT zeroblob(i * 100) FROM n");
  auto made = migrates("drop-table", std::move(database), {script("001", {"DROP TABLE rooms"})});
  made.backs_up = true;
  return made;
}

Scenario create_and_fill() {
  return migrates("create-and-fill", rooms(),
                  {script("001", {"CREATE TABLE bookings (id INTEGER PRIMARY KEY, room INTEGER, note TEXT)",
                                  "INSERT INTO bookings (room, note) SELECT id, hex(zeroblob(id * 4)) FROM rooms",
                                  "CREATE INDEX bookings_room ON bookings (room)"}),
                   script("002", {"UPDATE bookings SET note = 'n' || id WHERE id % 2 = 0"}),
                   script("003", {"CREATE VIEW noted AS SELECT note FROM bookings"})});
}

Scenario parent() {
  auto database = rooms();
  database.insert(
      database.end(),
      {"CREATE TABLE bookings (id INTEGER PRIMARY KEY, room INTEGER NOT NULL REFERENCES rooms (id) ON DELETE "
       "CASCADE)",
       "INSERT INTO bookings (room) SELECT id FROM rooms WHERE seats > 1"});
  return migrates("parent", std::move(database),
                  {script("001", {"CREATE TABLE rooms_new (id INTEGER PRIMARY KEY, code TEXT NOT NULL, seats REAL)",
                                  "INSERT INTO rooms_new SELECT id, code, seats FROM rooms", "DROP TABLE rooms",
                                  "ALTER TABLE rooms_new RENAME TO rooms"})});
}

Scenario without_rowid() {
  return migrates("without-rowid",
                  {"CREATE TABLE pairs (a TEXT, b INTEGER, c TEXT, PRIMARY KEY (b, a)) WITHOUT ROWID",
                   "INSERT INTO pairs " + numbers(30) + "SELECT 'p' || i, i % 5, hex(i) FROM n",
                   "CREATE TABLE counted (id INTEGER PRIMARY KEY AUTOINCREMENT, v TEXT)",
                   "INSERT INTO counted (v) " + numbers(12) + "SELECT i FROM n", "DELETE FROM counted WHERE id > 8"},
                  {script("001", {"INSERT INTO counted (v) VALUES ('next')", "UPDATE pairs SET c = c || a WHERE b > 1",
                                  "DELETE FROM pairs WHERE b = 0"}),
                   script("002", {"CREATE TABLE more (id INTEGER PRIMARY KEY AUTOINCREMENT, b INTEGER)",
                                  "INSERT INTO more (b) SELECT b FROM pairs"})});
}

Scenario large_rows() {
  return migrates(
      "large-rows",
      {"CREATE TABLE documents (id INTEGER PRIMARY KEY, body BLOB)",
       "INSERT INTO documents " + numbers(4) + "SELECT i, zeroblob(i * 9000) || 'x' FROM n"},
      {script("001", {"UPDATE documents SET body = body || hex(zeroblob(3000)) WHERE id % 2 = 0",
                      "DELETE FROM documents WHERE id = 3", "INSERT INTO documents VALUES (9, zeroblob(20000))"})});
}

Scenario failing_step() {
  auto made = migrates(
      "failing-step", rooms(),
      {script("001", {"CREATE TABLE notes (v TEXT)", "INSERT INTO notes SELECT code FROM rooms"}),
       {.id = "002",
        .up = {"SELECT 1"},
        .down = {"SELECT 1"},
        .text = "-- migrate:step a transaction:off\nUPDATE rooms SET seats = seats + 1;\n-- migrate:step b "
                "transaction:off\nDELETE FROM notes;\n-- migrate:step c\nINSERT INTO rooms (id) VALUES (1);"}});
  made.exit = made.mend_exit = 1;
  made.path = {0, 1};
  return made;
}

Scenario interrupted_plan() {
  auto scripts = small_scripts(5);
  for (auto& one : scripts) {
    one.up.push_back("UPDATE rooms SET seats = seats + 1");
    one.text = "-- migrate:step a transaction:off\n" + one.up[0] + ";\n-- migrate:step b transaction:off\n" +
               one.up[1] + ";\n-- migrate:step c batch:12 over:rooms.id\n" + one.up[2] +
               " WHERE id BETWEEN :lo AND :hi;";
  }
  auto made = migrates("interrupted", rooms(), std::move(scripts));
  made.exit = 143;
  made.signal_at_percent = 55;
  return made;
}

Scenario down() {
  auto made = migrates(
      "down", rooms(),
      {script("001", {"CREATE TABLE a (x TEXT)", "INSERT INTO a SELECT code FROM rooms"}, {"DROP TABLE a"}),
       script("002", {"ALTER TABLE rooms ADD COLUMN label TEXT DEFAULT 'l'"}, {"ALTER TABLE rooms DROP COLUMN label"}),
       script("003", {"CREATE INDEX rooms_code ON rooms (code)"}, {"DROP INDEX rooms_code"})});
  made.applied = 3;
  made.command = made.mend = {"downgrade", "001"};
  made.path = {3, 2, 1};
  return made;
}

Scenario first_run() {
  return migrates("first-run", {}, small_scripts(3));
}

Scenario second_run() {
  auto made = migrates("second-run", {}, small_scripts(4));
  made.applied = 2;
  made.path = {2, 3, 4};
  return made;
}

/// Steps outside of a transaction, and one that no transaction can hold.
Scenario outside() {
  return migrates(
      "outside", rooms(),
      {{.id = "001",
        .up = {"UPDATE rooms SET seats = seats + 1", "DELETE FROM rooms WHERE id < 20",
               "INSERT INTO rooms VALUES (99, 'last', 1)", "VACUUM"},
        .down = {"SELECT 1"},
        .text = "-- migrate:step a transaction:off\nUPDATE rooms SET seats = seats + 1;\n-- migrate:step b\n"
                "DELETE FROM rooms WHERE id < 20;\nINSERT INTO rooms VALUES (99, 'last', 1);\n-- "
                "migrate:step v transaction:off\nVACUUM;"}});
}

/// A command on a database that two scripts have been applied to.
Scenario command(std::string name, Words words, std::vector<std::size_t> path) {
  auto made =
      migrates(std::move(name), rooms(),
               {script("001", {"CREATE TABLE a (x TEXT)", "INSERT INTO a SELECT code FROM rooms"}, {"DROP TABLE a"}),
                script("002", {"UPDATE rooms SET seats = seats + 1", "CREATE INDEX a_x ON a (x)"},
                       {"DROP INDEX a_x", "UPDATE rooms SET seats = seats - 1"})});
  made.applied = made.scripts.size();
  made.command = std::move(words);
  made.path = std::move(path);
  made.mend = {"recover", "--forward"};
  made.completes = false;
  made.finish = made.command;
  return made;
}

Scenario undo_run() {
  auto made = command("undo-run", {"recover", "undo-run", "--yes"}, {2, 0});
  made.finish = {"migrate"};
  return made;
}

Scenario restore() {
  auto made = command("restore", {"recover", "restore", "--yes"}, {2, 1});
  made.applied = 1;
  made.before = {{"backup"}, {"migrate"}};
  return made;
}

/// With nothing in the database but what the scripts make.
Scenario replayable(Scenario made) {
  made.database = {};
  made.scripts = small_scripts(3);
  made.applied = made.scripts.size();
  return made;
}

Scenario reset() {
  return replayable(command("reset", {"reset", "--yes"}, {3, 2, 1, 0, 1, 2, 3}));
}

/// The version table has lost a row, by hand.
Scenario fix_state() {
  auto made = replayable(command("fix-state", {"recover", "fix-state", "--yes"}, {3, 3}));
  made.by_hand = "DELETE FROM belay_version WHERE revision = '003'";
  return made;
}

}  // namespace

std::string_view name(Mode mode) {
  switch (mode) {
    case Mode::rollback:
      return "delete";
    case Mode::wal:
      return "wal";
    case Mode::truncate:
      return "truncate";
    case Mode::persist:
      return "persist";
  }
  throw std::logic_error("a journal mode");
}

std::string_view name(Policy policy) {
  return policy == Policy::forward ? "forward" : "back";
}

const std::vector<Scenario>& scenarios() {
  static const std::vector<Scenario> all{
      add_column(), rebuild(),       update_rows(), drop_table(),   create_and_fill(),
      parent(),     without_rowid(), large_rows(),  failing_step(), interrupted_plan(),
      down(),       first_run(),     second_run(),  outside(),      command("backup", {"backup"}, {2}),
      reset(),      undo_run(),      restore(),     fix_state(),
  };
  return all;
}

const Scenario& scenario(std::string_view name) {
  const auto found =
      std::find_if(scenarios().begin(), scenarios().end(), [&](const auto& one) { return one.name == name; });
  if (found == scenarios().end()) throw std::out_of_range("no scenario is called " + std::string(name));
  return *found;
}

}  // namespace belay::faults

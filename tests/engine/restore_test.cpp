// What a SQLite connection overwrites is kept, and SQLite puts it back: byte for byte, in every mode.

#include <filesystem>
#include <ostream>

#include "engine/connection.h"
#include "tests/engine/fixture.h"
#include "tests/engine/kept.h"
#include "tests/engine/raw.h"

namespace belay::engine {
namespace {

struct Mode {
  friend void PrintTo(const Mode& mode, std::ostream* out) { *out << mode.name; }
  std::string name;
  std::vector<std::string> pragmas;
  bool wal = false;
};

class RestoreTest : public testing::TestWithParam<Mode> {
 protected:
  void make(const std::string& content) {
    Raw raw(file);
    for (const auto& pragma : GetParam().pragmas) raw.run("PRAGMA " + pragma);
    raw.run(content);
    if (GetParam().wal) {
      raw.run("PRAGMA journal_mode = WAL");
      raw.run("CREATE TABLE in_wal (x)");
    }
  }
  /// The main file once everything is in it.
  [[nodiscard]] std::string bytes() const {
    if (GetParam().wal) engine::run(file, "PRAGMA wal_checkpoint(TRUNCATE)");
    return without_counter(read_file(file));
  }
  void connect() { connection = engine::connect({"sqlite", file}, {.lock_timeout = std::chrono::milliseconds(200)}); }

  void unit(const std::vector<std::string>& statements) {
    kept.units.emplace_back();
    connection->capture(&kept);
    connection->begin();
    for (const auto& sql : statements) connection->run({sql, "a.sql", 1}, {});
    connection->commit();
    EXPECT_EQ(kept.images_at_seal, kept.units.back().images.size()) << "an image after its commit point";
    connection->capture(nullptr);
  }
  void alone(const std::string& sql) {
    kept.units.emplace_back();
    connection->capture(&kept);
    connection->run({sql, "a.sql", 1}, {});
    connection->capture(nullptr);
  }
  void restore(std::size_t first = 0) {
    Unheard unheard;
    connection->restore(kept.restoration(first), unheard);
  }

  Folder folder;
  std::string file = folder / "app.db";
  std::unique_ptr<Connection> connection;
  Kept kept;
};

const std::string content =
    "CREATE TABLE t (id INTEGER PRIMARY KEY, v TEXT, n INTEGER);"
    "CREATE INDEX tn ON t (n);"
    "INSERT INTO t WITH RECURSIVE c(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM c WHERE i < 800)"
    "  SELECT i, hex(randomblob(60)), i % 7 FROM c;"
    "CREATE VIRTUAL TABLE f USING fts5(words);"
    "INSERT INTO f SELECT v FROM t;"
    "CREATE TABLE log (what);"
    "CREATE TRIGGER tr AFTER UPDATE ON t BEGIN INSERT INTO log VALUES (new.id); END;"
    "DELETE FROM t WHERE id BETWEEN 300 AND 400";

TEST_P(RestoreTest, PutsBackEveryByteAfterAnything) {
  make(content);
  const auto before = bytes();
  connect();
  unit({"ALTER TABLE t ADD COLUMN c TEXT DEFAULT 'q'", "UPDATE t SET v = v || v WHERE id % 3 = 0"});
  unit({"CREATE TABLE u AS SELECT * FROM t", "INSERT INTO f SELECT 'more ' || id FROM t"});
  unit({"DROP INDEX tn", "DROP TABLE log", "DROP TRIGGER tr"});
  unit({"DELETE FROM t WHERE id > 200"});
  alone("VACUUM");
  unit({"UPDATE t SET n = 0", "ALTER TABLE t DROP COLUMN v"});
  restore();
  EXPECT_EQ(connection->query("PRAGMA integrity_check")[0][0], Value(std::string("ok")));
  EXPECT_EQ(engine::read(file, "SELECT count(*) FROM t"), "699");
  connection.reset();
  EXPECT_TRUE(bytes() == before);
}

TEST_P(RestoreTest, PutsBackTheNewestTransactionOnly) {
  make(content);
  connect();
  unit({"UPDATE t SET n = 1"});
  connection.reset();
  const auto before = bytes();
  connect();
  unit({"UPDATE t SET n = 2", "DROP TABLE f"});
  unit({"UPDATE t SET n = 3"});
  restore(1);
  connection.reset();
  EXPECT_TRUE(bytes() == before);
}

TEST_P(RestoreTest, PutsBackALargeTransactionThatSpilled) {
  make(content);
  const auto before = bytes();
  connect();
  const std::string fill =
      "CREATE TABLE big AS WITH RECURSIVE c(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM c WHERE i < 6000) "
      "SELECT i, randomblob(1000) AS b FROM c";
  unit({fill, "UPDATE t SET v = hex(randomblob(500))", "DELETE FROM big WHERE i % 2 = 0", "UPDATE t SET n = n + 1",
        "DROP TABLE big"});
  restore();
  connection.reset();
  EXPECT_TRUE(bytes() == before);
}

TEST_P(RestoreTest, RefusesOnceSomebodyElseHasWritten) {
  make(content);
  connect();
  unit({"UPDATE t SET n = 1"});
  engine::run(file, "UPDATE t SET n = 5 WHERE id = 7");
  EXPECT_EQ(code_of([this] { restore(); }), ErrorCode::foreign_writes);
  EXPECT_EQ(engine::read(file, "SELECT n FROM t WHERE id IN (7, 8)"), "5\n1");
  EXPECT_EQ(engine::read(file, "PRAGMA journal_mode"), GetParam().wal ? "wal" : "delete");
}

TEST_P(RestoreTest, ChainHoldsFromTransactionToTransaction) {
  make(content);
  connect();
  unit({"UPDATE t SET n = 1"});
  unit({"UPDATE t SET n = 2"});
  alone("VACUUM");
  unit({"DELETE FROM t WHERE id < 100"});
  for (std::size_t i = 1; i < kept.units.size(); ++i)
    EXPECT_TRUE(connection->follows(kept.units[i].footprints.at(0).first, kept.units[i - 1].footprints.back().second))
        << i;
  engine::run(file, "UPDATE f SET words = 'x'");
  unit({"UPDATE t SET n = 4"});
  EXPECT_FALSE(connection->follows(kept.units.back().footprints.at(0).first, kept.units[3].footprints.back().second));
}

TEST_P(RestoreTest, RolledBackWorkIsSealedByNobody) {
  make(content);
  connect();
  kept.units.emplace_back();
  connection->capture(&kept);
  connection->begin();
  connection->run({"UPDATE t SET v = hex(randomblob(3000))", "a.sql", 1}, {});
  connection->rollback();
  connection->capture(nullptr);
  EXPECT_TRUE(kept.units.back().footprints.empty());
}

INSTANTIATE_TEST_SUITE_P(
    Modes, RestoreTest,
    testing::Values(Mode{"rollback", {}}, Mode{"wal", {}, true}, Mode{"page512", {"page_size = 512"}},
                    Mode{"page512wal", {"page_size = 512"}, true}, Mode{"page65536", {"page_size = 65536"}},
                    Mode{"page65536wal", {"page_size = 65536"}, true}, Mode{"auto_vacuum", {"auto_vacuum = FULL"}},
                    Mode{"auto_vacuum_wal", {"auto_vacuum = FULL"}, true},
                    Mode{"incremental", {"auto_vacuum = INCREMENTAL", "page_size = 1024"}},
                    Mode{"utf16", {"encoding = 'UTF-16le'"}}),
    [](const auto& mode) { return mode.param.name; });

}  // namespace
}  // namespace belay::engine

// Before-images beside others who use the database, across changes of its mode, and when something fails.

#include <fmt/format.h>
#include <sqlite3.h>

#include <stdexcept>

#include "engine/connection.h"
#include "tests/engine/fixture.h"
#include "tests/engine/kept.h"
#include "tests/engine/raw.h"

namespace belay::engine {
namespace {

using std::chrono::milliseconds;

class CaptureTest : public testing::Test {
 protected:
  CaptureTest() { engine::run(file, rows); }

  void connect() {
    connection.reset();
    connection = engine::connect({"sqlite", file}, {.lock_timeout = milliseconds(50)});
  }
  void run(const std::string& sql) { connection->run({sql, "a.sql", 1}, {}); }
  void begin_unit() {
    kept.units.emplace_back();
    connection->capture(&kept);
    connection->begin();
  }
  void end_unit() {
    connection->commit();
    connection->capture(nullptr);
  }
  void unit(const std::string& sql) {
    begin_unit();
    run(sql);
    end_unit();
  }
  void alone(const std::string& sql) {
    kept.units.emplace_back();
    connection->capture(&kept);
    run(sql);
    connection->capture(nullptr);
  }
  void restore() {
    Unheard unheard;
    connection->restore(kept.restoration(), unheard);
  }
  void wal() const { engine::run(file, "PRAGMA journal_mode = WAL"); }
  [[nodiscard]] std::string bytes() const {
    if (engine::read(file, "PRAGMA journal_mode") == "wal") engine::run(file, "PRAGMA wal_checkpoint(TRUNCATE)");
    return without_counter(read_file(file));
  }
  void expect_chain() {
    for (std::size_t i = 1; i < kept.units.size(); ++i)
      EXPECT_TRUE(connection->follows(kept.units[i].footprints.at(0).first, kept.units[i - 1].footprints.back().second))
          << kept.units[i - 1].footprints.back().second << "\n"
          << kept.units[i].footprints.at(0).first;
  }

  static constexpr const char* rows =
      "CREATE TABLE t (id INTEGER PRIMARY KEY, v TEXT);"
      "INSERT INTO t WITH RECURSIVE c(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM c WHERE i < 500)"
      "  SELECT i, hex(zeroblob(100)) FROM c";

  Folder folder;
  std::string file = folder / "app.db";
  std::unique_ptr<Connection> connection;
  Kept kept;
};

// --- Others ---

TEST_F(CaptureTest, IdleConnectionDoesNotTakeItsCacheForFresh) {
  Raw idle(file);
  connect();
  unit("UPDATE t SET v = 'migrated' WHERE id = 7");
  EXPECT_EQ(idle.read("SELECT v FROM t WHERE id = 7"), "migrated");
  Raw until_somebody_writes(file);
  EXPECT_EQ(until_somebody_writes.read("SELECT v FROM t WHERE id = 7"), "migrated");
  restore();
  connection.reset();
  EXPECT_EQ(idle.read("SELECT length(v) FROM t WHERE id = 7"), "200");
  engine::run(file, "UPDATE t SET v = 'later' WHERE id = 399");
  EXPECT_EQ(until_somebody_writes.read("SELECT length(v) FROM t WHERE id = 7"), "200");
  for (int i = 0; i < 8; ++i) {
    engine::run(file, "UPDATE t SET v = 'later' WHERE id = 400");
    EXPECT_EQ(idle.read("SELECT length(v) FROM t WHERE id = 7"), "200");
  }
}

TEST_F(CaptureTest, IdleConnectionDoesNotTakeItsSchemaForFresh) {
  Raw idle(file);
  connect();
  unit("CREATE TABLE a (x)");
  EXPECT_EQ(idle.read("SELECT count(*) FROM a"), "0");
  restore();
  unit("SELECT 1");
  begin_unit();
  connection->outgrow(kept.units[0].footprints.back().second);
  run("CREATE TABLE b (y, z)");
  end_unit();
  EXPECT_THROW(idle.read("SELECT count(*) FROM a"), std::runtime_error);
  EXPECT_EQ(idle.read("SELECT count(*) FROM b"), "0");
}

TEST_F(CaptureTest, IdleConnectionOfAnEmptyFileDoesNotTakeItsCacheForFresh) {
  std::filesystem::remove(file);
  connect();
  unit("CREATE TABLE a (x)");
  Raw idle(file);
  EXPECT_EQ(idle.read("SELECT name FROM sqlite_schema"), "a");
  restore();
  EXPECT_EQ(engine::read(file, "SELECT count(*) FROM sqlite_schema"), "0");
  EXPECT_EQ(engine::read(file, "PRAGMA integrity_check"), "ok");
  engine::run(file, "CREATE TABLE b (y)");
  EXPECT_EQ(idle.read("SELECT name FROM sqlite_schema"), "b");
}

TEST_F(CaptureTest, WalOfOthersWhoAreConnectedIsNotPutBackBeneathThem) {
  wal();
  connect();
  unit("DELETE FROM t");
  {
    Raw other(file);
    EXPECT_EQ(other.read("SELECT count(*) FROM t"), "0");
    EXPECT_EQ(code_of([this] { restore(); }), ErrorCode::busy);
    EXPECT_EQ(other.read("SELECT count(*) FROM t"), "0");
    EXPECT_EQ(other.read("PRAGMA journal_mode"), "wal");
  }
  restore();
  EXPECT_EQ(engine::read(file, "SELECT count(*) FROM t"), "500");
  EXPECT_EQ(engine::read(file, "PRAGMA journal_mode"), "wal");
}

TEST_F(CaptureTest, BusyNamesTheProcessThatIsInTheWay) {
  wal();
  std::array<int, 2> ready{};
  ASSERT_EQ(pipe(ready.data()), 0);
  const pid_t child = start([&] {
    Raw other(file);
    other.run("SELECT count(*) FROM t");
    EXPECT_EQ(write(ready[1], "x", 1), 1);
    pause();
  });
  char byte = 0;
  ASSERT_EQ(::read(ready[0], &byte, 1), 1);
  connect();
  unit("DELETE FROM t");
  const std::string message = error_of([this] { restore(); }).what();
  EXPECT_NE(message.find("process " + std::to_string(child)), std::string::npos) << message;
  kill(child, SIGKILL);
  wait_for(child);
  connection.reset();
}

TEST_F(CaptureTest, CheckpointsOfOthersWithinATransactionDoNotMatter) {
  wal();
  {
    Raw other(file);
    other.run("UPDATE t SET v = 'in the WAL' WHERE id % 2 = 0");
    connect();
    begin_unit();
    run("UPDATE t SET v = v || 'a' WHERE id < 250");
    other.run("PRAGMA wal_checkpoint(PASSIVE)");
    run("UPDATE t SET v = v || 'b'");
    end_unit();
    other.run("PRAGMA wal_checkpoint(TRUNCATE)");
    EXPECT_EQ(other.read("SELECT count(*) FROM t WHERE v LIKE '%ab'"), "249");
  }
  Unheard unheard;
  auto what = kept.restoration();
  EXPECT_EQ(code_of([&] { connection->restore(what, unheard); }), ErrorCode::foreign_writes);  // Nothing is proven.
  what.expected.clear();
  connection->restore(what, unheard);
  EXPECT_EQ(engine::read(file, "SELECT count(*) FROM t WHERE v = 'in the WAL'"), "250");
  EXPECT_EQ(engine::read(file, "SELECT count(*) FROM t WHERE v LIKE '%a' OR v LIKE '%b'"), "0");
}

TEST_F(CaptureTest, WalThatBeginsAnewIsNotReadForOldPages) {
  wal();
  Raw other(file);
  other.run("UPDATE t SET v = 'first'");
  connect();
  connection->query("SELECT * FROM t");
  other.run("PRAGMA wal_checkpoint(FULL)");
  unit("UPDATE t SET v = 'second'");
  for (const auto& [place, content] : kept.units[0].images)
    EXPECT_EQ(content.find("second"), std::string::npos) << place;
  EXPECT_GT(kept.units[0].images.size(), 1U);
  other.run("PRAGMA wal_checkpoint(TRUNCATE)");
}

/// What had not been written of them yet waits in memory, for a place that others have written to since.
TEST_F(CaptureTest, FramesOfARollbackAreNotWrittenOverThoseOfOthers) {
  wal();
  const auto rows_of = [](int bytes) {  // 12 MB and more: SQLite's cache does not take them.
    return fmt::format(
        "INSERT INTO t WITH RECURSIVE c(i) AS (SELECT 501 UNION ALL SELECT i + 1 FROM c WHERE i < {})"
        "  SELECT i, hex(zeroblob({})) FROM c",
        12'000'000 / bytes, bytes);
  };
  connect();
  begin_unit();
  run(rows_of(1000));
  connection->rollback();
  connection->capture(nullptr);
  Raw other(file);
  other.run("PRAGMA wal_autocheckpoint = 0");
  other.run(rows_of(300));
  const auto theirs = other.read("SELECT sum(length(v)) FROM t");
  unit("UPDATE t SET v = '1' || substr(v, 2) WHERE id = 1");
  EXPECT_EQ(Raw(file).read("PRAGMA integrity_check"), "ok");
  EXPECT_EQ(Raw(file).read("SELECT sum(length(v)) FROM t"), theirs);
}

TEST_F(CaptureTest, ReaderWithAnOldSnapshotDoesNotMatter) {
  wal();
  const auto before = bytes();
  {
    Raw reader(file);
    reader.run("BEGIN; SELECT count(*) FROM t");
    connect();
    unit("UPDATE t SET v = 'x'");
    unit("DELETE FROM t WHERE id > 5");
  }
  restore();
  connection.reset();
  EXPECT_TRUE(bytes() == before);
}

TEST_F(CaptureTest, HotJournalOfAKilledProcessIsPlayedBackFirst) {
  const auto before = bytes();
  connect();
  const int status = run_child([this] {
    Raw other(file);
    other.run("PRAGMA cache_size = 2; BEGIN; UPDATE t SET v = hex(randomblob(90)); SELECT * FROM t");
    kill(getpid(), SIGKILL);
  });
  ASSERT_TRUE(was_killed(status));
  ASSERT_FALSE(read_file(file + "-journal").empty());
  unit("DELETE FROM t WHERE id > 400");  // Its BEGIN plays the journal back.
  EXPECT_EQ(engine::read(file, "SELECT count(*) FROM t WHERE v = hex(zeroblob(100))"), "400");
  restore();
  connection.reset();
  EXPECT_TRUE(bytes() == before);
}

// --- Changes of the mode ---

TEST_F(CaptureTest, ChangesOfTheModeAreTakenBack) {
  const auto before = bytes();
  connect();
  unit("UPDATE t SET v = '1'");
  alone("PRAGMA journal_mode = WAL");
  unit("UPDATE t SET v = '2'");
  alone("PRAGMA journal_mode = DELETE");
  unit("UPDATE t SET v = '3'");
  alone("PRAGMA journal_mode = TRUNCATE");
  unit("UPDATE t SET v = '4'");
  alone("PRAGMA journal_mode = PERSIST");
  unit("UPDATE t SET v = '5'");
  kept.units.erase(kept.units.begin() + 5);  // What changes nothing in the file has no footprint.
  kept.units.erase(kept.units.begin() + 6);
  expect_chain();
  restore();
  connection.reset();
  EXPECT_TRUE(bytes() == before);
  EXPECT_EQ(engine::read(file, "PRAGMA journal_mode"), "delete");
}

TEST_F(CaptureTest, ChangesOfThePageSizeAreTakenBack) {
  for (const int size : {512, 8192, 65536}) {
    kept.units.clear();
    const auto before = bytes();
    connect();
    unit("UPDATE t SET v = v || '1'");
    connection->run({"PRAGMA page_size = " + std::to_string(size), "a.sql", 1}, {});
    alone("VACUUM");
    unit("UPDATE t SET v = v || '2' WHERE id > 100");
    expect_chain();
    EXPECT_EQ(engine::read(file, "PRAGMA page_size"), std::to_string(size));
    restore();
    connection.reset();
    EXPECT_TRUE(bytes() == before) << size;
  }
}

// --- Evidence ---

TEST_F(CaptureTest, SettledWalIsKnownAgainByTheNextProcess) {
  wal();
  connect();
  unit("UPDATE t SET v = 'x'");
  connection->settle(kept);
  const auto left = kept.units.back().footprints.back().second;
  connect();
  connection->begin();
  EXPECT_TRUE(connection->follows(connection->footprint(), left));
  connection->rollback();
  connection.reset();
  engine::run(file, "UPDATE t SET v = 'foreign' WHERE id = 1");
  connect();
  connection->begin();
  EXPECT_FALSE(connection->follows(connection->footprint(), left));
  connection->rollback();
}

TEST_F(CaptureTest, FootprintThatCannotBeReadProvesNothing) {
  connect();
  EXPECT_EQ(code_of([this] { static_cast<void>(connection->follows("pages=x", "")); }), ErrorCode::foreign_writes);
}

// --- Failures ---

/// Fails as a journal on a full disk does.
class Failing final : public BeforeImages {
 public:
  explicit Failing(bool at_seal) : at_seal_(at_seal) {}
  void keep(std::uint64_t /*place*/, std::string_view /*content*/) override {
    if (!at_seal_) throw std::logic_error("keep");
  }
  void seal(const std::string& /*before*/, const std::string& /*after*/) override {
    if (at_seal_) throw std::logic_error("seal");
  }

 private:
  bool at_seal_;
};

class FailingCaptureTest : public CaptureTest, public testing::WithParamInterface<bool> {};

TEST_P(FailingCaptureTest, NothingIsCommittedWithoutItsImages) {
  if (GetParam()) wal();
  const auto before = bytes();
  connect();
  for (const bool at_seal : {false, true}) {
    Failing failing(at_seal);
    connection->capture(&failing);
    connection->begin();
    EXPECT_THROW(
        {
          run("UPDATE t SET v = hex(randomblob(50))");
          connection->commit();
        },
        std::logic_error);
    connection->rollback();
    connection->capture(nullptr);
  }
  unit("UPDATE t SET v = 'works again'");
  restore();
  connection.reset();
  EXPECT_TRUE(bytes() == before);
}

INSTANTIATE_TEST_SUITE_P(Modes, FailingCaptureTest, testing::Bool(),
                         [](const auto& mode) { return mode.param ? "wal" : "rollback"; });

TEST_F(CaptureTest, AnotherVfsIsRefused) {
  const int status = run_child([this] {
    sqlite3_initialize();
    sqlite3_vfs_register(sqlite3_vfs_find("unix-dotfile"), 1);
    const auto error = error_of([this] { connect(); });
    EXPECT_EQ(error.code(), ErrorCode::not_understood);
    EXPECT_NE(std::string(error.what()).find("unix-dotfile"), std::string::npos);
  });
  EXPECT_EQ(status, 0);
}

}  // namespace
}  // namespace belay::engine

// Copies of a database that others use meanwhile, and the whole content of one put in the place of another's.

#include <gtest/gtest.h>
#include <signal.h>

#include <array>
#include <string>

#include "engine/connection.h"
#include "tests/engine/fixture.h"
#include "tests/engine/raw.h"

namespace belay::engine {
namespace {

class Databases {
 protected:
  /// `a` and `b` always have the same number; some hundreds of pages lie between them.
  void make(const std::string& name, const std::string& mode, int page_size = 4096, int number = 1) const {
    run(folder / name, "PRAGMA page_size = " + std::to_string(page_size) + "; PRAGMA journal_mode = " + mode +
                           "; CREATE TABLE a (n); CREATE TABLE fill (x); CREATE TABLE b (n); INSERT INTO a VALUES (" +
                           std::to_string(number) +
                           "); INSERT INTO b SELECT n FROM a; INSERT INTO fill WITH RECURSIVE n(i) AS (SELECT "
                           "1 UNION ALL SELECT i + 1 FROM n WHERE i < 1000) SELECT hex(randomblob(1000)) FROM n");
  }
  [[nodiscard]] std::unique_ptr<Connection> open(const std::string& name, bool read_only = false) const {
    return connect({"sqlite", folder / name}, {.lock_timeout = std::chrono::milliseconds(50), .read_only = read_only});
  }
  static constexpr const char* add = "BEGIN IMMEDIATE; UPDATE a SET n = n + 1; UPDATE b SET n = n + 1; COMMIT";
  [[nodiscard]] std::string numbers(const std::string& name) const {
    return read(folder / name, "SELECT a.n - b.n FROM a, b; PRAGMA integrity_check");
  }

  Folder folder;
};

class CopyTest : public Databases, public testing::TestWithParam<const char*> {};

INSTANTIATE_TEST_SUITE_P(Modes, CopyTest, testing::Values("DELETE", "WAL"));

TEST_P(CopyTest, IsTheDatabaseAtOneMoment) {
  make("app.db", GetParam());
  std::int64_t told = 0;
  open("app.db", true)->copy_to(folder / "copy.db", [&](std::int64_t done, std::int64_t total) {
    EXPECT_LE(done, total);
    told = total;
  });
  EXPECT_GT(told, 200);
  for (const char* sql : {"SELECT * FROM a, b", "SELECT sum(length(x)), min(x) FROM fill", "PRAGMA journal_mode"})
    EXPECT_EQ(read(folder / "copy.db", sql), read(folder / "app.db", sql)) << sql;
  EXPECT_EQ(numbers("copy.db"), "0\nok");
}

TEST_P(CopyTest, NothingIsReplacedOrFollowed) {
  make("app.db", GetParam());
  write_file(folder / "file", "mine");
  std::filesystem::create_symlink(folder / "nowhere", folder / "link");
  for (const char* name : {"file", "link"})
    EXPECT_EQ(code_of([&] { open("app.db")->copy_to(folder / name); }), ErrorCode::unavailable) << name;
  EXPECT_EQ(read_file(folder / "file"), "mine");
  EXPECT_FALSE(std::filesystem::exists(folder / "nowhere"));
  EXPECT_EQ(code_of([&] { open("app.db")->copy_to(folder / "no" / "copy"); }), ErrorCode::unavailable);
}

TEST_P(CopyTest, StoppedOrFailedCopyIsRemoved) {
  make("app.db", GetParam(), 512);
  std::stop_source stop;
  const auto connection = open("app.db");
  connection->stop_on(stop.get_token());
  const auto names = folder.names();
  EXPECT_EQ(code_of([&] {
              connection->copy_to(folder / "copy.db", [&](std::int64_t, std::int64_t) { stop.request_stop(); });
            }),
            ErrorCode::interrupted);
  EXPECT_THROW(
      open("app.db")->copy_to(folder / "copy.db", [](std::int64_t, std::int64_t) { throw std::runtime_error("no"); }),
      std::runtime_error);
  for (const auto& name : folder.names()) EXPECT_FALSE(name.starts_with("copy.db")) << name;
}

/// One snapshot in WAL mode; otherwise the copy begins anew, until it makes the writer wait.
TEST_P(CopyTest, WriterBetweenTheGroupsIsServedAndTheCopyIsOfOneMoment) {
  make("app.db", GetParam(), 512);
  const auto connection = open("app.db");
  Raw writer(folder / "app.db");
  int written = 0;
  int refused = 0;
  connection->copy_to(folder / "copy.db", [&](std::int64_t /*done*/, std::int64_t /*total*/) {
    try {
      writer.run(add);
      ++written;
    } catch (const std::runtime_error&) {
      ++refused;
      writer.run("ROLLBACK");
    }
  });
  const bool wal = std::string(GetParam()) == "WAL";
  EXPECT_EQ(numbers("copy.db"), "0\nok");
  EXPECT_EQ(read(folder / "copy.db", "SELECT n FROM a"), wal ? "1" : "4") << "after three writes it holds the lock";
  EXPECT_GE(written, 3);
  EXPECT_EQ(refused > 0, !wal);
}

/// Writes all the time until it is killed.
TEST_P(CopyTest, ProcessThatWritesAllTheTimeIsNotStarved) {
  make("app.db", GetParam());
  const pid_t writer = start([&] {
    Raw database(folder / "app.db");
    database.run("PRAGMA busy_timeout = 20000");
    for (;; usleep(1000)) database.run(add);
  });
  const auto number = [&] {
    return std::stoi(read(folder / "app.db", "PRAGMA busy_timeout = 20000; SELECT n FROM a").substr(6));
  };
  while (number() < 3) usleep(1000);
  int before = number();
  for (int i = 0; i < 3; ++i) {
    const std::string name = "copy" + std::to_string(i);
    connect({"sqlite", folder / "app.db"}, {.read_only = true})->copy_to(folder / name);
    EXPECT_EQ(numbers(name), "0\nok");
    for (int tries = 0; number() <= before && tries < 5000; ++tries) usleep(1000);
    EXPECT_GT(number(), before) << "the writer got no turn";
    before = number();
  }
  ::kill(writer, SIGKILL);
  wait_for(writer);
  EXPECT_EQ(numbers("app.db"), "0\nok");
}

// --- The other way round ---

struct Replacing {
  const char* mode;
  int page_size;
  const char* source_mode;
  int source_page_size;
};

class ReplaceTest : public Databases, public testing::TestWithParam<Replacing> {
 protected:
  ReplaceTest() {
    make("app.db", GetParam().mode, GetParam().page_size, 1);
    make("new.db", GetParam().source_mode, GetParam().source_page_size, 2);
  }
  [[nodiscard]] static bool sizes_differ() { return GetParam().page_size != GetParam().source_page_size; }
  [[nodiscard]] static bool is_wal() { return std::string(GetParam().mode) == "WAL"; }

  /// Another process that has the database open, and does `before`; once `meanwhile` is done it has to read `expected`.
  void beside(const std::string& before, const std::function<void()>& meanwhile, const std::string& expected,
              const std::string& question = "SELECT n FROM a") const {
    std::array<int, 2> ready{};
    std::array<int, 2> go{};
    ASSERT_EQ(::pipe(ready.data()) | ::pipe(go.data()), 0);
    const pid_t other = start([&] {
      Raw database(folder / "app.db");
      database.run(before);
      char byte = 0;
      ASSERT_EQ(::write(ready[1], "r", 1), 1);
      ASSERT_EQ(::read(go[0], &byte, 1), 1);
      EXPECT_EQ(database.read(question), expected);
    });
    char byte = 0;
    ASSERT_EQ(::read(ready[0], &byte, 1), 1);
    meanwhile();
    ASSERT_EQ(::write(go[1], "g", 1), 1);
    EXPECT_EQ(wait_for(other), 0);
    for (const int end : {ready[0], ready[1], go[0], go[1]}) ::close(end);
  }
};

INSTANTIATE_TEST_SUITE_P(Pairs, ReplaceTest,
                         testing::Values(Replacing{"DELETE", 4096, "DELETE", 4096}, Replacing{"WAL", 4096, "WAL", 4096},
                                         Replacing{"DELETE", 4096, "WAL", 4096}, Replacing{"WAL", 4096, "DELETE", 4096},
                                         Replacing{"DELETE", 512, "DELETE", 8192},
                                         Replacing{"DELETE", 8192, "DELETE", 512}, Replacing{"WAL", 4096, "WAL", 1024},
                                         Replacing{"WAL", 1024, "DELETE", 4096}));

TEST_P(ReplaceTest, ContentAndModeAreThoseOfTheSource) {
  const auto names = folder.names();
  open("app.db")->replace_with(folder / "new.db");
  for (const char* sql : {"SELECT * FROM a, b", "SELECT sum(length(x)), min(x) FROM fill", "PRAGMA journal_mode"})
    EXPECT_EQ(read(folder / "app.db", sql), read(folder / "new.db", sql)) << sql;
  EXPECT_EQ(numbers("app.db"), "0\nok");
  EXPECT_EQ(folder.names(), names);
}

TEST_P(ReplaceTest, ConnectionGoesOnWithTheNewContent) {
  run(folder / "new.db", "CREATE TABLE only_here (x); INSERT INTO only_here VALUES (7)");
  const auto connection = open("app.db");
  connection->query("SELECT * FROM a");
  connection->replace_with(folder / "new.db");
  EXPECT_EQ(connection->query("SELECT x FROM only_here"), (std::vector<Row>{{std::int64_t{7}}}));
  connection->begin();
  connection->query("UPDATE a SET n = 3");
  connection->commit();
  EXPECT_EQ(read(folder / "app.db", "SELECT n FROM a"), "3");
}

/// Where WAL mode has to be left first, it is in the way, and nothing is changed.
TEST_P(ReplaceTest, IdleConnectionOfAnotherProcessSeesTheNewContent) {
  const bool refused = is_wal() && sizes_differ();
  beside(
      "SELECT * FROM a; SELECT * FROM fill",
      [&] {
        const auto connection = open("app.db");
        if (refused)
          EXPECT_EQ(code_of([&] { connection->replace_with(folder / "new.db"); }), ErrorCode::busy);
        else
          connection->replace_with(folder / "new.db");
      },
      refused ? "1" : "2");
  EXPECT_EQ(read(folder / "app.db", "SELECT n FROM a"), refused ? "1" : "2");
}

TEST_P(ReplaceTest, WriterIsWaitedForAndThenNothingIsChanged) {
  beside(
      "BEGIN IMMEDIATE; UPDATE a SET n = 50",
      [&] { EXPECT_EQ(code_of([&] { open("app.db")->replace_with(folder / "new.db"); }), ErrorCode::busy); }, "50|1",
      "COMMIT; SELECT a.n, b.n FROM a, b");
  EXPECT_EQ(read(folder / "app.db", "SELECT n FROM a"), "50");
}

/// In WAL mode a reader keeps its snapshot; otherwise, and where WAL mode has to be left, it is in the way.
TEST_P(ReplaceTest, ReaderReadsOn) {
  const bool replaced = is_wal() && !sizes_differ();
  beside(
      "BEGIN; SELECT * FROM a",
      [&] {
        const auto connection = open("app.db");
        if (replaced)
          connection->replace_with(folder / "new.db");
        else
          EXPECT_EQ(code_of([&] { connection->replace_with(folder / "new.db"); }), ErrorCode::busy);
      },
      "1");
  EXPECT_EQ(read(folder / "app.db", "SELECT n FROM a"), replaced ? "2" : "1");
}

TEST_P(ReplaceTest, StoppedInTheMiddleChangesNothing) {
  std::stop_source stop;
  const auto connection = open("app.db");
  connection->stop_on(stop.get_token());
  stop.request_stop();
  EXPECT_EQ(code_of([&] { connection->replace_with(folder / "new.db"); }), ErrorCode::interrupted);
  EXPECT_EQ(read(folder / "app.db", "SELECT n FROM a; PRAGMA integrity_check"), "1\nok");
}

TEST_P(ReplaceTest, WhatIsNoDatabaseReplacesNothing) {
  write_file(folder / "text", std::string(9000, 'x'));
  const auto connection = open("app.db");
  EXPECT_EQ(code_of([&] { connection->replace_with(folder / "text"); }), ErrorCode::not_a_database);
  EXPECT_EQ(code_of([&] { connection->replace_with(folder / "missing"); }), ErrorCode::unavailable);
  EXPECT_EQ(connection->query("SELECT n FROM a"), (std::vector<Row>{{std::int64_t{1}}}));
}

TEST_P(ReplaceTest, WhoHasTheDatabaseOpenIsKnown) {
  const DatabaseUrl url{"sqlite", folder / "app.db"};
  EXPECT_TRUE(users(url).empty());
  beside(
      "SELECT 1 FROM a",
      [&] {
        ASSERT_EQ(users(url).size(), 1U);
        EXPECT_NE(users(url).at(0).process, ::getpid());
        EXPECT_FALSE(users(url).at(0).command.empty());
      },
      "1");
}

/// UTF-16 is what a connection clings to.
TEST(ReplaceEncodingTest, TextEncodingMayDiffer) {
  const Folder folder;
  run(folder / "app.db", "CREATE TABLE t (x); INSERT INTO t VALUES ('alt')");
  run(folder / "new.db", "PRAGMA encoding = 'UTF-16'; CREATE TABLE t (x); INSERT INTO t VALUES ('neü')");
  const auto connection = connect({"sqlite", folder / "app.db"}, {});
  connection->replace_with(folder / "new.db");
  EXPECT_EQ(connection->query("SELECT x FROM t"), (std::vector<Row>{{std::string("neü")}}));
}

}  // namespace
}  // namespace belay::engine

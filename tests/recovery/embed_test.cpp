// The example program, as a user builds and kills it.

#include <random>
#include <thread>

#include "tests/recovery/fixture.h"

namespace belay::recovery {
namespace {

class EmbedTest : public ProjectTest {
 protected:
  [[nodiscard]] std::string output() const { return read_file(folder / "output"); }
};

TEST_F(EmbedTest, MigratesAndSaysSo) {
  scripts(3);
  EXPECT_EQ(embed(), 0);
  EXPECT_NE(output().find("003"), std::string::npos) << output();
  EXPECT_NE(output().find("3 applied\n"), std::string::npos) << output();
  EXPECT_EQ(applied(), "001 002 003");
  EXPECT_EQ(embed(), 0);
  EXPECT_EQ(output(), "0 applied\n");
  expect_settled();
}

TEST_F(EmbedTest, FailsWithASentence) {
  scripts(2);
  script("003", "INSERT INTO nowhere VALUES (1);");
  EXPECT_EQ(WEXITSTATUS(embed()), 1);
  EXPECT_NE(output().find("no such table: nowhere"), std::string::npos) << output();
  EXPECT_EQ(applied(), "001 002");
}

/// Scripts of which each adds its number to a table without a key: one that ran twice would show.
TEST_F(EmbedTest, KilledAtAnyTimeItIsAtTheHeadAfterTheNextRun) {
  script("001", "CREATE TABLE t (id INTEGER);");
  for (int i = 2; i <= 200; ++i)
    script(fmt_id(i), (i % 20 == 0 ? "-- migrate:step s transaction:off\n" : "") +
                          std::string("INSERT INTO t VALUES (") + std::to_string(i) + ");");
  const auto start = std::chrono::steady_clock::now();
  ASSERT_EQ(embed(), 0);
  const auto whole = std::chrono::duration_cast<std::chrono::microseconds>(std::chrono::steady_clock::now() - start);
  std::mt19937 random(std::random_device{}());
  int killed = 0;
  for (int round = 0; round < 10; ++round) {
    std::filesystem::remove(folder / "app.db");
    std::filesystem::remove_all(folder / "app.db-belay");
    const std::chrono::microseconds moment(random() % static_cast<unsigned>(whole.count()));
    const pid_t pid = start_embed();
    std::this_thread::sleep_for(moment);
    ::kill(pid, SIGKILL);
    killed += was_killed(engine::wait_for(pid)) ? 1 : 0;
    ASSERT_EQ(embed(), 0) << output();
    EXPECT_EQ(read("SELECT count(*), count(DISTINCT id) FROM t"), "199|199") << "killed after " << moment.count();
    EXPECT_EQ(read("SELECT count(*) FROM belay_version"), "200");
    expect_settled();
  }
  RecordProperty("killed", killed);
}

}  // namespace
}  // namespace belay::recovery

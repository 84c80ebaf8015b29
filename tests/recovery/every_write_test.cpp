// Killed before every single call that changes a file, by SQLite, LMDB or belay: the state is before or after each
// revision, and the next run ends where an undisturbed one does.

#include "tests/recovery/sweep.h"

namespace belay::recovery {
namespace {

class EveryWriteTest : public Sweep<ProjectTest> {
 protected:
  /// What a user can tell from outside about the whole database.
  [[nodiscard]] std::string state() const {
    return read("SELECT type, name, sql FROM sqlite_schema WHERE name NOT LIKE '%belay_%' ORDER BY name") + "\n" +
           read("SELECT * FROM t") + "\n" + read("PRAGMA journal_mode") + "\n" + applied();
  }
  bool upgrade_dies_before_write(int call) {
    return dies_before_write(call, [&] { upgrade(); });
  }

  /// Kills at every write from the state that is there now; every `twice_every` of them a second time in restart.
  void sweep(int twice_every = 7) {
    remember();
    ASSERT_EQ(run_child([&] { upgrade(); }), 0);
    const std::string after = state();
    int call = 1;
    for (put_back(); upgrade_dies_before_write(call); put_back(), ++call) {
      if (call % twice_every == 0) upgrade_dies_before_write(1 + call % 11);
      ASSERT_NO_THROW(upgrade()) << "killed before write " << call;
      ASSERT_EQ(state(), after) << "killed before write " << call;
      expect_settled();
      if (HasFailure()) FAIL() << "killed before write " << call;
    }
    EXPECT_GT(call, 20);
    RecordProperty("writes", call - 1);
  }
};

TEST_F(EveryWriteTest, FirstRunOfADatabase) {
  scripts(3);
  sweep();
}

TEST_F(EveryWriteTest, SecondRunOfADatabase) {
  scripts(2);
  upgrade();
  scripts(4);
  settings.hooks_between = true;
  sweep();
}

TEST_F(EveryWriteTest, RunOfAWalDatabase) {
  run("PRAGMA journal_mode = WAL");
  scripts(3);
  settings.hooks_between = true;
  sweep();
}

TEST_F(EveryWriteTest, RevisionInSeveralParts) {
  script("001",
         "CREATE TABLE t (id INTEGER PRIMARY KEY, n INTEGER DEFAULT 0);\nINSERT INTO t (id) VALUES (1), (2), (3);");
  upgrade();
  script("002",
         "INSERT INTO t (id) VALUES (4);\n-- migrate:step a transaction:off\nUPDATE t SET n = n + 1;\n"
         "-- migrate:step b batch:3 over:t.id\nUPDATE t SET n = n + 10 WHERE id BETWEEN :lo AND :hi;\n"
         "-- migrate:step v transaction:off\nVACUUM;\n-- migrate:step z\nUPDATE t SET n = n + 100;");
  sweep();
}

TEST_F(EveryWriteTest, JournalModeThatIsSwitched) {
  scripts(1);
  upgrade();
  script("002",
         "-- migrate:step w transaction:off\nPRAGMA journal_mode = WAL;\n-- migrate:step i\nINSERT INTO t VALUES (2);");
  sweep();
}

TEST_F(EveryWriteTest, TableThatIsRebuilt) {
  script("001",
         "CREATE TABLE t (id INTEGER PRIMARY KEY, v TEXT);\nCREATE TABLE c (t REFERENCES t);\n"
         "INSERT INTO t WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 300) SELECT i, "
         "hex(zeroblob(40)) FROM n;\nINSERT INTO c SELECT id FROM t;");
  upgrade();
  script("002",
         "CREATE TABLE u (id INTEGER PRIMARY KEY, v TEXT NOT NULL);\nINSERT INTO u SELECT * FROM t;\nDROP TABLE t;\n"
         "ALTER TABLE u RENAME TO t;\nCREATE INDEX tv ON t (v);");
  sweep();
}

}  // namespace
}  // namespace belay::recovery

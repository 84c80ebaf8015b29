#include <gtest/gtest.h>

#include <string>

#include "versions/script.h"

namespace belay::versions {
namespace {

std::string digest(const std::string& text) {
  return parse_script(text, "1.sql").digest;
}

constexpr const char* plain = "-- migrate:up\nCREATE TABLE t (a);\nINSERT INTO t VALUES ('x  y');\n";

// Stamps in databases hold such digests: what these two say may never change.
TEST(Digest, OfTheExampleInTheDocuments) {
  EXPECT_EQ(digest("-- migrate:up\n"
                   "CREATE TABLE rooms (id INTEGER PRIMARY KEY, code TEXT); -- all of them\n"
                   "-- migrate:step backfill batch:5000 over:rooms.id\n"
                   "UPDATE rooms\n   SET code = upper(code) WHERE id BETWEEN :lo AND :hi;\n"
                   "-- migrate:down transaction:off\n"
                   "DROP TABLE rooms;\n"),
            "5bc14f6f5e0ab652db2b958a02d67461e14bc2ddacf20cbedd91a15e7f14ffc8");
}

TEST(Digest, OfAnEmptyScript) {
  EXPECT_EQ(digest("-- migrate:up\n"), "de5e3a6fa199eef137c14dd64944e07c23b67ec73b18256c2e27619c15735850");
}

TEST(Digest, DoesNotCountWhatDoesNotRun) {
  for (const char* text :
       {"-- revision: x\n-- message: m\n-- migrate:up\nCREATE TABLE t (a);\nINSERT INTO t VALUES ('x  y');\n",
        "-- migrate:up\r\n  CREATE\tTABLE /* the */ t (a); -- one\r\n\r\nINSERT INTO t\nVALUES ('x  y')",
        "-- migrate:up transaction:on\nCREATE TABLE t (a);\n-- migrate:step two\nINSERT INTO t VALUES ('x  y');\n",
        "-- migrate:down\n-- migrate:verify\n-- migrate:up\nCREATE TABLE t (a);\nINSERT INTO t VALUES ('x  y');\n",
        "-- migrate:up\nCREATE TABLE t (a);\nINSERT INTO t VALUES ('x  y');\n-- migrate:down irreversible:\"why\"\n"}) {
    EXPECT_EQ(digest(text), digest(plain)) << text;
  }
}

TEST(Digest, CountsWhatRunsAndHow) {
  for (const char* text : {"-- migrate:up\nCREATE TABLE t (a);\nINSERT INTO t VALUES ('x y');\n",
                           "-- migrate:up\ncreate TABLE t (a);\nINSERT INTO t VALUES ('x  y');\n",
                           "-- migrate:up\nINSERT INTO t VALUES ('x  y');\nCREATE TABLE t (a);\n",
                           "-- migrate:up\nCREATE TABLE t (a);\n-- migrate:down\nINSERT INTO t VALUES ('x  y');\n",
                           "-- migrate:up\nCREATE TABLE t (a);\n-- migrate:verify\nINSERT INTO t VALUES ('x  y');\n",
                           "-- migrate:up\nCREATE TABLE t (a);\nINSERT INTO t VALUES ('x  y');\nSELECT 1;\n",
                           "-- migrate:up\n-- migrate:step\nCREATE TABLE t (a);\nINSERT INTO t VALUES ('x  y');\n"}) {
    EXPECT_NE(digest(text), digest(plain)) << text;
  }
}

TEST(Digest, CountsTheOptionsOfAStep) {
  const auto with = [](const std::string& options) {
    return digest("-- migrate:up\n-- migrate:step " + options + "\nA;");
  };
  const std::string off = with("transaction:off");
  EXPECT_EQ(digest("-- migrate:up transaction:off\nA;"), off);
  EXPECT_NE(digest("-- migrate:up\nA;"), off);
  EXPECT_NE(with("transaction:off repeatable:yes"), off);
}

TEST(Digest, CountsEachPartOfABatch) {
  const auto with = [](const std::string& options) {
    return digest("-- migrate:up\n-- migrate:step " + options + "\nUPDATE t SET a = 1 WHERE a BETWEEN :lo AND :hi;");
  };
  const std::string batch = with("batch:5 over:t.a");
  EXPECT_EQ(with("name over:\"t\".\"a\" batch:05"), batch);
  EXPECT_NE(with("batch:6 over:t.a"), batch);
  EXPECT_NE(with("batch:5 over:u.a"), batch);
  EXPECT_NE(with("batch:5 over:t.b"), batch);
}

TEST(Digest, CountsEachPartOfARebuild) {
  const auto with = [](const std::string& options) {
    return digest("-- migrate:up\n-- migrate:step " + options + "\nDROP TABLE t;");
  };
  const std::string rebuild = with("rebuild:t from:0123456789abcdef to:fedcba9876543210");
  EXPECT_EQ(with("name to:FEDCBA9876543210 from:0123456789ABCDEF rebuild:\"t\""), rebuild);
  EXPECT_NE(with("rebuild:u from:0123456789abcdef to:fedcba9876543210"), rebuild);
  EXPECT_NE(with("rebuild:t from:fedcba9876543210 to:0123456789abcdef"), rebuild);
  EXPECT_NE(with("rebuild:t to:fedcba9876543210"), rebuild);
  EXPECT_NE(with("rebuild:t from:0123456789abcdef"), with("rebuild:t to:0123456789abcdef"));
  EXPECT_NE(with("rebuild:t"), with("t"));
}

TEST(Digest, CannotBeImitatedByAStatement) {
  EXPECT_NE(digest("-- migrate:up\nA;\nB;"), digest("-- migrate:up\nA '\nstep 1\n1:B';"));
}

}  // namespace
}  // namespace belay::versions

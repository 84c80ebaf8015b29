// What fix-state proposes: what others leave in doubt, and what is said of a refusal.

#include "recovery/proposal.h"

#include "tests/recovery/fix_state_fixture.h"

namespace belay::recovery {
namespace {

class ProposalTest : public FixStateFixture {};

TEST_F(ProposalTest, VersionThatAnotherToolLeftInDoubtIsInNobodysWayWhereItIsNotApplied) {
  script("001", "CREATE TABLE t (id INTEGER PRIMARY KEY);");
  script("2", "CREATE TABLE v (id INTEGER);");
  run("CREATE TABLE t (id INTEGER PRIMARY KEY); CREATE TABLE _sqlx_migrations (version, success, checksum);"
      "INSERT INTO _sqlx_migrations VALUES (2, 0, ''), (7, 0, '')");  // 7 is none of ours.
  EXPECT_EQ(words(plan()), "stamp:001");
  fix();
  expect_fixed("001");
  EXPECT_EQ(applied(), "001 2");
}

TEST_F(ProposalTest, VersionTableIsMadeAnewWhereNothingIsApplied) {
  script("001", "CREATE TABLE t (id INTEGER PRIMARY KEY);\n-- migrate:down\nDROP TABLE t;");
  upgrade();
  downgrade("base");
  run("DROP TABLE belay_version");
  EXPECT_TRUE(plan().plan.empty());
  EXPECT_EQ(plan().description, "the database is at base: make the version table anew");
  fix();
  expect_fixed("NULL");
}

TEST_F(ProposalTest, RefusalDoesNotSayThatThereIsNothingToDo) {
  run("CREATE TABLE t (id INTEGER)");
  EXPECT_TRUE(plan().refusal);
  EXPECT_FALSE(plan().nothing_to_do());
}

}  // namespace
}  // namespace belay::recovery

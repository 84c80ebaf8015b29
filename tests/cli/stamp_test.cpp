// stamp: records without running.

#include "tests/cli/project.h"

namespace belay::cli {
namespace {

class Stamp : public Project {
 protected:
  Stamp() {
    configure();
    chain(3);
  }
  [[nodiscard]] std::string stamped() const { return query("SELECT group_concat(revision, ' ') FROM belay_version"); }
};

TEST_F(Stamp, RecordsTheRevisionAndItsAncestorsWithoutRunningThem) {
  const Json json = must({"stamp", "1002", "--yes", "--json"}).json();
  EXPECT_EQ(json.at("to"), Json::array({"1002"}));
  EXPECT_EQ(json.at("revisions").at(0).at("direction"), "stamp");
  EXPECT_EQ(stamped(), "1001 1002");
  EXPECT_EQ(schema(), "");
}

TEST_F(Stamp, RemovesWhatComesAfter) {
  must({"migrate"});
  must({"stamp", "1001", "-y"});
  EXPECT_EQ(stamped(), "1001");
  EXPECT_EQ(logged(), "1001 1002 1003");
  must({"stamp", "base", "-y"});
  EXPECT_EQ(stamped(), "NULL");
}

TEST_F(Stamp, WithoutConfirmationIsRefused) {
  EXPECT_EQ(refusal({"stamp", "head"}), (Refusal{exit_refused, "not-confirmed"}));
}

TEST_F(Stamp, NeedsNoConfirmationWhereNothingChanges) {
  must({"migrate"});
  must({"stamp", "head"});
}

TEST_F(Stamp, AsksOnATerminal) {
  Outcome outcome = run_on_terminal({"stamp", "head"}, {.input = "n\n"});
  EXPECT_EQ(outcome.exit, exit_refused) << outcome;
  EXPECT_NE(outcome.out.find("[y/N]"), std::string::npos);
  EXPECT_FALSE(std::filesystem::exists(root / "app.db"));
  outcome = run_on_terminal({"stamp", "head"}, {.input = "y\n"});
  EXPECT_EQ(outcome.exit, exit_done) << outcome;
  EXPECT_EQ(stamped(), "1001 1002 1003");
}

TEST_F(Stamp, ProtectedEnvironmentRefusesEvenIfConfirmed) {
  configure("protected = true\n");
  EXPECT_EQ(refusal({"stamp", "head", "--yes"}), (Refusal{exit_refused, "protected"}));
}

TEST_F(Stamp, UnknownRevisionIsRefused) {
  EXPECT_EQ(refusal({"stamp", "77", "--yes"}), (Refusal{exit_usage, "unknown-revision"}));
  EXPECT_EQ(refusal({"stamp"}), (Refusal{exit_usage, "usage"}));
}

TEST_F(Stamp, AcceptsAnEditedScript) {
  must({"migrate"});
  script("1003", {.parents = "1002", .up = "INSERT INTO log VALUES (-1003);"});
  EXPECT_EQ(run({"status"}).exit, exit_integrity);
  must({"stamp", "1003", "--yes"});
  EXPECT_EQ(run({"status"}).exit, exit_done);
  EXPECT_EQ(logged(), "1001 1002 1003");
}

TEST_F(Stamp, ForgetsAScriptThatIsGone) {
  must({"migrate"});
  std::filesystem::remove(root / "versions/1003.sql");
  EXPECT_EQ(run({"status"}).exit, exit_integrity);
  must({"stamp", "1002", "--yes"});
  EXPECT_EQ(must({"status", "--json"}).json().at("state"), "clean");
}

}  // namespace
}  // namespace belay::cli

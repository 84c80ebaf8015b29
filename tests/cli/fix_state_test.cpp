// recover fix-state: evidence, one proposal, and nothing without a yes.

#include <fmt/format.h>

#include "tests/cli/project.h"

namespace belay::cli {
namespace {

class FixState : public Project {
 protected:
  FixState() {
    configure();
    for (int i = 1; i <= 3; ++i) {
      const std::string id = std::to_string(1000 + i);
      script(id, {.parents = i == 1 ? "base" : std::to_string(999 + i),
                  .up = fmt::format("CREATE TABLE t{0} (id INTEGER);\nINSERT INTO t{0} VALUES ({0});", id),
                  .down = "DROP TABLE t" + id + ";"});
    }
  }
  /// A database at 1002 whose journal is gone.
  void lost() const {
    must({"migrate", "--to", "1002"});
    std::filesystem::remove_all(root / "app.db-belay");
  }
  /// The JSON of a command that must end so, and change nothing.
  [[nodiscard]] Json unchanged(Words words, int exit) const {
    const auto before = files();
    words.push_back("--json");
    const Outcome outcome = run(words);
    EXPECT_EQ(outcome.exit, exit) << outcome;
    EXPECT_EQ(changed_since(before), "") << outcome;
    return outcome.json();
  }
  void expect_clean() const {
    EXPECT_EQ(must({"status", "--json"}).json().at("state"), "clean");
    const Json check = run({"check", "--json"}).json();
    for (const auto& problem : check.at("problems")) EXPECT_EQ(problem.at("kind"), "pending") << problem;
    must({"migrate"});
    EXPECT_EQ(query("SELECT id FROM t1003"), "1003");
  }
};

TEST_F(FixState, NothingToDoIsDone) {
  must({"migrate"});
  const Json json = unchanged({"recover", "fix-state"}, exit_done);
  EXPECT_EQ(json.at("ok"), true);
  EXPECT_EQ(json.at("proposal"), nullptr);
  EXPECT_EQ(json.at("applied"), false);
  EXPECT_EQ(json.at("to"), Json::array({"1003"}));
  EXPECT_EQ(json.at("revisions"), Json::array());
  EXPECT_EQ(json.at("evidence").back().at("kind"), "schema");
}

TEST_F(FixState, ProposalIsShownAndNotCarriedOutWithoutAYes) {
  lost();
  const Json json = unchanged({"recover", "fix-state"}, exit_refused);
  EXPECT_EQ(json.at("error").at("kind"), "not-confirmed");
  EXPECT_EQ(json.at("applied"), false);
  EXPECT_NE(json.at("proposal").at("description").get<std::string>().find("begin a new journal"), std::string::npos);
  const Outcome plain = run({"recover", "fix-state"});
  EXPECT_EQ(plain.exit, exit_refused);
  EXPECT_NE(plain.out.find("schema     the schema is exactly that of 1002\n"), std::string::npos) << plain;
  EXPECT_NE(plain.out.find("\nproposal   "), std::string::npos) << plain;
}

TEST_F(FixState, DryRunShowsItAndIsDone) {
  lost();
  EXPECT_NE(unchanged({"recover", "fix-state", "--dry-run"}, exit_done).at("proposal"), nullptr);
  EXPECT_NE(unchanged({"recover", "fix-state", "--dry-run", "--yes"}, exit_done).at("proposal"), nullptr);
}

TEST_F(FixState, YesCarriesItOutAndAllIsClean) {
  lost();
  Database(root / "app.db").run("DROP TABLE belay_version; DROP TABLE belay_state");
  const Json json = must({"recover", "fix-state", "--yes", "--json"}).json();
  EXPECT_EQ(json.at("applied"), true);
  EXPECT_EQ(json.at("from"), Json::array());
  EXPECT_EQ(json.at("to"), Json::array({"1002"}));
  EXPECT_EQ(json.at("revisions").at(0).at("revision"), "1001");
  EXPECT_EQ(json.at("revisions").at(0).at("direction"), "stamp");
  EXPECT_EQ(json.at("recovered"), nullptr);
  EXPECT_EQ(must({"backup", "--list", "--json"}).json().size(), 1U);
  expect_clean();
}

TEST_F(FixState, TerminalIsAsked) {
  lost();
  const auto before = files();
  Outcome outcome = run_on_terminal({"recover", "fix-state"}, {.input = "n\n"});
  EXPECT_EQ(outcome.exit, exit_refused) << outcome;
  EXPECT_NE(outcome.out.find("the schema is exactly that of 1002"), std::string::npos);
  EXPECT_EQ(changed_since(before), "");
  outcome = run_on_terminal({"recover", "fix-state"}, {.input = "y\n"});
  EXPECT_EQ(outcome.exit, exit_done) << outcome;
  expect_clean();
}

TEST_F(FixState, ProtectedEnvironmentIsShownAndLeft) {
  lost();
  configure("protected = true\n");
  const Json json = unchanged({"recover", "fix-state", "--yes"}, exit_refused);
  EXPECT_EQ(json.at("error").at("kind"), "protected");
  EXPECT_NE(json.at("proposal"), nullptr);
}

TEST_F(FixState, WhatCannotBeProvenIsRefusedWithItsEvidence) {
  lost();
  Database(root / "app.db").run("CREATE TABLE by_hand (x)");
  const Json json = unchanged({"recover", "fix-state", "--yes"}, exit_undecided);
  EXPECT_EQ(json.at("error").at("kind"), "unknown-schema");
  EXPECT_EQ(json.at("proposal"), nullptr);
  EXPECT_NE(json.at("error").at("message").get<std::string>().find("+ table by_hand"), std::string::npos);
  EXPECT_FALSE(json.at("evidence").empty());
}

TEST_F(FixState, RevisionThatIsNamedMustFit) {
  lost();
  EXPECT_EQ(unchanged({"recover", "fix-state", "--to", "1001", "--yes"}, exit_undecided).at("error").at("kind"),
            "unknown-schema");
  EXPECT_EQ(unchanged({"recover", "fix-state", "--to", "7", "--yes"}, exit_usage).at("error").at("kind"),
            "unknown-revision");
  must({"recover", "fix-state", "--to", "1002", "--yes"});
  expect_clean();
}

TEST_F(FixState, FlagsOfRecoverAreNotTaken) {
  EXPECT_EQ(unchanged({"recover", "fix-state", "--back"}, exit_usage).at("error").at("kind"), "usage");
}

TEST_F(FixState, RunOfItsIsShownInTheJournal) {
  lost();
  must({"recover", "fix-state", "--yes"});
  EXPECT_NE(must({"journal"}).out.find("adopt"), std::string::npos) << must({"journal"}).out;
  EXPECT_NE(must({"journal"}).out.find("recover fix-state"), std::string::npos);
}

}  // namespace
}  // namespace belay::cli

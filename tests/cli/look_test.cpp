// status, current, heads, show, config: they only read.

#include <fmt/format.h>

#include <csignal>

#include "tests/cli/project.h"

namespace belay::cli {
namespace {

class Look : public Project {
 protected:
  Look() { configure(); }
};

TEST_F(Look, StatusBeforeTheFirstRunMakesNoDatabase) {
  chain(2);
  const auto before = files();
  EXPECT_EQ(must({"status"}).out, R"(database   sqlite:app.db  (not there yet; belay migrate makes it)
state      clean
at         base
applied    0
pending    2
  + 1001  revision 1001
  + 1002  revision 1002
)");
  EXPECT_EQ(changed_since(before), "");
}

TEST_F(Look, StatusJsonHasTheKeysOfTheContract) {
  chain(3);
  must({"migrate", "--to", "1002"});
  const std::string at = query("SELECT applied_at FROM belay_version LIMIT 1");
  Json json = must({"status", "--json"}).json();
  EXPECT_EQ(json.at("applied").at(0).at("applied_at"), at);
  for (auto& applied : json.at("applied")) applied.erase("applied_at");
  for (const char* more : {"interrupted", "running", "problems", "undoable", "written_since"}) json.erase(more);
  EXPECT_EQ(json, Json::parse(R"({
    "database": "sqlite:app.db", "current": ["1002"], "heads": ["1003"], "state": "clean",
    "applied": [{"revision": "1001", "message": "revision 1001"}, {"revision": "1002", "message": "revision 1002"}],
    "pending": [{"revision": "1003", "message": "revision 1003"}]})"));
}

TEST_F(Look, StatusAtHeadIsClean) {
  chain(2);
  must({"migrate"});
  EXPECT_EQ(must({"status"}).out, R"(database   sqlite:app.db
state      clean
at         1002  revision 1002 (head, current)
applied    2
pending    0
undo       run 1 (migrate, 2 revisions) can be taken back: belay recover undo-run
)");
}

TEST_F(Look, StatusTellsPendingByItsExitStatusWhereAsked) {
  chain(2);
  EXPECT_EQ(run({"status"}).exit, exit_done);
  EXPECT_EQ(run({"status", "--exit-code"}).exit, exit_differences);
  EXPECT_EQ(run({"status", "--exit-code", "--json"}).exit, exit_differences);
  must({"migrate"});
  EXPECT_EQ(run({"status", "--exit-code"}).exit, exit_done);
}

TEST_F(Look, StatusOfManyPendingRevisionsIsShort) {
  chain(30);
  const std::string out = must({"status"}).out;
  EXPECT_NE(out.find("pending    30\n"), std::string::npos);
  EXPECT_NE(out.find("  … and 10 more\n"), std::string::npos) << out;
  EXPECT_EQ(must({"status", "--json"}).json().at("pending").size(), 30U);
}

TEST_F(Look, StatusHidesThePasswordOfTheDatabase) {
  const Outcome outcome = run({"--database", "postgresql://belay:sesame@db/app", "status"});
  EXPECT_EQ(outcome.exit, exit_usage) << outcome;
  EXPECT_EQ((outcome.out + outcome.err).find("sesame"), std::string::npos) << outcome;
}

TEST_F(Look, StatusShowsWhoIsAtWork) {
  configure("[hooks]\nbefore_each = \"touch begun; sleep 60\"\n");
  chain(1);
  Process migration = start({"migrate"});
  ASSERT_TRUE(eventually([&] { return std::filesystem::exists(root / "begun"); }));
  const Json running = must({"status", "--json"}).json().at("running");
  EXPECT_EQ(running.at("pid"), migration.pid());
  EXPECT_EQ(running.at("command"), "migrate");
  EXPECT_NE(must({"status"}).out.find(fmt::format("running    migrate by pid {} on ", migration.pid())),
            std::string::npos);
}

TEST_F(Look, CurrentAndHeadsNameTheEndsOfWhatIsAppliedAndOfWhatThereIs) {
  chain(2);
  script("2001", {.parents = "1001", .up = "SELECT 1;"});
  must({"upgrade", "1001"});
  EXPECT_EQ(must({"current"}).out, "1001  revision 1001 (current)\n");
  EXPECT_EQ(must({"heads"}).out, "1002  revision 1002 (head)\n2001  revision 2001 (head)\n");
  EXPECT_EQ(must({"current", "--json"}).json(), Json::parse(R"({"current": ["1001"]})"));
  EXPECT_EQ(must({"heads", "--json"}).json(), Json::parse(R"({"heads": ["1002", "2001"]})"));
  must({"upgrade", "heads"});
  EXPECT_EQ(must({"current", "--json"}).json().at("current").size(), 2U);
}

TEST_F(Look, CurrentAtBaseSaysSoBesideItsData) {
  chain(1);
  const Outcome outcome = must({"current"});
  EXPECT_EQ(outcome.out, "");
  EXPECT_EQ(outcome.err, "base: no revision is applied\n");
  EXPECT_EQ(must({"current", "--json"}).json().at("current"), Json::array());
}

TEST_F(Look, ShowPrintsPlaceAndText) {
  chain(2);
  must({"upgrade", "1001"});
  const std::string out = must({"show", "1001"}).out;
  EXPECT_TRUE(
      out.starts_with("1001  revision 1001 (current)\nfile     " + (root / "versions/1001.sql").string() + "\n"))
      << out;
  EXPECT_TRUE(out.ends_with("\n\n" + text("versions/1001.sql"))) << out;
  EXPECT_TRUE(must({"show", "head"}).out.starts_with("1002  revision 1002 (head)\n"));
  EXPECT_TRUE(must({"show", "current"}).out.starts_with("1001  "));
}

TEST_F(Look, ShowInJsonHasAllOfHistoryAndTheText) {
  chain(2);
  const Json json = must({"show", "1001", "--json"}).json();
  EXPECT_EQ(json.at("revision"), "1001");
  EXPECT_EQ(json.at("parents"), Json::array());
  EXPECT_EQ(json.at("children"), Json::parse(R"(["1002"])"));
  EXPECT_EQ(json.at("applied"), false);
  EXPECT_EQ(json.at("text"), text("versions/1001.sql"));
}

TEST_F(Look, ShowOfWhatIsNotThereIsRefused) {
  chain(12);
  EXPECT_EQ(refusal({"show", "77"}), (Refusal{exit_usage, "unknown-revision"}));
  EXPECT_EQ(refusal({"show", "100"}), (Refusal{exit_usage, "ambiguous-revision"}));
  EXPECT_EQ(refusal({"show", "current"}).exit, exit_usage);
}

TEST_F(Look, ConfigShowsValuesAndOriginsWithoutSecrets) {
  configure("[journal]\nkeep_runs = 7\n");
  const std::string out = must({"config"}, {.environment = {{"DATABASE_URL", "mysql://me:sesame@db/app"}}}).out;
  EXPECT_EQ(out.find("sesame"), std::string::npos) << out;
  EXPECT_NE(out.find("mysql://me:***@db/app"), std::string::npos) << out;
  const Json json = must({"config", "--json"}).json();
  EXPECT_EQ(json.at("file"), (root / "belay.toml").string());
  EXPECT_EQ(json.at("environment"), Json());
  EXPECT_EQ(json.at("settings").at("journal.keep_runs"), Json::parse(R"({"value": "7", "origin": "belay.toml:3"})"));
  EXPECT_EQ(json.at("settings").at("database").at("value"), "sqlite:app.db");
}

TEST_F(Look, ConfigWithoutAFileShowsDefaults) {
  std::filesystem::remove(root / "belay.toml");
  const Json json = must({"config", "--json"}).json();
  EXPECT_EQ(json.at("file"), Json());
  EXPECT_EQ(json.at("settings").at("versions"), Json::parse(R"({"value": "versions", "origin": "default"})"));
}

TEST_F(Look, WordsThatAreNotUtf8AreShownAndJsonStaysValid) {
  write("versions/1001_caf\xe9.sql", "-- migrate:up\nSELECT 1;\n");
  EXPECT_EQ(must({"status", "--json"}).json().at("pending").size(), 1U);
  EXPECT_EQ(must({"history", "--json"}).json().size(), 1U);
}

}  // namespace
}  // namespace belay::cli

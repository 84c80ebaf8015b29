// revision --baseline and init --from-db: the schema as it is becomes the first revision.

#include "tests/cli/project.h"

namespace belay::cli {
namespace {

class Baseline : public Project {
 protected:
  void database(const std::string& name = "app.db") const {
    Database(root / name)
        .run("CREATE TABLE rooms (id INTEGER PRIMARY KEY, code TEXT); INSERT INTO rooms VALUES (1, 'a')");
  }
  void expect_clean() const {
    EXPECT_EQ(must({"status", "--json"}).json().at("state"), "clean");
    must({"check"});
  }
};

TEST_F(Baseline, IsWrittenAndStamped) {
  configure();
  database();
  const Json json = must({"revision", "--baseline", "-m", "as found", "--json"}).json();
  const auto id = json.at("revision").get<std::string>();
  EXPECT_EQ(json.at("stamped"), true);
  EXPECT_TRUE(json.at("file").get<std::string>().ends_with(id + "_as_found.sql"));
  EXPECT_NE(text(json.at("file").get<std::string>()).find("CREATE TABLE rooms"), std::string::npos);
  EXPECT_EQ(must({"status", "--json"}).json().at("current"), Json::array({id}));
  EXPECT_EQ(query("SELECT code FROM rooms"), "a");
  expect_clean();
}

TEST_F(Baseline, CanBeLookedAtFirst) {
  configure();
  database();
  const auto before = files();
  EXPECT_NE(must({"revision", "--baseline", "-m", "x", "--stdout"}).out.find("CREATE TABLE rooms"), std::string::npos);
  must({"revision", "--baseline", "-m", "x", "--dry-run"});
  EXPECT_EQ(changed_since(before), "");
}

TEST_F(Baseline, ThatWasCutShortIsStampedByTheSameCommand) {
  configure();
  database();
  write("versions/1_found.sql", must({"revision", "--baseline", "-m", "x", "--stdout"}).out);
  EXPECT_EQ(must({"status", "--json"}).json().at("pending").size(), 1U);
  const Json json = must({"revision", "--baseline", "-m", "x", "--json"}).json();
  EXPECT_TRUE(json.at("file").get<std::string>().ends_with("1_found.sql"));
  expect_clean();
}

TEST_F(Baseline, IsRefusedWhereThereIsNothingOrAlreadySomething) {
  configure();
  EXPECT_EQ(refusal({"revision", "--baseline", "-m", "x"}), (Refusal{exit_usage, "not-applicable"}));
  chain(2);
  must({"migrate"});
  EXPECT_EQ(refusal({"revision", "--baseline", "-m", "x"}), (Refusal{exit_usage, "not-applicable"}));
  EXPECT_EQ(refusal({"revision", "--baseline", "-m", "x", "--parent", "1001"}), (Refusal{exit_usage, "usage"}));
}

TEST_F(Baseline, IsAStampAndSoNotForAProtectedEnvironment) {
  configure("protected = true\n");
  database();
  EXPECT_EQ(refusal({"revision", "--baseline", "-m", "x"}), (Refusal{exit_refused, "protected"}));
}

TEST_F(Baseline, ProjectIsBegunFromADatabase) {
  database();
  const Json json = must({"init", "--from-db", "--json"}).json();
  EXPECT_EQ(json.at("stamped"), true);
  EXPECT_EQ(json.at("created").size(), 4U);
  expect_clean();
}

TEST_F(Baseline, ProjectIsBegunElsewhereFromADatabaseOfAnyName) {
  std::filesystem::create_directory(root / "booking");
  database("booking/live.db");
  must({"init", "booking", "--from-db", "--database", "sqlite:live.db"});
  EXPECT_NE(text("booking/belay.toml").find("database = \"sqlite:live.db\""), std::string::npos);
  EXPECT_EQ(must({"-C", "booking", "status", "--json"}).json().at("applied").size(), 1U);
}

TEST_F(Baseline, ProjectBegunWithoutADatabaseSaysSo) {
  const Outcome outcome = run({"init", "--from-db"});
  EXPECT_EQ(outcome.exit, exit_usage) << outcome;
  EXPECT_TRUE(std::filesystem::exists(root / "belay.toml"));
}

}  // namespace
}  // namespace belay::cli

// init, new, revision, merge: they write files.

#include <fmt/format.h>

#include "tests/cli/project.h"

namespace belay::cli {
namespace {

namespace fs = std::filesystem;

class Scripts : public Project {
 protected:
  [[nodiscard]] std::size_t count() const {
    return static_cast<std::size_t>(std::distance(fs::directory_iterator(root / "versions"), {}));
  }
};

TEST_F(Scripts, InitMakesAProjectThatWorks) {
  const Outcome outcome = must({"init"});
  EXPECT_EQ(outcome.out,
            "  + versions\n  + belay.toml\n  + template.sql\n  + schema.sql\nnext: belay new \"first tables\"\n");
  must({"new", "first tables"});
  must({"migrate"});
  EXPECT_EQ(must({"status", "--json"}).json().at("state"), "clean");
  EXPECT_EQ(query("SELECT message FROM belay_version"), "first tables");
}

TEST_F(Scripts, InitNeverOverwrites) {
  write("belay.toml", "database = \"sqlite:mine.db\"\n");
  const Json json = must({"init", "--json"}).json();
  EXPECT_EQ(json.at("ok"), true);
  EXPECT_EQ(json.at("kept"), Json::array({(root / "belay.toml").string()}));
  EXPECT_EQ(json.at("created").size(), 3U);
  EXPECT_EQ(text("belay.toml"), "database = \"sqlite:mine.db\"\n");
  const auto before = files();
  must({"init"});
  EXPECT_EQ(changed_since(before), "");
}

TEST_F(Scripts, InitMakesTheFolderItIsGiven) {
  must({"init", "services/booking"});
  EXPECT_TRUE(fs::exists(root / "services/booking/belay.toml"));
  must({"-C", "services/booking", "migrate"});
}

TEST_F(Scripts, InitWhereAFileIsInTheWayIsRefused) {
  write("versions", "a file");
  EXPECT_EQ(refusal({"init"}), (Refusal{exit_unavailable, "cannot-write"}));
}

TEST_F(Scripts, InitOnlyTellsWithDryRun) {
  EXPECT_EQ(must({"init", "booking", "--dry-run", "--json"}).json().at("created").size(), 4U);
  EXPECT_TRUE(files().empty());
}

TEST_F(Scripts, InitHasNoSqlToPrint) {
  EXPECT_EQ(refusal({"init", "--sql"}), (Refusal{exit_usage, "usage"}));
}

TEST_F(Scripts, NewStandsOnTheHead) {
  configure();
  chain(2);
  const Json json = must({"new", "add rooms", "--json"}).json();
  const auto id = json.at("revision").get<std::string>();
  EXPECT_EQ(json.at("file"), (root / "versions" / (id + "_add_rooms.sql")).string());
  EXPECT_EQ(id.size(), 14U);
  const Json shown = must({"show", id, "--json"}).json();
  EXPECT_EQ(shown.at("parents"), Json::array({"1002"}));
  EXPECT_EQ(shown.at("message"), "add rooms");
  must({"migrate"});
}

TEST_F(Scripts, NewInTextSaysWhatItWrote) {
  configure();
  const std::string out = must({"new", "Räume, again!"}).out;
  EXPECT_TRUE(out.starts_with("wrote versions/2")) << out;
  EXPECT_TRUE(out.ends_with("_räume_again.sql\n")) << out;
}

TEST_F(Scripts, ScriptsMadeInOneSecondHaveTheirOwnIds) {
  configure();
  for (int i = 0; i < 4; ++i) must({"new", "same"});
  EXPECT_EQ(count(), 4U);
  EXPECT_EQ(must({"history", "--json"}).json().size(), 4U);
  EXPECT_EQ(must({"heads", "--json"}).json().at("heads").size(), 1U);
}

TEST_F(Scripts, RevisionIsNewInTheWordsOfAlembic) {
  configure();
  chain(1);
  const Json json = must({"revision", "-m", "add rooms", "--json"}).json();
  EXPECT_EQ(must({"show", json.at("revision").get<std::string>(), "--json"}).json().at("parents"),
            Json::array({"1001"}));
}

TEST_F(Scripts, ParentsCanBeNamed) {
  configure();
  chain(3);
  const auto on = [&](const Words& parents) {
    Words words{"new", "hotfix", "--json", "--parent"};
    words.insert(words.end(), parents.begin(), parents.end());
    return must({"show", must(words).json().at("revision").get<std::string>(), "--json"}).json().at("parents");
  };
  EXPECT_EQ(on({"1002"}), Json::array({"1002"}));
  EXPECT_EQ(on({"base"}), Json::array());
}

TEST_F(Scripts, SeveralHeadsNeedAParent) {
  configure();
  chain(1);
  script("2001", {.up = "SELECT 1;"});
  EXPECT_EQ(refusal({"new", "rooms"}), (Refusal{exit_refused, "several-heads"}));
  EXPECT_EQ(refusal({"new", "rooms", "--parent", "77"}), (Refusal{exit_usage, "unknown-revision"}));
}

TEST_F(Scripts, MessageMayNotBeEmpty) {
  configure();
  EXPECT_EQ(refusal({"new", " "}), (Refusal{exit_usage, "usage"}));
  EXPECT_EQ(refusal({"new"}), (Refusal{exit_usage, "usage"}));
  EXPECT_EQ(refusal({"revision"}), (Refusal{exit_usage, "usage"}));
}

TEST_F(Scripts, MessageOfSeveralLinesStaysOutOfTheSql) {
  configure();
  must({"new", "a\n-- migrate:up\nDROP TABLE b;"});
  EXPECT_EQ(must({"history", "--json"}).json().at(0).at("message"), "a -- migrate:up DROP TABLE b;");
  must({"migrate"});
}

TEST_F(Scripts, StdoutAndDryRunWriteNoFile) {
  configure();
  const auto before = files();
  EXPECT_NE(must({"new", "rooms", "--stdout"}).out.find("-- message:  rooms\n"), std::string::npos);
  EXPECT_TRUE(must({"new", "rooms", "--dry-run"}).out.starts_with("would write versions/"));
  EXPECT_EQ(changed_since(before), "");
}

TEST_F(Scripts, StdoutIsJsonWhereJsonIsAskedFor) {
  configure();
  const Json json = must({"new", "rooms", "--stdout", "--json"}).json();
  EXPECT_EQ(json.at("file"), Json());
  EXPECT_NE(json.at("text").get<std::string>().find("-- message:  rooms\n"), std::string::npos);
}

TEST_F(Scripts, TemplateOfTheProjectIsFilled) {
  configure();
  write("template.sql",
        "-- revision: {{revision}}\n-- parents: {{ parents }}\n-- by {{author}}\n-- migrate:up\n-- {{message}}\n");
  const auto id = must({"new", "rooms", "--json"}).json().at("revision").get<std::string>();
  const std::string script = text(fmt::format("versions/{}_rooms.sql", id));
  EXPECT_EQ(script.substr(0, script.find("-- by")), "-- revision: " + id + "\n-- parents: base\n");
}

TEST_F(Scripts, BrokenTemplateIsRefused) {
  configure();
  write("template.sql", "-- revision: {{revison}}\n-- migrate:up\n");
  EXPECT_EQ(refusal({"new", "rooms"}), (Refusal{exit_config, "bad-template"}));
  EXPECT_NE(run({"new", "rooms"}).err.find("did you mean {{revision}}?"), std::string::npos);
  write("template.sql", "-- migrate:upp\n");
  EXPECT_EQ(refusal({"new", "rooms"}).where, "template.sql:1");
}

TEST_F(Scripts, NewWithoutAVersionsFolderIsRefused) {
  configure();
  fs::remove(root / "versions");
  EXPECT_EQ(refusal({"new", "rooms"}), (Refusal{exit_missing_input, "unreadable", "versions"}));
}

TEST_F(Scripts, MergeJoinsAllHeads) {
  configure();
  chain(1);
  for (const char* id : {"2001", "2002", "2003"}) script(id, {.parents = "1001", .up = "SELECT 1;"});
  const auto id = must({"merge", "-m", "join", "--json"}).json().at("revision").get<std::string>();
  EXPECT_EQ(must({"show", id, "--json"}).json().at("parents"), Json::array({"2001", "2002", "2003"}));
  must({"migrate"});
  EXPECT_EQ(must({"current", "--json"}).json().at("current"), Json::array({id}));
}

TEST_F(Scripts, MergeJoinsTheHeadsThatItIsGiven) {
  configure();
  for (const char* id : {"2001", "2002", "2003"}) script(id, {.up = "SELECT 1;"});
  const auto id = must({"merge", "-m", "join", "2003", "2001", "--json"}).json().at("revision").get<std::string>();
  EXPECT_EQ(must({"show", id, "--json"}).json().at("parents"), Json::array({"2001", "2003"}));
}

TEST_F(Scripts, MergeOfWhatIsOneLineIsRefused) {
  configure();
  chain(2);
  EXPECT_EQ(refusal({"merge", "-m", "join"}), (Refusal{exit_usage, "usage"}));
  EXPECT_EQ(refusal({"merge", "-m", "join", "1001", "1002"}), (Refusal{exit_usage, "usage"}));
  EXPECT_EQ(refusal({"merge", "-m", "join", "1001", "1001"}), (Refusal{exit_usage, "usage"}));
}

TEST_F(Scripts, ScriptsCanBeWrittenWithoutADatabase) {
  fs::create_directory(root / "versions");
  must({"new", "rooms"});
  EXPECT_EQ(count(), 1U);
}

}  // namespace
}  // namespace belay::cli

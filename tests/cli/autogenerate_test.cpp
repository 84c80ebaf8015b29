// revision --autogenerate: from the database to schema.sql.

#include <fmt/format.h>

#include "tests/cli/project.h"

namespace belay::cli {
namespace {

namespace fs = std::filesystem;

constexpr const char* rooms = "CREATE TABLE rooms (\n  id INTEGER PRIMARY KEY,\n  name TEXT,\n  code TEXT\n);\n";

class Autogenerate : public Project {
 protected:
  Autogenerate() {
    configure();
    script("1001", {.up = rooms, .down = "DROP TABLE rooms;"});
  }

  /// The database at its head, with these rows.
  void at_head(const std::string& rows = "INSERT INTO rooms VALUES (1, 'a', 'x'), (2, 'b', NULL), (3, NULL, '7')") {
    must({"migrate"});
    Database(root / "app.db").run(rows);
  }
  static Words words(const Words& more = {}) {
    Words all{"revision", "--autogenerate", "-m", "a change"};
    all.insert(all.end(), more.begin(), more.end());
    return all;
  }
  [[nodiscard]] Json generated(const Words& more = {}) const {
    Words all = words(more);
    all.emplace_back("--json");
    return must(all).json();
  }
  [[nodiscard]] Json refused(const Words& more = {}) const {
    Words all = words(more);
    all.emplace_back("--json");
    return run(all).error();
  }
  [[nodiscard]] std::size_t scripts() const {
    return static_cast<std::size_t>(std::distance(fs::directory_iterator(root / "versions"), {}));
  }
  /// `add-column rooms.size, …`
  [[nodiscard]] static std::string changes(const Json& json) {
    std::string text;
    for (const auto& change : json.at("changes"))
      text += fmt::format("{}{} {}", text.empty() ? "" : ", ", change.at("kind").get<std::string>(),
                          change.at("object").get<std::string>());
    return text;
  }
  [[nodiscard]] static std::string hazards(const Json& json) {
    std::string text;
    for (const auto& hazard : json.at("hazards"))
      text += fmt::format("{}{} {}", text.empty() ? "" : ", ", hazard.at("kind").get<std::string>(),
                          hazard.at("count").get<int>());
    return text;
  }

  static constexpr const char* wider =
      "CREATE TABLE rooms (\n  id INTEGER PRIMARY KEY,\n  name TEXT,\n  code TEXT,\n  size INTEGER\n);\n";
  static constexpr const char* narrower = "CREATE TABLE rooms (\n  id INTEGER PRIMARY KEY,\n  name TEXT\n);\n";
  static constexpr const char* renamed =
      "CREATE TABLE rooms (\n  id INTEGER PRIMARY KEY,\n  title TEXT,\n  code TEXT\n);\n";
};

// --- What is written ---

TEST_F(Autogenerate, TheScriptLeadsToTheDesiredSchemaAndBack) {
  at_head();
  write("schema.sql", wider);
  const Outcome outcome = must(words());
  EXPECT_TRUE(outcome.out.starts_with("+ add-column rooms.size\n")) << outcome;
  EXPECT_NE(outcome.out.find("wrote versions/"), std::string::npos) << outcome;
  must({"migrate"});
  EXPECT_EQ(query("SELECT count(size IS NULL), count(name) FROM rooms"), "3|2");
  EXPECT_EQ(run({"check"}).exit, exit_done);
  must({"rollback"});
  EXPECT_EQ(query("SELECT id, name, code FROM rooms"), "1|a|x\n2|b|NULL\n3|NULL|7");
  EXPECT_EQ(query("SELECT count(*) FROM pragma_table_info('rooms')"), "3");
}

TEST_F(Autogenerate, ASecondOneFindsNothing) {
  at_head();
  write("schema.sql", wider);
  must(words());
  must({"migrate"});
  const auto before = files();
  EXPECT_EQ(must(words()).out, "nothing to do: the database is what schema.sql says\n");
  EXPECT_EQ(generated(), Json::parse(R"({"revision": null, "file": null, "changes": []})"));
  EXPECT_EQ(changed_since(before), "");
}

TEST_F(Autogenerate, WithoutADatabaseItMakesEverything) {
  fs::remove_all(root / "versions");
  fs::create_directory(root / "versions");
  write("schema.sql", std::string(rooms) + "CREATE INDEX by_code ON rooms (code);\n");
  const Json json = generated();
  EXPECT_EQ(changes(json), "create-table rooms, create-index by_code");
  EXPECT_TRUE(fs::exists(json.at("file").get<std::string>()));
  EXPECT_FALSE(fs::exists(root / "app.db"));
  must({"migrate"});
  EXPECT_EQ(schema(),
            "CREATE INDEX by_code ON rooms (code)\nCREATE TABLE rooms (\n  id INTEGER PRIMARY KEY,\n  name "
            "TEXT,\n  code TEXT\n)");
}

TEST_F(Autogenerate, JsonHasTheKeysOfTheContract) {
  at_head();
  write("schema.sql", "CREATE TABLE rooms (id INTEGER PRIMARY KEY, name TEXT, code INTEGER);");
  const Json json = generated();
  EXPECT_TRUE(json.at("file").get<std::string>().ends_with(json.at("revision").get<std::string>() + "_a_change.sql"));
  EXPECT_EQ(changes(json), "rebuild-table rooms");
  const Json& change = json.at("changes").at(0);
  EXPECT_EQ(change.at("details").at(0), "column code: type TEXT → INTEGER");
  for (const auto& hazard : change.at("hazards"))
    for (const char* key : {"kind", "message", "count"}) EXPECT_TRUE(hazard.contains(key)) << hazard;
  EXPECT_NE(hazards(change).find("rebuild 3"), std::string::npos) << hazards(change);
}

TEST_F(Autogenerate, HazardsStandBelowTheChangeThatTheyAreAbout) {
  at_head();
  write("schema.sql", "CREATE TABLE rooms (id INTEGER PRIMARY KEY, title TEXT -- @renamed from=name\n);");
  const Outcome outcome = must(words({"--allow-drop"}));
  EXPECT_NE(outcome.out.find("- drop-column rooms.code\n    deletes-data: "), std::string::npos) << outcome;
  EXPECT_NE(outcome.out.find("~ rename-column rooms.title\n    was name\n    breaks-readers: "), std::string::npos)
      << outcome;
}

TEST_F(Autogenerate, ATemplateKeepsWhatItHas) {
  at_head();
  write("schema.sql", wider);
  write("template.sql",
        "-- revision: {{revision}}\n-- parents: {{parents}}\n\n-- migrate:up\n\n\n-- migrate:verify\n"
        "SELECT 1;\n\n-- migrate:down\n");
  const Json json = generated();
  const std::string written = text(fs::path(json.at("file").get<std::string>()).lexically_relative(root));
  EXPECT_NE(written.find("-- parents: 1001\n\n-- migrate:up\n-- add column size to rooms\nALTER TABLE"),
            std::string::npos)
      << written;
  EXPECT_NE(written.find(";\n\n-- migrate:verify\nSELECT 1;\n\n-- migrate:down\n-- "), std::string::npos) << written;
  EXPECT_EQ(written.find("\n\n\n"), std::string::npos) << written;
}

TEST_F(Autogenerate, ATemplateWithoutSectionsIsRefused) {
  at_head();
  write("schema.sql", wider);
  write("template.sql", "-- migrate:up\n");
  EXPECT_EQ(refusal(words()), (Refusal{exit_config, "bad-template"}));
  write("template.sql", "-- migrate:down\n-- migrate:upward\n");
  EXPECT_EQ(refusal(words()), (Refusal{exit_config, "malformed-script", "template.sql:2"}));
}

TEST_F(Autogenerate, StdoutAndDryRunWriteNothing) {
  at_head();
  write("schema.sql", wider);
  const auto before = files();
  const Outcome printed = must(words({"--stdout"}));
  EXPECT_TRUE(printed.out.starts_with("-- revision: ")) << printed;
  EXPECT_TRUE(printed.err.starts_with("+ add-column rooms.size\n")) << printed;
  const Json json = generated({"--stdout"});
  EXPECT_EQ(json.at("file"), nullptr);
  EXPECT_NE(json.at("text").get<std::string>().find("ALTER TABLE rooms ADD"), std::string::npos);
  EXPECT_NE(must(words({"--dry-run"})).out.find("would write versions/"), std::string::npos);
  EXPECT_EQ(changed_since(before), "");
}

// --- Renames ---

TEST_F(Autogenerate, WhatMayBeARenameIsRefusedWithTheHintToPaste) {
  at_head();
  write("schema.sql", renamed);
  EXPECT_EQ(refusal(words()), (Refusal{exit_refused, "ambiguous-rename"}));
  const Json error = refused();
  const std::string message = error.at("message").get<std::string>();
  for (const char* part : {"`-- @renamed from=name` beside the column title of rooms", "--rename rooms.name=title",
                           "--allow-drop=rooms.name"})
    EXPECT_NE(message.find(part), std::string::npos) << message;
  EXPECT_TRUE(error.contains("hazards"));
}

TEST_F(Autogenerate, TheHintThatWasAskedForIsEnough) {
  at_head();
  write("schema.sql",
        "CREATE TABLE rooms (\n  id INTEGER PRIMARY KEY,\n  title TEXT,  -- @renamed from=name\n  code "
        "TEXT\n);\n");
  EXPECT_EQ(changes(generated()), "rename-column rooms.title");
  must({"migrate"});
  EXPECT_EQ(query("SELECT title FROM rooms"), "a\nb\nNULL");
  EXPECT_EQ(generated().at("revision"), nullptr);  // The hint may stay.
}

TEST_F(Autogenerate, RenameSaysTheSame) {
  at_head();
  write("schema.sql", "CREATE TABLE halls (\n  id INTEGER PRIMARY KEY,\n  title TEXT,\n  code TEXT\n);\n");
  const Json json = generated({"--rename", "rooms=halls", "--rename", "rooms.name=title"});
  EXPECT_EQ(changes(json), "rename-table halls, rename-column halls.title");
  must({"migrate"});
  EXPECT_EQ(query("SELECT title FROM halls"), "a\nb\nNULL");
}

TEST_F(Autogenerate, AQuestionOnATerminalDecides) {
  at_head();
  write("schema.sql", renamed);
  const Outcome yes = run_on_terminal(words({"--dry-run"}), {.input = "y\n"});
  EXPECT_NE(yes.out.find("is rooms.title the column rooms.name, renamed? [y/N] "), std::string::npos) << yes;
  EXPECT_NE(yes.out.find("rename-column rooms.title"), std::string::npos) << yes;
  EXPECT_EQ(yes.exit, exit_done);
  const Outcome no = run_on_terminal(words(), {.input = "n\n"});
  EXPECT_EQ(no.exit, exit_refused) << no;
  EXPECT_NE(no.out.find("--allow-drop=rooms.name"), std::string::npos) << no;
  EXPECT_EQ(scripts(), 1U);
}

TEST_F(Autogenerate, YesAnswersNoQuestionAboutARename) {
  at_head();
  write("schema.sql", renamed);
  EXPECT_EQ(refusal(words({"--yes"})), (Refusal{exit_refused, "ambiguous-rename"}));
}

TEST_F(Autogenerate, ARenameOfNothingIsAUsageError) {
  at_head();
  write("schema.sql", renamed);
  EXPECT_EQ(refusal(words({"--rename", "rooms.nam=title"})), (Refusal{exit_usage, "bad-name"}));
  EXPECT_NE(refused({"--rename", "rooms.nam=title"}).at("message").get<std::string>().find("did you mean name?"),
            std::string::npos);
  EXPECT_EQ(refusal(words({"--rename", "rooms.name"})), (Refusal{exit_usage, "bad-name"}));
}

TEST_F(Autogenerate, AHintThatCannotBeReadIsAnErrorWithItsLine) {
  at_head();
  write("schema.sql", "CREATE TABLE rooms (\n  id INTEGER PRIMARY KEY,\n  title TEXT -- @renamed name\n);\n");
  EXPECT_EQ(refusal(words()), (Refusal{exit_config, "malformed-script", "schema.sql:3"}));
}

// --- What would be lost, and rows that do not fit ---

TEST_F(Autogenerate, DropsNeedToBeAllowed) {
  at_head();
  write("schema.sql", narrower);
  EXPECT_EQ(refusal(words()), (Refusal{exit_refused, "destructive"}));
  EXPECT_EQ(refusal(words({"--yes"})), (Refusal{exit_refused, "destructive"}));
  const Json error = refused();
  EXPECT_NE(error.at("next").get<std::string>().find("--allow-drop=rooms.code"), std::string::npos) << error;
  EXPECT_NE(hazards(error).find("deletes-data 2"), std::string::npos) << error;
}

TEST_F(Autogenerate, EachFormOfAllowDropAllowsWhatItSays) {
  at_head();
  write("schema.sql", narrower);
  for (const Words& flags : {Words{"--allow-drop"}, Words{"--allow-drop=rooms"}, Words{"--allow-drop=rooms.code"},
                             Words{"--allow-drop=ROOMS.\"code\""}, Words{"--allow-drop", "-m", "a change"}}) {
    Words all{"revision", "--autogenerate", "--dry-run"};
    all.insert(all.end(), flags.begin(), flags.end());
    if (flags.size() == 1) all.insert(all.end(), {"-m", "a change"});
    EXPECT_EQ(run(all).exit, exit_done) << flags.front();
  }
  EXPECT_EQ(refusal(words({"--allow-drop=rooms.name"})), (Refusal{exit_refused, "destructive"}));
}

TEST_F(Autogenerate, AllowDropOfNothingIsAUsageError) {
  at_head();
  write("schema.sql", narrower);
  for (const char* word : {"--allow-drop=room", "--allow-drop=rooms.cod", "--allow-drop=a.b.c", "--allow-drop="})
    EXPECT_EQ(refusal(words({word})).exit, exit_usage) << word;
  EXPECT_EQ(run(words({"--allow-drop", "rooms.code"})).exit, exit_usage);
}

TEST_F(Autogenerate, TheOptionThatIsAskedForIsTakenAlsoWhereTheTableIsRenamed) {
  at_head();
  write("schema.sql", "-- @renamed from=rooms\nCREATE TABLE \"the halls\" (id INTEGER PRIMARY KEY, name TEXT);");
  const std::string next = refused().at("next").get<std::string>();
  EXPECT_NE(next.find("--allow-drop='\"the halls\".code'"), std::string::npos) << next;
  EXPECT_EQ(changes(generated({"--allow-drop=\"the halls\".code"})),
            "rename-table the halls, drop-column the halls.code");
}

TEST_F(Autogenerate, AnAllowedDropIsNoRename) {
  at_head();
  write("schema.sql", renamed);
  for (const char* flag : {"--allow-drop", "--allow-drop=rooms.name"})
    EXPECT_EQ(changes(generated({flag, "--dry-run"})).find("rename"), std::string::npos) << flag;
}

TEST_F(Autogenerate, RowsThatDoNotFitStopItWithTheirNumber) {
  at_head();
  write("schema.sql", "CREATE TABLE rooms (id INTEGER PRIMARY KEY, name TEXT NOT NULL, code TEXT);");
  EXPECT_EQ(refusal(words({"--allow-drop", "--yes"})), (Refusal{exit_refused, "data-dependent"}));
  const Json error = refused();
  EXPECT_NE(error.at("message").get<std::string>().find("1 row"), std::string::npos) << error;
  EXPECT_NE(hazards(error).find("data-dependent 1"), std::string::npos) << error;
  Database(root / "app.db").run("UPDATE rooms SET name = '' WHERE name IS NULL");
  must(words());
}

// --- What it is compared with ---

TEST_F(Autogenerate, WhatIsPendingIsRefused) {
  write("schema.sql", wider);
  EXPECT_EQ(refusal(words()), (Refusal{exit_refused, "pending"}));
  EXPECT_NE(refused().at("next").get<std::string>().find("belay migrate"), std::string::npos);
}

TEST_F(Autogenerate, FromVersionsNeedsNoDatabaseAndCountsNothing) {
  write("schema.sql", wider);
  const Json json = generated({"--from", "versions"});
  EXPECT_EQ(changes(json), "add-column rooms.size");
  EXPECT_EQ(json.at("not_counted"), "there is no database");
  EXPECT_FALSE(fs::exists(root / "app.db"));
}

TEST_F(Autogenerate, FromVersionsWorksWhereNoDatabaseIsConfigured) {
  write("belay.toml", "versions = \"versions\"\n");
  write("schema.sql", wider);
  EXPECT_EQ(changes(generated({"--from", "versions", "--stdout"})), "add-column rooms.size");
  EXPECT_EQ(refusal(words()).exit, exit_missing_input);
}

TEST_F(Autogenerate, FromVersionsCountsOnADatabaseThatIsLevel) {
  at_head();
  write("schema.sql", "CREATE TABLE rooms (id INTEGER PRIMARY KEY, name TEXT NOT NULL, code TEXT);");
  EXPECT_EQ(refusal(words({"--from", "versions"})), (Refusal{exit_refused, "data-dependent"}));
  Database(root / "app.db").run("CREATE TABLE mine (x)");
  EXPECT_EQ(generated({"--from", "versions", "--dry-run"}).at("not_counted"),
            "the database is not what these revisions make");
}

TEST_F(Autogenerate, WhatWasDoneByHandIsSaid) {
  at_head();
  Database(root / "app.db").run("CREATE INDEX by_hand ON rooms (name)");
  write("schema.sql", wider + std::string("CREATE INDEX by_hand ON rooms (name);"));
  const Json json = generated({"--dry-run"});
  EXPECT_NE(json.at("notes").at(0).get<std::string>().find("not what its revisions make"), std::string::npos) << json;
  EXPECT_NE(run(words({"--dry-run"})).err.find("not what its revisions make"), std::string::npos);
}

TEST_F(Autogenerate, AMissingSchemaIsAMissingInput) {
  at_head();
  EXPECT_EQ(refusal(words()), (Refusal{exit_missing_input, "unreadable", "schema.sql"}));
}

TEST_F(Autogenerate, SqlThatCannotRunIsToldAsDiffTellsIt) {
  at_head();
  write("schema.sql", "CREATE TABLE rooms (id);\n\nCREATE INDEX i ON halls (id);\n");
  const Refusal told = refusal(words());
  EXPECT_EQ(told.where, "schema.sql:3");
  EXPECT_EQ(told.exit, run({"diff", "db", "schema.sql"}).exit);
  write("schema.sql", "CREATE TABLE rooms (id);\nCREATE TABLE x ('");
  EXPECT_EQ(refusal(words()).exit, run({"diff", "db", "schema.sql"}).exit);
}

TEST_F(Autogenerate, SeveralHeadsNeedAParent) {
  script("1002", {.parents = "1001", .up = "CREATE TABLE a (x);"});
  script("1003", {.parents = "1001", .up = "CREATE TABLE b (x);"});
  must({"upgrade", "heads"});
  write("schema.sql", std::string(wider) + "CREATE TABLE a (x);\nCREATE TABLE b (x);\n");
  EXPECT_EQ(refusal(words()), (Refusal{exit_refused, "several-heads"}));
  const Json json = generated({"--parent", "1002"});
  EXPECT_EQ(changes(json), "add-column rooms.size");
  EXPECT_NE(text(fs::path(json.at("file").get<std::string>()).lexically_relative(root)).find("-- parents:  1002\n"),
            std::string::npos);
}

TEST_F(Autogenerate, AJournalThatDoesNotFitIsReportedAsElsewhere) {
  at_head();
  fs::remove_all(root / "app.db-belay");
  write("schema.sql", wider);
  const Refusal told = refusal(words());
  EXPECT_EQ(told.exit, exit_integrity);
  EXPECT_EQ(told.kind, refusal({"migrate"}).kind);
}

// --- What is ignored ---

TEST_F(Autogenerate, WhatIsIgnoredIsSeenNowhere) {
  configure("[autogenerate]\nignore = [\"audit_*\", \"mine\"]\n");
  script("1002", {.parents = "1001", .up = "CREATE TABLE Audit_made (x);"});
  must({"migrate"});
  Database(root / "app.db")
      .run(
          "CREATE TABLE AUDIT_log (x); CREATE INDEX by_x ON audit_log (x); CREATE VIEW mine AS "
          "SELECT 1; CREATE VIRTUAL TABLE audit_text USING fts5(x)");
  write("schema.sql", std::string(rooms) + "CREATE TABLE audit_else (y);");
  EXPECT_EQ(generated().at("revision"), nullptr);
  EXPECT_EQ(run({"check"}).exit, exit_done) << run({"check"});
  EXPECT_EQ(must({"diff", "db", "schema.sql"}).out, "");
  EXPECT_EQ(must({"diff"}).out, "");
  EXPECT_EQ(must({"recover", "fix-state"}).exit, exit_done);
  EXPECT_NE(must({"config"}).out.find("audit_*, mine"), std::string::npos);
}

TEST_F(Autogenerate, WhatIsIgnoredStaysWhereItIs) {
  configure("[autogenerate]\nignore = \"audit_*\"\n");
  at_head();
  Database(root / "app.db").run("CREATE TABLE audit_log (x); INSERT INTO audit_log VALUES (7); CREATE TABLE other (y)");
  const Outcome outcome = must({"reset", "--yes"});
  EXPECT_EQ(query("SELECT x FROM audit_log"), "7");
  EXPECT_EQ(query("SELECT count(*) FROM sqlite_schema WHERE name = 'other'"), "0");
}

TEST_F(Autogenerate, ATableIsNotRebuiltOverATriggerThatIsIgnored) {
  configure("[autogenerate]\nignore = \"audit_*\"\n");
  at_head();
  Database(root / "app.db").run("CREATE TRIGGER audit_rooms AFTER INSERT ON rooms BEGIN SELECT 1; END");
  write("schema.sql", "CREATE TABLE rooms (id INTEGER PRIMARY KEY, name TEXT, code TEXT UNIQUE);");
  EXPECT_EQ(refusal(words()), (Refusal{exit_refused, "unprovable"}));
  // Not the name of the file, which was never written, and is another one in the next second.
  const std::string message = refused().at("message");
  EXPECT_TRUE(message.starts_with("the script cannot be run, in line ")) << message;
}

// --- Words ---

TEST_F(Autogenerate, ItsOptionsMakeNoSenseWithoutIt) {
  for (const Words& more : {Words{"--rename", "a=b"}, Words{"--allow-drop"}, Words{"--from", "versions"}}) {
    Words all{"revision", "-m", "x"};
    all.insert(all.end(), more.begin(), more.end());
    EXPECT_EQ(refusal(all).exit, exit_usage) << more.front();
  }
  EXPECT_EQ(refusal(words({"--baseline"})).exit, exit_usage);
  EXPECT_EQ(refusal(words({"--from", "elsewhere"})).exit, exit_usage);
}

TEST_F(Autogenerate, DiffPrintsTheStatementsAndNothingElse) {
  at_head();
  write("schema.sql", wider);
  const Outcome outcome = must({"diff", "db", "schema.sql", "--sql"});
  EXPECT_EQ(outcome.out, "-- add column size to rooms\nALTER TABLE rooms ADD COLUMN size INTEGER;\n");
  EXPECT_EQ(must({"diff", "schema.sql", "schema.sql", "--sql"}).out, "");
  EXPECT_EQ(must({"diff", "db", "schema.sql", "--sql", "--json"}).json().at("sql"), outcome.out);
  write("schema.sql", renamed);
  EXPECT_NE(must({"diff", "db", "schema.sql", "--sql"}).err.find("-- @renamed from=name"), std::string::npos);
}

TEST_F(Autogenerate, CheckSaysHowToGetInStep) {
  at_head();
  write("schema.sql", wider);
  EXPECT_NE(run({"check"}).out.find("belay revision --autogenerate"), std::string::npos);
}

}  // namespace
}  // namespace belay::cli

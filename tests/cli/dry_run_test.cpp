// --dry-run and --sql: they show, and change nothing.

#include "tests/cli/project.h"

namespace belay::cli {
namespace {

class DryRun : public Project {
 protected:
  DryRun() {
    configure();
    script("1001", {.up = "CREATE TABLE rooms (id INTEGER PRIMARY KEY, code TEXT);\n"
                          "INSERT INTO rooms (code) VALUES ('a;b'), ('it''s'), ('c') -- the last one\n;",
                    .down = "DROP TABLE rooms;",
                    .message = "rooms; and it's fine"});
    script("1002", {.parents = "1001",
                    .up = "-- migrate:step fill batch:2 over:rooms.id\n"
                          "UPDATE rooms SET code = code || ':lo' /* :hi */ WHERE id BETWEEN :lo AND :hi;\n"
                          "-- migrate:step rest\nCREATE INDEX rooms_by_code ON rooms (code);",
                    .down = "DROP INDEX rooms_by_code;"});
    script("1003", {.parents = "1002",
                    .up = "CREATE TRIGGER t AFTER INSERT ON rooms BEGIN\n"
                          "  UPDATE rooms SET code = 'x' WHERE id = NEW.id;\nEND;",
                    .down = "DROP TRIGGER t;"});
  }
  /// Runs what `--sql` prints by a plain sqlite3 on a copy of the database.
  void run_by_hand(const Words& words) const {
    namespace fs = std::filesystem;
    if (fs::exists(root / "app.db"))
      fs::copy_file(root / "app.db", root / "plain.db", fs::copy_options::overwrite_existing);
    const auto before = files();
    const std::string sql = must(words).out;
    EXPECT_EQ(changed_since(before), "");
    Database(root / "plain.db").run(sql);
  }
  [[nodiscard]] std::string content(const std::string& database) const {
    const std::string rooms = schema(database).find("rooms") == std::string::npos
                                  ? ""
                                  : Database(root / database).read("SELECT * FROM rooms ORDER BY id");
    return schema(database) + "\n" + rooms + "\n" +
           Database(root / database).read("SELECT revision, message, digest FROM belay_version ORDER BY revision");
  }
};

TEST_F(DryRun, ShowsThePlanAndChangesNothing) {
  const auto before = files();
  EXPECT_EQ(must({"migrate", "--dry-run"}).out, R"(  + 1001  rooms; and it's fine
  + 1002  revision 1002
  + 1003  revision 1003
3 revisions would be run; the database is at base, and nothing was changed
)");
  EXPECT_EQ(changed_since(before), "");
}

TEST_F(DryRun, InJsonHasTheKeysOfARunAndThePlan) {
  must({"migrate", "--to", "1001"});
  const auto before = files();
  const Json json = must({"migrate", "--dry-run", "--json"}).json();
  EXPECT_EQ(json.at("from"), Json::array({"1001"}));
  EXPECT_EQ(json.at("to"), Json::array({"1001"}));
  EXPECT_EQ(json.at("revisions"), Json::array());
  EXPECT_EQ(json.at("dry_run"), true);
  EXPECT_EQ(json.at("plan").at(0),
            Json::parse(R"({"revision":"1002","direction":"up","message":"revision 1002","statements":2})"));
  EXPECT_EQ(changed_since(before), "");
}

TEST_F(DryRun, OfEveryWritingCommandChangesNothing) {
  must({"migrate"});
  const auto before = files();
  for (const char* how : {"--dry-run", "--sql"})
    for (const Words& words :
         {Words{"migrate"}, {"upgrade", "head"}, {"downgrade", "base"}, {"rollback"}, {"stamp", "1001"}})
      for (const char* format : {"--json", "-q"}) {
        Words all = words;
        all.insert(all.end(), {how, format});
        must(all);
        EXPECT_EQ(changed_since(before), "") << words[0] << how;
      }
}

TEST_F(DryRun, SqlGivesWhatBelayGives) {
  run_by_hand({"migrate", "--sql"});
  must({"migrate"});
  EXPECT_EQ(content("plain.db"), content("app.db"));
}

TEST_F(DryRun, SqlOfADowngradeGivesWhatBelayGives) {
  must({"migrate"});
  run_by_hand({"downgrade", "1001", "--sql"});
  must({"downgrade", "1001"});
  EXPECT_EQ(content("plain.db"), content("app.db"));
}

TEST_F(DryRun, SqlOfAStampGivesWhatBelayGives) {
  must({"migrate"});
  run_by_hand({"stamp", "1001", "--sql"});
  must({"stamp", "1001", "--yes"});
  EXPECT_EQ(content("plain.db"), content("app.db"));
}

TEST_F(DryRun, SqlOfARestCanBeRunOnTheRest) {
  must({"migrate", "--to", "1001"});
  run_by_hand({"migrate", "--sql"});
  must({"migrate"});
  EXPECT_EQ(content("plain.db"), content("app.db"));
}

TEST_F(DryRun, SqlRunsInTheSqlite3Shell) {
  const std::string sql = must({"migrate", "--sql"}).out;
  const Outcome outcome = execute("/usr/bin/sqlite3", {"-bail", "plain.db"}, {.input = sql});
  EXPECT_EQ(outcome.exit, 0) << outcome;
  must({"migrate"});
  EXPECT_EQ(content("plain.db"), content("app.db"));
}

TEST_F(DryRun, SqlInJsonIsAString) {
  EXPECT_EQ(must({"migrate", "--sql", "--json"}).json().at("sql").get<std::string>(), must({"migrate", "--sql"}).out);
}

TEST_F(DryRun, SqlHasTheHooksThatAreSql) {
  configure("[hooks]\nafter_migrate = \"after.sql\"\nbefore_each = \"each.sql\"\n");
  write("after.sql", "CREATE TABLE after_run AS SELECT count(*) AS n FROM each;");
  write("each.sql", "CREATE TABLE IF NOT EXISTS each (n);\nINSERT INTO each VALUES (1);");
  run_by_hand({"migrate", "--sql"});
  must({"migrate"});
  EXPECT_EQ(content("plain.db"), content("app.db"));
  EXPECT_EQ(query("SELECT n FROM after_run"), Database(root / "plain.db").read("SELECT n FROM after_run"));
}

}  // namespace
}  // namespace belay::cli

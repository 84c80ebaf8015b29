// --dry-run says what pending scripts would do to the rows that are there, and is right about it.

#include "tests/cli/project.h"

namespace belay::cli {
namespace {

class DryRunHazards : public Project {
 protected:
  DryRunHazards() {
    configure();
    script("1001", {.up = "CREATE TABLE rooms (id INTEGER PRIMARY KEY, code TEXT, floor INTEGER, gone TEXT);",
                    .message = "rooms"});
    must({"migrate"});
    Database(root / "app.db")
        .run("INSERT INTO rooms VALUES (1, '7', 1, 'x'), (2, NULL, 2, NULL), (4, '007', -1, NULL), (9, '7', 1, 'y')");
  }
  void pending(const std::string& id, const std::string& up, const std::string& parents = "1001") const {
    script(id, {.parents = parents, .up = up, .message = "pending"});
  }
  /// `revision kind object count` of each, a line; without those of which there are none.
  [[nodiscard]] std::string hazards(const Words& words = {"migrate", "--dry-run", "--json"}) const {
    const auto before = files();
    std::string text;
    const Json json = must(words).json();
    for (const auto& hazard : json.at("hazards")) {
      const auto kind = hazard.at("kind").get<std::string>();
      const auto count = hazard.at("count").get<int>();
      if (count == 0 && (kind == "data-dependent" || kind == "lossy-cast")) continue;
      text += hazard.at("revision").get<std::string>() + " " + kind + " " + hazard.at("object").get<std::string>() +
              " " + std::to_string(count) + "\n";
    }
    EXPECT_EQ(changed_since(before), "");
    return text;
  }
  /// A rebuild as people write it.
  static std::string rebuild(const std::string& definition, const std::string& columns, const std::string& values) {
    return "CREATE TABLE rooms_new (" + definition + ");\nINSERT INTO rooms_new (" + columns + ") SELECT " + values +
           " FROM rooms;\nDROP TABLE rooms;\nALTER TABLE rooms_new RENAME TO rooms;";
  }
};

TEST_F(DryRunHazards, AreShownBelowTheirRevision) {
  pending("1002", "ALTER TABLE rooms DROP COLUMN gone;\nCREATE UNIQUE INDEX rooms_code ON rooms (code);");
  EXPECT_EQ(must({"migrate", "--dry-run"}).out, R"(  a backup would be made first: 1002 drops a column of rooms
  + 1002  pending
      deletes-data: 2 rows of rooms lose their gone: the column is dropped (rowids 1, 9)
      data-dependent: 2 rows of rooms have the code of another one, and rooms_code is unique (rowids 1, 9)
      breaks-readers: rooms.gone is dropped: whoever reads it by its old name fails
      irreversible: the way back makes rooms.gone again, but not what was in it (2 rows)
1 revision would be run; the database is at 1001, and nothing was changed
)");
}

TEST_F(DryRunHazards, HandWrittenRebuildIsARebuildAndFailsAsItSays) {
  pending("1002", rebuild("id INTEGER PRIMARY KEY, code TEXT NOT NULL, floor INTEGER CHECK (floor > 0), gone TEXT",
                          "id, code, floor, gone", "id, code, floor, gone"));
  EXPECT_EQ(hazards(), "1002 data-dependent rooms.code 1\n1002 data-dependent rooms 1\n1002 rebuild rooms 4\n");
  EXPECT_EQ(run({"migrate"}).exit, exit_failed);
}

TEST_F(DryRunHazards, RebuildByWayOfTheOldNameIsOneToo) {
  pending("1002",
          "ALTER TABLE rooms RENAME TO old;\nCREATE TABLE rooms (id INTEGER PRIMARY KEY, code INTEGER, floor INTEGER, "
          "gone TEXT);\nINSERT INTO rooms SELECT * FROM old;\nDROP TABLE old;");
  EXPECT_EQ(hazards(), "1002 lossy-cast rooms.code 1\n1002 rebuild rooms 4\n1002 irreversible rooms.code 1\n");
}

TEST_F(DryRunHazards, RebuildThatMakesTheValuesMayMendThem) {
  pending("1002", rebuild("id INTEGER PRIMARY KEY, code TEXT NOT NULL, floor INTEGER, gone TEXT",
                          "id, code, floor, gone", "id, coalesce(code, '?'), floor, gone"));
  const auto shown = must({"migrate", "--dry-run"}).out;
  EXPECT_NE(shown.find("1 row of rooms has no code (rowid 2), unless the script mends them first"), std::string::npos)
      << shown;
  must({"migrate"});
}

TEST_F(DryRunHazards, BackfillBeforeAConstraintMayMendTheRows) {
  pending("1002", "UPDATE rooms SET code = id;\nCREATE UNIQUE INDEX rooms_code ON rooms (code);");
  const auto shown = must({"migrate", "--dry-run"}).out;
  EXPECT_NE(shown.find("(rowids 1, 9), unless the script mends them first"), std::string::npos) << shown;
  must({"migrate"});
}

TEST_F(DryRunHazards, NameOfAnEarlierScriptIsFollowedToItsRows) {
  pending("1002", "ALTER TABLE rooms RENAME TO chambers;\nALTER TABLE chambers RENAME COLUMN code TO label;");
  pending("1003", "CREATE UNIQUE INDEX chambers_label ON chambers (label);", "1002");
  EXPECT_EQ(hazards(),
            "1002 breaks-readers chambers 0\n1002 breaks-readers chambers.label 0\n"
            "1003 data-dependent chambers.label 2\n");
}

TEST_F(DryRunHazards, EachIsToldAtTheScriptThatBringsIt) {
  pending("1002", "CREATE UNIQUE INDEX rooms_code ON rooms (code);");
  pending("1003", "ALTER TABLE rooms RENAME TO chambers;", "1002");
  pending("1004", "ALTER TABLE chambers ADD COLUMN wing TEXT;", "1003");
  EXPECT_EQ(hazards(), "1002 data-dependent rooms.code 2\n1003 breaks-readers chambers 0\n");
}

TEST_F(DryRunHazards, TableOfAnEarlierScriptHasNoRows) {
  pending("1002", "CREATE TABLE beds (id INTEGER PRIMARY KEY, name TEXT);");
  pending("1003", "CREATE UNIQUE INDEX beds_name ON beds (name);\nALTER TABLE beds DROP COLUMN name;", "1002");
  const auto shown = hazards();
  EXPECT_EQ(shown.find("deletes-data"), std::string::npos) << shown;
}

TEST_F(DryRunHazards, TableThatIsDroppedAndMadeAgainHasLostItsRows) {
  pending("1002", "DROP TABLE rooms;");
  pending("1003", "CREATE TABLE rooms (id INTEGER PRIMARY KEY, code TEXT NOT NULL UNIQUE);", "1002");
  EXPECT_EQ(hazards(), "1002 deletes-data rooms 4\n1002 breaks-readers rooms 0\n1002 irreversible rooms 4\n");
}

TEST_F(DryRunHazards, CopyOfAPartIsNoCopy) {
  pending(
      "1002",
      "CREATE TABLE rooms_new (id INTEGER PRIMARY KEY, code TEXT);\nINSERT INTO rooms_new SELECT id, code FROM rooms "
      "WHERE floor > 0;\nDROP TABLE rooms;\nALTER TABLE rooms_new RENAME TO rooms;");
  EXPECT_NE(hazards().find("1002 deletes-data rooms 4"), std::string::npos) << hazards();
}

TEST_F(DryRunHazards, RowsThatAScriptDeletesAreSaid) {
  pending("1002", "DELETE FROM rooms WHERE code IS NULL;");
  EXPECT_EQ(hazards(), "1002 deletes-data rooms 0\n");
}

TEST_F(DryRunHazards, ScriptThatCannotBeTriedIsSaidBesideThePlan) {
  pending("1002", "CREATE UNIQUE INDEX rooms_code ON rooms (code);");
  pending("1003", "CREATE TABLE a (x);\nALTER TABLE unheard_of ADD COLUMN y;", "1002");
  EXPECT_EQ(hazards(), "1002 data-dependent rooms.code 2\n");
  const auto outcome = must({"migrate", "--dry-run"});
  EXPECT_NE(outcome.out.find("2 revisions would be run"), std::string::npos) << outcome;
  EXPECT_NE(outcome.err.find("revision 1003 cannot be tried on a scratch database: no such table: unheard_of (" +
                             (root / "versions/1003.sql").string() + ":6)"),
            std::string::npos)
      << outcome;
}

TEST_F(DryRunHazards, OfADowngradeAreThoseOfTheDownSection) {
  script("1002", {.parents = "1001", .up = "CREATE TABLE beds (x);", .down = "DROP TABLE beds;\nDROP TABLE rooms;"});
  must({"migrate"});
  EXPECT_EQ(hazards({"rollback", "--dry-run", "--json"}),
            "1002 deletes-data rooms 4\n1002 deletes-data beds 0\n1002 breaks-readers rooms 0\n"
            "1002 breaks-readers beds 0\n");
}

TEST_F(DryRunHazards, WithoutADatabaseThereAreNone) {
  std::filesystem::remove(root / "app.db");
  std::filesystem::remove_all(root / "app.db-belay");
  pending("1002", "CREATE UNIQUE INDEX rooms_code ON rooms (code);");
  EXPECT_EQ(hazards(), "");
}

}  // namespace
}  // namespace belay::cli

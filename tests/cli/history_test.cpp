// `history`, and how it draws the graph. Every drawing here was checked by eye.

#include <fmt/format.h>

#include "tests/cli/project.h"

namespace belay::cli {
namespace {

class History : public Project {
 protected:
  History() { configure(); }

  void graph(const std::vector<std::pair<std::string, std::string>>& revisions) const {
    for (const auto& [id, parents] : revisions)
      script(id, {.parents = parents, .up = "SELECT 1;", .message = "m" + id});
  }
  [[nodiscard]] std::string drawn() const { return "\n" + must({"history", "--graph"}).out; }
};

TEST_F(History, ListsNewestFirstAndMarksWhatIsApplied) {
  graph({{"10", "base"}, {"11", "10"}, {"12", "11"}});
  must({"upgrade", "11"});
  EXPECT_EQ(must({"history"}).out, "  12  m12 (head)\n* 11  m11 (current) [run 1]\n* 10  m10 [run 1]\n");
}

TEST_F(History, JsonHasTheKeysOfTheContract) {
  graph({{"10", "base"}, {"11", "10"}});
  must({"upgrade", "10"});
  EXPECT_EQ(must({"history", "--json"}).json(), Json::parse(fmt::format(R"([
    {{"revision": "11", "parents": ["10"], "message": "m11", "file": "{0}/versions/11.sql", "applied": false, "undoable_run": null}},
    {{"revision": "10", "parents": [], "message": "m10", "file": "{0}/versions/10.sql", "applied": true, "undoable_run": 1}}])",
                                                                        root.string())));
}

TEST_F(History, RangesSelectWhatLiesBetweenTwoRevisions) {
  graph({{"1010", "base"}, {"1111", "1010"}, {"1212", "1111"}, {"1313", "1212"}});
  must({"upgrade", "1111"});
  EXPECT_EQ(must({"history", "1111:1212"}).out, "  1212  m1212\n* 1111  m1111 (current) [run 1]\n");
  EXPECT_EQ(must({"history", "12:"}).out, "  1313  m1313 (head)\n  1212  m1212\n");
  EXPECT_EQ(must({"history", ":10"}).out, "* 1010  m1010 [run 1]\n");
  EXPECT_EQ(must({"history", "current:head"}).out,
            "  1313  m1313 (head)\n  1212  m1212\n* 1111  m1111 (current) [run 1]\n");
  EXPECT_EQ(must({"history", "1212"}).out, "  1212  m1212\n");
  EXPECT_EQ(must({"history", "--json", "13:"}).json().size(), 1U);
}

TEST_F(History, UnknownEndOfARangeIsRefused) {
  graph({{"10", "base"}});
  EXPECT_EQ(refusal({"history", "77:"}), (Refusal{exit_usage, "unknown-revision"}));
}

TEST_F(History, VerboseSaysWhereARevisionIsFromAndWhenItWasApplied) {
  graph({{"10", "base"}, {"11", "10"}});
  must({"upgrade", "10"});
  const std::string out = must({"history", "-v"}).out;
  EXPECT_NE(out.find("    file     " + (root / "versions/11.sql").string() + "\n    parents  10\n* 10  m10"),
            std::string::npos)
      << out;
  EXPECT_NE(out.find("    applied  " + query("SELECT applied_at FROM belay_version")), std::string::npos) << out;
}

TEST_F(History, EmptyFolderHasNoHistory) {
  EXPECT_EQ(must({"history"}).out, "");
  EXPECT_EQ(must({"history", "--graph"}).out, "");
  EXPECT_EQ(must({"history", "--json"}).out, "[]\n");
}

TEST_F(History, GraphOfALineIsAColumn) {
  graph({{"10", "base"}, {"11", "10"}});
  must({"upgrade", "10"});
  EXPECT_EQ(drawn(), R"(
o  11  m11 (head)
*  10  m10 (current) [run 1]
)");
}

TEST_F(History, GraphJoinsBranchesAtTheirMergeAndAtTheirRoot) {
  graph({{"10", "base"}, {"11", "10"}, {"12", "10"}, {"13", "11, 12"}, {"14", "13"}});
  EXPECT_EQ(drawn(), R"(
o  14  m14 (head)
o  13  m13
|\
| o  12  m12
o |  11  m11
|/
o  10  m10
)");
}

TEST_F(History, GraphShowsSeveralHeads) {
  graph({{"10", "base"}, {"11", "10"}, {"12", "10"}, {"13", "10"}});
  EXPECT_EQ(drawn(), R"(
o  13  m13 (head)
| o  12  m12 (head)
| | o  11  m11 (head)
|_|/
|/
o  10  m10
)");
}

TEST_F(History, GraphOfAnOctopusMergeOpensAColumnForEachParent) {
  graph({{"10", "base"}, {"11", "10"}, {"12", "10"}, {"13", "10"}, {"14", "11, 12, 13"}});
  EXPECT_EQ(drawn(), R"(
o  14  m14 (head)
|\
| |\
| | o  13  m13
| o |  12  m12
o | |  11  m11
|_|/
|/
o  10  m10
)");
}

TEST_F(History, GraphMovesColumnsAsideForAMergeAndBack) {
  graph({{"10", "base"}, {"11", "10"}, {"12", "11"}, {"13", "11"}, {"14", "12, 13"}, {"15", "10"}, {"16", "14, 15"}});
  EXPECT_EQ(drawn(), R"(
o  16  m16 (head)
|\
| o  15  m15
o |  14  m14
|\ \
| o |  13  m13
o | |  12  m12
|/ /
o |  11  m11
|/
o  10  m10
)");
}

TEST_F(History, GraphLetsLinesCross) {
  graph({{"10", "base"}, {"11", "10"}, {"12", "10"}, {"13", "11"}, {"14", "12"}, {"15", "13, 12"}, {"16", "14, 11"}});
  EXPECT_EQ(drawn(), R"(
o  16  m16 (head)
|\
| | o  15  m15 (head)
| | |\
o | | |  14  m14
| | o |  13  m13
|_|_|/
o | |  12  m12
| |/
| o  11  m11
|/
o  10  m10
)");
}

TEST_F(History, GraphWithARevisionAndItsAncestorAsParents) {
  graph({{"10", "base"}, {"11", "10"}, {"12", "10, 11"}});
  EXPECT_EQ(drawn(), R"(
o  12  m12 (head)
|\
| o  11  m11
|/
o  10  m10
)");
}

TEST_F(History, GraphKeepsSeveralRootsApart) {
  graph({{"10", "base"}, {"20", "base"}, {"21", "20"}});
  EXPECT_EQ(drawn(), R"(
o  21  m21 (head)
o  20  m20

o  10  m10 (head)
)");
}

TEST_F(History, GraphOfRootsThatAMergeJoins) {
  graph({{"10", "base"}, {"11", "10"}, {"20", "base"}, {"21", "20"}, {"30", "11, 21"}});
  EXPECT_EQ(drawn(), R"(
o  30  m30 (head)
|\
| o  21  m21
| o  20  m20
o  11  m11
o  10  m10
)");
}

TEST_F(History, GraphMovesColumnsInWhenARootEndsBesideThem) {
  graph({{"10", "base"}, {"11", "10"}, {"20", "base"}, {"30", "20, 11"}});
  EXPECT_EQ(drawn(), R"(
o  30  m30 (head)
|\
o |  20  m20
 /
o  11  m11
o  10  m10
)");
}

TEST_F(History, GraphLeavesAGapBelowARootWhereAHeadComesNext) {
  graph({{"10", "base"}, {"11", "10"}, {"20", "base"}, {"12", "11"}, {"21", "20"}, {"13", "12, 21"}, {"14", "10"}});
  EXPECT_EQ(drawn(), R"(
o  13  m13 (head)
|\
| o  21  m21
| o  20  m20
|
| o  14  m14 (head)
o |  12  m12
o |  11  m11
|/
o  10  m10
)");
}

TEST_F(History, VerboseLinesStandBesideTheOpenColumns) {
  graph({{"10", "base"}, {"11", "10"}, {"12", "10"}, {"13", "11, 12"}});
  const std::string folder = (root / "versions").string();
  EXPECT_EQ("\n" + must({"history", "--graph", "-v"}).out, fmt::format(R"(
o  13  m13 (head)
|    file     {0}/13.sql
|    parents  11 12
|\
| o  12  m12
| |    file     {0}/12.sql
| |    parents  10
o |  11  m11
| |    file     {0}/11.sql
| |    parents  10
|/
o  10  m10
     file     {0}/10.sql
)",
                                                                       folder));
}

}  // namespace
}  // namespace belay::cli

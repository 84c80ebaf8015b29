// The application of examples/embed.cpp, which migrates its database at its start.

#include "tests/cli/project.h"

namespace belay::cli {
namespace {

namespace fs = std::filesystem;

class Embed : public Project {
 protected:
  Embed() { fs::copy(fs::path(BELAY_SOURCE_DIR) / "examples/salastech/versions", root / "versions"); }
  Outcome embed() const { return execute(BELAY_EMBED_PROGRAM, {"app.db", "versions"}); }
};

TEST_F(Embed, AppliesAllRevisionsAtItsStart) {
  const Outcome outcome = embed();
  EXPECT_EQ(outcome.exit, 0) << outcome;
  EXPECT_TRUE(outcome.out.starts_with("20260105090000 departments and users (")) << outcome;
  EXPECT_TRUE(outcome.out.ends_with("\n9 applied\n")) << outcome;
  EXPECT_EQ(query("SELECT count(*) FROM reservations WHERE reference IS NOT NULL"), "200");
  EXPECT_EQ(query("SELECT count(*) FROM belay_version"), "9");
}

TEST_F(Embed, AppliesNothingTheSecondTime) {
  embed();
  const auto before = files();
  EXPECT_EQ(embed().out, "0 applied\n");
  EXPECT_EQ(changed_since(before), "");
}

TEST_F(Embed, LeavesWhatTheCommandLineLeaves) {
  configure();
  embed();
  EXPECT_EQ(must({"status", "--json"}).json().at("current"), Json::array({"20260316150000"}));
  must({"migrate", "--database", "other.db"});
  EXPECT_EQ(schema("app.db"), schema("other.db"));
}

TEST_F(Embed, FailsWithASentence) {
  fs::remove_all(root / "versions");
  const Outcome outcome = embed();
  EXPECT_EQ(outcome.exit, 1);
  EXPECT_NE(outcome.err, "");
}

}  // namespace
}  // namespace belay::cli

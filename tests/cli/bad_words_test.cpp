// Words on the command line that make no sense.

#include "tests/cli/project.h"

namespace belay::cli {
namespace {

class BadWords : public Project {
 protected:
  BadWords() {
    configure();
    chain(2);
  }
};

const Refusal usage{exit_usage, "usage"};

TEST_F(BadWords, UnknownCommandIsRefusedWithASuggestion) {
  EXPECT_EQ(refusal({"migrat"}), usage);
  EXPECT_NE(run({"migrat"}).err.find("did you mean belay migrate?"), std::string::npos);
  EXPECT_EQ(refusal({"frobnicate"}), usage);
}

TEST_F(BadWords, UnknownCommandOfACommandIsRefusedWithASuggestion) {
  EXPECT_EQ(refusal({"journal", "verfy"}), usage);
  EXPECT_NE(run({"journal", "verfy"}).err.find("did you mean belay journal verify?"), std::string::npos);
}

TEST_F(BadWords, UnknownOptionIsRefusedWithASuggestion) {
  EXPECT_EQ(refusal({"migrate", "--atmic"}), usage);
  EXPECT_NE(run({"migrate", "--atmic"}).err.find("did you mean --atomic?"), std::string::npos);
  EXPECT_EQ(refusal({"--frobnicate", "migrate"}), usage);
  EXPECT_EQ(refusal({"status", "--steps", "2"}), usage);
}

/// `there is no option --dry-run; did you mean --dry-run?`, it once said.
TEST_F(BadWords, OptionInFrontOfItsCommandIsToldWhereItGoes) {
  EXPECT_EQ(refusal({"--dry-run", "migrate"}), usage);
  EXPECT_NE(run({"--dry-run", "migrate"}).err.find("--dry-run goes behind its command: belay migrate --dry-run\n"),
            std::string::npos);
}

TEST_F(BadWords, MissingCommandOrArgumentIsRefused) {
  for (const Words& words : {Words{},
                             {"show"},
                             {"downgrade"},
                             {"stamp"},
                             {"new"},
                             {"merge"},
                             {"migrate", "--to"},
                             {"migrate", "--steps"},
                             {"status", "--database"},
                             {"completion"},
                             {"-C"}})
    EXPECT_EQ(refusal(words), usage) << testing::PrintToString(words);
}

TEST_F(BadWords, WordsTooManyAreRefused) {
  for (const Words& words :
       {Words{"migrate", "head"}, {"upgrade", "1001", "1002"}, {"status", "now"}, {"new", "a", "b"}})
    EXPECT_EQ(refusal(words), usage) << testing::PrintToString(words);
}

TEST_F(BadWords, ValuesThatMakeNoSenseAreRefused) {
  for (const Words& words : {Words{"migrate", "--steps", "0"},
                             {"migrate", "--steps", "-1"},
                             {"migrate", "--steps", "two"},
                             {"rollback", "--steps", "99999999999999999999"},
                             {"migrate", "--lock-timeout", "soon"},
                             {"migrate", "--lock-timeout", "-1s"},
                             {"migrate", "--statement-timeout", "5 parsecs"},
                             {"status", "--color", "sometimes"},
                             {"journal", "prune", "--keep", "some"},
                             {"journal", "--run", "-1"},
                             {"migrate", "--to", "1001", "--steps", "1"}})
    EXPECT_EQ(refusal(words), usage) << testing::PrintToString(words);
}

TEST_F(BadWords, UnknownTargetIsRefused) {
  const Refusal unknown{exit_usage, "unknown-revision"};
  EXPECT_EQ(refusal({"migrate", "--to", "77"}), unknown);
  EXPECT_EQ(refusal({"upgrade", "77"}), unknown);
  EXPECT_EQ(refusal({"upgrade", "77", "--dry-run"}), unknown);
  EXPECT_EQ(refusal({"downgrade", "77"}), unknown);
}

TEST_F(BadWords, TargetThatMakesNoSenseIsRefused) {
  for (const Words& words : {Words{"upgrade", "-1"},
                             {"upgrade", "+0"},
                             {"upgrade", "+3"},
                             {"upgrade", "base"},
                             {"upgrade", ""},
                             {"downgrade", "+1"},
                             {"downgrade", "-5"},
                             {"downgrade", ""},
                             {"upgrade", "+99999999999999999999"}})
    EXPECT_EQ(refusal(words).exit, exit_usage) << testing::PrintToString(words);
}

TEST_F(BadWords, AmbiguousPrefixIsRefused) {
  EXPECT_EQ(refusal({"upgrade", "10"}), (Refusal{exit_usage, "ambiguous-revision"}));
}

TEST_F(BadWords, FolderThatIsNotThereIsRefused) {
  EXPECT_EQ(refusal({"-C", "nowhere", "status"}), (Refusal{exit_missing_input, "no-folder"}));
  EXPECT_EQ(refusal({"-C", "belay.toml", "status"}), (Refusal{exit_missing_input, "no-folder"}));
}

TEST_F(BadWords, JsonIsGivenWhereverTheFlagStands) {
  for (const Words& words : {Words{"--json", "migrat"},
                             {"migrate", "--json", "--to"},
                             {"migrate", "--frob", "--json"},
                             {"migrate", "--json", "--steps", "two"},
                             {"--json"}})
    EXPECT_EQ(run(words).error().at("kind"), "usage") << testing::PrintToString(words);
}

TEST_F(BadWords, GlobalOptionsMayStandBeforeAndAfterTheCommand) {
  must({"--json", "migrate"});
  must({"status", "--json", "-C", root.string()}, {.folder = "/"});
}

}  // namespace
}  // namespace belay::cli

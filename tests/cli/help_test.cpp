// --help, --version and completion.

#include "tests/cli/project.h"

namespace belay::cli {
namespace {

namespace fs = std::filesystem;

const std::vector<Words> commands{{"init"},
                                  {"migrate"},
                                  {"new"},
                                  {"rollback"},
                                  {"status"},
                                  {"revision"},
                                  {"history"},
                                  {"current"},
                                  {"heads"},
                                  {"show"},
                                  {"upgrade"},
                                  {"downgrade"},
                                  {"merge"},
                                  {"stamp"},
                                  {"backup"},
                                  {"recover"},
                                  {"diff"},
                                  {"journal"},
                                  {"config"},
                                  {"completion"},
                                  {"recover", "undo-run"},
                                  {"journal", "verify"},
                                  {"journal", "prune"}};

class Help : public Project {
 protected:
  /// What bash offers for the last of these words, with the completion script sourced.
  [[nodiscard]] std::string completed(const std::string& words) const {
    const std::string script =
        "source /dev/stdin <<< \"$(\"$0\" completion bash)\"\n"
        "belay() { command \"$0\" \"$@\"; }\n"
        "COMP_WORDS=(" +
        words +
        ")\nCOMP_CWORD=$((${#COMP_WORDS[@]} - 1))\n_belay\n"
        "echo \"${COMPREPLY[*]}\"\n";
    fs::create_directories(root.parent_path() / "bin");
    if (!fs::exists(root.parent_path() / "bin/belay"))
      fs::create_symlink(BELAY_PROGRAM, root.parent_path() / "bin/belay");
    const std::string path = (root.parent_path() / "bin").string() + ":/usr/bin:/bin";
    const Outcome outcome = execute("/bin/bash", {"-c", script, BELAY_PROGRAM}, {.environment = {{"PATH", path}}});
    EXPECT_EQ(outcome.err, "");
    return outcome.out;
  }
  /// Does this shell parse the completion script? True where it is not installed.
  [[nodiscard]] bool parses(const fs::path& shell) const {
    if (!fs::exists(shell)) return true;
    write("completion", must({"completion", shell.filename()}).out);
    const Outcome outcome = execute(shell, {"-n", "completion"});
    EXPECT_EQ(outcome.err, "");
    return outcome.exit == 0;
  }
};

TEST_F(Help, EveryCommandHasExamples) {
  for (Words words : commands) {
    words.emplace_back("--help");
    const Outcome outcome = run(words);
    EXPECT_EQ(outcome.exit, exit_done) << outcome;
    EXPECT_NE(outcome.out.find("Examples:\n  "), std::string::npos) << outcome;
    EXPECT_EQ(outcome.err, "");
  }
}

TEST_F(Help, OverallHelpNamesEveryCommandAndTheExitStatus) {
  const std::string out = must({"--help"}).out;
  for (const auto& words : commands) {
    if (words.size() > 1) continue;
    EXPECT_NE(out.find("\n  " + words[0] + "  "), std::string::npos) << words[0];
  }
  for (const char* option : {"-C", "--config", "--env", "--database", "--json", "--quiet", "--verbose", "--color",
                             "--no-progress", "--lock-timeout", "--yes", "--version"})
    EXPECT_NE(out.find(option), std::string::npos) << option;
  EXPECT_NE(out.find("Exit status"), std::string::npos);
}

TEST_F(Help, VersionIsOneLine) {
  const std::string out = must({"--version"}).out;
  EXPECT_TRUE(out.starts_with("belay ")) << out;
  EXPECT_EQ(out.find('\n'), out.size() - 1);
}

TEST_F(Help, NeedsNoProject) {
  for (const Words& words : {Words{"--help"}, Words{"--version"}, Words{"completion", "bash"}}) must(words);
  EXPECT_TRUE(files().empty());
}

TEST_F(Help, BashCompletesCommandsOptionsAndRevisions) {
  configure();
  script("20260101", {.up = "SELECT 1;"});
  script("20260202", {.parents = "20260101", .up = "SELECT 1;"});
  EXPECT_EQ(completed("belay mig"), "migrate\n");
  EXPECT_EQ(completed("belay rev"), "revision\n");
  EXPECT_EQ(completed("belay migrate --at"), "--atomic\n");
  EXPECT_EQ(completed("belay upgrade 202602"), "20260202\n");
  EXPECT_EQ(completed("belay upgrade 2026"), "20260202 20260101\n");
  EXPECT_EQ(completed("belay migrate 2026"), "\n");
}

TEST_F(Help, BashCompletesSubcommands) {
  EXPECT_EQ(completed("belay journal ver"), "verify\n");
  EXPECT_EQ(completed("belay journal prune --ke"), "--keep\n");
  EXPECT_EQ(completed("belay recover un"), "undo-run\n");
  EXPECT_EQ(completed("belay recover --fo"), "--forward\n");
  EXPECT_EQ(completed("belay recover undo-run --dis"), "--discard-later-writes\n");
  EXPECT_EQ(completed("belay completion fi"), "fish\n");
}

TEST_F(Help, BashCompletionKnowsThatSomeOptionsTakeAWord) {
  configure();
  script("20260101", {.up = "SELECT 1;"});
  EXPECT_EQ(completed("belay -C . upgrade 2026"), "20260101\n");
  EXPECT_EQ(completed("belay --lock-timeout 5s upgrade 2026"), "20260101\n");
}

TEST_F(Help, CompletionScriptsParseInTheirShells) {
  for (const char* shell : {"/bin/bash", "/bin/zsh", "/usr/bin/zsh", "/usr/bin/fish"})
    EXPECT_TRUE(parses(shell)) << shell;
}

TEST_F(Help, CompletionScriptsOfferEveryCommand) {
  const std::string zsh = must({"completion", "zsh"}).out;
  const std::string fish = must({"completion", "fish"}).out;
  EXPECT_TRUE(zsh.starts_with("#compdef belay\n"));
  for (const auto& words : commands) {
    if (words.size() > 1) continue;
    EXPECT_NE(zsh.find("'" + words[0] + ":"), std::string::npos) << words[0];
    EXPECT_NE(fish.find(" -a " + words[0] + " -d '"), std::string::npos) << words[0];
  }
}

TEST_F(Help, CompletionIsJsonWhereJsonIsAskedFor) {
  EXPECT_EQ(must({"completion", "bash", "--json"}).json().at("script").get<std::string>(),
            must({"completion", "bash"}).out);
}

TEST_F(Help, OtherShellsAreRefused) {
  EXPECT_EQ(refusal({"completion", "csh"}), (Refusal{exit_usage, "usage"}));
}

}  // namespace
}  // namespace belay::cli

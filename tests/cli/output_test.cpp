// Colours, progress, quiet, the log, and a stdout that is closed.

#include <fmt/format.h>

#include "tests/cli/project.h"

namespace belay::cli {
namespace {

class Output : public Project {
 protected:
  Output() {
    configure();
    chain(2);
  }
  static bool colored(const std::string& text) { return text.find("\x1b[3") != std::string::npos; }
};

TEST_F(Output, IsPlainWhereThereIsNoTerminal) {
  EXPECT_FALSE(colored(must({"status"}).out));
  EXPECT_FALSE(colored(run({"show", "77"}).err));
}

TEST_F(Output, IsColouredOnATerminal) {
  EXPECT_TRUE(colored(run_on_terminal({"status"}).out));
  EXPECT_TRUE(colored(run_on_terminal({"show", "77"}).out));
}

TEST_F(Output, ColourObeysTheFlag) {
  const Outcome always = must({"status", "--color", "always"});
  EXPECT_TRUE(colored(always.out));
  EXPECT_TRUE(colored(run({"show", "77", "--color", "always"}).err));
  EXPECT_FALSE(colored(run_on_terminal({"status", "--color", "never"}).out));
}

TEST_F(Output, ColourObeysTheEnvironment) {
  EXPECT_FALSE(colored(run_on_terminal({"status"}, {.environment = {{"NO_COLOR", "1"}}}).out));
  EXPECT_FALSE(colored(run_on_terminal({"status"}, {.environment = {{"TERM", "dumb"}}}).out));
  EXPECT_TRUE(colored(run_on_terminal({"status"}, {.environment = {{"NO_COLOR", ""}}}).out));
}

TEST_F(Output, QuietSaysNothingButErrors) {
  const Outcome outcome = must({"migrate", "-q"});
  EXPECT_EQ(outcome.out + outcome.err, "");
  EXPECT_NE(must({"status", "-q"}).out, "");
  EXPECT_NE(run({"show", "77", "-q"}).err, "");
}

TEST_F(Output, LogGetsWhatIsSaidWithTheTime) {
  configure("[log]\nfile = \"belay.log\"\n");
  must({"migrate", "-q"});
  EXPECT_EQ(run({"upgrade", "77"}).exit, exit_usage);
  const std::string log = text("belay.log");
  EXPECT_NE(log.find("Z info      + 1002  revision 1002"), std::string::npos) << log;
  EXPECT_NE(log.find("Z error   "), std::string::npos) << log;
}

TEST_F(Output, LogObeysItsLevel) {
  configure("[log]\nfile = \"belay.log\"\nlevel = \"error\"\n");
  must({"migrate"});
  EXPECT_EQ(run({"upgrade", "77"}).exit, exit_usage);
  const std::string log = text("belay.log");
  EXPECT_EQ(log.find(" info "), std::string::npos) << log;
  EXPECT_NE(log.find(" error "), std::string::npos) << log;
}

/// Some seconds of work in small parts.
class Slow : public Output {
 protected:
  Slow() {
    configure("[hooks]\nbefore_each = \"sleep $(cat naps)\"\n");
    script(
        "1003",
        {.parents = "1002",
         .up = "CREATE TABLE rows (id INTEGER PRIMARY KEY, n);\n"
               "INSERT INTO rows (id) WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < "
               "400) SELECT i FROM n;\n-- migrate:step fill batch:1 over:rows.id\n"
               "UPDATE rows SET n = (WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 9999) "
               "SELECT max(i) FROM n) WHERE id BETWEEN :lo AND :hi;"});
  }
};

TEST_F(Slow, TerminalShowsABar) {
  write("naps", "0.3");
  const Outcome outcome = run_on_terminal({"migrate"});
  EXPECT_EQ(outcome.exit, exit_done) << outcome;
  EXPECT_NE(outcome.out.find("[........................] 1/3  1001"), std::string::npos) << outcome;
  EXPECT_NE(outcome.out.find("[########................] 2/3  1002"), std::string::npos) << outcome;
  EXPECT_NE(outcome.out.find("/400 rows, "), std::string::npos) << outcome;
  EXPECT_NE(outcome.out.find(" s left"), std::string::npos) << outcome;
  EXPECT_TRUE(outcome.out.ends_with("3 revisions; the database is at 1003 (head)\r\n")) << outcome;
}

TEST_F(Slow, TerminalShowsNoBarWhereNoneIsWanted) {
  write("naps", "0.2");
  for (const Words& words : {Words{"migrate", "--no-progress", "--steps", "1"}, {"migrate", "-q", "--steps", "1"}})
    EXPECT_EQ(run_on_terminal(words).out.find("[."), std::string::npos);
  EXPECT_EQ(run_on_terminal({"migrate"}, {.environment = {{"TERM", "dumb"}}}).out.find("[."), std::string::npos);
}

TEST_F(Slow, ElsewhereALineIsPrintedNowAndThen) {
  configure("[hooks]\nbefore_each = \"test $BELAY_REVISION = 1002 || exit 0; sleep 6\"\n");
  Process in_json = start({"migrate", "--json", "--database", "other.db"});  // Beside the other, to save the time.
  const Outcome text = must({"migrate"});
  EXPECT_NE(text.err.find("  … 2/3  1002  running for "), std::string::npos) << text;

  const Outcome json = in_json.wait();
  EXPECT_EQ(json.json().at("ok"), true);
  const Json event = Json::parse(json.out.substr(0, json.out.find('\n')));
  EXPECT_EQ(event, Json::parse(R"({"event":"progress","done":1,"total":3,"revision":"1002"})"));
}

TEST_F(Output, StdoutThatIsClosedEarlyDoesNoHarm) {
  chain(300);
  const Outcome outcome = execute(
      "/bin/bash",
      {"-c", "\"$0\" history | head -1; echo ${PIPESTATUS[0]}; \"$0\" migrate | true; \"$0\" status | grep pending",
       BELAY_PROGRAM});
  EXPECT_EQ(outcome.out, "  1300  revision 1300 (head)\n0\npending    0\n") << outcome;
  EXPECT_EQ(outcome.err, "");
  EXPECT_EQ(query("SELECT count(*) FROM log"), "300");
}

TEST_F(Output, StandardStreamsThatAreClosedDoNoHarm) {
  const Outcome outcome = execute("/bin/bash", {"-c", "exec \"$0\" migrate <&- >&- 2>&-", BELAY_PROGRAM});
  EXPECT_EQ(outcome.exit, exit_done);
  EXPECT_EQ(logged(), "1001 1002");
  EXPECT_EQ(query("PRAGMA integrity_check"), "ok");
  must({"journal", "verify"});
}

TEST_F(Output, FullDeviceIsNoSuccess) {
  const Outcome outcome = execute("/bin/bash", {"-c", "\"$0\" history --json > /dev/full", BELAY_PROGRAM});
  EXPECT_EQ(outcome.exit, exit_unavailable) << outcome;
}

}  // namespace
}  // namespace belay::cli

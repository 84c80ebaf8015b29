#pragma once

#include <gtest/gtest.h>
#include <sys/types.h>

#include <filesystem>
#include <functional>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "cli/exit_status.h"
#include "tests/cli/database.h"

namespace belay::cli {

using Json = nlohmann::json;
using Words = std::vector<std::string>;

/// How a program ended, and what it said.
struct Outcome {
  int exit = -1;   ///< -1 when a signal ended it.
  int signal = 0;  ///< 0 when it ended by itself.
  std::string out;
  std::string err;

  /// What `--json` prints: one line of JSON on stdout, above which a long command may have lines of events; and
  /// nothing on stderr. Fails the test otherwise.
  [[nodiscard]] Json json() const;
  /// The `error` of it, once `ok` and `exit` agree with the exit status, and all four parts are there.
  [[nodiscard]] Json error() const;
};

/// For messages of failed expectations.
std::ostream& operator<<(std::ostream& stream, const Outcome& outcome);

/// Why a command did nothing.
struct Refusal {
  int exit = 0;
  std::string kind;
  std::string where = {};  ///< `versions/1.sql:3`, or empty.

  friend bool operator==(const Refusal&, const Refusal&) = default;
};
std::ostream& operator<<(std::ostream& stream, const Refusal& refusal);

/// What a program is started with. Nothing of the test's own environment reaches it but PATH.
struct Surroundings {
  std::filesystem::path folder = {};  ///< Where it is started; empty for the project's.
  std::map<std::string, std::string> environment = {};
  std::string input = {};     ///< Its stdin.
  bool unprivileged = false;  ///< Root becomes nobody: nothing else is refused by permissions.
};

/// A program that runs beside the test; killed when it is forgotten.
class Process {
 public:
  Process(pid_t pid, std::filesystem::path output) : pid_(pid), output_(std::move(output)) {}
  Process(const Process&) = delete;
  Process& operator=(const Process&) = delete;
  ~Process();

  [[nodiscard]] pid_t pid() const { return pid_; }
  [[nodiscard]] bool running();
  void send(int signal) const;
  /// Also to what it has started, as a terminal does at Ctrl-C.
  void send_to_all(int signal) const;
  Outcome wait();

 private:
  void reap(int options);

  pid_t pid_;
  std::filesystem::path output_;  // `.out` and `.err` are appended.
  bool ended_ = false;
  int status_ = 0;
};

/// A temporary folder with a project in it, and the verbs to work on it.
class Project : public testing::Test {
 protected:
  Project();
  ~Project() override;

  /// Writes a file of the project; its folder is made.
  void write(const std::filesystem::path& name, const std::string& text) const;
  [[nodiscard]] std::string text(const std::filesystem::path& name) const;
  /// Writes belay.toml: `app.db` and `versions`, and what is given.
  void configure(const std::string& more = "") const;

  /// A script with a header. Without parents it comes after nothing.
  struct Script {
    std::string parents = "base";
    std::string up;
    std::string down = "SELECT 1;";
    std::string message = "";  ///< `revision ID` if empty.
  };
  void script(const std::string& id, const Script& script) const;
  /// Scripts 1001, 1002, … in a row. Each inserts its id into `log`, so that it shows who ran, and how often.
  void chain(int count) const;
  /// The ids in `log`, in order, with a space between.
  [[nodiscard]] std::string logged() const;

  [[nodiscard]] Outcome run(const Words& words, const Surroundings& surroundings = {}) const;
  [[nodiscard]] Outcome execute(const std::filesystem::path& program, const Words& words,
                                const Surroundings& surroundings = {}) const;
  [[nodiscard]] Process start(const Words& words, const Surroundings& surroundings = {}) const;
  /// On a terminal of its own, on which `input` is typed at the first question; `out` is all that the terminal shows.
  [[nodiscard]] Outcome run_on_terminal(const Words& words, const Surroundings& surroundings = {}) const;
  /// Another program that has the database open and has run `sql`, until it is killed. It has to be a process of its
  /// own: whatever in this one opens and closes the file gives up all its locks.
  [[nodiscard]] Process hold(const std::string& sql) const;
  /// `run`, which must give exit status 0.
  Outcome must(const Words& words, const Surroundings& surroundings = {}) const;

  /// What refuses these words. Fails the test when a part of the error is missing, when text and JSON differ, or when
  /// anything in the project has changed.
  [[nodiscard]] Refusal refusal(const Words& words, const Surroundings& surroundings = {}) const;

  /// All files and folders of the project: kind, permissions and content.
  using Files = std::map<std::string, std::string>;
  [[nodiscard]] Files files() const;
  /// The names of what is new, gone or different.
  [[nodiscard]] std::string changed_since(const Files& before) const;
  /// Gives everything to nobody, for runs that are `unprivileged`.
  void give_away() const;

  [[nodiscard]] std::string query(const std::string& sql) const { return Database(root / "app.db").read(sql); }
  /// The database's bytes, but for the change counter, which may never come up again (24 to 27, 92 to 95).
  [[nodiscard]] std::string database_bytes() const;
  /// Every table, index, trigger and view but belay's own.
  [[nodiscard]] std::string schema(const std::string& database = "app.db") const;

  /// The database in the one backup that has this reason, unpacked beside the project.
  [[nodiscard]] std::filesystem::path kept(const std::string& reason) const;

  /// Polls until `condition` holds; false when it does not within half a minute.
  static bool eventually(const std::function<bool()>& condition);

  std::filesystem::path root;

 private:
  [[nodiscard]] Process start_program(const std::filesystem::path& program, const Words& words,
                                      const Surroundings& surroundings) const;

  std::filesystem::path scratch_;  // Beside the project, so that outputs are no change of it.
  mutable int outputs_ = 0;
};

}  // namespace belay::cli

#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <string>
#include <unordered_set>
#include <vector>

#include "tests/faults/files.h"
#include "tests/faults/program.h"
#include "tests/faults/scenario.h"
#include "tests/faults/state.h"

namespace belay::faults {

/// What a command says at its end.
inline const std::string all_told = "; the database is at";

/// A cell of the matrix but for the class.
struct Setting {
  const Scenario* scenario = nullptr;
  Mode mode = Mode::rollback;
  Policy policy = Policy::forward;

  [[nodiscard]] std::string name() const;  ///< `rebuild/wal/back`
  friend bool operator==(const Setting&, const Setting&) = default;
};

/// A folder with a project in it, in one setting: how it is before the command, what it may be after a crash, and the
/// means to bring both about.
class Ground {
 public:
  /// Makes the folder, runs what comes before the command, and runs that once from end to end.
  /// @param folder  a place of its own; in memory, because what is durable is decided by our model of it.
  Ground(Program& program, const Setting& setting, const std::filesystem::path& folder);

  [[nodiscard]] const Setting& setting() const { return setting_; }
  [[nodiscard]] const std::filesystem::path& folder() const { return folder_; }
  [[nodiscard]] Program& program() { return program_; }

  [[nodiscard]] const Files& before() const { return before_; }  ///< The folder before the command.
  /// The states that the database may be in once it is mended, in the order in which the command goes through them.
  [[nodiscard]] const std::vector<State>& legal() const { return legal_; }
  [[nodiscard]] std::uint64_t calls() const {
    return calls_;
  }  ///< Mutating ones, of the command that nothing happens to.
  [[nodiscard]] std::uint64_t allocations() const { return allocations_; }
  [[nodiscard]] std::chrono::microseconds duration() const { return duration_; }

  /// Makes the folder what it is before the command.
  void reset() { put(folder_, before_); }
  /// Runs the command in the folder as it is.
  Outcome run(const Treatment& treatment = {});

  /// After a crash in the folder as it is: the next run mends it. Checks all that has to hold then (the oracles O1 to
  /// O9, docs/crash-testing.md).
  /// @param said  what the crashed run had told its user by then (O3).
  /// @throws Violation
  void expect_mended(const std::string& said);

  /// After a run that met an error and ended by itself: its exit status fits what is there (O7), and then the next run
  /// mends it as above.
  void expect_honest(const Outcome& outcome);

  /// The database is sound, and in one of the legal states from this one on. Looks at nothing of belay's own.
  /// @returns which one.
  /// @throws Violation
  State expect_legal(std::size_t from) const;

  /// It is in the first of them.
  void expect_before() const;

  /// A command that comes after the crash; fails if it does not end by itself in time, or not with that status.
  /// @throws Violation
  Outcome must(const Words& words, int exit = 0);

  /// The words that mend in this setting: the scenario's, or `recover --back`; and how that ends.
  [[nodiscard]] Words mending() const;
  [[nodiscard]] int mending_exit() const;
  /// What has to hold after the mending: part of `expect_mended`.
  /// @param told  a legal state before this one is too early.
  void expect_whole(std::size_t told);
  /// How far along `legal` the program had said that it is.
  [[nodiscard]] std::size_t told(const std::string& said) const;

 private:
  void write_project() const;
  void prepare();
  void learn();
  [[nodiscard]] bool asks_for_mode() const;  ///< The mode belongs to a connection: a step of each script sets it.
  [[nodiscard]] std::string script_text(const Script& script) const;
  void expect_same_bytes(PlainDatabase& plain) const;
  [[nodiscard]] std::uint64_t ending(const State& state, const std::string& records) const;
  void expect_idle(std::uint64_t ending);
  [[nodiscard]] std::string expect_journal() const;
  void expect_backups(const std::string& said);
  void expect_nothing_left();
  /// The path of a file that nobody needs any more, or nothing.
  [[nodiscard]] std::string leftover() const;
  [[nodiscard]] std::filesystem::path database() const { return folder_ / "app.db"; }

  Setting setting_;
  Program& program_;
  std::filesystem::path folder_;
  Files before_;
  std::string bytes_before_;  ///< Of the database, where they come back: with policy back.
  std::vector<State> legal_;
  std::uint64_t calls_ = 0;
  std::uint64_t allocations_ = 0;
  std::chrono::microseconds duration_{0};
  std::uint64_t signal_at_ = 0;
  std::unordered_set<std::uint64_t> idle_;           ///< Endings that are known to need no mending.
  std::unordered_set<std::uint64_t> gone_on_;        ///< Of going back: those after which the command was run again.
  std::unordered_set<std::uint64_t> whole_backups_;  ///< By content.
};

}  // namespace belay::faults

// Class M: any commands in any order, each of which may be broken off anywhere, against a model: the same scripts run
// by plain SQLite on a database of its own. What is drawn is rapidcheck's, and is made smaller when it breaks
// something.

#include <fmt/format.h>
#include <rapidcheck.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <vector>

#include "tests/faults/classes.h"

namespace belay::faults {
namespace {

namespace fs = std::filesystem;

enum class Kind { migrate, downgrade, undo_run, backup, restore };

/// A command, how it is broken off, and how that is mended.
struct Action {
  Kind kind = Kind::migrate;
  std::size_t target = 0;  ///< How many scripts are to be in force.
  Fault fault = Fault::none;
  std::uint64_t at = 0;
  Policy policy = Policy::forward;
};

std::ostream& operator<<(std::ostream& out, const Action& action) {
  constexpr const char* kinds[] = {"migrate", "downgrade", "undo-run", "backup", "restore"};
  constexpr const char* faults[] = {"", " killed at ", " cut short at ", " error at ", ""};
  out << kinds[static_cast<int>(action.kind)] << " to " << action.target;
  if (action.fault != Fault::none) out << faults[static_cast<int>(action.fault)] << action.at;
  return out << ", " << name(action.policy);
}

rc::Gen<std::vector<Action>> any_actions(std::size_t scripts) {
  const auto kind = rc::gen::weightedElement<Kind>(
      {{8, Kind::migrate}, {4, Kind::downgrade}, {3, Kind::undo_run}, {1, Kind::backup}, {1, Kind::restore}});
  const auto fault =
      rc::gen::weightedElement<Fault>({{2, Fault::none}, {4, Fault::kill}, {2, Fault::short_write}, {1, Fault::error}});
  // A range would grow with the number of actions: at twelve of them, no script was ever in force.
  const auto target = rc::gen::resize(rc::kNominalSize, rc::gen::inRange<std::size_t>(0, scripts + 1));
  const auto at = rc::gen::resize(rc::kNominalSize, rc::gen::inRange<std::uint64_t>(1, 150));
  const auto action = rc::gen::build<Action>(
      rc::gen::set(&Action::kind, kind), rc::gen::set(&Action::target, target), rc::gen::set(&Action::fault, fault),
      rc::gen::set(&Action::at, at), rc::gen::set(&Action::policy, rc::gen::element(Policy::forward, Policy::back)));
  return rc::gen::container<std::vector<Action>>(action);
}

/// All that a revision can be.
std::vector<Script> scripts() {
  return {
      {.id = "1", .up = {"CREATE TABLE a (x TEXT)", "INSERT INTO a SELECT code FROM rooms"}, .down = {"DROP TABLE a"}},
      {.id = "2",
       .up = {"UPDATE rooms SET seats = seats + 1", "CREATE INDEX a_x ON a (x)"},
       .down = {"DROP INDEX a_x", "UPDATE rooms SET seats = seats - 1"},
       .text = "-- migrate:step b batch:7 over:rooms.id\nUPDATE rooms SET seats = seats + 1 WHERE id BETWEEN :lo AND "
               ":hi;\n-- migrate:step i\nCREATE INDEX a_x ON a (x);"},
      {.id = "3",
       .up = {"ALTER TABLE rooms ADD COLUMN label TEXT", "UPDATE rooms SET label = 'l' || id"},
       .down = {"ALTER TABLE rooms DROP COLUMN label"},
       .text = "-- migrate:step a transaction:off\nALTER TABLE rooms ADD COLUMN label TEXT;\n-- migrate:step b\nUPDATE "
               "rooms SET label = 'l' || id;"},
      {.id = "4", .up = {"CREATE TABLE b (y BLOB)", "INSERT INTO b SELECT zeroblob(6000)"}, .down = {"DROP TABLE b"}}};
}

class Machine {
 public:
  Machine(Ground& ground, const Scenario& scenario)
      : program_(ground.program()),
        scenario_(scenario),
        mode_(ground.setting().mode),
        place_(ground.folder().string() + "-machine") {
    setting_ = {&scenario_, mode_, Policy::forward};
    ground_.emplace(program_, setting_, place_ / "project");
  }
  Machine(const Machine&) = delete;
  Machine& operator=(const Machine&) = delete;
  ~Machine() {
    std::error_code ignored;
    fs::remove_all(place_, ignored);
  }

  /// How many commands were run; an action whose command would do nothing is left out.
  [[nodiscard]] std::uint64_t commands() const { return commands_; }

  /// @throws Violation
  void run(const std::vector<Action>& actions) {
    ground_->reset();
    place_at(0);
    runs_.clear();
    kept_.reset();
    was_broken_ = false;
    for (const auto& action : actions) {
      try {
        take(action);
      } catch (const Violation& violation) {
        throw Violation(fmt::format("{}\n      at `{}` of:{}", violation.what(), text(action), text(actions)));
      }
    }
  }

 private:
  static std::string text(const Action& action) {
    std::ostringstream out;
    out << action;
    return out.str();
  }
  static std::string text(const std::vector<Action>& actions) {
    std::string all;
    for (const auto& action : actions) all += " " + text(action) + ";";
    return all;
  }

  // How many scripts are in force is all that the model has to know: what they make is always the same.
  void place_at(std::size_t count) { at_ = count; }

  /// The states that the command goes through, by the number of scripts in force.
  [[nodiscard]] std::vector<std::size_t> path(const Action& action) const {
    std::vector<std::size_t> path{at_};
    const auto go_to = [&](std::size_t end) {
      while (path.back() != end) path.push_back(path.back() < end ? path.back() + 1 : path.back() - 1);
    };
    if (action.kind == Kind::migrate && action.target > at_) go_to(action.target);
    if (action.kind == Kind::downgrade && action.target < at_) go_to(action.target);
    if (action.kind == Kind::undo_run && !runs_.empty()) path.push_back(runs_.back());
    if (action.kind == Kind::restore && kept_) path.push_back(*kept_);
    return path;
  }

  [[nodiscard]] std::optional<Words> words(const Action& action) const {
    const auto target = action.target == 0 ? "base" : scenario_.scripts[action.target - 1].id;
    switch (action.kind) {
      case Kind::migrate:
        if (action.target <= at_) return {};
        return Words{"upgrade", target};
      case Kind::downgrade:
        if (action.target >= at_) return {};
        return Words{"downgrade", target};
      case Kind::undo_run:
        if (runs_.empty()) return {};
        return Words{"recover", "undo-run", "--yes"};
      case Kind::backup:
        return Words{"backup"};
      case Kind::restore:
        if (!kept_) return {};
        return Words{"recover", "restore", "--yes"};
    }
    return {};
  }

  void take(const Action& action) {
    const auto command = words(action);
    if (!command) return;
    ++commands_;
    const auto path = this->path(action);
    const auto outcome =
        program_.run(ground_->folder(), *command, {.fault = action.fault, .at = action.at, .error = EIO});
    if (outcome.late) throw Violation("O6: it did not end by itself");
    if (outcome.signal == 0 && action.fault == Fault::none && outcome.exit != 0 && !is_excused(action, outcome))
      throw Violation("O7: " + outcome.said());
    mend(action.policy);
    const auto state = PlainDatabase(ground_->folder() / "app.db").state();
    const auto before = at_;
    find(path, state, outcome.exit == 0);
    remember(action, before, outcome);
  }

  /// In WAL mode nothing proves who has written where a process was killed at the wrong moment (docs/recovery.md).
  [[nodiscard]] bool is_excused(const Action& action, const Outcome& outcome) const {
    return action.kind == Kind::undo_run && mode_ == Mode::wal && was_broken_ && outcome.exit == 3;
  }

  void mend(Policy policy) {
    const auto outcome =
        program_.run(ground_->folder(), {"recover", policy == Policy::forward ? "--forward" : "--back"});
    if (outcome.late || outcome.signal != 0) throw Violation("O6: recover: " + outcome.said());
    const bool is_excused = policy == Policy::back && mode_ == Mode::wal && outcome.exit == 3;
    if (is_excused) return mend(Policy::forward);
    if (outcome.exit != 0) throw Violation(fmt::format("O7: recover: exit {}: {}", outcome.exit, outcome.said()));
  }

  /// Where on the path the database is now; it must be somewhere, and at the end of it if that was said.
  void find(const std::vector<std::size_t>& path, const State& state, bool is_done) {
    for (std::size_t i = is_done ? path.size() - 1 : 0; i < path.size(); ++i) {
      if (ground_->legal()[path[i]] != state) continue;
      at_ = path[i];
      return;
    }
    throw Violation(fmt::format("O1: the database is at [{}], {}; the path was {}", fmt::join(state.stamps, " "),
                                is_done ? "and success was reported" : "broken off", fmt::join(path, " ")));
  }

  void remember(const Action& action, std::size_t before, const Outcome& outcome) {
    was_broken_ = was_broken_ || outcome.exit != 0;
    const bool is_run = action.kind == Kind::migrate || action.kind == Kind::downgrade;
    if (is_run && at_ != before) runs_.push_back(before);
    if (action.kind == Kind::undo_run && at_ != before) runs_.pop_back();
    if (action.kind == Kind::restore) runs_.clear();
    if (action.kind == Kind::backup && outcome.exit == 0) kept_ = at_;
  }

  Program& program_;
  const Scenario& scenario_;
  Mode mode_;
  fs::path place_;
  Setting setting_;
  std::optional<Ground> ground_;
  std::size_t at_ = 0;
  std::vector<std::size_t> runs_;      ///< What undoing each of them leads back to, oldest first.
  std::optional<std::size_t> kept_{};  ///< What the newest backup holds.
  bool was_broken_ = false;
  std::uint64_t commands_ = 0;
};

Scenario machine_scenario() {
  auto made = scenario("add-column");
  made.name = "machine";
  made.scripts = scripts();
  made.path = {0, 1, 2, 3, 4};
  return made;
}

}  // namespace

void run_any_commands(Ground& ground, Cases& cases) {
  constexpr std::uint64_t times = 500;
  constexpr int most_actions = 12;
  const auto scenario = machine_scenario();
  std::optional<Machine> machine;
  const auto actions = any_actions(scenario.scripts.size());
  for (std::uint64_t number = 1; number <= times && !cases.enough(); ++number) {
    cases.run(std::to_string(number), [&] {
      if (!machine) machine.emplace(ground, scenario);
      const auto drawn = actions(rc::Random(cases.choice().seed * 1'000'003 + number), most_actions);
      std::string what;
      const auto breaks = [&](const std::vector<Action>& tried) {
        try {
          machine->run(tried);
          return false;
        } catch (const Violation& violation) {
          what = violation.what();
          return true;
        }
      };
      if (!breaks(drawn.value())) return;
      rc::shrinkable::findLocalMin(drawn, breaks);
      throw Violation(what);
    });
  }
  const bool is_many = cases.count() >= 20;
  if (is_many && machine->commands() < cases.count()) throw std::runtime_error("hardly any action runs a command");
}

}  // namespace belay::faults

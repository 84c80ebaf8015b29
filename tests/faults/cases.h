#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "tests/faults/ground.h"

namespace belay::faults {

/// How far all processes of the laboratory are, in memory that they share.
struct Progress {
  std::atomic<std::uint64_t> cases{0};
  std::atomic<std::uint64_t> violations{0};
  std::atomic<bool> stopped{false};  ///< No case is begun any more.
};

/// Which cases are run.
struct Choice {
  std::uint64_t seed = 1;
  double share = 1;                   ///< Of all cases, between 0 and 1; which ones depends on the seed.
  std::optional<std::string> only{};  ///< One case by its name, to replay it.
  int max_violations = 20;            ///< In one setting; no more are looked for then.
  Progress* progress = nullptr;       ///< Must outlive the cases; nothing: nobody asks.
};

/// Counts the cases of one class in one setting, and keeps what they violate.
class Cases {
 public:
  /// @param name  of the class and the setting: `A/rebuild/wal/back`.
  Cases(std::string name, const Choice& choice) : name_(std::move(name)), choice_(choice) {}

  struct Broken {
    std::string replay;  ///< The name of the case: `A/rebuild/wal/back/57`.
    std::string what;
  };

  /// Whether the case with this name of its own is to be run: for what is costly to prepare.
  [[nodiscard]] bool wants(std::string_view point) const;
  /// Runs it if it is wanted, and counts it. `point` must say all that is needed to make the case again.
  void run(std::string_view point, const std::function<void()>& act);

  /// The same for cases that share a costly preparation, and are all run or none of them: `group` is drawn, of which
  /// each name begins with `group/`.
  [[nodiscard]] bool wants_group(std::string_view group) const;
  void run_of_group(std::string_view point, const std::function<void()>& act);

  /// Within the case that is run: it leaves what an earlier case has left, byte for byte, and is known to be mended.
  void is_known() { ++known_; }

  [[nodiscard]] const Choice& choice() const { return choice_; }
  [[nodiscard]] const std::string& name() const { return name_; }
  [[nodiscard]] std::uint64_t count() const { return count_; }
  [[nodiscard]] std::uint64_t known() const { return known_; }
  [[nodiscard]] const std::vector<Broken>& broken() const { return broken_; }
  /// Whether no more are to be run.
  [[nodiscard]] bool enough() const {
    return static_cast<int>(broken_.size()) >= choice_.max_violations ||
           (choice_.progress && choice_.progress->stopped);
  }

 private:
  [[nodiscard]] bool is_drawn(std::string_view point) const;
  void count(std::string_view point, const std::function<void()>& act);

  std::string name_;
  Choice choice_;
  std::uint64_t count_ = 0;
  std::uint64_t known_ = 0;
  std::vector<Broken> broken_;
};

/// A class of faults: a column of the matrix.
struct FaultClass {
  char letter;
  std::string_view name;
  /// Runs its cases in this setting.
  void (*run)(Ground& ground, Cases& cases);
  /// Whether it has any there.
  bool (*fits)(const Setting& setting);
  /// Why this machine cannot run it; nothing when it can.
  std::optional<std::string> (*obstacle)();
  double share;   ///< Of all its cases, in a run of the whole matrix.
  double sample;  ///< In the default run of the tests.
};

const std::vector<FaultClass>& fault_classes();

}  // namespace belay::faults

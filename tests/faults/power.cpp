// Classes E and F: the power goes while the command runs (E), or while the next run mends what a crash has left (F). A
// run is recorded once; what a power cut may leave of it is then made from the recording (images.h), so that thousands
// of cuts cost one run.

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <functional>
#include <memory>
#include <string_view>
#include <unordered_set>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "tests/faults/classes.h"
#include "tests/faults/images.h"
#include "tests/faults/losses.h"

namespace belay::faults {
namespace {

// What is taken of class F, so that it costs no more than class E does: all crashes × all cuts of the run that mends
// them would be a million cases in a setting, most of which cut the same mending at the same place.

/// Crashes by SIGKILL, spread evenly over the calls: at least one in every phase of a run (docs/recovery.md).
constexpr std::uint64_t kills_to_mend = 12;
/// One in so many of the images that a power cut leaves of the command.
constexpr std::uint64_t one_image_in = 60;
/// One in so many of the cuts of the run that mends.
constexpr std::uint64_t one_cut_in = 8;
/// One in so many of the cuts is mended by a run that is cut as well.
constexpr std::uint64_t one_nested_in = 150;

/// A run that was recorded.
struct Recorded {
  std::unique_ptr<Images> images;
  std::string said_before{};  ///< By the run that it mends.
  bool tells = true;          ///< How far the command has come; going back does not.

  [[nodiscard]] std::string said(std::size_t point) const { return said_before + (tells ? images->said(point) : ""); }
};

/// What a crash leaves.
struct Crash {
  std::string name;
  Files files;
  std::string said;  ///< By then.
};

using MakeFiles = std::function<Files()>;

class Power {
 public:
  Power(Ground& ground, Cases& cases) : ground_(ground), cases_(cases) {}

  void cut_command();
  void cut_after_failed_syncs();
  void cut_mending();

 private:
  enum class Depth { nested, outer };

  using Run = std::function<Outcome(const Treatment&)>;
  std::unique_ptr<Images> record(const Run& run, Treatment treatment) const;
  Recorded record_command(const Treatment& treatment = {}) const;
  Recorded record_mending(const Crash& crash) const;

  template <typename Act>
  void each_cut(const Recorded& run, const std::string& prefix, Act act) const;
  void check(const std::string& name, const Files& files, const std::string& said);
  std::uint64_t cut_after_failed_sync(std::uint64_t call);
  void expect_kept(const Recorded& run, std::size_t failed);
  void cut_mending_of_kill(std::uint64_t call);
  void cut_mending_of(const Crash& crash, Depth depth);

  /// Whether this crash is mended by a run that is cut: one in so many, or the one in the case that is replayed.
  [[nodiscard]] bool is_taken(const std::string& name, std::uint64_t one_in) const {
    const auto& choice = cases_.choice();
    if (choice.only) return choice.only->starts_with(fmt::format("{}/{}/", cases_.name(), name));
    return is_one_in(name, one_in);
  }
  [[nodiscard]] bool is_one_in(const std::string& name, std::uint64_t many) const {
    return XXH3_64bits_withSeed(name.data(), name.size(), cases_.choice().seed) % many == 0;
  }

  Ground& ground_;
  Cases& cases_;
  std::unordered_set<std::uint64_t> seen_{};  ///< Files and what was said by then: tried once.
};

// ---- recordings ----

std::unique_ptr<Images> Power::record(const Run& run, Treatment treatment) const {
  treatment.records = true;
  const auto base = take(ground_.folder());
  auto images = std::make_unique<Images>(base, read_recording(run(treatment).recording));
  const std::vector<Fate> kept(images->waiting(images->last()).size());
  if (images->at(images->last(), kept) != take(ground_.folder()))
    throw std::runtime_error("the recording does not tell how the folder became what it is");
  return images;
}

Recorded Power::record_command(const Treatment& treatment) const {
  ground_.reset();
  return {record([&](const Treatment& all) { return ground_.run(all); }, treatment)};
}

Recorded Power::record_mending(const Crash& crash) const {
  put(ground_.folder(), crash.files);
  const auto mend = [&](const Treatment& all) {
    return ground_.program().run(ground_.folder(), ground_.mending(), all);
  };
  return {record(mend, {}), crash.said, ground_.setting().policy == Policy::forward};
}

// ---- cuts ----

/// Calls `act` with the name of each cut, what makes its files, and what had been said by then.
template <typename Act>
void Power::each_cut(const Recorded& run, const std::string& prefix, Act act) const {
  for (std::size_t point = 0; point <= run.images->last() && !cases_.enough(); ++point) {
    const auto said = run.said(point);
    each_loss(*run.images, point, cases_.choice().seed, [&](const Loss& loss) {
      act(
          fmt::format("{}{}/{}", prefix, point, loss.name), [&] { return run.images->at(point, loss.fates); }, said);
    });
  }
}

void Power::check(const std::string& name, const Files& files, const std::string& said) {
  const bool is_new = seen_.insert(digest(files) + ground_.told(said)).second;
  if (!is_new && !cases_.choice().only) return;
  cases_.run(name, [&] {
    put(ground_.folder(), files);
    ground_.expect_mended(said);
  });
}

void Power::cut_command() {
  const auto run = record_command();
  each_cut(run, "", [&](const std::string& name, const MakeFiles& files, const std::string& said) {
    if (cases_.wants(name)) check(name, files(), said);
  });
}

// ---- a sync fails, and the power goes later ----

void Power::cut_after_failed_syncs() {
  const auto run = record_command();
  std::uint64_t call = 0;  // Calls that fail by themselves are counted, and not recorded: this is the least it can be.
  for (std::size_t number = 1; number <= run.images->last() && !cases_.enough(); ++number) {
    const auto kind = run.images->operation(number).kind;
    if (kind != OperationKind::said) ++call;
    if (kind == OperationKind::sync)
      cases_.run(fmt::format("eio-{}", number), [&] { call = cut_after_failed_sync(call); });
  }
}

/// Of the first sync that is made with this call or later. All its images are one case, because what they are is known
/// only by running it. @returns which call it is.
std::uint64_t Power::cut_after_failed_sync(std::uint64_t call) {
  for (;; ++call) {
    const auto run = record_command({.fault = Fault::error, .at = call, .error = EIO});
    for (std::size_t number = 1; number <= run.images->last(); ++number) {
      if (!run.images->operation(number).failed) continue;
      expect_kept(run, number);
      return call;
    }
    if (call > ground_.calls()) throw std::runtime_error("the sync was not made again");
  }
}

void Power::expect_kept(const Recorded& run, std::size_t failed) {
  each_cut(run, "", [&](const std::string& name, const MakeFiles& files, const std::string& said) {
    const auto point = std::stoul(name);
    if (point < failed || !run.images->is_crest(point)) return;
    if (!name.ends_with("/lost") && !name.ends_with("/drop-all") && !name.ends_with("/prefix")) return;
    const auto image = files();
    if (!seen_.insert(digest(image) + ground_.told(said)).second) return;
    put(ground_.folder(), image);
    try {
      ground_.expect_mended(said);
    } catch (const std::exception& error) {
      throw Violation(fmt::format("power cut {}: {}", name, error.what()));
    }
  });
}

// ---- the run that mends ----

void Power::cut_mending() {
  const auto step = std::max<std::uint64_t>(1, ground_.calls() / kills_to_mend);
  for (std::uint64_t call = 1 + step / 2; call <= ground_.calls() && !cases_.enough(); call += step)
    cut_mending_of_kill(call);
  const auto run = record_command();
  each_cut(run, "", [&](const std::string& name, const MakeFiles& files, const std::string& said) {
    if (is_taken(name, one_image_in)) cut_mending_of({name, files(), said}, Depth::outer);
  });
}

void Power::cut_mending_of_kill(std::uint64_t call) {
  const auto name = fmt::format("k{}", call);
  if (!is_taken(name, 1)) return;
  ground_.reset();
  const auto killed = ground_.run({.fault = Fault::kill, .at = call});
  cut_mending_of({name, take(ground_.folder()), killed.err}, Depth::outer);
}

void Power::cut_mending_of(const Crash& crash, Depth depth) {
  const auto run = record_mending(crash);
  each_cut(run, crash.name + "/", [&](const std::string& name, const MakeFiles& files, const std::string& said) {
    const bool is_wanted = cases_.choice().only || is_one_in(name, one_cut_in);
    if (is_wanted && cases_.wants(name)) check(name, files(), said);
    if (depth == Depth::outer && is_taken(name, one_nested_in)) cut_mending_of({name, files(), said}, Depth::nested);
  });
}

}  // namespace

void cut_power(Ground& ground, Cases& cases) {
  Power power(ground, cases);
  power.cut_command();
  power.cut_after_failed_syncs();
}

void cut_power_while_mending(Ground& ground, Cases& cases) {
  Power(ground, cases).cut_mending();
}

}  // namespace belay::faults

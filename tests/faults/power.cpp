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
#include <utility>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "tests/faults/classes.h"
#include "tests/faults/images.h"
#include "tests/faults/losses.h"

namespace belay::faults {
namespace {

// All losses at all crash points would be a hundred thousand for a run of 500 operations, and all crashes × all cuts of
// the run that mends them a million, most of which differ only in which revision of five it is. So many are tried,
// spread evenly over a run; what is small is tried in full.

/// Of the command: all of a run of up to some 60 operations. Half of them leave files that another has left too, and
/// are not mended again.
constexpr std::uint64_t cuts_of_command = 1200;
/// Crashes by SIGKILL, and by a power cut, that are mended by a run that is cut: some in every phase of a run
/// (docs/recovery.md).
constexpr std::uint64_t kills_to_mend = 12;
constexpr std::uint64_t images_to_mend = 10;
/// Of each run that mends. It has about 30 operations, so that there are some at each of its phases, too.
constexpr std::uint64_t cuts_of_mending = 24;
/// One crash in so many has also a mending that is cut, mended by a run that is cut.
constexpr std::uint64_t one_nested_in = 6;

/// A run that was recorded.
struct Recorded {
  std::unique_ptr<Images> images;
  std::size_t first = 0;      ///< The first crash point; before it is what another run had done, and not all synced.
  std::string said_before{};  ///< By a run that is not in the recording.
  bool tells = true;          ///< How far the command has come; going back does not.

  [[nodiscard]] std::string said(std::size_t point) const {
    return said_before + images->said(tells ? point : std::min(point, first));
  }
};

/// The power goes.
struct Cut {
  std::string name;
  std::size_t point = 0;
  std::function<Files()> files;  ///< What it leaves.
  std::string said;              ///< By then.
  std::string where;             ///< For people.
};

class Power {
 public:
  Power(Ground& ground, Cases& cases) : ground_(ground), cases_(cases) {}

  void cut_command();
  void cut_after_failed_syncs();
  void cut_mending();

 private:
  [[nodiscard]] std::unique_ptr<Images> images(const Files& base, std::vector<Operation> recording) const;
  [[nodiscard]] Recorded record_command(Treatment treatment = {}) const;
  [[nodiscard]] std::vector<Operation> mend() const;
  [[nodiscard]] Recorded record_mending(const Cut& crash) const;
  [[nodiscard]] Recorded record_mending_of_kill(std::uint64_t call) const;

  using Act = std::function<void(const Cut&)>;
  void each_cut(const Recorded& run, const std::string& prefix, const Act& act) const;
  void some_cuts(const Recorded& run, const std::string& prefix, std::uint64_t most, const Act& act) const;
  [[nodiscard]] bool is_new(const Files& files, const std::string& said);
  void check(const Cut& cut);
  void check_of_group(const Cut& cut);
  std::uint64_t cut_after_failed_sync(std::uint64_t call, const std::string& group);
  void expect_kept(const Recorded& run, std::size_t failed, const std::string& group);
  void cut_mending_run(const Recorded& run, const std::string& crash);
  void cut_mending_of_cut(const Recorded& run, const std::string& crash);

  /// Of names that begin with this: whether the case that is replayed is among them.
  [[nodiscard]] bool leads_to_replay(const std::string& name) const {
    return (*cases_.choice().only + "/").starts_with(fmt::format("{}/{}/", cases_.name(), name));
  }
  [[nodiscard]] bool is_one_in(const std::string& name, std::uint64_t many) const {
    if (cases_.choice().only) return leads_to_replay(name);
    return XXH3_64bits_withSeed(name.data(), name.size(), cases_.choice().seed) % many == 0;
  }
  [[nodiscard]] bool tells() const { return ground_.setting().policy == Policy::forward; }

  Ground& ground_;
  Cases& cases_;
  std::unordered_set<std::uint64_t> seen_{};  ///< Files and what was said by then: tried once.
};

// ---- recordings ----

/// @throws std::runtime_error when the recording does not lead from `base` to what the folder is.
std::unique_ptr<Images> Power::images(const Files& base, std::vector<Operation> recording) const {
  auto images = std::make_unique<Images>(base, std::move(recording));
  const std::vector<Fate> kept(images->waiting(images->last()).size());
  if (images->at(images->last(), kept) != take(ground_.folder()))
    throw std::runtime_error("the recording does not tell how the folder became what it is");
  return images;
}

Recorded Power::record_command(Treatment treatment) const {
  ground_.reset();
  const auto base = take(ground_.folder());
  treatment.records = true;
  return {.images = images(base, read_recording(ground_.run(treatment).recording))};
}

std::vector<Operation> Power::mend() const {
  return read_recording(ground_.program().run(ground_.folder(), ground_.mending(), {.records = true}).recording);
}

Recorded Power::record_mending(const Cut& crash) const {
  put(ground_.folder(), crash.files());
  const auto base = take(ground_.folder());
  return {.images = images(base, mend()), .said_before = crash.said, .tells = tells()};
}

/// SIGKILL leaves in the kernel what was not synced: it is read by the run that mends, and waits all the same.
Recorded Power::record_mending_of_kill(std::uint64_t call) const {
  ground_.reset();
  const auto base = take(ground_.folder());
  auto both = read_recording(ground_.run({.fault = Fault::kill, .at = call, .records = true}).recording);
  const auto first = both.size();
  const auto mending = mend();
  both.insert(both.end(), mending.begin(), mending.end());
  return {.images = images(base, std::move(both)), .first = first, .tells = tells()};
}

// ---- cuts ----

void Power::each_cut(const Recorded& run, const std::string& prefix, const Act& act) const {
  const auto& images = *run.images;
  for (std::size_t point = run.first; point <= images.last() && !cases_.enough(); ++point) {
    const auto said = run.said(point);
    const auto where = point == 0 ? "before all" : "after " + describe(images.operation(point));
    each_loss(images, point, cases_.choice().seed, [&](const Loss& loss) {
      act({.name = fmt::format("{}{}/{}", prefix, point, loss.name),
           .point = point,
           .files = [&] { return images.at(point, loss.fates); },
           .said = said,
           .where = where});
    });
  }
}

/// About `most` of them, or all if there are fewer.
void Power::some_cuts(const Recorded& run, const std::string& prefix, std::uint64_t most, const Act& act) const {
  std::uint64_t all = 0;
  for (std::size_t point = run.first; point <= run.images->last(); ++point)
    each_loss(*run.images, point, cases_.choice().seed, [&](const Loss&) { ++all; });
  const auto many = (all + most - 1) / most;
  each_cut(run, prefix, [&](const Cut& cut) {
    if (is_one_in(cut.name, many)) act(cut);
  });
}

/// Whether it is not what has been tried before: the same files, with the same told by then.
bool Power::is_new(const Files& files, const std::string& said) {
  return seen_.insert(digest(files) + ground_.told(said)).second || cases_.choice().only;
}

void Power::check(const Cut& cut) {
  const auto files = cut.files();
  if (!is_new(files, cut.said)) return cases_.is_known();
  put(ground_.folder(), files);
  try {
    ground_.expect_mended(cut.said);
  } catch (const std::exception& error) {
    throw Violation(fmt::format("the power goes {}: {}", cut.where, error.what()));
  }
}

void Power::cut_command() {
  some_cuts(record_command(), "", cuts_of_command, [&](const Cut& cut) { cases_.run(cut.name, [&] { check(cut); }); });
}

void Power::check_of_group(const Cut& cut) {
  cases_.run_of_group(cut.name, [&] { check(cut); });
}

// ---- a sync fails, and the power goes later ----

void Power::cut_after_failed_syncs() {
  const auto run = record_command();
  std::uint64_t call = 0;  // Calls that fail by themselves are counted, and not recorded: this is the least it can be.
  for (std::size_t number = 1; number <= run.images->last() && !cases_.enough(); ++number) {
    const auto kind = run.images->operation(number).kind;
    if (kind != OperationKind::said) ++call;
    const auto group = fmt::format("eio-{}", number);
    if (kind == OperationKind::sync && cases_.wants_group(group)) call = cut_after_failed_sync(call, group);
  }
}

/// The first sync that is made with this call or later fails. @returns which call it is.
std::uint64_t Power::cut_after_failed_sync(std::uint64_t call, const std::string& group) {
  for (;; ++call) {
    const auto run = record_command({.fault = Fault::error, .at = call, .error = EIO});
    for (std::size_t number = 1; number <= run.images->last(); ++number) {
      if (!run.images->operation(number).failed) continue;
      expect_kept(run, number, group);
      return call;
    }
    if (call <= ground_.calls()) continue;
    // A run that meets an error gets no signal besides, and does other things from there on.
    if (ground_.setting().scenario->signal_at_percent > 0) return call;
    throw std::runtime_error("the sync was not made again");
  }
}

/// SQLite does not look at what the sync of the folder says that follows the first sync of its journal or WAL.
bool is_ignored_by_sqlite(const Images& images, std::size_t sync) {
  if (sync == 1 || !images.operation(sync).path.empty()) return false;
  const auto& before = images.operation(sync - 1);
  return before.kind == OperationKind::sync && (before.path.ends_with("-journal") || before.path.ends_with("-wal"));
}

/// What was acknowledged is there, although what waited at the sync that failed is not.
void Power::expect_kept(const Recorded& run, std::size_t failed, const std::string& group) {
  // The name of SQLite's own journal is missed until the commit has removed it.
  const auto first = is_ignored_by_sqlite(*run.images, failed) ? run.images->last() : failed;
  each_cut(run, group + "/", [&](const Cut& cut) {
    const bool loses_it = cut.name.ends_with("/lost") || cut.name.ends_with("/drop-all");
    if (loses_it && cut.point >= first && run.images->is_crest(cut.point)) check_of_group(cut);
  });
}

// ---- the run that mends ----

void Power::cut_mending() {
  const auto step = std::max<std::uint64_t>(1, ground_.calls() / kills_to_mend);
  for (std::uint64_t call = 1 + step / 2; call <= ground_.calls() && !cases_.enough(); call += step) {
    const auto crash = fmt::format("k{}", call);
    if (cases_.wants_group(crash)) cut_mending_run(record_mending_of_kill(call), crash);
  }
  some_cuts(record_command(), "", images_to_mend, [&](const Cut& crash) {
    if (cases_.wants_group(crash.name)) cut_mending_run(record_mending(crash), crash.name);
  });
}

void Power::cut_mending_run(const Recorded& run, const std::string& crash) {
  some_cuts(run, crash + "/", cuts_of_mending, [&](const Cut& cut) { check_of_group(cut); });
  if (is_one_in(crash, one_nested_in)) cut_mending_of_cut(run, crash);
}

void Power::cut_mending_of_cut(const Recorded& run, const std::string& crash) {
  some_cuts(run, crash + "/", 1, [&](const Cut& cut) {
    some_cuts(record_mending(cut), cut.name + "/", cuts_of_mending, [&](const Cut& nested) { check_of_group(nested); });
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

#include "tests/faults/losses.h"

#include <fmt/format.h>

#include <array>
#include <random>
#include <set>
#include <string_view>
#include <utility>

namespace belay::faults {
namespace {

using How = Fate::How;

/// All subsets of six are 64 images; of seven and more they are made of singles, runs and mixtures.
constexpr std::size_t most_for_subsets = 6;
/// What a single loss does is tried for each operation, so a mixture adds only what three or more do together. There
/// are about as many crests as syncs, some thirty in a run: so many at each are more than a hundred in a setting.
constexpr unsigned mixtures_at_crest = 4;
constexpr unsigned mixtures_between = 1;

struct Part {
  std::string_view name;
  How how;
};
constexpr std::array parts{Part{"first-half", How::first_half}, Part{"last-half", How::last_half},
                           Part{"torn", How::some_sectors}};

class Enumeration {
 public:
  Enumeration(const Images& images, std::size_t point, std::uint64_t seed, const std::function<void(const Loss&)>& act)
      : images_(images), point_(point), seed_(seed), act_(act), waiting_(images.waiting(point)) {}

  void run() {
    whole();
    if (waiting_.empty()) return;
    const bool crest = images_.is_crest(point_);
    if (crest)
      everything();
    else if (waiting_.back() == point_)
      single(waiting_.size() - 1);
    for (unsigned i = 0; i < (crest ? mixtures_at_crest : mixtures_between); ++i) mixture(i);
  }

 private:
  using Fates = std::vector<Fate>;

  Fates all(How how) const { return Fates(waiting_.size(), Fate{how}); }
  Fates only(std::size_t index, Fate fate, How rest) const {
    auto fates = all(rest);
    fates[index] = fate;
    return fates;
  }
  /// Those are dropped for which `is_dropped` is true, of their place among what waits.
  template <typename IsDropped>
  Fates without(IsDropped is_dropped) const {
    auto fates = all(How::kept);
    for (std::size_t i = 0; i < fates.size(); ++i)
      if (is_dropped(i)) fates[i].how = How::dropped;
    return fates;
  }
  void act(std::string name, Fates fates) const { act_({std::move(name), std::move(fates)}); }

  void whole() const {
    act("prefix", all(How::kept));
    if (!waiting_.empty()) act("drop-all", all(How::dropped));
  }

  void everything() const {
    for (std::size_t i = 0; i < waiting_.size(); ++i) single(i);
    in_order();
    by_file();
    by_kind();
    if (waiting_.size() <= most_for_subsets) subsets();
  }

  void single(std::size_t index) const {
    const auto number = waiting_[index];
    act(fmt::format("drop-one:{}", number), only(index, {How::dropped}, How::kept));
    act(fmt::format("keep-one:{}", number), only(index, {How::kept}, How::dropped));
    if (images_.operation(number).kind != OperationKind::write) return;
    in_part("zeros", index, {How::zeros});
    if (!has_sectors(number)) return;
    for (const auto& part : parts) in_part(part.name, index, {part.how, seed_of(number)});
  }
  void in_part(std::string_view name, std::size_t index, Fate fate) const {
    act(fmt::format("{}:{}", name, waiting_[index]), only(index, fate, How::kept));
    act(fmt::format("{}-alone:{}", name, waiting_[index]), only(index, fate, How::dropped));
  }
  bool has_sectors(std::size_t number) const {
    const auto& operation = images_.operation(number);
    return operation.offset / 512 != (operation.offset + static_cast<std::int64_t>(operation.data.size()) - 1) / 512;
  }

  void in_order() const {
    for (std::size_t at = 0; at < waiting_.size(); ++at) {
      act(fmt::format("first:{}", waiting_[at]), without([&](std::size_t i) { return i > at; }));
      act(fmt::format("last:{}", waiting_[at]), without([&](std::size_t i) { return i < at; }));
    }
  }

  /// The kernel writes file by file: one that is late is the likeliest loss.
  void by_file() const {
    std::set<std::size_t> known;
    for (const auto number : waiting_) {
      const auto file = images_.file(number);
      if (!file || !known.insert(*file).second) continue;
      const auto is_of_it = [&](std::size_t i) { return images_.file(waiting_[i]) == file; };
      act(fmt::format("drop-file:{}", number), without(is_of_it));
      act(fmt::format("keep-file:{}", number), without([&](std::size_t i) { return !is_of_it(i); }));
    }
  }

  void by_kind() const {
    const auto is_name = [&](std::size_t i) { return !images_.file(waiting_[i]); };
    act("no-names", without(is_name));
    act("no-data", without([&](std::size_t i) { return !is_name(i); }));
    act("lost", without([&](std::size_t i) { return images_.is_doubtful(waiting_[i], point_); }));
  }

  void subsets() const {
    for (std::size_t bits = 0; bits < (std::size_t{1} << waiting_.size()); ++bits)
      act(fmt::format("subset:{:x}", bits), without([&](std::size_t i) { return ((bits >> i) & 1U) == 0; }));
  }

  void mixture(unsigned number) const {
    std::mt19937 random(seed_of(point_ * 16 + number + 1'000'000));
    auto fates = all(How::kept);
    for (std::size_t i = 0; i < fates.size(); ++i) fates[i] = any_fate(random, waiting_[i]);
    act(fmt::format("random:{}", number), std::move(fates));
  }
  Fate any_fate(std::mt19937& random, std::size_t number) const {
    const auto lot = random() % 8;
    const auto seed = static_cast<std::uint32_t>(random());
    if (lot < 3) return {How::kept};
    if (lot < 6 || images_.operation(number).kind != OperationKind::write) return {How::dropped};
    return {lot == 6 ? How::some_sectors : How::zeros, seed};
  }

  std::uint32_t seed_of(std::size_t what) const {
    std::seed_seq sequence{seed_, static_cast<std::uint64_t>(what)};
    std::uint32_t seed = 0;
    sequence.generate(&seed, &seed + 1);
    return seed;
  }

  const Images& images_;
  std::size_t point_;
  std::uint64_t seed_;
  const std::function<void(const Loss&)>& act_;
  std::vector<std::size_t> waiting_;
};

}  // namespace

void each_loss(const Images& images, std::size_t point, std::uint64_t seed,
               const std::function<void(const Loss&)>& act) {
  Enumeration(images, point, seed, act).run();
}

}  // namespace belay::faults

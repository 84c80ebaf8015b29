// Class J: files of belay's own that are damaged while nobody looks. What is damaged is refused, with nothing changed,
// or it does not matter; it is never acted on.

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <random>

#include "tests/faults/classes.h"

namespace belay::faults {
namespace {

constexpr std::size_t page = 4096;
constexpr std::size_t sector = 512;

using Dice = std::mt19937_64;

std::size_t below(Dice& dice, std::size_t bound) {
  return bound == 0 ? 0 : dice() % bound;
}

/// Where there is something: most of a journal is empty.
void flip_bit(std::string& bytes, const std::string& /*earlier*/, Dice& dice) {
  auto at = below(dice, bytes.size());
  for (int tries = 100; tries > 0 && bytes[at] == '\0'; --tries) at = below(dice, bytes.size());
  auto& byte = bytes[at];
  byte = static_cast<char>(byte ^ (1 << below(dice, 8)));
}

/// A sector at the beginning of one.
std::pair<std::size_t, std::size_t> a_sector(const std::string& bytes, Dice& dice) {
  const auto from = below(dice, bytes.size()) / sector * sector;
  return {from, std::min(sector, bytes.size() - from)};
}

void put_zeros(std::string& bytes, const std::string& /*earlier*/, Dice& dice) {
  const auto [from, size] = a_sector(bytes, dice);
  std::fill_n(bytes.begin() + static_cast<std::ptrdiff_t>(from), size, '\0');
}

void put_garbage(std::string& bytes, const std::string& /*earlier*/, Dice& dice) {
  const auto [from, size] = a_sector(bytes, dice);
  std::generate_n(bytes.begin() + static_cast<std::ptrdiff_t>(from), size, [&] { return static_cast<char>(dice()); });
}

void cut_off(std::string& bytes, const std::string& /*earlier*/, Dice& dice) {
  bytes.resize(below(dice, bytes.size()));
}

/// As a disk that has lost a write leaves it.
void put_stale_page(std::string& bytes, const std::string& earlier, Dice& dice) {
  const auto from = below(dice, std::min(bytes.size(), earlier.size())) / page * page;
  const auto size = std::min({page, bytes.size() - from, earlier.size() - from});
  bytes.replace(from, size, earlier, from, size);
}

struct Kind {
  const char* name;
  void (*damage)(std::string& bytes, const std::string& earlier, Dice& dice);
};
constexpr std::array kinds{Kind{"bit", flip_bit}, Kind{"zeros", put_zeros}, Kind{"garbage", put_garbage},
                           Kind{"cut", cut_off}, Kind{"stale", put_stale_page}};
constexpr std::uint64_t times = 60;  ///< Of each kind, in each file of each setting and situation.

/// A folder whose files get damaged, and the command that comes upon it.
struct Situation {
  const char* name;
  Files files;
  Words words;
  int exit;  ///< Of the command, where the damage does not matter.
};

class Damage {
 public:
  Damage(Ground& ground, Cases& cases) : ground_(ground), cases_(cases) {}

  void run() {
    const auto& scenario = *ground_.setting().scenario;
    const Situation closed{"closed", ground_.before(), scenario.command, scenario.exit};
    ground_.reset();
    ground_.run({.fault = Fault::kill, .at = ground_.calls() * 2 / 3});
    const Situation open{"open", take(ground_.folder()), ground_.mending(), ground_.mending_exit()};
    for (const auto& situation : {closed, open})
      for (const auto& entry : situation.files)
        if (is_target(entry.first)) damage(situation, entry.first);
  }

 private:
  static bool is_target(const std::string& path) {
    return path.ends_with("journal.lmdb") || path.ends_with(".db.zst") || path.ends_with(".json");
  }

  void damage(const Situation& situation, const std::string& path) {
    const auto known = ground_.before().find(path);
    const auto& earlier = known == ground_.before().end() ? situation.files.at(path) : known->second;
    for (const auto& kind : kinds) {
      for (std::uint64_t number = 1; number <= times && !cases_.enough(); ++number) {
        cases_.run(fmt::format("{}-{}-{}-{}", situation.name, name_of(path), kind.name, number), [&] {
          Dice dice(cases_.choice().seed * 1'000'003 + number);
          Files files = situation.files;
          auto& file = files.at(path);
          kind.damage(file.content, earlier.content, dice);
          file.inode = 0;  // So that `put` takes it for no file that it knows.
          ++file.modified_ns;
          if (files != situation.files) expect_noticed(situation, files, path);
        });
      }
    }
  }

  /// Of a backup, whose names have the time in them, only what it is.
  static std::string name_of(const std::string& path) { return path.substr(path.rfind('.') + 1); }

  void expect_noticed(const Situation& situation, const Files& files, const std::string& damaged) {
    put(ground_.folder(), files);
    const auto outcome = ground_.program().run(ground_.folder(), situation.words);
    if (outcome.late || outcome.signal != 0)
      throw Violation(fmt::format("O6: signal {}: {}", outcome.signal, outcome.said()));
    if (outcome.exit == situation.exit) {
      ground_.expect_legal(0);
      return;
    }
    if (outcome.err.empty()) throw Violation(fmt::format("O7: exit {}, and nothing is said", outcome.exit));
    if (outcome.exit != exit_integrity && outcome.exit != exit_needs_person)
      throw Violation(fmt::format("J: exit {} is no refusal: {}", outcome.exit, outcome.said()));
    if (std::string_view(situation.name) == "closed") ground_.expect_before();
    // An undo writes down what it is about to do before it reads the images; what then comes of it is written as well.
    if (ground_.setting().scenario->name == "undo-run") return;
    const auto now = take(ground_.folder());
    const auto found = now.find(damaged);
    if (found == now.end() || found->second.content != files.at(damaged).content)
      throw Violation("J: refused, and " + damaged + " was changed: " + outcome.said());
  }

  static constexpr int exit_needs_person = 3;
  static constexpr int exit_integrity = 5;

  Ground& ground_;
  Cases& cases_;
};

}  // namespace

void damage_files(Ground& ground, Cases& cases) {
  Damage(ground, cases).run();
}

}  // namespace belay::faults

// Class I: no room, for real: a file system that is full or may not be written to, and a process that may not have
// larger files, more descriptors or more memory.

#include <fmt/format.h>
#include <sys/statvfs.h>

#include <algorithm>
#include <cctype>
#include <string>
#include <string_view>

#include "tests/faults/classes.h"
#include "tests/faults/mount.h"

namespace belay::faults {
namespace {

constexpr std::uint64_t kibibyte = 1024;
constexpr std::uint64_t step_kib = 4;
constexpr std::uint64_t most_kib = 2048;  ///< More than any of the scenarios takes, on top of what is there before.

constexpr std::string_view plenty = "size=64m";

/// So many runs in a row that meet no error: there is room enough from here on.
constexpr int untroubled_runs = 3;

std::string lower(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(), [](unsigned char c) { return std::tolower(c); });
  return text;
}

bool says_any(const Outcome& outcome, std::initializer_list<std::string_view> causes) {
  const auto said = lower(outcome.err);
  return std::any_of(causes.begin(), causes.end(),
                     [&](std::string_view cause) { return said.find(cause) != std::string::npos; });
}

/// A project on a file system in memory whose size can be changed.
class Room {
 public:
  explicit Room(Ground& ground)
      : ground_(ground), mount_({.type = "tmpfs", .options = std::string(plenty)}, ground.folder()) {}

  /// What is there before the command, with so much room besides; nothing: any.
  void reset(std::optional<std::uint64_t> room_kib = {}) {
    mount_.change(std::string(plenty));
    ground_.reset();
    if (room_kib) mount_.change(fmt::format("size={}k", used_kib() + *room_kib));
  }
  void forbid_writing() { mount_.change(std::string(plenty), true); }
  void allow_all() { mount_.change(std::string(plenty)); }

 private:
  [[nodiscard]] std::uint64_t used_kib() const {
    struct statvfs status {};
    ::statvfs(mount_.folder().c_str(), &status);
    return (status.f_blocks - status.f_bfree) * status.f_frsize / kibibyte;
  }

  Ground& ground_;
  Mount mount_;
};

class Lack {
 public:
  Lack(Ground& ground, Cases& cases) : ground_(ground), cases_(cases), room_(ground) {}

  void of_space();
  void of_file_size();
  void of_files();
  void of_memory();
  void of_permission();

 private:
  /// Whether the run ended as one that meets no error; it may also be done before a signal that it was to get.
  [[nodiscard]] bool is_good(const Outcome& outcome) const {
    return outcome.exit == 0 || outcome.exit == ground_.setting().scenario->exit;
  }
  template <typename Run>
  void grow(std::string_view what, std::uint64_t first, std::uint64_t last, std::uint64_t step, Run run);
  void run(const Treatment& treatment, std::initializer_list<std::string_view> causes);

  Ground& ground_;
  Cases& cases_;
  Room room_;
  int untroubled_ = 0;
};

/// From a little of it to more, until there is enough of it.
template <typename Run>
void Lack::grow(std::string_view what, std::uint64_t first, std::uint64_t last, std::uint64_t step, Run run) {
  untroubled_ = 0;
  for (auto amount = first; amount <= last && untroubled_ < untroubled_runs && !cases_.enough(); amount += step)
    cases_.run(fmt::format("{}:{}", what, amount), [&] { run(amount); });
}

/// Runs the command, checks that it says what it lacks, and that it is mended as soon as that is there.
void Lack::run(const Treatment& treatment, std::initializer_list<std::string_view> causes) {
  const auto outcome = ground_.run(treatment);
  room_.allow_all();
  untroubled_ = is_good(outcome) ? untroubled_ + 1 : 0;
  if (!is_good(outcome) && outcome.signal == 0 && !says_any(outcome, causes))
    throw Violation(fmt::format("O7: exit {}, and the cause is not told: {}", outcome.exit, outcome.err));
  ground_.expect_honest(outcome);
}

void Lack::of_space() {
  grow("space", 0, most_kib, step_kib, [&](std::uint64_t kib) {
    room_.reset(kib);
    run({}, {"full", "space"});
  });
}

/// A file may not become larger than that; those that are may stay.
void Lack::of_file_size() {
  grow("file-size", step_kib, most_kib, step_kib, [&](std::uint64_t kib) {
    room_.reset();
    run({.max_file_size = kib * kibibyte}, {"full", "space", "too large", "limit", "may have happened"});
  });
}

void Lack::of_files() {
  grow("files", 3, 64, 1, [&](std::uint64_t count) {
    room_.reset();
    run({.max_files = count}, {"too many open files", "unable to open"});
  });
}

/// The program itself must fit in: below that it is not even started.
void Lack::of_memory() {
  grow("memory", 24 * kibibyte, 256 * kibibyte, kibibyte, [&](std::uint64_t kib) {
    room_.reset();
    run({.max_memory_bytes = kib * kibibyte}, {"memory", "space", "the system refuses a thread"});
  });
}

void Lack::of_permission() {
  cases_.run("read-only", [&] {
    room_.reset();
    room_.forbid_writing();
    run({}, {"read-only", "readonly", "cannot be written"});
  });
}

}  // namespace

void lack_room(Ground& ground, Cases& cases) {
  Lack lack(ground, cases);
  lack.of_space();
  lack.of_file_size();
  lack.of_files();
  lack.of_memory();
  lack.of_permission();
}

}  // namespace belay::faults

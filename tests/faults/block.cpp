// Classes G and H: real file systems on a disk that loses its power (G), or fails to write (H). The disk is ours
// (block_device.h), all above it is the kernel's.

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <functional>
#include <random>
#include <set>
#include <utility>

#include "tests/faults/block_device.h"
#include "tests/faults/classes.h"

namespace belay::faults {
namespace {

namespace fs = std::filesystem;

/// Beside the project, so that it is on no disk of ours.
fs::path beside(const Ground& ground, const char* name) {
  return ground.folder().parent_path() / name;
}

/// Whether any case of this file system is to be run.
bool wants(const Cases& cases, const FileSystem& system) {
  const auto& only = cases.choice().only;
  return !cases.enough() && (!only || only->starts_with(fmt::format("{}/{}/", cases.name(), system.name)));
}

std::unique_ptr<LoggedDisk> logged_disk(Ground& ground, const FileSystem& system) {
  return std::make_unique<LoggedDisk>(beside(ground, "disk"), system.disk_bytes,
                                      LoggedDisk::Said{ground.program().out(), ground.program().err()});
}

// ---- G ----

/// One in so many of the cuts, which are near thirty thousand in all settings; which ones, the seed says. After the end
/// of the run it is cut always.
constexpr std::uint64_t one_cut_in = 8;

/// A run as its disk saw it.
struct LoggedRun {
  DiskContent before;  ///< All of it durable.
  std::vector<BlockOperation> operations;
  std::size_t run_size = 0;  ///< So many of them while it ran; those behind them the kernel had put off.
  std::string out;
  std::string err;
};

LoggedRun log_run(Ground& ground, const FileSystem& system) {
  const auto disk = logged_disk(ground, system);
  disk->file().become(system.made());
  const auto device = disk->attach();
  auto mount = system.mount(*device, ground.folder());
  ground.reset();
  mount.sync();
  LoggedRun logged{.before = disk->file().content(), .operations = {}, .out = {}, .err = {}};
  disk->record(true);
  const auto outcome = ground.run();
  logged.run_size = disk->operations().size();
  logged.out = outcome.out;
  logged.err = outcome.err;
  mount.sync();
  disk->record(false);
  logged.operations = disk->operations();
  mount.end();
  return logged;
}

/// Which sectors of a write reach the disk.
using Sectors = std::function<bool(std::size_t write, std::uint64_t sector)>;

class PowerCuts {
 public:
  PowerCuts(Ground& ground, Cases& cases, const FileSystem& system)
      : ground_(ground),
        cases_(cases),
        system_(system),
        run_(log_run(ground, system)),
        image_("image", system.disk_bytes),
        device_(image_.descriptor()),
        durable_(run_.before) {}

  void cut() {
    for (std::size_t at = 0; at <= run_.operations.size() && !cases_.enough(); ++at) {
      const bool ends = at == run_.operations.size() || run_.operations[at].flush;
      if (ends) {
        reorder(at);
        advance(at);
      } else {
        test(fmt::format("{}", at), at + 1, [](std::size_t, std::uint64_t) { return true; });
      }
      if (at + 1 == run_.run_size) test("end", run_.run_size, [](std::size_t, std::uint64_t) { return true; });
    }
  }

 private:
  [[nodiscard]] std::string said(std::size_t end) const;
  void reorder(std::size_t flush);
  void advance(std::size_t flush);
  void test(const std::string& point, std::size_t end, const Sectors& reaches);
  void show(std::size_t end, const Sectors& reaches);
  void write(const BlockOperation& operation, std::size_t number, const Sectors& reaches);
  void expect_mended(const std::string& said);

  Ground& ground_;
  Cases& cases_;
  const FileSystem& system_;
  LoggedRun run_;
  MemoryFile image_;
  LoopDevice device_;
  DiskContent durable_;    ///< What has been flushed.
  std::size_t begin_ = 0;  ///< The first operation that has not.
  std::uint64_t met_ = 0;
  std::set<std::pair<std::vector<std::int64_t>, std::string>> mended_;  ///< Folders that are known to be.
};

std::mt19937_64 seeded(std::uint64_t seed, const std::string& point) {
  std::vector<std::uint64_t> from(point.begin(), point.end());
  from.push_back(seed);
  std::seed_seq sequence(from.begin(), from.end());
  return std::mt19937_64(sequence);
}

/// What the user had been told when the disk was asked for the last operation before this one: since that answers
/// later, it had been said before the power went.
std::string PowerCuts::said(std::size_t end) const {
  if (end >= run_.run_size) return run_.out + run_.err;
  if (end == 0) return {};
  const auto& last = run_.operations[end - 1];
  return run_.out.substr(0, last.out) + run_.err.substr(0, last.err);
}

/// What the disk had not flushed yet may be there in any order: all but one, one alone, none, and whatever sectors.
void PowerCuts::reorder(std::size_t flush) {
  const auto count = flush - begin_;
  if (count == 0) return;
  test(fmt::format("{}/none", flush), flush, [](std::size_t, std::uint64_t) { return false; });
  for (std::size_t one = begin_; count > 1 && one < flush; ++one) {
    test(fmt::format("{}/drop:{}", flush, one), flush, [&](std::size_t write, std::uint64_t) { return write != one; });
    test(fmt::format("{}/keep:{}", flush, one), flush, [&](std::size_t write, std::uint64_t) { return write == one; });
  }
  for (int mix = 0; mix < 3; ++mix) {
    const auto point = fmt::format("{}/mix:{}", flush, mix);
    auto random = seeded(cases_.choice().seed, point);
    test(point, flush, [&](std::size_t, std::uint64_t) { return random() % 2 == 0; });
  }
}

void PowerCuts::advance(std::size_t flush) {
  for (; begin_ < flush; ++begin_) durable_.write(run_.operations[begin_].offset, run_.operations[begin_].data);
  if (flush < run_.operations.size()) ++begin_;
}

void PowerCuts::test(const std::string& point, std::size_t end, const Sectors& reaches) {
  const bool is_its_turn = ++met_ % one_cut_in == cases_.choice().seed % one_cut_in || point == "end";
  if (!is_its_turn && !cases_.choice().only) return;
  cases_.run(fmt::format("{}/{}", system_.name, point), [&] {
    show(end, reaches);
    expect_mended(said(end));
  });
}

void PowerCuts::show(std::size_t end, const Sectors& reaches) {
  image_.become(durable_);
  for (std::size_t at = begin_; at < end; ++at)
    if (!run_.operations[at].flush) write(run_.operations[at], at, reaches);
  device_.forget();
}

void PowerCuts::write(const BlockOperation& operation, std::size_t number, const Sectors& reaches) {
  const bool whole = system_.has_superblock(operation.offset, operation.data.size());
  const bool first = reaches(number, 0);
  for (std::uint64_t sector = 0; sector * sector_bytes < operation.data.size(); ++sector) {
    if (whole ? !first : !reaches(number, sector)) continue;
    operation.data.copy(image_.data() + operation.offset + sector * sector_bytes, sector_bytes, sector * sector_bytes);
  }
}

/// The kernel plays the file system's journal back; what is then in the folder is mended in memory. The same files are
/// not mended twice: many writes change nothing in them.
void PowerCuts::expect_mended(const std::string& said) {
  auto mount = system_.mount(device_, beside(ground_, "after"), true);
  auto files = take(mount.folder());
  mount.end();
  std::vector<std::int64_t> seen{static_cast<std::int64_t>(digest(files))};
  for (const auto& [path, file] : files) seen.push_back(file.modified_ns);
  if (mended_.contains({seen, said})) return;
  put(ground_.folder(), files);
  ground_.expect_mended(said);
  mended_.insert({std::move(seen), said});
}

// ---- H ----

class BlockErrors {
 public:
  BlockErrors(Ground& ground, Cases& cases, FileSystem system)
      : ground_(ground), cases_(cases), system_(std::move(system)), disk_(logged_disk(ground, system_)) {
    disk_->file().become(system_.made());
    const auto device = disk_->attach();
    auto mount = system_.mount(*device, ground_.folder());
    ground_.reset();
    mount.end();
    before_ = disk_->file().content();
  }

  void meet() {
    const auto writes = count();
    for (std::uint64_t at = 1; at <= writes && !cases_.enough(); ++at) {
      cases_.run(fmt::format("{}/once:{}", system_.name, at), [&] { once(at); });
      cases_.run(fmt::format("{}/stays:{}", system_.name, at), [&] { stays(at); });
    }
  }

 private:
  [[nodiscard]] std::uint64_t count();
  void once(std::uint64_t at);
  void stays(std::uint64_t at);

  Ground& ground_;
  Cases& cases_;
  FileSystem system_;
  std::unique_ptr<LoggedDisk> disk_;
  DiskContent before_;
};

/// How often a run that meets no error writes.
std::uint64_t BlockErrors::count() {
  disk_->file().become(before_);
  const auto device = disk_->attach();
  auto mount = system_.mount(*device, ground_.folder());
  disk_->fail_at(0, false);
  ground_.run();
  const auto writes = disk_->writes();
  mount.end();
  return writes;
}

/// Many a file system gives up for good after one error; that it is read-only from then on, it tells only who writes.
bool takes_writes(const fs::path& folder) {
  const auto path = folder / "probe";
  const int file = ::open(path.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
  if (file < 0) return false;
  const bool synced = ::fsync(file) == 0;
  ::close(file);
  return ::unlink(path.c_str()) == 0 && synced;
}

/// The next run finds what the kernel's cache makes of the disk, if the file system still takes writes, and must make
/// something of it that is on the disk as well.
void BlockErrors::once(std::uint64_t at) {
  disk_->file().become(before_);
  const auto device = disk_->attach();
  auto mount = system_.mount(*device, ground_.folder());
  disk_->fail_at(at, false);
  const auto outcome = ground_.run();
  disk_->heal();
  if (takes_writes(ground_.folder())) {
    ground_.expect_honest(outcome);
    mount.end();
    const auto again = system_.mount(*device, ground_.folder());
    return ground_.expect_whole(0);
  }
  mount.end();
  const auto again = system_.mount(*device, ground_.folder());
  ground_.expect_honest(outcome);
}

/// Nothing is written any more after the first error, whatever the kernel tries.
void BlockErrors::stays(std::uint64_t at) {
  disk_->file().become(before_);
  const auto device = disk_->attach();
  auto mount = system_.mount(*device, ground_.folder());
  disk_->fail_at(at, true);
  const auto outcome = ground_.run();
  mount.end();
  disk_->heal();
  const auto again = system_.mount(*device, ground_.folder());
  ground_.expect_honest(outcome);
}

/// Linux 6.18: when ext4 could not write a block that was new to a file, it forgets that it was; the next sync writes
/// there and succeeds, and after the next mount the block reads as zeros. With dioread_lock no block is new in that
/// way.
FileSystem that_remembers(FileSystem system) {
  if (system.name == "ext4") system.options = "errors=remount-ro,dioread_lock";
  return system;
}

}  // namespace

void cut_power_of_disk(Ground& ground, Cases& cases) {
  for (const auto& system : file_systems())
    if (wants(cases, system)) PowerCuts(ground, cases, system).cut();
}

void fail_block_writes(Ground& ground, Cases& cases) {
  for (const auto& system : file_systems())
    if (wants(cases, system)) BlockErrors(ground, cases, that_remembers(system)).meet();
}

}  // namespace belay::faults

#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "tests/faults/files.h"
#include "tests/faults/recording.h"

/// What a power cut may leave of a recorded run, under the strict model of persistence:
///
/// 1. A file is an inode with any number of names. A name belongs to its folder, not to the file.
/// 2. A write or truncation waits until a later sync of the same inode, whatever it is called by then. A write through
///    an O_DSYNC descriptor waits only while it is under way; it makes nothing else durable.
/// 3. A change of names (create, unlink, rename, link, mkdir, rmdir) waits until a later sync of its folder; a rename
///    until both of its folders have been synced.
/// 4. A sync that failed makes nothing durable, and what waited at it waits for ever: the kernel may have given the
///    pages up, and the next sync succeeds without them.
/// 5. What waits has reached the disk or not, each by itself and in any order; a write also in part, by sectors of 512
///    bytes, or as nothing but the size that the file has grown to.
///
/// Files that are made anew by whoever opens them (is_volatile) are left out.
namespace belay::faults {

/// What has become of one operation that waits.
struct Fate {
  enum class How : std::uint8_t {
    kept,
    dropped,
    first_half,  ///< Of a write's sectors; all of them are kept when it has only one.
    last_half,
    some_sectors,  ///< By `seed`.
    zeros,         ///< The file has grown, and holds zeros where the data should be.
  };
  How how = How::kept;
  std::uint32_t seed = 0;
};

/// A disk: inodes, which are counted from 0, the folder itself, and names. Copying one is cheap: contents are shared
/// until they are written to.
class Disk {
 public:
  /// An operation whose paths have become inodes.
  struct Step {
    OperationKind kind = OperationKind::said;
    std::size_t node = 0;           ///< The file or folder that it is done to.
    std::size_t folder = 0;         ///< Where its name is.
    std::size_t second_folder = 0;  ///< Where the new name of a rename or link is.
    std::string name{};
    std::string second{};
    const Operation* operation = nullptr;
  };

  void apply(const Step& step, const Fate& fate = {});
  /// What can be reached from the folder.
  [[nodiscard]] Files files() const;
  /// The inode that has this path.
  [[nodiscard]] std::optional<std::size_t> find(const std::string& path) const;
  /// Adds a file or, if the path ends in a slash, a folder. Its folder has to be there.
  std::size_t add(const std::string& path, const File& file);
  [[nodiscard]] std::size_t size() const { return nodes_.size(); }

 private:
  struct Node {
    std::shared_ptr<std::string> content{};  ///< Of a file; a folder has none.
    std::int64_t modified_ns = 0;
    std::map<std::string, std::size_t> entries{};
  };

  void create(const Step& step, bool named);
  void rename(const Step& step);
  void write(const Step& step, const Fate& fate);
  void collect(std::size_t folder, const std::string& path, Files& files) const;

  std::vector<Node> nodes_{Node{}};
};

/// The crash points of a recorded run. Operations are counted from 1; at crash point k the first k have been made, the
/// last of which may still be under way.
class Images {
 public:
  /// @param base  the folder when the run began, with the numbers of its inodes.
  /// @throws std::runtime_error when an operation is about a file that is not known: the recording has a gap.
  Images(const Files& base, std::vector<Operation> recording);
  Images(const Images&) = delete;
  Images& operator=(const Images&) = delete;

  /// The last crash point; the first is 0.
  [[nodiscard]] std::size_t last() const { return recording_.size(); }
  [[nodiscard]] const Operation& operation(std::size_t number) const { return recording_[number - 1]; }
  /// The operations that wait at this crash point, in their order.
  [[nodiscard]] std::vector<std::size_t> waiting(std::size_t point) const;
  /// Whether the next operation ends what waits at this point, or there is none. Between two such points, whatever a
  /// power cut may leave is also what it may leave at the later one.
  [[nodiscard]] bool is_crest(std::size_t point) const;
  /// Whether it waits for ever, because a sync has failed by then.
  [[nodiscard]] bool is_doubtful(std::size_t operation, std::size_t point) const;
  /// A number for the file that a write or truncation goes to; none for a change of names.
  [[nodiscard]] std::optional<std::size_t> file(std::size_t operation) const;
  /// What the user had been told.
  [[nodiscard]] std::string said(std::size_t point) const;

  /// The folder when power comes back. `fates` are those of the operations that wait, in their order.
  [[nodiscard]] Files at(std::size_t point, const std::vector<Fate>& fates) const;

 private:
  /// From which crash point on an operation waits no more, and from which on it never will be durable.
  struct Wait {
    std::size_t until = never;
    std::size_t doubtful = never;
  };
  static constexpr std::size_t never = static_cast<std::size_t>(-1);

  [[nodiscard]] Wait wait_of(std::size_t number) const;
  [[nodiscard]] Wait synced(std::size_t node, std::size_t after) const;
  [[nodiscard]] bool waits(std::size_t number, std::size_t point) const;
  const Disk& durable(std::size_t steps) const;

  std::vector<Operation> recording_;
  std::vector<Disk::Step> steps_{};
  std::vector<Wait> waits_{};
  Disk base_{};

  /// The disk after the first `durable_steps_`; kept from one crash point to the next.
  mutable Disk durable_{};
  mutable std::size_t durable_steps_ = 0;
};

}  // namespace belay::faults

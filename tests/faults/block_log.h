#pragma once

#include <atomic>
#include <cstdint>

/// What the laboratory (block_device.h) and the program behind its disk (block_log.cpp) say to each other.
namespace belay::faults::block_log {

/// Descriptors that the program is started with.
namespace descriptor {
constexpr int disk = 900;     ///< What is on the disk: a file of the disk's size.
constexpr int control = 901;  ///< A `Control`.
constexpr int log = 902;      ///< Where the log is appended.
constexpr int out = 903;      ///< Its size is how much the run has told its user by now.
constexpr int err = 904;      ///< The same, of what it says as errors.
constexpr int ready = 905;    ///< A pipe that gets a byte once the disk is there.
}  // namespace descriptor

/// The file below the mount point that is the disk.
constexpr const char* disk_name = "disk";

/// In memory that both share.
struct Control {
  std::atomic<bool> records{false};       ///< The log is written.
  std::atomic<std::uint64_t> writes{0};   ///< How many there were; set back to 0 by the laboratory.
  std::atomic<std::uint64_t> fail_at{0};  ///< The write that gets EIO, the first is 1; 0: none.
  std::atomic<bool> fail_stays{false};    ///< So do all writes and flushes after it.
  std::atomic<std::uint64_t> failed{0};   ///< How many writes and flushes got it.
};

/// The log is a row of these in the order in which the disk was asked, each followed by the data of a write.
struct Header {
  std::uint64_t offset = 0;
  std::uint64_t out = 0;  ///< How much the run had said by then, in bytes.
  std::uint64_t err = 0;
  std::uint32_t size = 0;  ///< Of the data.
  bool flush = false;
};

}  // namespace belay::faults::block_log

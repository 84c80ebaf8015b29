#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>

namespace belay::faults {

/// What becomes of one call of the program under test.
enum class Fault : std::uint32_t {
  none,
  kill,         ///< SIGKILL just before it.
  short_write,  ///< Half of what it writes is written, then SIGKILL. Calls that write nothing: as `kill`.
  error,        ///< It fails with `Order::error`, and nothing of it has happened.
  signal,       ///< The process gets `Order::error` as a signal, and the call goes on.
};

/// What the laboratory asks of the next run.
struct Order {
  std::array<char, 1024> folder{};  ///< Where the program is started; calls for files below it are watched.
  std::array<char, 8192> words{};   ///< Its command line, each word ended by a zero byte, one more at the end.
  Fault fault = Fault::none;
  std::uint32_t error = 0;             ///< An `errno`, or the number of a signal.
  std::uint64_t at = 0;                ///< The mutating call that it happens to; the first is 1.
  bool stays = false;                  ///< An error: every mutating call from there on fails too.
  bool records = false;                ///< Writes a recording (recording.h).
  bool allocations = false;            ///< `fault` is `error`: it happens to the `at`-th allocation, not to a call.
  std::uint64_t max_file_size = 0;     ///< RLIMIT_FSIZE in bytes; 0: as it is.
  std::uint64_t max_files = 0;         ///< RLIMIT_NOFILE; 0: as it is.
  std::uint64_t max_memory_bytes = 0;  ///< RLIMIT_AS; 0: as it is.
};

/// What the run has done so far; it stays when the process is killed.
struct Answer {
  std::atomic<std::int32_t> pid{0};
  std::atomic<std::uint64_t> calls{0};  ///< Mutating ones: create, write, truncate, sync, unlink, rename, mkdir, …
  std::atomic<std::uint64_t> allocations{0};
  std::atomic<std::uint64_t> writable_maps{0};  ///< Of watched files that nobody declared: they hide writes from us.
  std::atomic<std::uint64_t> cpu_us{0};         ///< Processor time of all runs so far, and of starting them.
};

/// A page of memory that the laboratory shares with the interposer within the program.
struct Control {
  Order order;
  Answer answer;
};

/// Descriptors that the program is started with, high enough to be out of its way.
namespace descriptor {
constexpr int control = 900;
constexpr int recording = 901;
constexpr int out = 902;
constexpr int err = 903;
constexpr int request = 904;   ///< A byte: run what is ordered.
constexpr int response = 905;  ///< Four bytes: how it ended, as waitpid has it.
}  // namespace descriptor

/// A recording is a row of operations, each this header, the first path, the second, and the data.
struct OperationHeader {
  char kind = 0;         ///< recording.h, OperationKind.
  bool durable = false;  ///< A write through a descriptor opened O_DSYNC or O_SYNC. A sync: it failed.
  std::uint16_t path_size = 0;
  std::uint16_t second_size = 0;
  std::uint32_t data_size = 0;
  std::uint64_t inode = 0;
  std::int64_t offset = 0;       ///< Of a write; the new size for a truncation.
  std::int64_t modified_ns = 0;  ///< The file's time of modification after it.
};

}  // namespace belay::faults

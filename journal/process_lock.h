#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <stop_token>
#include <string>

namespace belay::journal {

/// Who holds a lock: what `status` and a waiting command tell.
struct Holder {
  std::int64_t pid = 0;
  std::string host;
  std::string command;
  std::string since;  ///< UTC, ISO 8601.
};

/// The right to write: one process at a time, from before the first look at the journal until the run is closed.
///
/// An open-file-description lock (fcntl F_OFD_SETLK) on a file that is never removed: the kernel drops it with the
/// process, however that dies. The file's content, the holder, is only for people and may be anything.
/// Released by the destructor. Move-only.
class ProcessLock {
 public:
  /// Takes the lock, asking again until `timeout` has passed.
  /// @throws Error `locked`, naming the holder; `interrupted` when `stop` is requested first; `unavailable` when the
  ///         file cannot be made.
  static ProcessLock acquire(const std::filesystem::path& file, const Holder& holder, std::chrono::milliseconds timeout,
                             const std::stop_token& stop = {});

  /// Who holds the lock now; nothing when nobody does or the file is not there. Takes no lock and writes nothing. A
  /// holder whose line cannot be read has pid 0.
  static std::optional<Holder> holder(const std::filesystem::path& file);

  ProcessLock(ProcessLock&& other) noexcept;
  ProcessLock& operator=(ProcessLock&& other) noexcept;
  ~ProcessLock();

 private:
  explicit ProcessLock(int descriptor) : descriptor_(descriptor) {}
  int descriptor_;
};

}  // namespace belay::journal

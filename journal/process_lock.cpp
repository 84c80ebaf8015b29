#include "journal/process_lock.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <string_view>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

#include "journal/error.h"

namespace belay::journal {
namespace {

constexpr std::chrono::milliseconds poll_interval{25};

/// The whole file, for writing. F_OFD_GETLK takes it on a read-only descriptor too.
struct flock whole_file() {
  struct flock lock {};
  lock.l_type = F_WRLCK;
  lock.l_whence = SEEK_SET;
  return lock;
}

[[noreturn]] void raise(int code, const char* doing, const std::filesystem::path& file) {
  throw Error(ErrorCode::unavailable, fmt::format("cannot {}: {}", doing, std::generic_category().message(code)), file);
}

/// A field without what separates fields.
std::string plain(std::string field) {
  std::replace_if(
      field.begin(), field.end(), [](unsigned char letter) { return letter < ' '; }, ' ');
  return field;
}

/// The new line replaces the old one before what is left of that is cut off, so that a reader never finds the file
/// empty. A full disk costs only the name of the holder.
void write_holder(int descriptor, const Holder& holder) {
  const std::string line =
      fmt::format("{}\t{}\t{}\t{}\n", holder.pid, plain(holder.host), plain(holder.since), plain(holder.command));
  const ssize_t written = ::pwrite(descriptor, line.data(), line.size(), 0);
  const bool whole = written == static_cast<ssize_t>(line.size());
  [[maybe_unused]] const int ignored = ::ftruncate(descriptor, whole ? static_cast<off_t>(line.size()) : 0);
}

Holder parse_holder(std::string_view line) {
  std::vector<std::string_view> fields;
  for (std::size_t tab = line.find('\t'); tab != std::string_view::npos; tab = line.find('\t')) {
    fields.push_back(line.substr(0, tab));
    line.remove_prefix(tab + 1);
  }
  if (fields.size() != 3) return {};
  Holder holder{0, std::string(fields[1]), std::string(line), std::string(fields[2])};
  const auto [end, error] = std::from_chars(fields[0].data(), fields[0].data() + fields[0].size(), holder.pid);
  if (error != std::errc{} || end != fields[0].data() + fields[0].size() || holder.pid <= 0) return {};
  return holder;
}

Holder read_holder(int descriptor) {
  std::array<char, 4096> buffer{};
  const ssize_t size = ::pread(descriptor, buffer.data(), buffer.size(), 0);
  if (size <= 0) return {};
  const std::string_view text(buffer.data(), static_cast<std::size_t>(size));
  return parse_holder(text.substr(0, text.find('\n')));
}

std::string in_use(const Holder& holder) {
  if (holder.pid == 0) return "the database is being migrated by another process";
  return fmt::format("the database is being migrated by pid {} on {} since {}: {}", holder.pid, holder.host,
                     holder.since, holder.command);
}

bool try_lock(int descriptor, const std::filesystem::path& file) {
  struct flock lock = whole_file();
  if (::fcntl(descriptor, F_OFD_SETLK, &lock) == 0) return true;
  if (errno != EAGAIN && errno != EACCES && errno != EINTR) raise(errno, "lock the database", file);
  return false;
}

}  // namespace

ProcessLock ProcessLock::acquire(const std::filesystem::path& file, const Holder& holder,
                                 std::chrono::milliseconds timeout, const std::stop_token& stop) {
  const auto deadline = std::chrono::steady_clock::now() + timeout;
  ProcessLock lock(::open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644));
  if (lock.descriptor_ < 0) raise(errno, "open the lock", file);
  while (!try_lock(lock.descriptor_, file)) {
    if (stop.stop_requested()) throw Error(ErrorCode::interrupted, "waiting for the lock was interrupted", file);
    if (std::chrono::steady_clock::now() >= deadline) {
      throw Error(ErrorCode::locked, in_use(read_holder(lock.descriptor_)), file);
    }
    std::this_thread::sleep_for(poll_interval);
  }
  write_holder(lock.descriptor_, holder);
  return lock;
}

std::optional<Holder> ProcessLock::holder(const std::filesystem::path& file) {
  const ProcessLock look(::open(file.c_str(), O_RDONLY | O_CLOEXEC));  // a descriptor that closes itself, no lock
  if (look.descriptor_ < 0) {
    if (errno == ENOENT) return std::nullopt;
    raise(errno, "open the lock", file);
  }
  struct flock lock = whole_file();
  if (::fcntl(look.descriptor_, F_OFD_GETLK, &lock) != 0) raise(errno, "look at the lock", file);
  if (lock.l_type == F_UNLCK) return std::nullopt;
  return read_holder(look.descriptor_);
}

ProcessLock::ProcessLock(ProcessLock&& other) noexcept : descriptor_(std::exchange(other.descriptor_, -1)) {}

ProcessLock& ProcessLock::operator=(ProcessLock&& other) noexcept {
  std::swap(descriptor_, other.descriptor_);
  return *this;
}

/// Closing the descriptor is what releases the lock. The file stays: who removes a lock file lets two holders in.
ProcessLock::~ProcessLock() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

}  // namespace belay::journal

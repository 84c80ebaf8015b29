#include "cli/files.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <fstream>
#include <iterator>

#include "cli/failure.h"

namespace belay::cli {
namespace {

[[noreturn]] void cannot_write(const std::filesystem::path& file, int error) {
  throw Error(exit_unavailable, "cannot-write",
              fmt::format("{} cannot be written: {}", file.string(), std::strerror(error)),
              "look at the folder's permissions and its disk");
}

class Descriptor {
 public:
  Descriptor(const std::filesystem::path& file, int flags) : number_(open(file.c_str(), flags | O_CLOEXEC, 0666)) {
    if (number_ < 0) cannot_write(file, errno);
  }
  ~Descriptor() { close(number_); }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  [[nodiscard]] int number() const { return number_; }

 private:
  int number_;
};

void write_synced(const std::filesystem::path& file, std::string_view content) {
  const Descriptor descriptor(file, O_WRONLY | O_CREAT | O_TRUNC);
  while (!content.empty()) {
    const ssize_t written = write(descriptor.number(), content.data(), content.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) cannot_write(file, errno);
    content.remove_prefix(static_cast<std::size_t>(written));
  }
  if (fsync(descriptor.number()) != 0) cannot_write(file, errno);
}

}  // namespace

std::string read_file(const std::filesystem::path& file) {
  std::ifstream stream(file, std::ios::binary);
  std::string content{std::istreambuf_iterator<char>(stream), {}};
  if (!stream.is_open() || std::filesystem::is_directory(file))
    throw Error(exit_missing_input, "unreadable", fmt::format("{} cannot be read", file.string()),
                "look at its path and permissions");
  return content;
}

bool write_new_file(const std::filesystem::path& file, std::string_view content) {
  const auto folder = file.has_parent_path() ? file.parent_path() : std::filesystem::path(".");
  const auto temporary = folder / fmt::format(".{}.{}.new", file.filename().string(), getpid());
  write_synced(temporary, content);
  const int linked = link(temporary.c_str(), file.c_str());  // Unlike rename, never replaces a file.
  const int error = errno;
  unlink(temporary.c_str());
  if (linked != 0 && error == EEXIST) return false;
  if (linked != 0) cannot_write(file, error);
  const Descriptor synced(folder, O_RDONLY | O_DIRECTORY);
  if (fsync(synced.number()) != 0) cannot_write(folder, errno);
  return true;
}

}  // namespace belay::cli

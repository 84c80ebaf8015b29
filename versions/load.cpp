#include <dirent.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <memory>
#include <system_error>
#include <utility>

#include "versions/error.h"
#include "versions/script.h"
#include "versions/script_cache.h"
#include "versions/words.h"

// Straight on the system calls: with 10,000 scripts, streams and path arithmetic would be most of the time of a start.

namespace belay::versions {
namespace {

[[noreturn]] void unreadable(const std::filesystem::path& file, const std::string& reason, std::string next = {}) {
  throw Error(ErrorCode::unreadable, fmt::format("cannot be read: {}", reason)).at(file).next(std::move(next));
}

std::string reason_of(int error) {
  return std::generic_category().message(error);
}

class Descriptor {
 public:
  explicit Descriptor(int value) : value_(value) {}
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  ~Descriptor() {
    if (value_ >= 0) close(value_);
  }
  [[nodiscard]] int get() const { return value_; }

 private:
  int value_;
};

struct DirectoryCloser {
  void operator()(DIR* directory) const { closedir(directory); }
};
using Directory = std::unique_ptr<DIR, DirectoryCloser>;

Directory open_directory(const std::filesystem::path& folder) {
  Directory directory(opendir(folder.c_str()));
  if (!directory)
    unreadable(folder, reason_of(errno), "create it with `belay init`, or correct `versions` in belay.toml");
  return directory;
}

/// The key that files are ordered by: a number may have any length, so it is compared as digits.
struct Name {
  explicit Name(std::string name) : text(std::move(name)) {
    const std::string_view digits = leading(text, is_digit);
    const std::size_t zeros = leading(digits, [](char c) { return c == '0'; }).size();
    numbered = !digits.empty();
    number_begin = zeros;
    number_size = digits.size() - zeros;
    std::from_chars(digits.data(), digits.data() + digits.size(), small);
  }

  [[nodiscard]] std::string_view number() const { return std::string_view(text).substr(number_begin, number_size); }

  friend bool operator<(const Name& a, const Name& b) {
    if (a.numbered != b.numbered) return a.numbered;
    if (a.number_size != b.number_size) return a.number_size < b.number_size;
    if (a.small != b.small) return a.small < b.small;
    if (const int order = a.number().compare(b.number()); order != 0) return order < 0;
    return a.text < b.text;
  }

  std::string text;
  bool numbered = false;  ///< Those without a number come last.
  std::size_t number_begin = 0;
  std::size_t number_size = 0;
  std::uint64_t small = 0;  ///< The number, where it is that small: compared first.
};

std::vector<Name> list(DIR* directory, const std::filesystem::path& folder) {
  std::vector<Name> names;
  errno = 0;
  while (const dirent* entry = readdir(directory)) {
    const std::string_view name = entry->d_name;
    if (name.ends_with(".sql") && !name.starts_with('.')) names.emplace_back(std::string(name));
  }
  if (errno != 0) unreadable(folder, reason_of(errno));
  std::ranges::sort(names, [](const Name& a, const Name& b) { return a < b; });
  return names;
}

/// Reads on to the end of the file, however much it grew since its size was asked for.
void read_to_end(int descriptor, std::string& text, const std::filesystem::path& file) {
  std::size_t filled = 0;
  for (;;) {
    const ssize_t got = read(descriptor, text.data() + filled, text.size() - filled);
    if (got == 0) break;
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) unreadable(file, reason_of(errno));
    filled += static_cast<std::size_t>(got);
    if (filled == text.size()) text.resize(2 * text.size());
  }
  text.resize(filled);
}

/// Reads a whole file into `text`, whose memory is used again from one script to the next.
/// @returns what the file was before it was read.
struct stat read_file(int directory, const std::string& name, const std::filesystem::path& file, std::string& text) {
  // Without O_NONBLOCK a FIFO would keep us waiting for somebody to write to it.
  const Descriptor descriptor(openat(directory, name.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  struct stat status {};
  if (descriptor.get() < 0 || fstat(descriptor.get(), &status) != 0) unreadable(file, reason_of(errno));
  if (S_ISDIR(status.st_mode)) unreadable(file, reason_of(EISDIR), "rename it: scripts are files");
  if (!S_ISREG(status.st_mode)) unreadable(file, "it is not a file");
  text.resize(static_cast<std::size_t>(status.st_size) + 1);
  read_to_end(descriptor.get(), text, file);
  return status;
}

std::optional<Script> find(ScriptCache* cache, int directory, const std::string& name) {
  struct stat status {};
  if (cache == nullptr || fstatat(directory, name.c_str(), &status, 0) != 0 || !S_ISREG(status.st_mode)) return {};
  return cache->take(name, status);
}

std::vector<Script> load(const std::filesystem::path& folder, ScriptCache* cache) {
  const Directory directory = open_directory(folder);
  const std::vector<Name> names = list(directory.get(), folder);
  std::vector<Script> scripts;
  scripts.reserve(names.size());
  std::optional<RevisionId> previous;
  std::string text;
  for (const Name& name : names) {
    std::filesystem::path file = folder / name.text;
    if (auto known = find(cache, dirfd(directory.get()), name.text)) {
      known->file = std::move(file);
      if (known->parent_by_order && previous) known->parents = {*previous};
      scripts.push_back(std::move(*known));
    } else {
      const struct stat status = read_file(dirfd(directory.get()), name.text, file, text);
      scripts.push_back(parse_script(text, file, previous));
      if (cache != nullptr) cache->add(name.text, status);
    }
    previous = scripts.back().id;
  }
  return scripts;
}

}  // namespace

std::vector<Script> load_scripts(const std::filesystem::path& folder) {
  return load(folder, nullptr);
}

std::vector<Script> load_scripts(const std::filesystem::path& folder, ScriptCache& cache) {
  return load(folder, &cache);
}

Script whole(const Script& script) {
  if (script.whole) return script;
  std::string text;
  read_file(AT_FDCWD, script.file.string(), script.file, text);
  const auto parent = script.parents.empty() ? std::nullopt : std::optional(script.parents.front());
  Script read = parse_script(text, script.file, parent);
  if (read.id != script.id || read.parents != script.parents || read.digest != script.digest)
    throw Error(ErrorCode::unreadable, "it was edited just now").at(script.file).next("run the command again");
  return read;
}

}  // namespace belay::versions

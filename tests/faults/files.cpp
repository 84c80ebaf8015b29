#include "tests/faults/files.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <memory>
#include <set>
#include <stdexcept>
#include <string_view>
#include <system_error>
#include <vector>

#define XXH_INLINE_ALL
#include <xxhash.h>

namespace belay::faults {
namespace {

[[noreturn]] void fail(const std::string& what) {
  throw std::system_error(errno, std::generic_category(), what);
}

/// Calls `act` with the path of each entry, folders' with a slash, before what is in them.
template <typename Act>
void walk(const std::string& root, const std::string& below, Act act) {
  const std::unique_ptr<DIR, int (*)(DIR*)> folder(::opendir((root + below).c_str()), ::closedir);
  if (!folder) fail("open the folder " + root + below);
  while (const dirent* entry = ::readdir(folder.get())) {
    const std::string_view name = entry->d_name;
    if (name == "." || name == "..") continue;
    const std::string path = below + std::string(name);
    if (entry->d_type == DT_DIR) {
      act(path + "/");
      walk(root, path + "/", act);
    } else {
      act(path);
    }
  }
}

std::int64_t modified(const struct stat& status) {
  return status.st_mtim.tv_sec * std::int64_t{1'000'000'000} + status.st_mtim.tv_nsec;
}

File read(const std::string& path) {
  const int file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (file < 0) fail("open " + path);
  struct stat status {};
  ::fstat(file, &status);
  File read;
  read.content.resize(static_cast<std::size_t>(status.st_size));
  const auto size = ::pread(file, read.content.data(), read.content.size(), 0);
  ::close(file);
  if (size != status.st_size) fail("read " + path);
  read.modified_ns = modified(status);
  read.inode = status.st_ino;
  return read;
}

void write(const std::string& path, const File& content) {
  const int file = ::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
  if (file < 0) fail("open " + path);
  const auto size = ::pwrite(file, content.content.data(), content.content.size(), 0);
  const timespec time{content.modified_ns / 1'000'000'000, content.modified_ns % 1'000'000'000};
  const timespec times[2] = {time, time};
  const bool good = size == static_cast<ssize_t>(content.content.size()) && ::futimens(file, times) == 0;
  ::close(file);
  if (!good) fail("write " + path);
}

}  // namespace

bool is_volatile(const std::string& path) {
  return path.ends_with("-shm") || path.ends_with(".lmdb-lock") || path.ends_with(".lmdb.new-lock");
}

Files take(const std::filesystem::path& folder) {
  const std::string root = folder.string() + "/";
  Files files;
  walk(root, "", [&](const std::string& path) {
    if (path.ends_with('/')) {
      struct stat status {};
      ::stat((root + path).c_str(), &status);
      files[path].inode = status.st_ino;
    } else if (!is_volatile(path)) {
      files[path] = read(root + path);
    }
  });
  return files;
}

std::map<std::string, std::uint64_t> list(const std::filesystem::path& folder) {
  const std::string root = folder.string() + "/";
  std::map<std::string, std::uint64_t> sizes;
  walk(root, "", [&](const std::string& path) {
    if (is_volatile(path)) return;
    struct stat status {};
    if (!path.ends_with('/')) ::stat((root + path).c_str(), &status);
    sizes[path] = static_cast<std::uint64_t>(status.st_size);
  });
  return sizes;
}

void put(const std::filesystem::path& folder, const Files& files) {
  const std::string root = folder.string() + "/";
  std::vector<std::string> gone;
  std::set<std::string> same;
  walk(root, "", [&](const std::string& path) {
    const auto wanted = files.find(path);
    if (wanted == files.end()) {
      gone.push_back(path);
    } else if (!path.ends_with('/')) {
      struct stat status {};
      ::stat((root + path).c_str(), &status);
      const auto& file = wanted->second;
      if (status.st_size == static_cast<off_t>(file.content.size()) && modified(status) == file.modified_ns &&
          status.st_ino == file.inode)
        same.insert(path);
    }
  });
  for (auto path = gone.rbegin(); path != gone.rend(); ++path)
    if (path->ends_with('/') ? ::rmdir((root + *path).c_str()) : ::unlink((root + *path).c_str()))
      fail("remove " + *path);
  for (const auto& [path, file] : files) {
    if (path.ends_with('/'))
      ::mkdir((root + path).c_str(), 0755);
    else if (!same.contains(path))
      write(root + path, file);
  }
}

std::uint64_t digest(const Files& files) {
  std::unique_ptr<XXH3_state_t, XXH_errorcode (*)(XXH3_state_t*)> state(XXH3_createState(), XXH3_freeState);
  XXH3_64bits_reset(state.get());
  for (const auto& [path, file] : files) {
    const std::uint64_t size = file.content.size();
    XXH3_64bits_update(state.get(), path.c_str(), path.size() + 1);
    XXH3_64bits_update(state.get(), &size, sizeof size);
    XXH3_64bits_update(state.get(), file.content.data(), file.content.size());
  }
  return XXH3_64bits_digest(state.get());
}

}  // namespace belay::faults

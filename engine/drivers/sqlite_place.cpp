#include "engine/drivers/sqlite_place.h"

#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <system_error>

#include "engine/drivers/sqlite.h"
#include "engine/error.h"

namespace belay::engine::drivers {

void check_place(const std::string& path, bool read_only) {
  if (path == in_memory) return;
  struct stat status {};
  const bool there = stat(path.c_str(), &status) == 0;
  if (there && S_ISDIR(status.st_mode)) throw Error(ErrorCode::unavailable, path + " is a folder, not a database");
  if (!there && read_only) throw Error(ErrorCode::unavailable, "there is no database at " + path);
  const std::string folder = std::filesystem::path(path).parent_path().string();
  if (!there && access(folder.c_str(), F_OK) != 0)
    throw Error(ErrorCode::unavailable, "the folder of the database is not there: " + folder).next("make the folder");
  if (!read_only && access(folder.c_str(), W_OK) != 0)
    throw Error(ErrorCode::read_only,
                "the folder of the database cannot be written, and SQLite needs its journal there: " + folder)
        .next("check its permissions and its file system");
}

namespace {

namespace fs = std::filesystem;

bool has_open(const fs::path& process, const std::string& path) {
  std::error_code error;
  fs::directory_iterator file(process / "fd", error);
  for (; !error && file != fs::directory_iterator(); file.increment(error)) {
    std::error_code gone;
    if (fs::read_symlink(file->path(), gone) == path) return true;
  }
  return false;
}

std::string command_of(const fs::path& process) {
  std::string command;
  std::getline(std::ifstream(process / "comm"), command);
  return command;
}

}  // namespace

std::vector<User> users_of(const std::string& path) {
  std::vector<User> users;
  std::error_code error;
  fs::directory_iterator process("/proc", error);
  for (; !error && process != fs::directory_iterator(); process.increment(error)) {
    const std::string id = process->path().filename();
    const bool number = id.find_first_not_of("0123456789") == std::string::npos;
    if (!number || id == std::to_string(getpid()) || !has_open(process->path(), path)) continue;
    users.push_back({.process = std::stoll(id), .command = command_of(process->path())});
  }
  return users;
}

std::string users_text(const std::string& path) {
  std::string text;
  for (const auto& user : users_of(path)) text += (text.empty() ? " (process " : ", ") + std::to_string(user.process);
  return text.empty() ? text : text + ")";
}

}  // namespace belay::engine::drivers

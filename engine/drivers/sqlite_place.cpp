#include "engine/drivers/sqlite_place.h"

#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>

#include "engine/error.h"

namespace belay::engine::drivers {

void check_place(const std::string& path, bool read_only) {
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

}  // namespace belay::engine::drivers

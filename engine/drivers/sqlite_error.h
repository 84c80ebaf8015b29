#pragma once

#include <chrono>
#include <string>

#include "engine/error.h"

namespace belay::engine::drivers {

/// What a result code of SQLite (https://www.sqlite.org/rescode.html) means, whatever was being done.
/// @param message  SQLite's own. @param path  of the database. @param waited  how long for a lock.
Error sqlite_error(int code, const std::string& message, const std::string& path, std::chrono::milliseconds waited);

}  // namespace belay::engine::drivers

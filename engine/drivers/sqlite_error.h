#pragma once

#include <chrono>
#include <string>

#include "engine/error.h"

namespace belay::engine::drivers {

/// What a result code of SQLite (https://www.sqlite.org/rescode.html) means, whatever was being done.
/// @param message  SQLite's own. @param path  of the database. @param waited  how long for a lock.
/// @param system_error  the errno of an I/O error or of a file that cannot be opened.
Error sqlite_error(int code, const std::string& message, const std::string& path, std::chrono::milliseconds waited,
                   int system_error = 0);

}  // namespace belay::engine::drivers

#pragma once

#include <string>

#include "engine/connection.h"

namespace belay::engine::drivers {

/// Connection::find_corruption and find_damage, as SQLite's own checks see it.
std::string corruption_of(Connection& connection);
std::string damage_of(Connection& connection);

}  // namespace belay::engine::drivers

#include "engine/drivers/sqlite_damage.h"

#include <fmt/format.h>

namespace belay::engine::drivers {

std::string corruption_of(Connection& connection) {
  const auto report = connection.query("PRAGMA integrity_check(1)");
  if (!report.empty() && report[0][0] == Value(std::string("ok"))) return {};
  return "integrity_check: " + (report.empty() ? "nothing" : to_literal(report[0][0]));
}

std::string damage_of(Connection& connection) {
  if (auto corruption = corruption_of(connection); !corruption.empty()) return corruption;
  const auto orphans = connection.query("PRAGMA foreign_key_check");
  if (orphans.empty()) return {};
  return fmt::format("foreign_key_check: row {} of {} has no parent in {}", to_literal(orphans[0][1]),
                     to_literal(orphans[0][0]), to_literal(orphans[0][2]));
}

}  // namespace belay::engine::drivers

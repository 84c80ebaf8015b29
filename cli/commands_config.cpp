#include <fmt/format.h>

#include <algorithm>

#include "cli/commands.h"
#include "cli/json.h"

namespace belay::cli {

int config(Context& context) {
  auto& terminal = context.terminal();
  const Config& config = context.config();
  if (terminal.json()) {
    Json settings = Json::object();
    for (const auto& setting : config.settings)
      settings[setting.key] = {{"value", setting.value}, {"origin", setting.origin}};
    terminal.data(dump({{"file", config.file.empty() ? Json(nullptr) : Json(config.file.string())},
                        {"environment", config.environment.empty() ? Json(nullptr) : Json(config.environment)},
                        {"settings", settings}}));
    return exit_done;
  }
  std::size_t key_width = 0;
  std::size_t value_width = 0;
  for (const auto& setting : config.settings) {
    key_width = std::max(key_width, setting.key.size());
    value_width = std::max(value_width, setting.value.size());
  }
  for (const auto& [key, value, origin] : config.settings)
    terminal.data(
        fmt::format("{:<{}}  {:<{}}  {}", key, key_width, value, value_width, terminal.paint(Color::dim, origin)));
  return exit_done;
}

}  // namespace belay::cli

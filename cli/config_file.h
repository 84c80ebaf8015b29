#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "cli/config_keys.h"

namespace belay::cli {

/// Where something stands in the configuration file.
struct Place {
  std::filesystem::path file;
  int line = 0;
  int column = 0;
};

/// @throws ConfigError `malformed`, always.
[[noreturn]] void refuse(const Place& place, const std::string& message, std::string next);

struct Text {
  std::string text;  ///< As the file has it: references to variables are still in it.
  Place place;
};
using Texts = std::vector<Text>;  ///< One, or those of an array.

/// A key that the file gives a value of the right type.
struct Given {
  const Key* key;
  std::string environment;  ///< Of `[env.NAME]`; empty outside.
  std::variant<bool, std::int64_t, Texts> value;
  Place place;  ///< Of the value.
};

struct ConfigFile {
  std::vector<std::string> environments;
  std::vector<Given> given;
};

/// Reads TOML and holds it against the known keys; nothing is expanded, and no value looked into.
/// @throws ConfigError `malformed` for what is not UTF-8 or TOML, an unknown key or table, a value of the wrong type.
ConfigFile parse_config(std::string_view text, const std::filesystem::path& file);

}  // namespace belay::cli

#pragma once

#include <gtest/gtest.h>
#include <stdlib.h>

#include <filesystem>
#include <fstream>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "cli/config.h"

namespace belay::cli {

namespace fs = std::filesystem;
using Code = ConfigError::Code;
using List = std::vector<std::string>;

/// A folder to configure, and an environment of its own.
class LoadConfig : public testing::Test {
 protected:
  LoadConfig() {
    std::string name = (fs::temp_directory_path() / "belay-config-XXXXXX").string();
    folder = fs::canonical(mkdtemp(name.data()));
    sources.folder = folder;
    sources.variable = [this](const std::string& variable) -> std::optional<std::string> {
      const auto found = variables.find(variable);
      if (found == variables.end()) return std::nullopt;
      return found->second;
    };
  }
  ~LoadConfig() override { fs::remove_all(folder); }

  void write(const std::string& text, const std::string& name = "belay.toml") const {
    std::ofstream(folder / name, std::ios::binary) << text;
  }
  Config load() const { return load_config(sources); }
  Config load(const std::string& text) const {
    write(text);
    return load();
  }

  [[nodiscard]] ConfigError refusal() const {
    try {
      load();
    } catch (const ConfigError& error) {
      return error;
    }
    ADD_FAILURE() << "nothing was thrown";
    return {Code::missing, "nothing was thrown"};
  }
  /// As `LINE:COLUMN: what; next`.
  [[nodiscard]] std::string refusal(const std::string& text) const {
    write(text);
    const ConfigError error = refusal();
    EXPECT_EQ(error.code(), Code::malformed);
    EXPECT_EQ(error.file(), folder / "belay.toml");
    return std::to_string(error.line()) + ":" + std::to_string(error.column()) + ": " + error.what() + "; " +
           error.next();
  }

  /// As `VALUE from ORIGIN`.
  [[nodiscard]] std::string setting(const std::string& key) const {
    for (const Setting& setting : load().settings) {
      if (setting.key == key) return setting.value + " from " + setting.origin;
    }
    return "no setting " + key;
  }

  fs::path folder;
  ConfigSources sources;
  std::map<std::string, std::string> variables;
};

}  // namespace belay::cli

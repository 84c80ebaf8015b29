#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <fstream>
#include <optional>
#include <string>
#include <utility>

#include "cli/config.h"
#include "cli/config_expand.h"
#include "cli/config_file.h"
#include "tests/fuzz/laws.h"

namespace belay::fuzz {
namespace {

using namespace cli;
namespace fs = std::filesystem;

/// Where a configuration is loaded from; gone with the process.
class Folder {
 public:
  Folder() {
    std::string name = (fs::temp_directory_path() / "belay-fuzz-XXXXXX").string();
    path_ = ::mkdtemp(name.data());
  }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  ~Folder() {
    std::error_code ignored;
    fs::remove_all(path_, ignored);
  }
  [[nodiscard]] const fs::path& path() const { return path_; }

 private:
  fs::path path_;
};

long lines_of(std::string_view text) {
  return std::ranges::count(text, '\n') + 1;
}

/// `$NAME` is set, and `$A_PASSWORD` to what nothing that is shown may depend on; no other is.
Variable variables(std::string password) {
  return [password = std::move(password)](const std::string& name) -> std::optional<std::string> {
    if (name == "A_PASSWORD") return password;
    if (name == "NAME") return "value $NAME";
    return std::nullopt;
  };
}

std::string error_law_broken_by(const ConfigError& error, std::string_view text, const fs::path& file) {
  if (error.code() != ConfigError::Code::malformed) return "it is refused as something else than malformed";
  if (std::string_view(error.what()).empty() || error.next().empty()) return "it is refused without advice";
  if (error.file() != file) return "it is refused without its file";
  // A place behind the last line is its end.
  if (error.line() < 1 || error.line() > lines_of(text) || error.column() < 1)
    return fmt::format("it is refused at a place that it does not have: {}:{}", error.line(), error.column());
  return "";
}

// --- Written down as TOML

std::string toml_of(const std::string& text) {
  std::string result = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') {
      result += '\\';
      result += c;
    } else if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) {
      result += fmt::format("\\u{:04X}", static_cast<unsigned>(c));
    } else {
      result += c;
    }
  }
  return result + '"';
}

std::string toml_of(const Given& given) {
  if (const auto* flag = std::get_if<bool>(&given.value)) return *flag ? "true" : "false";
  if (const auto* number = std::get_if<std::int64_t>(&given.value)) return std::to_string(*number);
  const auto& texts = std::get<Texts>(given.value);
  if (!std::holds_alternative<std::vector<std::string> Config::*>(given.key->member)) return toml_of(texts.at(0).text);
  std::string result = "[";
  for (const auto& text : texts) result += toml_of(text.text) + ",";
  return result + "]";
}

std::string toml_of(const ConfigFile& config) {
  std::string result;
  for (const auto& name : config.environments) result += "env." + toml_of(name) + " = {}\n";
  // A table in a line cannot be added to, so that those of environments with keys come one by one.
  if (!config.given.empty()) result.clear();
  for (const auto& given : config.given) {
    if (!given.environment.empty()) result += "env." + toml_of(given.environment) + ".";
    result += given.key->full_name() + " = " + toml_of(given) + "\n";
  }
  for (const auto& name : config.environments)
    if (!config.given.empty() && std::ranges::find(config.given, name, &Given::environment) == config.given.end())
      result += "env." + toml_of(name) + " = {}\n";
  return result;
}

std::string value_of(const Given& given) {
  return given.environment + '\0' + given.key->full_name() + '\0' + toml_of(given);
}

std::vector<std::string> values_of(const ConfigFile& config) {
  std::vector<std::string> values = config.environments;
  for (const auto& given : config.given) values.push_back(value_of(given));
  std::ranges::sort(values);
  return values;
}

bool is_in(const Place& place, std::string_view text, const fs::path& file) {
  return place.file == file && place.line >= 1 && place.line <= lines_of(text) && place.column >= 1;
}

std::string parse_law_broken_by(std::string_view text) {
  const fs::path file = "belay.toml";
  std::optional<ConfigFile> config;
  try {
    config = parse_config(text, file);
  } catch (const ConfigError& error) {
    return error_law_broken_by(error, text, file);
  }
  for (const auto& given : config->given)
    if (!is_in(given.place, text, file)) return "a key is given at a place that the file does not have";
  const std::string written = toml_of(*config);
  if (values_of(parse_config(written, file)) != values_of(*config)) return "written down, it gives others:\n" + written;
  return "";
}

std::string load_law_broken_by(std::string_view text) {
  static const Folder folder;
  const fs::path file = folder.path() / "belay.toml";
  std::ofstream(file, std::ios::binary | std::ios::trunc) << text;
  std::array<std::string, 2> shown;
  for (const std::string password : {"x1", "y22"}) {
    try {
      const Config config = load_config(
          {.folder = folder.path(), .file = {}, .environment = {}, .database = {}, .variable = variables(password)});
      if (!std::ranges::equal(config.settings, known_keys, {}, &Setting::key, &Key::full_name))
        return "the settings are not the known keys in their order";
      for (const auto& setting : config.settings) shown[password == "x1"] += setting.value + "\n";
    } catch (const ConfigError& error) {
      if (auto broken = error_law_broken_by(error, text, file); !broken.empty()) return broken;
      shown[password == "x1"] = error.what();
    }
  }
  return shown[0] == shown[1] ? "" : "what is shown depends on a password: " + shown[0];
}

// --- Values

std::string with_dollars_doubled(std::string_view text) {
  std::string result;
  for (const char c : text) result += c == '$' ? std::string("$$") : std::string(1, c);
  return result;
}

std::string expand_law_broken_by(const std::string& text) {
  const Text value{text, {"belay.toml", 3, 5}};
  const Expanded itself = expand({with_dollars_doubled(text), value.place}, variables("x1"));
  if (itself.value != text || itself.shown != text) return "with its dollars doubled it is not itself";
  try {
    const Expanded expanded = expand(value, variables("x1"));
    if (text.find('$') == std::string::npos && expanded.value != text) return "it is changed, and has no dollar";
    if (expand(value, variables("y22")).shown != expanded.shown) return "what is shown depends on a password";
  } catch (const ConfigError& error) {
    return error_law_broken_by(error, "\n\n     ", "belay.toml");
  }
  return "";
}

std::string secret_law_broken_by(const std::string& text) {
  const std::string hidden = hide_secrets(text);
  if (hide_secrets(hidden) != hidden) return "what is hidden is hidden again: " + hidden;
  if (text.find("S3cr3t") != std::string::npos) return "";
  for (const std::string url : {"mysql://me:S3cr3t@host/db", "password=S3cr3t", "--token='S3cr3t x'"})
    if (hide_secrets(std::string(text).append(" ").append(url)).find("S3cr3t") != std::string::npos)
      return "behind it a secret is shown: " + url;
  return "";
}

}  // namespace

std::string config_law_broken_by(std::string_view text) {
  if (auto broken = parse_law_broken_by(text); !broken.empty()) return broken;
  return load_law_broken_by(text);
}

std::string text_law_broken_by(std::string_view text) {
  const std::string copy(text);
  if (auto broken = expand_law_broken_by(copy); !broken.empty()) return broken;
  return secret_law_broken_by(copy);
}

}  // namespace belay::fuzz

#include "cli/config.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <fstream>
#include <limits>
#include <optional>
#include <system_error>
#include <utility>

#include "cli/config_expand.h"
#include "cli/config_file.h"
#include "cli/config_keys.h"
#include "versions/spelling.h"

namespace belay::cli {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view default_file = "belay.toml";
constexpr std::size_t file_bytes_max = std::size_t{1} << 20U;

/// Reads at most one byte more than a configuration may have, whatever the file is.
std::string read_file(const fs::path& file) {
  std::error_code error;
  const fs::file_type type = fs::status(file, error).type();
  if (type == fs::file_type::directory) refuse({file}, "this is a folder", "name the file in it");
  if (type == fs::file_type::none) refuse({file}, fmt::format("cannot be read: {}", error.message()), "");
  if (type != fs::file_type::regular) refuse({file}, "cannot be read: it is not a file", "");
  errno = 0;
  std::ifstream stream(file, std::ios::binary);
  // One byte more than there are shows where it ends. Not room for the largest: to clear that takes a tenth of a run.
  std::string text(std::min<std::uintmax_t>(fs::file_size(file, error), file_bytes_max) + 1, '\0');
  stream.read(text.data(), static_cast<std::streamsize>(text.size()));
  text.resize(static_cast<std::size_t>(stream.gcount()));
  if (stream.bad() || !stream.eof()) {
    const bool large = text.size() > file_bytes_max;
    refuse({file},
           large ? "this is larger than 1 MiB, so it is no configuration"
                 : fmt::format("cannot be read: {}", std::generic_category().message(errno)),
           "");
  }
  return text;
}

/// Without symbolic links, as far as it exists: `..` in it then means what it says.
fs::path folder_of(const fs::path& file) {
  std::error_code error;
  const fs::path absolute = fs::absolute(file, error).parent_path();
  const fs::path canonical = fs::weakly_canonical(absolute, error);
  return error ? absolute : canonical;
}

/// Finds the file, if there is one, and says what relative paths are relative to.
Config locate(const ConfigSources& sources) {
  const fs::path file = (sources.folder / sources.file.value_or(std::string(default_file))).lexically_normal();
  std::error_code error;
  const bool missing = fs::status(file, error).type() == fs::file_type::not_found;
  if (sources.file && (sources.file->empty() || missing)) {
    throw ConfigError(ConfigError::Code::missing, "there is no such configuration file")
        .at(file)
        .next("correct -c, or create a belay.toml with `belay init`");
  }
  Config config;
  config.folder = folder_of(file);
  if (!missing) config.file = file;
  return config;
}

// ---- Values

std::string to_text(std::uint64_t number, Rule rule) {
  if (rule != Rule::bytes || number == 0) return fmt::format("{}", number);
  std::size_t unit = 0;
  for (; number % 1024 == 0 && unit < 4; ++unit) number /= 1024;
  constexpr std::array<std::string_view, 5> units{"B", "KiB", "MiB", "GiB", "TiB"};
  return fmt::format("{}{}", number, units[unit]);
}

struct Unit {
  std::string_view name;
  std::uint64_t bytes;
};

constexpr std::array<Unit, 10> units{{{"", 1},
                                      {"B", 1},
                                      {"kB", 1'000},
                                      {"MB", 1'000'000},
                                      {"GB", 1'000'000'000},
                                      {"TB", 1'000'000'000'000},
                                      {"KiB", 1ULL << 10U},
                                      {"MiB", 1ULL << 20U},
                                      {"GiB", 1ULL << 30U},
                                      {"TiB", 1ULL << 40U}}};

/// A number with a unit, such as `256MiB` or `1 GB`; upper and lower case are the same.
std::optional<std::uint64_t> parse_bytes(std::string_view text) {
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc{}) return std::nullopt;
  text.remove_prefix(static_cast<std::size_t>(end - text.data()));
  text.remove_prefix(std::min(text.find_first_not_of(' '), text.size()));
  const auto* unit =
      std::ranges::find_if(units, [&](const Unit& known) { return versions::edit_distance(known.name, text, 0) == 0; });
  if (unit == units.end() || number > std::numeric_limits<std::uint64_t>::max() / unit->bytes) return std::nullopt;
  return number * unit->bytes;
}

bool is_plain_name(std::string_view name) {
  const auto is_plain = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
  };
  return !name.empty() && std::ranges::all_of(name, is_plain) && (name.front() < '0' || name.front() > '9');
}

void check_version_table(const Place& place, const Expanded& name) {
  const std::string message = fmt::format("`version_table` cannot be `{}`", name.shown);
  if (!is_plain_name(name.value)) refuse(place, message, "write letters, digits and _, and no digit first");
  const bool reserved = versions::edit_distance(std::string_view(name.value).substr(0, 7), "sqlite_", 0) == 0;
  if (reserved || versions::edit_distance(name.value, "belay_state", 0) == 0) {
    refuse(place, message + ": that name is reserved", "write another name");
  }
}

void check_word(const Place& place, const Key& key, const Expanded& word) {
  if (key.words.empty() || std::ranges::find(key.words, word.value) != key.words.end()) return;
  const std::string meant = versions::nearest(word.value, key.words);
  refuse(place, fmt::format("`{}` cannot be `{}`", key.full_name(), word.shown),
         meant.empty() ? fmt::format("write one of {}", fmt::join(key.words, ", "))
                       : fmt::format("did you mean `{}`?", meant));
}

/// Writes one value that a file gives into the configuration.
class Setter {
 public:
  Setter(Config& config, const Given& given, const std::vector<Expanded>& texts)
      : config_(config), given_(given), texts_(texts) {}

  void set() {
    std::visit([&](auto member) { set(member); }, given_.key->member);
  }

 private:
  void set(bool Config::*member) { config_.*member = std::get<bool>(given_.value); }

  void set(std::string Config::*member) {
    const Place& place = given_.place;
    check_word(place, *given_.key, texts_.front());
    if (given_.key->rule == Rule::plain_name) check_version_table(place, texts_.front());
    config_.*member = texts_.front().value;
  }

  void set(fs::path Config::*member) {
    fail_if_empty(texts_.front());
    config_.*member = texts_.front().value;
  }

  void set(std::vector<std::string> Config::*member) {
    std::vector<std::string> values;
    for (const Expanded& text : texts_) {
      fail_if_empty(text);
      values.push_back(text.value);
    }
    config_.*member = std::move(values);
  }

  void set(std::uint64_t Config::*member) {
    if (const auto* number = std::get_if<std::int64_t>(&given_.value)) {
      if (*number < 0) refuse(given_.place, fmt::format("`{}` cannot be negative", name()), "write 0 or more");
      config_.*member = static_cast<std::uint64_t>(*number);
    } else if (const std::optional<std::uint64_t> bytes = parse_bytes(texts_.front().value)) {
      config_.*member = *bytes;
    } else {
      refuse(given_.place, fmt::format("`{}` cannot be `{}`", name(), texts_.front().shown),
             "write a number of bytes with a unit, such as \"256MiB\" or \"1GB\"");
    }
  }

  void fail_if_empty(const Expanded& text) const {
    if (text.value.empty()) refuse(given_.place, fmt::format("`{}` is empty", name()), "remove it, or give it a value");
  }

  [[nodiscard]] std::string name() const { return given_.key->full_name(); }

  Config& config_;
  const Given& given_;
  const std::vector<Expanded>& texts_;
};

std::vector<Expanded> expand_all(const Given& given, const Variable& variable) {
  std::vector<Expanded> texts;
  if (const auto* given_texts = std::get_if<Texts>(&given.value)) {
    for (const Text& text : *given_texts) texts.push_back(expand(text, variable));
  }
  return texts;
}

/// What can be said of a value without the environment. It is said of every value, also of those that are not chosen.
void check(const Given& given) {
  bool refers = false;
  const std::vector<Expanded> texts = expand_all(given, [&](const std::string&) {
    refers = true;
    return std::string("x");
  });
  Config scratch;
  if (!refers) Setter(scratch, given, texts).set();
}

// ---- Precedence

/// The setting as a default, or an environment variable or flag, leaves it.
std::string shown_value(const Config& config, const Key& key) {
  struct Show {
    const Config& config;
    Rule rule;
    std::string operator()(bool Config::*member) const { return config.*member ? "true" : "false"; }
    std::string operator()(std::uint64_t Config::*member) const { return to_text(config.*member, rule); }
    std::string operator()(std::string Config::*member) const { return hide_secrets(config.*member); }
    std::string operator()(fs::path Config::*member) const { return hide_secrets((config.*member).string()); }
    std::string operator()(std::vector<std::string> Config::*) const { return ""; }
  };
  return std::visit(Show{config, key.rule}, key.member);
}

class Chooser {
 public:
  Chooser(const ConfigSources& sources, const ConfigFile& file, Config& config)
      : sources_(sources), file_(file), config_(config) {}

  void choose() {
    choose_environment();
    for (const Key& key : known_keys) {
      if (key.member == Member(&Config::database) && choose_database(key)) continue;
      if (const Given* given = find(key)) {
        use(*given);
      } else {
        config_.settings.push_back({key.full_name(), shown_value(config_, key), "default"});
      }
    }
  }

 private:
  [[nodiscard]] std::optional<std::string> variable(const std::string& name) const {
    std::optional<std::string> value = sources_.variable ? sources_.variable(name) : std::nullopt;
    return value && !value->empty() ? value : std::nullopt;
  }

  void choose_environment() {
    const std::string name = sources_.environment ? *sources_.environment : variable("BELAY_ENV").value_or("");
    if (name.empty() && !sources_.environment) return;
    const std::vector<std::string>& known = file_.environments;
    if (std::ranges::find(known, name) == known.end()) fail_environment(name);
    config_.environment = name;
  }

  [[noreturn]] void fail_environment(const std::string& name) const {
    const std::string message = fmt::format("there is no environment `{}`", name);
    if (config_.file.empty()) {
      throw ConfigError(ConfigError::Code::missing, message + ": there is no belay.toml")
          .at(config_.folder / default_file)
          .next("create it with `belay init`");
    }
    const std::vector<std::string>& known = file_.environments;
    if (known.empty()) refuse({config_.file}, message, fmt::format("add a table `[env.{}]`", name));
    const std::string meant = versions::nearest(name, std::vector<std::string_view>(known.begin(), known.end()));
    const std::string all = fmt::format("the environments are {}", fmt::join(known, ", "));
    refuse({config_.file}, message, meant.empty() ? all : fmt::format("did you mean `{}`? {}", meant, all));
  }

  /// From a flag or a variable, which outdo the file.
  bool choose_database(const Key& key) {
    if (sources_.database) {
      if (sources_.database->empty()) refuse({}, "--database is empty", "name a database, or leave the flag out");
      return use_database(key, *sources_.database, "--database");
    }
    for (const char* name : {"BELAY_DATABASE_URL", "DATABASE_URL"}) {
      if (const std::optional<std::string> url = variable(name)) return use_database(key, *url, name);
    }
    return false;
  }

  bool use_database(const Key& key, const std::string& url, const std::string& origin) {
    config_.database = url;
    config_.settings.push_back({key.full_name(), hide_secrets(url), origin});
    return true;
  }

  /// The chosen environment's value, or else the one outside of environments.
  [[nodiscard]] const Given* find(const Key& key) const {
    const Given* found = nullptr;
    for (const Given& given : file_.given) {
      const bool outside = given.environment.empty();
      if (given.key != &key || (!outside && given.environment != config_.environment)) continue;
      if (!outside || found == nullptr) found = &given;
    }
    return found;
  }

  void use(const Given& given) {
    const std::vector<Expanded> texts = expand_all(given, [this](const std::string& name) { return variable(name); });
    Setter(config_, given, texts).set();
    std::vector<std::string> shown;
    shown.reserve(texts.size());
    for (const Expanded& text : texts) shown.push_back(hide_secrets(text.shown));
    const bool is_text = std::holds_alternative<Texts>(given.value) && given.key->rule != Rule::bytes;
    std::string origin = fmt::format("{}:{}", config_.file.filename().string(), given.place.line);
    if (!given.environment.empty()) origin += fmt::format(" [env.{}]", given.environment);
    config_.settings.push_back({given.key->full_name(),
                                is_text ? fmt::format("{}", fmt::join(shown, ", ")) : shown_value(config_, *given.key),
                                std::move(origin)});
  }

  const ConfigSources& sources_;
  const ConfigFile& file_;
  Config& config_;
};

}  // namespace

Config load_config(const ConfigSources& sources) {
  Config config = locate(sources);
  ConfigFile file;
  if (!config.file.empty()) file = parse_config(read_file(config.file), config.file);
  for (const Given& given : file.given) check(given);
  Chooser(sources, file, config).choose();
  return config;
}

}  // namespace belay::cli

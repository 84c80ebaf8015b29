#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

namespace belay::cli {

/// What is wrong with the configuration. `what()` is a sentence without its place.
class ConfigError : public std::runtime_error {
 public:
  enum class Code { missing, malformed };  ///< There is no such file; or it says something that makes no sense.

  ConfigError(Code code, const std::string& message) : std::runtime_error(message), code_(code) {}
  ConfigError& at(std::filesystem::path file, int line = 0, int column = 0) {
    file_ = std::move(file);
    line_ = line;
    column_ = column;
    return *this;
  }
  ConfigError& next(std::string next) {
    next_ = std::move(next);
    return *this;
  }

  [[nodiscard]] Code code() const { return code_; }
  [[nodiscard]] const std::filesystem::path& file() const { return file_; }
  [[nodiscard]] int line() const { return line_; }      ///< From 1; 0 when unknown.
  [[nodiscard]] int column() const { return column_; }  ///< From 1; 0 when unknown.
  [[nodiscard]] const std::string& next() const { return next_; }

 private:
  Code code_;
  std::filesystem::path file_;
  int line_ = 0;
  int column_ = 0;
  std::string next_;
};

/// One setting as `belay config` shows it.
struct Setting {
  std::string key;     ///< `database`, `journal.keep_runs`, …
  std::string value;   ///< As text, secrets replaced by `***`.
  std::string origin;  ///< `default`, `belay.toml:3`, `belay.toml:20 [env.production]`, `--database`, `DATABASE_URL`
};

/// All settings of docs/configuration.md, with every default filled in.
struct Config {
  std::filesystem::path file;    ///< The configuration file that was read; empty when there is none.
  std::filesystem::path folder;  ///< Absolute; what relative paths below and in `database` are relative to.
  std::string environment;       ///< Chosen by -e or BELAY_ENV; empty for none.

  std::string database;  ///< A URL; empty when nothing says which.
  std::filesystem::path versions = "versions";
  std::filesystem::path schema = "schema.sql";
  std::filesystem::path script_template = "template.sql";
  std::string version_table = "belay_version";
  bool is_protected = false;
  bool secure_delete = false;

  std::filesystem::path journal_path;  ///< Empty: beside the database.
  std::uint64_t keep_runs = 100;
  std::uint64_t keep_bytes = 256U << 20U;

  std::filesystem::path backup_directory;  ///< Empty: in the journal's folder.
  std::uint64_t backup_keep = 10;
  std::string backup_before = "auto";  ///< auto, always, never

  std::string recovery_policy = "forward";  ///< forward, back

  /// SQL files (they end in `.sql`) or commands, in order.
  std::vector<std::string> before_migrate, after_migrate, before_each, after_each;

  std::vector<std::string> ignored;  ///< Globs over the names of objects that are somebody else's.

  std::filesystem::path log_file;  ///< Empty: none.
  std::string log_level = "info";  ///< error, warning, info, debug

  std::vector<Setting> settings;  ///< All of the above for a person, in this order.
};

/// Where a configuration comes from, besides its file.
struct ConfigSources {
  std::filesystem::path folder;            ///< Where belay was started: `belay.toml` is looked for here.
  std::optional<std::string> file;         ///< -c
  std::optional<std::string> environment;  ///< -e
  std::optional<std::string> database;     ///< --database
  /// Looks up an environment variable.
  std::function<std::optional<std::string>(const std::string&)> variable;
};

/// Reads the configuration: flags, then BELAY_DATABASE_URL, DATABASE_URL, then the file's `[env.NAME]`, then the file,
/// then the defaults. A folder without belay.toml is fine; a file named by -c must be there. An empty variable counts
/// as unset.
/// @throws ConfigError with file, line and column; for an unknown key or environment with the nearest known one.
Config load_config(const ConfigSources& sources);

/// A URL, or a text that mentions some, with `***` for the password of each URL and for the value of each `name=value`
/// whose name speaks of a password, secret, token or key. In doubt it hides too much.
std::string hide_secrets(const std::string& url_or_text);

}  // namespace belay::cli

#include "cli/context.h"

#include <fmt/format.h>

#include <cstdlib>
#include <filesystem>
#include <utility>
#include <vector>

#include "engine/error.h"
#include "recovery/file_system.h"
#include "versions/script.h"

namespace belay::cli {

Context::Context(const Options& options, Terminal& terminal, EventLoop& events, std::string command_line)
    : options_(options), terminal_(terminal), events_(events), command_line_(std::move(command_line)) {}

const Config& Context::config() {
  if (config_) return *config_;
  const auto variable = [](const std::string& name) -> std::optional<std::string> {
    const char* value = std::getenv(name.c_str());
    return value ? std::optional<std::string>(value) : std::nullopt;
  };
  config_ = load_config({.folder = std::filesystem::current_path(),
                         .file = options_.config,
                         .environment = options_.environment,
                         .database = options_.database,
                         .variable = variable});
  if (!config_->log_file.empty()) terminal_.log_to(config_->folder / config_->log_file, config_->log_level);
  return *config_;
}

CommandHooks& Context::hooks() {
  if (!hooks_) hooks_.emplace(config(), command_line_, events_.stop_token());
  return *hooks_;
}

recovery::Settings Context::settings() {
  recovery::Settings settings;
  settings.database = config().database;
  settings.folder = config().folder;
  settings.versions = config().versions;
  settings.version_table = config().version_table;
  settings.ignored = config().ignored;
  settings.journal = config().journal_path;
  settings.retention = {.runs = config().keep_runs, .bytes = config().keep_bytes};
  settings.backups = config().backup_directory;
  settings.keep_backups = config().backup_keep;
  settings.backup_before = config().backup_before == "always"  ? recovery::BackupBefore::always
                           : config().backup_before == "never" ? recovery::BackupBefore::never
                                                               : recovery::BackupBefore::destructive;
  settings.lock_timeout = options_.lock_timeout;
  settings.secure_delete = config().secure_delete;
  settings.policy = config().recovery_policy == "back" ? recovery::Policy::back : recovery::Policy::forward;
  settings.atomic = options_.atomic;
  settings.hooks_between = hooks().between();
  read_sql_hooks(config(), settings);
  return settings;
}

recovery::Migrator& Context::migrator() {
  if (migrator_) return *migrator_;
  if (config().database.empty())
    throw ConfigError(ConfigError::Code::missing, config().file.empty()
                                                      ? "there is no belay.toml here, and nothing says "
                                                        "which database to use"
                                                      : "nothing says which database to use")
        .at(config().file)
        .next("belay init writes a belay.toml; or give --database sqlite:app.db");
  progress_.emplace(terminal_, events_, options_, hooks());
  try {
    migrator_.emplace(settings(), *progress_, events_.stop_token());
  } catch (const engine::Error& error) {
    if (error.code() != engine::ErrorCode::bad_url || !options_.database) throw;
    throw Error(exit_usage, "bad-url", error.what(), error.next());  // It was typed.
  }
  warn_of_network();
  return *migrator_;
}

void Context::warn_of_network() {
  std::vector<std::filesystem::path> files{migrator_->places().url.path};
  if (!config().journal_path.empty()) files.push_back(migrator_->places().journal);  // Else it is beside the database.
  for (const auto& file : files) {
    const auto type = recovery::network_file_system(file);
    if (type.empty()) continue;
    return terminal_.warn(
        fmt::format("{} is on a network file system ({}): neither locks between processes nor what "
                    "a sync promises can be relied on there; keep it on a local disk",
                    file.string(), type));
  }
}

engine::Observer& Context::observer() {
  migrator();
  return *progress_;
}

const versions::Graph& Context::graph() {
  if (!config().database.empty()) return migrator().graph();
  if (!graph_) graph_.emplace(versions::load_scripts(config().folder / config().versions));
  return *graph_;
}

}  // namespace belay::cli

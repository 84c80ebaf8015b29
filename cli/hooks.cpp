#include "cli/hooks.h"

#include <fmt/format.h>
#include <spawn.h>
#include <sys/wait.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <fstream>
#include <iterator>
#include <string_view>
#include <utility>

#include "engine/error.h"
#include "versions/error.h"
#include "versions/statement.h"

extern char** environ;  // NOLINT: the name is POSIX's.

namespace belay::cli {
namespace {

bool is_sql_file(const std::string& hook) {
  return hook.ends_with(".sql") && hook.find(' ') == std::string::npos;
}

std::vector<std::string> commands_of(const std::vector<std::string>& hooks) {
  std::vector<std::string> commands;
  for (const auto& hook : hooks)
    if (!is_sql_file(hook)) commands.push_back(hook);
  return commands;
}

recovery::SqlHook read_sql_hook(const Config& config, const std::string& name) {
  const auto path = config.folder / name;
  std::ifstream file(path, std::ios::binary);
  const std::string text{std::istreambuf_iterator<char>(file), {}};
  if (!file.is_open() || file.bad())
    throw ConfigError(ConfigError::Code::missing,
                      "the hook " + path.string() + " cannot be read: " + std::strerror(errno))
        .at(config.file)
        .next("correct [hooks], or write the file");
  try {
    return {name, versions::split_statements(text)};
  } catch (versions::Error& error) {
    error.at(path, error.line());
    throw;
  }
}

std::vector<recovery::SqlHook> sql_hooks_of(const Config& config, const std::vector<std::string>& hooks) {
  std::vector<recovery::SqlHook> result;
  for (const auto& hook : hooks)
    if (is_sql_file(hook)) result.push_back(read_sql_hook(config, hook));
  return result;
}

/// belay ignores some signals; a hook is to find them as any program does.
class SpawnAttributes {
 public:
  SpawnAttributes() {
    sigset_t ignored;
    sigemptyset(&ignored);
    for (const int signal : {SIGPIPE, SIGXFSZ}) sigaddset(&ignored, signal);
    posix_spawnattr_init(&attributes_);
    posix_spawnattr_setsigdefault(&attributes_, &ignored);
    posix_spawnattr_setflags(&attributes_, POSIX_SPAWN_SETSIGDEF);
  }
  SpawnAttributes(const SpawnAttributes&) = delete;
  SpawnAttributes& operator=(const SpawnAttributes&) = delete;
  ~SpawnAttributes() { posix_spawnattr_destroy(&attributes_); }
  [[nodiscard]] const posix_spawnattr_t* get() const { return &attributes_; }

 private:
  posix_spawnattr_t attributes_{};
};

pid_t spawn_shell(std::string command, std::vector<std::string> variables) {
  const auto is_given = [&, count = variables.size()](std::string_view inherited) {
    const auto name = inherited.substr(0, inherited.find('=') + 1);
    return std::any_of(variables.begin(), variables.begin() + static_cast<std::ptrdiff_t>(count),
                       [&](const std::string& variable) { return variable.starts_with(name); });
  };
  for (char** inherited = environ; *inherited; ++inherited)
    if (!is_given(*inherited)) variables.emplace_back(*inherited);
  std::vector<char*> environment;
  environment.reserve(variables.size() + 1);
  for (auto& variable : variables) environment.push_back(variable.data());
  environment.push_back(nullptr);
  std::string shell = "sh";
  std::string flag = "-c";
  char* arguments[] = {shell.data(), flag.data(), command.data(), nullptr};
  pid_t pid = 0;
  const int error = posix_spawn(&pid, "/bin/sh", nullptr, SpawnAttributes().get(), arguments, environment.data());
  if (error == 0) return pid;
  throw engine::Error(engine::ErrorCode::hook_failed, fmt::format("/bin/sh cannot be run: {}", std::strerror(error)));
}

/// @returns the exit status of the shell, or 128 plus the signal that ended it.
int run_shell(std::string command, std::vector<std::string> variables, const std::stop_token& stop) {
  const pid_t pid = spawn_shell(std::move(command), std::move(variables));
  {
    // It is not reaped here, so that its number is its own for as long as it may be signalled.
    const std::stop_callback end_it(stop, [pid] { kill(pid, SIGTERM); });
    siginfo_t unused;
    while (waitid(P_PID, static_cast<id_t>(pid), &unused, WEXITED | WNOWAIT) < 0 && errno == EINTR) {
    }
  }
  int status = 0;
  while (waitpid(pid, &status, 0) < 0 && errno == EINTR) {
  }
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

std::string quoted_for_shell(const std::string& text) {
  std::string quoted = "'";
  for (const char c : text) quoted += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return quoted + "'";
}

std::vector<std::string> variables_of(const journal::PlannedRevision& revision) {
  return {"BELAY_REVISION=" + revision.revision, "BELAY_DIRECTION=" + std::string(journal::name_of(revision.action)),
          "BELAY_MESSAGE=" + revision.message};
}

}  // namespace

CommandHooks::CommandHooks(const Config& config, std::string command, std::stop_token stop)
    : folder_(config.folder),
      variables_{"BELAY_COMMAND=" + std::move(command), "BELAY_DATABASE=" + config.database},
      stop_(std::move(stop)),
      before_migrate_(commands_of(config.before_migrate)),
      after_migrate_(commands_of(config.after_migrate)),
      before_each_(commands_of(config.before_each)),
      after_each_(commands_of(config.after_each)) {}

void CommandHooks::before_migrate() const {
  run(before_migrate_, "before_migrate", {});
}
void CommandHooks::after_migrate() const {
  run(after_migrate_, "after_migrate", {});
}

void CommandHooks::before_each(const journal::PlannedRevision& revision) const {
  if (journal::is_of_revision(revision.action)) run(before_each_, "before_each", variables_of(revision));
}
void CommandHooks::after_each(const journal::PlannedRevision& revision) const {
  if (journal::is_of_revision(revision.action)) run(after_each_, "after_each", variables_of(revision));
}

void CommandHooks::run(const std::vector<std::string>& commands, const char* when, const Variables& variables) const {
  for (const auto& command : commands) {
    Variables all = variables;
    all.insert(all.end(), variables_.begin(), variables_.end());
    // What a hook prints is for a person: stdout belongs to the command's own data.
    const int status =
        run_shell(fmt::format("cd {} && {{ {}\n}} >&2", quoted_for_shell(folder_.string()), command), all, stop_);
    if (status == 0) continue;
    // Ctrl-C reaches the hook, and perhaps the hook first.
    if (stop_.stop_requested() || status == 128 + SIGINT)
      throw engine::Error(engine::ErrorCode::interrupted, fmt::format("interrupted in the {} hook", when));
    throw engine::Error(engine::ErrorCode::hook_failed,
                        fmt::format("the {} hook ended with status {}: {}", when, status, hide_secrets(command)));
  }
}

void read_sql_hooks(const Config& config, recovery::Settings& settings) {
  settings.before_run = sql_hooks_of(config, config.before_migrate);
  settings.after_run = sql_hooks_of(config, config.after_migrate);
  settings.before_each = sql_hooks_of(config, config.before_each);
  settings.after_each = sql_hooks_of(config, config.after_each);
}

}  // namespace belay::cli

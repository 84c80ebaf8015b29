#include "cli/app.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <iostream>
#include <optional>

#include "cli/command_table.h"
#include "cli/completion.h"
#include "cli/json.h"
#include "engine/drivers/sqlite.h"
#include "recovery/version.h"
#include "versions/spelling.h"

namespace belay::cli {
namespace {

std::string examples_text(const Command& command) {
  std::string text = "Examples:\n  ";
  for (const char* c = command.examples; *c != '\0'; ++c) text += *c == '\n' ? std::string("\n  ") : std::string(1, *c);
  return text;
}

CLI::App* subcommand(CLI::App& app, const Command& command) {
  const std::string name = command.name;
  const auto space = name.find(' ');
  CLI::App& parent = space == std::string::npos ? app : *app.get_subcommand(name.substr(0, space));
  CLI::App* sub = parent.add_subcommand(name.substr(space == std::string::npos ? 0 : space + 1), command.summary);
  sub->group(command.group)->fallthrough()->footer(examples_text(command));
  return sub;
}

void add_target_options(CLI::App& sub, unsigned takes, Options& options) {
  if (takes & target) sub.add_option("--to", options.to, "up to this revision")->type_name("REV");
  if (takes & (target | steps))
    sub.add_option("--steps", options.steps, "so many revisions")->type_name("N")->check(CLI::Range(1, 1'000'000'000));
  if (takes & target) sub.get_option("--to")->excludes("--steps");
  if (takes & (target | atomic))
    sub.add_flag("--atomic", options.atomic, "the whole run in one transaction: all or nothing");
  if (takes & revision)
    sub.add_option("revision", options.revisions, "head, base, +N, -N, an id or a prefix")
        ->type_name("REV")
        ->expected(0, 1);
  if (takes & revisions) sub.add_option("revisions", options.revisions, "ids or prefixes")->type_name("REV...");
  if (takes & range) {
    sub.add_option("range", options.revisions, "FROM:TO, either may be left out")->type_name("RANGE")->expected(0, 1);
    sub.add_flag("--graph", options.graph, "draw the branches");
  }
  if (takes & required) sub.get_option((takes & revision) ? "revision" : "revisions")->required();
}

void add_script_options(CLI::App& sub, unsigned takes, Options& options) {
  if (takes & words)
    sub.add_option("message", options.message, "what the revision does")->type_name("MESSAGE")->required();
  if (takes & message)
    sub.add_option("-m,--message", options.message, "what the revision does")->type_name("MESSAGE")->required();
  if (takes & script) {
    if (!(takes & revisions))
      sub.add_option("--parent", options.parents,
                     "on this revision instead of the head (several for a merge; base for none)")
          ->type_name("REV");
    sub.add_flag("--stdout", options.to_stdout, "print the script and write no file");
    sub.add_flag("--dry-run", options.dry_run, "say what would be written");
  }
  if (takes & baseline)
    sub.add_flag("--baseline", options.baseline,
                 "the schema as it is becomes the first revision, and counts as applied");
  if (takes & from_db)
    sub.add_flag("--from-db", options.from_db, "the schema as it is becomes the first revision, and counts as applied");
}

void add_autogenerate_options(CLI::App& sub, Options& options) {
  auto* autogenerate = sub.add_flag("--autogenerate", options.autogenerate,
                                    "fill it with what turns the database into schema.sql, and back")
                           ->excludes(sub.get_option("--baseline"));
  sub.add_option("--rename", options.renames, "what was renamed: T.OLD=NEW for a column, OLD=NEW for a table or index")
      ->type_name("T.OLD=NEW")
      ->expected(1)
      ->take_all()
      ->needs(autogenerate);
  sub.add_flag("--allow-drop", options.allowed_drops,
               "let go of what schema.sql no longer has: everything, or with =T or =T.C just that")
      ->needs(autogenerate);
  sub.add_option("--from", options.from, "compare with the database (db), or with what the revisions make (versions)")
      ->type_name("WHAT")
      ->check(CLI::IsMember({"db", "versions"}))
      ->needs(autogenerate);
}

/// As a check of CLI11: empty when all is well. Its own would take -1 for a very large number.
std::string is_run_number(const std::string& text) {
  constexpr std::size_t digits_max = 18;
  const bool number = !text.empty() && text.size() <= digits_max && text.find_first_not_of("0123456789") == text.npos;
  return number && text.find_first_not_of('0') != text.npos ? "" : "\"" + text + "\" is no number of a run";
}

void add_other_options(CLI::App& sub, unsigned takes, Options& options) {
  if (takes & dry_run) {
    sub.add_flag("--dry-run", options.dry_run, "show what would be done and change nothing");
    sub.add_flag("--sql", options.sql, "print the SQL that would be run, and run nothing");
  }
  if (takes & folder) {
    sub.add_flag("--dry-run", options.dry_run, "say what would be written");
    sub.add_option("folder", options.revisions, "where; made if it is missing")->type_name("DIR")->expected(0, 1);
  }
  if (takes & exit_code)
    sub.add_flag("--exit-code", options.exit_code,
                 takes & sources ? "exit with 2 when there is a difference"
                                 : "exit with 2 when something is pending or interrupted");
  if (takes & sources) {
    sub.add_option("sources", options.revisions, "db, versions, versions:REV, a .sql file or a database URL")
        ->type_name("SOURCE");
    sub.add_flag("--sql", options.sql, "the statements that turn the first into the second");
  }
  if (takes & run_number)
    sub.add_option("--run", options.run, "only this run")->type_name("N")->check(CLI::NonNegativeNumber);
  if (takes & directions) {
    auto* forward =
        sub.add_flag("--forward", options.forward, "go on with the interrupted run, whatever the policy says");
    sub.add_flag("--back", options.back, "take back what is half done of it, and close it")->excludes(forward);
  }
  if (takes & fixing) {
    sub.add_option("--to", options.to, "this revision and its ancestors are applied; the schema must prove it")
        ->type_name("REV");
    sub.add_flag("--dry-run", options.dry_run, "show what would be done and change nothing");
  }
  if (takes & back_to)
    sub.add_option("run", options.run, "how far back; belay recover shows the runs")
        ->type_name("RUN")
        ->check(is_run_number);
  if (takes & discard) {
    auto* flag = sub.add_flag("--discard-later-writes", options.discard_later_writes,
                              "take back also what others have written since; asks, and keeps a copy of the database");
    if (takes & directions) flag->needs(sub.get_option("--back"));
    sub.add_flag("--dry-run", options.dry_run, "show what would be taken back and change nothing");
  }
  if (takes & keep)
    sub.add_option("--keep", options.keep, "how many runs to keep")->type_name("N")->check(CLI::NonNegativeNumber);
  if (takes & parts) {
    auto* files = sub.add_flag("--files", options.files, "only the scripts and schema.sql; needs no database");
    sub.add_flag("--backups", options.check_backups, "read every backup as well")->excludes(files);
  }
  if (takes & shell)
    sub.add_option("shell", options.revisions, "bash, zsh or fish")->type_name("SHELL")->expected(1)->required();
}

void add_backup_options(CLI::App& sub, Options& options) {
  auto* list = sub.add_flag("--list", options.list, "the backups there are, newest first");
  auto* verify = sub.add_option("--verify", options.verify, "read all of one: an id, newest, or a file that -o made")
                     ->type_name("ID")
                     ->excludes(list);
  auto* prune = sub.add_option("--prune", options.prune, "remove all but so many, the oldest first")
                    ->type_name("KEEP")
                    ->check(CLI::Range(std::uint64_t{1}, std::uint64_t{1'000'000'000}))
                    ->excludes(list)
                    ->excludes(verify);
  sub.add_option("-o,--output", options.output, "write it here instead; packed when the name ends in .zst")
      ->type_name("FILE")
      ->excludes(list)
      ->excludes(verify)
      ->excludes(prune);
}

void add_restore_options(CLI::App& sub, Options& options) {
  auto* list = sub.add_flag("--list", options.list, "the backups there are, newest first");
  sub.add_option("backup", options.revisions, "an id; or the path of a file that backup -o made")
      ->type_name("ID")
      ->expected(0, 1)
      ->excludes(list);
  sub.add_flag("--dry-run", options.dry_run, "verify the backup, and change nothing")->excludes(list);
}

void add_globals(CLI::App& app, Options& options, std::array<std::string, 2>& durations) {
  app.add_option("-C", options.directory, "run as if started there")->type_name("DIR");
  app.add_option("-c,--config", options.config, "the configuration file")->type_name("FILE");
  app.add_option("-e,--env", options.environment, "the environment in the configuration")->type_name("ENV");
  app.add_option("--database", options.database, "the database")->type_name("URL");
  app.add_flag("--json", options.json, "print JSON");
  app.add_flag("-q,--quiet", options.quiet, "say nothing but errors");
  app.add_flag("-v,--verbose", options.verbose, "say more");
  app.add_option("--color", options.color, "auto, always or never")
      ->type_name("WHEN")
      ->check(CLI::IsMember({"auto", "always", "never"}));
  app.add_flag("--no-progress", options.no_progress, "no progress bar");
  app.add_option("--lock-timeout", durations[0], "how long to wait for a lock (10s)")->type_name("DUR");
  app.add_option("--statement-timeout", durations[1], "interrupt a statement that runs longer")->type_name("DUR");
  app.add_flag("-y,--yes", options.yes, "answer yes");
}

std::vector<std::string> option_words(const CLI::App& app) {
  std::vector<std::string> words;
  for (const auto* option : app.get_options()) {
    for (const auto& word : option->get_lnames()) words.push_back("--" + word);
    for (const auto& word : option->get_snames()) words.push_back("-" + word);
  }
  return words;
}

std::vector<std::string> with_globals(std::vector<std::string> words, const CLI::App& app) {
  for (auto& word : option_words(app)) words.push_back(std::move(word));
  return words;
}

/// The first word that nobody knows, beside what it may have been meant to be.
std::string usage_message(CLI::App& app, const CLI::ParseError& error) {
  const auto extras = app.remaining(/*recurse=*/true);
  if (extras.empty()) return error.what();
  CLI::App* command = &app;
  std::string path = "belay";
  while (!command->get_subcommands().empty()) {
    command = command->get_subcommands().front();
    path += " " + command->get_name();
  }

  const bool is_option = extras[0].starts_with('-');
  std::vector<std::string> names;
  if (is_option) names = with_globals(option_words(*command), app);
  if (!is_option)
    for (const auto* sub : command->get_subcommands([](const CLI::App*) { return true; }))
      names.push_back(sub->get_name());
  const auto near = versions::nearest(extras[0], std::vector<std::string_view>(names.begin(), names.end()));
  if (near.empty()) return error.what();
  if (near == extras[0]) return fmt::format("{} goes behind its command: {} {}", near, path, near);
  if (is_option) return fmt::format("there is no option {}; did you mean {}?", extras[0], near);
  const std::string parent = command == &app ? "" : command->get_name() + " ";
  return fmt::format("there is no command {}{}; did you mean belay {}{}?", parent, extras[0], parent, near);
}

const Command* chosen(CLI::App& app) {
  const Command* found = nullptr;
  for (const auto& command : commands) {
    const std::string name = command.name;
    const auto space = name.find(' ');
    const CLI::App* sub = app.get_subcommand(name.substr(0, space));
    if (space != std::string::npos) sub = sub->get_subcommand(name.substr(space + 1));
    if (sub->parsed()) found = &command;  // `journal verify` stands after `journal`.
  }
  return found;
}

/// The global options that the next word belongs to.
std::vector<std::string> words_with_values(const CLI::App& app) {
  std::vector<std::string> words;
  for (const auto& word : option_words(app))
    if (app.get_option(word)->get_items_expected_max() > 0) words.push_back(word);
  return words;
}

std::vector<CommandWords> all_words(CLI::App& app) {
  std::vector<CommandWords> result;
  for (const auto& command : commands) {
    const std::string name = command.name;
    const auto space = name.find(' ');
    if (space != std::string::npos) {  // It stands after its parent.
      const CLI::App* sub = app.get_subcommand(result.back().name)->get_subcommand(name.substr(space + 1));
      result.back().words.push_back(sub->get_name());
      for (auto& word : option_words(*sub))
        if (std::ranges::find(result.back().words, word) == result.back().words.end())
          result.back().words.push_back(std::move(word));
      continue;
    }
    result.push_back({name, command.summary, with_globals(option_words(*app.get_subcommand(name)), app),
                      (command.takes & (revision | revisions | range)) != 0});
    if (command.takes & shell) result.back().words.insert(result.back().words.end(), {"bash", "zsh", "fish"});
  }
  return result;
}

/// The words that say what is done, as the journal is to show them.
std::string command_line(const Command& command, const Options& options) {
  std::string text = command.name;
  if (!options.to.empty()) text += " --to " + options.to;
  if (options.steps > 0) text += fmt::format(" --steps {}", options.steps);
  if (options.atomic) text += " --atomic";
  for (const auto& word : options.revisions) text += " " + word;
  if (command.takes & back_to && options.run > 0) text += fmt::format(" {}", options.run);
  if (options.forward) text += " --forward";
  if (options.back) text += " --back";
  if (options.discard_later_writes) text += " --discard-later-writes";
  if (options.autogenerate) text += " --autogenerate";
  if (options.baseline) text += " --baseline";
  if (options.from_db) text += " --from-db";
  return text;
}

void enter(const std::string& directory) {
  if (directory.empty() || chdir(directory.c_str()) == 0) return;
  throw Error(exit_missing_input, "no-folder", fmt::format("-C {}: {}", directory, std::strerror(errno)),
              "name a folder");
}

int fail(Terminal& terminal, const Failure& failure) {
  terminal.fail(failure);
  if (terminal.json()) terminal.data(dump(to_json(failure)));
  return failure.exit;
}

int usage_error(const Options& options, const std::string& message) {
  Terminal terminal(terminal_setup(options));
  Failure failure;
  failure.exit = exit_usage;
  failure.kind = "usage";
  failure.message = message;
  failure.state = "nothing was changed";
  failure.next = "belay --help, or belay COMMAND --help";
  return fail(terminal, failure);
}

/// Where the words could not be parsed, so that no option has its value yet.
bool asks_for_json(int argc, char** argv) {
  return std::any_of(argv, argv + argc, [](const char* word) { return std::string_view(word) == "--json"; });
}

/// `--allow-drop=$TABLE` of a variable that is not set must not allow everything, which is how CLI11 reads it.
void require_names(int argc, char** argv) {
  if (std::any_of(argv, argv + argc, [](const char* word) { return std::string_view(word) == "--allow-drop="; }))
    throw Error(exit_usage, "usage", "--allow-drop= says no name");
}

/// `belay migrate --sql > plan.sql` must not look well on a full disk.
Failure output_lost(int error) {
  Failure failure;
  failure.exit = exit_unavailable;
  failure.kind = "cannot-write";
  failure.message = fmt::format("the output cannot be written: {}", std::strerror(error));
  failure.state = "the command itself was carried out";
  failure.next = "belay status shows where the database is";
  return failure;
}

int run_command(const Command& command, const Options& options, CLI::App& app) {
  Terminal terminal(terminal_setup(options));
  std::optional<EventLoop> events;  // Needs descriptors and a thread, which a system may refuse.
  try {
    events.emplace();
    enter(options.directory);
    if (command.run == nullptr) {
      const auto text = completion_script(options.revisions.at(0), all_words(app), words_with_values(app));
      terminal.data(terminal.json() ? dump({{"ok", true}, {"exit", 0}, {"script", text}}) : text);
      return exit_done;
    }
    Context context(options, terminal, *events, command_line(command, options));
    const int exit = command.run(context);
    if (terminal.output_error() == 0) return exit;
    return fail(terminal, output_lost(terminal.output_error()));
  } catch (...) {
    terminal.redraw("");
    return fail(terminal, describe(std::current_exception(), events ? events->signal() : 0));
  }
}

/// Without this a file that is opened could become the stdout that lines are written to.
void occupy_standard_streams() {
  for (const int descriptor : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO})
    if (fcntl(descriptor, F_GETFD) < 0 && open("/dev/null", O_RDWR) < 0) std::abort();
}

}  // namespace

std::chrono::milliseconds parse_duration(const std::string& text) {
  double number = 0;
  std::size_t used = 0;
  try {
    number = std::stod(text, &used);
  } catch (const std::exception&) {
    used = 0;
  }
  const std::string unit = text.substr(used);
  const double milliseconds = unit == "ms"                  ? 1
                              : unit.empty() || unit == "s" ? 1000
                              : unit == "m"                 ? 60'000
                              : unit == "h"                 ? 3'600'000
                                                            : -1;
  const double result = number * milliseconds;
  if (used == 0 || milliseconds < 0 || !(result >= 0) || result > 1e12)
    throw Error(exit_usage, "usage", "\"" + text + "\" is no duration", "write it as 500ms, 10s, 2m or 1h");
  return std::chrono::milliseconds(static_cast<std::int64_t>(result));
}

int run(int argc, char** argv) {
  occupy_standard_streams();
  std::signal(SIGXFSZ, SIG_IGN);  // A file-size limit is an error of write(), like a full disk.
  std::signal(SIGPIPE, SIG_IGN);  // `belay history | head` must not end a run half way.
  engine::drivers::have_sqlite_alone();
  Options options;
  std::array<std::string, 2> durations;
  CLI::App app{"belay: database migrations that cannot stop half way", "belay"};
  app.set_version_flag("--version", fmt::format("belay {}", recovery::version));
  app.require_subcommand(1)->failure_message(nullptr);
  app.footer(
      "belay COMMAND --help has examples. Exit status: 0 done, 1 failed, 2 differences, 3 undecided, 5 integrity,\n"
      "6 refused, 64 usage, 66 missing input, 69 unavailable, 75 busy, 78 configuration, 130/143 interrupted.");
  add_globals(app, options, durations);
  for (const auto& command : commands) {
    CLI::App* sub = subcommand(app, command);
    add_target_options(*sub, command.takes, options);
    add_script_options(*sub, command.takes, options);
    add_other_options(*sub, command.takes, options);
    if (command.takes & generated) add_autogenerate_options(*sub, options);
    if (command.takes & backups) add_backup_options(*sub, options);
    if (command.takes & restorable) add_restore_options(*sub, options);
  }
  try {
    app.parse(argc, argv);
    require_names(argc, argv);
    if (!durations[0].empty()) options.lock_timeout = parse_duration(durations[0]);
    if (!durations[1].empty()) options.statement_timeout = parse_duration(durations[1]);
  } catch (const CLI::Success& asked_for_help) {
    return app.exit(asked_for_help);
  } catch (const CLI::ParseError& error) {
    options.json = asks_for_json(argc, argv);
    return usage_error(options, usage_message(app, error));
  } catch (const Error& error) {
    return usage_error(options, error.what());
  }
  return run_command(*chosen(app), options, app);
}

}  // namespace belay::cli

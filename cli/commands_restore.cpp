#include <fmt/format.h>

#include <filesystem>
#include <string>

#include "cli/commands.h"
#include "cli/consent.h"
#include "cli/json.h"
#include "cli/result.h"
#include "engine/connection.h"
#include "recovery/restore.h"

namespace belay::cli {
namespace {

/// A path is one when it says so; everything else is an id.
std::string chosen(Context& context) {
  const auto& words = context.options().revisions;
  if (words.empty()) return {};
  return words[0].find('/') == std::string::npos ? words[0]
                                                 : std::filesystem::absolute(words[0]).lexically_normal().string();
}

std::string text_of(const recovery::Backup& backup) {
  const auto& manifest = backup.manifest;
  std::string at;
  for (const auto& revision : manifest.revisions) at += (at.empty() ? " at " : ", ") + revision;
  return fmt::format("backup {} of {}{} ({})", manifest.id, manifest.created, at, manifest.reason);
}

/// They see the restored rows with their next statement, which may surprise whoever runs them.
void tell_of_users(Context& context, const recovery::Places& places) {
  for (const auto& user : engine::users(places.url))
    context.terminal().note(fmt::format("process {} ({}) has the database open", user.process, user.command));
}

int show(Context& context, const recovery::Backup& backup) {
  auto& terminal = context.terminal();
  recovery::verify_backup(backup, context.observer(), context.stop_token());
  terminal.redraw("");
  if (terminal.json()) {
    terminal.data(dump({{"ok", true},
                        {"exit", exit_done},
                        {"dry_run", true},
                        {"backup", backup.manifest.id},
                        {"file", backup.file.string()},
                        {"to", backup.manifest.revisions}}));
    return exit_done;
  }
  terminal.data(text_of(backup) + " is whole and would be restored; nothing was changed");
  return exit_done;
}

}  // namespace

int restore(Context& context) {
  const auto& options = context.options();
  if (options.list) return backup(context);
  auto& migrator = context.migrator();
  const auto found = recovery::find_for_restore(migrator.places(), chosen(context));
  tell_of_users(context, migrator.places());
  if (options.dry_run) return show(context, found);
  if (context.terminal().can_ask())
    ask_for_yes(context, fmt::format("Restore {}? The database as it is now is kept as a backup.", text_of(found)),
                "restoring a backup was not confirmed");
  const auto report = migrator.restore(found, context.command_line());
  context.terminal().redraw("");
  return finish(context, report, fmt::format("backup {} is restored; ", found.manifest.id));
}

}  // namespace belay::cli

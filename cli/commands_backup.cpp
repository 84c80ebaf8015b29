#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <ctime>
#include <filesystem>
#include <vector>

#include "cli/commands.h"
#include "cli/json.h"
#include "journal/process_lock.h"
#include "recovery/backup.h"
#include "recovery/target.h"
#include "versions/error.h"
#include "versions/stamp.h"

namespace belay::cli {
namespace {

namespace fs = std::filesystem;
using recovery::Backup;
using recovery::FoundBackup;
using recovery::Manifest;

// --- How backups are shown ---

std::string joined(const std::vector<std::string>& revisions) {
  std::string text;
  for (const auto& revision : revisions) text += (text.empty() ? "" : ", ") + revision;
  return text;
}

/// `412 bytes`, `1.5 MiB`.
std::string size_text(std::uint64_t bytes) {
  constexpr std::array units{"KiB", "MiB", "GiB", "TiB"};
  if (bytes < 1024) return fmt::format("{} bytes", bytes);
  auto size = static_cast<double>(bytes) / 1024;
  std::size_t unit = 0;
  for (; size >= 1024 && unit + 1 < units.size(); ++unit) size /= 1024;
  return fmt::format("{:.1f} {}", size, units[unit]);
}

/// `3 min ago`; the time itself when it cannot be read.
std::string age_of(const std::string& created) {
  std::tm parts{};
  if (strptime(created.c_str(), "%Y-%m-%dT%H:%M:%SZ", &parts) == nullptr) return created;
  const auto seconds = std::max<std::int64_t>(0, std::time(nullptr) - timegm(&parts));
  constexpr std::int64_t hour = 3600;
  if (seconds < 60) return fmt::format("{} s ago", seconds);
  if (seconds < hour) return fmt::format("{} min ago", seconds / 60);
  if (seconds < 48 * hour) return fmt::format("{} h ago", seconds / hour);
  return fmt::format("{} days ago", seconds / (24 * hour));
}

Json to_json(const Backup& backup) {
  const Manifest& manifest = backup.manifest;
  const auto text = [](const std::string& value) { return value.empty() ? Json(nullptr) : Json(value); };
  return {{"id", manifest.id},
          {"file", backup.file.string()},
          {"bytes", manifest.data.bytes},
          {"sha256", text(manifest.data.sha256)},
          {"revision", text(joined(manifest.revisions))},
          {"revisions", manifest.revisions},
          {"created", text(manifest.created)},
          {"reason", text(manifest.reason)},
          {"state", std::string(recovery::name_of(manifest.state))},
          {"content_bytes", manifest.data.content_bytes},
          {"content_sha256", text(manifest.data.content_sha256)},
          {"database", text(manifest.database)},
          {"database_id", text(manifest.database_id)},
          {"last_lsn", manifest.last_lsn.value},
          {"fingerprint", text(manifest.fingerprint)}};
}

Json to_json(const FoundBackup& found) {
  Json json = to_json(found.backup);
  if (!found.problem.empty()) json["state"] = "unusable";
  json["problem"] = found.problem.empty() ? Json(nullptr) : Json(found.problem);
  return json;
}

Json done(Json json) {
  json["ok"] = true;
  json["exit"] = exit_done;
  return json;
}

std::string state_of(const FoundBackup& found) {
  if (!found.problem.empty()) return "unusable: " + found.problem;
  return found.verified() ? "verified" : "damaged: kept as it was, for a person to look at";
}

// --- --list ---

using Line = std::array<std::string, 6>;

Line line_of(const FoundBackup& found) {
  if (!found.readable) return {found.id, "-", "-", "-", "-", state_of(found)};
  const Manifest& manifest = found.backup.manifest;
  return {found.id,
          age_of(manifest.created),
          manifest.revisions.empty() ? "-" : joined(manifest.revisions),
          size_text(manifest.data.bytes),
          manifest.reason,
          state_of(found)};
}

void print(Terminal& terminal, const std::vector<Line>& lines) {
  Line widest{};
  std::array<std::size_t, widest.size()> width{};
  for (const auto& line : lines)
    for (std::size_t i = 0; i < line.size(); ++i) width[i] = std::max(width[i], line[i].size());
  for (const auto& line : lines) {
    std::string text;
    for (std::size_t i = 0; i + 1 < line.size(); ++i) text += fmt::format("{:<{}}  ", line[i], width[i]);
    terminal.data(text + line.back());
  }
}

int list(Context& context) {
  auto& terminal = context.terminal();
  const fs::path& folder = context.migrator().places().backups;
  const auto all = recovery::list_backups(folder);
  if (terminal.json()) {
    Json json = Json::array();
    for (const auto& found : all) json.push_back(to_json(found));
    terminal.data(dump(json));
    return exit_done;
  }
  if (all.empty()) {
    terminal.note(fmt::format("no backups in {}", folder.string()));
    return exit_done;
  }
  std::vector<Line> lines{{"backup", "made", "revision", "size", "reason", "state"}};
  for (const auto& found : all) lines.push_back(line_of(found));
  print(terminal, lines);
  return exit_done;
}

// --- --verify ---

/// An id, `newest`, or the file that `-o` made.
Backup named(Context& context, const std::string& name) {
  const auto& places = context.migrator().places();
  std::error_code error;
  if (name.find('/') != std::string::npos || fs::exists(name + ".json", error))
    return recovery::find_backup_at(fs::absolute(name));
  return recovery::find_backup(places.backups, name, places.url.path);
}

int verify(Context& context) {
  auto& terminal = context.terminal();
  const Backup backup = named(context, context.options().verify);
  recovery::verify_backup(backup, context.observer(), context.stop_token());
  terminal.redraw("");
  const Manifest& manifest = backup.manifest;
  if (terminal.json())
    terminal.data(dump(done(to_json(backup))));
  else
    terminal.say(fmt::format("backup {} is whole: {}, {} of database, at {}", manifest.id,
                             size_text(manifest.data.bytes), size_text(manifest.data.content_bytes),
                             manifest.revisions.empty() ? "no revision" : joined(manifest.revisions)));
  return exit_done;
}

// --- Writing ---

journal::ProcessLock lock(Context& context) {
  const auto& places = context.migrator().places();
  std::error_code error;
  fs::create_directories(places.folder, error);  // What goes wrong here is said by whoever needs the folder.
  return journal::ProcessLock::acquire(places.lock, recovery::this_process(context.command_line()),
                                       context.options().lock_timeout, context.stop_token());
}

int prune(Context& context) {
  auto& terminal = context.terminal();
  const auto& places = context.migrator().places();
  std::vector<std::string> removed;
  if (fs::exists(places.backups)) {
    const auto held = lock(context);
    recovery::discard_litter(places.backups);
    removed = recovery::prune_backups(places.backups, places.url.path, *context.options().prune, recovery::Prune::all);
  }
  if (terminal.json())
    terminal.data(dump(done({{"pruned", removed}})));
  else
    terminal.say(fmt::format("{} {} removed{}", removed.size(), removed.size() == 1 ? "backup" : "backups",
                             removed.empty() ? "" : ": " + joined(removed)));
  return exit_done;
}

fs::path output_of(const Options& options) {
  if (!options.output) return {};
  fs::path file = fs::absolute(*options.output).lexically_normal();
  for (const fs::path& name : {file, fs::path(file.string() + ".json")})
    if (std::error_code error; fs::exists(fs::symlink_status(name, error)))
      throw Error(exit_refused, "file-exists", name.string() + " is there already, and a backup replaces nothing",
                  "name another file with -o");
  return file;
}

/// Scripts that cannot be read are no reason to go without a backup: then it is said to be at the newest stamp.
std::vector<std::string> current(Context& context, const std::vector<versions::Stamp>& stamps) {
  try {
    return versions::texts(versions::current(context.graph(), stamps));
  } catch (const versions::Error&) {
    return stamps.empty() ? std::vector<std::string>() : std::vector{stamps.back().revision.text};
  }
}

int take(Context& context) {
  auto& terminal = context.terminal();
  auto& migrator = context.migrator();
  const auto& places = migrator.places();
  const auto connection =
      engine::connect(places.url, {.lock_timeout = context.options().lock_timeout, .read_only = true});
  connection->stop_on(context.stop_token());
  const recovery::BackupRequest request{
      .database = places.url.path,
      .reason = "manual",
      .version_table = migrator.settings().version_table,
      .current = [&](const std::vector<versions::Stamp>& stamps) { return current(context, stamps); },
      .file = output_of(context.options())};
  const auto held = lock(context);
  const Backup backup =
      recovery::take_backup(*connection, places.backups, request, context.observer(), context.stop_token());
  terminal.redraw("");
  const Manifest& manifest = backup.manifest;
  if (terminal.json())
    terminal.data(dump(done(to_json(backup))));
  else
    terminal.say(fmt::format("backup {}: {} ({} of database, at {}), verified", manifest.id, backup.file.string(),
                             size_text(manifest.data.content_bytes),
                             manifest.revisions.empty() ? "no revision" : joined(manifest.revisions)));
  return exit_done;
}

}  // namespace

int backup(Context& context) {
  const Options& options = context.options();
  if (options.list) return list(context);
  if (!options.verify.empty()) return verify(context);
  if (options.prune) return prune(context);
  return take(context);
}

}  // namespace belay::cli

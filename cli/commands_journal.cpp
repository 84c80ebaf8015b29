#include <fmt/format.h>

#include <filesystem>
#include <map>
#include <variant>

#include "cli/commands.h"
#include "cli/json.h"
#include "cli/record_printer.h"
#include "journal/journal.h"
#include "journal/process_lock.h"

namespace belay::cli {
namespace {

using journal::Journal;

/// The journal is read as it is: no restart, nothing written.
std::optional<Journal> open_if_there(Context& context) {
  const auto& file = context.migrator().places().journal;
  if (!std::filesystem::exists(file)) return std::nullopt;
  return Journal::open(file, Journal::Access::read);
}

std::string no_journal(Context& context) {
  return fmt::format("no journal at {}: nothing has been run yet", context.migrator().places().journal.string());
}

}  // namespace

int journal(Context& context) {
  auto& terminal = context.terminal();
  const auto log = open_if_there(context);
  Json records = Json::array();
  if (!log && !terminal.json()) terminal.note(no_journal(context));
  if (log) {
    RecordPrinter printer(terminal, *log);
    std::uint64_t run = 0;
    log->scan({1}, [&](const Journal::Entry& entry) {
      if (const auto* begin = std::get_if<journal::RunBegin>(&entry.record)) run = begin->run.value;
      printer.follow(entry);
      if (context.options().run != 0 && context.options().run != run) return true;
      if (terminal.json())
        records.push_back(printer.json(entry));
      else
        terminal.data(printer.line(entry));
      return true;
    });
  }
  if (terminal.json())
    terminal.data(dump({{"file", context.migrator().places().journal.string()},
                        {"database_id", log ? Json(log->database_id()) : Json(nullptr)},
                        {"records", records}}));
  return exit_done;
}

int journal_verify(Context& context) {
  auto& terminal = context.terminal();
  const auto log = open_if_there(context);
  const auto summary = log ? log->verify() : Journal::Summary{};
  if (terminal.json())
    terminal.data(dump({{"ok", true},
                        {"exit", 0},
                        {"first", summary.first.value},
                        {"last", summary.last.value},
                        {"records", summary.records},
                        {"runs", summary.runs},
                        {"images", summary.images},
                        {"image_bytes", summary.image_bytes},
                        {"bytes", summary.bytes}}));
  else if (log)
    terminal.data(
        fmt::format("the journal is whole: {} records of {} runs, {} to {}; {} batches of before-images, {} bytes; "
                    "{} bytes in all",
                    summary.records, summary.runs, summary.first.value, summary.last.value, summary.images,
                    summary.image_bytes, summary.bytes));
  else
    terminal.data(no_journal(context));
  return exit_done;
}

namespace {

/// What retention let go of.
struct Pruned {
  std::uint64_t runs = 0;
  std::uint64_t image_runs = 0;  ///< Others that have no before-images any more.
  std::uint64_t image_bytes = 0;
};

Pruned prune(Journal& log, const Journal::Retention& retention) {
  Pruned pruned;
  std::map<std::uint64_t, std::uint64_t> images;
  for (const auto& run : log.runs()) images[run.run.value] = run.image_bytes;
  pruned.runs = log.prune(retention);
  for (const auto& run : log.runs()) {
    if (images[run.run.value] > 0 && run.image_bytes == 0) ++pruned.image_runs;
    images[run.run.value] -= run.image_bytes;
  }
  for (const auto& [run, bytes] : images) pruned.image_bytes += bytes;
  return pruned;
}

std::string text(const Pruned& pruned) {
  std::string line = fmt::format("{} {} pruned", pruned.runs, pruned.runs == 1 ? "run" : "runs");
  if (pruned.image_runs > 0) line += fmt::format(", and the before-images of {} more", pruned.image_runs);
  return line + (pruned.image_bytes == 0 ? "" : fmt::format(" ({} bytes of before-images)", pruned.image_bytes));
}

}  // namespace

int journal_prune(Context& context) {
  auto& terminal = context.terminal();
  const auto& options = context.options();
  const auto& places = context.migrator().places();
  Pruned pruned;
  if (std::filesystem::exists(places.journal)) {
    const auto lock = journal::ProcessLock::acquire(places.lock, recovery::this_process(context.command_line()),
                                                    options.lock_timeout);
    auto log = Journal::open(places.journal, Journal::Access::write);
    static_cast<void>(log.verify());  // A run that ends lets what is damaged stay, and says nothing of it.
    auto retention = context.migrator().settings().retention;
    if (options.keep) retention.runs = *options.keep;
    pruned = prune(log, retention);
  }
  if (terminal.json())
    terminal.data(dump({{"ok", true},
                        {"exit", 0},
                        {"pruned", pruned.runs},
                        {"images_pruned", pruned.image_runs},
                        {"image_bytes_pruned", pruned.image_bytes}}));
  else
    terminal.say(text(pruned));
  return exit_done;
}

}  // namespace belay::cli

#include <fmt/format.h>

#include <filesystem>
#include <unordered_map>
#include <variant>

#include "cli/commands.h"
#include "cli/json.h"
#include "journal/journal.h"
#include "journal/process_lock.h"

namespace belay::cli {
namespace {

using journal::Journal;

/// Gives each record as a line for a person, or as JSON; knows the plan of the run that it is in.
class Printer {
 public:
  explicit Printer(Terminal& terminal) : terminal_(terminal) {}

  std::string line(const Journal::Entry& entry) {
    return std::visit([&](const auto& record) { return fmt::format("{:>8}  {}", entry.lsn.value, text(record)); },
                      entry.record);
  }

  Json json(const Journal::Entry& entry) {
    Json result{{"lsn", entry.lsn.value}, {"type", std::string(journal::name_of(entry.record))}};
    std::visit([&](const auto& record) { fields(result, record); }, entry.record);
    return result;
  }

  /// To be called for every record in order, shown or not.
  void follow(const Journal::Entry& entry) {
    if (std::holds_alternative<journal::RunBegin>(entry.record)) plan_.clear();
    if (const auto* revision = std::get_if<journal::PlannedRevision>(&entry.record)) plan_.push_back(*revision);
  }

 private:
  [[nodiscard]] std::string revision(std::uint64_t ordinal) const {
    return ordinal < plan_.size() ? plan_[ordinal].revision : fmt::format("#{}", ordinal);
  }
  [[nodiscard]] std::string statement(const journal::StepBegin& step) const {
    if (step.ordinal >= plan_.size() || step.step >= plan_[step.ordinal].steps.size()) return "";
    std::string sql = plan_[step.ordinal].steps[step.step].statements.at(0).text;
    for (char& c : sql)
      if (c == '\n') c = ' ';
    constexpr std::size_t width = 72;
    return sql.size() > width ? sql.substr(0, width) + "…" : sql;
  }

  std::string text(const journal::RunBegin& run) const {
    return terminal_.paint(Color::bold, fmt::format("run {}  {}", run.run.value, run.command)) +
           fmt::format("  {}  {}@{} pid {}  belay {}{}", run.started_at, run.user, run.host, run.pid, run.version,
                       run.atomic ? "  atomic" : "");
  }
  std::string text(const journal::PlannedRevision& r) const {
    return fmt::format("  plan {}  {} {}  {}", r.ordinal, journal::name_of(r.action), r.revision, r.message);
  }
  static std::string text(const journal::TransactionBegin& r) {
    return fmt::format("  transaction after {}", r.previous.value);
  }
  std::string text(const journal::StepBegin& r) const {
    std::string line = fmt::format("    step {}.{}", revision(r.ordinal), r.step + 1);
    if (r.slice) line += fmt::format(" [{} … {}]", r.slice->low, r.slice->high);
    return line + "  " + terminal_.paint(Color::dim, statement(r));
  }
  std::string text(const journal::StampBegin& r) const {
    return fmt::format("    {} {}", r.ordinal < plan_.size() ? journal::name_of(plan_[r.ordinal].action) : "stamp",
                       revision(r.ordinal));
  }
  std::string text(const journal::RevisionRollback& r) const {
    return fmt::format("    rolled back {}: {}", revision(r.ordinal), r.reason);
  }
  std::string text(const journal::TransactionCommit& r) const {
    return terminal_.paint(Color::green, fmt::format("  commit of {}", r.begin.value));
  }
  std::string text(const journal::TransactionRollback& r) const {
    return terminal_.paint(Color::yellow, fmt::format("  rollback of {}: {}", r.begin.value, r.reason));
  }
  std::string text(const journal::RunEnd& r) const {
    return fmt::format("end of run {}  {}  {}{}", r.run.value, journal::name_of(r.outcome), r.ended_at,
                       r.error.empty() ? "" : "  " + r.error);
  }
  static std::string text(const journal::Footprint& r) {
    return fmt::format("    footprint {} -> {}", r.before, r.after);
  }
  static std::string text(const journal::UndoBegin& r) {
    return fmt::format("  undo from {} back to {}  {}", r.first.value, r.previous.value, r.state);
  }
  std::string text(const journal::UndoEnd& r) const {
    return terminal_.paint(Color::yellow, fmt::format("  undo {} {}, level is {}", r.begin.value,
                                                      r.done ? "done" : "abandoned", r.last_commit.value));
  }

  static void fields(Json& json, const journal::RunBegin& r) {
    json.update({{"run", r.run.value},
                 {"command", r.command},
                 {"started_at", r.started_at},
                 {"host", r.host},
                 {"pid", r.pid},
                 {"user", r.user},
                 {"version", r.version},
                 {"from", r.from},
                 {"planned", r.planned},
                 {"atomic", r.atomic}});
  }
  static void fields(Json& json, const journal::PlannedRevision& r) {
    Json steps = Json::array();
    for (const auto& step : r.steps) {
      Json statements = Json::array();
      for (const auto& planned : step.statements) statements.push_back(planned.text);
      steps.push_back({{"name", step.name},
                       {"transactional", step.transactional},
                       {"repeatable", step.repeatable},
                       {"batch_rows", step.batch_rows},
                       {"statements", statements}});
    }
    json.update({{"ordinal", r.ordinal},
                 {"revision", r.revision},
                 {"action", std::string(journal::name_of(r.action))},
                 {"message", r.message},
                 {"digest", r.digest},
                 {"file", r.file},
                 {"steps", steps}});
  }
  static void fields(Json& json, const journal::TransactionBegin& r) { json["previous"] = r.previous.value; }
  void fields(Json& json, const journal::StepBegin& r) const {
    json.update({{"revision", revision(r.ordinal)}, {"ordinal", r.ordinal}, {"step", r.step}});
    if (r.slice) json["slice"] = {{"low", r.slice->low}, {"high", r.slice->high}};
  }
  void fields(Json& json, const journal::StampBegin& r) const {
    json.update({{"revision", revision(r.ordinal)}, {"ordinal", r.ordinal}});
  }
  void fields(Json& json, const journal::RevisionRollback& r) const {
    json.update({{"revision", revision(r.ordinal)}, {"ordinal", r.ordinal}, {"reason", r.reason}});
  }
  static void fields(Json& json, const journal::TransactionCommit& r) { json["begin"] = r.begin.value; }
  static void fields(Json& json, const journal::TransactionRollback& r) {
    json.update({{"begin", r.begin.value}, {"reason", r.reason}});
  }
  static void fields(Json& json, const journal::RunEnd& r) {
    json.update({{"run", r.run.value},
                 {"outcome", std::string(journal::name_of(r.outcome))},
                 {"ended_at", r.ended_at},
                 {"to", r.to},
                 {"error", r.error}});
  }
  static void fields(Json& json, const journal::Footprint& r) {
    json.update({{"before", r.before}, {"after", r.after}});
  }
  static void fields(Json& json, const journal::UndoBegin& r) {
    json.update({{"first", r.first.value}, {"previous", r.previous.value}, {"state", r.state}});
  }
  static void fields(Json& json, const journal::UndoEnd& r) {
    json.update({{"begin", r.begin.value}, {"done", r.done}, {"last_commit", r.last_commit.value}});
  }

  Terminal& terminal_;
  std::vector<journal::PlannedRevision> plan_;
};

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
    Printer printer(terminal);
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
                        {"bytes", summary.bytes}}));
  else if (log)
    terminal.data(fmt::format("the journal is whole: {} records of {} runs, {} to {}, {} bytes", summary.records,
                              summary.runs, summary.first.value, summary.last.value, summary.bytes));
  else
    terminal.data(no_journal(context));
  return exit_done;
}

int journal_prune(Context& context) {
  auto& terminal = context.terminal();
  const auto& options = context.options();
  const auto& places = context.migrator().places();
  std::uint64_t pruned = 0;
  if (std::filesystem::exists(places.journal)) {
    const auto lock = journal::ProcessLock::acquire(places.lock, recovery::this_process(context.command_line()),
                                                    options.lock_timeout);
    auto log = Journal::open(places.journal, Journal::Access::write);
    auto retention = context.migrator().settings().retention;
    if (options.keep) retention.runs = *options.keep;
    pruned = log.prune(retention);
  }
  if (terminal.json())
    terminal.data(dump({{"ok", true}, {"exit", 0}, {"pruned", pruned}}));
  else
    terminal.say(fmt::format("{} {} pruned", pruned, pruned == 1 ? "run" : "runs"));
  return exit_done;
}

}  // namespace belay::cli

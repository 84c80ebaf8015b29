#include "cli/record_printer.h"

#include <fmt/format.h>

#include <cstdint>
#include <sstream>
#include <variant>

namespace belay::cli {
namespace {

using Place = RecordPrinter::Place;

/// The before-images of one transaction.
struct Images {
  std::uint64_t count = 0;
  std::uint64_t bytes = 0;  // Of their contents.
};

Images images_of(const Place& at) {
  Images images;
  at.journal.scan_images(at.lsn, [&](std::uint64_t /*place*/, std::string_view content) {
    ++images.count;
    images.bytes += content.size();
  });
  return images;
}

std::string revision(const Place& at, std::uint64_t ordinal) {
  return ordinal < at.plan.size() ? at.plan[ordinal].revision : fmt::format("#{}", ordinal);
}

std::string statement(const Place& at, const journal::StepBegin& step) {
  if (step.ordinal >= at.plan.size() || step.step >= at.plan[step.ordinal].steps.size()) return "";
  std::string sql = at.plan[step.ordinal].steps[step.step].statements.at(0).text;
  for (char& c : sql)
    if (c == '\n') c = ' ';
  constexpr std::size_t width = 72;
  return sql.size() > width ? sql.substr(0, width) + "…" : sql;
}

std::vector<std::string> words(const std::string& text) {
  std::istringstream stream(text);
  std::vector<std::string> result;
  for (std::string word; stream >> word;) result.push_back(word);
  return result;
}

/// What a transaction changed about where the storage stands: the words that differ.
std::string movement(const journal::Footprint& footprint) {
  const auto before = words(footprint.before);
  const auto after = words(footprint.after);
  if (before.size() != after.size()) return fmt::format("{} -> {}", footprint.before, footprint.after);
  std::string from;
  std::string to;
  for (std::size_t i = 0; i < before.size(); ++i) {
    if (before[i] == after[i]) continue;
    from += (from.empty() ? "" : " ") + before[i];
    to += (to.empty() ? "" : " ") + after[i];
  }
  return from.empty() ? "as before" : fmt::format("{} -> {}", from, to);
}

/// For a person.
struct Line {
  const Place& at;

  std::string operator()(const journal::RunBegin& run) const {
    return at.terminal.paint(Color::bold, fmt::format("run {}  {}", run.run.value, run.command)) +
           fmt::format("  {}  {}@{} pid {}  belay {}{}", run.started_at, run.user, run.host, run.pid, run.version,
                       run.atomic ? "  atomic" : "");
  }
  std::string operator()(const journal::PlannedRevision& r) const {
    return fmt::format("  plan {}  {} {}  {}", r.ordinal, journal::name_of(r.action), r.revision, r.message);
  }
  std::string operator()(const journal::TransactionBegin& r) const {
    const Images images = images_of(at);
    return fmt::format("  transaction after {}", r.previous.value) +
           at.terminal.paint(Color::dim, images.count == 0 ? "  no before-images"
                                                           : fmt::format("  {} before-image{}, {} bytes", images.count,
                                                                         images.count == 1 ? "" : "s", images.bytes));
  }
  std::string operator()(const journal::StepBegin& r) const {
    std::string line = fmt::format("    step {}.{}", revision(at, r.ordinal), r.step + 1);
    if (r.slice) line += fmt::format(" [{} … {}]", r.slice->low, r.slice->high);
    return line + "  " + at.terminal.paint(Color::dim, statement(at, r));
  }
  std::string operator()(const journal::StampBegin& r) const {
    return fmt::format("    {} {}", r.ordinal < at.plan.size() ? journal::name_of(at.plan[r.ordinal].action) : "stamp",
                       revision(at, r.ordinal));
  }
  std::string operator()(const journal::RevisionRollback& r) const {
    return fmt::format("    rolled back {}: {}", revision(at, r.ordinal), r.reason);
  }
  std::string operator()(const journal::Footprint& r) const {
    return "    footprint  " + at.terminal.paint(Color::dim, movement(r));
  }
  std::string operator()(const journal::TransactionCommit& r) const {
    return at.terminal.paint(Color::green, fmt::format("  commit of {}", r.begin.value));
  }
  std::string operator()(const journal::TransactionRollback& r) const {
    return at.terminal.paint(Color::yellow, fmt::format("  rollback of {}: {}", r.begin.value, r.reason));
  }
  std::string operator()(const journal::UndoBegin& r) const {
    return fmt::format("  undo of {} and all after it, back to {}", r.first.value, r.previous.value);
  }
  std::string operator()(const journal::UndoEnd& r) const {
    return at.terminal.paint(Color::yellow, fmt::format("  undo of {} {}", r.begin.value,
                                                        r.done ? "done" : "given up: nothing was taken back"));
  }
  std::string operator()(const journal::RunEnd& r) const {
    return fmt::format("end of run {}  {}  {}{}", r.run.value, journal::name_of(r.outcome), r.ended_at,
                       r.error.empty() ? "" : "  " + r.error);
  }
};

Json steps_json(const journal::PlannedRevision& revision) {
  Json steps = Json::array();
  for (const auto& step : revision.steps) {
    Json statements = Json::array();
    for (const auto& planned : step.statements) statements.push_back(planned.text);
    steps.push_back({{"name", step.name},
                     {"transactional", step.transactional},
                     {"repeatable", step.repeatable},
                     {"batch_rows", step.batch_rows},
                     {"statements", statements}});
    if (step.is_rebuild()) {
      steps.back()["rebuild"] = {{"table", step.rebuild_table}, {"from", step.rebuild_from}, {"to", step.rebuild_to}};
    }
  }
  return steps;
}

/// The fields of a record, without its number and type.
struct Fields {
  const Place& at;

  Json operator()(const journal::RunBegin& r) const {
    return {{"run", r.run.value},   {"command", r.command}, {"started_at", r.started_at}, {"host", r.host},
            {"pid", r.pid},         {"user", r.user},       {"version", r.version},       {"from", r.from},
            {"planned", r.planned}, {"atomic", r.atomic}};
  }
  Json operator()(const journal::PlannedRevision& r) const {
    return {{"ordinal", r.ordinal},  {"revision", r.revision}, {"action", std::string(journal::name_of(r.action))},
            {"message", r.message},  {"digest", r.digest},     {"file", r.file},
            {"steps", steps_json(r)}};
  }
  Json operator()(const journal::TransactionBegin& r) const {
    const Images images = images_of(at);
    return {{"previous", r.previous.value}, {"images", images.count}, {"image_bytes", images.bytes}};
  }
  Json operator()(const journal::StepBegin& r) const {
    Json json{{"revision", revision(at, r.ordinal)}, {"ordinal", r.ordinal}, {"step", r.step}};
    if (r.slice) json["slice"] = {{"low", r.slice->low}, {"high", r.slice->high}};
    return json;
  }
  Json operator()(const journal::StampBegin& r) const {
    return {{"revision", revision(at, r.ordinal)}, {"ordinal", r.ordinal}};
  }
  Json operator()(const journal::RevisionRollback& r) const {
    return {{"revision", revision(at, r.ordinal)}, {"ordinal", r.ordinal}, {"reason", r.reason}};
  }
  Json operator()(const journal::Footprint& r) const { return {{"before", r.before}, {"after", r.after}}; }
  Json operator()(const journal::TransactionCommit& r) const { return {{"begin", r.begin.value}}; }
  Json operator()(const journal::TransactionRollback& r) const {
    return {{"begin", r.begin.value}, {"reason", r.reason}};
  }
  Json operator()(const journal::UndoBegin& r) const {
    return {{"first", r.first.value}, {"previous", r.previous.value}, {"state", r.state}};
  }
  Json operator()(const journal::UndoEnd& r) const {
    return {{"begin", r.begin.value}, {"done", r.done}, {"last_commit", r.last_commit.value}};
  }
  Json operator()(const journal::RunEnd& r) const {
    return {{"run", r.run.value},
            {"outcome", std::string(journal::name_of(r.outcome))},
            {"ended_at", r.ended_at},
            {"to", r.to},
            {"error", r.error}};
  }
};

}  // namespace

void RecordPrinter::follow(const journal::Journal::Entry& entry) {
  at_.lsn = entry.lsn;
  if (std::holds_alternative<journal::RunBegin>(entry.record)) at_.plan.clear();
  if (const auto* revision = std::get_if<journal::PlannedRevision>(&entry.record)) at_.plan.push_back(*revision);
}

std::string RecordPrinter::line(const journal::Journal::Entry& entry) const {
  return fmt::format("{:>8}  {}", entry.lsn.value, std::visit(Line{at_}, entry.record));
}

Json RecordPrinter::json(const journal::Journal::Entry& entry) const {
  Json json{{"lsn", entry.lsn.value}, {"type", std::string(journal::name_of(entry.record))}};
  json.update(std::visit(Fields{at_}, entry.record));
  return json;
}

}  // namespace belay::cli

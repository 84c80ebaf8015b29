#include "recovery/check.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <memory>
#include <optional>
#include <string_view>
#include <utility>

#include "engine/version_table.h"
#include "journal/journal.h"
#include "recovery/backup.h"
#include "recovery/check_scripts.h"
#include "recovery/foreign_tools.h"
#include "recovery/situation.h"

namespace belay::recovery {
namespace {

namespace fs = std::filesystem;

/// Of one kind; a file that is nothing but damage has no end of them.
constexpr std::size_t findings_max = 20;

constexpr std::array kinds{
    ProblemKind{"drift", true, "write a revision that makes the change, or take it back by hand"},
    ProblemKind{"pending", true, "belay migrate"},
    ProblemKind{"schema-sql", true,
                "bring the revisions in step with schema.sql: belay revision --autogenerate -m \"...\"; belay "
                "diff versions schema.sql shows what is different"},
    ProblemKind{"several-heads", true, "belay merge -m \"...\""},
    ProblemKind{"replay", true, "correct the script, so that an empty database can be brought up"},
    ProblemKind{"interrupted", true, "belay recover shows it, and how to finish it"},
    ProblemKind{"file", false, "belay recover restore puts a backup back"},
    ProblemKind{"foreign-key", false, "give these rows their parents, or delete them"},
    ProblemKind{"script", false, "correct the script; docs/scripts.md describes the format"},
    ProblemKind{"edited", false, "put the script back as it was, or accept it: belay recover fix-state"},
    ProblemKind{"missing", false, "put the script back, or: belay recover fix-state"},
    ProblemKind{"parent-unapplied", false, "belay recover fix-state"},
    ProblemKind{"version-table", false, "belay recover fix-state"},
    ProblemKind{"journal", false,
                "put database and -belay folder that belong together back, or: belay recover fix-state"},
    ProblemKind{"backup", false, "belay backup makes a new one"},
    ProblemKind{"other", false, "belay status"}};

const char* kind_of(versions::Drift::Kind kind) {
  switch (kind) {
    case versions::Drift::Kind::edited:
      return "edited";
    case versions::Drift::Kind::missing:
      return "missing";
    case versions::Drift::Kind::parent_unapplied:
      break;
  }
  return "parent-unapplied";
}

std::string text_of(const engine::Value& value) {
  const auto* text = std::get_if<std::string>(&value);
  return text ? *text : engine::to_literal(value);
}

/// What a database says when its file is not what it should be; anything else is no finding.
bool is_damage(const engine::Error& error) {
  using enum engine::ErrorCode;
  return error.code() == not_a_database || error.code() == unavailable || error.code() == statement_failed;
}

/// The same for what could not even be opened: there `unavailable` may be a matter of permissions, too.
bool is_damage_at_first_sight(const engine::Error& error) {
  const bool malformed = std::string_view(error.what()).find("malformed") != std::string_view::npos;
  return error.code() == engine::ErrorCode::not_a_database ||
         (error.code() == engine::ErrorCode::unavailable && malformed);
}

class Check {
 public:
  Check(const Settings& settings, const Places& places, const CheckRequest& request, engine::Observer& observer,
        const std::stop_token& stop)
      : settings_(settings),
        places_(places),
        request_(request),
        observer_(observer),
        stop_(stop),
        scripts_({.versions = places.versions,
                  .version_table = settings.version_table,
                  .ignored = settings.ignored,
                  .like = places.url},
                 stop) {}

  CheckReport run();

 private:
  void open();
  CheckPart file();
  void check_integrity(CheckPart& part);
  void check_foreign_keys(CheckPart& part);
  void look();
  CheckPart revisions();
  CheckPart schema();
  void compare_schema(CheckPart& part);
  CheckPart journal();
  CheckPart backups();
  void check_backup(const FoundBackup& found, CheckPart& part);

  /// One moment of the database.
  struct Moment {
    std::vector<versions::Stamp> stamps;
    versions::schema::Schema schema;
  };
  Moment moment();
  [[nodiscard]] bool version_table_is_lost() const {
    return situation_.problem && situation_.problem->code() == ErrorCode::drift;
  }
  [[nodiscard]] bool somebody_is_at_work() const { return journal::ProcessLock::holder(places_.lock).has_value(); }
  std::vector<engine::Row> ask(const std::string& sql) { return connection_->ask({sql, places_.url.path, 1}); }

  const Settings& settings_;
  const Places& places_;
  const CheckRequest& request_;
  engine::Observer& observer_;
  const std::stop_token& stop_;
  ScriptsCheck scripts_;

  std::unique_ptr<engine::Connection> connection_;  ///< Null without a database, or when it cannot be read.
  std::optional<Problem> damage_;                   ///< Why it cannot be read.
  Situation situation_;
  std::vector<Problem> journal_problems_;
};

CheckReport Check::run() {
  open();
  CheckReport report;
  report.parts.push_back(file());
  report.parts.push_back(scripts_.part());
  look();
  report.parts.push_back(revisions());
  report.parts.push_back(schema());
  report.parts.push_back(scripts_.schema_file(request_.schema));
  report.parts.push_back(journal());
  if (request_.backups) report.parts.push_back(backups());
  return report;
}

// --- The file ---

/// A path that leads nowhere is an error; a file in which no database can be found is what is looked for here.
void Check::open() {
  if (!engine::exists(places_.url)) return;
  try {
    connection_ = engine::connect(places_.url, {.lock_timeout = settings_.lock_timeout, .read_only = true});
    connection_->stop_on(stop_);
  } catch (const engine::Error& error) {
    if (!is_damage_at_first_sight(error)) throw;
    damage_ = Problem{"file", places_.url.path, error.what()};
  }
}

CheckPart Check::file() {
  CheckPart part{.name = "file", .skipped = !connection_ && !damage_, .note = {}};
  if (part.skipped) part.note = "there is no database yet";
  if (damage_) part.problems.push_back(*damage_);
  if (!connection_) return part;
  part.note = "integrity_check, foreign_key_check";
  check_integrity(part);
  check_foreign_keys(part);
  return part;
}

void Check::check_integrity(CheckPart& part) {
  try {
    for (const auto& row : ask(fmt::format("PRAGMA integrity_check({})", findings_max)))
      if (text_of(row.at(0)) != "ok") part.problems.push_back({"file", places_.url.path, text_of(row.at(0))});
  } catch (const engine::Error& error) {
    if (!is_damage(error)) throw;
    // Else a constraint that only the application can check.
    part.skipped = error.code() == engine::ErrorCode::statement_failed;
    if (part.skipped)
      part.note = fmt::format("integrity_check cannot be run: {}", error.what());
    else
      part.problems.push_back({"file", places_.url.path, error.what()});
  }
}

void Check::check_foreign_keys(CheckPart& part) {
  try {
    const auto rows = ask(fmt::format(
        "SELECT \"table\", parent, count(*), min(rowid) FROM pragma_foreign_key_check GROUP BY 1, 2 LIMIT {}",
        findings_max));
    for (const auto& row : rows) {
      const std::string first = row.at(3) == engine::Value() ? "" : ", the first is row " + text_of(row.at(3));
      part.problems.push_back({"foreign-key", "table " + text_of(row.at(0)),
                               fmt::format("{} rows of {} have no parent in {}{}", text_of(row.at(2)),
                                           text_of(row.at(0)), text_of(row.at(1)), first)});
    }
  } catch (const engine::Error& error) {
    if (!is_damage(error)) throw;
    const bool is_of_a_key = error.code() == engine::ErrorCode::statement_failed;  // It fits no key of its parent.
    part.problems.push_back({is_of_a_key ? "foreign-key" : "file", places_.url.path, error.what()});
  }
}

// --- Version table, scripts and journal beside each other ---

/// What journal and version table say, each read even when the other cannot be.
void Check::look() {
  if (!scripts_.graph() || damage_) return;
  const auto& graph = *scripts_.graph();
  try {
    situation_ = recovery::look(
        settings_, places_, [&]() -> const versions::Graph& { return graph; }, stop_);
    return;
  } catch (const journal::Error& error) {
    if (error.code() != journal::ErrorCode::damaged && error.code() != journal::ErrorCode::newer_format) throw;
    journal_problems_.push_back({"journal", error.file().string(), error.what()});
  } catch (const engine::Error& error) {
    if (!is_damage(error)) throw;
    const bool is_no_table_of_belays = error.code() == engine::ErrorCode::statement_failed;
    damage_ = is_no_table_of_belays ? Problem{"version-table", settings_.version_table, error.what()}
                                    : Problem{"file", places_.url.path, error.what()};
    return;
  }
  situation_ = {};
  situation_.exists = connection_ != nullptr;
  fill(situation_, graph,
       connection_ ? engine::VersionTable(*connection_, settings_.version_table).stamps()
                   : std::vector<versions::Stamp>());
}

Problem pending_problem(const versions::Graph& graph, const std::vector<std::size_t>& pending) {
  constexpr std::size_t named_max = 5;
  std::string ids;
  for (std::size_t i = 0; i < std::min(pending.size(), named_max); ++i)
    ids += (ids.empty() ? "" : ", ") + graph.scripts()[pending[i]].id.text;
  if (pending.size() > named_max) ids += ", ...";
  return {"pending", graph.scripts()[pending.front()].file.string(),
          fmt::format("{} not applied: {}", count_text(pending.size(), "revision is", "revisions are"), ids)};
}

CheckPart Check::revisions() {
  CheckPart part{.name = "revisions", .skipped = !scripts_.graph() || damage_, .note = {}};
  if (part.skipped) {
    part.note = damage_ ? "not compared: the database cannot be read" : "not compared: the scripts cannot be read";
    if (damage_ && connection_) part.problems.push_back(*damage_);  // Else it is said with the file.
    return part;
  }
  const auto& graph = *scripts_.graph();
  part.note = fmt::format("{} applied", situation_.stamps.size());
  for (const auto& drift : situation_.drift)
    part.problems.push_back(
        {kind_of(drift.kind), drift.file.empty() ? drift.revision.text : drift.file.string(), drift.message});
  if (situation_.problem) {
    const bool lost_table = version_table_is_lost();
    Problem problem{lost_table ? "version-table" : "journal",
                    lost_table ? settings_.version_table : situation_.problem->file(), situation_.problem->what()};
    (lost_table ? part.problems : journal_problems_).push_back(std::move(problem));
  }
  if (version_table_is_lost()) return part;  // Then everything would be pending, and drift.
  if (situation_.running) {
    part.note += fmt::format("; {} is at work (pid {})", situation_.running->command, situation_.running->pid);
    return part;
  }
  if (situation_.interrupted)
    part.problems.push_back({"interrupted", places_.journal.string(), situation_.interrupted->description});
  std::vector<std::size_t> pending;
  for (std::size_t i = 0; i < graph.size(); ++i)
    if (!situation_.applied[i]) pending.push_back(i);
  if (!pending.empty()) part.problems.push_back(pending_problem(graph, pending));
  return part;
}

// --- The live schema ---

/// In one read transaction, kept short: it makes writers wait.
Check::Moment Check::moment() {
  connection_->query("BEGIN");
  Moment now;
  try {
    now.stamps = engine::VersionTable(*connection_, settings_.version_table).stamps();
    now.schema = live_schema(*connection_, settings_.version_table, settings_.ignored);
  } catch (...) {
    connection_->rollback();
    throw;
  }
  connection_->rollback();
  return now;
}

CheckPart Check::schema() {
  CheckPart part{.name = "schema", .skipped = true, .note = {}};
  const bool incomplete = std::ranges::any_of(
      situation_.drift, [](const auto& drift) { return drift.kind == versions::Drift::Kind::missing; });
  if (damage_)
    part.note = "not compared: the database cannot be read";
  else if (!connection_)
    part.note = "there is no database yet";
  else if (!scripts_.graph())
    part.note = "not compared: the scripts cannot be read";
  else if (version_table_is_lost())
    part.note = "not compared: the version table is gone";
  else if (situation_.interrupted)
    part.note = "not compared: a run was interrupted";
  else if (incomplete)
    part.note = "not compared: an applied revision has no script";
  else
    compare_schema(part);
  return part;
}

void Check::compare_schema(CheckPart& part) {
  const auto& graph = *scripts_.graph();
  try {
    const Moment now = moment();
    const auto applied = versions::applied(graph, now.stamps);
    const bool all = scripts_.made() && std::ranges::find(applied, false) == applied.end();
    const auto expected = all ? *scripts_.made() : scripts_.made_by(applied);
    for (const auto& difference : compare(expected, now.schema))
      part.problems.push_back(problem_of(difference, "drift", "the applied revisions make", "the database"));
    part.skipped = false;
    part.note = fmt::format("{} compared with what the applied revisions make",
                            count_text(now.schema.objects().size(), "object", "objects"));
  } catch (const engine::Error& error) {
    if (error.code() == engine::ErrorCode::interrupted || error.code() == engine::ErrorCode::busy) throw;
    part.note = fmt::format("not compared: {}", error.what());
    return;
  }
  // In the middle of a revision of several parts the two need not fit.
  if (part.problems.empty() || !somebody_is_at_work()) return;
  part = {.name = part.name, .skipped = true, .note = "not compared: a run is changing it", .problems = {}};
}

// --- The journal and the backups ---

CheckPart Check::journal() {
  CheckPart part{.name = "journal", .skipped = false, .note = {}, .problems = std::move(journal_problems_)};
  if (!part.problems.empty()) return part;
  if (!fs::exists(places_.journal)) {
    part.skipped = true;
    part.note = "nothing has been run yet";
    return part;
  }
  try {
    const auto summary = journal::Journal::open(places_.journal, journal::Journal::Access::read).verify();
    part.note = fmt::format("{} in {}", count_text(summary.records, "record", "records"),
                            count_text(summary.runs, "run", "runs"));
  } catch (const journal::Error& error) {
    if (error.code() != journal::ErrorCode::damaged && error.code() != journal::ErrorCode::newer_format) throw;
    part.problems.push_back({"journal", places_.journal.string(), error.what()});
  }
  return part;
}

CheckPart Check::backups() {
  CheckPart part{.name = "backups", .skipped = false, .note = {}};
  const auto found = list_backups(places_.backups);
  part.note = count_text(found.size(), "backup", "backups");
  for (const auto& backup : found) check_backup(backup, part);
  return part;
}

void Check::check_backup(const FoundBackup& found, CheckPart& part) {
  const auto is_bad = [&](const std::string& why) {
    part.problems.push_back({"backup", found.id, fmt::format("backup {} is not usable: {}", found.id, why)});
  };
  if (!found.readable || !found.problem.empty()) return is_bad(found.problem);
  if (found.backup.manifest.state == Manifest::State::damaged) return;  // Kept as evidence, and known as such.
  try {
    verify_backup(found.backup, observer_, stop_);
  } catch (const Error& error) {
    is_bad(error.what());
  }
}

}  // namespace

const ProblemKind& kind_of(const Problem& problem) {
  const auto known = std::ranges::find_if(kinds, [&](const auto& kind) { return problem.kind == kind.name; });
  return known == kinds.end() ? kinds.back() : *known;
}

std::vector<Problem> CheckReport::problems() const {
  std::vector<Problem> all;
  for (const auto& part : parts) all.insert(all.end(), part.problems.begin(), part.problems.end());
  return all;
}

CheckReport check(const Settings& settings, const Places& places, const CheckRequest& request,
                  engine::Observer& observer, const std::stop_token& stop) {
  return Check(settings, places, request, observer, stop).run();
}

}  // namespace belay::recovery

#include "tests/faults/ground.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cctype>
#include <csignal>
#include <fstream>
#include <sstream>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "journal/journal.h"

namespace belay::faults {
namespace {

namespace fs = std::filesystem;

void write_text(const fs::path& file, const std::string& text) {
  std::ofstream(file) << text;
}

std::string told_by(const Outcome& outcome) {
  return fmt::format("{}\n{}{}",
                     outcome.late     ? "it did not end by itself"
                     : outcome.signal ? fmt::format("signal {}", outcome.signal)
                                      : fmt::format("exit {}", outcome.exit),
                     outcome.out, outcome.err);
}

/// The first line that differs, of two texts that do.
std::string difference(const std::string& a, const std::string& b) {
  const auto [at, other] = std::mismatch(a.begin(), a.end(), b.begin(), b.end());
  const auto line = [](const std::string& text, std::string::const_iterator where) {
    const auto offset = static_cast<std::size_t>(where - text.begin());
    const auto begin = offset == 0 ? std::string::npos : text.rfind('\n', offset - 1);
    const auto start = begin == std::string::npos ? 0 : begin + 1;
    return text.substr(start, std::min<std::size_t>(120, text.find('\n', offset) - start));
  };
  return fmt::format("`{}` instead of `{}`", line(b, other), line(a, at));
}

bool contains(const std::string& text, std::string_view part) {
  return text.find(part) != std::string::npos;
}

}  // namespace

std::string Setting::name() const {
  return fmt::format("{}/{}/{}", scenario->name, faults::name(mode), faults::name(policy));
}

Ground::Ground(Program& program, const Setting& setting, const fs::path& folder)
    : setting_(setting), program_(program), folder_(folder) {
  prepare();
  learn();
}

std::string Ground::script_text(const Script& script) const {
  std::string text = "-- migrate:up\n";
  if (asks_for_mode())
    text += fmt::format("-- migrate:step mode transaction:off\nPRAGMA journal_mode = {};\n{}", name(setting_.mode),
                        script.text.empty() ? "-- migrate:step rest\n" : "");
  text += script.text.empty() ? fmt::format("{};", fmt::join(script.up, ";\n")) : script.text;
  return text + fmt::format("\n-- migrate:down\n{};\n", fmt::join(script.down, ";\n"));
}

bool Ground::asks_for_mode() const {
  return setting_.mode == Mode::truncate || setting_.mode == Mode::persist;
}

void Ground::write_project() const {
  fs::remove_all(folder_);
  fs::create_directories(folder_ / "versions");
  const auto& scenario = *setting_.scenario;
  write_text(folder_ / "belay.toml",
             fmt::format("database = \"sqlite:app.db\"\n[backup]\nbefore = \"{}\"\n[recovery]\npolicy = \"{}\"\n",
                         scenario.backs_up ? "always" : "never", name(setting_.policy)));
  for (const auto& script : scenario.scripts)
    write_text(folder_ / "versions" / (script.id + ".sql"), script_text(script));
}

void Ground::prepare() {
  const auto& scenario = *setting_.scenario;
  write_project();
  make_database(scenario, setting_.mode, database());
  if (scenario.applied > 0) must({"migrate", "--to", scenario.scripts[scenario.applied - 1].id});
  for (const auto& words : scenario.before) must(words);
  if (!scenario.by_hand.empty()) PlainDatabase(database()).run(scenario.by_hand);
  before_ = take(folder_);
}

void Ground::learn() {
  legal_ = faults::model(*setting_.scenario, setting_.mode, folder_ / "model.db");
  reset();
  if (!setting_.scenario->by_hand.empty()) {
    legal_.front() = PlainDatabase(database()).state();
    reset();
  }
  // Where a script asks for its mode, that step commits first, and belay's tables stay, which came with it. What does
  // not complete by itself is finished by another command, which may go back by scripts.
  const bool comes_back = setting_.policy == Policy::back && setting_.scenario->completes && !asks_for_mode() &&
                          std::count(legal_.begin(), legal_.end(), legal_.front()) == 1;
  if (comes_back && before_.contains("app.db")) {
    bytes_before_ = PlainDatabase(database()).bytes();
    reset();
  }
  const auto start = std::chrono::steady_clock::now();
  const auto free = run();
  duration_ = std::chrono::duration_cast<std::chrono::microseconds>(std::chrono::steady_clock::now() - start);
  calls_ = free.calls;
  allocations_ = free.allocations;
  if (setting_.scenario->signal_at_percent > 0) {
    signal_at_ = calls_ * static_cast<std::uint64_t>(setting_.scenario->signal_at_percent) / 100;
    reset();
    const auto cut = run();
    calls_ = cut.calls;
    expect_honest(cut);
    return reset();
  }
  if (free.exit != setting_.scenario->exit) {
    throw std::runtime_error(fmt::format("{}: the command itself gives {}", setting_.name(), told_by(free)));
  }
  expect_whole(legal_.size() - 1);
  reset();
}

Outcome Ground::run(const Treatment& treatment) {
  Treatment all = treatment;
  if (signal_at_ > 0 && treatment.fault == Fault::none) {
    all.fault = Fault::signal;
    all.at = signal_at_;
    all.error = SIGTERM;
  }
  return program_.run(folder_, setting_.scenario->command, all);
}

Words Ground::mending() const {
  return setting_.policy == Policy::back ? Words{"recover", "--back"} : setting_.scenario->mend;
}

int Ground::mending_exit() const {
  return setting_.policy == Policy::back ? 0 : setting_.scenario->mend_exit;
}

Outcome Ground::must(const Words& words, int exit) {
  auto outcome = program_.run(folder_, words);
  if (outcome.late || outcome.signal != 0)
    throw Violation(fmt::format("O6: `belay {}`: {}", fmt::join(words, " "), told_by(outcome)));
  if (outcome.exit != exit)
    throw Violation(
        fmt::format("O7: `belay {}` should give exit {}: {}", fmt::join(words, " "), exit, told_by(outcome)));
  return outcome;
}

std::size_t Ground::told(const std::string& said) const {
  std::size_t revisions = 0;
  for (std::size_t at = 0; at < said.size();) {
    const auto end = std::min(said.find('\n', at), said.size() - 1) + 1;
    const auto line = std::string_view(said).substr(at, end - at);
    if (line.ends_with(" ms\n") && (line.starts_with("  + ") || line.starts_with("  - "))) ++revisions;
    at = end;
  }
  if (!contains(said, all_told)) return std::min(revisions, legal_.size() - 1);
  return setting_.scenario->exit != 0 && signal_at_ == 0 ? revisions : legal_.size() - 1;
}

void Ground::expect_mended(const std::string& said) {
  const auto least = told(said);
  must(mending(), mending_exit());
  if (setting_.policy == Policy::back && setting_.scenario->completes) {
    const auto state = expect_legal(least);
    if (!gone_on_.insert(ending(state, expect_journal())).second) return expect_backups(said);
    must(setting_.scenario->mend, setting_.scenario->mend_exit);
  }
  expect_whole(setting_.scenario->completes ? legal_.size() - 1 : least);
  expect_backups(said);
}

void Ground::expect_honest(const Outcome& outcome) {
  if (outcome.late || outcome.signal != 0) throw Violation("O6: " + told_by(outcome));
  const bool is_done = outcome.exit == 0;
  if (!is_done && outcome.err.empty()) throw Violation("O7: nothing is said: " + told_by(outcome));
  if (is_done && setting_.scenario->exit != 0 && signal_at_ == 0) throw Violation("O7: " + told_by(outcome));
  expect_mended(is_done ? outcome.said() + all_told : outcome.said());
}

void Ground::expect_whole(std::size_t told) {
  const auto records = expect_journal();
  expect_idle(ending(expect_legal(told), records));
  expect_nothing_left();
}

State Ground::expect_legal(std::size_t from) const {
  PlainDatabase plain(database());
  plain.expect_sound();
  auto state = plain.state();
  if (state == legal_.front()) expect_same_bytes(plain);
  if (std::find(legal_.begin() + static_cast<std::ptrdiff_t>(from), legal_.end(), state) != legal_.end()) return state;
  if (std::find(legal_.begin(), legal_.end(), state) != legal_.end())
    throw Violation(
        fmt::format("O3: the database is at [{}], and was said to be further", fmt::join(state.stamps, " ")));
  for (const auto& legal : legal_)
    if (legal.stamps == state.stamps)
      throw Violation(fmt::format("O1: at [{}] the database is another one: {}", fmt::join(state.stamps, " "),
                                  difference(legal.contents, state.contents)));
  throw Violation(fmt::format("O1: no such state: [{}]", fmt::join(state.stamps, " ")));
}

/// Going back is by pages, SQLite's rollback or ours: what is as it was before is so to the byte.
void Ground::expect_same_bytes(PlainDatabase& plain) const {
  if (bytes_before_.empty()) return;
  const auto bytes = plain.bytes();
  const auto [at, other] = std::mismatch(bytes.begin(), bytes.end(), bytes_before_.begin(), bytes_before_.end());
  if (at != bytes.end() || other != bytes_before_.end())
    throw Violation(fmt::format("O1: {} bytes instead of {}, which differ from byte {} on", bytes.size(),
                                bytes_before_.size(), at - bytes.begin()));
}

void Ground::expect_before() const {
  if (PlainDatabase(database()).state() != legal_.front()) throw Violation("O1: the database is not as it was before");
}

/// Thousands of cases end alike, but for times and ids: what comes after is tried once for all that have the same files
/// and sizes, the same state and the same kinds of records in the journal.
std::uint64_t Ground::ending(const State& state, const std::string& records) const {
  const auto text = fmt::format("{} {} {} {}", state.contents, state.stamps, records, list(folder_));
  return XXH3_64bits(text.data(), text.size());
}

/// O5: what is mended needs no mending.
void Ground::expect_idle(std::uint64_t ending) {
  if (!idle_.insert(ending).second) return;
  const auto before = take(folder_);
  must({"recover", "--forward"});
  for (const auto& [path, file] : take(folder_)) {
    const auto known = before.find(path);
    if (known == before.end()) throw Violation("O5: a second recovery made " + path);
    if (known->second.content != file.content && !path.ends_with("/lock"))
      throw Violation("O5: a second recovery changed " + path);
  }
}

/// O2 and O8. @returns the kinds of its records, a letter each.
std::string Ground::expect_journal() const {
  std::string records;
  const auto own = PlainDatabase(database()).own_row();
  const auto file = folder_ / "app.db-belay/journal.lmdb";
  if (!fs::exists(file)) {
    if (own) throw Violation("O2: the database has belay's row, and there is no journal");
    return records;
  }
  try {
    const auto journal = journal::Journal::open(file, journal::Journal::Access::read);
    const auto summary = journal.verify();
    journal.scan(summary.first, [&](const auto& entry) {
      records.push_back(static_cast<char>('a' + entry.record.index()));
      return true;
    });
    if (journal.open_run()) throw Violation("O2: a run is open in the journal");
    const auto last = own ? own->last_lsn : 0;
    if (journal.last_commit().value != last)
      throw Violation(
          fmt::format("O2: the journal's last commit is {}, the database's {}", journal.last_commit().value, last));
    if (own && own->database_id != journal.database_id())
      throw Violation("O2: journal and database do not belong together");
    return records;
  } catch (const journal::Error& error) {
    throw Violation(std::string("O8: ") + error.what());
  }
}

/// O3 for backups: each of which the user had been told is there, and each that is there is whole.
void Ground::expect_backups(const std::string& said) {
  const auto folder = folder_ / "app.db-belay/backups";
  std::istringstream lines(said);
  for (std::string word, line; std::getline(lines, line);) {
    std::istringstream words(line);
    std::string id;
    if (!(words >> word >> id) || word != "backup" || std::isdigit(static_cast<unsigned char>(id[0])) == 0) continue;
    if (id.ends_with(':')) id.pop_back();
    if (!fs::exists(folder / (id + ".json"))) throw Violation("O3: the backup " + id + " is gone");
  }
  if (!fs::exists(folder)) return;
  const auto files = take(folder);
  for (const auto& manifest : files) {
    const fs::path name = manifest.first;
    if (name.extension() != ".json") continue;
    Files backup{manifest};
    if (const auto copy = files.find(name.stem().string() + ".db.zst"); copy != files.end()) backup.insert(*copy);
    const auto content = digest(backup);
    if (whole_backups_.contains(content)) continue;
    must({"backup", "--verify", name.stem()});
    whole_backups_.insert(content);
  }
}

/// O9. A command that only looks leaves what a crash has left aside; the next one that writes removes it.
void Ground::expect_nothing_left() {
  if (!setting_.scenario->completes) {
    must(setting_.scenario->finish);
    expect_legal(0);
  }
  if (const auto left = leftover(); !left.empty()) throw Violation(fmt::format("O9: {} is left", left));
}

std::string Ground::leftover() const {
  for (const auto& entry : list(folder_)) {
    const auto& path = entry.first;
    const bool is_project = path == "belay.toml" || path.starts_with("versions/") || path == "app.db";
    const bool is_ours = path == "app.db-belay/" || path == "app.db-belay/journal.lmdb" || path == "app.db-belay/lock";
    const bool is_backup = path == "app.db-belay/backups/" || (path.starts_with("app.db-belay/backups/") &&
                                                               (path.ends_with(".db.zst") || path.ends_with(".json")));
    const bool is_wal = setting_.mode == Mode::wal && path == "app.db-wal";
    const bool is_journal = setting_.mode != Mode::wal && setting_.mode != Mode::rollback && path == "app.db-journal";
    if (!is_project && !is_ours && !is_backup && !is_wal && !is_journal) return path;
  }
  return {};
}

}  // namespace belay::faults

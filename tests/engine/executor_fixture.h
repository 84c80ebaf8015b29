#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "engine/connection.h"
#include "engine/executor.h"
#include "engine/planned.h"
#include "journal/journal.h"
#include "tests/engine/fixture.h"
#include "tests/engine/raw.h"
#include "versions/script.h"

namespace belay::engine {

/// The records from `from` on as words, so that a protocol can be compared with what it should be. The same record
/// several times in a row is one word with a number: `StepBegin*3`.
inline std::string protocol(const journal::Journal& journal, journal::Lsn from = {}) {
  std::string text;
  std::string last;
  int times = 0;
  const auto put = [&] {
    if (times == 0) return;
    text += (text.empty() ? "" : " ") + last + (times > 1 ? "*" + std::to_string(times) : "");
  };
  journal.scan(from, [&](const auto& entry) {
    const std::string name(journal::name_of(entry.record));
    if (name != last) put();
    times = name == last ? times + 1 : 1;
    last = name;
    return true;
  });
  put();
  return text;
}

/// Remembers what it is told, and does what the test wants at each word.
class Listener final : public Observer {
 public:
  std::vector<std::string> heard;
  std::map<std::string, std::function<void()>> at;
  std::function<void(Connection&)> at_statement;

  void message(std::string_view line) override { hear("message " + std::string(line)); }
  void run_began(std::size_t count) override { hear("run " + std::to_string(count)); }
  void revision_began(const journal::PlannedRevision& revision) override { hear("began " + revision.revision); }
  void statement_began(Connection& connection, const ScriptStatement&) override {
    if (at_statement) at_statement(connection);
  }
  void batch_advanced(std::int64_t done, std::int64_t total) override {
    hear("batch " + std::to_string(done) + "/" + std::to_string(total));
  }
  void copy_advanced(std::string_view what, std::int64_t, std::int64_t) override { hear("copy: " + std::string(what)); }
  void revision_committed(const journal::PlannedRevision& revision, std::chrono::milliseconds) override {
    hear("committed " + revision.revision);
  }

  [[nodiscard]] bool has_heard(const std::string& word) const {
    return std::find(heard.begin(), heard.end(), word) != heard.end();
  }

 private:
  void hear(const std::string& word) {
    heard.push_back(word);
    if (const auto found = at.find(word); found != at.end()) found->second();
  }
};

/// The revision that such a script plans.
inline journal::PlannedRevision planned_script(const std::string& id, const std::string& sections) {
  return planned(versions::parse_script("-- revision: " + id + "\n" + sections, id + ".sql"), journal::Action::up);
}
inline journal::PlannedRevision up(const std::string& id, const std::string& sql) {
  return planned_script(id, "-- migrate:up\n" + sql);
}

/// A database and its journal, opened as a runner opens them.
class Site {
 public:
  explicit Site(const Folder& folder) : Site(open(folder), folder / "journal.lmdb") {}
  Site(std::unique_ptr<Connection> connection, const std::filesystem::path& file)
      : connection_(std::move(connection)), versions_(*connection_, "belay_version") {
    journal_ = std::filesystem::exists(file) ? journal::Journal::open(file, journal::Journal::Access::write)
                                             : journal::Journal::create(file, "the database");
  }

  static std::unique_ptr<Connection> open(const Folder& folder) {
    return connect(DatabaseUrl::parse("app.db", folder.path()), {.lock_timeout = std::chrono::milliseconds(0)});
  }

  [[nodiscard]] Connection& connection() { return *connection_; }
  [[nodiscard]] VersionTable& versions() { return versions_; }
  [[nodiscard]] journal::Journal& journal() { return *journal_; }
  [[nodiscard]] Transaction::Target parts() { return {*connection_, versions_, *journal_}; }

 private:
  std::unique_ptr<Connection> connection_;
  VersionTable versions_;
  std::optional<journal::Journal> journal_;
};

/// Carries out plans on a Site.
class ExecutorTest : public testing::Test {
 protected:
  using Plan = std::vector<journal::PlannedRevision>;

  Site& site() {
    if (!site_) site_ = std::make_unique<Site>(folder);
    return *site_;
  }
  /// What a runner that starts anew does.
  void reopen() {
    close();
    site();
  }
  void close() { site_.reset(); }

  void carry_out(Plan plan) {
    options.now = [] { return "2026-01-02T03:04:05Z"; };
    Executor(site().parts(), listener, options, stop.get_token()).start({.command = "migrate"}, std::move(plan));
  }
  Error failure_of(const Plan& plan) {
    return error_of([&] { carry_out(plan); });
  }

  std::string read(const std::string& sql) { return engine::read(folder / "app.db", sql); }
  void run(const std::string& sql) { engine::run(folder / "app.db", sql); }
  std::string applied() { return read("SELECT group_concat(revision, ' ') FROM belay_version ORDER BY rowid"); }
  std::string tables() {
    return read(
        "SELECT group_concat(name, ' ') FROM (SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT "
        "LIKE 'belay_%' AND name NOT LIKE 'sqlite_%' ORDER BY name)");
  }
  std::string records() { return protocol(site().journal()); }
  bool is_sound() {
    site().journal().verify();
    return true;
  }
  /// How the last run ended.
  journal::RunEnd run_end() {
    journal::RunEnd end;
    site().journal().scan({}, [&](const auto& entry) {
      if (const auto* found = std::get_if<journal::RunEnd>(&entry.record)) end = *found;
      return true;
    });
    return end;
  }

  Folder folder;
  Listener listener;
  Executor::Options options;
  std::stop_source stop;

 private:
  std::unique_ptr<Site> site_;
};

}  // namespace belay::engine

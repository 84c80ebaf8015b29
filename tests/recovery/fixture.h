#pragma once

#include <fcntl.h>
#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "journal/format.h"
#include "recovery/migrator.h"
#include "tests/engine/executor_fixture.h"
#include "tests/engine/fixture.h"
#include "tests/engine/kept.h"
#include "tests/engine/raw.h"
#include "tests/recovery/death.h"

namespace belay::recovery {

using engine::code_of;
using engine::error_of;
using engine::Folder;
using engine::Listener;
using engine::read_file;
using engine::run_child;
using engine::was_killed;
using engine::write_file;

/// A folder with a database and its scripts, and what a user does there. What is killed runs in a process of its own.
class ProjectTest : public testing::Test {
 protected:
  ProjectTest() {
    std::filesystem::create_directory(folder / "versions");
    settings.database = "app.db";
    settings.folder = folder.path();
    settings.lock_timeout = std::chrono::milliseconds(0);
  }

  /// A script whose up section (and what follows it) is this.
  void script(const std::string& id, const std::string& up) const {
    write_file(folder / "versions" / (id + ".sql"), "-- revision: " + id + "\n-- migrate:up\n" + up + "\n");
  }
  /// Small scripts, 1 to `count`: each adds a row to `t`.
  void scripts(int count) const {
    script("001", "CREATE TABLE t (id INTEGER PRIMARY KEY);\n-- migrate:down\nDROP TABLE t;");
    for (int i = 2; i <= count; ++i)
      script(fmt_id(i), "INSERT INTO t VALUES (" + std::to_string(i) +
                            ");\n-- migrate:down\nDELETE FROM t WHERE id = " + std::to_string(i) + ";");
  }
  static std::string fmt_id(int number) {
    const auto digits = std::to_string(number);
    return std::string(3 - std::min<std::size_t>(3, digits.size()), '0') + digits;
  }

  [[nodiscard]] Migrator migrator(engine::Observer& observer) const { return Migrator(settings, observer); }
  Report upgrade(const std::string& to = "head") { return migrator(listener).upgrade(to); }
  Report downgrade(const std::string& to) { return migrator(listener).downgrade(to); }
  Report stamp(const std::vector<std::string>& to) { return migrator(listener).stamp(to); }
  Situation look() { return migrator(listener).look(); }

  /// Upgrades in a process that dies when its observer hears this word, which it must.
  void upgrade_until(const std::string& word) {
    const int status = run_child([&] {
      Listener deadly;
      deadly.at[word] = die;
      migrator(deadly).upgrade();
    });
    ASSERT_TRUE(was_killed(status)) << "nothing said: " << word;
  }
  /// The same for the `time`-th call of the connection that is so named: `before commit`.
  void upgrade_until_call(const std::string& call, int time = 1) {
    const int status = run_child([&] { run_watched(call, time); });
    ASSERT_TRUE(was_killed(status)) << "nothing was: " << call;
  }
  /// Runs what is pending as the Migrator does, on a connection that is watched.
  void run_watched(const std::string& call, int time) const {
    Listener quiet;
    const auto plan = engine::planned(migrator(quiet).plan_upgrade(migrator(quiet).look(), "head"));
    const Places places(settings);
    std::filesystem::create_directories(places.folder);
    auto watched = std::make_unique<Watched>(engine::connect(places.url, {}), [&](const std::string& heard) {
      if (heard == call && --time == 0) die();
    });
    engine::Site site(std::move(watched), places.journal);
    engine::Executor::Options options;
    options.group = !settings.hooks_between;
    engine::Executor(site.parts(), quiet, options, {}).start({.command = "migrate"}, plan);
  }

  /// The example program, as a process of its own that shares nothing with this one. Its output is in `output`.
  [[nodiscard]] pid_t start_embed() const {
    const std::string database = folder / "app.db";
    const std::string scripts = folder / "versions";
    const std::string output = folder / "output";
    const pid_t pid = ::fork();
    if (pid != 0) return pid;
    const int file = ::open(output.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0644);
    ::dup2(file, STDOUT_FILENO);
    ::dup2(file, STDERR_FILENO);
    ::execl(BELAY_EMBED, BELAY_EMBED, database.c_str(), scripts.c_str(), nullptr);
    ::_exit(127);
  }
  [[nodiscard]] int embed() const { return engine::wait_for(start_embed()); }

  std::string read(const std::string& sql) const { return engine::read(folder / "app.db", sql); }
  void run(const std::string& sql) const { engine::run(folder / "app.db", sql); }
  std::string applied() const {
    return read("SELECT group_concat(revision, ' ') FROM (SELECT revision FROM belay_version ORDER BY revision)");
  }
  [[nodiscard]] journal::Journal journal() const {
    return journal::Journal::open(folder / "app.db-belay/journal.lmdb", journal::Journal::Access::read);
  }
  [[nodiscard]] Evidence evidence() const {
    const auto log = journal();
    const auto connection = engine::connect(Places(settings).url, {.lock_timeout = {}, .read_only = true});
    engine::VersionTable versions(*connection, settings.version_table);
    return examine(analyse(log), log, versions.state(), connection.get());
  }

  /// Gives a journal's head a format that only a later belay knows, wherever the file has it.
  void make_later(const std::filesystem::path& log) const {
    const std::string id = read("SELECT database_id FROM belay_state");
    std::string bytes = read_file(log);
    ASSERT_NE(bytes.find(id), std::string::npos);
    for (auto at = bytes.find(id); at != std::string::npos; at = bytes.find(id, at + 1))
      bytes.replace(at - journal::format::head_size, 4, std::string("\x09\0\0\0", 4));
    write_file(log, bytes);
  }

  /// The database to the byte, but for the numbers by which SQLite tells a fresh cache from a stale one: the file
  /// change counter, and the version that it is valid for.
  [[nodiscard]] std::string contents() const { return without_counter(read_file(folder / "app.db")); }

  /// Database and journal are whole and agree, and to migrate again finds nothing to do.
  void expect_settled() {
    EXPECT_EQ(read("PRAGMA integrity_check"), "ok");
    EXPECT_EQ(read("PRAGMA foreign_key_check"), "");
    const auto last = [&] {
      const auto log = journal();
      log.verify();
      EXPECT_FALSE(log.open_run());
      return log.last();
    };
    const auto before = last();
    EXPECT_EQ(evidence().verdict(), Verdict::nothing);
    const auto situation = look();
    EXPECT_TRUE(situation.consistent());
    EXPECT_FALSE(situation.interrupted);
    const auto again = upgrade();
    EXPECT_TRUE(again.revisions.empty());
    EXPECT_FALSE(again.recovered);
    EXPECT_EQ(last(), before);
  }

  Folder folder;
  Settings settings;
  Listener listener;
};

}  // namespace belay::recovery

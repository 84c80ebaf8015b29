#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "engine/connection.h"
#include "journal/journal.h"
#include "versions/statement.h"

namespace belay::recovery {

/// What restart does with an interrupted run once it is known what of it committed.
enum class Policy {
  forward,  ///< Go on at the first step that is not done.
  back      ///< Stay at the last revision that is applied as a whole.
};

/// A file of SQL that runs with the revisions, in their transactions.
struct SqlHook {
  std::string name;  ///< As messages name it.
  std::vector<versions::Statement> statements;
};

/// When a run takes a backup of the database first.
enum class BackupBefore {
  destructive,  ///< When one of its steps takes data away (versions::DestructiveStatements).
  always,
  never
};

/// Which database, which scripts, and how. Everything but `database` has a sensible default.
struct Settings {
  std::string database;                         ///< A URL or a path (engine::DatabaseUrl).
  std::filesystem::path folder = ".";           ///< What relative paths here are relative to.
  std::filesystem::path versions = "versions";  ///< The folder of scripts.
  std::string version_table = "belay_version";
  /// What is somebody else's: globs over the names of objects. It is no part of a schema wherever two are compared, nor
  /// is what hangs on it.
  std::vector<std::string> ignored{};
  std::filesystem::path journal;  ///< The journal's folder; empty for `<database>-belay` beside the database.
  journal::Journal::Retention retention{};
  std::chrono::milliseconds lock_timeout{10'000};
  bool secure_delete = false;  ///< engine::ConnectionOptions
  Policy policy = Policy::forward;
  std::filesystem::path backups;  ///< The folder of backups; empty for `backups` in the journal's folder.
  BackupBefore backup_before = BackupBefore::destructive;
  std::uint64_t keep_backups = 10;  ///< Automatic ones; what a person asked for stays.

  bool atomic = false;         ///< A run is one transaction.
  bool hooks_between = false;  ///< The observer does work between revisions: each commits by itself.

  std::vector<SqlHook> before_run;
  std::vector<SqlHook> after_run;
  std::vector<SqlHook> before_each;
  std::vector<SqlHook> after_each;
};

/// Where everything is.
struct Places {
  engine::DatabaseUrl url;
  std::filesystem::path versions;
  std::filesystem::path folder;   ///< The journal's.
  std::filesystem::path journal;  ///< `journal.lmdb` in it.
  std::filesystem::path lock;     ///< The process lock's file in it.
  std::filesystem::path scripts;  ///< What is known of them (versions::ScriptCache), in it.
  std::filesystem::path backups;  ///< Their folder.

  /// @throws engine::Error `bad_url`.
  explicit Places(const Settings& settings);
};

}  // namespace belay::recovery

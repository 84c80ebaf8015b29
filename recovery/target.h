#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>

#include "engine/transaction.h"
#include "journal/journal.h"
#include "journal/process_lock.h"
#include "recovery/analysis.h"
#include "recovery/error.h"
#include "recovery/settings.h"

namespace belay::recovery {

/// A database opened for a writing command, with its journal, under the process lock. Whoever has one is the only
/// runner. Released in reverse order by the destructor.
class Target {
 public:
  /// Opens what is there and creates what is not, in this order: the database is looked at before anything is made, so
  /// that a file that is no database is left alone; the process lock, and for a moment the database's own, are held
  /// before the journal is opened.
  /// @param command  what other runners are told about this one.
  /// @throws engine::Error, journal::Error, Error `journal_lost`.
  Target(const Settings& settings, const std::string& command, const std::stop_token& stop);

  /// What a backup says of the database that it is of.
  struct Origin {
    std::string database_id;  ///< Empty when belay had never written to it.
    journal::Lsn last_lsn;
  };

  /// For a database that is to be replaced, whatever has become of it: it may be missing or damaged, its journal may be
  /// missing (a new one goes on behind what database and backup know of) or damaged (it is set aside).
  /// @throws Error `foreign` when the backup is of another database than the journal, or than the database itself where
  ///         there is no journal.
  Target(const Settings& settings, const std::string& command, const std::stop_token& stop, const Origin& origin);

  /// False only for a database that is to be replaced: no connection to it can be had.
  [[nodiscard]] bool is_readable() const { return connection_ != nullptr; }
  void disconnect();
  /// @throws engine::Error
  void connect();

  /// Of a database that is readable, as all below.
  [[nodiscard]] engine::Connection& connection() { return *connection_; }
  [[nodiscard]] engine::VersionTable& versions() { return *versions_; }
  [[nodiscard]] journal::Journal& journal() { return *journal_; }
  [[nodiscard]] const Places& places() const { return places_; }
  [[nodiscard]] const std::string& version_table() const { return version_table_; }
  [[nodiscard]] engine::Transaction::Target parts() { return {*connection_, *versions_, *journal_}; }

 private:
  void lock(const std::string& command);
  void open_journal();
  void connect_if_usable();
  void rescue_journal(const Origin& origin);

  Places places_;
  std::string version_table_;
  engine::ConnectionOptions options_;
  std::stop_token stop_;
  std::unique_ptr<engine::Connection> connection_;
  std::optional<engine::VersionTable> versions_;
  std::optional<journal::ProcessLock> lock_;
  std::optional<journal::Journal> journal_;
};

/// @throws journal::Error `unavailable`.
void make_journal_folder(const Places& places);

/// Where a backup is prepared before it replaces the database: beside that, so that it can take its name. A crash
/// leaves it; the next Target removes it.
std::filesystem::path prepared_file(const Places& places);

/// Gives a journal that is not to be used any more the name `journal.lmdb.set-aside-<time>`, durably; nothing when
/// there is none. Crash behind it: a database without a journal.
/// @returns the name, or an empty path.
std::filesystem::path set_aside_journal(const Places& places);

/// Of the hexadecimal digits that name a database.
std::string new_database_id();

/// What other runners are told of this process.
journal::Holder this_process(const std::string& command);

/// Why this journal and this database cannot be used together, for a person.
Error foreign(const Evidence& evidence, const journal::Journal& journal,
              const std::optional<engine::TargetState>& target);

/// The same for a database whose journal is missing.
Error journal_lost(const Places& places);

}  // namespace belay::recovery

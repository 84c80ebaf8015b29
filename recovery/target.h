#pragma once

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

  [[nodiscard]] engine::Connection& connection() { return *connection_; }
  [[nodiscard]] engine::VersionTable& versions() { return *versions_; }
  [[nodiscard]] journal::Journal& journal() { return *journal_; }
  [[nodiscard]] const Places& places() const { return places_; }
  [[nodiscard]] engine::Transaction::Target parts() { return {*connection_, *versions_, *journal_}; }

 private:
  void open_journal();

  Places places_;
  std::unique_ptr<engine::Connection> connection_;
  std::optional<engine::VersionTable> versions_;
  std::optional<journal::ProcessLock> lock_;
  std::optional<journal::Journal> journal_;
};

/// What other runners are told of this process.
journal::Holder this_process(const std::string& command);

/// Why this journal and this database cannot be used together, for a person.
Error foreign(const Evidence& evidence, const journal::Journal& journal,
              const std::optional<engine::TargetState>& target);

/// The same for a database whose journal is missing.
Error journal_lost(const Places& places);

}  // namespace belay::recovery

#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "journal/lsn.h"

namespace belay::recovery {

/// One file of a backup, and what is in it.
struct BackupPart {
  std::string suffix;       ///< Of the original: empty for the database's own file, `-wal`, `-journal`.
  std::uint64_t bytes = 0;  ///< As stored.
  std::string sha256;       ///< Of the file as stored, in hexadecimal.
  std::uint64_t content_bytes = 0;
  std::string content_sha256;  ///< Of what was packed.
};

/// What a backup says about itself: `<id>.json` (docs/backup.md). Its own checksum covers all of it.
struct Manifest {
  /// The layout; a manifest that says more was written by a later belay.
  static constexpr int format = 1;

  enum class State {
    verified,  ///< Read back and sound: may be restored.
    damaged    ///< What was kept of a database that cannot be used: evidence, never restored.
  };

  std::string id;                      ///< `20261122T125453Z`, or `20261122T125453Z-2` for the second one of a second.
  std::string created;                 ///< UTC, ISO 8601.
  std::string version;                 ///< Of the belay that made it.
  std::string database;                ///< Where the database was.
  std::string database_id;             ///< Empty when belay had never written to it.
  journal::Lsn last_lsn;               ///< Of its newest transaction of ours.
  std::vector<std::string> revisions;  ///< The current ones; empty at base, or when nothing told.
  std::string fingerprint;             ///< Of its schema; empty when nothing told.
  std::string journal_mode;            ///< `wal` or `delete`.
  std::uint64_t page_size = 0;
  std::string reason;  ///< `manual`, `auto`, `before restore`, `before undo`, …
  State state = State::verified;
  bool packed = true;  ///< By zstd; else stored as it is.
  BackupPart data;
  std::vector<BackupPart> others;  ///< Of a damaged database: what lay beside it.

  /// Everything but what a person asked for: pruned by itself.
  [[nodiscard]] bool automatic() const { return reason != "manual"; }
};

std::string_view name_of(Manifest::State state);

/// The file's content, its checksum included.
std::string to_text(const Manifest& manifest);

/// Reads whatever a file may hold.
/// @throws Error `backup_damaged` saying what is wrong, `newer_backup`.
Manifest parse_manifest(std::string_view text);

/// An id's parts, so that ids can be compared by age.
struct BackupId {
  std::string time;
  std::uint32_t number = 1;  ///< 1 for an id without a suffix.

  /// Strictly as `text()` writes it; false for anything else.
  static bool parse(std::string_view text, BackupId& id);
  [[nodiscard]] std::string text() const;
  auto operator<=>(const BackupId&) const = default;
};

}  // namespace belay::recovery

#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "journal/format.h"
#include "journal/lsn.h"

/// The stored forms around the records: keys, checksums, the header and the spans of runs. Each `open_…` checks before
/// it interprets and throws Error `damaged` (without file); the layout is in journal/format.h.
namespace belay::journal {

std::string key_of(std::uint64_t number);
inline std::string key_of(Lsn lsn) {
  return key_of(lsn.value);
}
inline std::string key_of(RunId run) {
  return key_of(run.value);
}
std::uint64_t number_of(std::string_view key);

/// Where a batch of before-images stands: its transaction, and its number within that, from 0.
struct ImageKey {
  Lsn transaction{};
  std::uint32_t batch = 0;
  friend auto operator<=>(const ImageKey&, const ImageKey&) = default;
};
std::string key_of(const ImageKey& key);
ImageKey image_key_of(std::string_view key);

/// The value of a record in the log, and what a reader needs of it.
struct SealedRecord {
  std::uint64_t checksum = 0;  ///< XXH3-64 of the key, then of all that follows the checksum.
  std::uint64_t chain = 0;     ///< The checksum of the record before it.
  std::string_view payload;
};

/// @returns the value; its checksum is the first eight bytes.
std::string seal_record(Lsn lsn, std::uint64_t chain, std::string_view payload);
/// @returns a view into `value`.
SealedRecord open_record(Lsn lsn, std::string_view value);

/// The value of a batch in `images`. The block is LZ4's.
struct SealedBatch {
  std::uint32_t size = 0;  ///< Of what the block becomes.
  std::string_view block;
};
std::string seal_batch(const ImageKey& key, const SealedBatch& batch);
/// @returns a view into `value`.
SealedBatch open_batch(const ImageKey& key, std::string_view value);

/// Which records a run has. `bytes` counts their values.
struct RunSpan {
  Lsn first{};
  Lsn last{};
  std::uint64_t bytes = 0;
  friend bool operator==(const RunSpan&, const RunSpan&) = default;
};

std::string seal_span(RunId run, const RunSpan& span);
RunSpan open_span(RunId run, std::string_view value);

/// The state of the journal, rewritten by each LMDB transaction that writes.
struct Head {
  std::uint32_t version = format::version;  ///< As it was read; the present one is written.
  Lsn first{1};                             ///< The oldest record kept; one past `last` while there is none.
  std::uint64_t anchor = 0;                 ///< The checksum of the record before `first`: where the chain hangs.
  Lsn last{};
  std::uint64_t tail = 0;  ///< The checksum of `last`: where the chain ends.
  Lsn checkpoint{1};
  Lsn last_commit{};
  RunId next_run{1};
  RunId open_run{};         ///< None between runs.
  std::uint64_t bytes = 0;  ///< Of all records kept.
  Lsn last_undo{};          ///< The newest UndoEnd that is done.
  Lsn first_image{};        ///< The images of transactions before it have been let go.
  std::string database_id{};
  friend bool operator==(const Head&, const Head&) = default;
};

std::string seal_head(const Head& head);
/// @throws Error `newer_format` before anything but the version is looked at.
Head open_head(std::string_view value);

}  // namespace belay::journal

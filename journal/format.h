#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

/// The constants of the stored form, alone. docs/journal-format.md explains them; a change to any needs a new number.
namespace belay::journal::format {

constexpr std::uint32_t version = 4;

/// The first format: without `images` and the last two numbers of the header. Formats 1 to 3 are read, and become the
/// present one by the first write; format 2 lacks two kinds of planned revisions, format 3 rebuilds.
constexpr std::uint32_t version_without_images = 1;

/// Named databases of the LMDB file, and the one key of `meta`.
constexpr const char* log_table = "log";
constexpr const char* meta_table = "meta";
constexpr const char* runs_table = "runs";
constexpr const char* images_table = "images";
constexpr std::string_view head_key = "head";

/// First byte of a record's payload. Zero is reserved: a page of zeros is no record.
enum class Type : std::uint8_t {
  run_begin = 1,
  planned_revision = 2,
  transaction_begin = 3,
  step_begin = 4,
  stamp_begin = 5,
  revision_rollback = 6,
  transaction_commit = 7,
  transaction_rollback = 8,
  run_end = 9,
  footprint = 10,
  undo_begin = 11,
  undo_end = 12,
  planned_revision_with_rebuilds = 13,
};

/// Keys of `log` and `runs`: the number, big endian, so that LMDB's order is the order of numbers.
constexpr std::size_t key_size = 8;

/// Keys of `images`: TransactionBegin and number of the batch (4 bytes), both big endian.
constexpr std::size_t image_key_size = 8 + 4;

/// Before a batch's LZ4 block: checksum, size of the batch as it is decompressed.
constexpr std::size_t batch_header_size = 8 + 4;

/// Before an image within a batch: place, size.
constexpr std::size_t image_header_size = 8 + 4;

/// Before a record's payload: checksum, then the checksum of the record before it. Little endian, as all below.
constexpr std::size_t record_header_size = 16;

/// A value of `runs`: checksum, first LSN, last LSN, bytes.
constexpr std::size_t span_size = 32;

/// A value of `meta`: version (4 bytes), checksum, eleven numbers; the database's id is the rest.
constexpr std::size_t head_size = 4 + 8 + 11 * 8;
constexpr std::size_t head_size_without_images = 4 + 8 + 9 * 8;

/// What a journal is called until it is whole, and what LMDB calls the lock file beside it.
constexpr const char* unfinished_suffix = ".new";
constexpr const char* lock_suffix = "-lock";

}  // namespace belay::journal::format

#pragma once

#include <cstdint>
#include <optional>

#include "journal/lmdb.h"
#include "journal/record.h"
#include "journal/stored.h"

namespace belay::journal {

struct Tables {
  lmdb::Table log;
  lmdb::Table meta;
  lmdb::Table runs;
};

/// Makes them when the environment is being created. The version is looked at before the other tables are.
Tables open_tables(lmdb::Transaction& transaction);
Head read_head(const lmdb::Transaction& transaction, const Tables& tables);

/// Reads records in order within one transaction. Each is checked (checksum, number, chain) before it is decoded, and
/// the last one against the header. Errors are `damaged` and name the record, not the file.
class LogReader {
 public:
  struct Entry {
    Lsn lsn;
    std::uint64_t bytes = 0;  ///< Of its stored value.
    Record record;
  };

  /// @param from  the first record wanted; what was pruned is passed over.
  LogReader(const lmdb::Transaction& transaction, const Tables& tables, Lsn from);

  [[nodiscard]] const Head& head() const { return head_; }
  /// Of the values read so far.
  [[nodiscard]] std::uint64_t bytes() const { return bytes_; }

  std::optional<Entry> next(Detail detail = Detail::whole);

 private:
  std::optional<Entry> finish(const std::optional<lmdb::Item>& beyond);

  Head head_;
  lmdb::Cursor cursor_;
  Lsn next_;
  std::uint64_t chain_ = 0;
  bool started_ = false;
  std::uint64_t bytes_ = 0;
};

}  // namespace belay::journal

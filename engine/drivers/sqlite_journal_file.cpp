#include "engine/drivers/sqlite_journal_file.h"

#include <sqlite3.h>

#include <algorithm>
#include <cstring>
#include <new>
#include <utility>

namespace belay::engine::drivers {
namespace {

/// SQLite's own VFS takes less than 128 KiB at once: seekAndWriteFd and seekAndRead cut the rest off.
constexpr std::size_t buffer_bytes = std::size_t{64} << 10U;

}  // namespace

int SqliteJournalFile::read(void* to, int size, std::int64_t offset) {
  const bool sequential = std::exchange(read_to_, offset + size) == offset && reads_ahead_;
  auto* const bytes = static_cast<char*>(to);
  if (sequential && read_ahead(size, offset)) {
    std::memcpy(bytes, ahead_.data() + (offset - ahead_at_), static_cast<std::size_t>(size));
    return SQLITE_OK;
  }
  const int code = file_->pMethods->xRead(file_, to, size, offset);
  const std::int64_t from = std::max(offset, waiting_at_);
  const std::int64_t until = std::min(offset + size, end());
  if (from >= until || (code != SQLITE_OK && code != SQLITE_IOERR_SHORT_READ)) return code;
  std::memcpy(bytes + (from - offset), waiting_.data() + (from - waiting_at_), static_cast<std::size_t>(until - from));
  return until == offset + size ? SQLITE_OK : code;
}

/// @returns whether all of it is in `ahead_` now.
bool SqliteJournalFile::read_ahead(int size, std::int64_t offset) {
  const auto has_it = [&] {
    return offset >= ahead_at_ && offset + size <= ahead_at_ + static_cast<std::int64_t>(ahead_.size());
  };
  if (has_it()) return true;
  ahead_.clear();
  sqlite3_int64 bytes = 0;
  if (file_->pMethods->xFileSize(file_, &bytes) != SQLITE_OK) return false;
  if (!waiting_.empty()) bytes = std::min<sqlite3_int64>(bytes, waiting_at_);
  const std::int64_t length = std::min<std::int64_t>(buffer_bytes, bytes - offset);
  if (length < size) return false;
  try {
    ahead_.resize(static_cast<std::size_t>(length));
  } catch (const std::bad_alloc&) {
    return false;
  }
  ahead_at_ = offset;
  if (file_->pMethods->xRead(file_, ahead_.data(), static_cast<int>(length), offset) != SQLITE_OK) ahead_.clear();
  return has_it();
}

int SqliteJournalFile::write(const void* from, int size, std::int64_t offset) {
  ahead_.clear();
  const auto bytes = static_cast<std::size_t>(size);
  const bool appends = offset == end();
  if (!appends || waiting_.size() + bytes > buffer_bytes)
    if (const int code = flush(); code != SQLITE_OK) return code;
  if (appends && bytes < buffer_bytes) {
    try {
      waiting_.append(static_cast<const char*>(from), bytes);
      return SQLITE_OK;
    } catch (const std::bad_alloc&) {  // It is written at once.
      if (const int code = flush(); code != SQLITE_OK) return code;
    }
  }
  const int code = file_->pMethods->xWrite(file_, from, size, offset);
  if (code == SQLITE_OK) waiting_at_ = offset + size;
  return code;
}

int SqliteJournalFile::truncate(std::int64_t size) {
  ahead_.clear();
  if (size <= waiting_at_) waiting_.clear();
  const int code = flush();
  return code == SQLITE_OK ? file_->pMethods->xTruncate(file_, size) : code;
}

int SqliteJournalFile::size(std::int64_t* size) {
  sqlite3_int64 bytes = 0;
  const int code = file_->pMethods->xFileSize(file_, &bytes);
  *size = waiting_.empty() ? bytes : std::max<std::int64_t>(bytes, end());
  return code;
}

int SqliteJournalFile::sync(int flags) {
  const int code = flush();
  return code == SQLITE_OK ? file_->pMethods->xSync(file_, flags) : code;
}

int SqliteJournalFile::flush() {
  if (waiting_.empty()) return SQLITE_OK;
  const int code = file_->pMethods->xWrite(file_, waiting_.data(), static_cast<int>(waiting_.size()), waiting_at_);
  if (code != SQLITE_OK) return code;
  waiting_at_ = end();
  waiting_.clear();
  return SQLITE_OK;
}

}  // namespace belay::engine::drivers

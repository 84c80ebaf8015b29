#include "journal/log_reader.h"

#include <algorithm>
#include <utility>

#include "journal/format.h"

namespace belay::journal {
namespace {

void require(bool holds, const char* rule, Lsn lsn = {}) {
  if (!holds) throw Error(ErrorCode::damaged, rule, {}, lsn);
}

/// What reading a record's bytes throws, with the record's number.
template <class Read>
auto at(Lsn lsn, const Read& read) {
  try {
    return read();
  } catch (const Error& error) {
    throw Error(error.code(), error.what(), {}, lsn);
  }
}

}  // namespace

Tables open_tables(lmdb::Transaction& transaction) {
  Tables tables;
  tables.meta = transaction.table(format::meta_table);
  const auto value = transaction.get(tables.meta, format::head_key);
  const std::uint32_t version = value ? open_head(*value).version : format::version;
  tables.log = transaction.table(format::log_table);
  tables.runs = transaction.table(format::runs_table);
  if (version > format::version_without_images) transaction.table(format::images_table);
  return tables;
}

Head read_head(const lmdb::Transaction& transaction, const Tables& tables) {
  const auto value = transaction.get(tables.meta, format::head_key);
  require(value.has_value(), "the journal has no header");
  return open_head(*value);
}

LogReader::LogReader(const lmdb::Transaction& transaction, const Tables& tables, Lsn from)
    : head_(read_head(transaction, tables)), cursor_(transaction, tables.log), next_(std::max(from, head_.first)) {
  if (next_ == head_.first) {
    chain_ = head_.anchor;
  } else if (next_ <= head_.last) {
    const Lsn before{next_.value - 1};
    const auto value = transaction.get(tables.log, key_of(before));
    require(value.has_value(), "the record is missing", before);
    chain_ = at(before, [&] { return open_record(before, *value).checksum; });
  }
}

std::optional<LogReader::Entry> LogReader::next(Detail detail) {
  const auto item = started_ ? cursor_.next() : cursor_.seek(key_of(next_));
  started_ = true;
  if (next_ > head_.last) return finish(item);
  require(item && item->key == key_of(next_), "the record is missing", next_);
  const Lsn lsn = std::exchange(next_, Lsn{next_.value + 1});
  return at(lsn, [&]() -> Entry {
    const SealedRecord sealed = open_record(lsn, item->value);
    require(sealed.chain == chain_, "the record does not follow from the one before it");
    require(lsn != head_.last || sealed.checksum == head_.tail, "the last record is not the one the header names");
    chain_ = sealed.checksum;
    bytes_ += item->value.size();
    return {lsn, item->value.size(), decode(sealed.payload, detail)};
  });
}

/// Behind the last record nothing may stand.
std::optional<LogReader::Entry> LogReader::finish(const std::optional<lmdb::Item>& beyond) {
  require(!beyond, "a record stands behind the last one", next_);
  return std::nullopt;
}

}  // namespace belay::journal

#include "journal/log_reader.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "journal/format.h"
#include "journal/grammar.h"

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

/// Holds the log to its grammar, and the spans and the header to the log.
class Verifier {
 public:
  Verifier(const lmdb::Transaction& transaction, const Tables& tables) : transaction_(transaction), tables_(tables) {}

  void accept(const LogReader::Entry& entry) {
    grammar_.accept(entry.lsn, entry.record);
    if (const auto* begin = std::get_if<RunBegin>(&entry.record)) {
      run_ = begin->run;
      span_ = {.first = entry.lsn};
      ++summary_.runs;
    }
    span_.last = entry.lsn;
    span_.bytes += entry.bytes;
    bytes_ += entry.bytes;
    ++summary_.records;
    if (std::holds_alternative<RunEnd>(entry.record)) check_span();
  }

  Journal::Summary finish(const Head& head) {
    grammar_.finish();
    const bool open = grammar_.open_run().has_value();
    if (open) check_span();
    require(transaction_.count(tables_.runs) == summary_.runs, "the journal lists runs that it does not have");
    require(transaction_.count(tables_.log) == summary_.records, "the journal has records out of sequence");
    require(head.bytes == bytes_, "the header's size of the log is wrong");
    require(head.open_run == grammar_.open_run().value_or(RunId{}), "the header's open run is wrong");
    require(head.checkpoint == (open ? span_.first : Lsn{head.last.value + 1}), "the header's checkpoint is wrong");
    require(!run_ || head.next_run.value == run_.value + 1, "the header's next run is wrong");
    const std::optional<Lsn> commit = grammar_.last_commit();
    require(commit ? head.last_commit == *commit : head.last_commit < head.first,
            "the header's last transaction is wrong");
    summary_.first = summary_.records > 0 ? head.first : Lsn{};
    summary_.last = head.last;
    return summary_;
  }

 private:
  void check_span() const {
    const auto stored = transaction_.get(tables_.runs, key_of(run_));
    require(stored && open_span(run_, *stored) == span_, "the journal lists a run at the wrong place", span_.first);
  }

  const lmdb::Transaction& transaction_;
  const Tables& tables_;
  Grammar grammar_;
  Journal::Summary summary_;
  RunId run_;
  RunSpan span_;
  std::uint64_t bytes_ = 0;
};

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

std::optional<LogReader::Entry> LogReader::next() {
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
    return {lsn, item->value.size(), decode(sealed.payload)};
  });
}

/// Behind the last record nothing may stand.
std::optional<LogReader::Entry> LogReader::finish(const std::optional<lmdb::Item>& beyond) {
  require(!beyond, "a record stands behind the last one", next_);
  return std::nullopt;
}

Journal::Summary verify_log(const lmdb::Transaction& transaction, const Tables& tables) {
  Verifier verifier(transaction, tables);
  LogReader reader(transaction, tables, Lsn{});
  while (const auto entry = reader.next()) verifier.accept(*entry);
  return verifier.finish(reader.head());
}

}  // namespace belay::journal

#include "journal/store.h"

#include <fmt/format.h>

#include <algorithm>
#include <cassert>
#include <utility>

#include "journal/format.h"
#include "journal/runs.h"
#include "journal/verifier.h"

namespace belay::journal {
namespace {

/// Kept free in the map while a run is open, so that it can be closed without growing: address space may be gone by
/// then.
constexpr std::size_t closing_room_bytes = std::size_t{1} << 20U;

/// A scan holds no LMDB transaction while its visitor works, or a slow one would keep the file growing: it reads this
/// much, lets go, and hands on.
constexpr std::size_t scan_records_max = 4096;
constexpr std::uint64_t scan_bytes_max = 1U << 20U;

/// Images beyond this are made durable at once. While they are, as many again may wait, and LMDB keeps them in memory,
/// too.
constexpr std::size_t waiting_image_bytes_max = std::size_t{4} << 20U;

/// What is written next is appended, so that nothing may stand there: found before anything is done, and not after.
void require_end(lmdb::Transaction& transaction, const Tables& tables, const Head& head) {
  const auto require = [](bool holds) {
    if (!holds) throw Error(ErrorCode::damaged, "a record stands where the next one belongs");
  };
  const auto record = lmdb::Cursor(transaction, tables.log).last();
  require(!record || number_of(record->key) <= head.last.value);
  const auto images = find_images(transaction);
  const auto image = images ? lmdb::Cursor(transaction, *images).last() : std::nullopt;
  if (!image) return;
  const ImageKey newest = image_key_of(image->key);
  require(newest.transaction <= head.last);
  if (newest.transaction < head.first_image) return;  // Being erased, from its first one on.
  const auto use = image_use(transaction, *images, newest.transaction, newest.transaction);
  require(use.batches == newest.batch + std::uint64_t{1});
}

}  // namespace

Journal::Store::Store(const std::filesystem::path& file, Access access)
    : environment_(file, access == Access::read ? lmdb::Environment::Access::read : lmdb::Environment::Access::write),
      writable_(access == Access::write) {
  read([this](lmdb::Transaction& transaction) {
    tables_ = open_tables(transaction);
    durable_ = read_head(transaction, tables_);
    if (writable_) require_end(transaction, tables_, durable_);
  });
  tip_ = durable_;
}

void Journal::Store::build(const std::filesystem::path& file, const std::string& database_id, Lsn after) {
  const Lsn first{after.value + 1};
  const Head head{.first = first, .last = after, .checkpoint = first, .last_commit = after, .database_id = database_id};
  lmdb::Environment environment(file, lmdb::Environment::Access::create);
  environment.write([&head](lmdb::Transaction& transaction) {
    const Tables tables = open_tables(transaction);
    transaction.put(tables.meta, format::head_key, seal_head(head));
  });
}

/// Takes up what another process has written since. Between runs nothing is appended that this could lose.
void Journal::Store::refresh() {
  assert(appended_.empty());
  tip_ = durable_ = durable_now();
}

Head Journal::Store::durable_now() const {
  Head head;
  read([&](lmdb::Transaction& transaction) { head = read_head(transaction, tables_); });
  return head;
}

bool Journal::Store::is_up_to_date() const {
  return durable_now() == durable_ && environment_.is_at_its_place();
}

/// Adds the place to what the codecs and the grammar throw.
template <class Action>
void Journal::Store::with_place(const Action& action) const {
  try {
    action();
  } catch (const Error& error) {
    if (!error.file().empty()) throw;
    throw Error(error.code(), error.what(), file(), error.lsn());
  }
}

void Journal::Store::read(const std::function<void(lmdb::Transaction&)>& look) const {
  if (writing_.valid()) writing_.wait();
  with_place([&] { environment_.read(look); });
}

void Journal::Store::write(const std::function<void(lmdb::Transaction&)>& change) {
  with_place([&] {
    environment_.write([&](lmdb::Transaction& transaction) {
      require_unchanged(transaction);
      change(transaction);
    });
  });
}

void Journal::Store::require_writable() const {
  if (!writable_) throw Error(ErrorCode::unavailable, "the journal was opened for reading", file());
  if (failed_) {
    throw Error(ErrorCode::unavailable, "an earlier write failed; the journal has to be closed and opened again",
                file());
  }
}

RunId Journal::Store::begin(RunBegin run, std::vector<PlannedRevision> plan) {
  require_writable();
  if (!tip_.open_run) refresh();
  if (tip_.open_run) throw Error(ErrorCode::unfinished_run, "the run before was never finished", file());
  open_run(std::move(run), std::move(plan));
  commit(nullptr);
  return tip_.open_run;
}

/// The images of what is closed here may be those of something that has happened: they are let go as a whole, at once,
/// and not erased piece by piece before the commit.
RunId Journal::Store::supersede(const std::optional<Record>& closing, RunEnd end, RunBegin run,
                                std::vector<PlannedRevision> plan) {
  require_writable();
  assert(tip_.open_run && appended_.empty());
  if (closing) append(*closing);
  voided_.reset();
  end.run = tip_.open_run;
  append(end);
  tip_.first_image = tip_.checkpoint;
  open_run(std::move(run), std::move(plan));
  commit(nullptr);
  erase_pruned();
  return tip_.open_run;
}

void Journal::Store::open_run(RunBegin run, std::vector<PlannedRevision> plan) {
  run.run = tip_.next_run;
  run.planned = plan.size();
  append(std::move(run));
  for (std::size_t i = 0; i < plan.size(); ++i) {
    plan[i].ordinal = i;
    append(std::move(plan[i]));
  }
}

Lsn Journal::Store::append(const Record& record) {
  require_writable();
  const Lsn lsn{tip_.last.value + 1};
  std::string value = seal_record(lsn, tip_.tail, encode(record));
  tip_.last = lsn;
  tip_.tail = open_record(lsn, value).checksum;
  tip_.bytes += value.size();
  advance(lsn, record);
  appended_.push_back({lsn, std::move(value)});
  return lsn;
}

/// What a record changes in the header besides its end.
void Journal::Store::advance(Lsn lsn, const Record& record) {
  if (const auto* begin = std::get_if<RunBegin>(&record)) {
    tip_.open_run = begin->run;
    tip_.next_run = {begin->run.value + 1};
    tip_.checkpoint = lsn;
  } else if (std::holds_alternative<TransactionBegin>(record)) {
    waiting_.begin(lsn);
  } else if (const auto* commit = std::get_if<TransactionCommit>(&record)) {
    tip_.last_commit = commit->begin;
    waiting_.end();
  } else if (const auto* rollback = std::get_if<TransactionRollback>(&record)) {
    void_images(rollback->begin);
  } else if (const auto* undo = std::get_if<UndoEnd>(&record); undo != nullptr && undo->done) {
    tip_.last_commit = undo->last_commit;
    tip_.last_undo = lsn;
    void_images({undo->last_commit.value + 1});
  } else if (std::holds_alternative<RunEnd>(record)) {
    tip_.open_run = {};
    tip_.checkpoint = {lsn.value + 1};
  }
}

/// What was undone or rolled back is newer than all that is in force.
void Journal::Store::void_images(Lsn first) {
  waiting_.end();
  waiting_.drop_from(first);
  voided_ = std::min(voided_.value_or(first), first);
}

void Journal::Store::keep_image(std::uint64_t place, std::string_view content) {
  require_writable();
  waiting_.keep(place, content);
  if (waiting_.bytes() < waiting_image_bytes_max) return;
  if (waiting_.transaction() > durable_.last)
    commit(nullptr);
  else
    write_behind();
}

/// Images alone, of a transaction whose begin is durable, while the database goes on. A crash leaves an open
/// transaction with some of its images, as it would between two commits.
void Journal::Store::write_behind() {
  finish_writing();
  reserve();
  // Where the system gives no thread, it is done when somebody waits for it.
  writing_ = std::async(std::launch::async | std::launch::deferred, [this, batches = waiting_.take()] {
    write([&](lmdb::Transaction& transaction) {
      append_images(transaction, transaction.make_table(format::images_table), batches);
    });
  });
}

/// @throws Error what has gone wrong there; no further write is let through then.
void Journal::Store::finish_writing() {
  if (!writing_.valid()) return;
  failed_ = true;
  writing_.get();
  failed_ = false;
}

void Journal::Store::carry_on(Lsn transaction) {
  ImageUse use;
  read([&](lmdb::Transaction& reading) {
    const auto images = find_images(reading);
    if (images) use = image_use(reading, *images, transaction, transaction);
  });
  waiting_.begin(transaction, use.batches);
}

/// Makes everything appended durable, with the header that goes with it, in one LMDB transaction. Prunes in the same
/// one. Whatever fails, the state in memory stays what it was and no further write is let through: after a failed
/// commit nobody knows what is durable before the file is opened again.
/// @returns how many runs were pruned.
std::uint64_t Journal::Store::commit(const Retention* retention) {
  require_writable();
  finish_writing();
  waiting_.close_batch();
  if (appended_.empty() && waiting_.empty() && retention == nullptr) return 0;
  failed_ = true;
  reserve();
  erase_voided();
  Head head;
  std::uint64_t dropped = 0;
  const auto batches = waiting_.take();
  write([&](lmdb::Transaction& transaction) {
    head = tip_;
    head.version = format::version;
    const lmdb::Table images = transaction.make_table(format::images_table);  // which the first format does not have
    if (voided_) erase_images_from(transaction, images, *voided_);
    write_log(transaction);
    write_spans(transaction);
    append_images(transaction, images, batches);
    dropped = retention == nullptr ? 0 : prune_runs(transaction, tables_, head, *retention);
    transaction.put(tables_.meta, format::head_key, seal_head(head));
  });
  durable_ = head;
  tip_ = head;
  appended_.clear();
  voided_.reset();
  if (retention != nullptr) erase_pruned();
  failed_ = false;
  return dropped;
}

void Journal::Store::reserve() {
  if (!tip_.open_run) return;
  environment_.reserve(2 * (tip_.bytes - durable_.bytes) + waiting_.bytes() + closing_room_bytes, waiting_.batches());
}

/// All but the last piece, which goes with the record that makes them void. A crash in between leaves a transaction
/// that was rolled back, or an undo that has taken effect, without some images that nobody needs any more, and without
/// its record: restart writes that, and erases the rest.
void Journal::Store::erase_voided() {
  const auto more = [this] {
    ImageUse use;
    read([&](lmdb::Transaction& transaction) {
      const auto images = find_images(transaction);
      if (images) use = image_use(transaction, *images, *voided_, tip_.last);
    });
    return use.batches > erased_batches_max;
  };
  while (voided_ && more()) {
    write([this](lmdb::Transaction& transaction) {
      erase_images_from(transaction, find_images(transaction).value(), *voided_);
    });
  }
}

/// What pruning has left behind. A crash leaves some of it, which the next pruning erases.
void Journal::Store::erase_pruned() {
  const auto any = [this] {
    ImageUse use;
    read([&](lmdb::Transaction& transaction) {
      use = image_use(transaction, find_images(transaction).value(), {}, {tip_.first_image.value - 1});
    });
    return use.batches > 0;
  };
  if (!tip_.first_image || !any()) return;
  for (bool gone = false; !gone;) {
    write([&](lmdb::Transaction& transaction) {
      gone = erase_images_before(transaction, find_images(transaction).value(), tip_.first_image);
    });
  }
}

/// One process writes at a time; if another one did since we looked, what was appended here no longer fits.
void Journal::Store::require_unchanged(const lmdb::Transaction& transaction) const {
  const Head stored = read_head(transaction, tables_);
  if (stored == durable_) return;
  const ErrorCode code = stored.open_run ? ErrorCode::unfinished_run : ErrorCode::unavailable;
  throw Error(code, "another process has written to the journal", file());
}

void Journal::Store::write_log(lmdb::Transaction& transaction) const {
  for (const auto& [lsn, value] : appended_) transaction.append(tables_.log, key_of(lsn), value);
}

/// Records are appended only within a run. A flush spans two when one supersedes the other.
void Journal::Store::write_spans(lmdb::Transaction& transaction) const {
  const std::span<const Appended> all(appended_);
  const auto of_older =
      tip_.open_run
          ? std::ranges::count_if(all, [this](const Appended& record) { return record.lsn < tip_.checkpoint; })
          : 0;
  const auto older = all.first(static_cast<std::size_t>(of_older));
  if (!older.empty()) write_span(transaction, {tip_.next_run.value - 2}, older);
  const auto newer = all.subspan(older.size());
  if (!newer.empty()) write_span(transaction, {tip_.next_run.value - 1}, newer);
}

void Journal::Store::write_span(lmdb::Transaction& transaction, RunId run, std::span<const Appended> records) const {
  const auto stored = transaction.get(tables_.runs, key_of(run));
  RunSpan span = stored ? open_span(run, *stored) : RunSpan{.first = records.front().lsn};
  span.last = records.back().lsn;
  for (const auto& record : records) span.bytes += record.value.size();
  transaction.put(tables_.runs, key_of(run), seal_span(run, span));
}

void Journal::Store::scan(Lsn from, const std::function<bool(const Entry&)>& visit, Detail detail) const {
  std::optional<Lsn> end;
  for (Lsn next = from; !end || next <= *end;) {
    std::vector<Entry> batch;
    read([&](lmdb::Transaction& transaction) {
      LogReader reader(transaction, tables_, next);
      if (!end) end = reader.head().last;
      while (batch.size() < scan_records_max && reader.bytes() < scan_bytes_max) {
        std::optional<LogReader::Entry> entry = reader.next(detail);
        if (!entry) break;
        batch.push_back({entry->lsn, std::move(entry->record)});
      }
    });
    if (batch.empty()) return;
    for (const Entry& entry : batch) {
      if (!visit(entry)) return;
    }
    next = {batch.back().lsn.value + 1};
  }
}

std::optional<Record> Journal::Store::record(Lsn lsn) const {
  std::optional<Record> found;
  read([&](lmdb::Transaction& transaction) {
    auto entry = LogReader(transaction, tables_, lsn).next();
    if (entry && entry->lsn == lsn) found = std::move(entry->record);
  });
  return found;
}

void Journal::Store::scan_images(Lsn owner, const std::function<void(std::uint64_t, std::string_view)>& visit) const {
  std::string raw;
  std::optional<std::uint64_t> batches;
  for (ImageKey key{owner}; load_images(key, batches, raw); ++key.batch) visit_images(raw, visit);
}

/// @param batches  how many there were to begin with.
/// @returns false behind the last one.
bool Journal::Store::load_images(const ImageKey& key, std::optional<std::uint64_t>& batches, std::string& raw) const {
  if (batches && key.batch >= *batches) return false;
  bool found = false;
  read([&](lmdb::Transaction& transaction) {
    const auto images = find_images(transaction);
    const bool kept = images && key.transaction >= read_head(transaction, tables_).first_image;
    if (!batches) batches = kept ? image_use(transaction, *images, key.transaction, key.transaction).batches : 0;
    found = kept && *batches > 0 && read_images(transaction, *images, key, raw);
  });
  if (!found && *batches > 0) {
    throw Error(ErrorCode::damaged, "a batch of images is missing", file(), key.transaction);
  }
  return found;
}

std::vector<Journal::Run> Journal::Store::runs() const {
  std::vector<Run> runs;
  read(
      [&](lmdb::Transaction& transaction) { runs = list_runs(transaction, tables_, read_head(transaction, tables_)); });
  return runs;
}

Journal::Summary Journal::Store::verify() const {
  environment_.check_values();
  Summary summary;
  read([&](lmdb::Transaction& transaction) { summary = verify_all(transaction, tables_); });
  summary.bytes = std::filesystem::file_size(file());
  return summary;
}

}  // namespace belay::journal

#include "journal/journal.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cassert>
#include <cerrno>
#include <cstdio>
#include <system_error>
#include <utility>

#include "journal/format.h"
#include "journal/grammar.h"
#include "journal/lmdb.h"
#include "journal/log_reader.h"
#include "journal/stored.h"

namespace belay::journal {
namespace {

/// Kept free in the map while a run is open, so that it can be closed without growing: address space may be gone by
/// then.
constexpr std::size_t closing_room_bytes = std::size_t{1} << 20U;

/// A scan holds no LMDB transaction while its visitor works, or a slow one would keep the file growing: it reads this
/// much, lets go, and hands on.
constexpr std::size_t scan_records_max = 512;
constexpr std::uint64_t scan_bytes_max = 1U << 20U;

[[noreturn]] void raise(int code, const char* doing, const std::filesystem::path& file) {
  const ErrorCode kind = code == ENOSPC || code == EDQUOT ? ErrorCode::no_space : ErrorCode::unavailable;
  throw Error(kind, fmt::format("cannot {}: {}", doing, std::generic_category().message(code)), file);
}

void sync(const std::filesystem::path& path, int flags) {
  const int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | flags);
  if (descriptor < 0) raise(errno, "open for syncing", path);
  const int code = ::fsync(descriptor) == 0 ? 0 : errno;
  ::close(descriptor);
  if (code != 0) raise(code, "sync", path);
}

void remove_if_there(const std::filesystem::path& file) {
  if (::unlink(file.c_str()) != 0 && errno != ENOENT) raise(errno, "remove", file);
}

/// Not every file system knows RENAME_NOREPLACE; a hard link does not replace either.
void rename_to_new(const std::filesystem::path& from, const std::filesystem::path& to) {
  if (::renameat2(AT_FDCWD, from.c_str(), AT_FDCWD, to.c_str(), RENAME_NOREPLACE) == 0) return;
  if (errno != EINVAL && errno != ENOSYS) raise(errno, "create the journal", to);
  if (::link(from.c_str(), to.c_str()) != 0) raise(errno, "create the journal", to);
  remove_if_there(from);
}

std::filesystem::path with_suffix(std::filesystem::path file, const char* suffix) {
  return file += suffix;
}

}  // namespace

class Journal::Store {
 public:
  Store(const std::filesystem::path& file, Access access)
      : environment_(file, access == Access::read ? lmdb::Environment::Access::read : lmdb::Environment::Access::write),
        writable_(access == Access::write) {
    read([this](lmdb::Transaction& transaction) {
      tables_ = open_tables(transaction);
      durable_ = read_head(transaction, tables_);
    });
    tip_ = durable_;
  }

  /// A journal without a record.
  static void build(const std::filesystem::path& file, const std::string& database_id) {
    lmdb::Environment environment(file, lmdb::Environment::Access::create);
    environment.write([&database_id](lmdb::Transaction& transaction) {
      const Tables tables = open_tables(transaction);
      transaction.put(tables.meta, format::head_key, seal_head({.database_id = database_id}));
    });
  }

  [[nodiscard]] const std::filesystem::path& file() const { return environment_.file(); }
  /// The state with what was appended.
  [[nodiscard]] const Head& tip() const { return tip_; }

  RunId begin(RunBegin run, std::vector<PlannedRevision> plan);
  Lsn append(const Record& record);
  std::uint64_t commit(const Retention* retention);
  void scan(Lsn from, const std::function<bool(const Entry&)>& visit) const;
  Summary verify() const;

 private:
  struct Appended {
    Lsn lsn;
    std::string value;
  };

  template <class Action>
  void with_place(const Action& action) const;
  void read(const std::function<void(lmdb::Transaction&)>& look) const;
  void refresh();
  void require_writable() const;
  void require_unchanged(const lmdb::Transaction& transaction) const;
  void write_log(lmdb::Transaction& transaction) const;
  void write_span(lmdb::Transaction& transaction) const;
  std::uint64_t drop_runs(lmdb::Transaction& transaction, Head& head, const Retention& retention) const;
  void drop_run(lmdb::Transaction& transaction, Head& head, RunId run, const RunSpan& span) const;
  void advance(Lsn lsn, const Record& record);

  lmdb::Environment environment_;
  bool writable_;
  bool failed_ = false;
  Tables tables_;
  Head durable_;
  Head tip_;
  std::vector<Appended> appended_;
};

/// Takes up what another process has written since. Between runs nothing is appended that this could lose.
void Journal::Store::refresh() {
  assert(appended_.empty());
  read([this](lmdb::Transaction& transaction) { durable_ = read_head(transaction, tables_); });
  tip_ = durable_;
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
  with_place([&] { environment_.read(look); });
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

  run.run = tip_.next_run;
  run.planned = plan.size();
  append(std::move(run));
  for (std::size_t i = 0; i < plan.size(); ++i) {
    plan[i].ordinal = i;
    append(std::move(plan[i]));
  }
  commit(nullptr);
  return tip_.open_run;
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
  } else if (const auto* commit = std::get_if<TransactionCommit>(&record)) {
    tip_.last_commit = commit->begin;
  } else if (std::holds_alternative<RunEnd>(record)) {
    tip_.open_run = {};
    tip_.checkpoint = {lsn.value + 1};
  }
}

/// Makes everything appended durable, with the header that goes with it, in one LMDB transaction. Prunes in the same
/// one. Whatever fails, the state in memory stays what it was and no further write is let through: after a failed
/// commit nobody knows what is durable before the file is opened again.
/// @returns how many runs were pruned.
std::uint64_t Journal::Store::commit(const Retention* retention) {
  require_writable();
  if (appended_.empty() && retention == nullptr) return 0;
  failed_ = true;
  if (tip_.open_run) environment_.reserve(2 * (tip_.bytes - durable_.bytes) + closing_room_bytes);
  Head head;
  std::uint64_t dropped = 0;
  const auto change = [&](lmdb::Transaction& transaction) {
    require_unchanged(transaction);
    head = tip_;
    write_log(transaction);
    if (!appended_.empty()) write_span(transaction);
    dropped = retention == nullptr ? 0 : drop_runs(transaction, head, *retention);
    transaction.put(tables_.meta, format::head_key, seal_head(head));
  };
  with_place([&] { environment_.write(change); });
  durable_ = head;
  tip_ = head;
  appended_.clear();
  failed_ = false;
  return dropped;
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

/// Records are appended only within a run, and a flush never spans two.
void Journal::Store::write_span(lmdb::Transaction& transaction) const {
  const RunId run{tip_.next_run.value - 1};
  const auto stored = transaction.get(tables_.runs, key_of(run));
  RunSpan span = stored ? open_span(run, *stored) : RunSpan{.first = appended_.front().lsn};
  span.last = tip_.last;
  for (const auto& record : appended_) span.bytes += record.value.size();
  transaction.put(tables_.runs, key_of(run), seal_span(run, span));
}

std::uint64_t Journal::Store::drop_runs(lmdb::Transaction& transaction, Head& head, const Retention& retention) const {
  const std::uint64_t before = transaction.count(tables_.runs);
  std::uint64_t runs = before;
  // The newest run stays, so an open one does too.
  for (; runs > 1 && (runs > retention.runs || head.bytes > retention.bytes); --runs) {
    const lmdb::Item oldest = lmdb::Cursor(transaction, tables_.runs).seek(key_of(0)).value();
    const RunId run{number_of(oldest.key)};
    drop_run(transaction, head, run, open_span(run, oldest.value));
  }
  return before - runs;
}

void Journal::Store::drop_run(lmdb::Transaction& transaction, Head& head, RunId run, const RunSpan& span) const {
  const auto newest = transaction.get(tables_.log, key_of(span.last));
  if (span.first != head.first || span.last < span.first || !newest) {
    throw Error(ErrorCode::damaged, fmt::format("the records of run {} are not where they should be", run.value),
                file(), span.first);
  }
  head.anchor = open_record(span.last, *newest).checksum;
  head.first = {span.last.value + 1};
  head.bytes -= span.bytes;
  for (Lsn lsn = span.first; lsn <= span.last; ++lsn.value) transaction.erase(tables_.log, key_of(lsn));
  transaction.erase(tables_.runs, key_of(run));
}

void Journal::Store::scan(Lsn from, const std::function<bool(const Entry&)>& visit) const {
  std::optional<Lsn> end;
  for (Lsn next = from; !end || next <= *end;) {
    std::vector<Entry> batch;
    read([&](lmdb::Transaction& transaction) {
      LogReader reader(transaction, tables_, next);
      if (!end) end = reader.head().last;
      while (batch.size() < scan_records_max && reader.bytes() < scan_bytes_max) {
        std::optional<LogReader::Entry> entry = reader.next();
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

Journal::Summary Journal::Store::verify() const {
  Summary summary;
  read([&](lmdb::Transaction& transaction) { summary = verify_log(transaction, tables_); });
  summary.bytes = std::filesystem::file_size(file());
  return summary;
}

Journal::Journal(std::unique_ptr<Store> store) : store_(std::move(store)) {}
Journal::Journal(Journal&&) noexcept = default;
Journal& Journal::operator=(Journal&&) noexcept = default;
Journal::~Journal() = default;

Journal Journal::create(const std::filesystem::path& file, const std::string& database_id) {
  const std::filesystem::path unfinished = with_suffix(file, format::unfinished_suffix);
  const std::filesystem::path folder = file.has_parent_path() ? file.parent_path() : std::filesystem::path(".");
  if (std::filesystem::exists(std::filesystem::symlink_status(file))) {
    throw Error(ErrorCode::unavailable, "there is a journal already", file);
  }
  // A crash up to the rename leaves no journal, and at most the file under its temporary name and its lock file, which
  // the next call removes here.
  remove_if_there(unfinished);
  remove_if_there(with_suffix(unfinished, format::lock_suffix));
  Store::build(unfinished, database_id);
  remove_if_there(with_suffix(unfinished, format::lock_suffix));
  sync(unfinished, 0);  // LMDB has synced its commit; this covers the file's size and mode
  rename_to_new(unfinished, file);
  // A crash here leaves the journal whole under its name, or, when the rename is lost, as before it. It must be on disk
  // before the database learns the journal's identity.
  sync(folder, O_DIRECTORY);
  return open(file, Access::write);
}

Journal Journal::open(const std::filesystem::path& file, Access access) {
  return Journal(std::make_unique<Store>(file, access));
}

const std::filesystem::path& Journal::file() const {
  return store_->file();
}
const std::string& Journal::database_id() const {
  return store_->tip().database_id;
}
Lsn Journal::last() const {
  return store_->tip().last;
}
Lsn Journal::checkpoint() const {
  return store_->tip().checkpoint;
}
Lsn Journal::last_commit() const {
  return store_->tip().last_commit;
}

std::optional<RunId> Journal::open_run() const {
  const RunId run = store_->tip().open_run;
  return run ? std::optional(run) : std::nullopt;
}

RunId Journal::begin(RunBegin run, std::vector<PlannedRevision> plan) {
  return store_->begin(std::move(run), std::move(plan));
}

Lsn Journal::append(const Record& record) {
  assert(open_run() && !std::holds_alternative<RunBegin>(record) && !std::holds_alternative<RunEnd>(record));
  return store_->append(record);
}

void Journal::flush() {
  store_->commit(nullptr);
}

void Journal::end(RunEnd end, const Retention& retention) {
  assert(open_run() && "end needs an open run");
  end.run = open_run().value();
  store_->append(std::move(end));
  store_->commit(&retention);
}

void Journal::scan(Lsn from, const std::function<bool(const Entry&)>& visit) const {
  store_->scan(from, visit);
}

Journal::Summary Journal::verify() const {
  return store_->verify();
}

std::uint64_t Journal::prune(const Retention& retention) {
  return store_->commit(&retention);
}

}  // namespace belay::journal

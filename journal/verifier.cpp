#include "journal/verifier.h"

#include <algorithm>
#include <optional>
#include <string>

#include "journal/grammar.h"
#include "journal/images.h"

namespace belay::journal {
namespace {

/// So much of the log is read before its pages are let go.
constexpr std::uint64_t let_go_bytes = std::uint64_t{4} << 20U;

void require(bool holds, const char* rule, Lsn lsn = {}) {
  if (!holds) throw Error(ErrorCode::damaged, rule, {}, lsn);
}

/// Follows the log through the table of images: each batch is whole, and belongs to a transaction that is in force or
/// open. What retention let go of is not looked at.
class ImageVerifier {
 public:
  ImageVerifier(lmdb::Transaction& transaction, const Head& head)
      : transaction_(transaction), images_(find_images(transaction)), first_(head.first_image) {
    if (!images_) return;
    cursor_.emplace(transaction, *images_);
    meet(cursor_->seek(key_of(ImageKey{first_})));
  }

  void begin(Lsn transaction) {
    require_none_before(transaction);
    std::uint32_t batch = 0;
    for (; next_ && next_->transaction == transaction; ++batch) {
      require(next_->batch == batch, "a batch of images is missing", transaction);
      read_images(transaction_, *images_, *next_, raw_);
      transaction_.let_go();
      meet(cursor_->next());
    }
    of_open_ = batch;
  }

  void roll_back(Lsn transaction) const {
    require(of_open_ == 0, "a transaction that was rolled back has images", transaction);
  }

  /// Only what begins behind the undo may have any.
  void undo(Lsn last_commit, Lsn end) const {
    if (!images_) return;
    const Lsn first = std::max(first_, Lsn{last_commit.value + 1});
    const auto item = lmdb::Cursor(transaction_, *images_).seek(key_of(ImageKey{first}));
    require(!item || image_key_of(item->key).transaction > end, "a transaction that was undone has images", end);
  }

  void finish(Journal::Summary& summary) const {
    require(!next_, "images belong to no transaction", next_ ? next_->transaction : Lsn{});
    summary.images = batches_;
    summary.image_bytes = bytes_;
  }

 private:
  void meet(const std::optional<lmdb::Item>& item) {
    next_.reset();
    if (!item) return;
    next_ = image_key_of(item->key);
    ++batches_;
    bytes_ += item->value.size();
  }

  void require_none_before(Lsn transaction) const {
    require(!next_ || next_->transaction >= transaction, "images belong to no transaction",
            next_ ? next_->transaction : Lsn{});
  }

  lmdb::Transaction& transaction_;
  std::optional<lmdb::Table> images_;
  Lsn first_;
  std::optional<lmdb::Cursor> cursor_;
  std::optional<ImageKey> next_;  ///< The batch at the cursor.
  std::string raw_;
  std::uint32_t of_open_ = 0;  ///< Batches of the last transaction that began.
  std::uint64_t batches_ = 0;
  std::uint64_t bytes_ = 0;
};

/// Holds the log to its grammar, and the spans and the header to the log.
class Verifier {
 public:
  Verifier(lmdb::Transaction& transaction, const Tables& tables, const Head& head)
      : transaction_(transaction), tables_(tables), images_(transaction, head) {}

  void accept(const LogReader::Entry& entry) {
    grammar_.accept(entry.lsn, entry.record);
    if (const auto* begin = std::get_if<RunBegin>(&entry.record)) {
      run_ = begin->run;
      span_ = {.first = entry.lsn};
      ++summary_.runs;
    }
    follow_images(entry);
    span_.last = entry.lsn;
    span_.bytes += entry.bytes;
    if ((bytes_ + entry.bytes) / let_go_bytes > bytes_ / let_go_bytes) transaction_.let_go();
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
    const Lsn undo = grammar_.last_undo();
    require(undo ? head.last_undo == undo : head.last_undo < head.first, "the header's last undo is wrong");
    images_.finish(summary_);
    summary_.first = summary_.records > 0 ? head.first : Lsn{};
    summary_.last = head.last;
    return summary_;
  }

 private:
  void follow_images(const LogReader::Entry& entry) {
    if (std::holds_alternative<TransactionBegin>(entry.record)) {
      images_.begin(entry.lsn);
    } else if (const auto* rollback = std::get_if<TransactionRollback>(&entry.record)) {
      images_.roll_back(rollback->begin);
    } else if (const auto* undo = std::get_if<UndoEnd>(&entry.record); undo != nullptr && undo->done) {
      images_.undo(undo->last_commit, entry.lsn);
    }
  }

  void check_span() const {
    const auto stored = transaction_.get(tables_.runs, key_of(run_));
    require(stored && open_span(run_, *stored) == span_, "the journal lists a run at the wrong place", span_.first);
  }

  lmdb::Transaction& transaction_;
  const Tables& tables_;
  ImageVerifier images_;
  Grammar grammar_;
  Journal::Summary summary_;
  RunId run_;
  RunSpan span_;
  std::uint64_t bytes_ = 0;
};

}  // namespace

Journal::Summary verify_all(lmdb::Transaction& transaction, const Tables& tables) {
  LogReader reader(transaction, tables, Lsn{});
  Verifier verifier(transaction, tables, reader.head());
  while (const auto entry = reader.next()) verifier.accept(*entry);
  return verifier.finish(reader.head());
}

}  // namespace belay::journal

#include <gtest/gtest.h>

#include <rapidcheck/gtest.h>
#include <iterator>
#include <map>
#include <optional>

#include "journal/journal.h"
#include "tests/journal/images.h"

namespace belay::journal {
namespace {

/// What a journal should hold, beside a real one.
class Model {
 public:
  Model() : journal_(Journal::create(file_, "database-1")) {}

  void begin() {
    if (open_) {
      RC_ASSERT(code_of([this] { journal_->begin({}, {}); }) == ErrorCode::unfinished_run);
      return;
    }
    journal_->begin({.command = "migrate"}, {revision("1")});
    PlannedRevision planned = revision("1");
    add(RunBegin{.run = {++run_}, .command = "migrate", .planned = 1});
    add(planned);
    make_durable();
    open_ = true;
  }

  void append() {
    if (!open_) return;
    const std::uint64_t first = records_.size() + 1;
    RC_ASSERT(append_transaction(*journal_) == Lsn{first});
    add(TransactionBegin{{commit_}});
    add(StepBegin{});
    add(StampBegin{});
    add(TransactionCommit{{first}});
    commit_ = first;
    images_[first] = {};
  }

  /// A transaction with images, the last of which are still in memory; committed, or rolled back.
  void keep(std::size_t images, bool commit) {
    if (!open_) return;
    const Lsn begin{records_.size() + 1};
    RC_ASSERT(journal_->append(TransactionBegin{{commit_}}) == begin);
    add(TransactionBegin{{commit_}});
    transaction_ = begin.value;
    const Images kept = pages(images, 100);
    for (const auto& [place, content] : kept) journal_->keep_image(place, content);
    if (images % 2 == 0) flush();
    if (commit) {
      journal_->append(TransactionCommit{begin});
      add(TransactionCommit{begin});
      commit_ = begin.value;
      images_[commit_] = kept;
    } else {
      journal_->append(TransactionRollback{begin, "failed"});
      add(TransactionRollback{begin, "failed"});
    }
    transaction_ = 0;
  }

  /// Takes back all that is newer than some transaction in force.
  void undo(std::size_t left) {
    if (!open_ || images_.empty()) return;
    auto first = std::next(images_.begin(), static_cast<std::ptrdiff_t>(left % images_.size()));
    const Lsn previous{first == images_.begin() ? 0 : std::prev(first)->first};
    const UndoBegin begin{{first->first}, previous, "state"};
    const Lsn undo = journal_->append(begin);
    add(begin);
    const UndoEnd end{undo, true, previous};
    journal_->append(end);
    add(end);
    images_.erase(first, images_.end());
    commit_ = previous.value;
    undo_ = records_.size();
  }

  void flush() {
    journal_->flush();
    make_durable();
  }

  void end() {
    if (!open_) return;
    journal_->end({.outcome = Outcome::done}, {.runs = 3});
    add(RunEnd{.run = {run_}});
    make_durable();
    open_ = false;
  }

  /// As after a crash: what was not flushed is gone, and restart closes what is open.
  void reopen() {
    journal_.reset();
    journal_.emplace(Journal::open(file_, Journal::Access::write));
    records_.resize(durable_);
    commit_ = durable_commit_;
    undo_ = durable_undo_;
    images_ = durable_images_;
    if (durable_transaction_ == 0) return;
    journal_->append(TransactionRollback{{durable_transaction_}, "crash"});
    add(TransactionRollback{{durable_transaction_}, "crash"});
  }

  void check() {
    const Journal::Summary summary = journal_->verify();
    RC_ASSERT(summary.last == Lsn{durable_});
    RC_ASSERT(summary.runs <= 4U);
    RC_ASSERT(journal_->last() == Lsn{records_.size()});
    RC_ASSERT(journal_->last_commit() == Lsn{commit_});
    RC_ASSERT(journal_->open_run() == (open_ ? std::optional(RunId{run_}) : std::nullopt));
    std::uint64_t next = std::max<std::uint64_t>(summary.first.value, 1);
    journal_->scan({}, [&](const Journal::Entry& entry) {
      RC_ASSERT(entry.lsn == Lsn{next});
      RC_ASSERT(encode(entry.record) == records_[next - 1]);
      return ++next > 0;
    });
    RC_ASSERT(next == durable_ + 1);
    RC_ASSERT(journal_->last_undo() == Lsn{undo_});
    check_images(summary.first);
  }

  /// What is durable and in force is there; of what went in memory only, the journal does not know yet.
  void check_images(Lsn first) {
    for (const auto& [transaction, images] : durable_images_) {
      if (Lsn{transaction} < first) continue;
      RC_ASSERT(images_of(*journal_, {transaction}) == images);
    }
  }

 private:
  void add(const Record& record) { records_.push_back(encode(record)); }
  void make_durable() {
    durable_ = records_.size();
    durable_commit_ = commit_;
    durable_undo_ = undo_;
    durable_transaction_ = transaction_;
    durable_images_ = images_;
  }

  Folder folder_;
  std::filesystem::path file_ = folder_ / "journal.lmdb";
  std::optional<Journal> journal_;
  std::vector<std::string> records_;
  std::uint64_t durable_ = 0;
  std::uint64_t run_ = 0;
  std::uint64_t commit_ = 0;
  std::uint64_t durable_commit_ = 0;
  std::uint64_t undo_ = 0;
  std::uint64_t durable_undo_ = 0;
  std::uint64_t transaction_ = 0;  ///< That is open.
  std::uint64_t durable_transaction_ = 0;
  std::map<std::uint64_t, Images> images_;  ///< By transaction, of all in force.
  std::map<std::uint64_t, Images> durable_images_;
  bool open_ = false;
};

RC_GTEST_PROP(ModelTest, JournalHoldsWhatWasWrittenInAnyOrderOfCalls, ()) {
  Model model;
  const auto calls = *rc::gen::container<std::vector<int>>(
      rc::gen::weightedElement<int>({{3, 0}, {6, 1}, {3, 2}, {2, 3}, {1, 4}, {3, 5}, {2, 6}, {2, 7}}));
  for (const int call : calls) {
    switch (call) {
      case 0:
        model.begin();
        break;
      case 1:
        model.append();
        break;
      case 2:
        model.flush();
        break;
      case 3:
        model.end();
        break;
      case 5:
        model.keep(*rc::gen::inRange<std::size_t>(0, 200), true);
        break;
      case 6:
        model.keep(*rc::gen::inRange<std::size_t>(0, 200), false);
        break;
      case 7:
        model.undo(*rc::gen::inRange<std::size_t>(0, 100));
        break;
      default:
        model.reopen();
    }
    model.check();
  }
}

}  // namespace
}  // namespace belay::journal

#include <gtest/gtest.h>

#include <rapidcheck/gtest.h>
#include <optional>

#include "journal/journal.h"
#include "tests/journal/fixture.h"

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

  /// As after a crash: what was not flushed is gone.
  void reopen() {
    journal_.reset();
    journal_.emplace(Journal::open(file_, Journal::Access::write));
    records_.resize(durable_);
    commit_ = durable_commit_;
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
  }

 private:
  void add(const Record& record) { records_.push_back(encode(record)); }
  void make_durable() {
    durable_ = records_.size();
    durable_commit_ = commit_;
  }

  Folder folder_;
  std::filesystem::path file_ = folder_ / "journal.lmdb";
  std::optional<Journal> journal_;
  std::vector<std::string> records_;
  std::uint64_t durable_ = 0;
  std::uint64_t run_ = 0;
  std::uint64_t commit_ = 0;
  std::uint64_t durable_commit_ = 0;
  bool open_ = false;
};

RC_GTEST_PROP(ModelTest, JournalHoldsWhatWasWrittenInAnyOrderOfCalls, ()) {
  Model model;
  const auto calls =
      *rc::gen::container<std::vector<int>>(rc::gen::weightedElement<int>({{3, 0}, {6, 1}, {3, 2}, {2, 3}, {1, 4}}));
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
      default:
        model.reopen();
    }
    model.check();
  }
}

}  // namespace
}  // namespace belay::journal

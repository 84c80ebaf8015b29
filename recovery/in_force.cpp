#include "recovery/in_force.h"

#include <algorithm>
#include <utility>
#include <variant>

namespace belay::recovery {
namespace {

using journal::Lsn;
using Places = std::vector<std::string>;

class Fold {
 public:
  explicit Fold(const engine::Connection& connection) : connection_(connection) {}

  void operator()(const journal::Journal::Entry& entry) {
    lsn_ = entry.lsn;
    std::visit(*this, entry.record);
  }

  void operator()(const journal::RunBegin&) { plan_.clear(); }
  void operator()(const journal::PlannedRevision& revision) { plan_.push_back({{revision.revision}, revision.action}); }
  void operator()(const journal::TransactionBegin& begin) {
    result_.open.emplace();
    result_.open->unit = {.lsn = lsn_, .previous = begin.previous, .before = {}, .completed = {}};
  }
  void operator()(const journal::StepBegin&) {}
  void operator()(const journal::StampBegin& stamp) { result_.open->unit.completed.push_back(plan_.at(stamp.ordinal)); }
  void operator()(const journal::RevisionRollback&) {}
  void operator()(const journal::TransactionCommit&) {
    result_.count_open();
    if (!result_.ends.empty()) result_.ends = {result_.ends.back()};
    known_ = true;
  }
  void operator()(const journal::TransactionRollback&) { result_.open.reset(); }
  void operator()(const journal::RunEnd&) {}

  void operator()(const journal::Footprint& footprint) {
    if (result_.open)
      take(*result_.open, footprint);
    else if (undo_)
      undo_->stops.push_back(footprint.after);
    else if (known_ && follows(footprint.before, result_.ends))
      leave_at(footprint.after);  // Only settled: the content is the same.
  }
  void operator()(const journal::UndoBegin& intent) {
    undo_ = {.first = intent.first,
             .stops = {intent.state},
             .proven = !result_.gap(connection_, intent.first, intent.state)};
  }
  void operator()(const journal::UndoEnd& end) {
    const auto undo = *std::exchange(undo_, std::nullopt);
    if (!end.done) {  // Nothing was taken back; perhaps the target was brought into another mode.
      if (undo.proven) result_.ends.insert(result_.ends.end(), undo.stops.begin(), undo.stops.end());
      return;
    }
    // What others wrote below it, or among it, is there still, above what stays in force.
    const auto gap = std::find_if(result_.gaps.begin(), result_.gaps.end(),
                                  [&](const Gap& found) { return found.unit >= undo.first; });
    const bool proven = undo.proven && gap == result_.gaps.end();
    if (gap != result_.gaps.end()) result_.left = gap->end;
    std::erase_if(result_.units, [&](const Unit& unit) { return unit.lsn >= undo.first; });
    std::erase_if(result_.gaps, [&](const Gap& found) { return found.unit >= undo.first; });
    known_ = true;
    result_.ends.clear();
    if (proven) leave_at(undo.stops.back());
  }

  InForce finish() {
    if (undo_) result_.stops = std::move(undo_->stops);
    return std::move(result_);
  }

 private:
  struct Undo {
    Lsn first;
    Places stops;
    bool proven = false;
  };

  [[nodiscard]] bool follows(const std::string& next, const Places& ends) const {
    return std::any_of(ends.begin(), ends.end(), [&](const auto& end) { return connection_.follows(next, end); });
  }

  void take(OpenUnit& open, const journal::Footprint& footprint) const {
    const bool first = open.places.empty();
    const Places& ends = first ? result_.ends : open.places;
    if ((!first || known_) && !follows(footprint.before, ends))
      open.gaps.push_back({open.unit.lsn, !first, first ? result_.left : open.places.back(), footprint.before});
    if (first) open.unit.before = footprint.before;
    open.places.push_back(footprint.before);
    open.places.push_back(footprint.after);
  }

  void leave_at(const std::string& place) {
    result_.ends.push_back(place);
    result_.left = place;
  }

  const engine::Connection& connection_;
  InForce result_;
  Lsn lsn_;
  std::vector<Completed> plan_;  ///< Of the run that is being read.
  std::optional<Undo> undo_;
  bool known_ = false;  ///< Where the target was left before the next record.
};

}  // namespace

void InForce::count_open() {
  if (!open) return;
  auto counted = *std::exchange(open, std::nullopt);
  units.push_back(std::move(counted.unit));
  gaps.insert(gaps.end(), counted.gaps.begin(), counted.gaps.end());
  if (!counted.places.empty()) left = counted.places.back();
  ends = std::move(counted.places);
}

std::optional<Gap> InForce::gap(const engine::Connection& connection, Lsn first, const std::string& now) const {
  for (const Gap& gap : gaps)
    if (gap.unit > first || (gap.unit == first && gap.within)) return gap;
  for (const auto& end : ends)
    if (connection.follows(now, end)) return std::nullopt;
  return Gap{.unit = {}, .within = false, .end = left, .found = now};
}

InForce in_force(const journal::Journal& journal, const Span& span, const engine::Connection& connection) {
  return in_force(connection, [&](const TakeRecord& take) {
    journal.scan(span.first, [&](const journal::Journal::Entry& entry) {
      take(entry);
      return !span.last || entry.lsn < span.last;
    });
  });
}

InForce in_force(const engine::Connection& connection, const std::function<void(const TakeRecord&)>& feed) {
  Fold fold(connection);
  feed(std::ref(fold));
  return fold.finish();
}

journal::Journal::Run run_of(const journal::Journal& journal, Lsn record) {
  for (const auto& run : journal.runs())
    if (run.first <= record && record <= run.last) return run;
  throw Error(ErrorCode::no_images, "the journal no longer has the transactions that are to be taken back")
      .at(journal.file().string());
}

}  // namespace belay::recovery

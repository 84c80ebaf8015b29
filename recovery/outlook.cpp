#include "recovery/outlook.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace belay::recovery {
namespace {

/// Looks at an interrupted run, and tells of each way what Restart would do.
class Outlook {
 public:
  Outlook(const Analysis& analysis, const Evidence& evidence, const journal::Journal& journal,
          engine::Connection& connection, InForce in_force)
      : analysis_(analysis),
        verdict_(evidence.verdict()),
        journal_(journal),
        connection_(connection),
        dropping_(std::move(in_force)),
        counting_(dropping_) {
    counting_.count_open();
  }

  [[nodiscard]] std::vector<std::string> footprints() const;
  [[nodiscard]] Way forward() const;
  [[nodiscard]] Way back() const;

 private:
  [[nodiscard]] std::string revision() const { return analysis_.plan.at(position().revision).revision; }
  /// A commit that only lacks its acknowledgement counts.
  [[nodiscard]] const engine::Position& position() const {
    return verdict_ == Verdict::redo ? analysis_.transaction->after : analysis_.position;
  }
  [[nodiscard]] std::optional<journal::Lsn> to_take_back() const;
  [[nodiscard]] std::optional<journal::Lsn> to_take_back_first() const;
  [[nodiscard]] std::optional<Error> obstacle(std::optional<journal::Lsn> first) const;
  [[nodiscard]] std::optional<Error> obstacle_to_undo() const;
  [[nodiscard]] Way end_of_undo(const char* would_then) const;
  [[nodiscard]] Way taken_over() const;

  const Analysis& analysis_;
  Verdict verdict_;
  const journal::Journal& journal_;
  engine::Connection& connection_;
  InForce dropping_;  ///< Of the open run, if what is open does not count.
  InForce counting_;  ///< And if it does.
};

std::string tail_text(const Analysis& analysis) {
  if (analysis.undo)
    return fmt::format("in undo {}, which takes back transaction {} and all after it", analysis.undo->lsn.value,
                       analysis.undo->intent.first.value);
  if (!analysis.transaction) return "between two transactions";
  return fmt::format("in transaction {}{}", analysis.transaction->lsn.value,
                     analysis.transaction->outside_step ? ", a step outside a transaction" : "");
}

std::vector<std::string> Outlook::footprints() const {
  if (!connection_.capabilities().images) return {};
  const auto& left = analysis_.undo ? counting_.stops : counting_.ends;
  std::vector<std::string> lines;
  if (!left.empty()) lines.push_back(fmt::format("belay left the database at [{}]", left.back()));
  lines.push_back(fmt::format("the database is now at [{}]", connection_.footprint()));
  return lines;
}

std::optional<journal::Lsn> Outlook::to_take_back() const {
  const auto loose_end = analysis_.loose_end();
  const bool completes = verdict_ == Verdict::redo && !half_applied(position()) && !analysis_.transaction->is_void;
  if (completes) return analysis_.leftover;  // The commit that only lacks its acknowledgement was the revision's last.
  if (loose_end || !analysis_.transaction || verdict_ == Verdict::drop) return loose_end;
  return analysis_.transaction->lsn;
}

/// Before the run goes on: what may have happened of a step, and is not to count.
std::optional<journal::Lsn> Outlook::to_take_back_first() const {
  const bool is_void = verdict_ == Verdict::redo && analysis_.transaction->is_void;
  return is_void || verdict_ == Verdict::undo ? analysis_.transaction->lsn : analysis_.leftover;
}

/// What stands in the way of taking back all from there on.
std::optional<Error> Outlook::obstacle(std::optional<journal::Lsn> first) const {
  if (!first) return std::nullopt;
  try {
    // What was dropped is not in force; of everything else it does not matter whether it happened.
    const auto scope = scope_of(verdict_ == Verdict::drop ? dropping_ : counting_, journal_, connection_, *first);
    if (!scope.gap) return std::nullopt;
    return with_choices(foreign_writes(scope));
  } catch (const Error& error) {
    return with_choices(error);
  }
}

std::optional<Error> Outlook::obstacle_to_undo() const {
  try {
    const auto scope = scope_of(journal_, connection_, analysis_.undo->intent.first);
    for (const auto& stop : scope.stops)
      if (connection_.follows(scope.now, stop)) return std::nullopt;
    return with_choices({ErrorCode::foreign_writes,
                         fmt::format("others have written since the undo was interrupted: belay left the database at "
                                     "[{}], and it is at [{}]",
                                     scope.stops.back(), scope.now)});
  } catch (const Error& error) {
    return with_choices(error);
  }
}

/// Both ways lead to its end, unless something stands in the way of that.
Way Outlook::end_of_undo(const char* would_then) const {
  if (verdict_ == Verdict::undone) return {.would = "write down that the undo has taken effect, and close the run"};
  if (auto obstacle = obstacle_to_undo()) return {.would = would_then, .obstacle = std::move(obstacle)};
  return {.would = "finish the undo, and close the run"};
}

Way Outlook::taken_over() const {
  if (verdict_ == Verdict::redo) return {.would = "write down that it has taken effect, and close the run"};
  const auto& first = analysis_.plan[0];
  if (first.action == journal::Action::restore)
    return {.would = fmt::format("keep the database as it is, and restore backup {}", first.revision)};
  return {.would = "take the database over as was decided, if its schema is still the same"};
}

Way Outlook::forward() const {
  if (taking_over(analysis_)) return taken_over();
  if (analysis_.undo) return end_of_undo("give the undo up, of which nothing has happened, and keep what others wrote");
  if (analysis_.plan.empty()) return {.would = "close the run"};
  if (position().revision == analysis_.plan.size()) return {.would = "close the run: all of it is applied"};
  return {
      .would = fmt::format("go on with revision {}{}", revision(), half_applied(position()) ? ", in its middle" : ""),
      .obstacle = obstacle(to_take_back_first())};
}

Way Outlook::back() const {
  if (taking_over(analysis_)) return taken_over();
  if (analysis_.undo) return end_of_undo("finish the undo, and discard what others have written since");
  if (const auto first = to_take_back())
    return {.would = fmt::format("take back what is committed of revision {}, and close the run", revision()),
            .obstacle = obstacle(first)};
  return {.would = "close the run; what is applied stays"};
}

}  // namespace

Interrupted look_ahead(const Analysis& analysis, const Evidence& evidence, const journal::Journal& journal,
                       engine::Connection* connection, InForce in_force) {
  const Verdict verdict = evidence.verdict();
  Interrupted found{.run = *analysis.run, .verdict = verdict, .description = describe(analysis, verdict)};
  found.evidence = {fmt::format("the journal ends {}, at record {}", tail_text(analysis), journal.last().value),
                    fmt::format("the last committed transaction is {} in the journal and {} in the database",
                                evidence.journal_last_commit.value, evidence.target_last_lsn.value)};
  if (!connection || verdict == Verdict::refuse) return found;
  const Outlook outlook(analysis, evidence, journal, *connection, std::move(in_force));
  const auto footprints = outlook.footprints();
  found.evidence.insert(found.evidence.end(), footprints.begin(), footprints.end());
  if (verdict == Verdict::in_doubt) {
    found.forward = found.back = {.would = "stop at once", .obstacle = in_doubt(analysis)};
    return found;
  }
  found.forward = outlook.forward();
  found.back = outlook.back();
  return found;
}

}  // namespace belay::recovery

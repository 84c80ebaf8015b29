#include "recovery/restart.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace belay::recovery {
namespace {

bool half_applied(const engine::Position& position) {
  return position.step > 0 || !position.after.empty();
}

Error in_doubt(const Analysis& analysis) {
  const auto& revision = analysis.plan.at(analysis.position.revision);
  const auto& step = revision.steps.at(*analysis.transaction->outside_step);
  return Error(ErrorCode::in_doubt,
               fmt::format("run {} was interrupted in a step outside a transaction, and nothing tells whether it "
                           "happened: {} of revision {}",
                           analysis.run->run.value, step.statements.at(0).text, revision.revision))
      .at(revision.file)
      .next("look whether it happened; if the step may run twice, mark it repeatable:yes");
}

/// Redo, and its counterpart: the journal says of the open transaction what the target says.
void account_for(Analysis& analysis, Verdict verdict, journal::Journal& journal) {
  if (!analysis.transaction) return;
  if (verdict == Verdict::redo) {
    journal.append(journal::TransactionCommit{.begin = analysis.transaction->lsn});
    analysis.position = analysis.transaction->after;
  } else {
    journal.append(journal::TransactionRollback{.begin = analysis.transaction->lsn,
                                                .reason = verdict == Verdict::repeat
                                                              ? "interrupted; repeated by restart"
                                                              : "interrupted; rolled back by restart"});
  }
  analysis.transaction.reset();
}

void close(const Analysis& analysis, journal::Journal& journal, const engine::Executor::Options& options) {
  if (half_applied(analysis.position))
    throw Error(
        ErrorCode::in_doubt,
        fmt::format("run {} was interrupted inside revision {}, of which a part is committed; the policy is to go "
                    "back, and this belay can only go forward from there",
                    analysis.run->run.value, analysis.plan.at(analysis.position.revision).revision))
        .next("set policy = \"forward\" under [recovery] and run belay migrate");
  journal::RunEnd end{
      .run = {}, .outcome = journal::Outcome::closed_back, .ended_at = options.now(), .to = {}, .error = "interrupted"};
  if (options.current) end.to = options.current();
  journal.end(std::move(end), options.retention);
}

std::string done_so_far(const Analysis& analysis, Verdict verdict) {
  // A commit that only lacks its acknowledgement counts.
  const auto& position =
      verdict == Verdict::redo && analysis.transaction ? analysis.transaction->after : analysis.position;
  const auto revisions = [&](std::size_t end) {
    const auto first = analysis.plan.begin();
    return std::count_if(first, first + static_cast<std::ptrdiff_t>(end),
                         [](const auto& planned) { return planned.action != journal::Action::hook; });
  };
  std::string text =
      fmt::format("{} of {} revisions were applied", revisions(position.revision), revisions(analysis.plan.size()));
  if (half_applied(position)) text += fmt::format(", and {} in part", analysis.plan.at(position.revision).revision);
  return text;
}

}  // namespace

std::string describe(const Analysis& analysis, Verdict verdict) {
  std::string what = fmt::format("run {} ({}) was interrupted: {}", analysis.run->run.value, analysis.run->command,
                                 done_so_far(analysis, verdict));
  switch (verdict) {
    case Verdict::in_doubt:
      return what + "; its last step may have happened or not";
    case Verdict::refuse:
      return what + "; journal and database do not fit";
    default:
      return what;
  }
}

std::optional<Recovered> restart(Target& target, Policy policy, const engine::Executor::Options& options,
                                 engine::Observer& observer, const std::stop_token& stop) {
  auto analysis = analyse(target.journal());
  const auto state = target.versions().state();
  const auto evidence = examine(analysis, target.journal(), state, &target.connection());
  const Verdict verdict = evidence.verdict();
  if (verdict == Verdict::nothing) return std::nullopt;
  if (verdict == Verdict::refuse) throw foreign(evidence, target.journal(), state);
  if (verdict == Verdict::in_doubt) throw in_doubt(analysis);

  const Recovered recovered{analysis.run->run, verdict, policy};
  account_for(analysis, verdict, target.journal());
  observer.message(describe(analysis, verdict) +
                   (policy == Policy::forward ? "; going on with the rest" : "; staying there"));
  if (policy == Policy::back) {
    close(analysis, target.journal(), options);
    return recovered;
  }
  auto as_begun = options;
  as_begun.atomic = analysis.run->atomic;
  engine::Executor(target.parts(), observer, as_begun, stop).resume(analysis.plan, analysis.position);
  return recovered;
}

}  // namespace belay::recovery

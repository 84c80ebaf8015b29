#include <fmt/format.h>

#include <exception>

#include "cli/commands.h"
#include "cli/consent.h"
#include "cli/json.h"
#include "cli/result.h"
#include "cli/situation.h"

namespace belay::cli {
namespace {

using recovery::Proposal;

Json evidence_json(const Proposal& proposal) {
  Json json = Json::array();
  for (const auto& clue : proposal.evidence)
    json.push_back({{"kind", std::string(recovery::name_of(clue.kind))}, {"message", clue.message}});
  return json;
}

Json proposal_json(const Proposal& proposal) {
  if (proposal.refusal || proposal.nothing_to_do()) return nullptr;
  Json revisions = Json::array();
  for (const auto& planned : proposal.plan)
    revisions.push_back({{"revision", planned.revision}, {"direction", std::string(journal::name_of(planned.action))}});
  return {{"description", proposal.description}, {"revisions", revisions}};
}

void add_findings(Json& json, const Proposal& proposal, bool applied) {
  json["evidence"] = evidence_json(proposal);
  json["proposal"] = proposal_json(proposal);
  json["applied"] = applied;
}

void print(Terminal& terminal, const Proposal& proposal) {
  for (const auto& clue : proposal.evidence) terminal.data(labelled(recovery::name_of(clue.kind), clue.message));
  if (proposal.refusal) return;
  for (const auto& planned : proposal.plan) {
    const bool gone = planned.action == journal::Action::unstamp;
    terminal.data(fmt::format("  {} {}  {}", gone ? "-" : "+", planned.revision, planned.message));
  }
  terminal.data(labelled("proposal", proposal.description));
}

/// What was found is told, whatever comes of it.
int refuse(Context& context, const Proposal& proposal, const std::exception_ptr& why) {
  auto& terminal = context.terminal();
  const Failure failure = describe(why, 0);
  if (terminal.json()) {
    Json json = to_json(failure);
    add_findings(json, proposal, /*applied=*/false);
    terminal.data(dump(json));
  } else {
    print(terminal, proposal);
    terminal.fail(failure);
  }
  return failure.exit;
}

int show(Context& context, const recovery::Report& report, const Proposal& proposal, bool applied) {
  auto& terminal = context.terminal();
  if (terminal.json()) {
    Json json = to_json(report);
    add_findings(json, proposal, applied);
    terminal.data(dump(json));
    return exit_done;
  }
  if (!applied) {
    print(terminal, proposal);
    return exit_done;
  }
  terminal.say("done; the database is at " + place(report.to, context.migrator().graph()));
  return exit_done;
}

/// @throws Error exit_refused.
void require_consent(Context& context) {
  if (context.config().is_protected) refuse_protected("fix-state");
  ask_for_yes(context, "Make it so? The database is backed up first.", "there is a proposal, and it was not confirmed");
}

}  // namespace

int fix_state(Context& context) {
  const auto& options = context.options();
  if (options.forward || options.back || options.discard_later_writes)
    throw Error(exit_usage, "usage", "--forward, --back and --discard-later-writes are of belay recover alone",
                "belay recover fix-state --help");
  auto& migrator = context.migrator();
  const recovery::FixRequest request{.to = options.to};
  const Proposal proposal = migrator.plan_fix_state(request);
  if (proposal.refusal) return refuse(context, proposal, std::make_exception_ptr(recovery::Error(*proposal.refusal)));

  recovery::Report report;
  report.from = report.to = proposal.current;
  if (proposal.nothing_to_do() || options.dry_run) return show(context, report, proposal, /*applied=*/false);
  const bool asks = !options.yes && context.terminal().can_ask();
  if (asks) print(context.terminal(), proposal);
  try {
    require_consent(context);
  } catch (const Error&) {
    if (asks) throw;
    return refuse(context, proposal, std::current_exception());
  }
  if (!asks) context.terminal().say(labelled("proposal", proposal.description));
  report = migrator.fix_state(request, context.command_line());
  context.terminal().redraw("");
  return show(context, report, proposal, /*applied=*/true);
}

}  // namespace belay::cli

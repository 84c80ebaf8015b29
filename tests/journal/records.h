#pragma once

#include <gtest/gtest.h>

#include <rapidcheck/gtest.h>
#include <string>
#include <vector>

#include "journal/record.h"

/// Arbitrary records, for properties.
namespace belay::journal {

inline rc::Gen<std::string> any_text() {
  return rc::gen::string<std::string>();
}
inline rc::Gen<Lsn> any_lsn() {
  return rc::gen::construct<Lsn>(rc::gen::arbitrary<std::uint64_t>());
}
inline rc::Gen<RunId> any_run() {
  return rc::gen::construct<RunId>(rc::gen::arbitrary<std::uint64_t>());
}

inline rc::Gen<PlannedStatement> any_statement() {
  return rc::gen::build<PlannedStatement>(rc::gen::set(&PlannedStatement::text, any_text()),
                                          rc::gen::set(&PlannedStatement::line));
}

inline rc::Gen<std::vector<PlannedStatement>> any_statements() {
  return rc::gen::container<std::vector<PlannedStatement>>(any_statement());
}

inline rc::Gen<PlannedStep> any_step() {
  return rc::gen::build<PlannedStep>(
      rc::gen::set(&PlannedStep::name, any_text()), rc::gen::set(&PlannedStep::statements, any_statements()),
      rc::gen::set(&PlannedStep::transactional), rc::gen::set(&PlannedStep::repeatable),
      rc::gen::set(&PlannedStep::batch_rows), rc::gen::set(&PlannedStep::batch_table, any_text()),
      rc::gen::set(&PlannedStep::batch_column, any_text()), rc::gen::set(&PlannedStep::rebuild_table, any_text()),
      rc::gen::set(&PlannedStep::rebuild_from, any_text()), rc::gen::set(&PlannedStep::rebuild_to, any_text()));
}

inline rc::Gen<Record> any_run_begin() {
  return rc::gen::cast<Record>(
      rc::gen::build<RunBegin>(rc::gen::set(&RunBegin::run, any_run()), rc::gen::set(&RunBegin::command, any_text()),
                               rc::gen::set(&RunBegin::started_at, any_text()),
                               rc::gen::set(&RunBegin::host, any_text()), rc::gen::set(&RunBegin::pid),
                               rc::gen::set(&RunBegin::user, any_text()), rc::gen::set(&RunBegin::version, any_text()),
                               rc::gen::set(&RunBegin::from, rc::gen::container<std::vector<std::string>>(any_text())),
                               rc::gen::set(&RunBegin::planned), rc::gen::set(&RunBegin::atomic)));
}

inline rc::Gen<Record> any_planned_revision() {
  return rc::gen::cast<Record>(rc::gen::build<PlannedRevision>(
      rc::gen::set(&PlannedRevision::ordinal), rc::gen::set(&PlannedRevision::revision, any_text()),
      rc::gen::set(&PlannedRevision::action,
                   rc::gen::element(Action::up, Action::down, Action::stamp, Action::unstamp, Action::hook)),
      rc::gen::set(&PlannedRevision::message, any_text()), rc::gen::set(&PlannedRevision::digest, any_text()),
      rc::gen::set(&PlannedRevision::file, any_text()),
      rc::gen::set(&PlannedRevision::steps, rc::gen::container<std::vector<PlannedStep>>(any_step())),
      rc::gen::set(&PlannedRevision::verify, any_statements())));
}

inline rc::Gen<Record> any_step_begin() {
  return rc::gen::apply(
      [](std::uint64_t ordinal, std::uint64_t step, bool sliced, std::string low, std::string high) {
        StepBegin record{ordinal, step};
        if (sliced) record.slice = Slice{std::move(low), std::move(high)};
        return Record(record);
      },
      rc::gen::arbitrary<std::uint64_t>(), rc::gen::arbitrary<std::uint64_t>(), rc::gen::arbitrary<bool>(), any_text(),
      any_text());
}

inline rc::Gen<Record> any_run_end() {
  return rc::gen::cast<Record>(rc::gen::build<RunEnd>(
      rc::gen::set(&RunEnd::run, any_run()),
      rc::gen::set(&RunEnd::outcome,
                   rc::gen::element(Outcome::done, Outcome::failed, Outcome::interrupted, Outcome::closed_back)),
      rc::gen::set(&RunEnd::ended_at, any_text()),
      rc::gen::set(&RunEnd::to, rc::gen::container<std::vector<std::string>>(any_text())),
      rc::gen::set(&RunEnd::error, any_text())));
}

inline rc::Gen<Record> any_record() {
  return rc::gen::oneOf(
      any_run_begin(), any_planned_revision(), rc::gen::cast<Record>(rc::gen::construct<TransactionBegin>(any_lsn())),
      any_step_begin(), rc::gen::cast<Record>(rc::gen::construct<StampBegin>(rc::gen::arbitrary<std::uint64_t>())),
      rc::gen::cast<Record>(rc::gen::construct<RevisionRollback>(rc::gen::arbitrary<std::uint64_t>(), any_text())),
      rc::gen::cast<Record>(rc::gen::construct<TransactionCommit>(any_lsn())),
      rc::gen::cast<Record>(rc::gen::construct<TransactionRollback>(any_lsn(), any_text())), any_run_end(),
      rc::gen::cast<Record>(rc::gen::construct<Footprint>(any_text(), any_text())),
      rc::gen::cast<Record>(rc::gen::construct<UndoBegin>(any_lsn(), any_lsn(), any_text())),
      rc::gen::cast<Record>(rc::gen::construct<UndoEnd>(any_lsn(), rc::gen::arbitrary<bool>(), any_lsn())));
}

}  // namespace belay::journal

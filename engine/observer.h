#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "engine/connection.h"
#include "journal/record.h"

namespace belay::engine {

/// What a run tells about itself, on the thread that runs it. Each call may be left alone. The two that say so may
/// throw Error `hook_failed` to stop the run.
class Observer {
 public:
  Observer() = default;
  Observer(const Observer&) = delete;
  Observer& operator=(const Observer&) = delete;
  virtual ~Observer() = default;

  /// One line for a person: what restart did about an interrupted run, a warning.
  virtual void message(std::string_view /*line*/) {}

  /// `count` revisions are about to be run.
  virtual void run_began(std::size_t /*count*/) {}

  /// Before the first statement of a revision. May throw: the revision is not run, and the run stops before it.
  virtual void revision_began(const journal::PlannedRevision& /*revision*/) {}

  /// Around each statement, so that a deadline can be set on it (Connection::interrupt).
  virtual void statement_began(Connection& /*connection*/, const ScriptStatement& /*statement*/) {}
  virtual void statement_ended() {}

  /// A slice of a batch step is committed.
  virtual void batch_advanced(std::int64_t /*done*/, std::int64_t /*total*/) {}

  /// A backup was made before something that takes data away, `why`.
  virtual void backed_up(std::string_view /*id*/, std::string_view /*why*/) {}

  /// A copy of the database is being made, packed or checked, as `what` says; in parts of whatever size.
  virtual void copy_advanced(std::string_view /*what*/, std::int64_t /*done*/, std::int64_t /*total*/) {}

  /// The transaction that holds this revision is durable: it is applied. May throw: the run stops after it.
  virtual void revision_committed(const journal::PlannedRevision& /*revision*/, std::chrono::milliseconds /*took*/) {}
};

}  // namespace belay::engine

#include "cli/failure.h"

#include <csignal>
#include <new>
#include <string_view>

#include "cli/config.h"
#include "engine/error.h"
#include "journal/error.h"
#include "recovery/autogenerate.h"
#include "recovery/error.h"
#include "versions/error.h"

namespace belay::cli {
namespace {

constexpr std::string_view untouched = "nothing was changed";

struct Class {
  int exit;
  const char* kind;
  const char* next;
};

Class class_of(versions::ErrorCode code) {
  using enum versions::ErrorCode;
  switch (code) {
    case unreadable:
      return {exit_missing_input, "unreadable", "look at its path and permissions"};
    case malformed:
      return {exit_config, "malformed-script", "correct the script; docs/scripts.md describes the format"};
    case duplicate_revision:
      return {exit_config, "duplicate-revision", "give one of the two another id"};
    case missing_parent:
      return {exit_config, "missing-parent", "correct the parents: line, or put the missing script back"};
    case cycle:
      return {exit_config, "cycle", "correct one of their parents: lines"};
    case unknown_revision:
      return {exit_usage, "unknown-revision", "belay history shows the revisions there are"};
    case ambiguous_revision:
      return {exit_usage, "ambiguous-revision", "give more of the id"};
    case bad_target:
      return {exit_usage, "bad-target", "belay history shows the revisions there are"};
    case several_heads:
      return {exit_refused, "several-heads", "join them with belay merge, or name one"};
    case irreversible:
      return {exit_refused, "irreversible", "write a down section"};
    case bad_name:
      return {exit_usage, "bad-name", "belay revision --help"};
  }
  return {exit_failed, "internal", ""};
}

Class class_of(journal::ErrorCode code) {
  using enum journal::ErrorCode;
  switch (code) {
    case not_found:
      return {exit_missing_input, "no-journal", "belay status"};
    case unavailable:
      return {exit_unavailable, "journal-unavailable", "look at the path, its permissions and its disk"};
    case no_space:
      return {exit_failed, "no-space", "free some space and run the command again"};
    case damaged:
      return {
          exit_integrity, "journal-damaged",
          "put the -belay folder back from a copy; or belay recover fix-state, which sets the damaged journal aside"};
    case newer_format:
      return {exit_integrity, "newer-format", "install the newer belay"};
    case foreign:
      return {exit_integrity, "foreign-journal", "put the database and the -belay folder that belong together back"};
    case unfinished_run:
      return {exit_undecided, "unfinished-run", "belay recover shows it"};
    case locked:
      return {exit_busy, "locked", "wait for the other run, or give a longer --lock-timeout"};
    case interrupted:
      return {exit_signalled, "interrupted", "run the command again"};
  }
  return {exit_failed, "internal", ""};
}

Class class_of(engine::ErrorCode code) {
  using enum engine::ErrorCode;
  switch (code) {
    case bad_url:
      return {exit_config, "bad-url", "correct the database URL; belay config shows where it comes from"};
    case unavailable:
      return {exit_unavailable, "unavailable", "look at the path, its permissions and its disk"};
    case not_a_database:
      return {exit_unavailable, "not-a-database",
              "if this is the right path (belay config shows where it comes from), put a backup in its place: belay "
              "recover restore"};
    case read_only:
      return {exit_unavailable, "read-only", "make it writable"};
    case busy:
      return {exit_busy, "busy", "try again when the other connection is done, or give a longer --lock-timeout"};
    case refused_statement:
      return {exit_failed, "refused-statement", "correct the script, then: belay migrate"};
    case statement_failed:
      return {exit_failed, "statement-failed", "correct the script or the data, then: belay migrate"};
    case verification_failed:
      return {exit_failed, "verification-failed", "correct the script or the data, then: belay migrate"};
    case constraint_violated:
      return {exit_failed, "constraint-violated", "correct the script or the data, then: belay migrate"};
    case interrupted:
      return {exit_signalled, "interrupted", "belay migrate goes on from there"};
    case timed_out:
      return {exit_failed, "timed-out", "give a longer --statement-timeout, or split the statement into a batch"};
    case hook_failed:
      return {exit_failed, "hook-failed", "look at the hook's own output"};
    case no_space:
      return {exit_failed, "no-space", "free some space, then: belay migrate"};
    case outcome_unknown:
      return {exit_unavailable, "outcome-unknown", "look at the disk, then: belay migrate finds out and goes on"};
    case foreign_writes:
      return {exit_undecided, "foreign-writes", "belay recover shows the choices"};
    case not_understood:
      return {exit_unavailable, "not-understood", "belay works on SQLite's own file format only"};
    case newer_format:
      return {exit_integrity, "newer-format", "install the newer belay"};
  }
  return {exit_failed, "internal", ""};
}

Class class_of(recovery::ErrorCode code) {
  using enum recovery::ErrorCode;
  switch (code) {
    case foreign:
      return {exit_integrity, "foreign-journal", ""};
    case journal_lost:
      return {exit_integrity, "journal-lost", ""};
    case in_doubt:
      return {exit_undecided, "in-doubt", ""};
    case foreign_writes:
      return {exit_undecided, "foreign-writes", ""};
    case no_images:
      return {exit_refused, "no-images", ""};
    case drift:
      return {exit_integrity, "drift", ""};
    case no_backup:
      return {exit_missing_input, "no-backup", "belay backup --list shows those there are"};
    case backup_damaged:
      return {exit_integrity, "backup-damaged", "belay backup --list shows the others; belay backup makes a new one"};
    case newer_backup:
      return {exit_integrity, "newer-format", "install the newer belay"};
    case database_damaged:
      return {exit_integrity, "database-damaged",
              "belay check shows all of it; belay recover restore puts a backup back"};
    case ambiguous:
      return {exit_undecided, "ambiguous", "belay recover fix-state --to REV"};
    case unknown_schema:
      return {exit_undecided, "unknown-schema", "belay diff"};
    case half_applied:
      return {exit_undecided, "half-applied", "belay recover restore"};
    case unfinished_run:
      return {exit_undecided, "unfinished-run", "belay recover shows it"};
    case not_applicable:
      return {exit_usage, "not-applicable", ""};
    case pending:
      return {exit_refused, "pending", "belay migrate"};
    case ambiguous_rename:
      return {exit_refused, "ambiguous-rename", ""};
    case data_dependent:
      return {exit_refused, "data-dependent", ""};
    case destructive:
      return {exit_refused, "destructive", ""};
    case unprovable:
      return {exit_refused, "unprovable", "belay new, and write the change by hand"};
  }
  return {exit_failed, "internal", ""};
}

/// The part that all rooms' errors have in common.
template <typename RoomError>
Failure common(const RoomError& error) {
  const Class known = class_of(error.code());
  Failure failure;
  failure.exit = known.exit;
  failure.kind = known.kind;
  failure.message = error.what();
  failure.next = known.next;
  failure.state = untouched;
  return failure;
}

void say_next(Failure& failure, const std::string& next) {
  if (!next.empty()) failure.next = next;
}

Failure describe(const versions::Error& error) {
  Failure failure = common(error);
  failure.file = error.file().string();
  failure.line = error.line();
  say_next(failure, error.next());
  return failure;
}

Failure describe(const journal::Error& error) {
  Failure failure = common(error);
  failure.file = error.file().string();
  if (error.in_run()) failure.state = "the run may be open: the next one finds out, and finishes it or takes it back";
  return failure;
}

/// Of a failure that has left a part of a revision: whether to try again, to decide or to look for damage depends on
/// what stood in the way of taking it back.
int exit_of(const std::exception_ptr& obstacle) {
  const int exit = obstacle ? cli::describe(obstacle, 0).exit : exit_undecided;
  return exit == exit_failed ? exit_undecided : exit;
}

Failure describe(const engine::Error& error) {
  Failure failure = common(error);
  failure.file = error.file();
  failure.line = error.line();
  failure.statement = error.statement();
  if (!error.state().empty()) failure.state = error.state();
  if (error.is_unfinished() && failure.exit == exit_failed) failure.exit = exit_of(error.obstacle());
  say_next(failure, error.next());
  return failure;
}

Failure describe(const recovery::Error& error) {
  Failure failure = common(error);
  failure.file = error.file();
  say_next(failure, error.next());
  return failure;
}

Failure describe(const ConfigError& error) {
  const bool missing = error.code() == ConfigError::Code::missing;
  Failure failure;
  failure.exit = missing ? exit_missing_input : exit_config;
  failure.kind = missing ? "missing-config" : "bad-config";
  failure.message = error.what();
  failure.file = error.file().string();
  failure.line = error.line();
  failure.column = error.column();
  failure.state = untouched;
  failure.next = error.next().empty() ? "correct the file; docs/configuration.md has every key" : error.next();
  return failure;
}

Failure describe(const Error& error) {
  Failure failure;
  failure.exit = error.exit();
  failure.kind = error.kind();
  failure.message = error.what();
  failure.state = untouched;
  failure.next = error.next();
  return failure;
}

Failure unexpected(const char* message, std::string next) {
  Failure failure;
  failure.kind = "internal";
  failure.message = message;
  failure.state = "whole: an interrupted run is brought in order by the next one";
  failure.next = std::move(next);
  return failure;
}

}  // namespace

Failure describe(const std::exception_ptr& error, int signal) {
  Failure failure;
  try {
    std::rethrow_exception(error);
  } catch (const versions::Error& known) {
    failure = describe(known);
  } catch (const journal::Error& known) {
    failure = describe(known);
  } catch (const engine::Error& known) {
    failure = describe(known);
  } catch (const recovery::AutogenerateRefused& known) {
    failure = describe(known);
    failure.hazards = known.hazards();
  } catch (const recovery::Error& known) {
    failure = describe(known);
  } catch (const ConfigError& known) {
    failure = describe(known);
  } catch (const Error& known) {
    failure = describe(known);
  } catch (const std::bad_alloc&) {
    failure = unexpected("out of memory", "run the command again with more memory");
  } catch (const std::exception& unknown) {
    failure = unexpected(unknown.what(), "belay status shows where the database is; please report this");
  }
  if (failure.exit == exit_signalled) failure.exit += signal == 0 ? SIGINT : signal;
  return failure;
}

}  // namespace belay::cli

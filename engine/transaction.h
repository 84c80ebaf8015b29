#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "engine/connection.h"
#include "engine/version_table.h"
#include "journal/journal.h"

namespace belay::engine {

/// One transaction of a run, in the target and in the journal at once: the write-ahead protocol.
///
///   begin    the target's BEGIN; TransactionBegin gets its LSN
///   promise  StepBegin, StampBegin: in memory, each before its statement runs
///   commit   1. `last_lsn` = that LSN, inside the transaction (invariant T1)
///            2. everything promised is made durable in the journal (invariant J1)
///            3. the target's COMMIT: from here to its return the outcome is in doubt
///            4. TransactionCommit: in memory, it rides with the next flush; `last_lsn` has the last word
///
/// Crash before 2: the journal does not know of the transaction, and the target has rolled it back. Between 2 and 3:
/// the journal has an open transaction, and `last_lsn` is still `previous`. After 3: `last_lsn` is its LSN.
/// The destructor rolls back what was not committed.
class Transaction {
 public:
  /// The three things that it keeps in step; they must outlive it.
  struct Target {
    Connection& connection;
    VersionTable& versions;
    journal::Journal& journal;
  };

  explicit Transaction(Target target);
  ~Transaction();
  Transaction(const Transaction&) = delete;
  Transaction& operator=(const Transaction&) = delete;

  [[nodiscard]] journal::Lsn lsn() const { return lsn_; }

  void promise(const journal::Record& record) { target_.journal.append(record); }

  /// @throws what Connection::commit throws. Unless that is `outcome_unknown`, it is rolled back.
  void commit();
  /// Nothing when it is no longer open.
  void rollback(const std::string& reason);

  /// What no transaction can hold (VACUUM, …): the promise is durable before `act` begins, and `last_lsn` follows in a
  /// transaction of its own. Crash before that: in doubt; restart repeats what is repeatable.
  template <typename Act>
  static void alone(Target target, const journal::StepBegin& step, Act act) {
    const journal::Lsn lsn = begin_alone(target, step);
    try {
      act();
    } catch (const Error& error) {
      target.journal.append(journal::TransactionRollback{.begin = lsn, .reason = error.what()});
      throw;
    }
    end_alone(target, lsn);
  }

 private:
  static journal::Lsn begin_alone(Target& target, const journal::StepBegin& step);
  static void end_alone(Target& target, journal::Lsn lsn);

  Target target_;
  journal::Lsn lsn_;
  bool open_ = true;
};

}  // namespace belay::engine

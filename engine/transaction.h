#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "engine/connection.h"
#include "engine/version_table.h"
#include "journal/journal.h"

namespace belay::engine {

/// Hands before-images to the journal, and makes them durable there with everything that was promised (invariant I1).
class ImagesToJournal final : public BeforeImages {
 public:
  /// @param journal  must outlive this.
  explicit ImagesToJournal(journal::Journal& journal) : journal_(journal) {}

  void keep(std::uint64_t place, std::string_view content) override { journal_.keep_image(place, content); }
  void seal(const std::string& before, const std::string& after) override;

 private:
  journal::Journal& journal_;
};

/// One transaction of a run, in the target and in the journal at once: the write-ahead protocol.
///
///   begin    the target's BEGIN; TransactionBegin gets its LSN; from here on the target's before-images are kept
///   promise  StepBegin, StampBegin: in memory, each before its statement runs
///   commit   1. `last_lsn` = that LSN, inside the transaction (invariant T1)
///            2. everything promised, and every before-image, is made durable in the journal (invariants J1, I1):
///               within the target's COMMIT, before its commit point; where no images are kept, before it
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

  /// @throws what Connection::commit throws, and what the journal throws while images are sealed. Unless that is
  ///         `outcome_unknown`, it is rolled back.
  void commit();
  /// Nothing when it is no longer open.
  void rollback(const std::string& reason);

 private:
  void prepare();
  void close();

  Target target_;
  ImagesToJournal images_;
  journal::Lsn lsn_;
  bool open_ = true;
};

/// A step that no transaction can hold (VACUUM, …): one transaction for the journal, with one unit of before-images,
/// and several for the target.
///
///   begin   TransactionBegin, where the target stands, and the promise: durable (J1). From here on images are kept
///   (the statements commit by themselves, each with its images durable before its own commit point)
///   commit  `last_lsn`, in a transaction of its own; then TransactionCommit
///
/// Crash before that: the step may have happened or not. It is repeated, or its images take it back.
class StepAlone {
 public:
  /// What an earlier process, or this one, has begun so and not brought to an end.
  struct Open {
    journal::Lsn lsn;
    std::string before;  ///< Where the target stood; empty where no images are kept.
  };

  /// @param promise  StepBegin; or, for what is open, RevisionRollback: only its end is to come, and its steps do not
  ///                 count.
  /// @param open  to be carried on: all that happens belongs to the same transaction.
  StepAlone(Transaction::Target target, const journal::Record& promise, const std::optional<Open>& open = {});
  ~StepAlone();
  StepAlone(const StepAlone&) = delete;
  StepAlone& operator=(const StepAlone&) = delete;

  /// Nothing of it has happened. What is neither dropped nor committed stays open in the journal.
  void drop(const std::string& reason);
  /// @throws what Transaction::commit throws.
  void commit();

  [[nodiscard]] const Open& open() const { return open_; }

 private:
  void begin();

  Transaction::Target target_;
  ImagesToJournal images_;
  Open open_;
};

/// Whether the target still stands where it did before the step, so that nothing of it has happened. Not known without
/// before-images.
bool untouched(Connection& connection, const StepAlone::Open& open);

}  // namespace belay::engine

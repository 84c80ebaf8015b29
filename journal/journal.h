#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "journal/error.h"
#include "journal/lsn.h"
#include "journal/record.h"

namespace belay::journal {

/// The write-ahead journal of one database: an append-only log of records in LMDB, one file (docs/journal-format.md).
///
/// Protocol of a run:
///   1. `begin`   RunBegin and the plan, durable.
///   2. `append`  TransactionBegin, StepBegin, …: numbered at once, kept in memory.
///   3. `flush`   everything appended so far becomes durable, in one LMDB transaction. To be called before the target
///                can make an effect of these intents durable (invariant J1, the write-ahead rule).
///   4. `end`     RunEnd, the new checkpoint and the retention's pruning, durable, together.
///
/// Crash: LMDB leaves all of a flush or nothing of it. A journal that was being created does not exist, or is whole.
/// One process writes at a time (the holder of ProcessLock); any number may read meanwhile.
/// Move-only; an environment may be open once in a process (a second open throws `unavailable`).
class Journal {
 public:
  enum class Access { read, write };

  /// A record and its number.
  struct Entry {
    Lsn lsn;
    Record record;
  };

  /// How much of the past is kept, oldest first to go. The newest run never goes, nor do the images of the newest one
  /// that has any as long as its records stay.
  struct Retention {
    std::uint64_t runs = 100;  ///< Beyond it whole runs go, with their images.
    /// Of records and images. Beyond it the images of the oldest runs go; where the records alone are beyond it, whole
    /// runs.
    std::uint64_t bytes = 256U << 20U;
  };

  /// What is kept of a run.
  struct Run {
    RunId run;
    Lsn first;                      ///< Its RunBegin.
    Lsn last;                       ///< Its RunEnd, or of an open run the last durable record.
    std::uint64_t image_bytes = 0;  ///< As they are stored; 0 where it has none or they were let go.
  };

  /// Creates the journal of a new database: written under a temporary name, synced, renamed, the folder synced. An
  /// existing journal is never replaced. What a crash here left under the temporary name is removed first.
  /// @param file  such as `app.db-belay/journal.lmdb`; its folder must exist.
  /// @param database_id  the identity the journal is bound to.
  /// @param after  of a database that has lost its journal, its `last_lsn`: numbers go on behind it, and it counts as
  ///               the last transaction that committed.
  static Journal create(const std::filesystem::path& file, const std::string& database_id, Lsn after = {});

  /// Opens an existing journal. Checks, before it reads a record, that the file is as long as its header says, the
  /// pages that LMDB would trust blindly, and the checksum of the header.
  /// @throws Error `not_found`, `unavailable`, `damaged`, `newer_format`.
  static Journal open(const std::filesystem::path& file, Access access);

  Journal(Journal&&) noexcept;
  Journal& operator=(Journal&&) noexcept;
  ~Journal();

  [[nodiscard]] const std::filesystem::path& file() const;
  [[nodiscard]] const std::string& database_id() const;

  // The state as this object last saw or made it: another process's writes show in `scan`, `verify` and `begin`.

  /// Whether that is the state still: the file of that name is the one that is open, and nobody has written to it.
  [[nodiscard]] bool is_up_to_date() const;

  /// The last record, durable or appended; none in a new journal.
  [[nodiscard]] Lsn last() const;

  /// Where analysis starts: the RunBegin of the open run, else one past the last record.
  [[nodiscard]] Lsn checkpoint() const;

  /// The TransactionBegin of the last transaction known to have committed; what `last_lsn` of the target is when the
  /// two are level. Counts the TransactionCommits and UndoEnds appended so far.
  [[nodiscard]] Lsn last_commit() const;

  /// The newest UndoEnd that is done, or none; likewise.
  [[nodiscard]] Lsn last_undo() const;

  /// The run that has begun and not ended.
  [[nodiscard]] std::optional<RunId> open_run() const;

  /// Opens a run; durable on return. Room for its closing records is reserved in the map.
  /// @param run  `run.run` and `run.planned` are set here, and the ordinals of `plan`.
  /// @throws Error `unfinished_run` while a run is open, `no_space`.
  RunId begin(RunBegin run, std::vector<PlannedRevision> plan);

  /// Closes the open run and opens another, both or neither; durable on return. The before-images of all earlier runs
  /// are let go: this is for a run that takes the target as it finds it (Action::restore, Action::adopt).
  /// @param closing  TransactionRollback or UndoEnd (not done) of what is open.
  /// @param end  of the open run; `end.run` is set here.
  RunId supersede(const std::optional<Record>& closing, RunEnd end, RunBegin run, std::vector<PlannedRevision> plan);

  /// Numbers a record and keeps it in memory until the next `flush`. A run must be open; what opens and closes one
  /// comes by `begin` and `end`.
  ///
  /// TransactionRollback, and UndoEnd when it is done, take the images of what is no longer in force with them.
  Lsn append(const Record& record);

  /// Keeps a before-image for the transaction whose TransactionBegin was appended last and that is open. In memory like
  /// the records, until so many wait that all is flushed at once: so it may throw what `flush` throws.
  /// @param place  such as the number of the page; given back by `scan_images`.
  /// @param content  copied; at most 1 GiB.
  void keep_image(std::uint64_t place, std::string_view content);

  /// Of an open transaction that an earlier process has begun: what `keep_image` keeps from here on belongs to it,
  /// behind the images that it has.
  void carry_on(Lsn transaction);

  /// Makes what was appended durable, with the images kept. After an error nobody knows whether it is: the journal
  /// takes no more writes and has to be closed, and opened again to see.
  /// @throws Error `no_space`, `unavailable`.
  void flush();

  /// Closes the open run: RunEnd and all that was appended, durable on return; then what `retention` lets go of is
  /// pruned, in the same LMDB transaction.
  /// @param end  `end.run` is set here.
  void end(RunEnd end, const Retention& retention);

  /// Calls `visit` for each durable record from `from` on, in order, until it returns false. Each record's checksum,
  /// number and chain are checked before it is handed on.
  /// @throws Error `damaged`, naming the record.
  void scan(Lsn from, const std::function<bool(const Entry&)>& visit, Detail detail = Detail::whole) const;

  /// One durable record, checked in the same way; nothing when there is none of that number, or no longer.
  /// @throws Error `damaged`, naming the record.
  [[nodiscard]] std::optional<Record> record(Lsn lsn) const;

  /// Calls `visit` for each durable image of a transaction, in the order in which they were kept. Each batch of them is
  /// checked before anything of it is handed on. Visits nothing where there are none, or retention has let them go.
  /// @param transaction  its TransactionBegin.
  /// @param visit  gets the place and the content, which is valid until it returns.
  /// @throws Error `damaged`, naming the transaction.
  void scan_images(Lsn transaction, const std::function<void(std::uint64_t, std::string_view)>& visit) const;

  /// The durable runs, oldest first. Reads no image.
  [[nodiscard]] std::vector<Run> runs() const;

  /// The oldest record that is still kept, and the newest durable one.
  struct Summary {
    Lsn first;
    Lsn last;
    std::uint64_t records = 0;
    std::uint64_t runs = 0;
    std::uint64_t images = 0;       ///< Batches.
    std::uint64_t image_bytes = 0;  ///< As they are stored.
    std::uint64_t bytes = 0;        ///< Of the file.
  };

  /// Reads and checks everything: header, each checksum, the sequence without a gap, the chain from end to end, the
  /// grammar of records (a StepBegin in a transaction in a run, …), and that each image is whole and of a transaction
  /// that is in force or open.
  /// @throws Error `damaged`, naming the first record that is wrong.
  Summary verify() const;

  /// Drops the oldest closed runs until `retention` holds. Durable on return.
  /// @returns how many runs went.
  std::uint64_t prune(const Retention& retention);

 private:
  class Store;
  explicit Journal(std::unique_ptr<Store> store);
  std::unique_ptr<Store> store_;
};

}  // namespace belay::journal

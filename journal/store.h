#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <future>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "journal/images.h"
#include "journal/journal.h"
#include "journal/lmdb.h"
#include "journal/log_reader.h"
#include "journal/stored.h"

namespace belay::journal {

/// What a Journal keeps: the LMDB file as it is durable, and what waits to be written to it.
class Journal::Store {
 public:
  Store(const std::filesystem::path& file, Access access);

  /// A journal without a record, whose numbers go on behind `after`.
  static void build(const std::filesystem::path& file, const std::string& database_id, Lsn after);

  [[nodiscard]] const std::filesystem::path& file() const { return environment_.file(); }
  /// The state with what was appended.
  [[nodiscard]] const Head& tip() const { return tip_; }

  [[nodiscard]] bool is_up_to_date() const;

  RunId begin(RunBegin run, std::vector<PlannedRevision> plan);
  RunId supersede(const std::optional<Record>& closing, RunEnd end, RunBegin run, std::vector<PlannedRevision> plan);
  Lsn append(const Record& record);
  void keep_image(std::uint64_t place, std::string_view content);
  void carry_on(Lsn transaction);
  std::uint64_t commit(const Retention* retention);
  void scan(Lsn from, const std::function<bool(const Entry&)>& visit, Detail detail) const;
  [[nodiscard]] std::optional<Record> record(Lsn lsn) const;
  void scan_images(Lsn owner, const std::function<void(std::uint64_t, std::string_view)>& visit) const;
  [[nodiscard]] std::vector<Run> runs() const;
  Summary verify() const;

 private:
  struct Appended {
    Lsn lsn;
    std::string value;
  };

  template <class Action>
  void with_place(const Action& action) const;
  void read(const std::function<void(lmdb::Transaction&)>& look) const;
  void write(const std::function<void(lmdb::Transaction&)>& change);
  [[nodiscard]] Head durable_now() const;
  void refresh();
  void open_run(RunBegin run, std::vector<PlannedRevision> plan);
  void require_writable() const;
  void require_unchanged(const lmdb::Transaction& transaction) const;
  void write_log(lmdb::Transaction& transaction) const;
  void write_spans(lmdb::Transaction& transaction) const;
  void write_span(lmdb::Transaction& transaction, RunId run, std::span<const Appended> records) const;
  void reserve();
  void write_behind();
  void finish_writing();
  void erase_voided();
  void erase_pruned();
  void advance(Lsn lsn, const Record& record);
  void void_images(Lsn first);
  bool load_images(const ImageKey& key, std::optional<std::uint64_t>& batches, std::string& raw) const;

  lmdb::Environment environment_;
  bool writable_;
  bool failed_ = false;
  Tables tables_;
  Head durable_;
  Head tip_;
  std::vector<Appended> appended_;
  WaitingImages waiting_;
  std::optional<Lsn> voided_;  ///< The durable images of transactions from this one on go with the next flush.
  /// Images on their way to the file, beside the database's thread. Whoever needs the file waits for it. The last
  /// member: it ends before what it uses.
  std::future<void> writing_;
};

}  // namespace belay::journal

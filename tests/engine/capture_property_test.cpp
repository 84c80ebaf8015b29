// Whatever is done in a unit, and whatever others do beside it, its before-images are the pages as they were.

#include <gtest/gtest.h>
#include <sqlite3.h>

#include <rapidcheck/gtest.h>

#include <algorithm>
#include <memory>

#include "engine/connection.h"
#include "tests/engine/fixture.h"
#include "tests/engine/kept.h"
#include "tests/engine/raw.h"

namespace belay::engine {
namespace {

/// All pages, as a reader finds them; the WAL's included.
std::string pages(const std::filesystem::path& file) {
  sqlite3* database = nullptr;
  sqlite3_open(file.c_str(), &database);
  sqlite3_int64 size = 0;
  unsigned char* bytes = sqlite3_serialize(database, "main", &size, 0);
  std::string all(reinterpret_cast<char*>(bytes), static_cast<std::size_t>(size));
  sqlite3_free(bytes);
  sqlite3_close(database);
  return without_counter(all);
}

std::string statement(int kind, int number) {
  const auto n = std::to_string(number);
  switch (kind) {
    case 0:
      return "INSERT INTO t (v) VALUES (hex(randomblob(" + std::to_string(number * 131 % 5000) + ")))";
    case 1:
      return "UPDATE t SET v = hex(randomblob(" + std::to_string(number * 37 % 300) +
             ")) WHERE id % 5 = " + std::to_string(number % 5);
    case 2:
      return "DELETE FROM t WHERE id % 4 = " + std::to_string(number % 4);
    case 3:
      return "CREATE TABLE a" + n + " AS SELECT * FROM t";
    case 4:
      return "CREATE INDEX i" + n + " ON t (v)";
    case 5:
      return "UPDATE t SET v = v || 'x'";
    case 6:
      return "PRAGMA incremental_vacuum(3)";
    default:
      return "DELETE FROM t";
  }
}

/// The one connection of ours, and others beside it.
class Beside {
 public:
  Beside(const std::string& file, bool wal) : file_(file), wal_(wal) {
    if (wal) engine::run(file, "PRAGMA journal_mode = WAL");
    ours_ = engine::connect({"sqlite", file}, {.lock_timeout = std::chrono::milliseconds(0)});
  }

  void unit(const std::vector<int>& kinds, int others, bool commit) {
    before_.push_back(pages(file_));
    kept_.units.emplace_back();
    ours_->capture(&kept_);
    ours_->begin();
    for (const int kind : kinds) {
      if (kind % 3 == 0) ours_->savepoint();
      ours_->run({statement(kind, ++number_), "a.sql", 1}, {});
      if (kind % 3 == 0 && number_ % 2 == 0)
        ours_->rollback_to_savepoint();
      else if (kind % 3 == 0)
        ours_->release_savepoint();
      act(others);
    }
    if (commit)
      ours_->commit();
    else
      ours_->rollback();
    ours_->capture(nullptr);
    if (kept_.units.back().footprints.empty()) {  // Nothing was written, or it was taken back.
      RC_ASSERT(pages(file_) == before_.back());
      kept_.units.pop_back();
      before_.pop_back();
    }
    act(others / 7);
    if (number_ % 3 == 0) others_write();
  }

  /// What was before can no longer be put back.
  void others_write() {
    engine::run(file_, "UPDATE t SET v = 'others ' || id WHERE id % 3 = " + std::to_string(number_ % 3));
    kept_.units.clear();
    before_.clear();
  }

  /// What others do that writes nothing.
  void act(int what) {
    switch (what % 7) {
      case 1:
        engine::run(file_, "PRAGMA wal_checkpoint(PASSIVE)");
        break;
      case 2:
        if (!reader_) reader_ = std::make_unique<Raw>(file_);
        break;
      case 3:
        if (!wal_ || !reader_ || reading_) break;  // With a rollback journal it would keep us from committing.
        reader_->run("BEGIN; SELECT count(*) FROM t");
        reading_ = true;
        break;
      case 4:
        reader_.reset();
        reading_ = false;
        break;
      case 5:
        if (reader_ && !reading_) reader_->read("SELECT count(*), max(v) FROM t");
        break;
      case 6:
        if (!ours_->in_transaction()) engine::run(file_, "PRAGMA wal_checkpoint(TRUNCATE)");
        break;
      default:
        break;
    }
  }

  void check(std::size_t first) {
    reader_.reset();
    if (kept_.units.empty()) return;
    first %= kept_.units.size();
    Unheard unheard;
    auto what = kept_.restoration(first);
    what.expected.clear();
    ours_->restore(what, unheard);
    RC_ASSERT(ours_->find_damage().empty());
    ours_.reset();
    const std::string now = pages(file_);
    RC_ASSERT(now.size() == before_[first].size());
    const auto differs_at = std::ranges::mismatch(now, before_[first]).in1 - now.begin();
    RC_ASSERT(differs_at == static_cast<std::ptrdiff_t>(now.size()));
  }

 private:
  std::string file_;
  bool wal_;
  std::unique_ptr<Connection> ours_;
  std::unique_ptr<Raw> reader_;
  bool reading_ = false;
  Kept kept_;
  std::vector<std::string> before_;  ///< By unit.
  int number_ = 0;
};

RC_GTEST_PROP(CaptureProperty, ImagesAreThePagesAsTheyWere, ()) {
  const Folder folder;
  const std::string file = folder / "app.db";
  engine::run(file, "PRAGMA page_size = " + std::to_string(*rc::gen::element(512, 1024, 4096, 65536)) +
                        "; PRAGMA auto_vacuum = " + std::to_string(*rc::gen::inRange(0, 3)) +
                        "; CREATE TABLE t (id INTEGER PRIMARY KEY, v TEXT);"
                        "INSERT INTO t WITH RECURSIVE c(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM c WHERE i < 300)"
                        " SELECT i, hex(randomblob(i)) FROM c; DELETE FROM t WHERE id BETWEEN 50 AND 90");
  Beside beside(file, *rc::gen::arbitrary<bool>());
  const int units = *rc::gen::inRange(1, 6);
  for (int i = 0; i < units; ++i)
    beside.unit(*rc::gen::container<std::vector<int>>(*rc::gen::inRange<std::size_t>(1, 5), rc::gen::inRange(0, 8)),
                *rc::gen::inRange(0, 49), *rc::gen::weightedElement<bool>({{4, true}, {1, false}}));
  beside.check(*rc::gen::inRange<std::size_t>(0, 6));
}

}  // namespace
}  // namespace belay::engine

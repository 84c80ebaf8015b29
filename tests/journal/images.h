#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <functional>
#include <optional>
#include <random>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "journal/journal.h"
#include "journal/lmdb.h"
#include "tests/journal/fixture.h"

/// Before-images, and a journal to keep them in.
namespace belay::journal {

using Images = std::vector<std::pair<std::uint64_t, std::string>>;

inline Images images_of(const Journal& journal, Lsn transaction) {
  Images images;
  journal.scan_images(
      transaction, [&images](std::uint64_t place, std::string_view content) { images.emplace_back(place, content); });
  return images;
}

/// That cannot be compressed.
inline std::string noise(std::size_t size, std::uint32_t seed) {
  std::mt19937 random(seed);
  std::string bytes(size, '\0');
  std::generate(bytes.begin(), bytes.end(), [&random] { return static_cast<char>(random()); });
  return bytes;
}

inline Images pages(std::size_t count, std::size_t size = 4096) {
  Images images;
  for (std::size_t i = 0; i < count; ++i) images.emplace_back(7 * i + 1, noise(size, static_cast<std::uint32_t>(i)));
  return images;
}

class ImagesTest : public ::testing::Test {
 protected:
  void SetUp() override { journal_.emplace(Journal::create(file_, "database-1")); }

  void reopen(Journal::Access access = Journal::Access::write) {
    journal_.reset();
    journal_.emplace(Journal::open(file_, access));
  }

  /// What nobody should do to the file; the journal is closed for it, and stays so.
  void tamper_with_file(const std::function<void(lmdb::Transaction&)>& change) {
    journal_.reset();
    lmdb::Environment environment(file_, lmdb::Environment::Access::write);
    environment.write(change);
  }

  Lsn begin_transaction(const Images& images = {}) {
    const Lsn begin = journal_->append(TransactionBegin{journal_->last_commit()});
    for (const auto& [place, content] : images) journal_->keep_image(place, content);
    return begin;
  }

  Lsn commit_transaction(const Images& images) {
    const Lsn begin = begin_transaction(images);
    journal_->flush();
    journal_->append(TransactionCommit{begin});
    return begin;
  }

  void begin_run() { journal_->begin({.command = "migrate"}, {revision("1")}); }
  void end_run(const Journal::Retention& retention = {}) { journal_->end({.outcome = Outcome::done}, retention); }

  /// A run of one transaction.
  Lsn write_images(const Images& images, const Journal::Retention& retention = {}) {
    begin_run();
    const Lsn begin = commit_transaction(images);
    end_run(retention);
    return begin;
  }

  Folder folder_;
  std::filesystem::path file_ = folder_ / "journal.lmdb";
  std::optional<Journal> journal_;
};

}  // namespace belay::journal

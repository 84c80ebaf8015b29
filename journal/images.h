#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <future>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "journal/image_batch.h"
#include "journal/lmdb.h"
#include "journal/stored.h"

namespace belay::journal {

/// The table of before-images; none in a journal of the first format.
std::optional<lmdb::Table> find_images(lmdb::Transaction& transaction);

/// A batch as it is stored.
struct StoredImages {
  ImageKey key;
  std::string value;
};

/// Behind all that are there.
void append_images(lmdb::Transaction& transaction, lmdb::Table images, const std::vector<StoredImages>& batches);

/// The before-images that are not durable yet, of the open transaction. Full batches are compressed by a thread of its
/// own, while the database's thread goes on; to the caller it looks as if they were closed at once.
class WaitingImages {
 public:
  WaitingImages();
  WaitingImages(const WaitingImages&) = delete;
  WaitingImages& operator=(const WaitingImages&) = delete;
  ~WaitingImages();

  /// @param batches  that it has already: those of an earlier process.
  void begin(Lsn transaction, std::uint64_t batches = 0);
  /// To be called between `begin` and `end`.
  void keep(std::uint64_t place, std::string_view content);
  void end();

  /// Forgets those of `first` and of every later transaction.
  void drop_from(Lsn first);

  /// Nothing waits but batches that are closed, ready to be written.
  void close_batch();
  /// Those that are; they do not wait any more.
  std::vector<StoredImages> take();

  [[nodiscard]] Lsn transaction() const { return next_.transaction; }
  [[nodiscard]] bool empty() const { return batches_.empty() && sealing_.empty() && open_.empty(); }
  /// Of the closed batches that are compressed.
  [[nodiscard]] std::size_t batches() const { return batches_.size(); }
  [[nodiscard]] std::size_t bytes() const { return bytes_; }

 private:
  struct Sealing {
    ImageKey key;
    std::future<std::string> value;
  };
  class Helper;

  void hand_over();
  void collect(std::size_t left_max);
  void add(const ImageKey& key, std::string value);

  ImageBatch open_;
  ImageKey next_;                      ///< Of `open_`. Without a transaction none is open.
  std::deque<Sealing> sealing_;        ///< Closed, and with the helper; newer than all of `batches_`.
  std::vector<StoredImages> batches_;  ///< Compressed.
  std::size_t bytes_ = 0;              ///< Of `batches_`.
  std::unique_ptr<Helper> helper_;     ///< Comes with the first full batch.
};

/// How many batches, and the sizes of their values, which stay unread.
struct ImageUse {
  std::uint64_t batches = 0;
  std::uint64_t bytes = 0;
};

/// Of the transactions from `first` to `last`, both included.
ImageUse image_use(const lmdb::Transaction& transaction, lmdb::Table images, Lsn first, Lsn last);

/// How many batches one LMDB transaction may erase: it keeps the number of every page that it frees in memory, and
/// writes the list of them in one piece.
constexpr std::uint64_t erased_batches_max = 1024;

/// Erases up to `erased_batches_max` batches of transactions from `first` on, the newest ones first: what is left of a
/// transaction has no gap.
/// @returns whether all are gone.
bool erase_images_from(lmdb::Transaction& transaction, lmdb::Table images, Lsn first);

/// Likewise of transactions before `first`, the oldest ones first.
bool erase_images_before(lmdb::Transaction& transaction, lmdb::Table images, Lsn first);

/// Checks and decompresses the batch `key`.
/// @returns false when there is none.
/// @throws Error `damaged`, naming the transaction.
bool read_images(const lmdb::Transaction& transaction, lmdb::Table images, const ImageKey& key, std::string& raw);

}  // namespace belay::journal

#include "journal/images.h"

#include <algorithm>
#include <boost/asio/post.hpp>
#include <boost/asio/thread_pool.hpp>
#include <boost/system/system_error.hpp>
#include <cassert>
#include <chrono>
#include <utility>

#include "journal/error.h"
#include "journal/format.h"

namespace belay::journal {
namespace {

/// After so many batches, what was read on the way is let go: pages of keys, first pages of values, lists of free
/// pages.
constexpr std::uint64_t let_go_interval = 16;

/// So many batches may wait for the helper: memory is bounded when it cannot keep up.
constexpr std::size_t sealing_max = 4;

/// Erases what `next` finds until it finds nothing.
template <class Next>
bool erase(lmdb::Transaction& transaction, lmdb::Table images, const Next& next) {
  for (std::uint64_t erased = 0; erased < erased_batches_max; ++erased) {
    const std::optional<std::string> key = next();
    if (!key) return true;
    transaction.erase(images, *key);
    if (erased % let_go_interval == 0) transaction.let_go();
  }
  return !next();
}

}  // namespace

std::optional<lmdb::Table> find_images(lmdb::Transaction& transaction) {
  return transaction.find_table(format::images_table);
}

void append_images(lmdb::Transaction& transaction, lmdb::Table images, const std::vector<StoredImages>& batches) {
  std::uint64_t appended = 0;
  for (const auto& [key, value] : batches) {
    transaction.append(images, key_of(key), value);
    if (++appended % let_go_interval == 0) transaction.let_go();
  }
}

/// The thread that compresses.
class WaitingImages::Helper {
 public:
  std::future<std::string> seal(ImageBatch batch, const ImageKey& key) {
    std::packaged_task<std::string()> task([batch = std::move(batch), key]() mutable { return batch.seal(key); });
    auto value = task.get_future();
    boost::asio::post(thread_, std::move(task));
    return value;
  }

 private:
  boost::asio::thread_pool thread_{1};
};

WaitingImages::WaitingImages() = default;
WaitingImages::~WaitingImages() = default;

void WaitingImages::begin(Lsn transaction, std::uint64_t batches) {
  end();
  next_ = {.transaction = transaction, .batch = static_cast<std::uint32_t>(batches)};
}

void WaitingImages::keep(std::uint64_t place, std::string_view content) {
  assert(next_.transaction && "an image is kept outside a transaction");
  open_.add(place, content);
  if (open_.full()) hand_over();
}

/// Where the system gives no thread, the batch is compressed here.
void WaitingImages::hand_over() {
  try {
    if (!helper_) helper_ = std::make_unique<Helper>();
  } catch (const boost::system::system_error&) {
    close_batch();
    return;
  }
  sealing_.push_back({next_, helper_->seal(std::exchange(open_, {}), next_)});
  ++next_.batch;
  collect(sealing_max);
}

/// Takes what the helper has done, in order, and waits for it while more than `left_max` are with it.
void WaitingImages::collect(std::size_t left_max) {
  const auto is_done = [](const Sealing& one) {
    return one.value.wait_for(std::chrono::seconds(0)) == std::future_status::ready;
  };
  while (!sealing_.empty() && (sealing_.size() > left_max || is_done(sealing_.front()))) {
    Sealing first = std::move(sealing_.front());
    sealing_.pop_front();
    add(first.key, first.value.get());
  }
}

void WaitingImages::add(const ImageKey& key, std::string value) {
  bytes_ += value.size();
  batches_.push_back({key, std::move(value)});
}

void WaitingImages::end() {
  close_batch();
  next_ = {};
}

void WaitingImages::drop_from(Lsn first) {
  close_batch();
  std::erase_if(batches_, [first](const StoredImages& batch) { return batch.key.transaction >= first; });
  bytes_ = 0;
  for (const StoredImages& batch : batches_) bytes_ += batch.value.size();
}

void WaitingImages::close_batch() {
  collect(0);
  if (open_.empty()) return;
  add(next_, open_.seal(next_));
  ++next_.batch;
}

std::vector<StoredImages> WaitingImages::take() {
  bytes_ = 0;
  return std::exchange(batches_, {});
}

ImageUse image_use(const lmdb::Transaction& transaction, lmdb::Table images, Lsn first, Lsn last) {
  ImageUse use;
  lmdb::Cursor cursor(transaction, images);
  for (auto item = cursor.seek(key_of(ImageKey{first})); item; item = cursor.next()) {
    if (image_key_of(item->key).transaction > last) break;
    ++use.batches;
    use.bytes += item->value.size();
    if (use.batches % let_go_interval == 0) transaction.let_go();
  }
  return use;
}

bool erase_images_from(lmdb::Transaction& transaction, lmdb::Table images, Lsn first) {
  return erase(transaction, images, [&]() -> std::optional<std::string> {
    const auto item = lmdb::Cursor(transaction, images).last();
    if (!item || image_key_of(item->key).transaction < first) return std::nullopt;
    return std::string(item->key);
  });
}

bool erase_images_before(lmdb::Transaction& transaction, lmdb::Table images, Lsn first) {
  return erase(transaction, images, [&]() -> std::optional<std::string> {
    const auto item = lmdb::Cursor(transaction, images).seek(key_of(ImageKey{}));
    if (!item || image_key_of(item->key).transaction >= first) return std::nullopt;
    return std::string(item->key);
  });
}

bool read_images(const lmdb::Transaction& transaction, lmdb::Table images, const ImageKey& key, std::string& raw) {
  const auto value = transaction.get(images, key_of(key));
  if (!value) return false;
  try {
    open_images(key, *value, raw);
  } catch (const Error& error) {
    throw Error(error.code(), error.what(), {}, key.transaction);
  }
  return true;
}

}  // namespace belay::journal

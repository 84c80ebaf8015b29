#include "journal/images.h"

#include <algorithm>
#include <cassert>

#include "journal/error.h"
#include "journal/format.h"

namespace belay::journal {
namespace {

/// After so many batches, what was read on the way is let go: pages of keys, first pages of values, lists of free
/// pages.
constexpr std::uint64_t let_go_interval = 16;

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

void WaitingImages::begin(Lsn transaction, std::uint64_t batches) {
  end();
  next_ = {.transaction = transaction, .batch = static_cast<std::uint32_t>(batches)};
}

void WaitingImages::keep(std::uint64_t place, std::string_view content) {
  assert(next_.transaction && "an image is kept outside a transaction");
  open_.add(place, content);
  if (open_.full()) close_batch();
}

void WaitingImages::end() {
  close_batch();
  next_ = {};
}

void WaitingImages::drop_from(Lsn first) {
  close_batch();
  std::erase_if(batches_, [first](const Batch& batch) { return batch.key.transaction >= first; });
  bytes_ = 0;
  for (const Batch& batch : batches_) bytes_ += batch.value.size();
}

void WaitingImages::close_batch() {
  if (open_.empty()) return;
  batches_.push_back({next_, open_.seal(next_)});
  bytes_ += batches_.back().value.size();
  ++next_.batch;
}

void WaitingImages::write(lmdb::Transaction& transaction, lmdb::Table images) const {
  assert(open_.empty());
  std::uint64_t appended = 0;
  for (const Batch& batch : batches_) {
    transaction.append(images, key_of(batch.key), batch.value);
    if (++appended % let_go_interval == 0) transaction.let_go();
  }
}

void WaitingImages::written() {
  batches_.clear();
  bytes_ = 0;
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

#include "journal/image_batch.h"

#include <lz4.h>

#include <cassert>
#include <cstring>

#include "journal/error.h"
#include "journal/format.h"

namespace belay::journal {
namespace {

constexpr std::size_t batch_images_max = 64;
constexpr std::size_t batch_content_bytes_max = std::size_t{256} << 10U;
constexpr std::size_t content_bytes_max = std::size_t{1} << 30U;  ///< LZ4 takes less than 2 GiB at once.

/// A byte of an LZ4 block stands for at most this many; a block that claims more is damaged.
constexpr std::size_t lz4_ratio_max = 255;

[[noreturn]] void reject(const char* why) {
  throw Error(ErrorCode::damaged, why);
}

template <class Number>
void put(std::string& bytes, Number number) {
  for (std::size_t i = 0; i < sizeof number; ++i) bytes.push_back(static_cast<char>(number >> 8U * i & 0xFFU));
}

template <class Number>
Number take(std::string_view& bytes) {
  Number number = 0;
  for (std::size_t i = sizeof number; i-- > 0;) {
    number = static_cast<Number>(number << 8U | static_cast<unsigned char>(bytes[i]));
  }
  bytes.remove_prefix(sizeof number);
  return number;
}

}  // namespace

void ImageBatch::add(std::uint64_t place, std::string_view content) {
  assert(content.size() <= content_bytes_max);
  put(raw_, place);
  put(raw_, static_cast<std::uint32_t>(content.size()));
  raw_ += content;
  content_bytes_ += content.size();
  ++images_;
}

bool ImageBatch::full() const {
  return images_ >= batch_images_max || content_bytes_ >= batch_content_bytes_max;
}

std::string ImageBatch::seal(const ImageKey& key) {
  const int raw_size = static_cast<int>(raw_.size());
  compressed_.resize(static_cast<std::size_t>(LZ4_compressBound(raw_size)));
  const int size =
      LZ4_compress_default(raw_.data(), compressed_.data(), raw_size, static_cast<int>(compressed_.size()));
  assert(size > 0);
  const std::string_view block(compressed_.data(), static_cast<std::size_t>(size));
  std::string value = seal_batch(key, {.size = static_cast<std::uint32_t>(raw_size), .block = block});
  raw_.clear();
  images_ = content_bytes_ = 0;
  return value;
}

void open_images(const ImageKey& key, std::string_view value, std::string& raw) {
  const SealedBatch batch = open_batch(key, value);
  if (batch.size / lz4_ratio_max > batch.block.size() || batch.size > LZ4_MAX_INPUT_SIZE) {
    reject("a batch of images claims an impossible size");
  }
  raw.resize(batch.size);
  const int size = LZ4_decompress_safe(batch.block.data(), raw.data(), static_cast<int>(batch.block.size()),
                                       static_cast<int>(raw.size()));
  if (size < 0 || static_cast<std::size_t>(size) != raw.size()) reject("a batch of images cannot be decompressed");
  // Looked through before anything of it is handed on.
  visit_images(raw, [](std::uint64_t, std::string_view) {});
}

void visit_images(std::string_view raw, const std::function<void(std::uint64_t, std::string_view)>& visit) {
  while (!raw.empty()) {
    if (raw.size() < format::image_header_size) reject("a batch of images is cut short");
    const auto place = take<std::uint64_t>(raw);
    const auto size = take<std::uint32_t>(raw);
    if (raw.size() < size) reject("a batch of images is cut short");
    visit(place, raw.substr(0, size));
    raw.remove_prefix(size);
  }
}

}  // namespace belay::journal

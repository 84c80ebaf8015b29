#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "journal/stored.h"

namespace belay::journal {

/// Before-images on their way to `images`: on its own, an image of a page would cost LMDB two pages.
class ImageBatch {
 public:
  /// @param content  at most 1 GiB.
  void add(std::uint64_t place, std::string_view content);

  [[nodiscard]] bool empty() const { return images_ == 0; }
  [[nodiscard]] bool full() const;

  /// The stored value. The batch is empty afterwards.
  std::string seal(const ImageKey& key);

 private:
  std::string raw_;
  std::string compressed_;  ///< Kept from one batch to the next.
  std::size_t images_ = 0;
  std::size_t content_bytes_ = 0;
};

/// Checks and decompresses a stored batch. Memory is bounded by the size of `value`, whatever it claims.
/// @param raw  receives what `visit_images` takes.
/// @throws Error `damaged` (without file).
void open_images(const ImageKey& key, std::string_view value, std::string& raw);

/// Hands on the images of a batch, in the order in which they were added.
void visit_images(std::string_view raw, const std::function<void(std::uint64_t, std::string_view)>& visit);

}  // namespace belay::journal

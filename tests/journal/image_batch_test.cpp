#include "journal/image_batch.h"

#include <gtest/gtest.h>

#include <rapidcheck/gtest.h>
#include <string>

#include "journal/error.h"
#include "tests/journal/images.h"

namespace belay::journal {
namespace {

constexpr ImageKey key{{5}, 2};

std::string sealed(const Images& images) {
  ImageBatch batch;
  for (const auto& [place, content] : images) batch.add(place, content);
  return batch.seal(key);
}

Images opened(const ImageKey& at, const std::string& value) {
  std::string raw;
  open_images(at, value, raw);
  Images images;
  visit_images(raw, [&images](std::uint64_t place, std::string_view content) { images.emplace_back(place, content); });
  return images;
}

ErrorCode code_of_opening(const ImageKey& at, const std::string& value) {
  return code_of([&] { opened(at, value); });
}

rc::Gen<Images> some_images() {
  return rc::gen::nonEmpty(
      rc::gen::container<Images>(rc::gen::pair(rc::gen::arbitrary<std::uint64_t>(), rc::gen::string<std::string>())));
}

RC_GTEST_PROP(ImageBatchTest, SealedBatchOpensToItsImages, ()) {
  const Images images = *some_images();
  RC_ASSERT(opened(key, sealed(images)) == images);
}

RC_GTEST_PROP(ImageBatchTest, ChangedByteIsDamaged, ()) {
  std::string value = sealed(*some_images());
  const auto place = *rc::gen::inRange<std::size_t>(0, value.size());
  value[place] = static_cast<char>(value[place] ^ *rc::gen::inRange(1, 256));
  RC_ASSERT(code_of_opening(key, value) == ErrorCode::damaged);
}

RC_GTEST_PROP(ImageBatchTest, CutOrLengthenedBatchIsDamaged, ()) {
  const std::string value = sealed(*some_images());
  const auto length = *rc::gen::inRange<std::size_t>(0, value.size());
  RC_ASSERT(code_of_opening(key, value.substr(0, length)) == ErrorCode::damaged);
  RC_ASSERT(code_of_opening(key, value + '\0') == ErrorCode::damaged);
}

/// The checksum is right and what it covers was never written by us: what a fuzzer tries.
RC_GTEST_PROP(ImageBatchTest, ArbitraryBlockIsDamagedOrWholeImages, (const std::string& block, std::uint16_t size)) {
  const std::string value = seal_batch(key, {.size = size, .block = block});
  try {
    std::size_t bytes = 0;
    for (const auto& [place, content] : opened(key, value)) bytes += 12 + content.size();
    RC_ASSERT(bytes == size);
  } catch (const Error& error) {
    RC_ASSERT(error.code() == ErrorCode::damaged);
  }
}

TEST(ImageBatchTest, BatchUnderAnotherKeyIsDamaged) {
  const std::string value = sealed(pages(1));
  EXPECT_EQ(opened(key, value), pages(1));
  EXPECT_EQ(code_of_opening({{5}, 3}, value), ErrorCode::damaged);
  EXPECT_EQ(code_of_opening({{6}, 2}, value), ErrorCode::damaged);
}

TEST(ImageBatchTest, ClaimedSizeIsNotBelieved) {
  const std::string value = seal_batch(key, {.size = 0xFFFFFFFF, .block = "small"});
  EXPECT_EQ(code_of_opening(key, value), ErrorCode::damaged);
}

TEST(ImageBatchTest, BatchIsFullAtSixtyFourImagesOrAtAQuarterOfAMebibyte) {
  ImageBatch small;
  for (int i = 0; i < 63; ++i) small.add(1, "x");
  EXPECT_FALSE(small.full());
  small.add(1, "x");
  EXPECT_TRUE(small.full());
  ImageBatch large;
  large.add(1, std::string((256U << 10U) - 1, 'x'));
  EXPECT_FALSE(large.full());
  large.add(1, "x");
  EXPECT_TRUE(large.full());
}

TEST(ImageBatchTest, KeysAreOrderedByTransactionThenBatch) {
  const std::vector<ImageKey> keys{{{1}, 0}, {{1}, 1}, {{1}, 0x100}, {{2}, 0}, {{0x100}, 0xFFFFFFFF}};
  for (std::size_t i = 0; i + 1 < keys.size(); ++i) EXPECT_LT(key_of(keys[i]), key_of(keys[i + 1]));
  for (const ImageKey& each : keys) EXPECT_EQ(image_key_of(key_of(each)), each);
  EXPECT_EQ(code_of([] { image_key_of("eight..."); }), ErrorCode::damaged);
}

}  // namespace
}  // namespace belay::journal

#include "journal/stored.h"

#include <fmt/format.h>
#include <xxhash.h>

#include <array>
#include <initializer_list>
#include <memory>
#include <new>

#include "journal/error.h"
#include "journal/format.h"

namespace belay::journal {
namespace {

constexpr std::size_t u32_size = 4;
constexpr std::size_t u64_size = 8;

[[noreturn]] void reject(const std::string& why) {
  throw Error(ErrorCode::damaged, why);
}

std::string little_endian(std::uint64_t number, std::size_t size = u64_size) {
  std::string bytes(size, '\0');
  for (char& byte : bytes) {
    byte = static_cast<char>(number & 0xFFU);
    number >>= 8U;
  }
  return bytes;
}

std::uint64_t from_little_endian(std::string_view bytes) {
  std::uint64_t number = 0;
  for (std::size_t i = bytes.size(); i-- > 0;) number = number << 8U | static_cast<unsigned char>(bytes[i]);
  return number;
}

std::uint64_t u64_at(std::string_view bytes, std::size_t offset) {
  return from_little_endian(bytes.substr(offset, u64_size));
}

std::uint64_t checksum(std::initializer_list<std::string_view> parts) {
  const std::unique_ptr<XXH3_state_t, decltype(&XXH3_freeState)> state(XXH3_createState(), &XXH3_freeState);
  if (!state) throw std::bad_alloc();
  XXH3_64bits_reset(state.get());
  for (const std::string_view part : parts) XXH3_64bits_update(state.get(), part.data(), part.size());
  return XXH3_64bits_digest(state.get());
}

}  // namespace

std::string key_of(std::uint64_t number) {
  std::string key = little_endian(number);
  return {key.rbegin(), key.rend()};
}

std::uint64_t number_of(std::string_view key) {
  if (key.size() != format::key_size) reject("a key is not a number");
  return from_little_endian(std::string(key.rbegin(), key.rend()));
}

std::string key_of(const ImageKey& key) {
  return key_of(key.transaction) + key_of(std::uint64_t{key.batch}).substr(u32_size);
}

ImageKey image_key_of(std::string_view key) {
  if (key.size() != format::image_key_size) reject("a key is not that of a batch of images");
  const std::string batch = std::string(u32_size, '\0').append(key.substr(format::key_size));
  return {{number_of(key.substr(0, format::key_size))}, static_cast<std::uint32_t>(number_of(batch))};
}

std::string seal_record(Lsn lsn, std::uint64_t chain, std::string_view payload) {
  const std::string link = little_endian(chain);
  std::string value = little_endian(checksum({key_of(lsn), link, payload}));
  value.reserve(format::record_header_size + payload.size());
  return value.append(link).append(payload);
}

SealedRecord open_record(Lsn lsn, std::string_view value) {
  if (value.size() <= format::record_header_size) reject("the record is cut short");
  if (checksum({key_of(lsn), value.substr(u64_size)}) != u64_at(value, 0)) reject("the record's checksum is wrong");
  return {u64_at(value, 0), u64_at(value, u64_size), value.substr(format::record_header_size)};
}

std::string seal_batch(const ImageKey& key, const SealedBatch& batch) {
  const std::string size = little_endian(batch.size, u32_size);
  std::string value;
  value.reserve(format::batch_header_size + batch.block.size());
  return value.append(little_endian(checksum({key_of(key), size, batch.block}))).append(size).append(batch.block);
}

SealedBatch open_batch(const ImageKey& key, std::string_view value) {
  if (value.size() <= format::batch_header_size) reject("a batch of images is cut short");
  if (checksum({key_of(key), value.substr(u64_size)}) != u64_at(value, 0)) {
    reject("the checksum of a batch of images is wrong");
  }
  const std::string_view size = value.substr(u64_size, u32_size);
  return {static_cast<std::uint32_t>(from_little_endian(size)), value.substr(format::batch_header_size)};
}

std::string seal_span(RunId run, const RunSpan& span) {
  const std::string body = little_endian(span.first.value) + little_endian(span.last.value) + little_endian(span.bytes);
  return little_endian(checksum({key_of(run), body})) + body;
}

RunSpan open_span(RunId run, std::string_view value) {
  if (value.size() != format::span_size || checksum({key_of(run), value.substr(u64_size)}) != u64_at(value, 0)) {
    reject(fmt::format("the entry of run {} is wrong", run.value));
  }
  return {{u64_at(value, 8)}, {u64_at(value, 16)}, u64_at(value, 24)};
}

std::string seal_head(const Head& head) {
  std::string body;
  for (const std::uint64_t field :
       {head.first.value, head.anchor, head.last.value, head.tail, head.checkpoint.value, head.last_commit.value,
        head.next_run.value, head.open_run.value, head.bytes, head.last_undo.value, head.first_image.value}) {
    body += little_endian(field);
  }
  body += head.database_id;
  const std::string version = little_endian(format::version, u32_size);
  return version + little_endian(checksum({format::head_key, version, body})) + body;
}

Head open_head(std::string_view value) {
  if (value.size() < u32_size) reject("the header is cut short");
  const std::string_view version = value.substr(0, u32_size);
  const std::uint64_t number = from_little_endian(version);
  if (number > format::version) {
    throw Error(ErrorCode::newer_format,
                fmt::format("the journal has format {}; this program knows formats up to {}", number, format::version));
  }
  const bool with_images = number > format::version_without_images;
  const std::size_t size = with_images ? format::head_size : format::head_size_without_images;
  if (value.size() < size) reject("the header is cut short");
  const std::string_view body = value.substr(u32_size + u64_size);
  if (checksum({format::head_key, version, body}) != u64_at(value, u32_size)) reject("the header's checksum is wrong");
  const auto field = [body](std::size_t index) { return u64_at(body, index * u64_size); };
  return {.version = static_cast<std::uint32_t>(number),
          .first = {field(0)},
          .anchor = field(1),
          .last = {field(2)},
          .tail = field(3),
          .checkpoint = {field(4)},
          .last_commit = {field(5)},
          .next_run = {field(6)},
          .open_run = {field(7)},
          .bytes = field(8),
          .last_undo = {with_images ? field(9) : 0},
          .first_image = {with_images ? field(10) : 0},
          .database_id = std::string(value.substr(size))};
}

}  // namespace belay::journal

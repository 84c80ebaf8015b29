#include <algorithm>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "journal/error.h"
#include "journal/grammar.h"
#include "journal/image_batch.h"
#include "journal/record.h"
#include "journal/stored.h"
#include "tests/fuzz/laws.h"

namespace belay::fuzz {
namespace {

using namespace journal;

constexpr Lsn lsn{7};
constexpr ImageKey key{{5}, 2};

/// Any other error leaves, and is a finding.
template <typename Act>
bool is_damaged(Act act) {
  try {
    act();
    return false;
  } catch (const Error& error) {
    if (error.code() != ErrorCode::damaged) throw;
    return true;
  }
}

std::uint64_t number_in(std::string_view bytes, std::size_t at) {
  std::uint64_t number = 0;
  for (std::size_t i = at; i < std::min(at + 8, bytes.size()); ++i)
    number = number << 8U | static_cast<unsigned char>(bytes[i]);
  return number;
}

/// The same with one byte changed: which one, and to what, depends on the bytes.
std::string spoiled(std::string value, std::uint64_t by) {
  char& byte = value[by % value.size()];
  byte = static_cast<char>(byte ^ static_cast<char>(1 + by / value.size() % 255));
  return value;
}

std::string sealed_law_broken_by(std::string_view payload) {
  const std::uint64_t by = number_in(payload, 1);
  const std::string value = seal_record(lsn, by, payload);
  const SealedRecord opened = open_record(lsn, value);
  if (opened.payload != payload || opened.chain != by) return "a sealed record opens to another one";
  if (!is_damaged([&] { open_record({lsn.value + 1}, value); })) return "a record opens under another key";
  const std::string bad = spoiled(value, by);
  return is_damaged([&] { open_record(lsn, bad); }) ? "" : "a record opens with a byte changed";
}

Head head_of(std::string_view bytes) {
  return {.first = {number_in(bytes, 0)},
          .anchor = number_in(bytes, 1),
          .last = {number_in(bytes, 2)},
          .tail = number_in(bytes, 3),
          .checkpoint = {number_in(bytes, 4)},
          .last_commit = {number_in(bytes, 5)},
          .next_run = {number_in(bytes, 6)},
          .open_run = {number_in(bytes, 7)},
          .bytes = number_in(bytes, 8),
          .last_undo = {number_in(bytes, 9)},
          .first_image = {number_in(bytes, 10)},
          .database_id = std::string(bytes)};
}

std::string head_law_broken_by(std::string_view bytes) {
  const Head head = head_of(bytes);
  const std::string value = seal_head(head);
  if (!(open_head(value) == head)) return "a sealed header opens to another one";
  // Behind the version, for a later one is told before anything else.
  const std::string bad = value.substr(0, 4) + spoiled(value.substr(4), number_in(bytes, 0));
  if (!is_damaged([&] { open_head(bad); })) return "a header opens with a byte changed";
  const RunSpan span{head.first, head.last, head.bytes};
  const std::string entry = seal_span(head.open_run, span);
  if (!(open_span(head.open_run, entry) == span)) return "a sealed span opens to another one";
  return is_damaged([&] { open_span(head.open_run, spoiled(entry, head.tail)); })
             ? ""
             : "the span of a run opens with a byte changed";
}

std::string decode_law_broken_by(std::string_view bytes) {
  std::optional<Record> record;
  if (is_damaged([&] { record = decode(bytes); })) return "";
  return encode(*record) == bytes ? "" : "a record is another one when it is written again";
}

std::vector<std::string_view> pieces_of(std::string_view bytes) {
  std::vector<std::string_view> pieces;
  while (bytes.size() >= 2) {
    const std::size_t size =
        static_cast<std::size_t>(static_cast<unsigned char>(bytes[0])) << 8U | static_cast<unsigned char>(bytes[1]);
    pieces.push_back(bytes.substr(2, size));
    bytes.remove_prefix(2 + pieces.back().size());
  }
  return pieces;
}

std::string grammar_law_broken_by(const Grammar& grammar, Lsn last) {
  if (!grammar.open_run() && (grammar.open_transaction() || grammar.open_undo()))
    return "something is open outside a run";
  if (grammar.open_transaction() && grammar.open_undo()) return "a transaction and an undo are open";
  if (grammar.open_transaction().value_or(last) > last || grammar.open_undo().value_or(last) > last)
    return "something is open that has not begun";
  if (grammar.last_undo() > last) return "the last undo has not ended yet";
  return "";
}

using Images = std::vector<std::pair<std::uint64_t, std::string>>;

/// Nothing when it is damaged.
std::optional<Images> opened(const std::string& value) {
  Images images;
  std::string raw;
  const bool damaged = is_damaged([&] { open_images(key, value, raw); });
  if (damaged) return std::nullopt;
  visit_images(raw, [&](std::uint64_t place, std::string_view content) { images.emplace_back(place, content); });
  return images;
}

std::string sealed(const Images& images) {
  ImageBatch batch;
  for (const auto& [place, content] : images) batch.add(place, content);
  return batch.seal(key);
}

}  // namespace

std::string record_law_broken_by(std::string_view bytes) {
  if (auto broken = decode_law_broken_by(bytes); !broken.empty()) return broken;
  if (auto broken = head_law_broken_by(bytes); !broken.empty()) return broken;
  return bytes.empty() ? "" : sealed_law_broken_by(bytes);
}

std::string log_law_broken_by(std::string_view bytes) {
  Grammar grammar;
  Lsn last{};
  for (const auto piece : pieces_of(bytes)) {
    std::optional<Record> record;
    if (is_damaged([&] { record = decode(piece); })) return "";
    ++last.value;
    try {
      grammar.accept(last, *record);
    } catch (const Error& error) {
      if (error.code() != ErrorCode::damaged) return "a record is refused as something else than damaged";
      return error.lsn() == last ? "" : "a record is refused under another number";
    }
    if (auto broken = grammar_law_broken_by(grammar, last); !broken.empty()) return broken;
  }
  is_damaged([&] { grammar.finish(); });
  return "";
}

std::string images_law_broken_by(std::string_view bytes) {
  if (bytes.size() < 3) return "";
  const auto size = static_cast<std::uint32_t>(number_in(bytes.substr(0, 2), 0));
  const std::string value = seal_batch(key, {.size = size, .block = bytes.substr(2)});
  if (opened(spoiled(value, number_in(bytes, 2)))) return "a batch opens with a byte changed";
  const auto images = opened(value);
  if (!images) return "";
  std::size_t bytes_of_all = 0;
  for (const auto& [place, content] : *images) bytes_of_all += 12 + content.size();
  if (bytes_of_all != size) return "a batch has images of another size";
  return opened(sealed(*images)) == images ? "" : "sealed again, the images are others";
}

}  // namespace belay::fuzz

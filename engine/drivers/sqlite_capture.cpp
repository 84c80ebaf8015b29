#include "engine/drivers/sqlite_capture.h"

#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>
#include <cstring>
#include <utility>

#include "engine/drivers/big_endian.h"
#include "engine/drivers/sqlite_header.h"
#include "engine/error.h"

namespace belay::engine::drivers {
namespace {

constexpr std::uint64_t wal_header_size = 32;
constexpr std::uint64_t frame_header_size = 24;

/// SQLite writes 65536 as 1.
std::uint32_t page_size_of(std::uint32_t stored) {
  return stored == 1 ? 65536 : stored;
}

std::string modification_time(const std::string& path) {
  struct stat info {};
  if (::stat(path.c_str(), &info) != 0) return "unknown";
  return fmt::format("{}.{:09}", info.st_mtim.tv_sec, info.st_mtim.tv_nsec);
}

}  // namespace

// --- WalIndex ---

WalIndex::Header WalIndex::read_header(const volatile void* shared) {
  std::array<char, 2 * header_size> bytes{};
  const auto* from = static_cast<const volatile char*>(shared);
  std::copy_n(from, bytes.size(), bytes.begin());
  // Both copies are the same, or a writer died between the two and nobody has mended it yet.
  const bool whole = std::memcmp(bytes.data(), bytes.data() + header_size, header_size) == 0 && bytes[12] != 0;
  Header header;
  if (!whole) return header;
  std::uint16_t page_size = 0;
  std::memcpy(&page_size, bytes.data() + 14, sizeof page_size);
  std::memcpy(&header.frames, bytes.data() + 16, sizeof header.frames);
  std::memcpy(&header.pages, bytes.data() + 20, sizeof header.pages);
  std::memcpy(&header.salt, bytes.data() + 32, sizeof header.salt);
  header.page_size = page_size_of(page_size);
  return header;
}

void WalIndex::refresh(const StoredFile& wal, const Header& header) {
  if (header.salt != header_.salt || header.frames < header_.frames || header.page_size != header_.page_size) restart();
  std::array<char, 4> number{};
  for (std::uint32_t frame = header_.frames + 1; frame <= header.frames; ++frame) {
    wal.read(content_of(frame, header.page_size) - frame_header_size, number.data(), number.size());
    const std::uint32_t page = big_endian({number.data(), number.size()}, 0);
    const std::size_t chunk = page / pages_per_chunk;
    if (chunk >= frames_.size()) frames_.resize(chunk + 1);
    if (!frames_[chunk]) frames_[chunk] = std::make_unique<Chunk>();
    (*frames_[chunk])[page % pages_per_chunk] = frame;
  }
  header_ = header;
}

std::uint32_t WalIndex::frame_of(std::uint32_t page) const {
  const std::size_t chunk = page / pages_per_chunk;
  return chunk < frames_.size() && frames_[chunk] ? (*frames_[chunk])[page % pages_per_chunk] : 0;
}

std::uint64_t WalIndex::content_of(std::uint32_t frame, std::uint32_t page_size) {
  return wal_header_size + (frame - std::uint64_t{1}) * (frame_header_size + page_size) + frame_header_size;
}

// --- SqliteCapture ---

void SqliteCapture::start(BeforeImages* images) {
  images_ = images;
  stage_ = Stage::idle;
  unit_ = {};
  taken_.clear();
  untouched_ = true;
  journal_written_ = false;
}

void SqliteCapture::main_opened(const StoredFile* file, std::string path) {
  main_ = file;
  path_ = std::move(path);
}

void SqliteCapture::wal_opened(const StoredFile* file) {
  wal_ = file;
  index_.restart();
}

/// On its way out of WAL mode SQLite has brought everything into the main file, and lets its exclusive lock go before
/// it takes the next one.
void SqliteCapture::wal_closed() {
  wal_ = nullptr;
  if (!in_unit() || stage_ != Stage::locked || before_.frames == 0) return;
  seal(*images_, measure());
  stage_ = Stage::sealed;
}

SqliteFootprint SqliteCapture::measure() const {
  SqliteFootprint footprint;
  if (wal_ != nullptr && shared_ != nullptr) {
    const auto header = WalIndex::read_header(shared_);
    index_.refresh(*wal_, header);
    footprint.frames = header.frames;
    footprint.pages = header.pages;
    if (header.frames > 0) footprint.salt = header.salt;
  }
  describe(first_page(header::size), footprint);
  return footprint;
}

/// What page 1 and the main file say.
void SqliteCapture::describe(const std::string& first, SqliteFootprint& footprint) const {
  footprint.modified = modification_time(path_);
  footprint.page_size = page_size_of(big_endian(first, header::page_size, 2));
  if (footprint.page_size == 0) return;  // An empty file.
  footprint.wal = first[header::write_version] == 2;
  footprint.counter = big_endian(first, header::counter);
  footprint.schema = big_endian(first, header::schema);
  if (footprint.frames > 0) return;
  const std::uint32_t pages = big_endian(first, header::pages);
  const bool valid = pages > 0 && big_endian(first, header::valid_for) == footprint.counter;
  footprint.pages = valid ? pages : static_cast<std::uint32_t>(main_->size() / footprint.page_size);
}

std::string SqliteCapture::first_page(std::size_t size) const {
  std::string bytes(size, '\0');
  const std::uint32_t frame = wal_ != nullptr ? index_.frame_of(1) : 0;
  if (frame != 0)
    wal_->read(WalIndex::content_of(frame, index_.page_size()), bytes.data(), bytes.size());
  else
    main_->read(0, bytes.data(), bytes.size());
  return bytes;
}

void SqliteCapture::write_locked() {
  if (checkpoint_seals_ != nullptr) before_ = measure();
  if (!in_unit() || stage_ == Stage::writing) return;
  before_ = measure();
  stage_ = Stage::locked;
  journal_written_ = false;
  commit_frame_ = 0;
  first_page_frame_ = 0;
  written_ = before_;
  if (!untouched_) return;
  unit_ = before_;
  taken_.assign(unit_.pages, false);
}

void SqliteCapture::main_write(std::uint64_t offset, std::size_t size) {
  if (!writes_in_place()) return;
  stage_ = Stage::writing;
  take(offset, size);
}

void SqliteCapture::main_truncate(std::uint64_t size) {
  if (writes_in_place()) take_from(size);
}

void SqliteCapture::main_sync() {
  if (!writes_in_place() || stage_ != Stage::writing) return;
  const auto after = measure();
  // SQLite cuts the file off only once the transaction has committed.
  take_from(std::uint64_t{after.pages} * after.page_size);
  seal(*images_, after);
  stage_ = Stage::sealed;
}

void SqliteCapture::wal_write(std::uint64_t offset, std::string_view bytes) {
  if (!in_unit()) return;
  if (offset == 0) {  // The WAL's header: what it held is in the main file.
    index_.restart();
    written_.page_size = page_size_of(big_endian(bytes, 8));
    std::memcpy(&written_.salt, bytes.data() + 16, sizeof written_.salt);
    return;
  }
  const std::uint64_t frame_size = frame_header_size + written_.page_size;
  const auto frame = static_cast<std::uint32_t>((offset - wal_header_size) / frame_size + 1);
  const std::uint64_t within = (offset - wal_header_size) % frame_size;
  if (within < frame_header_size) {
    if (within != 0 || bytes.size() < frame_header_size)
      throw Error(ErrorCode::not_understood, "SQLite writes the headers of its WAL in a way that belay does not know");
    frame_header(frame, bytes);
    bytes.remove_prefix(frame_header_size);
    if (!bytes.empty()) frame_content(frame, 0, bytes);
  } else {
    frame_content(frame, within - frame_header_size, bytes);
  }
}

void SqliteCapture::frame_header(std::uint32_t frame, std::string_view bytes) {
  if (stage_ == Stage::locked) stage_ = Stage::writing;
  const std::uint32_t page = big_endian(bytes, 0);
  const std::uint32_t pages_after_commit = big_endian(bytes, 4);
  take((page - std::uint64_t{1}) * written_.page_size, written_.page_size);
  if (page == 1) first_page_frame_ = frame;
  if (pages_after_commit == 0) return;
  commit_frame_ = frame;
  written_.pages = pages_after_commit;
  take_from(std::uint64_t{pages_after_commit} * written_.page_size);
}

/// The seal comes with the content of the commit frame: it may be page 1, which says where the transaction leads.
void SqliteCapture::frame_content(std::uint32_t frame, std::uint64_t offset, std::string_view bytes) {
  if (frame == first_page_frame_ && offset == 0 && bytes.size() >= header::size) {
    written_.counter = big_endian(bytes, header::counter);
    written_.schema = big_endian(bytes, header::schema);
  }
  if (frame != commit_frame_ || stage_ != Stage::writing) return;
  written_.wal = true;
  written_.frames = commit_frame_;
  seal(*images_, written_);
  stage_ = Stage::sealed;
}

/// A checkpoint has copied everything, and still holds the lock that keeps writers out.
void SqliteCapture::wal_truncate() {
  if (checkpoint_seals_ == nullptr || before_.frames == 0) return;
  index_.restart();
  SqliteFootprint after;
  describe(first_page(header::size), after);
  seal(*checkpoint_seals_, after);
}

void SqliteCapture::take(std::uint64_t offset, std::uint64_t size) {
  if (unit_.pages == 0 && untouched_) {  // An empty file: what it had is nothing, and that is to be told, too.
    images_->keep(1, {});
    untouched_ = false;
  }
  const std::uint64_t page_size = unit_.page_size;
  const std::uint64_t end = std::min(offset + size, std::uint64_t{unit_.pages} * page_size);
  std::string page(page_size, '\0');
  for (std::uint64_t at = page_size == 0 ? end : offset / page_size * page_size; at < end; at += page_size) {
    const std::uint64_t index = at / page_size;
    if (taken_[index]) continue;
    read_old(at, page);
    images_->keep(index + 1, page);
    taken_[index] = true;
    untouched_ = false;
  }
}

void SqliteCapture::take_from(std::uint64_t offset) {
  const std::uint64_t end = std::uint64_t{unit_.pages} * unit_.page_size;
  if (offset < end) take(offset, end - offset);
}

/// In pieces: a VACUUM within the unit may have changed the size of pages.
void SqliteCapture::read_old(std::uint64_t offset, std::string& page) const {
  const std::uint32_t piece = wal_ != nullptr && index_.page_size() != 0 ? index_.page_size() : unit_.page_size;
  for (std::uint64_t done = 0; done < page.size();) {
    const std::uint64_t at = offset + done;
    const std::uint64_t within = at % piece;
    const auto size = static_cast<std::size_t>(std::min<std::uint64_t>(piece - within, page.size() - done));
    const std::uint32_t frame = wal_ != nullptr ? index_.frame_of(static_cast<std::uint32_t>(at / piece + 1)) : 0;
    if (frame != 0)
      wal_->read(WalIndex::content_of(frame, piece) + within, page.data() + done, size);
    else
      main_->read(at, page.data() + done, size);
    done += size;
  }
}

void SqliteCapture::seal(Seals& seals, const SqliteFootprint& after) const {
  seals.seal(before_.text(), after.text());
}

}  // namespace belay::engine::drivers

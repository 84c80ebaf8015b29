#include "engine/drivers/hot_journal.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <filesystem>
#include <new>
#include <system_error>

#include "engine/drivers/big_endian.h"
#include "engine/error.h"

namespace belay::engine::drivers {
namespace {

constexpr std::string_view magic("\xd9\xd5\x05\xf9\x20\xa1\x63\xd7", 8);
constexpr std::size_t sector_size = 512;  ///< The header's length.
constexpr std::uint32_t nonce = 0x62656c61;
constexpr std::size_t buffer_bytes = std::size_t{1} << 20U;
/// The page with this byte is never part of a database: SQLite locks there.
constexpr std::uint64_t pending_byte = std::uint64_t{1} << 30U;

[[noreturn]] void raise(int code, const std::string& file) {
  const bool full = code == ENOSPC || code == EDQUOT || code == EFBIG;
  throw Error(full ? ErrorCode::no_space : ErrorCode::unavailable,
              fmt::format("cannot write {}: {}", file, std::generic_category().message(code)))
      .at(file, 0, "");
}

/// As the format has it: every 200th byte, counted from the page's end.
std::uint32_t checksum(std::string_view page) {
  std::uint32_t sum = nonce;
  for (auto i = static_cast<std::ptrdiff_t>(page.size()) - 200; i > 0; i -= 200)
    sum += static_cast<unsigned char>(page[static_cast<std::size_t>(i)]);
  return sum;
}

/// Whoever may write the database has to be able to play its journal back, as with SQLite's own.
void match_owner(int descriptor, const std::string& database) {
  struct stat info {};
  if (::stat(database.c_str(), &info) != 0) raise(errno, database);
  if (::fchmod(descriptor, info.st_mode & 0777U) != 0) raise(errno, database);
  if (::geteuid() == 0 && ::fchown(descriptor, info.st_uid, info.st_gid) != 0) raise(errno, database);
}

/// To make the names in it durable.
int open_folder_of(const std::filesystem::path& file) {
  return ::open(file.parent_path().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

std::string aside(const std::string& database) {
  return database + "-journal.new";
}

}  // namespace

HotJournal::HotJournal(const std::string& database, Size size)
    : database_(database), aside_(aside(database)), size_(size), added_(size.pages), written_(sector_size) {
  descriptor_ = ::open(aside_.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  if (descriptor_ < 0) raise(errno, aside_);
}

HotJournal::~HotJournal() {
  if (descriptor_ >= 0) ::close(descriptor_);
  ::unlink(aside_.c_str());  // Nothing once it is published.
}

void HotJournal::add(std::uint64_t offset, std::string_view content) {
  for (; content.size() >= size_.page_size; offset += size_.page_size, content.remove_prefix(size_.page_size)) {
    const std::uint64_t index = offset / size_.page_size;
    if (has(offset) || index == pending_byte / size_.page_size) continue;
    const auto page = content.substr(0, size_.page_size);
    added_[index] = true;
    ++records_;
    append_big_endian(buffer_, static_cast<std::uint32_t>(index + 1));
    buffer_ += page;
    append_big_endian(buffer_, checksum(page));
    if (buffer_.size() >= buffer_bytes) write_out();
  }
  if (!content.empty() && !has(offset))
    throw Error(ErrorCode::not_understood, "a before-image is smaller than the pages that the database had");
}

void HotJournal::publish() {
  write_out();
  std::string header(magic);
  for (const std::uint32_t field : {records_, nonce, size_.pages, std::uint32_t{sector_size}, size_.page_size})
    append_big_endian(header, field);
  header.resize(sector_size);
  write_at(0, header);
  match_owner(descriptor_, database_);
  if (::fsync(descriptor_) != 0) raise(errno, aside_);  // Before the name: a hot journal is whole.
  const std::string name = database_ + "-journal";
  // Opened before: an error says that nothing has changed, and with the name alone the undo has happened.
  const int folder = open_folder_of(name);
  if (folder < 0) raise(errno, name);
  int code = ::rename(aside_.c_str(), name.c_str()) == 0 ? 0 : errno;
  if (code == 0 && ::fsync(folder) != 0) {
    code = errno;
    ::unlink(name.c_str());  // The lock is held: nobody has played it back.
  }
  ::close(folder);
  if (code != 0) raise(code, name);
}

bool HotJournal::keep_name(const char* journal) noexcept {
  try {
    const int folder = open_folder_of(journal);
    if (folder < 0) return errno == EACCES;
    const bool is_durable = ::fsync(folder) == 0;
    ::close(folder);
    return is_durable;
  } catch (const std::bad_alloc&) {
    return false;
  }
}

void HotJournal::discard(const std::string& database) {
  if (::unlink(aside(database).c_str()) != 0 && errno != ENOENT) raise(errno, aside(database));
}

/// The disk begins with it at once, so that `publish` has less to wait for. A hint: what is durable, fsync decides.
void HotJournal::write_out() {
  write_at(written_, buffer_);
  ::sync_file_range(descriptor_, static_cast<off_t>(written_), static_cast<off_t>(buffer_.size()),
                    SYNC_FILE_RANGE_WRITE);
  written_ += buffer_.size();
  buffer_.clear();
}

void HotJournal::write_at(std::uint64_t offset, std::string_view bytes) const {
  while (!bytes.empty()) {
    const ssize_t count = ::pwrite(descriptor_, bytes.data(), bytes.size(), static_cast<off_t>(offset));
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) raise(count == 0 ? ENOSPC : errno, aside_);
    bytes.remove_prefix(static_cast<std::size_t>(count));
    offset += static_cast<std::uint64_t>(count);
  }
}

}  // namespace belay::engine::drivers

#include "journal/lmdb_pages.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <bit>
#include <cerrno>
#include <cstring>
#include <system_error>

#include "journal/error.h"

// The layout is that of LMDB 0.9's data format 1 (mdb.c: MDB_page, MDB_meta, MDB_db, MDB_node) on a 64-bit machine.

namespace belay::journal::lmdb {
namespace {

static_assert(sizeof(std::size_t) == 8, "LMDB's file has the word size of the machine");

constexpr std::uint32_t magic = 0xBEEFC0DE;
constexpr std::uint32_t data_version = 1;
constexpr std::uint16_t meta_page = 0x08;

struct PageHeader {
  std::uint64_t number;
  std::uint16_t pad;
  std::uint16_t flags;
  std::uint16_t lower;
  std::uint16_t upper;
};

struct TreeRoot {
  std::uint32_t pad;  ///< The page size, in the first one of a meta page.
  std::uint16_t flags;
  std::uint16_t depth;
  std::uint64_t branch_pages;
  std::uint64_t leaf_pages;
  std::uint64_t overflow_pages;
  std::uint64_t entries;
  std::uint64_t root;
};

struct MetaPage {
  PageHeader header;
  std::uint32_t magic;
  std::uint32_t version;
  std::uint64_t address;
  std::uint64_t map_size;
  std::array<TreeRoot, 2> trees;  ///< Free pages, and the names of tables.
  std::uint64_t last_page;
  std::uint64_t transaction;
};
static_assert(sizeof(PageHeader) == 16 && sizeof(TreeRoot) == 48 && sizeof(MetaPage) == 152);

}  // namespace

Pages::Pages(const std::filesystem::path& file) : file_(file), descriptor_(::open(file.c_str(), O_RDONLY | O_CLOEXEC)) {
  if (descriptor_ >= 0) return;
  throw Error(errno == ENOENT ? ErrorCode::not_found : ErrorCode::unavailable,
              fmt::format("cannot open the journal: {}", std::generic_category().message(errno)), file);
}

Pages::~Pages() {
  ::close(descriptor_);
}

void Pages::check_header() {
  // A writer that commits twice between our reads of the two pages makes them look inconsistent once, not always.
  constexpr int tries = 5;
  for (int i = 0; i < tries; ++i) {
    const Metas metas = read_metas();
    const std::uint64_t even = metas[0].transaction;
    const std::uint64_t odd = metas[1].transaction;
    if (even % 2 == 0 && (odd == even + 1 || even == odd + 1)) return;
  }
  reject("its two headers do not belong together");
}

Pages::Metas Pages::read_metas() {
  Metas metas{};
  for (std::size_t i = 0; i < metas.size(); ++i) {
    MetaPage page{};
    read_at(i * page_size_, &page, sizeof page);
    if (page.header.number != i || page.header.flags != meta_page) reject("it is not a file of LMDB");
    if (page.magic != magic) reject("it is not a file of LMDB");
    if (page.version > data_version) {
      throw Error(ErrorCode::newer_format, "the journal was written by a later version of LMDB", file_);
    }
    const std::size_t page_size = page.trees[0].pad;
    if (page.version != data_version || !std::has_single_bit(page_size) || page_size < 256 || page_size > 65536) {
      reject("its header is wrong");
    }
    if (i > 0 && page_size != page_size_) reject("its two headers do not belong together");
    page_size_ = page_size;
    metas[i] = {page.transaction, page.last_page};
  }
  struct stat info {};
  ::fstat(descriptor_, &info);
  const std::uint64_t pages = static_cast<std::uint64_t>(info.st_size) / page_size_;
  const Meta& newest = metas[0].transaction > metas[1].transaction ? metas[0] : metas[1];
  if (newest.last_page >= pages) {
    reject(fmt::format("it has {} pages and should have {}", pages, newest.last_page + 1).c_str());
  }
  return metas;
}

void Pages::read_at(std::uint64_t offset, void* to, std::size_t size) const {
  const ssize_t count = ::pread(descriptor_, to, size, static_cast<off_t>(offset));
  if (count < 0) {
    throw Error(ErrorCode::unavailable,
                fmt::format("cannot read the journal: {}", std::generic_category().message(errno)), file_);
  }
  if (static_cast<std::size_t>(count) != size) reject("it is cut short");
}

void Pages::reject(const char* why) const {
  throw Error(ErrorCode::damaged, fmt::format("the journal is damaged: {}", why), file_);
}

}  // namespace belay::journal::lmdb

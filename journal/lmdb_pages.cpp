#include "journal/lmdb_pages.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <bit>
#include <cerrno>
#include <cstring>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include "journal/error.h"

// The layout is that of LMDB 0.9's data format 1 (mdb.c: MDB_page, MDB_meta, MDB_db, MDB_node) on a 64-bit machine.

namespace belay::journal::lmdb {
namespace {

static_assert(sizeof(std::size_t) == 8, "LMDB's file has the word size of the machine");

constexpr std::uint32_t magic = 0xBEEFC0DE;
constexpr std::uint32_t data_version = 1;
constexpr std::uint64_t no_page = ~std::uint64_t{0};
constexpr std::size_t depth_max = 32;      ///< Of LMDB's cursors.
constexpr std::size_t key_size_max = 511;  ///< As LMDB is built everywhere.

/// Of pages.
constexpr std::uint16_t branch = 0x01;
constexpr std::uint16_t leaf = 0x02;
constexpr std::uint16_t overflow = 0x04;
constexpr std::uint16_t meta = 0x08;

/// Of nodes.
constexpr std::uint16_t big_data = 0x01;
constexpr std::uint16_t sub_data = 0x02;

/// Of trees.
constexpr std::uint16_t integer_key = 0x08;
constexpr std::uint16_t no_subdir = 0x4000;  ///< An option of the environment, kept with the tree of free pages.

struct PageHeader {
  std::uint64_t number;
  std::uint16_t pad;
  std::uint16_t flags;
  std::uint16_t lower;  ///< End of the node offsets. In an overflow page `lower` and `upper` are the count of pages.
  std::uint16_t upper;  ///< Begin of the nodes.
};

struct NodeHeader {
  std::uint16_t low;   ///< Of the size of the value; of the page below in a branch.
  std::uint16_t high;  ///< Likewise.
  std::uint16_t flags;
  std::uint16_t key_size;
};

struct TreeRoot {
  std::uint32_t pad;  ///< The page size, in the tree of free pages.
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
  TreeRoot free;
  TreeRoot names;
  std::uint64_t last_page;
  std::uint64_t transaction;
};
static_assert(sizeof(PageHeader) == 16 && sizeof(NodeHeader) == 8 && sizeof(TreeRoot) == 48 && sizeof(MetaPage) == 152);

/// The caller has checked that it lies within `bytes`.
template <class T>
T at(std::string_view bytes, std::size_t offset) {
  T value;
  std::memcpy(&value, bytes.data() + offset, sizeof value);
  return value;
}

/// One walk through all trees of a snapshot. Every page may be met once, which also bounds the walk.
class Walk {
 public:
  Walk(Pages& pages, std::uint64_t last_page, Pages::Trust trust)
      : pages_(pages), with_values_(trust == Pages::Trust::writing), met_(last_page + 1) {}

  /// Each transaction frees pages and lists them under its own number, so the newest list tells which one wrote this:
  /// a header whose number was changed is found out.
  void check_free_pages(const TreeRoot& tree, std::uint64_t transaction) {
    require((tree.flags & ~no_subdir) == integer_key, "the tree of free pages is of another kind");
    check_tree(tree, Kind::free);
    require(transaction < 2 || newest_free_list_ == transaction, "its header is not of the transaction it names");
  }

  void check_tables(const TreeRoot& names) {
    check_tree(names, Kind::names);
    for (const TreeRoot& table : tables_) check_tree(table, Kind::table);
  }

 private:
  enum class Kind { free, names, table };

  void require(bool holds, const char* rule) const { pages_.require(holds, rule); }

  void meet(std::uint64_t page, std::uint64_t count = 1) {
    require(page >= 2 && page < met_.size() && count <= met_.size() - page, "a page lies outside the file");
    for (std::uint64_t i = page; i < page + count; ++i) {
      require(!met_[i], "a page is in two places");
      met_[i] = true;
    }
  }

  void check_tree(const TreeRoot& tree, Kind kind) {
    require(kind == Kind::free || tree.flags == 0, "a tree is of another kind");
    require(tree.depth <= depth_max && (tree.depth == 0) == (tree.root == no_page), "a tree has an impossible depth");
    found_ = {};
    if (tree.depth > 0) pending_ = {{tree.root, 1}};
    while (!pending_.empty()) {
      const auto [number, level] = pending_.back();
      pending_.pop_back();
      check_page(number, level, level == tree.depth, kind);
    }
    require(found_.branch_pages == tree.branch_pages && found_.leaf_pages == tree.leaf_pages &&
                found_.overflow_pages == tree.overflow_pages && found_.entries == tree.entries,
            "a tree is not of the size it should be");
  }

  void check_page(std::uint64_t number, std::size_t level, bool is_leaf, Kind kind) {
    meet(number);
    const std::string_view page = pages_.read_page(number);
    const auto header = at<PageHeader>(page, 0);
    require(header.number == number && header.flags == (is_leaf ? leaf : branch), "a page is not what it should be");
    require(header.lower >= sizeof header && header.lower % 2 == 0 && header.lower <= header.upper &&
                header.upper <= page.size(),
            "a page has impossible bounds");
    const std::size_t count = (header.lower - sizeof header) / 2;
    require(count >= (is_leaf || kind == Kind::free ? 1U : 2U), "a page is empty");
    extents_.clear();
    for (std::size_t i = 0; i < count; ++i) {
      const std::size_t offset = at<std::uint16_t>(page, sizeof header + 2 * i);
      require(offset >= header.upper && offset + sizeof(NodeHeader) <= page.size(), "a node lies outside its page");
      const std::size_t size = is_leaf ? check_leaf_node(page, offset, kind) : check_branch_node(page, offset, level);
      extents_.emplace_back(offset, offset + size + size % 2);
    }
    check_extents(header.upper, page.size());
    if (is_leaf) found_.entries += count;
    ++(is_leaf ? found_.leaf_pages : found_.branch_pages);
  }

  /// LMDB moves nodes by these sizes, so they must fill the page to its end without a gap or an overlap.
  void check_extents(std::size_t begin, std::size_t end) {
    std::sort(extents_.begin(), extents_.end());
    for (const auto& [first, last] : extents_) {
      require(first == begin, "the nodes of a page overlap");
      begin = last;
    }
    require(begin == end, "the nodes of a page do not fill it");
  }

  /// @returns the size of the node.
  std::size_t check_branch_node(std::string_view page, std::size_t offset, std::size_t level) {
    const auto node = at<NodeHeader>(page, offset);
    require(node.key_size <= key_size_max, "a key is too long");
    pending_.emplace_back(node.low | std::uint64_t{node.high} << 16U | std::uint64_t{node.flags} << 32U, level + 1);
    return sizeof node + node.key_size;
  }

  /// @returns the size of the node.
  std::size_t check_leaf_node(std::string_view page, std::size_t offset, Kind kind) {
    const auto node = at<NodeHeader>(page, offset);
    const bool big = node.flags == big_data;
    require(big || node.flags == (kind == Kind::names ? sub_data : 0), "a node is of another kind");
    require(node.key_size > 0 && node.key_size <= key_size_max, "a key has an impossible size");
    const std::size_t value_size = node.low | std::size_t{node.high} << 16U;
    const std::size_t value = offset + sizeof node + node.key_size;
    const std::size_t stored_size = big ? sizeof(std::uint64_t) : value_size;
    require(stored_size <= page.size() && value <= page.size() - stored_size, "a node lies outside its page");
    const std::string_view stored = page.substr(value, stored_size);
    if (big) check_big_value(at<std::uint64_t>(stored, 0), value_size, kind);
    if (kind == Kind::free) {
      const std::string list =
          big ? pages_.read(at<std::uint64_t>(stored, 0), sizeof(PageHeader), value_size) : std::string(stored);
      check_free_list(page.substr(offset + sizeof node, node.key_size), list);
    }
    if (kind == Kind::names) {
      require(!big && value_size == sizeof(TreeRoot), "a table has no tree");
      tables_.push_back(at<TreeRoot>(stored, 0));
    }
    return value + stored_size - offset;
  }

  /// In the tables it was appended, and has the pages that it needs; LMDB may leave a list of free pages more.
  void check_big_value(std::uint64_t number, std::size_t size, Kind kind) {
    std::uint64_t count = (sizeof(PageHeader) + size - 1) / pages_.page_size() + 1;
    meet(number);
    if (with_values_ || kind == Kind::free) {
      const auto header = at<PageHeader>(pages_.read(number, 0, sizeof(PageHeader)), 0);
      const std::uint64_t stored = header.lower | std::uint64_t{header.upper} << 16U;
      require(header.number == number && header.flags == overflow, "a page is not what it should be");
      require(kind == Kind::free ? stored >= count : stored == count, "a large value is not of the size it should be");
      count = stored;
    }
    if (count > 1) meet(number + 1, count - 1);
    found_.overflow_pages += count;
  }

  /// By the transaction that freed them: a count and as many pages, in descending order.
  void check_free_list(std::string_view key, std::string_view list) {
    constexpr std::size_t entry = sizeof(std::uint64_t);
    require(key.size() == entry, "a key has an impossible size");
    newest_free_list_ = std::max(newest_free_list_, at<std::uint64_t>(key, 0));
    require(list.size() >= entry && at<std::uint64_t>(list, 0) <= list.size() / entry - 1,
            "a list of free pages is cut short");
    const std::size_t count = at<std::uint64_t>(list, 0);
    std::uint64_t above = no_page;
    for (std::size_t i = 1; i <= count; ++i) {
      const auto page = at<std::uint64_t>(list, i * entry);
      require(page < above, "a list of free pages is not in order");
      meet(page);
      above = page;
    }
  }

  Pages& pages_;
  bool with_values_;  ///< Their headers are looked at.
  std::vector<bool> met_;
  std::vector<std::pair<std::uint64_t, std::size_t>> pending_;  ///< Pages to look at, and their level.
  std::vector<std::pair<std::size_t, std::size_t>> extents_;    ///< Of the nodes of the page at hand.
  std::vector<TreeRoot> tables_;
  std::uint64_t newest_free_list_ = 0;
  TreeRoot found_{};  ///< The sizes of the tree at hand as they are.
};

}  // namespace

struct Pages::Meta : MetaPage {};

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
    const auto metas = read_metas();
    const std::uint64_t even = metas[0].transaction;
    const std::uint64_t odd = metas[1].transaction;
    if (even % 2 == 0 && (odd == even + 1 || even == odd + 1)) {
      require_length((even > odd ? metas[0] : metas[1]).last_page);
      return;
    }
  }
  require(false, "its two headers do not belong together");
}

bool Pages::check_trees(std::uint64_t transaction, Trust trust) {
  const auto metas = read_metas();
  const Meta& held = metas[transaction % 2];
  if (held.transaction != transaction) return false;
  require_length(held.last_page);
  Walk walk(*this, held.last_page, trust);
  walk.check_free_pages(held.free, transaction);
  walk.check_tables(held.names);
  // The other header is left alone: where a write of it failed, LMDB has put the old number over the new trees, and
  // that commit never was. (A flipped bit in the number of the newest header looks the same, and takes back the last
  // flush; `last_lsn` in the target tells.)
  return true;
}

std::array<Pages::Meta, 2> Pages::read_metas() {
  const Meta even = read_meta(0);
  page_size_ = even.free.pad;
  const Meta odd = read_meta(1);
  require(odd.free.pad == page_size_, "its two headers do not belong together");
  return {even, odd};
}

Pages::Meta Pages::read_meta(std::uint64_t page) {
  const auto found = at<Meta>(read(page, 0, sizeof(Meta)), 0);
  require(found.header.number == page && found.header.flags == meta && found.magic == magic,
          "it is not a file of LMDB");
  if (found.version > data_version) {
    throw Error(ErrorCode::newer_format, "the journal was written by a later version of LMDB", file_);
  }
  const std::uint32_t size = found.free.pad;
  require(found.version == data_version && std::has_single_bit(size) && size >= 256 && size <= 65536,
          "its header is wrong");
  return found;
}

/// A page that is mapped and not in the file is a SIGBUS.
void Pages::require_length(std::uint64_t last_page) const {
  struct stat info {};
  if (::fstat(descriptor_, &info) != 0) info.st_size = 0;
  const std::uint64_t pages = static_cast<std::uint64_t>(info.st_size) / page_size_;
  if (last_page < pages) return;
  require(false, fmt::format("it is cut short: it has {} pages and needs {}", pages, last_page + 1).c_str());
}

std::string Pages::read(std::uint64_t page, std::uint64_t offset, std::size_t size) const {
  std::string bytes(size, '\0');
  const ssize_t count = ::pread(descriptor_, bytes.data(), size, static_cast<off_t>(page * page_size_ + offset));
  if (count < 0) {
    throw Error(ErrorCode::unavailable,
                fmt::format("cannot read the journal: {}", std::generic_category().message(errno)), file_);
  }
  require(static_cast<std::size_t>(count) == size, "it is cut short");
  return bytes;
}

/// Every page that a walk meets has been as it is since before the walk began, so that it may be read ahead.
std::string_view Pages::read_page(std::uint64_t page) {
  constexpr std::uint64_t close = 2;
  constexpr std::uint64_t together = 16;
  const auto has_it = [&] { return page >= around_from_ && (page - around_from_ + 1) * page_size_ <= around_.size(); };
  const std::uint64_t last = std::exchange(asked_for_, page);
  if (!has_it() && page <= last + close && last <= page + close) {
    around_from_ = page - page % together;
    around_.resize(together * page_size_);
    const ssize_t count =
        ::pread(descriptor_, around_.data(), around_.size(), static_cast<off_t>(around_from_ * page_size_));
    around_.resize(count < 0 ? 0 : static_cast<std::size_t>(count));
  }
  if (!has_it()) around_ = read(around_from_ = page, 0, page_size_);
  return std::string_view(around_).substr((page - around_from_) * page_size_, page_size_);
}

void Pages::require(bool holds, const char* rule) const {
  if (!holds) throw Error(ErrorCode::damaged, fmt::format("the journal is damaged: {}", rule), file_);
}

}  // namespace belay::journal::lmdb

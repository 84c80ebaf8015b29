#include "journal/lmdb.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <lmdb.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <mutex>
#include <set>
#include <string>
#include <system_error>

#include "journal/format.h"
#include "journal/lmdb_pages.h"

namespace belay::journal::lmdb {
namespace {

/// Small, so that a process with little address space can open a journal; it doubles when it is full.
constexpr std::size_t first_map_bytes = std::size_t{1} << 20U;

MDB_val to_value(std::string_view bytes) {
  return {bytes.size(), const_cast<char*>(bytes.data())};  // LMDB does not write through what it is given
}

std::string_view to_view(const MDB_val& value) {
  return {static_cast<const char*>(value.mv_data), value.mv_size};
}

ErrorCode code_of(int code) {
  switch (code) {
    case ENOENT:
      return ErrorCode::not_found;
    case MDB_MAP_FULL:
    case ENOSPC:
    case EDQUOT:
    case EFBIG:
    case ENOMEM:
      return ErrorCode::no_space;
    case MDB_CORRUPTED:
    case MDB_PAGE_NOTFOUND:
    case MDB_PANIC:
    case MDB_INVALID:
    case MDB_INCOMPATIBLE:
    case MDB_CURSOR_FULL:
      return ErrorCode::damaged;
    case MDB_VERSION_MISMATCH:
      return ErrorCode::newer_format;
    default:
      return ErrorCode::unavailable;
  }
}

/// The one place where LMDB's codes become errors.
[[noreturn]] void raise(int code, const char* doing, const std::filesystem::path& file) {
  const char* hint = code == EIO ? " (LMDB says this of a short write too: the disk may be full)" : "";
  const std::string message = fmt::format("cannot {}: {}{}", doing, mdb_strerror(code), hint);
  if (code == MDB_MAP_FULL) throw MapFull(ErrorCode::no_space, message, file);
  throw Error(code_of(code), message, file);
}

/// The environments that this process has open. A global because the kernel's locks, which make it necessary, belong to
/// the whole process.
struct Registry {
  std::mutex mutex;
  std::set<std::pair<dev_t, ino_t>> open;
};

Registry& registry() {
  static Registry instance;
  return instance;
}

/// So that a file of ours is there to be registered; LMDB takes an empty one for a new environment.
const std::filesystem::path& made_empty(const std::filesystem::path& file) {
  const int descriptor = ::open(file.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
  if (descriptor < 0 && errno == ENOENT) throw Error(ErrorCode::unavailable, "the journal has no folder", file);
  if (descriptor < 0) raise(errno, "create the journal", file);
  ::close(descriptor);
  return file;
}

}  // namespace

Opening::Opening(const std::filesystem::path& file) {
  struct stat info {};
  if (::stat(file.c_str(), &info) != 0) raise(errno, "open the journal", file);
  if (!S_ISREG(info.st_mode)) throw Error(ErrorCode::unavailable, "the journal is not a file", file);
  id_ = {info.st_dev, info.st_ino};
  const std::scoped_lock lock(registry().mutex);
  if (!registry().open.insert(id_).second) {
    throw Error(ErrorCode::unavailable, "this process has the journal open already", file);
  }
}

Opening::~Opening() {
  const std::scoped_lock lock(registry().mutex);
  registry().open.erase(id_);
}

bool Opening::is(const std::filesystem::path& file) const {
  struct stat info {};
  return ::stat(file.c_str(), &info) == 0 && id_ == std::pair(info.st_dev, info.st_ino);
}

Transaction::~Transaction() {
  mdb_txn_abort(handle_);
}

void Transaction::commit() {
  MDB_txn* handle = std::exchange(handle_, nullptr);  // LMDB frees it whether or not the commit succeeds
  environment_.check(mdb_txn_commit(handle), "write the journal");
}

Table Transaction::table(const char* name) {
  if (environment_.access_ == Environment::Access::create) return make_table(name);
  if (const auto found = find_table(name)) return *found;
  throw Error(ErrorCode::damaged, fmt::format("the file is of LMDB and has no table '{}'", name), environment_.file());
}

std::optional<Table> Transaction::find_table(const char* name) {
  MDB_dbi handle = 0;
  const int code = mdb_dbi_open(handle_, name, 0, &handle);
  if (code == MDB_NOTFOUND) return std::nullopt;
  environment_.check(code, "open a table of the journal");
  return Table{handle};
}

Table Transaction::make_table(const char* name) {
  MDB_dbi handle = 0;
  environment_.check(mdb_dbi_open(handle_, name, MDB_CREATE, &handle), "make a table of the journal");
  return {handle};
}

std::optional<std::string_view> Transaction::get(Table table, std::string_view key) const {
  MDB_val wanted = to_value(key);
  MDB_val found{};
  const int code = mdb_get(handle_, table.handle, &wanted, &found);
  if (code == MDB_NOTFOUND) return std::nullopt;
  environment_.check(code, "read the journal");
  return to_view(found);
}

std::uint64_t Transaction::count(Table table) const {
  MDB_stat stat{};
  environment_.check(mdb_stat(handle_, table.handle, &stat), "read the journal");
  return stat.ms_entries;
}

void Transaction::put(Table table, std::string_view key, std::string_view value) {
  put(table, key, value, 0);
}

void Transaction::append(Table table, std::string_view key, std::string_view value) {
  put(table, key, value, MDB_APPEND);
}

void Transaction::put(Table table, std::string_view key, std::string_view value, unsigned int flags) {
  MDB_val wanted = to_value(key);
  MDB_val given = to_value(value);
  const int code = mdb_put(handle_, table.handle, &wanted, &given, flags);
  if (code == MDB_KEYEXIST) {
    throw Error(ErrorCode::damaged, "a record stands where the next one belongs", environment_.file());
  }
  environment_.check(code, "write the journal");
}

void Transaction::erase(Table table, std::string_view key) {
  MDB_val wanted = to_value(key);
  const int code = mdb_del(handle_, table.handle, &wanted, nullptr);
  if (code == MDB_NOTFOUND) {
    throw Error(ErrorCode::damaged, "a record that should be pruned is missing", environment_.file());
  }
  environment_.check(code, "write the journal");
}

void Transaction::let_go() const {
  environment_.map_.let_go();
}

/// By the name of a table, which lies in the map as long as nothing was written.
MappedMemory Transaction::map() {
  const auto name = Cursor(*this, find_table(nullptr).value()).last();
  return name ? MappedMemory::around(name->key.data()) : MappedMemory();
}

Cursor::Cursor(const Transaction& transaction, Table table) : environment_(transaction.environment_) {
  environment_.check(mdb_cursor_open(transaction.handle_, table.handle, &handle_), "read the journal");
}

Cursor::~Cursor() {
  mdb_cursor_close(handle_);
}

std::optional<Item> Cursor::seek(std::string_view key) {
  return get(key, MDB_SET_RANGE);
}

std::optional<Item> Cursor::next() {
  return get({}, MDB_NEXT);
}

std::optional<Item> Cursor::last() {
  return get({}, MDB_LAST);
}

std::optional<Item> Cursor::get(std::string_view key, int operation) {
  MDB_val found = to_value(key);
  MDB_val value{};
  const int code = mdb_cursor_get(handle_, &found, &value, static_cast<MDB_cursor_op>(operation));
  if (code == MDB_NOTFOUND) return std::nullopt;
  environment_.check(code, "read the journal");
  return Item{to_view(found), to_view(value)};
}

Environment::Environment(std::filesystem::path file, Access access)
    : file_(std::move(file)), access_(access), opening_(access == Access::create ? made_empty(file_) : file_) {
  make_lock_file();
  try {
    if (access_ == Access::create) {
      open_handle();
    } else {
      open_checked();
    }
  } catch (...) {
    mdb_env_close(handle_);
    throw;
  }
}

Environment::~Environment() {
  mdb_env_close(handle_);
}

/// LMDB maps its lock file and writes to the map, which on a full disk is a SIGBUS: so its blocks are allocated first.
/// A reader that may not make one reads without: nobody who could write has this folder either.
void Environment::make_lock_file() {
  constexpr off_t bytes = 8192;  // 126 readers, LMDB's default
  const std::string name = file_.string() + format::lock_suffix;
  const int descriptor = ::open(name.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644);
  struct stat info {};
  int code = descriptor < 0 || ::fstat(descriptor, &info) != 0 ? errno : 0;
  if (code == 0 && info.st_blocks * 512 < bytes && ::fallocate(descriptor, 0, 0, bytes) != 0) code = errno;
  if (descriptor >= 0) ::close(descriptor);
  if (code == 0 || code == EOPNOTSUPP) return;
  if (access_ != Access::read) raise(code, "make the journal's lock file", file_);
  lock_ = false;
}

/// The header before LMDB maps what it claims, the trees before LMDB follows them.
void Environment::open_checked() {
  Pages(file_).check_header();
  open_handle();
  check_trees(access_ == Access::read ? Pages::Trust::reading : Pages::Trust::writing);
}

void Environment::check_values() const {
  check_trees(Pages::Trust::writing);
}

void Environment::check_trees(Pages::Trust trust) const {
  Pages pages(file_);
  bool checked = false;
  while (!checked) {
    read([&](const Transaction& held) { checked = pages.check_trees(mdb_txn_id(held.handle_), trust); });
  }
}

void Environment::open_handle() {
  check(mdb_env_create(&handle_), "open the journal");
  check(mdb_env_set_mapsize(handle_, first_map_bytes), "open the journal");
  check(mdb_env_set_maxdbs(handle_, 4), "open the journal");
  unsigned int flags = MDB_NOSUBDIR | MDB_NOTLS;
  if (access_ == Access::read) flags |= MDB_RDONLY;
  if (!lock_) flags |= MDB_NOLOCK;
  check(mdb_env_open(handle_, file_.c_str(), flags, 0644), "open the journal");
  int dead = 0;
  if (lock_) check(mdb_reader_check(handle_, &dead), "clear the journal's dead readers");
}

void Environment::read(const std::function<void(Transaction&)>& look) const {
  Transaction transaction(*this, begin(MDB_RDONLY));
  look(transaction);
  if (!map_) map_ = transaction.map();
  transaction.commit();  // keeps the tables opened here; there is nothing to write
  map_.let_go();
}

void Environment::write(const std::function<void(Transaction&)>& change) {
  for (;;) {
    try {
      Transaction transaction(*this, begin(0));
      if (!map_) map_ = transaction.map();
      change(transaction);
      transaction.commit();
      map_.let_go();
      return;
    } catch (const MapFull&) {
      MDB_envinfo info{};
      check(mdb_env_info(handle_, &info), "grow the journal");
      resize(info.me_mapsize * 2);
    }
  }
}

void Environment::reserve(std::size_t bytes, std::size_t large) {
  MDB_envinfo info{};
  MDB_stat stat{};
  check(mdb_env_info(handle_, &info), "grow the journal");
  check(mdb_env_stat(handle_, &stat), "grow the journal");
  const std::size_t needed = (info.me_last_pgno + 1 + large) * stat.ms_psize + bytes;
  std::size_t size = info.me_mapsize;
  while (size < needed) size *= 2;
  if (size != info.me_mapsize) resize(size);
}

MDB_txn* Environment::begin(unsigned int flags) const {
  if (unmapped_) throw Error(ErrorCode::unavailable, "the journal lost its map and has to be opened again", file_);
  for (;;) {
    MDB_txn* handle = nullptr;
    const int code = mdb_txn_begin(handle_, nullptr, flags, &handle);
    if (code != MDB_MAP_RESIZED) {
      check(code, "begin a transaction of the journal");
      return handle;
    }
    resize(0);  // another process has grown the file: take its size
  }
}

void Environment::resize(std::size_t bytes) const {
  map_ = {};
  const int code = mdb_env_set_mapsize(handle_, bytes);
  unmapped_ = code != 0;
  check(code, "map the journal");
}

void Environment::check(int code, const char* doing) const {
  if (code != MDB_SUCCESS) raise(code, doing, file_);
}

}  // namespace belay::journal::lmdb

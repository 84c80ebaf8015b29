#pragma once

#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string_view>
#include <utility>

#include "journal/error.h"
#include "journal/lmdb_pages.h"
#include "journal/mapped_memory.h"

struct MDB_env;
struct MDB_txn;
struct MDB_cursor;

/// LMDB behind RAII. Every error is a journal::Error that names the file.
namespace belay::journal::lmdb {

/// The map has no room for this transaction. Environment::write grows it and repeats; nobody else meets this one.
class MapFull : public Error {
 public:
  using Error::Error;
};

/// A named database of the file.
struct Table {
  unsigned int handle = 0;
};

/// A key and its value: views into the map, valid until the transaction writes or ends.
struct Item {
  std::string_view key;
  std::string_view value;
};

/// Lives inside Environment::read or Environment::write.
class Transaction {
 public:
  Transaction(const Transaction&) = delete;
  Transaction& operator=(const Transaction&) = delete;
  ~Transaction();

  /// Opens a table; makes it when the environment is being created. The handle stays good after a commit.
  Table table(const char* name);
  /// Likewise, where it may be missing: a journal of the first format has no images.
  std::optional<Table> find_table(const char* name);
  /// Likewise, in a file that is there already.
  Table make_table(const char* name);

  [[nodiscard]] std::optional<std::string_view> get(Table table, std::string_view key) const;
  [[nodiscard]] std::uint64_t count(Table table) const;

  void put(Table table, std::string_view key, std::string_view value);
  /// The key must be above all others: `damaged` when it is not.
  void append(Table table, std::string_view key, std::string_view value);
  /// The key must be there: `damaged` when it is not.
  void erase(Table table, std::string_view key);

  /// Lets go of the pages that were read, for who reads more than a few MiB of them. What was read stays valid.
  void let_go() const;

 private:
  friend class Environment;
  friend class Cursor;
  Transaction(const class Environment& environment, MDB_txn* handle) : environment_(environment), handle_(handle) {}
  void commit();
  [[nodiscard]] MappedMemory map();
  void put(Table table, std::string_view key, std::string_view value, unsigned int flags);

  const Environment& environment_;
  MDB_txn* handle_;
};

/// Walks a table in the order of its keys. The transaction must outlive it and must not write meanwhile.
class Cursor {
 public:
  Cursor(const Transaction& transaction, Table table);
  Cursor(const Cursor&) = delete;
  Cursor& operator=(const Cursor&) = delete;
  ~Cursor();

  /// The first item whose key is not below `key`.
  std::optional<Item> seek(std::string_view key);
  std::optional<Item> next();
  /// The last item of the table.
  std::optional<Item> last();

 private:
  std::optional<Item> get(std::string_view key, int operation);

  const Environment& environment_;
  MDB_cursor* handle_ = nullptr;
};

/// This process has the file open: a second Opening of it throws `unavailable`, because LMDB would let two writers in.
/// By device and inode, so that no other name of the file gets around it.
class Opening {
 public:
  explicit Opening(const std::filesystem::path& file);
  Opening(const Opening&) = delete;
  Opening& operator=(const Opening&) = delete;
  ~Opening();

  /// Whether it has that name.
  [[nodiscard]] bool is(const std::filesystem::path& file) const;

 private:
  std::pair<dev_t, ino_t> id_;
};

/// One LMDB file. A transaction is durable when `write` returns; a crash leaves all of it or nothing.
class Environment {
 public:
  enum class Access {
    create,  ///< The file is made here and must not be there.
    write,
    read,  ///< Beside a writer, and in a folder that may not be written.
  };

  Environment(std::filesystem::path file, Access access);
  Environment(const Environment&) = delete;
  Environment& operator=(const Environment&) = delete;
  ~Environment();

  /// Afterwards, as after `write`, the map lets go of the file's pages.
  void read(const std::function<void(Transaction&)>& look) const;

  /// Runs `change` in a transaction and commits it. When the map is full the transaction is dropped, the map doubled
  /// and `change` run again from the start, so `change` must not alter anything but the transaction.
  void write(const std::function<void(Transaction&)>& change);

  /// Grows the map until values of `bytes` in all fit at its end, of which `large` take whole pages each.
  void reserve(std::size_t bytes, std::size_t large);

  /// Looks at the pages of large values, too, as opening for writing does.
  /// @throws Error `damaged`.
  void check_values() const;

  [[nodiscard]] const std::filesystem::path& file() const { return file_; }
  /// False when the file was moved away, or another was put into its place.
  [[nodiscard]] bool is_at_its_place() const { return opening_.is(file_); }

 private:
  friend class Transaction;
  friend class Cursor;
  void open_checked();
  void check_trees(Pages::Trust trust) const;
  void open_handle();
  void make_lock_file();
  [[nodiscard]] MDB_txn* begin(unsigned int flags) const;
  void resize(std::size_t bytes) const;
  void check(int code, const char* doing) const;

  std::filesystem::path file_;
  Access access_;
  Opening opening_;
  bool lock_ = true;
  MDB_env* handle_ = nullptr;
  mutable MappedMemory map_;       ///< Found by the first read after a change of its size.
  mutable bool unmapped_ = false;  ///< A resize failed: LMDB has no map any more and may only be closed.
};

}  // namespace belay::journal::lmdb

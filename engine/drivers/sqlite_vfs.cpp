#include "engine/drivers/sqlite_vfs.h"

#include <fmt/format.h>
#include <sqlite3.h>

#include <cstddef>
#include <memory>
#include <new>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "engine/drivers/hot_journal.h"
#include "engine/drivers/sqlite_journal_file.h"
#include "engine/error.h"

namespace belay::engine::drivers {
namespace {

/// A file of SQLite's, read by the methods of the VFS below.
class UnderlyingFile final : public StoredFile {
 public:
  explicit UnderlyingFile(sqlite3_file* file) : file_(file) {}

  [[nodiscard]] std::uint64_t size() const override {
    sqlite3_int64 bytes = 0;
    if (file_->pMethods->xFileSize(file_, &bytes) != SQLITE_OK)
      throw Error(ErrorCode::unavailable, "the size of the database cannot be read");
    return static_cast<std::uint64_t>(bytes);
  }
  void read(std::uint64_t offset, char* to, std::size_t size) const override {
    const int code = file_->pMethods->xRead(file_, to, static_cast<int>(size), static_cast<sqlite3_int64>(offset));
    if (code != SQLITE_OK && code != SQLITE_IOERR_SHORT_READ)
      throw Error(ErrorCode::unavailable, "a page of the database cannot be read before it is overwritten");
  }

 private:
  sqlite3_file* file_;
};

enum class Kind { main, journal, wal };

}  // namespace

/// What SQLite takes for its file. The file of the VFS below lies behind it, in the same memory.
struct SqliteVfs::File {
  sqlite3_file base;
  Kind kind;
  SqliteVfs* vfs;
  std::optional<UnderlyingFile> stored;
  std::optional<SqliteJournalFile> journal{};  ///< Of that kind, and of the WAL.
  std::string held{};                          ///< The header of a commit frame, written with its content.
  sqlite3_int64 held_at = 0;
  bool is_durably_empty = false;  ///< Of a WAL: this connection has synced that, and has written nothing since.

  sqlite3_file* below() { return reinterpret_cast<sqlite3_file*>(reinterpret_cast<char*>(this) + size); }
  const sqlite3_io_methods* calls() { return below()->pMethods; }
  static const std::size_t size;
};

const std::size_t SqliteVfs::File::size =
    (sizeof(File) + alignof(std::max_align_t) - 1) / alignof(std::max_align_t) * alignof(std::max_align_t);

/// The methods that SQLite calls: C functions, so that none may throw.
struct SqliteVfs::Methods {
  static File& of(sqlite3_file* file) { return *reinterpret_cast<File*>(file); }
  static sqlite3_file* below(sqlite3_file* file) { return of(file).below(); }

  /// Once the capture has failed nothing is told to it any more, and one write fails: SQLite then rolls back, and must
  /// be let.
  template <typename Act>
  static void tell(File& file, Act act) noexcept {
    try {
      if (!file.vfs->error_) act(file.vfs->capture_);
    } catch (...) {
      file.vfs->error_ = std::current_exception();
      file.vfs->must_fail_ = true;
    }
  }
  template <typename Act>
  static bool fails(File& file, Act act) noexcept {
    tell(file, act);
    return std::exchange(file.vfs->must_fail_, false);
  }

  static int open(sqlite3_vfs* vfs, sqlite3_filename name, sqlite3_file* file, int flags, int* out);
  static int close(sqlite3_file* file);
  static int read(sqlite3_file* file, void* to, int size, sqlite3_int64 offset) {
    if (auto& journal = of(file).journal) return journal->read(to, size, offset);
    return of(file).calls()->xRead(below(file), to, size, offset);
  }
  static int write(sqlite3_file* file, const void* from, int size, sqlite3_int64 offset);
  static int truncate(sqlite3_file* file, sqlite3_int64 size);
  static int empty_wal(File& file);
  static int write_held(File& file);
  static int sync(sqlite3_file* file, int flags);
  static int file_size(sqlite3_file* file, sqlite3_int64* size) {
    if (auto& journal = of(file).journal) {
      std::int64_t bytes = 0;
      const int code = journal->size(&bytes);
      *size = bytes;
      return code;
    }
    return of(file).calls()->xFileSize(below(file), size);
  }
  static int lock(sqlite3_file* file, int level);
  static int unlock(sqlite3_file* file, int level) { return of(file).calls()->xUnlock(below(file), level); }
  static int check_reserved_lock(sqlite3_file* file, int* out) {
    return of(file).calls()->xCheckReservedLock(below(file), out);
  }
  static int file_control(sqlite3_file* file, int operation, void* argument) {
    return of(file).calls()->xFileControl(below(file), operation, argument);
  }
  static int sector_size(sqlite3_file* file) { return of(file).calls()->xSectorSize(below(file)); }
  static int device_characteristics(sqlite3_file* file) {
    // A file system with atomic batches would do without a rollback journal, and so without what the capture goes by.
    return of(file).calls()->xDeviceCharacteristics(below(file)) & ~SQLITE_IOCAP_BATCH_ATOMIC;
  }
  static int shm_map(sqlite3_file* file, int region, int size, int extend, void volatile** out);
  static int shm_lock(sqlite3_file* file, int offset, int count, int flags);
  static void shm_barrier(sqlite3_file* file) { of(file).calls()->xShmBarrier(below(file)); }
  static int shm_unmap(sqlite3_file* file, int remove);
  static int fetch(sqlite3_file* file, sqlite3_int64 offset, int size, void** out) {
    return of(file).calls()->xFetch(below(file), offset, size, out);
  }
  static int unfetch(sqlite3_file* file, sqlite3_int64 offset, void* page) {
    return of(file).calls()->xUnfetch(below(file), offset, page);
  }

  static constexpr sqlite3_io_methods io = {3,
                                            close,
                                            read,
                                            write,
                                            truncate,
                                            sync,
                                            file_size,
                                            lock,
                                            unlock,
                                            check_reserved_lock,
                                            file_control,
                                            sector_size,
                                            device_characteristics,
                                            shm_map,
                                            shm_lock,
                                            shm_barrier,
                                            shm_unmap,
                                            fetch,
                                            unfetch};
};

int SqliteVfs::Methods::open(sqlite3_vfs* vfs, sqlite3_filename name, sqlite3_file* file, int flags, int* out) {
  sqlite3_vfs* const real = sqlite3_vfs_find(nullptr);
  const bool watched = (flags & (SQLITE_OPEN_MAIN_DB | SQLITE_OPEN_MAIN_JOURNAL | SQLITE_OPEN_WAL)) != 0;
  if (!watched) return real->xOpen(real, name, file, flags, out);
  const int playback = SQLITE_OPEN_MAIN_JOURNAL | SQLITE_OPEN_READWRITE;  // What is written anew is created, too.
  if ((flags & (playback | SQLITE_OPEN_CREATE)) == playback && !HotJournal::keep_name(name)) {
    file->pMethods = nullptr;
    return SQLITE_IOERR_DIR_FSYNC;
  }

  auto* const mine = new (file) File{};
  mine->kind = (flags & SQLITE_OPEN_MAIN_DB) != 0        ? Kind::main
               : (flags & SQLITE_OPEN_MAIN_JOURNAL) != 0 ? Kind::journal
                                                         : Kind::wal;
  mine->vfs = static_cast<SqliteVfs*>(vfs->pAppData);
  const int code = real->xOpen(real, name, mine->below(), flags, out);
  if (mine->below()->pMethods == nullptr) return code;  // Nothing was opened; SQLite will not close it.
  mine->base.pMethods = &io;
  mine->stored.emplace(mine->below());
  if (mine->kind != Kind::main) mine->journal.emplace(mine->below(), mine->kind == Kind::journal);
  if (mine->kind == Kind::main) mine->vfs->capture_.main_opened(&*mine->stored, name);
  if (mine->kind == Kind::wal) {
    mine->vfs->wal_ = mine;
    mine->vfs->capture_.wal_opened(&*mine->stored);
  }
  return code;
}

int SqliteVfs::Methods::close(sqlite3_file* file) {
  if (of(file).kind == Kind::wal) {
    of(file).vfs->wal_ = nullptr;
    tell(of(file), [](SqliteCapture& capture) { capture.wal_closed(); });
  }
  if (of(file).kind == Kind::journal) static_cast<void>(of(file).journal->flush());
  const int code = of(file).calls()->xClose(below(file));
  of(file).~File();
  return code;
}

int SqliteVfs::Methods::write(sqlite3_file* file, const void* from, int size, sqlite3_int64 offset) {
  File& mine = of(file);
  const auto at = static_cast<std::uint64_t>(offset);
  const auto bytes = static_cast<std::size_t>(size);
  const bool failed = fails(mine, [&](SqliteCapture& capture) {
    if (mine.kind == Kind::main) capture.main_write(at, bytes);
    if (mine.kind == Kind::journal) capture.journal_write();
    if (mine.kind == Kind::wal) capture.wal_write(at, {static_cast<const char*>(from), bytes});
  });
  if (failed) {
    mine.held.clear();
    return SQLITE_IOERR_WRITE;
  }
  mine.is_durably_empty = false;
  // Only of a unit's transaction it is known which write commits it.
  const bool waits = mine.kind == Kind::journal || (mine.kind == Kind::wal && mine.vfs->capture_.in_unit());
  if (!waits) return mine.calls()->xWrite(mine.below(), from, size, offset);
  const bool commits = !mine.held.empty();
  if (const int code = write_held(mine); code != SQLITE_OK) return code;
  if (mine.kind == Kind::wal && mine.vfs->capture_.awaits_content()) {
    mine.held.assign(static_cast<const char*>(from), bytes);
    mine.held_at = offset;
    return SQLITE_OK;
  }
  const int code = mine.journal->write(from, size, offset);
  // Others may read it as soon as SQLite has told them, which it does with or without a sync.
  return code == SQLITE_OK && commits ? mine.journal->flush() : code;
}

/// Where an attempt that was cut off has left the same content in the same place, the header alone makes it a commit:
/// it waits for the seal, which comes with the content.
int SqliteVfs::Methods::write_held(File& file) {
  if (file.held.empty()) return SQLITE_OK;
  const std::string header = std::exchange(file.held, {});
  return file.journal->write(header.data(), static_cast<int>(header.size()), file.held_at);
}

int SqliteVfs::Methods::truncate(sqlite3_file* file, sqlite3_int64 size) {
  File& mine = of(file);
  const bool failed = fails(mine, [&](SqliteCapture& capture) {
    if (mine.kind == Kind::main) capture.main_truncate(static_cast<std::uint64_t>(size));
    if (mine.kind == Kind::wal && size == 0) capture.wal_truncate();
  });
  if (failed) return SQLITE_IOERR_TRUNCATE;
  if (mine.kind == Kind::main) return mine.calls()->xTruncate(mine.below(), size);
  mine.held.clear();
  return mine.kind == Kind::wal && size == 0 ? empty_wal(mine) : mine.journal->truncate(size);
}

/// SQLite leaves the end of a WAL unsynced: should the frames come back after a power cut, the main file has them, and
/// playing them once more does nothing. But the journal says next that the WAL is empty, and an undo puts the main file
/// back beneath it. One that is found empty may have been emptied by whoever could not sync that, or was killed before.
int SqliteVfs::Methods::empty_wal(File& file) {
  int code = file.journal->truncate(0);
  if (code != SQLITE_OK || file.is_durably_empty) return code;
  code = file.calls()->xSync(file.below(), SQLITE_SYNC_NORMAL);
  file.is_durably_empty = code == SQLITE_OK;
  return code;
}

int SqliteVfs::Methods::sync(sqlite3_file* file, int flags) {
  File& mine = of(file);
  const bool failed = fails(mine, [&](SqliteCapture& capture) {
    if (mine.kind == Kind::main) capture.main_sync();
  });
  if (failed) return SQLITE_IOERR_FSYNC;
  if (mine.kind == Kind::main) return mine.calls()->xSync(mine.below(), flags);
  const int code = write_held(mine);
  return code == SQLITE_OK ? mine.journal->sync(flags) : code;
}

int SqliteVfs::Methods::lock(sqlite3_file* file, int level) {
  const int code = of(file).calls()->xLock(below(file), level);
  // The lock is held, whatever the capture says: its error shows with the next write, or with `rethrow`.
  if (code == SQLITE_OK && level >= SQLITE_LOCK_RESERVED)
    tell(of(file), [](SqliteCapture& capture) { capture.write_locked(); });
  return code;
}

int SqliteVfs::Methods::shm_map(sqlite3_file* file, int region, int size, int extend, void volatile** out) {
  const int code = of(file).calls()->xShmMap(below(file), region, size, extend, out);
  const bool mapped = code == SQLITE_OK || code == SQLITE_READONLY;
  if (region == 0) of(file).vfs->capture_.wal_index_mapped(mapped ? *out : nullptr);
  return code;
}

int SqliteVfs::Methods::shm_lock(sqlite3_file* file, int offset, int count, int flags) {
  constexpr int write_lock = 0;  // Of the wal-index's eight.
  // What waits belongs to a transaction that was rolled back, and others write where it would go.
  if (File* wal = of(file).vfs->wal_; wal != nullptr && offset == write_lock && (flags & SQLITE_SHM_UNLOCK) != 0) {
    wal->held.clear();
    wal->journal->discard();
  }
  const int code = of(file).calls()->xShmLock(below(file), offset, count, flags);
  if (code == SQLITE_OK && offset == write_lock && flags == (SQLITE_SHM_LOCK | SQLITE_SHM_EXCLUSIVE))
    tell(of(file), [](SqliteCapture& capture) { capture.write_locked(); });
  return code;
}

int SqliteVfs::Methods::shm_unmap(sqlite3_file* file, int remove) {
  of(file).vfs->capture_.wal_index_mapped(nullptr);
  return of(file).calls()->xShmUnmap(below(file), remove);
}

/// What SQLite knows of this VFS.
struct SqliteVfs::Registration {
  std::string name;
  sqlite3_vfs vfs;
};

SqliteVfs::SqliteVfs() : registration_(std::make_unique<Registration>()) {
  const sqlite3_vfs* const real = sqlite3_vfs_find(nullptr);
  if (real == nullptr || std::string_view(real->zName) != "unix")
    throw Error(
        ErrorCode::not_understood,
        fmt::format("this process has made \"{}\" SQLite's way to its files (VFS), and belay knows \"unix\" only: "
                    "its before-images would not be those of the file",
                    real == nullptr ? "" : real->zName))
        .next("let belay use SQLite's own VFS");
  registration_->name = fmt::format("belay-{}", static_cast<const void*>(this));
  // The functions that are not replaced do not ask which VFS they are called for.
  registration_->vfs = *real;
  registration_->vfs.pNext = nullptr;
  registration_->vfs.zName = registration_->name.c_str();
  registration_->vfs.pAppData = this;
  registration_->vfs.szOsFile = static_cast<int>(File::size) + real->szOsFile;
  registration_->vfs.xOpen = Methods::open;
  if (sqlite3_vfs_register(&registration_->vfs, /*makeDflt=*/0) != SQLITE_OK) throw std::bad_alloc();
}

SqliteVfs::~SqliteVfs() {
  sqlite3_vfs_unregister(&registration_->vfs);
}

const char* SqliteVfs::name() const {
  return registration_->name.c_str();
}

void SqliteVfs::rethrow() {
  must_fail_ = false;
  if (auto error = std::exchange(error_, nullptr)) std::rethrow_exception(error);
}

}  // namespace belay::engine::drivers

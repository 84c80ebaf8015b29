#include "journal/journal.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cassert>
#include <cerrno>
#include <cstdio>
#include <system_error>
#include <utility>

#include "journal/format.h"
#include "journal/store.h"

namespace belay::journal {
namespace {

[[noreturn]] void raise(int code, const char* doing, const std::filesystem::path& file) {
  const ErrorCode kind = code == ENOSPC || code == EDQUOT ? ErrorCode::no_space : ErrorCode::unavailable;
  throw Error(kind, fmt::format("cannot {}: {}", doing, std::generic_category().message(code)), file);
}

void sync(const std::filesystem::path& path, int flags) {
  const int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | flags);
  if (descriptor < 0) raise(errno, "open for syncing", path);
  const int code = ::fsync(descriptor) == 0 ? 0 : errno;
  ::close(descriptor);
  if (code != 0) raise(code, "sync", path);
}

/// The folder's own name, which nobody has synced yet. Where the folder above may not be read, nobody can.
void sync_name_of(const std::filesystem::path& folder) {
  const auto above = folder / "..";
  if (::access(above.c_str(), R_OK) == 0) sync(above, O_DIRECTORY);
}

void remove_if_there(const std::filesystem::path& file) {
  if (::unlink(file.c_str()) != 0 && errno != ENOENT) raise(errno, "remove", file);
}

/// Not every file system knows RENAME_NOREPLACE; a hard link does not replace either.
void rename_to_new(const std::filesystem::path& from, const std::filesystem::path& to) {
  if (::renameat2(AT_FDCWD, from.c_str(), AT_FDCWD, to.c_str(), RENAME_NOREPLACE) == 0) return;
  if (errno != EINVAL && errno != ENOSYS) raise(errno, "create the journal", to);
  if (::link(from.c_str(), to.c_str()) != 0) raise(errno, "create the journal", to);
  remove_if_there(from);
}

std::filesystem::path with_suffix(std::filesystem::path file, const char* suffix) {
  return file += suffix;
}

std::filesystem::path folder_of(const std::filesystem::path& file) {
  return file.has_parent_path() ? file.parent_path() : std::filesystem::path(".");
}

}  // namespace

Journal::Journal(std::unique_ptr<Store> store) : store_(std::move(store)) {}
Journal::Journal(Journal&&) noexcept = default;
Journal& Journal::operator=(Journal&&) noexcept = default;
Journal::~Journal() = default;

Journal Journal::create(const std::filesystem::path& file, const std::string& database_id, Lsn after) {
  const std::filesystem::path unfinished = with_suffix(file, format::unfinished_suffix);
  const std::filesystem::path folder = folder_of(file);
  if (std::filesystem::exists(std::filesystem::symlink_status(file))) {
    throw Error(ErrorCode::unavailable, "there is a journal already", file);
  }
  // A crash up to the rename leaves no journal, and at most the file under its temporary name and its lock file, which
  // the next call removes here.
  remove_if_there(unfinished);
  remove_if_there(with_suffix(unfinished, format::lock_suffix));
  Store::build(unfinished, database_id, after);
  remove_if_there(with_suffix(unfinished, format::lock_suffix));
  sync(unfinished, 0);   // LMDB has synced its commit; this covers the file's size and mode
  sync_name_of(folder);  // Before the rename: once the journal is there, nobody asks for its folder's name again.
  rename_to_new(unfinished, file);
  // A crash here leaves the journal whole under its name, or, when the rename is lost, as before it. It must be on disk
  // before the database learns the journal's identity.
  sync(folder, O_DIRECTORY);
  return Journal(std::make_unique<Store>(file, Access::write));
}

Journal Journal::open(const std::filesystem::path& file, Access access) {
  Journal journal(std::make_unique<Store>(file, access));
  // Whoever created it may have been killed before its name was durable. Once it has a record, that has been seen to.
  if (access == Access::write && !journal.record(journal.last())) sync(folder_of(file), O_DIRECTORY);
  return journal;
}

const std::filesystem::path& Journal::file() const {
  return store_->file();
}
const std::string& Journal::database_id() const {
  return store_->tip().database_id;
}
bool Journal::is_up_to_date() const {
  return store_->is_up_to_date();
}
Lsn Journal::last() const {
  return store_->tip().last;
}
Lsn Journal::checkpoint() const {
  return store_->tip().checkpoint;
}
Lsn Journal::last_commit() const {
  return store_->tip().last_commit;
}

Lsn Journal::last_undo() const {
  return store_->tip().last_undo;
}

std::optional<RunId> Journal::open_run() const {
  const RunId run = store_->tip().open_run;
  return run ? std::optional(run) : std::nullopt;
}

RunId Journal::begin(RunBegin run, std::vector<PlannedRevision> plan) {
  return store_->begin(std::move(run), std::move(plan));
}

RunId Journal::supersede(const std::optional<Record>& closing, RunEnd end, RunBegin run,
                         std::vector<PlannedRevision> plan) {
  return store_->supersede(closing, std::move(end), std::move(run), std::move(plan));
}

Lsn Journal::append(const Record& record) {
  assert(open_run() && !std::holds_alternative<RunBegin>(record) && !std::holds_alternative<RunEnd>(record));
  return store_->append(record);
}

void Journal::keep_image(std::uint64_t place, std::string_view content) {
  store_->keep_image(place, content);
}

void Journal::carry_on(Lsn transaction) {
  store_->carry_on(transaction);
}

void Journal::flush() {
  store_->commit(nullptr);
}

void Journal::end(RunEnd end, const Retention& retention) {
  assert(open_run() && "end needs an open run");
  end.run = open_run().value();
  store_->append(std::move(end));
  store_->commit(&retention);
}

void Journal::scan(Lsn from, const std::function<bool(const Entry&)>& visit, Detail detail) const {
  store_->scan(from, visit, detail);
}

std::optional<Record> Journal::record(Lsn lsn) const {
  return store_->record(lsn);
}

void Journal::scan_images(Lsn transaction, const std::function<void(std::uint64_t, std::string_view)>& visit) const {
  store_->scan_images(transaction, visit);
}

std::vector<Journal::Run> Journal::runs() const {
  return store_->runs();
}

Journal::Summary Journal::verify() const {
  return store_->verify();
}

std::uint64_t Journal::prune(const Retention& retention) {
  return store_->commit(&retention);
}

}  // namespace belay::journal

#include "engine/drivers/sqlite.h"

#include <fmt/format.h>
#include <sqlite3.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <thread>
#include <utility>

#include "engine/drivers/foreign_keys.h"
#include "engine/drivers/sqlite_copy.h"
#include "engine/drivers/sqlite_damage.h"
#include "engine/drivers/sqlite_error.h"
#include "engine/drivers/sqlite_place.h"
#include "engine/drivers/sqlite_restore.h"
#include "engine/drivers/sqlite_rules.h"
#include "engine/drivers/sqlite_session.h"
#include "engine/drivers/sqlite_tables.h"
#include "engine/drivers/sqlite_values.h"
#include "engine/drivers/sqlite_vfs.h"
#include "versions/statement.h"

namespace belay::engine::drivers {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

struct CloseDatabase {
  void operator()(sqlite3* database) const { sqlite3_close_v2(database); }
};
struct FinalizeStatement {
  void operator()(sqlite3_stmt* statement) const { sqlite3_finalize(statement); }
};
using Database = std::unique_ptr<sqlite3, CloseDatabase>;
using Prepared = std::unique_ptr<sqlite3_stmt, FinalizeStatement>;

/// Pages that a transaction has changed wait here. Each time it is full, SQLite syncs its rollback journal, so that the
/// 2 MB that it would take cost a large change a hundred syncs.
constexpr std::size_t cache_bytes = std::size_t{10} << 20U;

/// Sets a flag for as long as it lives.
struct While {
  explicit While(bool& it) : flag(it) { flag = true; }
  ~While() { flag = false; }
  bool& flag;
};

class Sqlite final : public Connection {
 public:
  Sqlite(const std::string& path, const ConnectionOptions& options);
  ~Sqlite() override { sqlite_leave_wal_alone(database_.get()); }

  const Capabilities& capabilities() const override { return capabilities_; }
  void capture(BeforeImages* images) override { vfs_.capture().start(images); }
  std::string footprint() override {
    return (in_transaction() ? vfs_.capture().found() : vfs_.capture().measure()).text();
  }
  bool follows(std::string_view next, std::string_view end) const override {
    return nobody_wrote_between(SqliteFootprint::parse(end), SqliteFootprint::parse(next));
  }
  void settle(Seals& seals) override;
  void restore(const Restoration& what, Seals& seals) override;
  void outgrow(std::string_view state) override;
  void copy_to(const std::string& path, const CopyProgress& progress) override {
    copy_database(database_.get(), path, heeding_stop(progress));
  }
  void replace_with(const std::string& path, const CopyProgress& progress) override {
    replace_database({*this, database_.get(), reopening()}, path, heeding_stop(progress));
  }
  std::string find_corruption() override { return corruption_of(*this); }
  std::string find_damage() override { return damage_of(*this); }
  void begin() override;
  void commit() override;
  void rollback() noexcept override;
  bool in_transaction() const override { return sqlite3_get_autocommit(database_.get()) == 0; }
  void savepoint() override;
  void release_savepoint() override { query("RELEASE belay_revision"); }
  void rollback_to_savepoint() override;
  void run(const ScriptStatement& statement, std::span<const Parameter> parameters) override;
  std::vector<Row> ask(const ScriptStatement& statement) override;
  std::vector<Row> query(std::string_view sql, std::span<const Parameter> parameters) override;
  using Connection::query;
  void check_constraints() override;
  bool standalone(std::string_view sql) const override { return sqlite_standalone(sql); }
  bool repeatable(std::string_view sql) const override { return sqlite_standalone(sql); }
  bool prepares(std::string_view sql) const override { return sqlite_prepares(sql); }
  bool crowded() const override;
  void reset_session() override { session_.reset(); }
  bool has_table(std::string_view name) override { return sqlite_has_table(*this, name); }
  std::optional<std::int64_t> sequence_of(std::string_view table) override { return sqlite_sequence_of(*this, table); }
  std::string quote(std::string_view name) const override { return quoted_name(name); }
  void protect(std::vector<std::string> tables) override { rules_.protect(tables); }
  void stop_on(std::stop_token stop) override { stop_ = std::move(stop); }
  void interrupt() noexcept override { interrupted_ = true; }

 private:
  void connect(const std::string& path);
  void open(const std::string& path);
  void set(const std::string& pragma, std::int64_t value);
  std::function<void()> reopening();
  CopyProgress heeding_stop(const CopyProgress& progress) const;
  Prepared prepare(std::string_view sql, bool from_script);
  bool step(sqlite3_stmt* statement);
  std::vector<Row> execute(const ScriptStatement& statement, std::span<const Parameter> parameters, bool keep_rows);
  [[noreturn]] void fail(int code) const;
  [[nodiscard]] ErrorCode reason_of_interrupt() const {
    return stop_.stop_requested() ? ErrorCode::interrupted : ErrorCode::timed_out;
  }

  static int authorize(void* self, int action, const char* first, const char* second, const char* schema,
                       const char* trigger);
  static int keep_waiting(void* self, int times);
  static int should_stop(void* self);

  static constexpr Capabilities capabilities_{.transactional_ddl = true, .savepoints = true, .images = true};
  /// Virtual machine instructions between two looks at the stop token: some ten microseconds.
  static constexpr int instructions_between_looks = 1000;

  mutable SqliteVfs vfs_;  // The database has to be closed before it.
  Database database_;
  ConnectionOptions options_;
  SqliteRules rules_;
  ForeignKeys foreign_keys_;
  SqliteSession session_{*this};
  bool from_script_ = false;  // What is being prepared, or run, comes from a script.
  std::stop_token stop_;
  std::atomic<bool> interrupted_ = false;
  bool stoppable_ = false;  // A script's statement, or the check of what it did; what closes a run is neither.
  bool impatient_ = false;  // A lock that is not free at once is not waited for.
  steady_clock::time_point waiting_since_;
};

Sqlite::Sqlite(const std::string& path, const ConnectionOptions& options)
    : options_(options), foreign_keys_([this](const std::string& sql) { return query(sql, {}); }) {
  connect(path);
}

void Sqlite::connect(const std::string& path) {
  open(path);
  sqlite3_extended_result_codes(database_.get(), 1);
  sqlite3_busy_handler(database_.get(), keep_waiting, this);
  sqlite3_progress_handler(database_.get(), instructions_between_looks, should_stop, this);
  sqlite3_set_authorizer(database_.get(), authorize, this);
  if (path == in_memory) sqlite_expect_schemas(database_.get());
  query("PRAGMA schema_version");  // The first read: a file that is no database says so here.
  if (!options_.read_only && sqlite3_db_readonly(database_.get(), "main") == 1)
    throw Error(ErrorCode::read_only, path + " cannot be written").next("check its permissions and its file system");
  if (options_.read_only) query("PRAGMA query_only = ON");
  set("foreign_keys", 0);
  set("synchronous", 3);  // EXTRA
  // A page that is freed is not written only to be zeros: the before-images hold what it had in any case.
  if (!options_.read_only) query(fmt::format("PRAGMA secure_delete = {}", options_.secure_delete ? "ON" : "FAST"));
  if (!options_.read_only) query(fmt::format("PRAGMA cache_size = -{}", cache_bytes >> 10U));
}

void Sqlite::open(const std::string& path) {
  check_place(path, options_.read_only);
  sqlite3* database = nullptr;
  const int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | (options_.read_only ? 0 : SQLITE_OPEN_CREATE);
  const int code = sqlite3_open_v2(path.c_str(), &database, flags, vfs_.name());
  database_.reset(database);
  if (code != SQLITE_OK)
    throw Error(ErrorCode::unavailable, fmt::format("{} cannot be opened: {}", path,
                                                    database ? sqlite3_errmsg(database) : sqlite3_errstr(code)));
}

/// A PRAGMA that is not understood, or not obeyed, is silent: it is read back.
void Sqlite::set(const std::string& pragma, std::int64_t value) {
  query(fmt::format("PRAGMA {} = {}", pragma, value));
  const auto rows = query("PRAGMA " + pragma);
  if (rows.empty() || rows[0][0] != Value(value))
    throw Error(ErrorCode::unavailable, fmt::format("SQLite did not accept PRAGMA {} = {}", pragma, value));
}

void Sqlite::begin() {
  query("BEGIN IMMEDIATE");
  vfs_.rethrow();
  foreign_keys_.begin();
  int spilled = 0;
  int unused = 0;
  sqlite3_db_status(database_.get(), SQLITE_DBSTATUS_CACHE_SPILL, &spilled, &unused, /*resetFlg=*/1);
}

void Sqlite::commit() {
  const Prepared statement = prepare("COMMIT", false);
  const int code = sqlite3_step(statement.get());
  if (code == SQLITE_DONE) return;
  vfs_.rethrow();  // The commit point was never reached.
  if ((code & 0xff) == SQLITE_IOERR)
    throw Error(ErrorCode::outcome_unknown,
                fmt::format("the commit answered with an I/O error ({}): it may have happened, or not",
                            sqlite3_errmsg(database_.get())))
        .state("unknown until the next run decides it from the files")
        .next("check the disk, then run belay migrate: it finds out, and goes on from there");
  fail(code);
}

void Sqlite::rollback() noexcept {
  vfs_.capture().start(nullptr);  // What is put back is nobody's change.
  // After some errors SQLite has rolled back by itself; a rollback that fails leaves a hot journal to the next open.
  if (in_transaction()) sqlite3_exec(database_.get(), "ROLLBACK", nullptr, nullptr, nullptr);
  foreign_keys_.forget();
}

void Sqlite::savepoint() {
  query("SAVEPOINT belay_revision");
  foreign_keys_.begin();
}

void Sqlite::rollback_to_savepoint() {
  query("ROLLBACK TO belay_revision");
  query("RELEASE belay_revision");
  foreign_keys_.forget();
}

void Sqlite::run(const ScriptStatement& statement, std::span<const Parameter> parameters) {
  execute(statement, parameters, /*keep_rows=*/false);
}

std::vector<Row> Sqlite::ask(const ScriptStatement& statement) {
  return execute(statement, {}, /*keep_rows=*/true);
}

std::vector<Row> Sqlite::execute(const ScriptStatement& statement, std::span<const Parameter> parameters,
                                 bool keep_rows) {
  interrupted_ = false;
  if (stop_.stop_requested()) throw Error(ErrorCode::interrupted, "interrupted");
  const While stoppable(stoppable_);
  const bool was_in_transaction = in_transaction();
  try {
    const Prepared prepared = prepare(statement.text, true);
    bind_all(prepared.get(), parameters);
    foreign_keys_.before_statement();
    from_script_ = true;
    std::vector<Row> rows;
    while (step(prepared.get()))
      if (keep_rows) rows.push_back(row_of(prepared.get()));
    from_script_ = false;
    if (was_in_transaction != in_transaction())
      throw Error(ErrorCode::refused_statement, "the statement ended the transaction that belay had begun");
    return rows;
  } catch (Error& error) {
    from_script_ = false;
    const int offset = std::max(0, sqlite3_error_offset(database_.get()));
    const auto before =
        statement.text.substr(0, std::min<std::size_t>(statement.text.size(), static_cast<unsigned>(offset)));
    const auto line = statement.line + static_cast<int>(std::count(before.begin(), before.end(), '\n'));
    error.at(std::string(statement.file), line, std::string(statement.text));
    throw;
  }
}

std::vector<Row> Sqlite::query(std::string_view sql, std::span<const Parameter> parameters) {
  const bool outer = std::exchange(from_script_, false);
  const Prepared statement = prepare(sql, false);
  bind_all(statement.get(), parameters);
  std::vector<Row> rows;
  while (step(statement.get())) rows.push_back(row_of(statement.get()));
  from_script_ = outer;
  return rows;
}

void Sqlite::check_constraints() {
  interrupted_ = false;
  const While stoppable(stoppable_);
  const auto violation = foreign_keys_.new_violation();
  foreign_keys_.begin();
  if (violation) throw Error(ErrorCode::constraint_violated, "a foreign key is violated: " + *violation);
}

bool Sqlite::crowded() const {
  int spilled = 0;
  int unused = 0;
  sqlite3_db_status(database_.get(), SQLITE_DBSTATUS_CACHE_SPILL, &spilled, &unused, /*resetFlg=*/0);
  return spilled > 0;
}

/// The WAL is emptied into the main file, if no reader needs it.
void Sqlite::settle(Seals& seals) {
  const While impatient(impatient_);
  const SqliteCapture::WatchCheckpoint watch(vfs_.capture(), seals);
  query("PRAGMA wal_checkpoint(TRUNCATE)");
}

void Sqlite::restore(const Restoration& what, Seals& seals) {
  SqliteRestore({*this, vfs_.capture(), sqlite3_db_filename(database_.get(), "main"), reopening()}, what, seals).run();
}

std::function<void()> Sqlite::reopening() {
  return [this, path = std::string(sqlite3_db_filename(database_.get(), "main"))] {
    database_.reset();
    connect(path);
  };
}

CopyProgress Sqlite::heeding_stop(const CopyProgress& progress) const {
  return [this, progress](std::int64_t done, std::int64_t total) {
    if (stop_.stop_requested() && done < total) throw Error(ErrorCode::interrupted, "interrupted");
    if (progress) progress(done, total);
  };
}

/// The schema cookie: whoever has parsed the schema that was taken back holds it for the one that gets its number.
void Sqlite::outgrow(std::string_view state) {
  const std::int64_t used = SqliteFootprint::parse(state).schema;
  const auto now = query("PRAGMA schema_version");
  if (std::get<std::int64_t>(now.at(0).at(0)) <= used) query(fmt::format("PRAGMA schema_version = {}", used + 1));
}

Prepared Sqlite::prepare(std::string_view sql, bool from_script) {
  if (from_script) session_.before(sql);
  if (from_script) rules_.start(sql, in_transaction());
  from_script_ = from_script;
  sqlite3_stmt* statement = nullptr;
  const char* tail = nullptr;
  const int code = sqlite3_prepare_v3(database_.get(), sql.data(), static_cast<int>(sql.size()), 0, &statement, &tail);
  from_script_ = false;
  Prepared prepared(statement);
  if (code != SQLITE_OK) fail(code);
  // belay has split the script; were SQLite to see a second statement here, it would silently not be run.
  const auto rest = sql.substr(static_cast<std::size_t>(tail - sql.data()));
  if (!prepared || (!rest.empty() && !versions::normalise(rest).empty()))
    throw Error(ErrorCode::refused_statement, "this is not exactly one statement");
  return prepared;
}

/// @returns whether there is a row.
bool Sqlite::step(sqlite3_stmt* statement) {
  const int code = sqlite3_step(statement);
  if (code == SQLITE_ROW) return true;
  if (code == SQLITE_DONE) return false;
  fail(code);
}

/// Where a result code becomes an exception.
void Sqlite::fail(int code) const {
  vfs_.rethrow();
  const std::string message = sqlite3_errmsg(database_.get());
  switch (code & 0xff) {
    case SQLITE_INTERRUPT: {
      const ErrorCode reason = reason_of_interrupt();
      throw Error(reason, reason == ErrorCode::interrupted ? "interrupted" : "the statement took longer than allowed");
    }
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
      if (stop_.stop_requested()) throw Error(ErrorCode::interrupted, "interrupted while waiting for the database");
      break;
    case SQLITE_AUTH:
      throw Error(ErrorCode::refused_statement, rules_.refusal().empty() ? message : rules_.refusal());
    default:
      break;
  }
  throw sqlite_error(code, message, sqlite3_db_filename(database_.get(), "main"), options_.lock_timeout,
                     sqlite3_system_errno(database_.get()));
}

int Sqlite::authorize(void* self, int action, const char* first, const char* second, const char* schema,
                      const char* /*trigger*/) {
  auto& sqlite = *static_cast<Sqlite*>(self);
  if (!sqlite.from_script_) return SQLITE_OK;
  const auto text = [](const char* name) { return std::string_view(name ? name : ""); };
  auto& rules = sqlite.rules_;
  if (rules.in_vacuum() && action != SQLITE_ATTACH) return SQLITE_OK;  // SQLite's own BEGIN, INSERT, …
  const bool in_main = text(schema) != "temp";
  if (!in_main) sqlite.session_.uses_temporary();
  const auto writes = [&](const char* table) {
    if (in_main) sqlite.foreign_keys_.writes(text(table));
    return rules.may_write(text(table));
  };
  bool allowed = true;
  switch (action) {
    case SQLITE_TRANSACTION:
      allowed = rules.may_control_transaction(text(first));
      break;
    case SQLITE_SAVEPOINT:
      allowed = rules.may_control_transaction("SAVEPOINT");
      break;
    case SQLITE_ATTACH:
      allowed = rules.may_attach(text(first));
      break;
    case SQLITE_DETACH:
      allowed = rules.may_attach("another file");
      break;
    case SQLITE_PRAGMA:
      allowed = rules.may_set(text(first), second);
      if (text(first) == "writable_schema") sqlite.foreign_keys_.anything();
      break;
    case SQLITE_INSERT:
    case SQLITE_UPDATE:
    case SQLITE_DELETE:
      allowed = writes(first);
      break;
    case SQLITE_DROP_INDEX:  // A foreign key may need it.
      allowed = writes(second);
      break;
    case SQLITE_CREATE_TABLE:
    case SQLITE_DROP_TABLE:
      allowed = writes(first);
      if (in_main) sqlite.foreign_keys_.changes(text(first));
      break;
    case SQLITE_CREATE_INDEX:
    case SQLITE_CREATE_TRIGGER:
    case SQLITE_CREATE_TEMP_TRIGGER:
      allowed = rules.may_write(text(second));
      break;
    case SQLITE_CREATE_TEMP_TABLE:  // It would hide the table in `main` from belay's own queries.
    case SQLITE_CREATE_TEMP_VIEW:
    case SQLITE_CREATE_VIEW:
    case SQLITE_CREATE_VTABLE:
      allowed = rules.may_write(text(first));
      break;
    case SQLITE_ALTER_TABLE:
      allowed = rules.may_write(text(second));
      sqlite.foreign_keys_.alters(text(second));
      break;
    default:
      break;
  }
  return allowed ? SQLITE_OK : SQLITE_DENY;
}

int Sqlite::keep_waiting(void* self, int times) {
  auto& sqlite = *static_cast<Sqlite*>(self);
  const auto now = steady_clock::now();
  if (times == 0) sqlite.waiting_since_ = now;
  if (sqlite.impatient_ || sqlite.stop_.stop_requested() || now - sqlite.waiting_since_ >= sqlite.options_.lock_timeout)
    return 0;
  std::this_thread::sleep_for(milliseconds(std::min(times + 1, 25)));
  return 1;
}

int Sqlite::should_stop(void* self) {
  const auto& sqlite = *static_cast<Sqlite*>(self);
  return sqlite.stoppable_ && (sqlite.interrupted_ || sqlite.stop_.stop_requested()) ? 1 : 0;
}

}  // namespace

std::unique_ptr<Connection> open_sqlite(const std::string& path, const ConnectionOptions& options) {
  return std::make_unique<Sqlite>(path, options);
}

void have_sqlite_alone() {
  sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
}

}  // namespace belay::engine::drivers

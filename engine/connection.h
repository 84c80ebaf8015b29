#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "engine/before_images.h"
#include "engine/capabilities.h"
#include "engine/error.h"
#include "engine/value.h"

namespace belay::engine {

/// A named parameter of a statement, its name with the colon: `:lo`.
struct Parameter {
  std::string name;
  Value value;
};

/// SQL from a script, with its place for errors.
struct ScriptStatement {
  std::string_view text;
  std::string_view file;
  int line = 0;
};

/// Told now and then by a copy: how much of it is done, in parts of whatever size. `done` may go back, and `total` may
/// grow, when others write meanwhile.
using CopyProgress = std::function<void(std::int64_t done, std::int64_t total)>;

/// The driver contract: one connection to one database, used by one thread. Everything above this header is the same
/// for all databases.
///
/// How to write a driver:
///   1. Every failure becomes an engine::Error in one function, with the code that its reader branches on.
///   2. A commit that returned is durable: the driver sets whatever the database needs for that and reads it back.
///   3. `commit` throws `busy` with the transaction still open, `outcome_unknown` when it may have happened, anything
///      else only when it did not.
///   4. `run` refuses what would end, nest or escape the transaction (COMMIT, ROLLBACK, ATTACH, …) before it has an
///      effect, and everything that touches the tables given to `protect`.
///   5. A failed `run` has no effect of its own; where the database rolled the whole transaction back instead,
///      `in_transaction` says so.
///   6. Waiting for a lock ends after the lock timeout (`busy`) or on the stop token (`interrupted`).
///   7. With `capabilities().images`: every place of the storage that is overwritten between two calls of `capture` is
///      handed over once, with the content it had at the first of them, and `seal` is called before each commit point.
///   8. tests/engine/driver_conformance.h passes.
class Connection {
 public:
  Connection() = default;
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;
  virtual ~Connection() = default;

  [[nodiscard]] virtual const Capabilities& capabilities() const = 0;

  /// Starts a transaction that holds the right to write; nobody else's changes can come between its statements.
  virtual void begin() = 0;
  virtual void commit() = 0;
  virtual void rollback() noexcept = 0;
  [[nodiscard]] virtual bool in_transaction() const = 0;

  /// One savepoint, not nested, inside the transaction.
  virtual void savepoint() = 0;
  virtual void release_savepoint() = 0;
  virtual void rollback_to_savepoint() = 0;

  /// Runs one statement of a script; rows that it gives are passed over.
  virtual void run(const ScriptStatement& statement, std::span<const Parameter> parameters) = 0;
  /// Runs one query of a script and gives its rows.
  virtual std::vector<Row> ask(const ScriptStatement& statement) = 0;

  /// Runs one statement of belay's own.
  virtual std::vector<Row> query(std::string_view sql, std::span<const Parameter> parameters) = 0;
  std::vector<Row> query(std::string_view sql) { return query(sql, {}); }

  /// Throws `constraint_violated` if a constraint whose check was put off is violated by what was run since the last
  /// `begin`, `savepoint` or call of this, and was not before.
  virtual void check_constraints() = 0;

  /// Whether the database refuses this statement inside a transaction (VACUUM, …), so that it needs
  /// `transaction:off` and cannot commit together with `last_lsn`.
  [[nodiscard]] virtual bool standalone(std::string_view sql) const = 0;
  /// Whether running a standalone statement twice is the same as once.
  [[nodiscard]] virtual bool repeatable(std::string_view sql) const = 0;

  /// Whether a statement does no more than set this connection for those that follow (`PRAGMA page_size` before
  /// VACUUM, `PRAGMA legacy_alter_table`): a new connection has to run it again to go on behind it.
  [[nodiscard]] virtual bool prepares(std::string_view sql) const = 0;

  /// Puts back what scripts have set on this connection and left so: settings by which a statement comes out otherwise,
  /// temporary tables, … The next revision finds what it would find on a new connection. In or outside a transaction.
  virtual void reset_session() {}

  /// Whether the open transaction has outgrown the memory set aside for it: time to commit.
  [[nodiscard]] virtual bool crowded() const = 0;

  [[nodiscard]] virtual bool has_table(std::string_view name) = 0;

  /// The highest number that this table has ever given to a row by itself, where it promises not to give one twice
  /// (SQLite: AUTOINCREMENT); nothing where it does not, or has given none.
  [[nodiscard]] virtual std::optional<std::int64_t> sequence_of(std::string_view /*table*/) { return std::nullopt; }

  // --- Before-images: a driver without `capabilities().images` leaves these as they are ---

  /// From here on, what is overwritten is handed to `images`, each place once; null ends it. Outside a transaction.
  virtual void capture(BeforeImages* /*images*/) {}

  /// Where the storage stands, in the driver's words. Within a transaction: where it stood when that began.
  virtual std::string footprint() { return {}; }

  /// Whether the footprints of one transaction's end and the next one's beginning prove that nobody else has written in
  /// between.
  [[nodiscard]] virtual bool follows(std::string_view /*next*/, std::string_view /*end*/) const { return false; }

  /// Brings what is committed to where it stays, and tells `seals` where that leaves the storage, so that a later
  /// process can tell whether anybody has written since. Changes no content. Outside a transaction.
  virtual void settle(Seals& /*seals*/) {}

  /// Puts the storage back, all of it or nothing: what a crash in it leaves is one of the two, or becomes the second
  /// when the next connection opens it. Outside a transaction, and not while capturing.
  /// @param seals  is told of footprints on the way there: from one of them it may be called again. The last one is
  ///               where the storage is left, told before the commit point as far as it can be known.
  /// @throws Error `foreign_writes` when the storage does not stand where it is expected, `busy`: nothing is changed.
  virtual void restore(const Restoration& what, Seals& seals);

  /// In the first transaction after a `restore`: sees to it that no number by which other connections tell fresh from
  /// stale comes up again. @param state  the footprint from before the `restore`.
  virtual void outgrow(std::string_view /*state*/) {}

  /// Writes a copy of the database, as it is at one moment, to a new file or storage of that name, place by place (so
  /// that before-images fit the copy as well). Others may go on reading and writing: in a storage that lets them, the
  /// copy is of one snapshot; otherwise they get their turn between its parts, it begins anew when they have written,
  /// and after some times in vain it makes them wait. Outside a transaction; ends on the stop token.
  /// @param path  where nothing is: neither a file nor a link is replaced or followed. Not synced: a crash leaves a
  ///              part of it, and whoever wants it to last syncs it.
  /// @throws Error `no_space`, `unavailable`, `busy`, `interrupted`: what was written of the copy is removed again.
  virtual void copy_to(const std::string& path, const CopyProgress& progress);
  void copy_to(const std::string& path) { copy_to(path, {}); }

  /// Replaces the whole content of this database by that of the database in the file at `path`, all of it or nothing,
  /// durably: what a crash in it leaves is one of the two, or becomes the first when the next connection opens it.
  /// Connections of others that are open and idle see the new content with their next statement. The journal mode is
  /// that of `path` afterwards, as far as others who have this database open allow it. Outside a transaction, and not
  /// while capturing. Ends on the stop token before its commit.
  /// @throws Error `busy` while others read or write (where it has to leave WAL mode because the sizes of pages differ:
  ///         while others have it open), `no_space`, `interrupted`: nothing is changed. `outcome_unknown` when its
  ///         commit answered with an I/O error, or something failed after it: it may have happened, and this
  ///         connection is to be given up.
  virtual void replace_with(const std::string& path, const CopyProgress& progress);
  void replace_with(const std::string& path) { replace_with(path, {}); }

  /// The first thing that is wrong with the storage itself, as a sentence: damage. Empty when it is sound. Reads
  /// everything.
  virtual std::string find_corruption() { return {}; }

  /// The same, of what the storage holds as well: damage, or a row without the parent that a foreign key asks for.
  virtual std::string find_damage() { return {}; }

  /// A name as SQL, quoted.
  [[nodiscard]] virtual std::string quote(std::string_view name) const = 0;

  /// Scripts may not write, alter or drop these tables: belay's own.
  virtual void protect(std::vector<std::string> tables) = 0;

  /// Statements of scripts, checks of constraints and waiting end with `interrupted` once `stop` is requested; queries
  /// of belay's own go on, because they close what was begun.
  virtual void stop_on(std::stop_token stop) = 0;
  /// Ends the statement that is running now with `timed_out`. The one call that any thread may make.
  virtual void interrupt() noexcept = 0;
};

struct ConnectionOptions {
  std::chrono::milliseconds lock_timeout{10'000};
  bool read_only = false;  ///< Never changes the database and never creates it.
  /// What is deleted is overwritten wherever it was; else only where that costs no writing of its own.
  bool secure_delete = false;
};

/// What a database URL means. Pure: nothing is opened.
struct DatabaseUrl {
  std::string driver;  ///< `sqlite`
  std::string path;    ///< For SQLite: absolute, normalised.

  /// Reads `sqlite:relative.db`, `sqlite:/absolute.db`, `sqlite:///relative.db` (as SQLAlchemy writes it),
  /// `sqlite:////absolute.db`, or a plain path.
  /// @param folder  what a relative path is relative to.
  /// @throws Error `bad_url`.
  static DatabaseUrl parse(std::string_view url, const std::string& folder);
};

/// Opens a database. The table of drivers is here.
/// @throws Error `unavailable` (also for a missing file when read_only), `not_a_database`, `read_only`.
std::unique_ptr<Connection> connect(const DatabaseUrl& url, const ConnectionOptions& options);

/// An empty database of the same kind that nobody else sees and that is forgotten with its connection. Nothing of it
/// is durable, and it keeps no before-images.
/// @throws Error `unavailable`.
std::unique_ptr<Connection> connect_scratch(const DatabaseUrl& like);

/// Whether there is anything at that URL: for SQLite a file that is not empty.
bool exists(const DatabaseUrl& url);

/// Whether what is there begins as such a database does; also when there is nothing. Unlike `connect` this leaves what
/// lies beside a damaged database alone. No connection to it may be open in this process.
bool looks_sound(const DatabaseUrl& url);

/// Another process that has a database open.
struct User {
  std::int64_t process = 0;
  std::string command;  ///< Its name, as the system knows it; may be empty.
};

/// Which processes that we may look at have this database open, other than this one. Opens nothing; no proof that there
/// are no others.
std::vector<User> users(const DatabaseUrl& url);

}  // namespace belay::engine

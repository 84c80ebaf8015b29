#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace belay::engine::drivers {

/// Whether SQLite cannot run this statement inside a transaction, or silently does nothing there: VACUUM, and the
/// PRAGMAs that change the file as a whole (`journal_mode`, `page_size`, …).
bool sqlite_standalone(std::string_view sql);

/// The name of a PRAGMA, in lower case and without its schema; empty for any other statement.
std::string sqlite_pragma(std::string_view sql);

/// What a script may do on belay's connection. Asked by SQLite's authorizer while a statement is prepared; a "no"
/// leaves its reason in `refusal()`.
class SqliteRules {
 public:
  /// A statement is about to be prepared.
  void start(std::string_view sql, bool in_transaction);
  void protect(const std::vector<std::string>& tables);

  /// What is being prepared is a VACUUM, or one of the statements that SQLite runs for it.
  [[nodiscard]] bool in_vacuum() const { return vacuum_; }

  bool may_control_transaction(std::string_view operation);
  /// VACUUM attaches a nameless file of its own; a script attaches nothing.
  bool may_attach(std::string_view file);
  /// @param value  null for a PRAGMA without one.
  bool may_set(std::string_view pragma, const char* value);
  bool may_write(std::string_view table);

  [[nodiscard]] const std::string& refusal() const { return refusal_; }

 private:
  bool refuse(std::string reason);

  std::vector<std::string> protected_;
  std::string refusal_;
  bool vacuum_ = false;
  bool in_transaction_ = false;
};

}  // namespace belay::engine::drivers

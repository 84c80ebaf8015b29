#include "engine/drivers/sqlite_rules.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <utility>

#include "versions/statement.h"

namespace belay::engine::drivers {
namespace {

std::string lower(std::string_view text) {
  std::string result(text);
  for (char& c : result) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return result;
}

bool among(std::string_view word, const auto& words) {
  return std::find(words.begin(), words.end(), word) != words.end();
}

/// The word at the start of `text`, which is cut off from it.
std::string next_word(std::string_view& text) {
  while (text.starts_with(' ')) text.remove_prefix(1);
  const auto is_part = [](char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_'; };
  const auto size = static_cast<std::size_t>(std::find_if_not(text.begin(), text.end(), is_part) - text.begin());
  std::string word = lower(text.substr(0, size));
  text.remove_prefix(size);
  return word;
}

/// The first part of a statement is enough to tell what it is; comments before it may be long.
constexpr std::size_t head_size = 4096;

constexpr std::array whole_file_pragmas{"journal_mode", "page_size", "auto_vacuum", "encoding", "wal_checkpoint"};

// belay has set these for the whole run and relies on them.
constexpr std::array settings_of_belay{"foreign_keys", "synchronous", "locking_mode", "query_only", "busy_timeout"};

/// SQLite takes any beginning of a mode's name for it.
bool gives_up_the_journal(std::string_view mode) {
  return !mode.empty() && (std::string_view("off").starts_with(mode) || std::string_view("memory").starts_with(mode));
}

/// What a statement begins with, in lower case: of a PRAGMA and of VACUUM, which are all that anybody asks for.
struct Head {
  std::string verb;
  std::string pragma;  ///< The name, of a PRAGMA.
};

Head head_of(std::string_view sql) {
  constexpr std::string_view other_words = "abcdefghijklmnoqrstuwxyzABCDEFGHIJKLMNOQRSTUWXYZ";
  if (!sql.empty() && other_words.find(sql.front()) != std::string_view::npos) return {};
  const std::string text = versions::normalise(sql.substr(0, head_size));
  std::string_view rest = text;
  Head head{next_word(rest), {}};
  if (head.verb != "pragma") return head;
  head.pragma = next_word(rest);
  if (rest.starts_with('.')) {  // PRAGMA main.journal_mode
    rest.remove_prefix(1);
    head.pragma = next_word(rest);
  }
  return head;
}

}  // namespace

bool sqlite_standalone(std::string_view sql) {
  const Head head = head_of(sql);
  return head.verb == "vacuum" || among(head.pragma, whole_file_pragmas);
}

std::string sqlite_pragma(std::string_view sql) {
  return head_of(sql).pragma;
}

void SqliteRules::protect(const std::vector<std::string>& tables) {
  protected_.clear();
  for (const auto& table : tables) protected_.push_back(lower(table));
}

void SqliteRules::start(std::string_view sql, bool in_transaction) {
  refusal_.clear();
  in_transaction_ = in_transaction;
  vacuum_ = head_of(sql).verb == "vacuum";
}

bool SqliteRules::refuse(std::string reason) {
  refusal_ = std::move(reason);
  return false;
}

bool SqliteRules::may_control_transaction(std::string_view operation) {
  return refuse(
      fmt::format("{} is not for scripts: belay begins and commits the transaction itself, so that the step "
                  "and its record commit together",
                  operation));
}

bool SqliteRules::may_attach(std::string_view file) {
  if (vacuum_ && file.empty()) return true;
  return refuse(vacuum_ ? "VACUUM INTO writes another file, which no journal could take back"
                        : "ATTACH and DETACH are not for scripts: a commit over two files is not atomic");
}

bool SqliteRules::may_set(std::string_view pragma, const char* value) {
  const std::string name = lower(pragma);
  if (!value && name != "wal_checkpoint") return true;
  if (name == "foreign_keys")
    return refuse(
        "PRAGMA foreign_keys is not for scripts: belay switches foreign keys off itself and checks them before "
        "each commit; leave this line out");
  if (among(name, settings_of_belay))
    return refuse(fmt::format("PRAGMA {} is not for scripts: belay relies on its own setting", name));
  if (name == "journal_mode" && gives_up_the_journal(lower(value)))
    return refuse("this journal mode is not for scripts: a crash would leave a corrupt database");
  if (in_transaction_ && among(name, whole_file_pragmas))
    return refuse(
        fmt::format("PRAGMA {} has no effect in a transaction: mark its step or section transaction:off", name));
  return true;
}

bool SqliteRules::may_write(std::string_view table) {
  if (!among(lower(table), protected_)) return true;
  return refuse(fmt::format("the table {} is belay's own, and scripts may only read it", table));
}

}  // namespace belay::engine::drivers

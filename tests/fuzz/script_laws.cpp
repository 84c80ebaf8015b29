#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <vector>

#include "tests/fuzz/catalog.h"
#include "tests/fuzz/laws.h"
#include "versions/error.h"
#include "versions/scanner.h"
#include "versions/script.h"
#include "versions/utf8.h"

namespace belay::fuzz {
namespace {

using namespace versions;

constexpr const char* file = "20261122125453_add_rooms.sql";

long lines_of(std::string_view text) {
  return std::ranges::count(text, '\n') + 1;
}

std::string error_law_broken_by(const Error& error, std::string_view text, int first_line) {
  if (error.code() != ErrorCode::malformed) return "it is refused as something else than malformed";
  if (std::string_view(error.what()).empty()) return "it is refused without a reason";
  if (error.line() < first_line || error.line() > lines_of(text))
    return "it is refused at a line that it does not have";
  return "";
}

// --- Statements

/// Whether a gap between two statements has nothing in it that would be one.
bool is_no_statement(std::string_view gap) {
  Scanner scanner(gap);
  Token token;
  while (scanner.next(token))
    if (token.kind == TokenKind::word || token.kind == TokenKind::quoted || token.kind == TokenKind::other ||
        token.kind == TokenKind::unclosed)
      return false;
  return true;
}

std::string places_law_broken_by(const std::vector<Statement>& statements, std::string_view text) {
  std::size_t end = 0;
  for (const auto& statement : statements) {
    const std::size_t at = text.find(statement.text, end);
    if (statement.text.empty() || at == std::string_view::npos) return "a statement is not what the text has";
    // What is found first may be in a comment before it.
    std::size_t begin = at;
    while (begin != std::string_view::npos &&
           (lines_of(text.substr(0, begin)) != statement.line || !is_no_statement(text.substr(end, begin - end))))
      begin = text.find(statement.text, begin + 1);
    if (begin == std::string_view::npos) return "a statement is at no such line: " + statement.text;
    end = begin + statement.text.size();
  }
  return is_no_statement(text.substr(end)) ? "" : "behind the last statement is a part of one";
}

std::string complete_law_broken_by(const std::string& statement) {
  if (!is_complete(statement + ";")) return "SQLite does not see the end of a statement: " + statement;
  for (std::size_t at = statement.find(';'); at != std::string::npos; at = statement.find(';', at + 1))
    if (is_complete(statement.substr(0, at + 1))) return "SQLite sees more than one statement: " + statement;
  return "";
}

std::string normal_law_broken_by(const std::string& statement) {
  const std::string normal = normalise(statement);
  if (normalise(normal) != normal) return "what is normal has another normal form: " + normal;
  const auto again = split_statements(normal + ";");
  if (again.size() != 1 || again[0].text != normal) return "a normal statement is not one: " + normal;
  return "";
}

std::string join_law_broken_by(const std::vector<Statement>& statements) {
  std::string joined;
  for (const auto& statement : statements) joined += statement.text + ";\n";
  const auto again = split_statements(joined);
  return std::ranges::equal(statements, again, {}, &Statement::text, &Statement::text)
             ? ""
             : "joined, the statements are others: " + joined;
}

std::string statements_law_broken_by(std::string_view text) {
  std::vector<Statement> statements;
  try {
    statements = split_statements(text);
  } catch (const Error& error) {
    return error_law_broken_by(error, text, 1);
  }
  if (auto broken = places_law_broken_by(statements, text); !broken.empty()) return broken;
  const bool c_string = text.find('\0') == std::string_view::npos;
  for (const auto& statement : statements) {
    if (auto broken = normal_law_broken_by(statement.text); !broken.empty()) return broken;
    if (!c_string) continue;
    if (auto broken = complete_law_broken_by(statement.text); !broken.empty()) return broken;
  }
  return join_law_broken_by(statements);
}

// --- Scripts

std::string in_quotes(std::string_view text) {
  std::string result = "\"";
  for (const char c : text) result += c == '"' ? std::string("\"\"") : std::string(1, c);
  return result + '"';
}

std::string marker_of(const Step& step) {
  std::string marker = "-- migrate:step " + step.name + (step.transactional ? " transaction:on" : " transaction:off");
  if (step.repeatable) marker += " repeatable:yes";
  if (step.batch)
    marker += fmt::format(" batch:{} over:{}.{}", step.batch->rows, in_quotes(step.batch->table),
                          in_quotes(step.batch->column));
  if (!step.rebuild) return marker;
  marker += " rebuild:" + in_quotes(step.rebuild->table);
  if (!step.rebuild->from.empty()) marker += " from:" + step.rebuild->from;
  if (!step.rebuild->to.empty()) marker += " to:" + step.rebuild->to;
  return marker;
}

std::string text_of(const std::vector<Statement>& statements) {
  std::string text;
  for (const auto& statement : statements) text += statement.text + "\n;\n";
  return text;
}

std::string text_of(const std::vector<Step>& steps) {
  std::string text;
  for (const auto& step : steps) text += marker_of(step) + "\n" + text_of(step.statements);
  return text;
}

/// With everything said that may be said.
std::string text_of(const Script& script) {
  std::string text = "-- revision: " + script.id.text + "\n-- message: " + script.message +
                     "\n-- created: " + script.created + "\n-- parents: ";
  for (const auto& parent : script.parents) text += parent.text + " ";
  text += "\n-- migrate:up\n" + text_of(script.up);
  if (!script.verify.empty()) text += "-- migrate:verify\n" + text_of(script.verify);
  if (!script.down) return text;
  text += "-- migrate:down";
  if (script.irreversible) text += " irreversible:" + in_quotes(*script.irreversible);
  return text + "\n" + text_of(*script.down);
}

bool same(const Batch& a, const Batch& b) {
  return a.rows == b.rows && a.table == b.table && a.column == b.column;
}

bool same(const std::vector<Statement>& a, const std::vector<Statement>& b) {
  return std::ranges::equal(a, b, {}, &Statement::text, &Statement::text);
}

bool same(const std::vector<Step>& a, const std::vector<Step>& b) {
  return std::ranges::equal(a, b, [](const Step& one, const Step& other) {
    return one.name == other.name && same(one.statements, other.statements) &&
           one.transactional == other.transactional && one.repeatable == other.repeatable &&
           one.batch.has_value() == other.batch.has_value() && (!one.batch || same(*one.batch, *other.batch)) &&
           one.rebuild == other.rebuild;
  });
}

bool same(const Script& a, const Script& b) {
  return a.id == b.id && a.parents == b.parents && a.message == b.message && a.created == b.created &&
         same(a.up, b.up) && same(a.verify, b.verify) && a.down.has_value() == b.down.has_value() &&
         (!a.down || same(*a.down, *b.down)) && a.irreversible == b.irreversible && a.digest == b.digest;
}

}  // namespace

std::string script_law_broken_by(std::string_view text) {
  if (auto broken = statements_law_broken_by(text); !broken.empty()) return broken;
  std::optional<Script> script;
  try {
    script = parse_script(text, file, RevisionId{"previous"});
  } catch (const Error& error) {
    if (error.file() != file) return "it is refused without its file";
    if (find_bad_utf8(error.what()) || find_bad_utf8(error.next())) return "it is refused with what is not UTF-8";
    return error_law_broken_by(error, text, 0);
  }
  const std::string written = text_of(*script);
  const Script again = parse_script(written, file, RevisionId{"previous"});
  return same(*script, again) ? "" : "written in full, it is another script:\n" + written;
}

}  // namespace belay::fuzz

#include "versions/schema/migration.h"

#include <algorithm>

#include "versions/schema/lexer.h"
#include "versions/schema/names.h"

namespace belay::versions::schema {
namespace {

/// As an option of a marker has it.
std::string option(const std::string& key, const std::string& value) {
  return value.empty() ? std::string() : " " + key + ":" + value;
}

/// What is quoted in it may have lines of its own.
std::string comment(std::string line) {
  std::ranges::replace_if(
      line, [](char c) { return c == '\n' || c == '\r'; }, ' ');
  return "-- " + line + "\n";
}

std::string marker_of(const MigrationStep& step) {
  if (!step.rebuild) return "-- migrate:step\n";
  const auto& [table, from, to] = *step.rebuild;
  return "-- migrate:step" + option("rebuild", written_name(table)) + option("from", from) + option("to", to) + "\n";
}

}  // namespace

std::string with_semicolon(std::string_view statement) {
  const auto tokens = lex(statement);
  const char* const end = tokens.empty() ? statement.data() : tokens.back().text.data() + tokens.back().text.size();
  const auto rest = statement.substr(static_cast<std::size_t>(end - statement.data()));
  return std::string(statement) + (rest.find("--") == std::string_view::npos ? ";" : "\n;");
}

/// Everything below a marker belongs to its step, so that from the first one on each has its own.
std::string to_sql(std::span<const MigrationStep> steps) {
  std::string sql;
  bool has_marker = false;
  for (const auto& step : steps) {
    if (!sql.empty()) sql += '\n';
    has_marker = has_marker || step.rebuild.has_value();
    if (has_marker) sql += marker_of(step);
    for (const auto& line : step.comment) sql += comment(line);
    for (const auto& statement : step.statements) sql += with_semicolon(statement) + "\n";
  }
  return sql;
}

}  // namespace belay::versions::schema

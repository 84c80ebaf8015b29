#include "cli/plan_sql.h"

#include <fmt/format.h>

#include <algorithm>

#include "cli/json.h"
#include "engine/version_table.h"
#include "versions/scanner.h"

namespace belay::cli {
namespace {

using journal::Action;
using journal::PlannedRevision;
using journal::PlannedStep;

std::string quoted_name(std::string_view name) {
  std::string result = "\"";
  for (const char c : name) result.append(c == '"' ? 2 : 1, c);
  return result + "\"";
}

/// The statement of a batch for the whole table at once: `:lo` and `:hi` are the table's own ends.
std::string whole_batch(const PlannedStep& step) {
  const auto end = [&](const char* function) {
    return fmt::format("(SELECT {}({}) FROM {})", function, quoted_name(step.batch_column),
                       quoted_name(step.batch_table));
  };
  std::string sql;
  bool after_colon = false;
  versions::Scanner scanner(step.statements.at(0).text);
  for (versions::Token token; scanner.next(token);) {
    if (after_colon && (token.text == "lo" || token.text == "hi")) {
      sql.pop_back();
      sql += end(token.text == "lo" ? "min" : "max");
    } else {
      sql += token.text;
    }
    after_colon = token.kind == versions::TokenKind::other && token.text == ":";
  }
  return fmt::format("-- belay runs this in batches of {}\n{};\n", step.batch_rows, sql);
}

std::string sql_of(const PlannedStep& step) {
  if (step.batch_rows > 0) return whole_batch(step);
  std::string sql;
  for (const auto& statement : step.statements) sql += statement.text + ";\n";
  return sql;
}

std::string sql_of(const std::vector<recovery::SqlHook>& hooks) {
  std::string sql;
  for (const auto& hook : hooks) {
    sql += fmt::format("-- hook {}\n", hook.name);
    for (const auto& statement : hook.statements) sql += statement.text + ";\n";
  }
  return sql;
}

std::string stamp_sql(const std::string& table, const PlannedRevision& revision) {
  if (!journal::is_of_revision(revision.action)) return "";
  if (revision.action == Action::down || revision.action == Action::unstamp)
    return engine::VersionTable::remove_sql(table, {revision.revision}) + ";\n";
  versions::Stamp stamp;
  stamp.revision = {revision.revision};
  stamp.message = revision.message;
  stamp.digest = revision.digest;
  stamp.applied_by = "belay --sql";
  return engine::VersionTable::write_sql(table, stamp) + ";\n";
}

/// In a transaction, where one can hold it.
std::string sql_of(const PlannedRevision& revision, const recovery::Settings& settings, bool hooks) {
  const bool whole =
      std::all_of(revision.steps.begin(), revision.steps.end(), [](const auto& step) { return step.transactional; });
  std::string sql =
      fmt::format("\n-- {} {} {}\n", journal::name_of(revision.action), revision.revision, revision.message);
  if (whole) sql += "BEGIN;\n";
  if (hooks) sql += sql_of(settings.before_each);
  for (const auto& step : revision.steps) sql += sql_of(step);
  if (hooks) sql += sql_of(settings.after_each);
  sql += stamp_sql(settings.version_table, revision);
  return sql + (whole ? "COMMIT;\n" : "");
}

}  // namespace

std::string sql_of(const std::vector<PlannedRevision>& plan, const recovery::Settings& settings) {
  const bool hooks = std::any_of(plan.begin(), plan.end(), [](const auto& revision) {
    return revision.action == Action::up || revision.action == Action::down;
  });
  std::string sql = engine::VersionTable::create_sql(settings.version_table) + ";\n";
  if (hooks) sql += sql_of(settings.before_run);
  for (const auto& revision : plan) sql += sql_of(revision, settings, hooks);
  if (hooks) sql += sql_of(settings.after_run);
  return sql;
}

void print_sql(Terminal& terminal, const std::string& sql) {
  terminal.data(terminal.json() ? dump({{"ok", true}, {"exit", 0}, {"sql", sql}}) : sql);
}

}  // namespace belay::cli

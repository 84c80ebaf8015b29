// Whatever the rows and whatever the change: what is said to fail fails, and nothing else does.

#include <gtest/gtest.h>

#include <rapidcheck/gtest.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <sstream>
#include <string>
#include <vector>

#include "engine/error.h"
#include "engine/hazards.h"
#include "engine/introspect.h"
#include "versions/schema/schema.h"

namespace belay::engine {
namespace {

using versions::schema::Hazard;

constexpr std::array types{"TEXT", "INTEGER", "REAL", "NUMERIC", "BLOB", ""};
constexpr std::array strict_types{"TEXT", "INTEGER", "INT", "REAL", "BLOB", "ANY"};
constexpr std::array collations{"", " COLLATE NOCASE", " COLLATE RTRIM"};
constexpr std::array values{"NULL",
                            "''",
                            "'007'",
                            "'7'",
                            "7",
                            "7.0",
                            "7.5",
                            "'abc'",
                            "'ABC'",
                            "'abc '",
                            "x'37'",
                            "x''",
                            "' 7'",
                            "'7 '",
                            "'1e3'",
                            "1000",
                            "'0x10'",
                            "'1e999'",
                            "1e300",
                            "'-0'",
                            "-0.0",
                            "0",
                            "'0.0'",
                            "2",
                            "'2'",
                            "'2.0'",
                            "0.1 + 0.2",
                            "9007199254740993",
                            "9223372036854775807",
                            "'9223372036854775807'",
                            "'9223372036854775808'",
                            "-9223372036854775808.0",
                            "9223372036854775808.0",
                            "'Inf'",
                            "1",
                            "3",
                            "4",
                            "'x'"};
constexpr std::array checks{"a > 0",
                            "a >= '7'",
                            "a = 'ABC'",
                            "typeof(a) <> 'text'",
                            "a <> b",
                            "a IN (1, '2', 7)",
                            "length(a) < 4",
                            "a BETWEEN 0 AND b",
                            "a IS NOT b -- not the same\n",
                            "rowid < 4",
                            "a LIKE 'a%' OR b",
                            "\"b\" <> \"no column\"",
                            "coalesce(a, c) < 'b'",
                            "json_valid(a)",
                            "json_extract(a, '$') IS NULL",
                            "c > 1"};
constexpr std::array indexes{"CREATE UNIQUE INDEX i ON t (a COLLATE NOCASE)",
                             "CREATE UNIQUE INDEX i ON t (a, b)",
                             "CREATE UNIQUE INDEX i ON t (lower(a))",
                             "CREATE UNIQUE INDEX i ON t (a) WHERE b > 1",
                             "CREATE UNIQUE INDEX i ON t ((1)) WHERE a IS NOT NULL",
                             "CREATE UNIQUE INDEX i ON t (a + 0, typeof(b))",
                             "CREATE INDEX i ON t (json_extract(a, '$'))",
                             "CREATE INDEX i ON t (b) WHERE json_extract(a, '$') > 1",
                             "CREATE UNIQUE INDEX i ON t (c)"};

template <typename Choices>
std::string any_of(const Choices& choices) {
  return choices.at(*rc::gen::inRange<std::size_t>(0, choices.size()));
}

bool by_chance(int one_in) {
  return *rc::gen::inRange(0, one_in) == 0;
}

/// A table in two pieces, so that it can be made under another name.
struct AnyTable {
  std::string body;
  std::string index;
  bool rowid_key = false;
  bool without_rowid = false;
  bool computes_c = false;

  [[nodiscard]] std::string named(const std::string& name) const { return "CREATE TABLE " + name + " " + body; }
};

std::string any_third_column(AnyTable& table, const std::string& type, bool strict) {
  switch (*rc::gen::inRange(0, 5)) {
    case 0:
      return ", c " + type + " DEFAULT '2'";
    case 1:
      return ", c " + type + " NOT NULL DEFAULT 7";
    case 2:
      return ", c " + type + " DEFAULT (1 + 1)";
    case 3:
      // SQLite 3.40 forgets to check the type of a computed value, or checks one that is right, by what else is there.
      table.computes_c = true;
      return ", c " + (strict || type == "REAL" ? "ANY" : type) + " AS (coalesce(a, b))" +
             (by_chance(2) ? " STORED" : "") + (by_chance(2) ? " NOT NULL" : "");
    default:
      return ", c " + type;
  }
}

AnyTable any_table() {
  const bool strict = by_chance(3);
  const auto type = [strict] { return strict ? any_of(strict_types) : any_of(types); };
  AnyTable table;
  table.rowid_key = by_chance(6);
  const std::string type_of_a = type();
  std::string a = "a INTEGER PRIMARY KEY";
  if (!table.rowid_key)
    a = "a " + type_of_a + any_of(collations) + (by_chance(4) ? " NOT NULL" : "") + (by_chance(5) ? " UNIQUE" : "");
  table.body = "(" + a + ", b " + type() + any_of(collations) + any_third_column(table, type(), strict);
  if (!table.rowid_key && by_chance(4)) {
    const bool alone = by_chance(2);
    table.body += alone ? ", PRIMARY KEY (a)" : ", PRIMARY KEY (b, a COLLATE NOCASE)";
    table.without_rowid = by_chance(2);
    table.rowid_key = alone && !table.without_rowid && type_of_a == "INTEGER";
  }
  const auto check = any_of(checks);
  const bool fits = !table.without_rowid || check.find("rowid") == std::string::npos;
  if (fits && by_chance(2)) table.body += ", CHECK (" + check + ")";
  table.body += ")";
  if (strict) table.body += " STRICT";
  if (table.without_rowid) table.body += strict ? ", WITHOUT ROWID" : " WITHOUT ROWID";
  if (by_chance(3)) table.index = any_of(indexes);
  return table;
}

class Change {
 public:
  Change(AnyTable before, const std::vector<std::string>& rows, AnyTable after)
      : before_(std::move(before)), after_(std::move(after)) {
    make(*live_, before_);
    make(*desired_, after_);
    for (const auto& row : rows) attempt("INSERT OR IGNORE INTO t (a, b) VALUES (" + row + ")");
  }

  [[nodiscard]] std::vector<Hazard> hazards() const {
    return find_hazards({introspect(*live_, {}), introspect(*desired_, {}), {}, {"t"}}, live_.get());
  }

  /// Rebuilds the table by hand. @returns the database's words; empty when it can be done.
  [[nodiscard]] std::string apply() const {
    std::string columns = keeps_rowids() && !after_.rowid_key ? "rowid, a, b" : "a, b";
    if (!after_.computes_c) columns += ", c";
    std::string copy = "INSERT OR ABORT INTO new_t (" + columns;
    copy.append(") SELECT ").append(columns).append(" FROM t");
    for (const auto& sql : {after_.named("new_t"), copy, std::string("ALTER TABLE t RENAME TO old_t"),
                            std::string("ALTER TABLE new_t RENAME TO t"),
                            std::string(before_.index.empty() ? "SELECT 1" : "DROP INDEX i"),
                            after_.index.empty() ? "SELECT 1" : after_.index})
      if (auto failure = attempt(sql); !failure.empty()) return failure;
    return "";
  }

  /// Once it is applied: how many values have become something else that cannot be turned back into them.
  [[nodiscard]] std::int64_t lost(const std::string& column) const {
    return number("SELECT count(*) FROM old_t AS o JOIN t AS n ON o.rowid = n.rowid WHERE typeof(o." + column +
                  ") <> typeof(n." + column + ") AND CASE typeof(o." + column + ") WHEN 'text' THEN CAST(n." + column +
                  " AS TEXT) WHEN 'integer' THEN iif(n." + column + " = 9223372036854775808.0, NULL, CAST(n." + column +
                  " AS INTEGER)) WHEN 'real' THEN CAST(n." + column + " AS REAL) END IS NOT +o." + column +
                  " COLLATE BINARY");
  }
  [[nodiscard]] bool keeps_rowids() const { return !before_.without_rowid && !after_.without_rowid; }
  [[nodiscard]] bool numbers_rows() const { return after_.rowid_key && !before_.rowid_key; }
  [[nodiscard]] std::int64_t number(const std::string& sql) const {
    return std::get<std::int64_t>(live_->query(sql).at(0).at(0));
  }

 private:
  static void make(Connection& connection, const AnyTable& table) {
    connection.query(table.named("t"));
    if (!table.index.empty()) connection.query(table.index);
  }
  std::string attempt(const std::string& sql) const {
    try {
      live_->query(sql);
    } catch (const Error& error) {
      return error.what();
    }
    return "";
  }

  AnyTable before_;
  AnyTable after_;
  std::unique_ptr<Connection> live_ = connect_scratch({"sqlite", "live.db"});
  std::unique_ptr<Connection> desired_ = connect_scratch({"sqlite", "desired.db"});
};

std::string said(const std::vector<Hazard>& hazards) {
  std::string text;
  for (const auto& hazard : hazards) text += hazard.message + "\n";
  return text;
}

std::int64_t said_lost(const std::vector<Hazard>& hazards, const std::string& column) {
  std::int64_t count = 0;
  for (const auto& hazard : hazards)
    if (hazard.kind == Hazard::Kind::lossy_cast && hazard.column == column) count += hazard.count;
  return count;
}

void fails_exactly_when_a_hazard_stops_it() {
  const auto before = any_table();
  const auto after = any_table();
  std::vector<std::string> rows(*rc::gen::inRange<std::size_t>(0, 6));
  for (auto& row : rows) row = any_of(values) + ", " + any_of(values);
  RC_LOG() << before.named("t") << "\n" << before.index << "\n" << after.named("t") << "\n" << after.index << "\n";
  for (const auto& row : rows) RC_LOG() << "(" << row << ")\n";

  const Change change(before, rows, after);
  const auto hazards = change.hazards();
  const bool stops = std::ranges::any_of(hazards, &Hazard::stops);
  // SQLite makes up a number for a NULL that becomes a rowid; belay does not let that happen.
  const auto nulls = change.numbers_rows() ? change.number("SELECT count(*) FROM t WHERE a IS NULL") : 0;
  const auto failure = change.apply();
  RC_LOG() << "says:\n" << said(hazards) << "fails: " << failure << "\n";
  RC_CLASSIFY(stops);
  RC_ASSERT(stops == (!failure.empty() || nulls > 0));
  if (stops || !change.keeps_rowids() || change.numbers_rows()) return;
  RC_ASSERT(said_lost(hazards, "a") == change.lost("a"));
  RC_ASSERT(said_lost(hazards, "b") == change.lost("b"));
}

/// 1,000 cases, or what RC_PARAMS says.
TEST(HazardsProperty, ChangeFailsExactlyWhenAHazardStopsIt) {
  rc::detail::Configuration configuration;
  configuration.testParams.seed = 20261123;
  configuration.testParams.maxSuccess = 1000;
  const char* wanted = std::getenv("RC_PARAMS");
  if (wanted != nullptr) configuration = rc::detail::configFromString(wanted, configuration);
  const auto result = rc::detail::checkTestable(fails_exactly_when_a_hazard_stops_it, rc::detail::TestMetadata{},
                                                configuration.testParams);
  std::ostringstream text;
  rc::detail::printResultMessage(result, text);
  EXPECT_TRUE(result.is<rc::detail::SuccessResult>()) << text.str();
}

}  // namespace
}  // namespace belay::engine

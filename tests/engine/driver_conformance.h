#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <string>

#include "engine/connection.h"
#include "tests/engine/fixture.h"

namespace belay::engine {

/// What the conformance suite has to know of a driver.
struct DriverUnderTest {
  std::string name;
  /// Opens the one database in that folder; each call is a connection of its own. Made when it is not there.
  std::function<std::unique_ptr<Connection>(const Folder&, const ConnectionOptions&)> open;
  /// A statement that would run for minutes.
  std::string endless;
};

inline std::ostream& operator<<(std::ostream& out, const DriverUnderTest& driver) {
  return out << driver.name;
}

/// engine/connection.h holds for a driver. A new one is plugged in, in its own test, by
/// `INSTANTIATE_TEST_SUITE_P(Name, DriverConformance, testing::Values(DriverUnderTest{…}))` and the same line for
/// DriverConstraints.
class DriverConformance : public testing::TestWithParam<DriverUnderTest> {
 protected:
  [[nodiscard]] std::unique_ptr<Connection> open(std::chrono::milliseconds lock_timeout = {}) const {
    return GetParam().open(folder, {.lock_timeout = lock_timeout});
  }

  Connection& db() {
    if (!connection_) connection_ = open();
    return *connection_;
  }
  void run(const std::string& sql) { db().run({sql, "1.sql", 1}, {}); }
  void run_all(std::initializer_list<const char*> statements) {
    for (const char* sql : statements) run(sql);
  }
  std::vector<Row> ask(const std::string& sql) { return db().ask({sql, "1.sql", 1}); }
  Value value_of(const std::string& sql) { return ask(sql).at(0).at(0); }
  std::int64_t count(const std::string& table) {
    return std::get<std::int64_t>(value_of("SELECT count(*) FROM " + table));
  }
  void commit_all(std::initializer_list<const char*> statements) {
    db().begin();
    run_all(statements);
    db().commit();
  }
  /// The code with which `sql` is refused.
  ErrorCode refusal_of(const std::string& sql) {
    return code_of([&] { run(sql); });
  }

  Folder folder;

 private:
  std::unique_ptr<Connection> connection_;
};

/// Two tables of which one refers to the other, and whether what is run leaves a new violation.
class DriverConstraints : public DriverConformance {
 protected:
  void given(std::initializer_list<const char*> statements) {
    commit_all({"CREATE TABLE p (id INTEGER PRIMARY KEY, v TEXT)",
                "CREATE TABLE c (id INTEGER PRIMARY KEY, p INTEGER REFERENCES p (id))",
                "INSERT INTO p VALUES (1, 'a'), (2, 'b')", "INSERT INTO c VALUES (10, 1), (20, 2)"});
    commit_all(statements);
  }
  /// Whether the statements, in one scope on a connection that has seen nothing yet, leave a new violation.
  std::string verdict_of(const std::vector<std::string>& statements) {
    const auto fresh = open();
    fresh->begin();
    fresh->savepoint();
    for (const auto& sql : statements) fresh->run({sql, "1.sql", 1}, {});
    try {
      fresh->check_constraints();
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::constraint_violated);
      return error.what();
    }
    return "";
  }
  bool violates(const std::vector<std::string>& statements) { return !verdict_of(statements).empty(); }
};

}  // namespace belay::engine

// Any plan, killed at any write, and perhaps again in restart: the database is what the same statements make of a plain
// SQLite database.

#include <gtest/gtest.h>

#include <rapidcheck/gtest.h>

#include <set>

#include "tests/recovery/fixture.h"

namespace belay::recovery {
namespace {

/// A revision as its script has it, and what it does when nothing stops it.
struct Small {
  std::string script;
  std::vector<std::string> effect;
  bool fails = false;
};

Small small(int kind, int number) {
  const auto n = std::to_string(number);
  const std::string insert = "INSERT INTO t (k, n) VALUES (" + n + ", 0)";
  const std::string update = "UPDATE t SET n = n * 3 + " + n;
  switch (kind) {
    case 0:
      return {insert + ";", {insert}};
    case 1:
      return {"CREATE TABLE c" + n + " (id INTEGER);\n" + insert + ";",
              {"CREATE TABLE c" + n + " (id INTEGER)", insert}};
    case 2:
      return {"ALTER TABLE t ADD COLUMN a" + n + " DEFAULT " + n + ";\n" + update + ";",
              {"ALTER TABLE t ADD COLUMN a" + n + " DEFAULT " + n, update}};
    case 3:
      return {"-- migrate:step s transaction:off\n" + insert + ";", {insert}};
    case 4:
      return {insert + ";\n-- migrate:step v transaction:off\nVACUUM;\n-- migrate:step u\n" + update + ";",
              {insert, update}};
    case 5:
      return {"-- migrate:step b batch:2 over:t.k\n" + update + " WHERE k BETWEEN :lo AND :hi;", {update}};
    case 6:
      return {insert + ";\nINSERT INTO nowhere VALUES (1);", {}, true};
    default:
      return {insert + ";\nINSERT OR ROLLBACK INTO t (k) VALUES (" + n + ");", {}, true};
  }
}

class PlanTest : public ProjectTest {
 protected:
  PlanTest() { settings.journal = "log"; }

  /// Ends as `upgrade` does, or killed before that write.
  int upgrade_in_child(int call) {
    return run_child([&] {
      die_before_write(call);
      try {
        upgrade();
      } catch (const engine::Error& error) {
        if (error.code() != engine::ErrorCode::statement_failed || error.is_unfinished()) throw;
      }
    });
  }
  [[nodiscard]] static std::string contents(const std::filesystem::path& file) {
    return engine::read(file, "SELECT name, sql FROM sqlite_schema WHERE name NOT LIKE '%belay_%' ORDER BY name") +
           "\n" + engine::read(file, "SELECT * FROM t ORDER BY k");
  }
  [[nodiscard]] std::string revisions_in_journal() const {
    const auto log = journal::Journal::open(folder / "log/journal.lmdb", journal::Journal::Access::read);
    log.verify();
    EXPECT_FALSE(log.open_run());
    std::multiset<std::string> stamped;
    std::vector<journal::PlannedRevision> plan;
    std::vector<std::string> pending;
    struct Take {
      std::multiset<std::string>& stamped;
      std::vector<journal::PlannedRevision>& plan;
      std::vector<std::string>& pending;
      void operator()(const journal::RunBegin&) const { plan.clear(); }
      void operator()(const journal::PlannedRevision& revision) const { plan.push_back(revision); }
      void operator()(const journal::TransactionBegin&) const { pending.clear(); }
      void operator()(const journal::StepBegin&) const {}
      void operator()(const journal::StampBegin& stamp) const { pending.push_back(plan.at(stamp.ordinal).revision); }
      void operator()(const journal::RevisionRollback&) const {}
      void operator()(const journal::TransactionCommit&) const { stamped.insert(pending.begin(), pending.end()); }
      void operator()(const journal::TransactionRollback&) const {}
      void operator()(const journal::RunEnd&) const {}
      void operator()(const journal::Footprint&) const {}
      void operator()(const journal::UndoBegin&) const {}
      void operator()(const journal::UndoEnd&) const {}
    };
    log.scan({}, [&](const auto& entry) {
      std::visit(Take{stamped, plan, pending}, entry.record);
      return true;
    });
    std::string text;
    for (const auto& id : stamped) text += (text.empty() ? "" : " ") + id;
    return text;
  }
};

RC_GTEST_FIXTURE_PROP(PlanTest, EndsLikeAPlainDatabase, ()) {
  const auto kinds = *rc::gen::container<std::vector<int>>(
      rc::gen::weightedElement<int>({{4, 0}, {2, 1}, {2, 2}, {2, 3}, {1, 4}, {2, 5}, {1, 6}, {1, 7}}));
  const auto kills = *rc::gen::container<std::vector<int>>(2, rc::gen::inRange(1, 150));
  settings.hooks_between = *rc::gen::arbitrary<bool>();
  const bool wal = *rc::gen::arbitrary<bool>();

  Folder plain;
  engine::run(plain / "app.db", "CREATE TABLE t (k INTEGER UNIQUE, n INTEGER)");
  run("CREATE TABLE t (k INTEGER UNIQUE, n INTEGER)");
  if (wal) run("PRAGMA journal_mode = WAL");
  std::string expected;
  bool failed = false;
  for (std::size_t i = 0; i < kinds.size(); ++i) {
    const int number = static_cast<int>(i) + 1;
    const auto revision = small(kinds[i], number);
    script(fmt_id(number), revision.script);
    failed = failed || revision.fails;
    if (failed) continue;
    for (const auto& sql : revision.effect) engine::run(plain / "app.db", sql);
    expected += (expected.empty() ? "" : " ") + fmt_id(number);
  }

  for (const int kill : kills) {
    const int status = upgrade_in_child(kill);
    RC_ASSERT(was_killed(status) || status == 0);
  }
  RC_ASSERT(upgrade_in_child(0) == 0);

  RC_ASSERT(contents(folder / "app.db") == contents(plain / "app.db"));
  if (!kinds.empty() && std::filesystem::exists(folder / "log/journal.lmdb")) {
    const bool any = !expected.empty();
    RC_ASSERT((any ? applied() : std::string()) == expected);
    RC_ASSERT(revisions_in_journal() == expected);
  }
  RC_ASSERT(read("PRAGMA integrity_check") == "ok");
}

}  // namespace
}  // namespace belay::recovery

#pragma once

#include "recovery/backup.h"
#include "tests/recovery/sweep.h"

namespace belay::recovery {

/// Databases of which something is believed that is not so, and what fix-state makes of them.
class FixStateFixture : public Sweep<ProjectTest> {
 protected:
  Report fix(const std::string& to = "") { return migrator(listener).fix_state({.to = to}); }
  Proposal plan(const std::string& to = "") { return migrator(listener).plan_fix_state({.to = to}); }
  Error refused(const std::string& to = "") {
    const auto before = folder.names();
    const auto bytes = std::filesystem::exists(folder / "app.db") ? contents() : "";
    auto error = error_of<Error>([&] { fix(to); });
    EXPECT_EQ(folder.names(), before);
    EXPECT_TRUE((std::filesystem::exists(folder / "app.db") ? contents() : "") == bytes);
    return error;
  }

  /// Four revisions that make something each.
  void tables() {
    script("001", "CREATE TABLE t (id INTEGER PRIMARY KEY);\nINSERT INTO t VALUES (1), (2);");
    script("002", "CREATE TABLE u (t REFERENCES t);\nINSERT INTO u VALUES (2);");
    script("003", "ALTER TABLE u ADD COLUMN note TEXT;");
    script("004", "CREATE INDEX u_t ON u (t);");
  }
  /// 002 and 003 change rows alone.
  void rows() {
    script("001", "CREATE TABLE t (id INTEGER PRIMARY KEY);");
    script("002", "INSERT INTO t VALUES (2);");
    script("003", "INSERT INTO t VALUES (3);");
  }

  void lose_journal() const { std::filesystem::remove_all(folder / "app.db-belay"); }
  void lose_tables() const { run("DROP TABLE belay_version; DROP TABLE belay_state"); }
  void lose_everything() const {
    lose_tables();
    lose_journal();
  }
  [[nodiscard]] std::filesystem::path log() const { return folder / "app.db-belay/journal.lmdb"; }
  /// Turns letters in the middle of it round.
  void damage_journal() const {
    std::string bytes = read_file(log());
    const auto at = bytes.find("CREATE TABLE t");
    ASSERT_NE(at, std::string::npos);
    for (auto found = at; found != std::string::npos; found = bytes.find("CREATE TABLE t", found + 1))
      bytes.replace(found, 6, "create");
    write_file(log(), bytes);
  }
  [[nodiscard]] int journals_aside() const {
    int count = 0;
    for (const auto& name : folder.names()) count += name.find("set-aside") != std::string::npos ? 1 : 0;
    return count;
  }
  [[nodiscard]] std::vector<FoundBackup> backups() const { return list_backups(Places(settings).backups); }

  static std::string words(const Proposal& proposal) {
    std::string text;
    for (const auto& planned : proposal.plan)
      text += (text.empty() ? "" : " ") + std::string(journal::name_of(planned.action)) + ":" + planned.revision;
    return text;
  }
  static std::string evidence_of(const Proposal& proposal) {
    std::string text;
    for (const auto& clue : proposal.evidence) text += std::string(name_of(clue.kind)) + ": " + clue.message + "\n";
    return text;
  }

  /// Everything agrees that this is applied: version table, journal, scripts and schema; nothing is left to fix, and
  /// what is pending can be run.
  void expect_fixed(const std::string& revisions) {
    EXPECT_EQ(applied(), revisions);
    EXPECT_TRUE(look().consistent());
    EXPECT_FALSE(look().interrupted);
    EXPECT_EQ(evidence().verdict(), Verdict::nothing);
    for (const auto& problem : migrator(listener).check({}).problems())
      EXPECT_EQ(problem.kind, "pending") << problem.message;
    EXPECT_TRUE(plan().nothing_to_do()) << plan().description;
    upgrade();
    expect_settled();
  }
};

}  // namespace belay::recovery

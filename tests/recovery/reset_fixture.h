#pragma once

#include <set>
#include <string>
#include <vector>

#include "recovery/backup.h"
#include "recovery/reset.h"
#include "tests/recovery/sweep.h"

namespace belay::recovery {

/// Databases that are taken down and brought up again.
class ResetTest : public Sweep<ProjectTest> {
 protected:
  Report reset(const ResetRequest& request = {}) { return migrator(listener).reset(request); }
  ResetPlan plan() { return migrator(listener).plan_reset(look()); }
  [[nodiscard]] Backup newest() const { return find_backup(Places(settings).backups); }
  /// What the newest backup holds.
  std::string kept(const std::string& sql) {
    const auto copy = folder / "unpacked.db";
    std::filesystem::remove(copy);
    unpack(newest(), copy, listener);
    return engine::read(copy, sql);
  }
  [[nodiscard]] bool has_backup() const { return !list_backups(Places(settings).backups).empty(); }
  std::string schema() const {
    return read(
        "SELECT name FROM sqlite_schema WHERE name NOT LIKE 'belay%' AND name NOT LIKE 'sqlite%' ORDER BY name");
  }
  std::string directions(const Report& report) {
    std::string text;
    for (const auto& done : report.revisions)
      text += (text.empty() ? "" : " ") + std::string(journal::name_of(done.action)) + ":" + done.revision.text;
    return text;
  }

  /// 003 goes down by its section, 002 has none, and somebody has made things by hand.
  void mixed() {
    script("001", "CREATE TABLE t (id INTEGER PRIMARY KEY);\n-- migrate:down\nDROP TABLE t;");
    script("002", "CREATE TABLE u (t REFERENCES t);\nCREATE VIEW v AS SELECT * FROM u;");
    script("003", "CREATE TABLE w (id INTEGER);\n-- migrate:down\nDROP TABLE w;");
    upgrade();
    run("INSERT INTO t VALUES (7); INSERT INTO u VALUES (7); CREATE TABLE by_hand (x); INSERT INTO by_hand VALUES (1)");
  }
};

}  // namespace belay::recovery

#pragma once

#include <algorithm>
#include <string>
#include <vector>

#include "recovery/backup.h"
#include "tests/recovery/sweep.h"

namespace belay::recovery {

/// A database and its folder of backups; belay has written to it only where a test says so.
class BackupTest : public Sweep<ProjectTest> {
 protected:
  const std::string content = "SELECT count(*), sum(length(x)) FROM t";

  void make(int rows = 300) const {
    run("CREATE TABLE t (id INTEGER PRIMARY KEY, x); INSERT INTO t (x) WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL "
        "SELECT i + 1 FROM n WHERE i < " +
        std::to_string(rows) + ") SELECT hex(randomblob(100)) FROM n");
  }
  [[nodiscard]] std::filesystem::path backups() const { return folder / "backups"; }
  [[nodiscard]] BackupRequest request(const std::string& reason = "manual") const {
    return {.database = folder / "app.db", .reason = reason};
  }
  Backup take(const BackupRequest& what, const std::stop_token& stop = {}) {
    const auto connection = engine::connect({"sqlite", folder / "app.db"}, {.lock_timeout = {}, .read_only = true});
    return take_backup(*connection, backups(), what, listener, stop);
  }
  Backup take(const std::string& reason = "manual") { return take(request(reason)); }
  /// What this answers in the database that comes out.
  std::string ask(const Backup& backup, const std::string& sql) {
    const auto file = folder / "out.db";
    std::filesystem::remove(file);
    unpack(backup, file, listener);
    return engine::read(file, sql);
  }
  [[nodiscard]] std::vector<std::string> ids() const {
    std::vector<std::string> result;
    for (const auto& found : list_backups(backups())) result.push_back(found.id);
    return result;
  }
  [[nodiscard]] std::vector<std::string> names() const {
    std::vector<std::string> result;
    for (const auto& entry : std::filesystem::directory_iterator(backups()))
      result.push_back(entry.path().filename().string());
    std::sort(result.begin(), result.end());
    return result;
  }
};

}  // namespace belay::recovery

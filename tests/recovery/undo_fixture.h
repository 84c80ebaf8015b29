#pragma once

#include "recovery/backup.h"
#include "tests/recovery/fixture.h"

namespace belay::recovery {

/// What a user takes back, and what others do to the database meanwhile.
class UndoTest : public ProjectTest {
 protected:
  /// Of a section: three rows, in two transactions and the beginning of a third.
  const std::string half =
      "INSERT INTO t VALUES (20);\n-- migrate:step a transaction:off\nINSERT INTO t VALUES (21);\n-- migrate:step b\n"
      "INSERT INTO t VALUES (22);\n";
  const std::string failure = "INSERT INTO nowhere VALUES (1);\n";

  Report undo_run(const UndoRequest& request = {}) { return migrator(listener).undo_run(request); }
  Report recover(Policy policy, bool discard = false) { return migrator(listener).recover(policy, discard); }
  UndoPlan plan_undo(std::optional<journal::RunId> back_to = {}) {
    return migrator(listener).plan_undo(migrator(listener).look(), back_to);
  }

  engine::Error failed_upgrade() {
    return error_of<engine::Error>([&] { upgrade(); });
  }
  ErrorCode refused_undo(const UndoRequest& request = {}) {
    return code_of<Error>([&] { undo_run(request); });
  }
  /// `-003 +002`: what the database lost and got back.
  template <typename Revisions>
  static std::string text(const Revisions& revisions) {
    std::string result;
    for (const auto& one : revisions)
      result += (result.empty() ? "" : " ") + std::string(one.action == journal::Action::down ? "-" : "+") +
                one.revision.text;
    return result;
  }
  /// The records of the newest run.
  [[nodiscard]] std::string last_run() const {
    const auto log = journal();
    return engine::protocol(log, log.runs().back().first);
  }
  /// What was kept before later writes were discarded, unpacked.
  [[nodiscard]] std::vector<std::filesystem::path> copies() const {
    std::vector<std::filesystem::path> files;
    engine::Observer unheard;
    for (const auto& found : list_backups(folder / "app.db-belay/backups")) {
      EXPECT_TRUE(found.problem.empty()) << found.problem;
      if (found.backup.manifest.reason != "before undo") continue;
      files.push_back(folder / ("copy-" + found.id + ".db"));
      if (!std::filesystem::exists(files.back())) unpack(found.backup, files.back(), unheard);
    }
    return files;
  }
};

}  // namespace belay::recovery

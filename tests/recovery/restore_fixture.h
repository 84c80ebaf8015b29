#pragma once

#include "recovery/restore.h"
#include "tests/recovery/undo_fixture.h"

namespace belay::recovery {

/// Two revisions of four, of which there is a backup.
class RestoreTest : public UndoTest {
 protected:
  RestoreTest() {
    scripts(4);
    upgrade("002");
    backup_ = take();
  }

  std::string take() {
    const auto connection = engine::connect(Places(settings).url, {.lock_timeout = {}, .read_only = true});
    return take_backup(*connection, Places(settings).backups, {.database = folder / "app.db"}, listener).manifest.id;
  }
  Report restore(const std::string& id = {}) {
    return migrator(listener).restore(find_for_restore(Places(settings), id));
  }
  [[nodiscard]] std::vector<FoundBackup> backups() const { return list_backups(Places(settings).backups); }
  [[nodiscard]] std::string rows() const { return read("SELECT group_concat(id, ' ') FROM t"); }

  void expect_restored() {
    EXPECT_EQ(applied(), "001 002");
    EXPECT_EQ(rows(), "2");
    EXPECT_FALSE(journal().open_run());
    EXPECT_EQ(evidence().verdict(), Verdict::nothing);
    EXPECT_FALSE(std::filesystem::exists(folder / "app.db-restore.new"));
    upgrade();
    EXPECT_EQ(rows(), "2 3 4");
    expect_settled();
  }
  /// Restores in a process that dies when its observer hears this word, or with the `time`-th file that is synced.
  void restore_until(const std::string& word) {
    const int status = run_child([&] {
      Listener deadly;
      deadly.at[word] = die;
      migrator(deadly).restore(find_for_restore(Places(settings), backup_));
    });
    ASSERT_TRUE(was_killed(status)) << "nothing said: " << word;
  }
  void damage(const std::filesystem::path& file, std::size_t from, std::size_t size) {
    std::string bytes = read_file(file);
    for (std::size_t i = from; i < std::min(bytes.size(), from + size); ++i) bytes[i] = '\x5a';
    write_file(file, bytes);
  }

  std::string backup_;
};

}  // namespace belay::recovery

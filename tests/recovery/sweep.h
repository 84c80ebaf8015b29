#pragma once

#include "tests/recovery/fixture.h"

namespace belay::recovery {

/// Lets something happen again and again from the same state, each time disturbed at another write.
template <typename Project>
class Sweep : public Project {
 protected:
  using Action = std::function<void()>;

  /// In a process of its own, which dies before that write. @returns whether it did.
  bool dies_before_write(int call, const Action& action) {
    const int status = run_child([&] {
      die_before_write(call);
      action();
    });
    if (was_killed(status)) return true;
    EXPECT_EQ(status, 0);
    return false;
  }
  void remember() { copy(this->folder.path().string(), aside()); }
  void put_back() const { copy(aside(), this->folder.path().string()); }
  void TearDown() override { std::filesystem::remove_all(aside()); }

 private:
  /// With the times of the files: a database in WAL mode is known by them.
  static void copy(const std::string& from, const std::string& to) {
    std::filesystem::remove_all(to);
    ASSERT_EQ(std::system(("cp -a '" + from + "' '" + to + "'").c_str()), 0);
  }
  [[nodiscard]] std::string aside() const { return this->folder.path().string() + ".before"; }
};

}  // namespace belay::recovery

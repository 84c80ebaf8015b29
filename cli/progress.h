#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <string>

#include "cli/event_loop.h"
#include "cli/hooks.h"
#include "cli/options.h"
#include "cli/terminal.h"
#include "engine/observer.h"

namespace belay::cli {

/// Shows a run while it goes on: a line for each revision that is applied, and for long work a bar on a terminal, a
/// line now and then elsewhere, an event of JSON with --json. Also runs the command hooks and sets the statement
/// deadline.
class Progress final : public engine::Observer {
 public:
  /// All must outlive this.
  Progress(Terminal& terminal, EventLoop& events, const Options& options, CommandHooks& hooks);
  ~Progress() override;

  void message(std::string_view line) override;
  void run_began(std::size_t count) override;
  void revision_began(const journal::PlannedRevision& revision) override;
  void statement_began(engine::Connection& connection, const engine::ScriptStatement& statement) override;
  void statement_ended() override;
  void batch_advanced(std::int64_t done, std::int64_t total) override;
  void backed_up(std::string_view id, std::string_view why) override;
  void copy_advanced(std::string_view what, std::int64_t done, std::int64_t total) override;
  void revision_committed(const journal::PlannedRevision& revision, std::chrono::milliseconds took) override;

 private:
  using Clock = std::chrono::steady_clock;

  /// What the ticker shows.
  struct Now {
    std::size_t begun = 0;
    std::size_t total = 0;
    std::string revision;
    std::int64_t rows_done = 0;
    std::int64_t rows_at_start = 0;
    std::int64_t rows_total = 0;
    Clock::time_point run_start;
    Clock::time_point revision_start;
    Clock::time_point batch_start;
    std::string copying;  ///< What is done to a copy; empty while there is none.
    std::int64_t copy_done = 0;
    std::int64_t copy_total = 0;
    Clock::time_point copy_start;
    Clock::time_point last_line;
  };

  void start_ticking();
  void tick();
  void show_copy(const Now& now);
  [[nodiscard]] static std::string bar_line(const Now& now);
  [[nodiscard]] static std::string plain_line(const Now& now);
  [[nodiscard]] static std::string event(const Now& now);
  [[nodiscard]] static std::string copy_line(const Now& now);

  Terminal& terminal_;
  EventLoop& events_;
  const Options& options_;
  CommandHooks& hooks_;
  std::mutex mutex_;
  Now now_;
  bool ticking_ = false;
};

}  // namespace belay::cli

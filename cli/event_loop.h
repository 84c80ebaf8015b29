#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <stop_token>

namespace belay::cli {

/// What happens beside the thread that does the work: signals, deadlines, the ticker. One thread of Boost.Asio.
class EventLoop {
 public:
  /// From here on the first SIGINT, SIGTERM or SIGHUP requests `stop_token`; a second one ends the process at once,
  /// which is safe: the next run finds what it left.
  EventLoop();
  ~EventLoop();
  EventLoop(const EventLoop&) = delete;
  EventLoop& operator=(const EventLoop&) = delete;

  [[nodiscard]] std::stop_token stop_token() const;
  /// The signal that came, or 0.
  [[nodiscard]] int signal() const;

  /// Calls `expired` on the loop's thread once `after` has passed, unless `disarm` comes first. One at a time.
  void arm(std::chrono::milliseconds after, std::function<void()> expired);
  /// On return `expired` has been called or never will be.
  void disarm();

  /// Calls `tick` on the loop's thread, again and again.
  void every(std::chrono::milliseconds period, std::function<void()> tick);
  /// On return no `tick` is running or will be.
  void stop_ticking();

 private:
  class Loop;
  std::unique_ptr<Loop> loop_;
};

}  // namespace belay::cli

#include "cli/event_loop.h"

#include <atomic>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/system/system_error.hpp>
#include <csignal>
#include <mutex>
#include <string>
#include <system_error>
#include <thread>
#include <utility>

#include "cli/failure.h"

namespace belay::cli {

namespace asio = boost::asio;

/// A timer whose callback can be taken away from another thread.
class CancellableTimer {
 public:
  explicit CancellableTimer(asio::io_context& context) : timer_(context) {}

  void start(std::chrono::milliseconds after, std::function<void()> call, bool again) {
    {
      const std::lock_guard lock(mutex_);
      call_ = std::move(call);
      ++generation_;
    }
    asio::post(timer_.get_executor(),
               [this, after, again, generation = generation_.load()] { wait(after, again, generation); });
  }

  void cancel() {
    const std::lock_guard lock(mutex_);
    call_ = nullptr;
    ++generation_;
  }

 private:
  void wait(std::chrono::milliseconds after, bool again, unsigned generation) {
    timer_.expires_after(after);
    timer_.async_wait([this, after, again, generation](const boost::system::error_code& error) {
      if (error || generation != generation_) return;
      {
        const std::lock_guard lock(mutex_);
        if (generation != generation_) return;
        call_();
      }
      if (again) wait(after, again, generation);
    });
  }

  asio::steady_timer timer_;
  std::mutex mutex_;  // Held during the call, so that `cancel` waits for it.
  std::function<void()> call_;
  std::atomic<unsigned> generation_ = 0;
};

class EventLoop::Loop {
 public:
  Loop()
      : work_(context_.get_executor()),
        signals_(context_, SIGINT, SIGTERM, SIGHUP),
        deadline(context_),
        ticker(context_) {
    signals_.async_wait([this](const boost::system::error_code& error, int number) {
      if (error) return;
      signal = number;
      signals_.clear();  // The default action is back: a second signal ends the process.
      stop.request_stop();
    });
    thread_ = std::thread([this] { context_.run(); });
  }

  ~Loop() {
    context_.stop();
    thread_.join();
  }

  Loop(const Loop&) = delete;
  Loop& operator=(const Loop&) = delete;

 private:
  asio::io_context context_;
  asio::executor_work_guard<asio::io_context::executor_type> work_;
  asio::signal_set signals_;
  std::thread thread_;

 public:
  CancellableTimer deadline;
  CancellableTimer ticker;
  std::stop_source stop;
  std::atomic<int> signal = 0;
};

namespace {

/// It takes a thread and some descriptors, of which the system may have none left for this process.
[[noreturn]] void refused(const std::exception& error) {
  throw Error(exit_unavailable, "limits", std::string("the system refuses a thread or a descriptor: ") + error.what(),
              "raise the limits of this process (ulimit -a), then run the command again");
}

}  // namespace

EventLoop::EventLoop() {
  try {
    loop_ = std::make_unique<Loop>();
  } catch (const boost::system::system_error& error) {
    refused(error);
  } catch (const std::system_error& error) {
    refused(error);
  }
}
EventLoop::~EventLoop() = default;

std::stop_token EventLoop::stop_token() const {
  return loop_->stop.get_token();
}
int EventLoop::signal() const {
  return loop_->signal;
}

void EventLoop::arm(std::chrono::milliseconds after, std::function<void()> expired) {
  loop_->deadline.start(after, std::move(expired), /*again=*/false);
}
void EventLoop::disarm() {
  loop_->deadline.cancel();
}

void EventLoop::every(std::chrono::milliseconds period, std::function<void()> tick) {
  loop_->ticker.start(period, std::move(tick), /*again=*/true);
}
void EventLoop::stop_ticking() {
  loop_->ticker.cancel();
}

}  // namespace belay::cli

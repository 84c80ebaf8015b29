#include "cli/progress.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

namespace belay::cli {
namespace {

using std::chrono::duration;
using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr milliseconds redraw_period{100};
/// Where no line can be redrawn: one line in so much time.
constexpr seconds line_period{5};

double seconds_between(std::chrono::steady_clock::time_point from, std::chrono::steady_clock::time_point to) {
  return duration<double>(to - from).count();
}

std::string bar(double part) {
  constexpr int width = 24;
  const int full = std::clamp(static_cast<int>(part * width), 0, width);
  return "[" + std::string(static_cast<std::size_t>(full), '#') +
         std::string(static_cast<std::size_t>(width - full), '.') + "]";
}

std::string rows_text(std::int64_t done, std::int64_t total) {
  return fmt::format("{}/{} rows", done, std::max(done, total));
}

}  // namespace

Progress::Progress(Terminal& terminal, EventLoop& events, const Options& options, CommandHooks& hooks)
    : terminal_(terminal), events_(events), options_(options), hooks_(hooks) {}

Progress::~Progress() {
  events_.stop_ticking();
  terminal_.redraw("");
}

void Progress::message(std::string_view line) {
  terminal_.warn(line);
}

void Progress::run_began(std::size_t count) {
  {
    const std::lock_guard lock(mutex_);
    now_ = {};
    now_.total = count;
    now_.run_start = now_.last_line = Clock::now();
  }
  start_ticking();
}

void Progress::start_ticking() {
  if (options_.no_progress || std::exchange(ticking_, true)) return;
  events_.every(redraw_period, [this] { tick(); });
}

void Progress::revision_began(const journal::PlannedRevision& revision) {
  {
    const std::lock_guard lock(mutex_);
    ++now_.begun;
    now_.revision = revision.revision;
    now_.rows_total = 0;
    now_.revision_start = Clock::now();
  }
  hooks_.before_each(revision);
}

void Progress::statement_began(engine::Connection& connection, const engine::ScriptStatement& /*statement*/) {
  if (options_.statement_timeout.count() > 0)
    events_.arm(options_.statement_timeout, [&connection] { connection.interrupt(); });
}

void Progress::statement_ended() {
  if (options_.statement_timeout.count() > 0) events_.disarm();
}

void Progress::batch_advanced(std::int64_t done, std::int64_t total) {
  const std::lock_guard lock(mutex_);
  if (now_.rows_total == 0) {
    now_.rows_at_start = done;
    now_.batch_start = Clock::now();
  }
  now_.rows_done = done;
  now_.rows_total = total;
}

void Progress::backed_up(std::string_view id, std::string_view why) {
  {
    const std::lock_guard lock(mutex_);
    now_.copying.clear();
  }
  terminal_.say(fmt::format("  backup {}  {}", id, terminal_.paint(Color::dim, why)));
}

void Progress::copy_advanced(std::string_view what, std::int64_t done, std::int64_t total) {
  {
    const std::lock_guard lock(mutex_);
    if (now_.copying.empty()) now_.last_line = Clock::now();
    if (now_.copying != what) now_.copy_start = Clock::now();
    now_.copying = what;
    now_.copy_done = done;
    now_.copy_total = total;
  }
  start_ticking();
}

void Progress::revision_committed(const journal::PlannedRevision& revision, milliseconds took) {
  if (journal::takes_over(revision.action)) return;
  const bool down = revision.action == journal::Action::down || revision.action == journal::Action::unstamp;
  terminal_.say(fmt::format("  {} {}  {}  {}", terminal_.paint(down ? Color::yellow : Color::green, down ? "-" : "+"),
                            revision.revision, revision.message,
                            terminal_.paint(Color::dim, fmt::format("{} ms", took.count()))));
  hooks_.after_each(revision);
}

void Progress::tick() {
  Now now;
  {
    const std::lock_guard lock(mutex_);
    const bool due = Clock::now() - now_.last_line >= line_period;
    if (!terminal_.live() && !due) return;
    if (due) now_.last_line = Clock::now();
    now = now_;
    if (!terminal_.live() && !due) return;
  }
  if (!now.copying.empty()) return show_copy(now);
  if (now.begun == 0) return;
  if (terminal_.json()) {
    if (now.last_line > now.run_start) terminal_.data(event(now));
  } else if (terminal_.live()) {
    terminal_.redraw(bar_line(now));
  } else {
    terminal_.note(plain_line(now));
  }
}

void Progress::show_copy(const Now& now) {
  if (terminal_.json()) {
    if (now.last_line > now.copy_start)
      terminal_.data(nlohmann::ordered_json{
          {"event", "progress"}, {"doing", now.copying}, {"done", now.copy_done}, {"total", now.copy_total}}
                         .dump());
  } else if (terminal_.live()) {
    terminal_.redraw(copy_line(now));
  } else {
    terminal_.note("  … " + copy_line(now));
  }
}

std::string Progress::copy_line(const Now& now) {
  const double part = now.copy_total > 0 ? static_cast<double>(now.copy_done) / static_cast<double>(now.copy_total) : 0;
  const double passed = seconds_between(now.copy_start, Clock::now());
  std::string line = fmt::format("{} {} the database, {:.0f} %", bar(part), now.copying, 100 * part);
  if (part > 0 && passed >= 1) line += fmt::format(", {:.0f} s left", passed * (1 - part) / part);
  return line;
}

std::string Progress::bar_line(const Now& now) {
  const auto at = Clock::now();
  std::string line =
      fmt::format("{} {}/{}  {}  {:.1f} s", bar(static_cast<double>(now.begun - 1) / static_cast<double>(now.total)),
                  now.begun, now.total, now.revision, seconds_between(now.revision_start, at));
  if (now.rows_total > 0) {
    const double rate =
        static_cast<double>(now.rows_done - now.rows_at_start) / std::max(0.001, seconds_between(now.batch_start, at));
    line =
        fmt::format("{} {}/{}  {}  {}", bar(static_cast<double>(now.rows_done) / static_cast<double>(now.rows_total)),
                    now.begun, now.total, now.revision, rows_text(now.rows_done, now.rows_total));
    if (rate >= 1)
      line += fmt::format(", {:.0f} rows/s, {:.0f} s left", rate,
                          std::max(0.0, static_cast<double>(now.rows_total - now.rows_done) / rate));
  }
  return line;
}

std::string Progress::plain_line(const Now& now) {
  std::string line = fmt::format("  … {}/{}  {}  running for {:.0f} s", now.begun, now.total, now.revision,
                                 seconds_between(now.revision_start, Clock::now()));
  if (now.rows_total > 0) line += ", " + rows_text(now.rows_done, now.rows_total);
  return line;
}

std::string Progress::event(const Now& now) {
  nlohmann::ordered_json json{
      {"event", "progress"}, {"done", now.begun - 1}, {"total", now.total}, {"revision", now.revision}};
  if (now.rows_total > 0) {
    json["rows_done"] = now.rows_done;
    json["rows_total"] = now.rows_total;
  }
  return json.dump();
}

}  // namespace belay::cli

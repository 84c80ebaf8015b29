#include "cli/terminal.h"

#include <fmt/format.h>
#include <poll.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdlib>
#include <fstream>
#include <iostream>

#include "engine/clock.h"

namespace belay::cli {
namespace {

std::string_view code_of(Color color) {
  switch (color) {
    case Color::bold:
      return "\x1b[1m";
    case Color::dim:
      return "\x1b[2m";
    case Color::red:
      return "\x1b[31m";
    case Color::green:
      return "\x1b[32m";
    case Color::yellow:
      return "\x1b[33m";
    case Color::none:
      break;
  }
  return "";
}

std::string painted(bool really, Color color, std::string_view text) {
  if (!really || color == Color::none) return std::string(text);
  return fmt::format("{}{}\x1b[0m", code_of(color), text);
}

std::string_view variable(const char* name) {
  const char* value = std::getenv(name);
  return value ? value : "";
}

std::string place_of(const Failure& failure) {
  std::string place = failure.file;
  for (const int number : {failure.line, failure.column})
    if (number != 0) place += fmt::format(":{}", number);
  return place;
}

/// Long statements say little more than their beginning.
std::string shortened(const std::string& statement) {
  constexpr std::size_t length_max = 300;
  std::string text = statement.substr(0, length_max);
  for (char& c : text)
    if (c == '\n' || c == '\r' || c == '\t') c = ' ';
  return statement.size() > length_max ? text + " …" : text;
}

}  // namespace

Terminal::Setup terminal_setup(const Options& options) {
  const bool dumb = variable("TERM") == "dumb";
  const bool plain = dumb || !variable("NO_COLOR").empty();
  const auto colored = [&](int descriptor) {
    if (options.color == "always") return true;
    return options.color == "auto" && !plain && isatty(descriptor) != 0;
  };
  return {.json = options.json,
          .quiet = options.quiet,
          .color_out = colored(STDOUT_FILENO),
          .color_err = colored(STDERR_FILENO),
          .live = !options.no_progress && !options.quiet && !dumb && isatty(STDERR_FILENO) != 0};
}

void Terminal::put(int descriptor, std::string_view line) {
  clear_live_line();
  const bool is_output = descriptor == STDOUT_FILENO;
  auto& stream = is_output ? std::cout : std::cerr;
  stream << line << (line.ends_with('\n') ? "" : "\n") << std::flush;
  if (is_output && !stream && !output_error_) output_error_ = errno == EPIPE ? 0 : errno;
}

void Terminal::data(std::string_view line) {
  const std::lock_guard lock(mutex_);
  put(STDOUT_FILENO, line);
}

void Terminal::say(std::string_view line) {
  const std::lock_guard lock(mutex_);
  log(Level::info, line);
  if (!setup_.json && !setup_.quiet) put(STDOUT_FILENO, line);
}

void Terminal::note(std::string_view line) {
  const std::lock_guard lock(mutex_);
  log(Level::info, line);
  if (!setup_.json && !setup_.quiet) put(STDERR_FILENO, line);
}

void Terminal::warn(std::string_view line) {
  const std::lock_guard lock(mutex_);
  log(Level::warning, line);
  if (!setup_.json) put(STDERR_FILENO, fmt::format("{} {}", painted(setup_.color_err, Color::yellow, "belay:"), line));
}

void Terminal::fail(const Failure& failure) {
  const std::lock_guard lock(mutex_);
  std::string text = fmt::format("{} {}", painted(setup_.color_err, Color::red, "belay:"), failure.message);
  if (!failure.file.empty()) text += "\n  where      " + place_of(failure);
  if (!failure.statement.empty()) text += "\n  statement  " + shortened(failure.statement);
  if (!failure.state.empty()) text += "\n  state      " + failure.state;
  if (!failure.next.empty()) text += "\n  next       " + failure.next;
  log(Level::error, text);
  if (!setup_.json) put(STDERR_FILENO, text);
}

void Terminal::redraw(std::string_view line) {
  if (!setup_.live) return;
  const std::lock_guard lock(mutex_);
  clear_live_line();
  if (line.empty()) return;
  std::cerr << line << std::flush;
  line_drawn_ = true;
}

void Terminal::clear_live_line() {
  if (line_drawn_) std::cerr << "\r\x1b[K" << std::flush;
  line_drawn_ = false;
}

std::string Terminal::paint(Color color, std::string_view text) const {
  return painted(setup_.color_out, color, text);
}

void Terminal::log_to(const std::filesystem::path& file, std::string_view level) {
  log_ = file;
  log_level_ = level == "error" ? Level::error : level == "warning" ? Level::warning : Level::info;
  if (!std::ofstream(log_, std::ios::app))
    throw Error(exit_config, "bad-config", "the log file cannot be written: " + log_.string(), "correct [log] file");
}

void Terminal::log(Level level, std::string_view line) {
  if (log_.empty() || level > log_level_) return;
  constexpr std::array names{"error", "warning", "info"};
  std::ofstream(log_, std::ios::app) << fmt::format("{} {:<7} {}\n", engine::utc_now(),
                                                    names.at(static_cast<std::size_t>(level)), line);
}

bool Terminal::can_ask() const {
  return !setup_.json && isatty(STDIN_FILENO) != 0;
}

std::string Terminal::ask(std::string_view question, const std::stop_token& stop) {
  if (!can_ask()) return "";
  const std::lock_guard lock(mutex_);
  clear_live_line();
  std::cerr << question << " " << std::flush;
  // A signal does not end a read: it would be the second one that ends the process, without a word.
  pollfd input{STDIN_FILENO, POLLIN, 0};
  constexpr int period_ms = 50;
  while (!stop.stop_requested() && poll(&input, 1, period_ms) <= 0) {
  }
  std::string answer;
  if (stop.stop_requested())
    std::cerr << std::endl;
  else
    std::getline(std::cin, answer);
  return answer;
}

}  // namespace belay::cli

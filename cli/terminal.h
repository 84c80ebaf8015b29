#pragma once

#include <filesystem>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>

#include "cli/failure.h"
#include "cli/options.h"

namespace belay::cli {

enum class Color { none, bold, dim, red, green, yellow };

/// The two streams of a command, and what may be written to them: data to stdout (under `--json` nothing but JSON),
/// what is said beside it to stderr. Safe to use from the ticker's thread.
class Terminal {
 public:
  /// How the streams are set up; the environment is read by the caller.
  struct Setup {
    bool json = false;
    bool quiet = false;
    bool color_out = false;
    bool color_err = false;
    bool live = false;  ///< stderr is a terminal on which a line can be redrawn.
  };
  explicit Terminal(const Setup& setup) : setup_(setup) {}

  [[nodiscard]] bool json() const { return setup_.json; }
  [[nodiscard]] bool live() const { return setup_.live; }

  /// What the command was asked for: a line on stdout.
  void data(std::string_view line);
  /// What happens, for a person: a line on stdout; nothing with --json or --quiet.
  void say(std::string_view line);
  /// The same, beside data: a line on stderr.
  void note(std::string_view line);
  /// On stderr whatever was asked for, but JSON.
  void warn(std::string_view line);
  /// An error on stderr.
  void fail(const Failure& failure);

  /// Replaces the live line on stderr; empty to take it away. Nothing where there is none.
  void redraw(std::string_view line);

  /// Text for stdout in a colour, if that may be.
  [[nodiscard]] std::string paint(Color color, std::string_view text) const;

  /// Every line that is said, noted or failed also goes to this file, with the time before it.
  /// @param level  error, warning, info, debug: what is said with less weight is left out.
  /// @throws Error exit_config when it cannot be opened.
  void log_to(const std::filesystem::path& file, std::string_view level);

  /// Why stdout took less than was written, as errno has it; 0 when it took all, or whoever reads has seen enough.
  [[nodiscard]] int output_error() const { return output_error_.value_or(0); }

  /// Whether there is somebody to ask.
  [[nodiscard]] bool can_ask() const;
  /// What is typed on the terminal as an answer; empty without one, or once `stop` is requested.
  std::string ask(std::string_view question, const std::stop_token& stop);

 private:
  void put(int descriptor, std::string_view line);
  void clear_live_line();
  enum class Level { error, warning, info };
  void log(Level level, std::string_view line);

  Setup setup_;
  std::mutex mutex_;
  bool line_drawn_ = false;
  std::optional<int> output_error_;  // From the first time on: what is lost later is lost for that reason.
  std::filesystem::path log_;
  Level log_level_ = Level::info;
};

/// Looks at the streams and at NO_COLOR and TERM.
Terminal::Setup terminal_setup(const Options& options);

}  // namespace belay::cli

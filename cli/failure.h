#pragma once

#include <exception>
#include <stdexcept>
#include <string>
#include <vector>

#include "cli/exit_status.h"
#include "versions/schema/hazard.h"

namespace belay::cli {

/// What the command line itself refuses: confirmation missing, a word that makes no sense, a file that is there.
class Error : public std::runtime_error {
 public:
  Error(ExitStatus exit, std::string kind, const std::string& message, std::string next = {})
      : std::runtime_error(message), exit_(exit), kind_(std::move(kind)), next_(std::move(next)) {}

  [[nodiscard]] ExitStatus exit() const { return exit_; }
  [[nodiscard]] const std::string& kind() const { return kind_; }
  [[nodiscard]] const std::string& next() const { return next_; }

 private:
  ExitStatus exit_;
  std::string kind_;
  std::string next_;
};

/// An error as a user sees it: what, where, the state of the database now, the next command to type.
struct Failure {
  int exit = exit_failed;
  std::string kind;
  std::string message;
  std::string file;  ///< Empty, or where.
  int line = 0;
  int column = 0;
  std::string statement;
  std::string state;
  std::string next;
  std::vector<versions::schema::Hazard> hazards{};  ///< What a generated script would have done.
};

/// Every exception of belay's rooms, and any other, as a failure.
/// @param signal  the signal that stopped the run, or 0.
Failure describe(const std::exception_ptr& error, int signal);

}  // namespace belay::cli

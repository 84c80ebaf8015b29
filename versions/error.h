#pragma once

#include <filesystem>
#include <stdexcept>
#include <string>

namespace belay::versions {

enum class ErrorCode {
  unreadable,          ///< A script or the folder cannot be read: missing, a directory, no permission.
  malformed,           ///< A script is not what docs/scripts.md describes, or is not UTF-8.
  duplicate_revision,  ///< Two scripts have one id.
  missing_parent,      ///< A script names a parent that no script has.
  cycle,               ///< A revision is its own ancestor.
  unknown_revision,    ///< A target names no revision.
  ambiguous_revision,  ///< A prefix fits several revisions.
  several_heads,       ///< "head" was asked for, and there are several.
  bad_target,          ///< A target that makes no sense here, such as `upgrade -1`.
  irreversible,        ///< A downgrade would pass a revision that cannot be taken back.
  bad_name,            ///< A name that was given (`--rename`, `--allow-drop`) is none, or that of nothing there.
};

/// What is wrong with the scripts, or with what was asked of them. `what()` is a sentence without its place.
class Error : public std::runtime_error {
 public:
  Error(ErrorCode code, const std::string& message) : std::runtime_error(message), code_(code) {}

  Error& at(std::filesystem::path file, int line = 0) {
    file_ = std::move(file);
    line_ = line;
    return *this;
  }
  Error& next(std::string next) {
    next_ = std::move(next);
    return *this;
  }

  [[nodiscard]] ErrorCode code() const { return code_; }
  /// The script, or empty.
  [[nodiscard]] const std::filesystem::path& file() const { return file_; }
  /// From 1; 0 when no line is to blame.
  [[nodiscard]] int line() const { return line_; }
  /// What the user should do now, as a sentence or a command; may be empty.
  [[nodiscard]] const std::string& next() const { return next_; }

 private:
  ErrorCode code_;
  std::filesystem::path file_;
  int line_ = 0;
  std::string next_;
};

}  // namespace belay::versions

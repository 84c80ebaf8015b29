#pragma once

#include <filesystem>
#include <stdexcept>
#include <string>

#include "journal/lsn.h"

namespace belay::journal {

enum class ErrorCode {
  not_found,       ///< There is no journal at this path.
  unavailable,     ///< It cannot be opened, created or written: permissions, a directory in its place, an I/O error.
  no_space,        ///< The disk, or the address space that this process may use, is full.
  damaged,         ///< A checksum, the sequence, the chain or the file's size does not fit. It is never acted on.
  newer_format,    ///< Written by a later version of belay.
  foreign,         ///< It belongs to another database.
  unfinished_run,  ///< `begin` while a run is open: restart has to look at that one first.
  locked,          ///< Another process holds the lock.
  interrupted,     ///< Waiting for the lock was stopped.
};

/// What is wrong with the journal or its lock. `what()` is a sentence without its place.
class Error : public std::runtime_error {
 public:
  Error(ErrorCode code, const std::string& message, std::filesystem::path file = {}, Lsn lsn = {})
      : std::runtime_error(message), code_(code), file_(std::move(file)), lsn_(lsn) {}

  [[nodiscard]] ErrorCode code() const { return code_; }
  [[nodiscard]] const std::filesystem::path& file() const { return file_; }
  /// The record to blame, or none.
  [[nodiscard]] Lsn lsn() const { return lsn_; }
  /// Whether a run was under way: what has become of it the next one finds out.
  [[nodiscard]] bool in_run() const { return in_run_; }
  void set_in_run() { in_run_ = true; }

 private:
  ErrorCode code_;
  std::filesystem::path file_;
  Lsn lsn_;
  bool in_run_ = false;
};

}  // namespace belay::journal

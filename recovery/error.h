#pragma once

#include <stdexcept>
#include <string>

namespace belay::recovery {

enum class ErrorCode {
  foreign,         ///< Journal and database do not belong together, or one of the two was restored, edited or swapped.
  journal_lost,    ///< The database has a journal somewhere, and it is not where it should be.
  in_doubt,        ///< An interrupted step can be neither proved done, nor undone, nor repeated: a person decides.
  foreign_writes,  ///< Others have written since, or nothing proves that they have not: before-images would destroy it.
  no_images,       ///< The before-images are no longer kept, or never were.
  drift,           ///< The version table and the scripts disagree.
  no_backup,       ///< There is no such backup, or none at all.
  backup_damaged,  ///< A backup is not what its manifest says: it is never restored.
  newer_backup,    ///< A later version of belay has made it.
  database_damaged,  ///< The database itself is corrupt: a copy of it would be no backup.
  ambiguous,         ///< What is there fits several states, and nothing singles one out.
  unknown_schema,    ///< The schema is not one that the scripts make.
  half_applied,      ///< The schema is that of a point within a revision.
  unfinished_run,    ///< A run was interrupted, and has to be settled first.
  not_applicable,    ///< What was asked for makes no sense in the present state.
  pending,           ///< Revisions are not applied yet, so that the database cannot be compared.
  ambiguous_rename,  ///< Something goes and something comes: it may be a rename, and nobody has said so.
  data_dependent,    ///< A change that the rows that are there do not fit.
  destructive,       ///< Something would be lost that nobody has allowed to be dropped.
  unprovable         ///< No script can be proven to do what is wanted.
};

/// Why a run was not even begun. Nothing was changed. `what()` is a sentence.
class Error : public std::runtime_error {
 public:
  Error(ErrorCode code, const std::string& message) : std::runtime_error(message), code_(code) {}

  Error& at(std::string file) {
    file_ = std::move(file);
    return *this;
  }
  Error& next(std::string next) {
    next_ = std::move(next);
    return *this;
  }

  [[nodiscard]] ErrorCode code() const { return code_; }
  /// The file to blame, or empty.
  [[nodiscard]] const std::string& file() const { return file_; }
  /// What to do now.
  [[nodiscard]] const std::string& next() const { return next_; }

 private:
  ErrorCode code_;
  std::string file_;
  std::string next_;
};

}  // namespace belay::recovery

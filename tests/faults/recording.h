#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace belay::faults {

enum class OperationKind : char {
  create = 'c',  ///< Of a file, empty.
  write = 'w',
  truncate = 't',  ///< To `offset` bytes; also when that is more than there were.
  sync = 's',      ///< Of a file, or of a folder's entries.
  remove = 'u',    ///< Of a name: unlink, rmdir.
  rename = 'r',    ///< Of `path` to `second`.
  link = 'l',      ///< A second name `second` of `path`.
  folder = 'd',    ///< A folder is made.
  said = 'a',      ///< Something was told to the user (`data`): no operation on a file.
};

/// A call of a recorded run that changed a file of the folder, or made a change durable.
struct Operation {
  OperationKind kind = OperationKind::write;
  bool durable = false;     ///< A write: it was synced by itself (O_DSYNC).
  bool failed = false;      ///< A sync: it gave an error, and what waited may be lost although a later one succeeds.
  std::uint64_t inode = 0;  ///< Of the file or folder; only `create` and `folder` may bring a number back.
  std::string path{};       ///< Relative to the folder, "" for itself; as it was when the file was opened.
  std::string second{};
  std::int64_t offset = 0;
  std::int64_t modified_ns = 0;
  std::string data{};
};

/// For people: `write of 4096 bytes at 8192 to app.db`.
std::string describe(const Operation& operation);

/// @throws std::runtime_error when it is not one.
std::vector<Operation> read_recording(std::string_view recording);

}  // namespace belay::faults

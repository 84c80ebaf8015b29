#include "tests/faults/recording.h"

#include <fmt/format.h>

#include <cstring>
#include <stdexcept>

#include "tests/faults/control.h"

namespace belay::faults {
namespace {

/// Takes bytes from the front.
class Reader {
 public:
  explicit Reader(std::string_view bytes) : bytes_(bytes) {}

  [[nodiscard]] bool done() const { return bytes_.empty(); }
  std::string_view take(std::size_t size) {
    if (bytes_.size() < size) throw std::runtime_error("a recording ends within an operation");
    const auto taken = bytes_.substr(0, size);
    bytes_.remove_prefix(size);
    return taken;
  }

 private:
  std::string_view bytes_;
};

OperationKind known(char kind) {
  if (kind == '\0' || std::string_view("cwtsurlda").find(kind) == std::string_view::npos)
    throw std::runtime_error("a recording has an operation of an unknown kind");
  return static_cast<OperationKind>(kind);
}

Operation read_operation(Reader& reader) {
  OperationHeader header;
  std::memcpy(&header, reader.take(sizeof header).data(), sizeof header);
  Operation operation;
  operation.kind = known(header.kind);
  const bool is_sync = operation.kind == OperationKind::sync;
  operation.durable = header.durable && !is_sync;
  operation.failed = header.durable && is_sync;
  operation.inode = header.inode;
  operation.offset = header.offset;
  operation.modified_ns = header.modified_ns;
  operation.path = reader.take(header.path_size);
  operation.second = reader.take(header.second_size);
  operation.data = reader.take(header.data_size);
  return operation;
}

}  // namespace

std::string describe(const Operation& operation) {
  const std::string path = operation.path.empty() ? "the folder" : operation.path;
  switch (operation.kind) {
    case OperationKind::create:
      return "creation of " + path;
    case OperationKind::write:
      return fmt::format("{}write of {} bytes at {} to {}", operation.durable ? "synced " : "", operation.data.size(),
                         operation.offset, path);
    case OperationKind::truncate:
      return fmt::format("truncation of {} to {} bytes", path, operation.offset);
    case OperationKind::sync:
      return fmt::format("{}sync of {}", operation.failed ? "failed " : "", path);
    case OperationKind::remove:
      return "removal of " + path;
    case OperationKind::rename:
      return fmt::format("rename of {} to {}", path, operation.second);
    case OperationKind::link:
      return fmt::format("link of {} as {}", path, operation.second);
    case OperationKind::folder:
      return "creation of the folder " + path;
    case OperationKind::said:
      return fmt::format("message `{}`", operation.data);
  }
  throw std::logic_error("a kind of operation");
}

std::vector<Operation> read_recording(std::string_view recording) {
  std::vector<Operation> operations;
  for (Reader reader(recording); !reader.done();) operations.push_back(read_operation(reader));
  return operations;
}

}  // namespace belay::faults

#pragma once

#include <cstddef>

namespace belay::journal {

/// A shared, read-only mapping of a file into this process.
///
/// What was read through it counts as this process's memory until the mapping lets go of it, though the kernel may keep
/// it. Letting go is what makes memory independent of how much of a file is read.
class MappedMemory {
 public:
  /// None: letting go does nothing.
  MappedMemory() = default;

  /// The mapping that `address` lies in, as the kernel tells; none where it does not, or where writing it could lose
  /// anything.
  static MappedMemory around(const void* address);

  explicit operator bool() const { return begin_ != nullptr; }

  /// What was read stays valid: it is read again where it is needed again. A small mapping is kept.
  void let_go() const;

 private:
  MappedMemory(void* begin, std::size_t size) : begin_(begin), size_(size) {}

  void* begin_ = nullptr;
  std::size_t size_ = 0;
};

}  // namespace belay::journal

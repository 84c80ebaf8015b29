#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>

namespace belay::faults {

constexpr std::uint64_t sector_bytes = 512;  ///< What a disk writes whole or not at all.
constexpr std::uint64_t block_bytes = 4096;

/// What is on a disk: the blocks that are not all zero, by their number.
class DiskContent {
 public:
  using Block = std::array<char, block_bytes>;

  /// Puts the data there; both are multiples of a sector.
  void write(std::uint64_t offset, std::string_view data);

  [[nodiscard]] const std::map<std::uint64_t, Block>& blocks() const { return blocks_; }

 private:
  std::map<std::uint64_t, Block> blocks_;
};

/// A file that is in memory alone and gone with the last who has it open; mapped, and as sparse as it can be.
class MemoryFile {
 public:
  /// @throws std::system_error
  MemoryFile(const char* name, std::uint64_t size);
  MemoryFile(const MemoryFile&) = delete;
  MemoryFile& operator=(const MemoryFile&) = delete;
  ~MemoryFile();

  [[nodiscard]] int descriptor() const { return descriptor_; }
  [[nodiscard]] std::uint64_t size() const { return size_; }
  [[nodiscard]] char* data() const { return data_; }
  /// By which programs that this process starts can open it.
  [[nodiscard]] std::string path() const;

  [[nodiscard]] DiskContent content() const;
  /// Makes it have this content. Touches only what differs: quick, when little does.
  void become(const DiskContent& wanted);

 private:
  /// Calls `act` with the number of each block that takes up memory.
  template <typename Act>
  void each_block(Act act) const;

  int descriptor_ = -1;
  std::uint64_t size_;
  char* data_ = nullptr;
};

}  // namespace belay::faults
